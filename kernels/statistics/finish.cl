/* Between the steps of an operation that splits channels: partial results are merged, and give what the next step needs. They lie
 * at an offset in bytes, but records, which are a caller's, at one in elements. A group's lanes have spans side by side, whose
 * partial results its lines share. Where rows are folded (division.cl), each of the rows in one gives partial results of its own, in
 * a part's row of as many channels; a single work-item merges those of its part, and leaves the rest of the place unused. The
 * coefficients are those of a walked row: a channel's stand folded times. */

/* Where one of the rows in a walked row has the channels of at. */
INLINE span folded_span(span at, ulong row, ulong channels)
{
    at.channel += (index_t)(row * channels);
    return at;
}

/* Partial results of channels: of parts, which are moments or sums of so many values in all, or records, which have their own counts.
 * There may be none. */
typedef struct {
    __global const uchar *first;
    ulong channels, folded, count, values;
    bool are_records;
} partial_results;

INLINE partial_results partials_at(__global const uchar *partials, ulong offset, ulong channels, ulong folded, ulong count,
                                   ulong values, uint flags)
{
    const bool are_records = (flags & FLAG_RECORDS) != 0;
    const partial_results p = { partials + (are_records ? offset * sizeof(real) : offset), channels, folded, count, values,
                                are_records };
    return p;
}

INLINE __global const real *record_of(partial_results p, ulong i, ulong rows)
{
    return (__global const real *)p.first + i * rows * p.channels;
}

INLINE void load_part_moments(moments *m, partial_results p, ulong i, span at)
{
    if (p.are_records)
        load_moments(m, record_of(p, i, CLBN_STATISTICS_ROWS), p.channels, at);
    else if (CLBN_GROUP == 1)
        load_partial_moments(m, p.first, i * p.folded, p.channels, at);
    else
        load_partial_moments(m, p.first, i / p.folded, p.folded * p.channels, folded_span(at, i % p.folded, p.channels));
}

INLINE void load_part_sums(sums *s, partial_results p, ulong i, span at)
{
    if (p.are_records)
        load_sums(s, record_of(p, i, CLBN_SUMS_ROWS), p.channels, at);
    else if (CLBN_GROUP == 1)
        load_partial_sums(s, p.first, i * p.folded, p.channels, at);
    else
        load_partial_sums(s, p.first, i / p.folded, p.folded * p.channels, folded_span(at, i % p.folded, p.channels));
}

INLINE wide values_of(partial_results p, span at)
{
    wide values = wide_of_count(p.values);
    for (ulong i = 0; p.are_records && i < p.count; i++) {
        wide other;
        load_number(&other, record_of(p, i, CLBN_SUMS_ROWS), p.channels, at, RECORD_COUNT);
        values = wide_add(values, other);
    }
    return values;
}

/* Of a span's channels: what a line of a group has of them. */
INLINE moments merge_parts(partial_results p, position at, span to)
{
    moments m = no_moments();
    for (ulong i = at.line; i < p.count; i += at.lines) {
        moments other;
        load_part_moments(&other, p, i, to);
        m = i == at.line ? other : merge_moments(m, other);
    }
    return m;
}

INLINE sums add_parts(partial_results p, position at, span to)
{
    sums s = no_sums();
    for (ulong i = at.line; i < p.count; i += at.lines) {
        sums other;
        load_part_sums(&other, p, i, to);
        s = add_sums(s, other);
    }
    return s;
}

/* A channel's gradient, and what it takes of x, from its sums, which become those in no unit. */
INLINE void finish_added(normalizer *n, gradient *g, sums *s, wide values, partial_results p, span to, bool writes,
                         channel_parameters of, parameter_gradients gradients)
{
    find_normalizer(n, of, to);
    if (!p.are_records)
        *s = sums_of_units(*s, n->unit);
    finish_sums(g, *s, values, to, of, n->unit, writes, gradients);
}

