/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include "allocate.h"

#include <math.h>
#include <stdlib.h>

/* A sum and what its additions have lost (Neumaier 1974): the error does not grow with the number of terms. */
struct sum {
    long double total;
    long double lost;
};

static void sum_add(struct sum *sum, long double term)
{
    long double total = sum->total + term;
    if (fabsl(sum->total) >= fabsl(term))
        sum->lost += (sum->total - total) + term;
    else
        sum->lost += (term - total) + sum->total;
    sum->total = total;
}

static long double sum_value(const struct sum *sum)
{
    return isfinite(sum->total) ? sum->total + sum->lost : sum->total;
}

struct expected expected_create(size_t count)
{
    struct expected expected = { count, allocate(count, sizeof(long double)), allocate(count, sizeof(long double)), NULL };
    return expected;
}

void expected_free(struct expected *expected)
{
    free(expected->value);
    free(expected->magnitude);
    free(expected->bound);
}

void statistics_free(struct statistics *statistics)
{
    free(statistics->deviation);
    free(statistics->mean_rest);
    expected_free(&statistics->mean);
    expected_free(&statistics->variance);
    expected_free(&statistics->invstd);
}

void gradients_free(struct gradients *gradients)
{
    expected_free(&gradients->dx);
    expected_free(&gradients->dgamma);
    expected_free(&gradients->dbeta);
}

static struct statistics statistics_create(const struct shape *shape)
{
    struct statistics statistics;
    statistics.channels = shape_channels(shape);
    statistics.values_per_channel = shape_values_per_channel(shape);
    statistics.deviation = allocate(statistics.channels, sizeof(long double));
    statistics.mean_rest = allocate(statistics.channels, sizeof(long double));
    statistics.mean = expected_create(statistics.channels);
    statistics.variance = expected_create(statistics.channels);
    statistics.invstd = expected_create(statistics.channels);
    return statistics;
}

static void compute_invstd(struct statistics *statistics, double epsilon)
{
    for (size_t c = 0; c < statistics->channels; c++) {
        long double variance = statistics->variance.value[c] + epsilon;
        long double invstd = variance == 0 ? 0 : 1 / sqrtl(variance);
        statistics->invstd.value[c] = invstd;
        statistics->invstd.magnitude[c] = invstd;
    }
}

long double difference_from_mean(const struct statistics *statistics, size_t channel, double x)
{
    return (x - statistics->mean.value[channel]) - statistics->mean_rest[channel];
}

static void compute_mean_rests(struct statistics *statistics, const struct shape *shape, const double *x)
{
    struct sum *sums = allocate(statistics->channels, sizeof *sums);
    for (size_t i = 0; i < shape_elements(shape); i++) {
        size_t c = shape_channel_of(shape, i);
        sum_add(&sums[c], x[i] - statistics->mean.value[c]);
    }
    for (size_t c = 0; c < statistics->channels; c++)
        statistics->mean_rest[c] = sum_value(&sums[c]) / (long double)statistics->values_per_channel;
    free(sums);
}

static void compute_means(struct statistics *statistics, const struct shape *shape, const double *x)
{
    long double m = (long double)statistics->values_per_channel;
    struct sum *sums = allocate(statistics->channels, sizeof *sums);
    struct sum *magnitudes = allocate(statistics->channels, sizeof *magnitudes);
    for (size_t i = 0; i < shape_elements(shape); i++) {
        size_t c = shape_channel_of(shape, i);
        sum_add(&sums[c], x[i]);
        sum_add(&magnitudes[c], fabsl(x[i]));
    }
    for (size_t c = 0; c < statistics->channels; c++) {
        statistics->mean.value[c] = sum_value(&sums[c]) / m;
        statistics->mean.magnitude[c] = sum_value(&magnitudes[c]) / m;
    }
    free(sums);
    free(magnitudes);
}

