/* SPDX-License-Identifier: MIT */
/*
 * A span is the channels of which a work-item computes statistics and coefficients side by side: a vector of them, where a work-item
 * has a CPU's core to itself and channels lie side by side, else one. reals and wide are numbers of a span. Few spans are shorter
 * than a vector: loops over these are not unrolled, so that programs compile in less time.
 */
typedef struct {
    index_t channel; /* the first */
    uint width;      /* channels: CLBN_SPAN, or fewer where there are no more */
    index_t period;  /* 0, or the channels after which arrays are read from their start again */
} span;

INLINE span span_of(index_t channel, ulong channels)
{
    span at;
    at.channel = channel;
    at.width = (uint)min((ulong)CLBN_SPAN, channels - channel);
    at.period = 0;
    return at;
}

/* The channel of number i of a span; after the last, that is repeated. */
INLINE index_t channel_in(span at, uint i)
{
    const index_t channel = at.channel + (i < at.width ? i : at.width - 1);
    return at.period > 0 ? channel % at.period : channel;
}

/* A span of an array [channel]. */
HELPER reals load_span(__global const real *values, span at)
{
    reals result;
    real *a = (real *)&result;
    if (CLBN_SPAN == 1)
        return values[at.channel];
    if (at.width == CLBN_SPAN && at.period == 0)
        return ((__global const unaligned_reals *)(values + at.channel))->v;
#pragma unroll 1
    for (uint i = 0; i < CLBN_SPAN; i++)
        a[i] = values[channel_in(at, i)];
    return result;
}

HELPER void store_span(__global real *values, span at, reals v)
{
    const real *a = (const real *)&v;
    if (CLBN_SPAN > 1 && at.width == CLBN_SPAN) {
        ((__global unaligned_reals *)(values + at.channel))->v = v;
        return;
    }
#pragma unroll 1
    for (uint i = 0; i < at.width; i++)
        values[at.channel + i] = a[i];
}

/* The same of parameters. */
HELPER reals load_parameters(__global const parameter *values, span at)
{
    reals result;
    real *a = (real *)&result;
    if (sizeof(parameter) == sizeof(real))
        return load_span((__global const real *)values, at);
#pragma unroll 1
    for (uint i = 0; i < CLBN_SPAN; i++)
        a[i] = load_parameter(values + channel_in(at, i));
    return result;
}

HELPER void store_parameters(__global parameter *values, span at, reals v)
{
    const real *a = (const real *)&v;
    if (sizeof(parameter) == sizeof(real)) {
        store_span((__global real *)values, at, v);
        return;
    }
#pragma unroll 1
    for (uint i = 0; i < at.width; i++)
        store_parameter(values + at.channel + i, a[i]);
}

/* A span of optional parameters. */
HELPER reals parameter_or(__global const parameter *values, span at, real otherwise)
{
    return values ? load_parameters(values, at) : (reals)otherwise;
}

/* True of the first count channels of a span. */
HELPER truths first_of(ulong count)
{
    reals result;
    real *a = (real *)&result;
    for (uint i = 0; i < CLBN_SPAN; i++)
        a[i] = i < count;
    return result != 0;
}
