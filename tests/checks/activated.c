/* SPDX-License-Identifier: MIT */
#include "activated.h"

#include "allocate.h"

#include <math.h>

void activate(const struct activation *activation, long double u, struct expected *a)
{
    if (activation->function == CLBN_ACTIVATION_NONE)
        return;
    for (size_t i = 0; i < a->count; i++) {
        long double argument = a->value[i];
        a->bound[i] = activation_value_error(activation, u, argument, a->bound[i]);
        a->value[i] = activation_value(activation, argument);
        a->magnitude[i] = fabsl(activation_slope(activation, argument)) * a->magnitude[i] + fabsl(a->value[i]);
    }
}

struct terms terms_create(size_t count)
{
    struct terms terms = { expected_create(count), expected_create(count), false };
    terms.g.bound = allocate(count, sizeof *terms.g.bound);
    terms.xhat.bound = allocate(count, sizeof *terms.xhat.bound);
    return terms;
}

void terms_free(struct terms *terms)
{
    expected_free(&terms->g);
    expected_free(&terms->xhat);
}

static void set_g(struct terms *terms, size_t i, double dy, long double slope, long double slope_error, long double u)
{
    terms->g.value[i] = slope * dy;
    terms->g.magnitude[i] = fabsl(slope * dy);
    terms->g.bound[i] = fabsl(slope_error * dy) + u * fabsl(slope * dy);
}

void terms_from_argument(const struct activation *activation, long double u, const double *dy, const struct expected *a,
                         struct terms *terms)
{
    for (size_t i = 0; i < terms->g.count; i++)
        if (activation->function == CLBN_ACTIVATION_NONE)
            set_g(terms, i, dy[i], 1, 0, 0);
        else
            set_g(terms, i, dy[i], activation_slope(activation, a->value[i]),
                  activation_slope_error(activation, u, a->value[i], a->bound[i]), u);
}

void terms_from_output(const struct activation *activation, long double u, const double *dy, const double *y,
                       struct terms *terms)
{
    for (size_t i = 0; i < terms->g.count; i++)
        set_g(terms, i, dy[i], activation_slope_at_output(activation, y[i]),
              activation_slope_error_at_output(activation, u, y[i]), u);
}

void normalize_input(const struct shape *shape, const double *x, const struct statistics *statistics, struct terms *terms)
{
    for (size_t i = 0; x != NULL && i < terms->xhat.count; i++) {
        size_t c = shape_channel_of(shape, i);
        terms->xhat.value[i] = difference_from_mean(statistics, c, x[i]) * statistics->invstd.value[c];
    }
}

/* The subtraction and a division, or a product with a quotient. */
void normalize_output(const struct shape *shape, const struct activation *activation, long double u, const double *y,
                      const double *gamma, const double *beta, struct terms *terms)
{
    terms->from_output = true;
    for (size_t i = 0; i < terms->xhat.count; i++) {
        size_t c = shape_channel_of(shape, i);
        long double scale = gamma != NULL ? gamma[c] : 1;
        if (fpclassify(scale) == FP_ZERO)
            continue;
        long double difference = activation_inverse(activation, y[i]) - (beta != NULL ? beta[c] : 0);
        long double error = activation_inverse_error(activation, u, y[i]);
        terms->xhat.value[i] = difference / scale;
        terms->xhat.bound[i] = (error + 8 * u * fabsl(difference)) / fabsl(scale);
    }
}
