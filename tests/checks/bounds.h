/* SPDX-License-Identifier: MIT */
/*
 * Bounds of the library's rounding errors, derived from its arithmetic, not measured.
 *
 * u is the unit roundoff of the element type, half an ulp of 1. Sums are taken in elements over chunks, where one addition
 * follows at most h = 64 + 16 + 4 others (vectors of a chunk, elements of a vector, the tail and the pair sums), and from
 * there on in arithmetic with u^2, whose errors count only where the mean is large against the deviation. A sum of terms t of
 * d roundings each is thus off by at most (h + d) u sum |t|; h is m where a channel has fewer values.
 *
 * Each function fills in the bounds of an expected result (see reference.h).
 */
#ifndef CLBN_TESTS_BOUNDS_H
#define CLBN_TESTS_BOUNDS_H

#include "reference.h"

struct arithmetic {
    long double unit_roundoff; /* 2^-24 or 2^-53 */
    /* The values' mean drifts along the channel, so that chunks are summed around pivots up to some deviations from their
     * own means. */
    bool drifting;
};

/* How the backward gets its statistics. */
enum statistics_source { STATISTICS_SAVED, STATISTICS_RECOMPUTED, STATISTICS_FROZEN };

/* mean, variance and invstd; variance before it is rounded to an element. */
void bound_statistics(struct arithmetic arithmetic, struct statistics *statistics);
/* Of statistics that are given and exact: all bounds 0. */
void bound_given_statistics(struct statistics *statistics);

/* Of a result that is exact: all 0. */
void bound_exact(struct expected *exact);
/* Of the mean before it is rounded to an element. */
long double unrounded_mean_error(struct arithmetic arithmetic, const struct statistics *statistics, size_t channel);
/* What storing results in a smaller type than they were computed in adds: its rounding. type_roundoff: half its epsilon. */
void bound_storage(long double type_roundoff, struct expected *stored);

/* Needs bounded statistics, as all below. */
void bound_output(struct arithmetic arithmetic, const struct shape *shape, const struct statistics *statistics,
                  const double *gamma, const double *beta, const double *z, struct expected *y);
/* The same as a backward can compute it again: with mean and invstd as they were saved, rounded. */
void bound_argument(struct arithmetic arithmetic, const struct shape *shape, const struct statistics *statistics,
                    const double *gamma, const double *beta, const double *z, struct expected *a);
/* A gradient, bounded, with what was there, times a factor, added in one rounding. */
void bound_accumulated(struct arithmetic arithmetic, const double *old, double factor, struct expected *gradient);
/* Folded weights or biases: computed with u^2 (the reference: in long double), then rounded so many times. */
void bound_folded(struct arithmetic arithmetic, unsigned roundings, struct expected *folded);
void bound_running(struct arithmetic arithmetic, const struct expected *batch, double batch_weight, struct expected *updated);
void bound_gradients(struct arithmetic arithmetic, const struct shape *shape, const struct terms *terms,
                     const struct statistics *statistics, const double *gamma, enum statistics_source source,
                     struct gradients *gradients);

#endif
