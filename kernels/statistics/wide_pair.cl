/* SPDX-License-Identifier: MIT */
/*
 * Merges compute in type wide, with more bits than an element has: numbers of a span. Here: the unevaluated sums of two elements,
 * |low| at most half an ulp of high ("float-float", "double-double"; Dekker 1971, Knuth's TwoSum; products by fma). Its twin is
 * wide_double.cl. The range is that of an element. Of infinities and NaN, high is what elements would give, and low is 0: what the
 * algorithms make of them would be NaN.
 */
typedef struct {
    reals high, low;
} wide;

HELPER wide pair_of(reals high, reals low)
{
    wide pair;
    pair.high = high;
    pair.low = isfinite(high) ? low : (reals)0;
    return pair;
}

/* a + b exactly, |a| >= |b| or a = 0. */
HELPER wide ordered_sum(reals a, reals b)
{
    const reals high = a + b;
    return pair_of(high, b - (high - a));
}

/* a + b exactly (TwoSum). */
HELPER wide exact_sum(reals a, reals b)
{
    const reals high = a + b, b_part = high - a;
    return pair_of(high, (a - (high - b_part)) + (b - b_part));
}

HELPER wide wide_of(reals a)
{
    wide result;
    result.high = a;
    result.low = 0;
    return result;
}

HELPER wide wide_of_count(ulong n)
{
    real high = (real)n;
    return ordered_sum(high, (real)(long)(n - (ulong)high));
}

/* Numbers that were split into two elements. */
HELPER wide wide_of_parts(reals high, reals low)
{
    return exact_sum(high, low);
}

HELPER reals real_of(wide a)
{
    return a.high;
}

HELPER truths is_zero(wide a)
{
    return a.high == 0;
}

HELPER truths is_positive(wide a)
{
    return a.high > 0;
}

/* a where which is true, else b. */
HELPER wide wide_choose(truths which, wide a, wide b)
{
    wide result;
    result.high = which ? a.high : b.high;
    result.low = which ? a.low : b.low;
    return result;
}

HELPER wide wide_add(wide a, wide b)
{
    wide high = exact_sum(a.high, b.high);
    wide low = exact_sum(a.low, b.low);
    high = ordered_sum(high.high, high.low + low.high);
    return ordered_sum(high.high, high.low + low.low);
}

HELPER wide wide_subtract(wide a, wide b)
{
    wide minus_b;
    minus_b.high = -b.high;
    minus_b.low = -b.low;
    return wide_add(a, minus_b);
}

HELPER wide wide_multiply(wide a, wide b)
{
    reals high = a.high * b.high;
    reals low = fma(a.high, b.high, -high);
    low = fma(a.high, b.low, fma(a.low, b.high, low));
    return ordered_sum(high, pair_of(high, low).low);
}

/* By long division: OpenCL's quotient may be some ulps off, each step takes the remainder of the one before. Where there is none (of
 * infinities, by 0), the first quotient is all. */
ROUTINE wide wide_divide(wide a, wide b)
{
    reals first = a.high / b.high;
    wide remainder = wide_subtract(a, wide_multiply(b, wide_of(first)));
    reals second = remainder.high / b.high;
    remainder = wide_subtract(remainder, wide_multiply(b, wide_of(second)));
    const wide quotient = wide_add(ordered_sum(first, second), wide_of(remainder.high / b.high));
    return wide_choose(isfinite(quotient.high), quotient, wide_of(first));
}

/* 1/sqrt(a), a > 0: one step of Newton's method from an element's precision, if that is finite. */
ROUTINE wide wide_inverse_sqrt(wide a)
{
    wide estimate = wide_of(1 / sqrt(a.high));
    wide error = wide_subtract(wide_of(1), wide_multiply(wide_multiply(a, estimate), estimate));
    const wide root = wide_add(estimate, wide_multiply(estimate, wide_multiply(error, wide_of((real)0.5))));
    return wide_choose(isfinite(root.high), root, estimate);
}

/* sqrt(a), a >= 0 */
SPAN_INLINE wide wide_sqrt(wide a)
{
    return wide_choose(is_zero(a), a, wide_multiply(a, wide_inverse_sqrt(a)));
}

/* Whether the range is beyond an element's, so that sums of squares fit. */
HELPER bool wide_extends_range(void)
{
    return false;
}

/* Tables [row][channel] of wide numbers, in global memory: rows of high parts and of low parts take turns. */
HELPER void load_wide(wide *v, __global const uchar *table, uint row, ulong channels, span at)
{
    __global const real *p = (__global const real *)table + 2 * row * channels;
    v->high = load_span(p, at);
    v->low = load_span(p + channels, at);
}

HELPER void store_wide(__global uchar *table, uint row, ulong channels, span at, wide v)
{
    __global real *p = (__global real *)table + 2 * row * channels;
    store_span(p, at, v.high);
    store_span(p + channels, at, v.low);
}

/* a + b, for loops over chunks: faster than wide_add. */
INLINE wide wide_add_element(wide a, reals b)
{
    const reals high = a.high + b, b_part = high - a.high;
    const reals low = a.low + ((a.high - (high - b_part)) + (b - b_part));
    return ordered_sum(high, isfinite(high) ? low : (reals)0);
}
