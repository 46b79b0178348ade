/* SPDX-License-Identifier: MIT */
/*
 * What an activation makes of the reference's results: of the output, and of the terms that the gradients are formed of. Values
 * and bounds in one step, since a bound depends on which side of a kink the value may be.
 *
 * u: the unit roundoff. dy, x and y are exact, as they are stored.
 */
#ifndef CLBN_TESTS_ACTIVATED_H
#define CLBN_TESTS_ACTIVATED_H

#include "activation.h"
#include "reference.h"

/* a, bounded, becomes y = act(a). */
void activate(const struct activation *activation, long double u, struct expected *a);

struct terms terms_create(size_t count);
void terms_free(struct terms *terms);

/* g = act'(a) dy; a: bounded, as the backward can compute it again, or NULL without an activation. */
void terms_from_argument(const struct activation *activation, long double u, const double *dy, const struct expected *a,
                         struct terms *terms);
/* g = act'(.) dy from the stored output. */
void terms_from_output(const struct activation *activation, long double u, const double *dy, const double *y,
                       struct terms *terms);
/* xhat from x; x NULL: 0, for gradients that do not depend on it. */
void normalize_input(const struct shape *shape, const double *x, const struct statistics *statistics, struct terms *terms);
/* xhat = (a - beta) / gamma, a had back from the stored output. gamma NULL: 1; beta NULL: 0; where gamma is 0, xhat is 0. */
void normalize_output(const struct shape *shape, const struct activation *activation, long double u, const double *y,
                      const double *gamma, const double *beta, struct terms *terms);

#endif
