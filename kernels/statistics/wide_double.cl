/* SPDX-License-Identifier: MIT */
/* Merges compute in type wide, with more bits than an element has: numbers of a span. Here: double. Its twin is wide_pair.cl. */
typedef OF_SPAN(double) wide;
#define convert_wide OF_SPAN(convert_double)

HELPER wide wide_of(reals a)
{
    return convert_wide(a);
}

HELPER wide wide_of_count(ulong n)
{
    return (double)n;
}

/* Numbers that were split into two elements. */
HELPER wide wide_of_parts(reals high, reals low)
{
    return convert_wide(high) + convert_wide(low);
}

HELPER reals real_of(wide a)
{
    return convert_reals(a);
}

HELPER truths is_zero(wide a)
{
    return truths_of(a == 0);
}

HELPER truths is_positive(wide a)
{
    return truths_of(a > 0);
}

/* a where which is true, else b. */
HELPER wide wide_choose(truths which, wide a, wide b)
{
    return longs_of(which) ? a : b;
}

HELPER wide wide_add(wide a, wide b)
{
    return a + b;
}

HELPER wide wide_subtract(wide a, wide b)
{
    return a - b;
}

HELPER wide wide_multiply(wide a, wide b)
{
    return a * b;
}

ROUTINE wide wide_divide(wide a, wide b)
{
    return a / b;
}

/* 1/sqrt(a), a > 0. */
ROUTINE wide wide_inverse_sqrt(wide a)
{
    return 1.0 / sqrt(a);
}

/* sqrt(a), a >= 0 */
SPAN_INLINE wide wide_sqrt(wide a)
{
    return sqrt(a);
}

/* Whether the range is beyond an element's, so that sums of squares fit. */
HELPER bool wide_extends_range(void)
{
    return true;
}

/* Tables [row][channel] of wide numbers, in global memory. */
typedef struct __attribute__((packed)) {
    wide v;
} unaligned_wide;

HELPER void load_wide(wide *v, __global const uchar *table, uint row, ulong channels, span at)
{
    __global const double *p = (__global const double *)table + row * channels + at.channel;
    double *a = (double *)v;
    if (CLBN_SPAN > 1 && at.width == CLBN_SPAN) {
        *v = ((__global const unaligned_wide *)p)->v;
        return;
    }
#pragma unroll 1
    for (uint i = 0; i < CLBN_SPAN; i++)
        a[i] = p[i < at.width ? i : at.width - 1];
}

HELPER void store_wide(__global uchar *table, uint row, ulong channels, span at, wide v)
{
    __global double *p = (__global double *)table + row * channels + at.channel;
    const double *a = (const double *)&v;
    if (CLBN_SPAN > 1 && at.width == CLBN_SPAN) {
        ((__global unaligned_wide *)p)->v = v;
        return;
    }
#pragma unroll 1
    for (uint i = 0; i < at.width; i++)
        p[i] = a[i];
}

/* a + b, for loops over chunks. */
INLINE wide wide_add_element(wide a, reals b)
{
    return a + convert_wide(b);
}