/* A group's share of the channels: spans side by side, and the same of every so many groups. */
typedef struct {
    position at;
    ulong group, groups;
    bool writes; /* statistics, or gradients of parameters */
} merging;

/* Merges moments. Gives the channels' record, and coefficients in the table of a walked row, each where it is not NULL. */
NOINLINE void merge_statistics(partial_results p, merging own, channel_statistics of, __global real *record, __global real *table,
                      __local moments *scratch)
{
    const ulong step = own.at.lanes * CLBN_SPAN;
    for (ulong first = own.group * step; first < p.channels; first += own.groups * step) {
        const ulong c = first + own.at.lane * CLBN_SPAN;
        const span to = span_of((index_t)c, p.channels);
        reuse_scratch();
        moments m = no_moments();
        if (c < p.channels)
            m = merge_parts(p, own.at, to);
        m = merge_group_moments(m, own.at.lanes, scratch);
        if (c >= p.channels || own.at.line > 0)
            continue;
        affine a;
        finish_moments(&a, m, to, own.writes, of);
        if (record)
            store_moments(record, p.channels, to, m);
        for (ulong i = 0; table && i < p.folded; i++)
            store_affine(table, p.folded * p.channels, folded_span(to, i, p.channels), a);
    }
}

/* The same of sums, which also give dgamma and dbeta. */
NOINLINE void merge_gradients(partial_results p, merging own, channel_parameters of, parameter_gradients gradients,
                     __global real *record, __global real *table, __local sums *scratch)
{
    const ulong step = own.at.lanes * CLBN_SPAN;
    for (ulong first = own.group * step; first < p.channels; first += own.groups * step) {
        const ulong c = first + own.at.lane * CLBN_SPAN;
        const span to = span_of((index_t)c, p.channels);
        reuse_scratch();
        sums s = no_sums();
        if (c < p.channels)
            s = add_parts(p, own.at, to);
        s = add_group_sums(s, own.at.lanes, scratch);
        if (c >= p.channels || own.at.line > 0)
            continue;
        const wide values = values_of(p, to);
        normalizer n;
        gradient g;
        finish_added(&n, &g, &s, values, p, to, own.writes, of, gradients);
        if (record)
            store_sums(record, p.channels, to, s, values);
        for (ulong i = 0; table && i < p.folded; i++) {
            const span at = folded_span(to, i, p.channels);
            store_normalizer(table, p.folded * p.channels, at, n);
            store_gradient(table, p.folded * p.channels, at, g);
        }
    }
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* Moments of parts or records, by groups that are there for them alone. What is not wanted is NULL. */
GROUP_KERNEL void finish_statistics(ulong channels, uint lanes, ulong folded, ulong partial_count,
                                    MEMORY(const uchar, partials), STATISTICS_PARAMETERS, MEMORY(real, record),
                                    MEMORY(uchar, coefficients), uint flags)
{
    const channel_statistics of = GIVEN_STATISTICS;
    const merging own = { position_among(lanes), get_group_id(0), get_num_groups(0), true };
    __local moments scratch[CLBN_GROUP];
    merge_statistics(partials_at(partials, partials_offset, channels, folded, partial_count, 0, flags), own, of,
                     record + record_offset, (__global real *)(coefficients + coefficients_offset), scratch);
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_BACKWARD
/* Likewise, sums of parts over count values in all, or records. */
GROUP_KERNEL void finish_gradients(ulong channels, uint lanes, ulong folded, ulong count, ulong partial_count,
                                   MEMORY(const uchar, partials), BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON,
                                   MEMORY(real, record), MEMORY(uchar, coefficients), uint flags)
{
    const channel_parameters of = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    const merging own = { position_among(lanes), get_group_id(0), get_num_groups(0), true };
    __local sums scratch[CLBN_GROUP];
    merge_gradients(partials_at(partials, partials_offset, channels, folded, partial_count, count, flags), own, of,
                    gradients, record + record_offset,
                    (__global real *)(coefficients + coefficients_offset), scratch);
}
#endif
