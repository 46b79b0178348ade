/* SPDX-License-Identifier: MIT */
/*
 * Activation functions, their slopes, and what the library's arithmetic may lose of them.
 *
 * The errors are absolute. They count OpenCL 1.2's limits for its functions (full profile, in ulps, each up to 2u: exp, expm1
 * and log 3, log1p 2, tanh 5, a division 2.5) and one u for each other operation and for a slope or alpha that is rounded to
 * the type. To these comes what an error of the argument does: the change of the function or slope over it, which at a kink is
 * the whole step.
 */
#ifndef CLBN_TESTS_ACTIVATION_H
#define CLBN_TESTS_ACTIVATION_H

#include "clbn.h"

#include <stdbool.h>

struct activation {
    clbn_activation function;
    double leaky_slope;
    double elu_alpha;
};

/* With the slope and alpha of CLBN_PLAN_DESC_INIT. */
enum { ACTIVATIONS = CLBN_ACTIVATION_ELU + 1 };
struct activation activation_of(clbn_activation function);
const char *activation_name(clbn_activation function);

/* What the table of clbn_activation says: whether there is a mask; whether the slope follows from y; whether a does, too. */
bool activation_has_mask(const struct activation *activation);
bool activation_follows_from_output(const struct activation *activation);
bool activation_is_invertible(const struct activation *activation);

/* At kinks the slope is that of the side of 0. */
long double activation_value(const struct activation *activation, long double a);
long double activation_slope(const struct activation *activation, long double a);
long double activation_slope_at_output(const struct activation *activation, long double y);
long double activation_inverse(const struct activation *activation, long double y);

/* a_error: of the argument. u: the unit roundoff. y is exact: what the library is given. */
long double activation_value_error(const struct activation *activation, long double u, long double a, long double a_error);
long double activation_slope_error(const struct activation *activation, long double u, long double a, long double a_error);
long double activation_slope_error_at_output(const struct activation *activation, long double u, long double y);
long double activation_inverse_error(const struct activation *activation, long double u, long double y);

#endif
