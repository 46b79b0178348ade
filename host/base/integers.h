/* SPDX-License-Identifier: MIT */
/* Pure: what is computed of sizes. */
#ifndef CLBN_INTEGERS_H
#define CLBN_INTEGERS_H

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t greater(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t divide_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

/* The least power of two that is not below count, but at most limit, a power of two. */
static inline size_t power_of_two(size_t count, size_t limit)
{
    size_t power = 1;
    while (power < count && power < limit)
        power *= 2;
    return power;
}

static inline size_t greatest_common_divisor(size_t a, size_t b)
{
    while (b != 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
