/* SPDX-License-Identifier: MIT */
#include "renorm.h"

#include "allocate.h"

#include <math.h>

static long double running_invstd(double running_var, double epsilon)
{
    const long double sum = (long double)running_var + epsilon;
    return sum > 0 ? 1 / sqrtl(sum) : 0;
}

static long double clip(long double v, long double least, long double most)
{
    return v > most ? most : v < least ? least : v;
}

struct corrections reference_corrections(const struct statistics *s, const double *running_mean, const double *running_var,
                                         double epsilon, double r_max, double d_max)
{
    struct corrections corrections = { expected_create(s->channels), expected_create(s->channels) };
    for (size_t c = 0; c < s->channels; c++) {
        const long double invstd = running_invstd(running_var[c], epsilon), of_batch = s->invstd.value[c];
        const long double mean = s->mean.value[c] + s->mean_rest[c], r = of_batch > 0 ? invstd / of_batch : 0;
        corrections.r.value[c] = clip(r, 1 / (long double)r_max, r_max);
        corrections.d.value[c] = clip((mean - running_mean[c]) * invstd, -d_max, d_max);
        corrections.r.magnitude[c] = corrections.r.value[c];
        corrections.d.magnitude[c] = fabsl(corrections.d.value[c]);
    }
    return corrections;
}

/* r has the relative error of the batch's invstd, d that of its mean before it is rounded; both have that of the running invstd, a quotient
 * or product in higher precision, and their own rounding: together two. */
void bound_corrections(struct arithmetic arithmetic, const struct statistics *s, const double *running_var, double epsilon,
                       struct corrections *corrections)
{
    const long double u = arithmetic.unit_roundoff;
    corrections->r.bound = allocate(s->channels, sizeof(long double));
    corrections->d.bound = allocate(s->channels, sizeof(long double));
    for (size_t c = 0; c < s->channels; c++) {
        const long double of_batch = s->invstd.value[c], relative = of_batch > 0 ? s->invstd.bound[c] / of_batch : 0;
        const long double mean_error = unrounded_mean_error(arithmetic, s, c);
        corrections->r.bound[c] = (relative + 2 * u) * corrections->r.magnitude[c];
        corrections->d.bound[c] = mean_error * running_invstd(running_var[c], epsilon) + 2 * u * corrections->d.magnitude[c];
    }
}

void corrections_free(struct corrections *corrections)
{
    expected_free(&corrections->r);
    expected_free(&corrections->d);
}

double *corrected_gamma(size_t channels, clbn_type real, clbn_type parameters, const double *gamma, const double *r)
{
    double *corrected = allocate(channels, sizeof *corrected);
    for (size_t c = 0; c < channels; c++) {
        const long double product = (long double)(gamma != NULL ? gamma[c] : 1) * r[c];
        corrected[c] = rounded_to(parameters, rounded_to(real, (double)product));
    }
    return corrected;
}

double *corrected_beta(size_t channels, clbn_type real, clbn_type parameters, const double *gamma, const double *beta,
                       const double *d)
{
    double *corrected = allocate(channels, sizeof *corrected);
    for (size_t c = 0; c < channels; c++) {
        const long double shift = (long double)(gamma != NULL ? gamma[c] : 1) * d[c] + (beta != NULL ? beta[c] : 0);
        corrected[c] = rounded_to(parameters, rounded_to(real, (double)shift));
    }
    return corrected;
}

/* Each sum is rounded to what is computed in, and to a parameter where that is smaller; then their combination is. */
void correct_gradients(struct arithmetic arithmetic, long double stored_roundoff, const double *r, const double *d,
                       struct expected *dgamma, struct expected *dbeta)
{
    const long double u = arithmetic.unit_roundoff, stored = u + stored_roundoff;
    for (size_t c = 0; c < dgamma->count; c++) {
        const long double of_xhat = fabsl(dgamma->value[c]), of_g = fabsl(dbeta->value[c]);
        dbeta->bound[c] += stored * (of_g + dbeta->bound[c]);
        dgamma->bound[c] =
            fabsl(r[c]) * (dgamma->bound[c] + stored * (of_xhat + dgamma->bound[c])) + fabsl(d[c]) * dbeta->bound[c];
        dgamma->value[c] = r[c] * dgamma->value[c] + d[c] * dbeta->value[c];
        dgamma->magnitude[c] = fabsl(r[c]) * dgamma->magnitude[c] + fabsl(d[c]) * dbeta->magnitude[c];
        dgamma->bound[c] += u * fabsl(dgamma->value[c]);
    }
}
