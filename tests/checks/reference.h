/* SPDX-License-Identifier: MIT */
/*
 * Batch normalization from the formulas: two passes, compensated sums in long double, one channel number per element.
 *
 * Tensors and vectors are double arrays: a float is exact in them. Each result has, beside its value, the sum of the
 * magnitudes of its terms, the natural unit for its rounding error; bounds.c makes bounds of them.
 */
#ifndef CLBN_TESTS_REFERENCE_H
#define CLBN_TESTS_REFERENCE_H

#include "tensor_shape.h"

#include <stdbool.h>

struct expected {
    size_t count;
    long double *value;
    long double *magnitude;
    long double *bound; /* of the absolute error; NULL until bounds.c computes it */
};

struct statistics {
    size_t channels;
    size_t values_per_channel; /* m */
    long double *deviation;    /* mean |x - mean| */
    long double *mean_rest;    /* what the mean has beyond the bits of mean.value */
    struct expected mean;      /* magnitude: mean |x| */
    struct expected variance;  /* biased */
    struct expected invstd;    /* 0 where variance + epsilon is 0 */
};

/* What the gradients are formed of, for each element, bounded: see activated.h. */
struct terms {
    struct expected g;    /* act'(.) dy */
    struct expected xhat; /* its bound: only what comes before the normalisation */
    bool from_output;     /* xhat is had back from y */
};

struct gradients {
    struct expected dx;     /* magnitude: |gamma invstd| (|g| + mean |g| + |xhat| mean |g xhat|), frozen: |gamma invstd g| */
    struct expected dgamma; /* magnitude: sum |g xhat| */
    struct expected dbeta;  /* magnitude: sum |g| */
};

/* The statistics of x. */
struct statistics reference_statistics(const struct shape *shape, const double *x, double epsilon);
/* Statistics that are given, as in inference; mean may be NULL: 0. */
struct statistics reference_given_statistics(const struct shape *shape, const double *mean, const double *variance,
                                             double epsilon);

/* gamma * xhat + beta + z, which is y where there is no activation. magnitude: |gamma invstd| (|x - mean| + mean |x - mean|) +
 * |beta| + |z|, where given statistics have mean |x - mean| = 0. gamma NULL: 1; beta, z NULL: 0. */
struct expected reference_output(const struct shape *shape, const double *x, const struct statistics *statistics,
                                 const double *gamma, const double *beta, const double *z);

/* What a layer's weights and bias become with a batch norm of given statistics folded into them. magnitude: of the weights theirs,
 * of the bias |gamma invstd| |bias - mean| + |beta|. bias NULL: 0. */
struct expected reference_folded_weights(const struct shape *shape, const double *weights, const struct statistics *statistics,
                                         const double *gamma);
struct expected reference_folded_bias(const double *bias, const struct statistics *statistics, const double *gamma,
                                      const double *beta);

/* (1-f) old + f mean, and (1-f) old + f variance, the variance times m/(m-1) if unbiased. */
struct expected reference_running_mean(const struct statistics *statistics, const double *old, double update_factor);
struct expected reference_running_var(const struct statistics *statistics, const double *old, double update_factor,
                                      bool unbiased);

/* x - mean, to a long double's precision even where the mean is large against the deviation. */
long double difference_from_mean(const struct statistics *statistics, size_t channel, double x);

/* Gradients of the output; frozen: the statistics are constants. */
struct gradients reference_gradients(const struct shape *shape, const struct terms *terms, const struct statistics *statistics,
                                     const double *gamma, bool frozen);

struct expected expected_create(size_t count);
void expected_free(struct expected *expected);
void statistics_free(struct statistics *statistics);
void gradients_free(struct gradients *gradients);

#endif
