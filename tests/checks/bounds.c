/* SPDX-License-Identifier: MIT */
#include "bounds.h"

#include "allocate.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Roundings between the statistics and an element of y or dx, at most: of a difference, of a product, of the coefficients
 * (scale and shift, or gain, slope and shift: two each), of one or two fused multiply-adds. */
static const long double element_roundings = 6;

/* h of bounds.h. */
static long double sum_depth(size_t values)
{
    const long double depth = 64 + 16 + 4;
    return (long double)values < depth ? (long double)values : depth;
}

static long double deviation_of(const struct statistics *statistics, size_t channel)
{
    return sqrtl(statistics->variance.value[channel]);
}

/*
 * The mean is pivot + sum (x - pivot) / n: one rounding for each difference and h for the sum, of mean |x - pivot|. A chunk of
 * n values, D away from the mean of the values before it, which are at least as many, adds M2 + n D^2 / 2 or more to the
 * channel's sum of squares. So mean |x - pivot| <= sqrt(mean (x - pivot)^2) <= sqrt(2) deviations. Merging adds some u^2
 * |mean|.
 */
long double unrounded_mean_error(struct arithmetic arithmetic, const struct statistics *statistics, size_t channel)
{
    long double u = arithmetic.unit_roundoff;
    long double h = sum_depth(statistics->values_per_channel);
    return (h + 1) * u * sqrtl(2) * deviation_of(statistics, channel) + 16 * u * u * statistics->mean.magnitude[channel];
}

/*
 * Relative. Each square has three roundings (two of the doubled difference, one of its own), the sum h; around pivots less
 * than a deviation away, its terms add up to no more than twice the result. Where chunks drift, an error of sum (x - pivot),
 * as above, is multiplied by twice the distance of chunk and pivot, and adds 2 sqrt(2) h.
 */
static long double variance_error(struct arithmetic arithmetic, size_t values)
{
    long double h = sum_depth(values);
    return arithmetic.unit_roundoff * (2 * (h + 3) + (arithmetic.drifting ? 3 * h : 0));
}

/* Relative, before rounding: 1/sqrt halves the relative error of variance + epsilon. */
static long double unrounded_invstd_error(const struct statistics *statistics, size_t channel)
{
    long double invstd = statistics->invstd.value[channel];
    return statistics->variance.bound[channel] * invstd * invstd / 2;
}

static long double *bounds_of(struct expected *expected)
{
    if (expected->bound == NULL)
        expected->bound = allocate(expected->count, sizeof *expected->bound);
    return expected->bound;
}

void bound_statistics(struct arithmetic arithmetic, struct statistics *statistics)
{
    long double u = arithmetic.unit_roundoff;
    long double *mean = bounds_of(&statistics->mean);
    long double *variance = bounds_of(&statistics->variance);
    long double *invstd = bounds_of(&statistics->invstd);
    for (size_t c = 0; c < statistics->channels; c++) {
        mean[c] = unrounded_mean_error(arithmetic, statistics, c) + u * fabsl(statistics->mean.value[c]);
        variance[c] = variance_error(arithmetic, statistics->values_per_channel) * statistics->variance.value[c];
        invstd[c] = (unrounded_invstd_error(statistics, c) + u) * statistics->invstd.value[c];
    }
}

void bound_storage(long double type_roundoff, struct expected *stored)
{
    for (size_t i = 0; i < stored->count; i++)
        stored->bound[i] += type_roundoff * (fabsl(stored->value[i]) + stored->bound[i]);
}

void bound_exact(struct expected *exact)
{
    bounds_of(exact);
}

void bound_given_statistics(struct statistics *statistics)
{
    bounds_of(&statistics->mean);
    bounds_of(&statistics->variance);
    bounds_of(&statistics->invstd);
}

/* The mean that y and dx are computed with has the bits that the saved one was rounded to lose. */
static long double working_mean_error(const struct statistics *statistics, struct arithmetic arithmetic, size_t channel)
{
    bool given = statistics->mean.bound[channel] == 0;
    return given ? 0 : unrounded_mean_error(arithmetic, statistics, channel);
}