static void compute_variances(struct statistics *statistics, const struct shape *shape, const double *x)
{
    long double m = (long double)statistics->values_per_channel;
    struct sum *squares = allocate(statistics->channels, sizeof *squares);
    struct sum *deviations = allocate(statistics->channels, sizeof *deviations);
    for (size_t i = 0; i < shape_elements(shape); i++) {
        size_t c = shape_channel_of(shape, i);
        long double difference = difference_from_mean(statistics, c, x[i]);
        sum_add(&squares[c], difference * difference);
        sum_add(&deviations[c], fabsl(difference));
    }
    for (size_t c = 0; c < statistics->channels; c++) {
        statistics->variance.value[c] = sum_value(&squares[c]) / m;
        statistics->variance.magnitude[c] = statistics->variance.value[c];
        statistics->deviation[c] = sum_value(&deviations[c]) / m;
    }
    free(squares);
    free(deviations);
}

struct statistics reference_statistics(const struct shape *shape, const double *x, double epsilon)
{
    struct statistics statistics = statistics_create(shape);
    compute_means(&statistics, shape, x);
    compute_mean_rests(&statistics, shape, x);
    compute_variances(&statistics, shape, x);
    compute_invstd(&statistics, epsilon);
    return statistics;
}

struct statistics reference_given_statistics(const struct shape *shape, const double *mean, const double *variance,
                                             double epsilon)
{
    struct statistics statistics = statistics_create(shape);
    for (size_t c = 0; c < statistics.channels; c++) {
        statistics.mean.value[c] = mean != NULL ? mean[c] : 0;
        statistics.mean.magnitude[c] = fabsl(statistics.mean.value[c]);
        statistics.variance.value[c] = variance[c];
        statistics.variance.magnitude[c] = variance[c];
    }
    compute_invstd(&statistics, epsilon);
    return statistics;
}

struct expected reference_output(const struct shape *shape, const double *x, const struct statistics *statistics,
                                 const double *gamma, const double *beta, const double *z)
{
    struct expected y = expected_create(shape_elements(shape));
    for (size_t i = 0; i < y.count; i++) {
        size_t c = shape_channel_of(shape, i);
        long double difference = difference_from_mean(statistics, c, x[i]);
        long double scale = (gamma != NULL ? gamma[c] : 1) * statistics->invstd.value[c];
        long double shift = beta != NULL ? beta[c] : 0;
        long double residual = z != NULL ? z[i] : 0;
        y.value[i] = scale * difference + shift + residual;
        y.magnitude[i] = fabsl(scale) * (fabsl(difference) + statistics->deviation[c]) + fabsl(shift) + fabsl(residual);
    }
    return y;
}

struct expected reference_folded_weights(const struct shape *shape, const double *weights, const struct statistics *statistics,
                                         const double *gamma)
{
    struct expected folded = expected_create(shape_elements(shape));
    for (size_t i = 0; i < folded.count; i++) {
        size_t c = shape_channel_of(shape, i);
        folded.value[i] = (gamma != NULL ? gamma[c] : 1) * statistics->invstd.value[c] * weights[i];
        folded.magnitude[i] = fabsl(folded.value[i]);
    }
    return folded;
}

struct expected reference_folded_bias(const double *bias, const struct statistics *statistics, const double *gamma,
                                      const double *beta)
{
    struct expected folded = expected_create(statistics->channels);
    for (size_t c = 0; c < folded.count; c++) {
        long double scale = (gamma != NULL ? gamma[c] : 1) * statistics->invstd.value[c];
        long double difference = (bias != NULL ? bias[c] : 0) - statistics->mean.value[c];
        long double shift = beta != NULL ? beta[c] : 0;
        folded.value[c] = scale * difference + shift;
        folded.magnitude[c] = fabsl(scale * difference) + fabsl(shift);
    }
    return folded;
}

