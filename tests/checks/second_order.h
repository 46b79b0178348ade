/* SPDX-License-Identifier: MIT */
/* The backward of the backward, from the definitions: the reference, and bounds of what the library may make of it. */
#ifndef CLBN_TESTS_SECOND_ORDER_H
#define CLBN_TESTS_SECOND_ORDER_H

#include "bounds.h"

/* What it is given; ddx, gamma, ddgamma and ddbeta may be NULL: 0, 1, 0, 0. */
struct second_inputs {
    const double *x, *dy, *ddx, *gamma, *ddgamma, *ddbeta;
};

struct second_gradients {
    struct expected dx, ddy, dgamma;
};

/* Bounded. statistics: invstd as it is given, the mean without its rounding. */
struct second_gradients reference_second_gradients(struct arithmetic arithmetic, const struct shape *shape,
                                                   const struct second_inputs *inputs, const struct statistics *statistics,
                                                   bool frozen);
void second_gradients_free(struct second_gradients *gradients);

#endif
