/* SPDX-License-Identifier: MIT */
/* The percentiles by which the paper's Figure 1(b, c) shows a distribution. */
#ifndef CLBN_TOOL_DISTRIBUTION_H
#define CLBN_TOOL_DISTRIBUTION_H

#include <stddef.h>

enum { PERCENTILES = 3 };

extern const int percentiles[PERCENTILES]; /* 15, 50, 85 */

struct distribution {
    double values[PERCENTILES];
};

/* Sorts the values. Between two of them a percentile is interpolated, as numpy.percentile() does; with a NaN, or without values,
 * all are NaN. */
struct distribution distribution_of(float *values, size_t count);

#endif