static struct expected running_update(const double *old, const struct expected *batch, long double batch_weight,
                                      double update_factor)
{
    long double factor = update_factor;
    struct expected updated = expected_create(batch->count);
    for (size_t c = 0; c < batch->count; c++) {
        long double kept = (1 - factor) * old[c];
        long double weight = factor * batch_weight;
        updated.value[c] = kept + weight * batch->value[c];
        updated.magnitude[c] = fabsl(kept) + weight * batch->magnitude[c];
    }
    return updated;
}

struct expected reference_running_mean(const struct statistics *statistics, const double *old, double update_factor)
{
    return running_update(old, &statistics->mean, 1, update_factor);
}

struct expected reference_running_var(const struct statistics *statistics, const double *old, double update_factor,
                                      bool unbiased)
{
    long double m = (long double)statistics->values_per_channel;
    return running_update(old, &statistics->variance, unbiased ? m / (m - 1) : 1, update_factor);
}

static void compute_sums(struct gradients *gradients, const struct shape *shape, const struct terms *terms)
{
    size_t channels = gradients->dbeta.count;
    struct sum *sums = allocate(4 * channels, sizeof *sums);
    for (size_t i = 0; i < shape_elements(shape); i++) {
        size_t c = shape_channel_of(shape, i);
        long double g = terms->g.value[i], product = g * terms->xhat.value[i];
        sum_add(&sums[c], g);
        sum_add(&sums[channels + c], fabsl(g));
        sum_add(&sums[2 * channels + c], product);
        sum_add(&sums[3 * channels + c], fabsl(product));
    }
    for (size_t c = 0; c < channels; c++) {
        gradients->dbeta.value[c] = sum_value(&sums[c]);
        gradients->dbeta.magnitude[c] = sum_value(&sums[channels + c]);
        gradients->dgamma.value[c] = sum_value(&sums[2 * channels + c]);
        gradients->dgamma.magnitude[c] = sum_value(&sums[3 * channels + c]);
    }
    free(sums);
}

static void compute_dx(struct gradients *gradients, const struct shape *shape, const struct terms *terms,
                       const struct statistics *statistics, const double *gamma)
{
    long double m = (long double)statistics->values_per_channel;
    for (size_t i = 0; i < gradients->dx.count; i++) {
        size_t c = shape_channel_of(shape, i);
        long double scale = (gamma != NULL ? gamma[c] : 1) * statistics->invstd.value[c];
        long double through_mean = gradients->dbeta.value[c] / m;
        long double g = terms->g.value[i], xhat = terms->xhat.value[i];
        long double sums = gradients->dbeta.magnitude[c] + fabsl(xhat) * gradients->dgamma.magnitude[c];
        gradients->dx.value[i] = scale * (g - through_mean - xhat * gradients->dgamma.value[c] / m);
        gradients->dx.magnitude[i] = fabsl(scale) * (fabsl(g) + sums / m);
    }
}

static void compute_frozen_dx(struct gradients *gradients, const struct shape *shape, const struct terms *terms,
                              const struct statistics *statistics, const double *gamma)
{
    for (size_t i = 0; i < gradients->dx.count; i++) {
        size_t c = shape_channel_of(shape, i);
        long double scale = (gamma != NULL ? gamma[c] : 1) * statistics->invstd.value[c];
        gradients->dx.value[i] = scale * terms->g.value[i];
        gradients->dx.magnitude[i] = fabsl(scale * terms->g.value[i]);
    }
}

struct gradients reference_gradients(const struct shape *shape, const struct terms *terms, const struct statistics *statistics,
                                     const double *gamma, bool frozen)
{
    struct gradients gradients = { expected_create(shape_elements(shape)), expected_create(statistics->channels),
                                   expected_create(statistics->channels) };
    compute_sums(&gradients, shape, terms);
    if (frozen)
        compute_frozen_dx(&gradients, shape, terms, statistics, gamma);
    else
        compute_dx(&gradients, shape, terms, statistics, gamma);
    return gradients;
}
