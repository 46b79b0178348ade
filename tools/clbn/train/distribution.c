/* SPDX-License-Identifier: MIT */
#include "train/distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

const int percentiles[PERCENTILES] = { 15, 50, 85 };

static int compare(const void *one, const void *other)
{
    float a = *(const float *)one;
    float b = *(const float *)other;

    return (a > b) - (a < b);
}

static bool has_nan(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(values[i]))
            return true;
    return false;
}

struct distribution distribution_of(float *values, size_t count)
{
    struct distribution distribution = { { (double)NAN, (double)NAN, (double)NAN } };

    if (count == 0 || has_nan(values, count))
        return distribution;
    qsort(values, count, sizeof *values, compare);
    for (size_t i = 0; i < PERCENTILES; i++) {
        double place = (double)(count - 1) * percentiles[i] / 100.0;
        size_t below = (size_t)place;
        size_t above = below + 1 < count ? below + 1 : below;
        double part = place - (double)below;

        /* Two products, and not a difference, which is NaN between two infinite values. */
        distribution.values[i] =
            part > 0.0 ? (1.0 - part) * (double)values[below] + part * (double)values[above] : (double)values[below];
    }
    return distribution;
}