void bound_output(struct arithmetic arithmetic, const struct shape *shape, const struct statistics *statistics,
                  const double *gamma, const double *beta, const double *z, struct expected *y)
{
    long double u = arithmetic.unit_roundoff;
    long double roundings = element_roundings + (z != NULL ? 1 : 0);
    long double *bound = bounds_of(y);
    for (size_t i = 0; i < y->count; i++) {
        size_t c = shape_channel_of(shape, i);
        long double scale = (gamma != NULL ? fabsl(gamma[c]) : 1) * statistics->invstd.value[c];
        long double shift = (beta != NULL ? fabsl(beta[c]) : 0) + (z != NULL ? fabsl(z[i]) : 0);
        /* The rounded mean is off by up to u |mean|; what is computed with it carries that, too, to be taken back by the
         * shift. */
        long double carried = scale * u * fabsl(statistics->mean.value[c]);
        bound[i] = roundings * u * (y->magnitude[i] + carried) +
                   unrounded_invstd_error(statistics, c) * (y->magnitude[i] - shift) +
                   scale * working_mean_error(statistics, arithmetic, c);
    }
}

/* The rounding of invstd is of what x - mean is multiplied by. */
void bound_argument(struct arithmetic arithmetic, const struct shape *shape, const struct statistics *statistics,
                    const double *gamma, const double *beta, const double *z, struct expected *a)
{
    bound_output(arithmetic, shape, statistics, gamma, beta, z, a);
    for (size_t i = 0; i < a->count; i++) {
        size_t c = shape_channel_of(shape, i);
        long double scale = (gamma != NULL ? fabsl(gamma[c]) : 1) * statistics->invstd.value[c];
        a->bound[i] += scale * statistics->mean.bound[c] + arithmetic.unit_roundoff * a->magnitude[i];
    }
}

void bound_accumulated(struct arithmetic arithmetic, const double *old, double factor, struct expected *gradient)
{
    for (size_t i = 0; i < gradient->count; i++) {
        gradient->value[i] += (long double)factor * old[i];
        gradient->magnitude[i] += fabsl((long double)factor * old[i]);
        gradient->bound[i] += arithmetic.unit_roundoff * (fabsl(gradient->value[i]) + gradient->bound[i]);
    }
}

void bound_folded(struct arithmetic arithmetic, unsigned roundings, struct expected *folded)
{
    const long double u = arithmetic.unit_roundoff;
    long double *bound = bounds_of(folded);
    for (size_t i = 0; i < folded->count; i++)
        bound[i] = roundings * u * fabsl(folded->value[i]) + (32 * u * u + 8 * LDBL_EPSILON) * folded->magnitude[i];
}

/* Roundings of 1 - f, the two products and the sum, and one of m/(m-1). */
void bound_running(struct arithmetic arithmetic, const struct expected *batch, double batch_weight, struct expected *updated)
{
    long double *bound = bounds_of(updated);
    for (size_t c = 0; c < updated->count; c++)
        bound[c] = 5 * arithmetic.unit_roundoff * updated->magnitude[c] + fabsl(batch_weight * batch->bound[c]);
}

/* What the gradients' bounds share of one channel. */
struct channel_errors {
    long double scale;  /* |gamma| invstd */
    long double invstd; /* relative error of the invstd that is used */
    long double offset; /* xhat of the used mean, which is off by its rounding */
    long double repair; /* absolute error of mean xhat, from which the offset is known */
    long double g;      /* sums of what the terms' own errors make of g and of g xhat */
    long double g_xhat;
};

static struct channel_errors errors_of(struct arithmetic arithmetic, const struct statistics *statistics, const double *gamma,
                                       enum statistics_source source, size_t channel)
{
    long double u = arithmetic.unit_roundoff;
    long double h = sum_depth(statistics->values_per_channel);
    long double invstd = statistics->invstd.value[channel];
    struct channel_errors errors = { 0, 0, 0, 0, 0, 0 };
    errors.scale = (gamma != NULL ? fabsl(gamma[channel]) : 1) * invstd;
    errors.invstd = u + (source == STATISTICS_RECOMPUTED ? unrounded_invstd_error(statistics, channel) : 0);
    errors.offset = source == STATISTICS_FROZEN ? 0 : invstd * statistics->mean.bound[channel];
    errors.repair = source == STATISTICS_FROZEN ? 0 : (h + 2) * u * (invstd * statistics->deviation[channel] + errors.offset);
    return errors;
}

/* What xhat from y sums up to comes from y's rounding, and is no offset: it may be taken away, which is nearer to the truth,
 * or not. */
