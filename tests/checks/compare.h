/* SPDX-License-Identifier: MIT */
/*
 * Comparison of results with what is expected of them, and the record of the worst errors: printed when a suite ends, and with
 * CLBN_TEST_VERBOSE=1 in the environment whenever one is exceeded.
 */
#ifndef CLBN_TESTS_COMPARE_H
#define CLBN_TESTS_COMPARE_H

#include "clbn.h"
#include "reference.h"

enum quantity {
    QUANTITY_MEAN,
    QUANTITY_VARIANCE,
    QUANTITY_INVSTD,
    QUANTITY_RUNNING_MEAN,
    QUANTITY_RUNNING_VAR,
    QUANTITY_Y,
    QUANTITY_DX,
    QUANTITY_DGAMMA,
    QUANTITY_DBETA,
    QUANTITY_DZ,
    QUANTITY_COUNT,
    QUANTITY_DEVIATION,
    QUANTITY_XHATS,   /* sum xhat */
    QUANTITY_WEIGHTS, /* folded */
    QUANTITY_BIAS,    /* folded */
    QUANTITY_SECOND_DX,
    QUANTITY_SECOND_DDY,
    QUANTITY_SECOND_DGAMMA,
    QUANTITY_RENORM_R,
    QUANTITY_RENORM_D,
    QUANTITIES
};

const char *quantity_name(enum quantity quantity);

/* Fails the check at the first element whose error exceeds its bound. Beyond the type's range infinity is expected, below it
 * the error of a subnormal number is allowed, NaN is expected where the value is NaN. */
void expect_within_bounds(enum quantity quantity, clbn_type type, const double *actual, const struct expected *expected);

/* Fails the check unless all elements are equal; NaN equals NaN, 0 equals -0. */
void expect_equal(const char *name, const double *actual, const double *expected, size_t count);
/* Fails the check unless all bits are equal. name: of the array. */
void expect_same_bits(const char *name, const double *actual, const double *expected, size_t count);

/* Since they were last forgotten. */
struct worst_error {
    double ulps;  /* of the magnitude */
    double share; /* of the bound */
    size_t compared;
};
struct worst_error worst_error_of(enum quantity quantity, clbn_type type);

void print_worst_errors(void);
/* As if nothing had been compared yet. */
void forget_worst_errors(void);

#endif
