/* SPDX-License-Identifier: MIT */
/* Partial results in the workspace: [part][of which][channel] of wide numbers. The scale of moments is a factor of their count, which
 * is whole and below MOST_VALUES: so it needs no place of its own. */
#define MOST_VALUES 0x1p+70f

#define PARTIAL_COUNT 0
#define PARTIAL_SUM   1
#define PARTIAL_M2    2

#define PARTIAL_G      0
#define PARTIAL_G_XHAT 1
#define PARTIAL_XHAT   2

ROUTINE void load_partial_moments(moments *m, __global const uchar *partials, ulong part, ulong channels, span at)
{
    load_wide(&m->count, partials, part * PARTIAL_ROWS + PARTIAL_COUNT, channels, at);
    load_wide(&m->sum, partials, part * PARTIAL_ROWS + PARTIAL_SUM, channels, at);
    load_wide(&m->m2, partials, part * PARTIAL_ROWS + PARTIAL_M2, channels, at);
    m->scale = 1;
    if (wide_extends_range())
        return;
    const reals scaled = real_of(m->count);
    const truths is_down = (scaled > 0) & (scaled < 1);
    m->scale = is_down ? (reals)SCALE_DOWN : m->scale;
    m->scale = scaled >= MOST_VALUES ? (reals)SCALE_UP : m->scale;
    m->count = wide_multiply(m->count, wide_of(unscale_for(m->scale)));
}

ROUTINE void store_partial_moments(__global uchar *partials, ulong part, ulong channels, span at, moments m)
{
    const wide count = wide_extends_range() ? m.count : wide_multiply(m.count, wide_of(m.scale));
    store_wide(partials, part * PARTIAL_ROWS + PARTIAL_COUNT, channels, at, count);
    store_wide(partials, part * PARTIAL_ROWS + PARTIAL_SUM, channels, at, m.sum);
    store_wide(partials, part * PARTIAL_ROWS + PARTIAL_M2, channels, at, m.m2);
}

ROUTINE void load_partial_sums(sums *s, __global const uchar *partials, ulong part, ulong channels, span at)
{
    load_wide(&s->g, partials, part * PARTIAL_ROWS + PARTIAL_G, channels, at);
    load_wide(&s->g_xhat, partials, part * PARTIAL_ROWS + PARTIAL_G_XHAT, channels, at);
    load_wide(&s->xhat, partials, part * PARTIAL_ROWS + PARTIAL_XHAT, channels, at);
}

ROUTINE void store_partial_sums(__global uchar *partials, ulong part, ulong channels, span at, sums s)
{
    store_wide(partials, part * PARTIAL_ROWS + PARTIAL_G, channels, at, s.g);
    store_wide(partials, part * PARTIAL_ROWS + PARTIAL_G_XHAT, channels, at, s.g_xhat);
    store_wide(partials, part * PARTIAL_ROWS + PARTIAL_XHAT, channels, at, s.xhat);
}

/*
 * Records of clbn.h's phases: [rows][channels] of elements, in pairs of rows whose sums are the numbers, high parts before low
 * parts. They carry a channel's moments and sums between devices, whatever these merge in.
 */
#define RECORD_COUNT     0
#define RECORD_MEAN      2
#define RECORD_DEVIATION 4

#define RECORD_G      2
#define RECORD_G_XHAT 4
#define RECORD_XHAT   6

HELPER void load_number(wide *v, __global const real *record, ulong channels, span at, uint row)
{
    *v = wide_of_parts(load_span(record + row * channels, at), load_span(record + (row + 1) * channels, at));
}

HELPER void store_number(__global real *record, ulong channels, span at, uint row, wide value)
{
    store_span(record + row * channels, at, real_of(value));
    store_span(record + (row + 1) * channels, at, real_of(remainder_of(value, real_of(value))));
}

/* Means and deviations whose moments need a scale. */
#if CLBN_TYPE == CLBN_FLOAT64
#define LARGE_DEVIATION 0x1p+440
#define SMALL_DEVIATION 0x1p-300
#else
#define LARGE_DEVIATION 0x1p+40f
#define SMALL_DEVIATION 0x1p-40f
#endif

SPAN_INLINE reals scale_for_record(reals mean, reals deviation)
{
    const truths is_small = (deviation < SMALL_DEVIATION) & (fabs(mean) < SMALL_PIVOT);
    const truths is_large = (deviation > LARGE_DEVIATION) | (fabs(mean) > LARGE_PIVOT);
    const reals otherwise = is_large ? (reals)SCALE_DOWN : (reals)1;
    return is_small ? (reals)SCALE_UP : otherwise;
}

ROUTINE void load_moments(moments *m, __global const real *record, ulong channels, span at)
{
    wide mean, deviation;
    load_number(&m->count, record, channels, at, RECORD_COUNT);
    load_number(&mean, record, channels, at, RECORD_MEAN);
    load_number(&deviation, record, channels, at, RECORD_DEVIATION);
    m->scale = wide_extends_range() ? (reals)1 : scale_for_record(real_of(mean), real_of(deviation));
    deviation = wide_multiply(deviation, wide_of(m->scale));
    m->sum = wide_multiply(wide_multiply(mean, wide_of(m->scale)), m->count);
    m->m2 = wide_multiply(wide_multiply(deviation, deviation), m->count);
}

/* The deviation has the range of the values, which M2 has not. */
ROUTINE void store_moments(__global real *record, ulong channels, span at, moments m)
{
    const truths have = !is_zero(m.count);
    const wide deviation = wide_multiply(wide_sqrt(wide_divide(m.m2, m.count)), wide_of(unscale_for(m.scale)));
    store_number(record, channels, at, RECORD_COUNT, m.count);
    store_number(record, channels, at, RECORD_MEAN, wide_choose(have, mean_of(m), wide_of(0)));
    store_number(record, channels, at, RECORD_DEVIATION, wide_choose(have, deviation, wide_of(0)));
}

ROUTINE void load_sums(sums *s, __global const real *record, ulong channels, span at)
{
    load_number(&s->g, record, channels, at, RECORD_G);
    load_number(&s->g_xhat, record, channels, at, RECORD_G_XHAT);
    load_number(&s->xhat, record, channels, at, RECORD_XHAT);
}

ROUTINE void store_sums(__global real *record, ulong channels, span at, sums s, wide count)
{
    store_number(record, channels, at, RECORD_COUNT, count);
    store_number(record, channels, at, RECORD_G, s.g);
    store_number(record, channels, at, RECORD_G_XHAT, s.g_xhat);
    store_number(record, channels, at, RECORD_XHAT, s.xhat);
}