static void add_errors_of_output(struct arithmetic arithmetic, const struct shape *shape, const struct terms *terms,
                                 struct channel_errors *errors)
{
    long double m = (long double)shape_values_per_channel(shape);
    long double roundings = (sum_depth(shape_values_per_channel(shape)) + 2) * arithmetic.unit_roundoff;
    size_t channels = shape_channels(shape);
    long double *sums = allocate(channels, sizeof *sums);
    for (size_t c = 0; c < channels; c++)
        errors[c].offset = errors[c].repair = 0;
    for (size_t i = 0; i < terms->xhat.count; i++) {
        size_t c = shape_channel_of(shape, i);
        sums[c] += terms->xhat.value[i];
        errors[c].repair += (roundings * fabsl(terms->xhat.value[i]) + terms->xhat.bound[i]) / m;
    }
    for (size_t c = 0; c < channels; c++)
        errors[c].repair += fabsl(sums[c]) / m;
    free(sums);
}

static void add_errors_of_terms(const struct shape *shape, const struct terms *terms, struct channel_errors *errors)
{
    for (size_t i = 0; i < terms->g.count; i++) {
        struct channel_errors *own = &errors[shape_channel_of(shape, i)];
        own->g += terms->g.bound[i];
        own->g_xhat +=
            terms->g.bound[i] * (fabsl(terms->xhat.value[i]) + own->offset) + fabsl(terms->g.value[i]) * terms->xhat.bound[i];
    }
}

/*
 * dbeta: a sum with one rounding at the end. dgamma: a sum of g xhat, three roundings each, from which mean xhat times dbeta
 * is taken; both contain the offset, which cancels but for their rounding.
 */
static void bound_sums(struct arithmetic arithmetic, const struct channel_errors *errors, size_t values, size_t channel,
                       struct gradients *gradients)
{
    long double u = arithmetic.unit_roundoff;
    long double h = sum_depth(values);
    long double g_magnitude = gradients->dbeta.magnitude[channel];
    gradients->dbeta.bound[channel] = h * u * g_magnitude + u * fabsl(gradients->dbeta.value[channel]) + errors->g;
    gradients->dgamma.bound[channel] = (h + 3) * u * (gradients->dgamma.magnitude[channel] + 2 * errors->offset * g_magnitude) +
                                       errors->repair * fabsl(gradients->dbeta.value[channel]) +
                                       (errors->invstd + u) * gradients->dgamma.magnitude[channel] + errors->g_xhat;
}

static long double dx_bound(struct arithmetic arithmetic, const struct channel_errors *errors, size_t values,
                            const struct terms *terms, const struct gradients *gradients, size_t i, size_t channel)
{
    long double m = (long double)values;
    long double slope = fabsl(gradients->dgamma.value[channel]) / m;
    long double roundings = element_roundings * arithmetic.unit_roundoff;
    long double xhat = fabsl(terms->xhat.value[i]);
    /* invstd enters gain, xhat and dgamma */
    return (roundings + 3 * errors->invstd) * gradients->dx.magnitude[i] +
           errors->scale * (gradients->dbeta.bound[channel] / m + xhat * gradients->dgamma.bound[channel] / m +
                            (roundings * errors->offset + errors->repair + terms->xhat.bound[i]) * slope + terms->g.bound[i]);
}

void bound_gradients(struct arithmetic arithmetic, const struct shape *shape, const struct terms *terms,
                     const struct statistics *statistics, const double *gamma, enum statistics_source source,
                     struct gradients *gradients)
{
    size_t values = statistics->values_per_channel;
    struct channel_errors *errors = allocate(statistics->channels, sizeof *errors);
    bounds_of(&gradients->dx);
    bounds_of(&gradients->dgamma);
    bounds_of(&gradients->dbeta);
    for (size_t c = 0; c < statistics->channels; c++)
        errors[c] = errors_of(arithmetic, statistics, gamma, source, c);
    if (terms->from_output && source != STATISTICS_FROZEN)
        add_errors_of_output(arithmetic, shape, terms, errors);
    add_errors_of_terms(shape, terms, errors);
    for (size_t c = 0; c < statistics->channels; c++)
        bound_sums(arithmetic, &errors[c], values, c, gradients);
    for (size_t i = 0; i < gradients->dx.count; i++) {
        size_t c = shape_channel_of(shape, i);
        gradients->dx.bound[i] = source == STATISTICS_FROZEN
                                     ? element_roundings * arithmetic.unit_roundoff * gradients->dx.magnitude[i] +
                                           errors[c].scale * terms->g.bound[i]
                                     : dx_bound(arithmetic, &errors[c], values, terms, gradients, i, c);
    }
    free(errors);
}
