/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include "element.h"
#include "engines.h"
#include "failing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct worst_error worst_errors[QUANTITIES][MAX_STORED_TYPES];

const char *quantity_name(enum quantity quantity)
{
    static const char *const names[QUANTITIES] = {
        "mean",        "variance",  "invstd",     "running mean",  "running variance", "y",        "dx",
        "dgamma",      "dbeta",     "dz",         "count",         "deviation",        "sum xhat", "folded weights",
        "folded bias", "second dx", "second ddy", "second dgamma", "renorm r",         "renorm d"
    };
    return names[quantity];
}

/* What may be lost of a number near 0: the rounding of a subnormal one, or all of it where the device has none. */
static long double underflow_error(clbn_type type)
{
    long double least = type_least(type);
    return device_keeps_subnormals(type) ? least * type_epsilon(type) : least;
}

static bool agrees(long double greatest, long double actual, long double value, long double error, long double bound)
{
    if (isnan(value))
        return isnan(actual);
    if (fabsl(value) > greatest)
        return isinf(actual) && (actual > 0) == (value > 0);
    return error <= bound;
}

/* Compared by products, since quotients of long doubles are slow, and few errors are the worst yet. */
static void note_error(enum quantity quantity, clbn_type type, long double error, long double ulp, long double bound)
{
    struct worst_error *worst = &worst_errors[quantity][type - CLBN_FLOAT32];
    worst->compared++;
    if (error <= worst->share * bound && error <= worst->ulps * ulp)
        return;
    const double ulps = (double)(error / ulp), share = (double)(error / bound);
    if (share > worst->share)
        worst->share = share;
    if (ulps > worst->ulps) {
        worst->ulps = ulps;
        if (getenv("CLBN_TEST_VERBOSE") != NULL)
            printf("%s: %s is %.3g ulps off, %.2g of the bound\n", what_is_tested(), quantity_name(quantity), ulps, share);
    }
}

void expect_within_bounds(enum quantity quantity, clbn_type type, const double *actual, const struct expected *expected)
{
    const long double ulp = type_epsilon(type), underflow = underflow_error(type);
    const long double least = type_least(type), greatest = type_greatest(type);
    for (size_t i = 0; i < expected->count; i++) {
        long double value = expected->value[i];
        long double bound = expected->bound[i] + underflow;
        long double error = fabsl(actual[i] - value);
        if (!agrees(greatest, actual[i], value, error, bound))
            fail_check("%s: %s[%zu] is %.17g, not %.17Lg: error %.3Lg, bound %.3Lg", what_is_tested(), quantity_name(quantity),
                       i, actual[i], value, error, bound);
        if (fabsl(value) <= greatest && expected->magnitude[i] >= least)
            note_error(quantity, type, error, ulp * expected->magnitude[i], bound);
    }
}

void expect_equal(const char *name, const double *actual, const double *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool both_nan = isnan(actual[i]) && isnan(expected[i]);
        if (!both_nan && !(actual[i] >= expected[i] && actual[i] <= expected[i]))
            fail_check("%s: %s[%zu] is %.17g, not exactly %.17g", what_is_tested(), name, i, actual[i], expected[i]);
    }
}

void expect_same_bits(const char *name, const double *actual, const double *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&actual[i], &expected[i], sizeof(double)) != 0)
            fail_check("%s: %s[%zu] is %.17g (%a), not bit for bit %.17g (%a)", what_is_tested(), name, i, actual[i], actual[i],
                       expected[i], expected[i]);
}

struct worst_error worst_error_of(enum quantity quantity, clbn_type type)
{
    return worst_errors[quantity][type - CLBN_FLOAT32];
}

void print_worst_errors(void)
{
    static const clbn_type types[MAX_STORED_TYPES] = { CLBN_FLOAT32, CLBN_FLOAT64, CLBN_FLOAT16, CLBN_BFLOAT16 };
    for (int quantity = 0; quantity < QUANTITIES; quantity++)
        for (int t = 0; t < MAX_STORED_TYPES; t++) {
            const struct worst_error *worst = &worst_errors[quantity][t];
            if (worst->compared > 0)
                printf("%s %s: worst error %.3g ulps of the magnitude, %.2g of the bound, in %zu values\n", type_name(types[t]),
                       quantity_name((enum quantity)quantity), worst->ulps, worst->share, worst->compared);
        }
}

void forget_worst_errors(void)
{
    memset(worst_errors, 0, sizeof worst_errors);
}
