/* Partial results in the workspace: [part][of which][channel] of wide numbers. */
#define PARTIAL_COUNT 0
#define PARTIAL_SUM 1
#define PARTIAL_M2 2

#define PARTIAL_G 0
#define PARTIAL_G_XHAT 1
#define PARTIAL_XHAT 2

#define PARTIAL_ROWS 3

ROUTINE void load_partial_moments(moments *m, __global const uchar *partials, ulong part, ulong channels, span at)
{
    load_wide(&m->count, partials, part * PARTIAL_ROWS + PARTIAL_COUNT, channels, at);
    load_wide(&m->sum, partials, part * PARTIAL_ROWS + PARTIAL_SUM, channels, at);
    load_wide(&m->m2, partials, part * PARTIAL_ROWS + PARTIAL_M2, channels, at);
}

ROUTINE void store_partial_moments(__global uchar *partials, ulong part, ulong channels, span at, moments m)
{
    store_wide(partials, part * PARTIAL_ROWS + PARTIAL_COUNT, channels, at, m.count);
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
#define RECORD_COUNT 0
#define RECORD_MEAN 2
#define RECORD_M2 4
#define STATISTICS_ROWS 6

#define RECORD_G 2
#define RECORD_G_XHAT 4
#define RECORD_XHAT 6
#define SUMS_ROWS 8

HELPER void load_number(wide *v, __global const real *record, ulong channels, span at, uint row)
{
    *v = wide_of_parts(load_span(record + row * channels, at), load_span(record + (row + 1) * channels, at));
}

HELPER void store_number(__global real *record, ulong channels, span at, uint row, wide value)
{
    store_span(record + row * channels, at, real_of(value));
    store_span(record + (row + 1) * channels, at, real_of(wide_subtract(value, wide_of(real_of(value)))));
}

ROUTINE void load_moments(moments *m, __global const real *record, ulong channels, span at)
{
    load_number(&m->count, record, channels, at, RECORD_COUNT);
    load_number(&m->sum, record, channels, at, RECORD_MEAN);
    m->sum = wide_multiply(m->sum, m->count);
    load_number(&m->m2, record, channels, at, RECORD_M2);
}

ROUTINE void store_moments(__global real *record, ulong channels, span at, moments m)
{
    store_number(record, channels, at, RECORD_COUNT, m.count);
    store_number(record, channels, at, RECORD_MEAN, wide_choose(is_zero(m.count), wide_of(0), mean_of(m)));
    store_number(record, channels, at, RECORD_M2, m.m2);
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
