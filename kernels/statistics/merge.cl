/* SPDX-License-Identifier: MIT */
/* Between the two walks of an operation that splits channels: partial results are merged, and give what the second walk needs. They lie
 * at an offset in bytes, but records, which are a caller's, at one in elements. Where rows are folded (shared.h), each part has merged its
 * own, and leaves the remainder of their place unused. The coefficients are those of a walked row: a channel's stand folded times. */

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
    ulong record_channels; /* of a record's rows */
    bool are_records;
} partial_results;

INLINE partial_results partials_of(division d, __global const uchar *partials, ulong count, ulong values)
{
    const partial_results p = { partials, d.channels / d.folded, d.folded, count, values, 0, false };
    return p;
}

INLINE __global const real *record_of(partial_results p, ulong i, ulong rows)
{
    return (__global const real *)p.first + i * rows * p.record_channels;
}

/* A span's moments of part, or record, number i. */
INLINE void load_part_moments(moments *m, partial_results p, ulong i, span at)
{
    if (p.are_records)
        load_moments(m, record_of(p, i, CLBN_STATISTICS_ROWS), p.record_channels, at);
    else
        load_partial_moments(m, p.first, i * p.folded, p.channels, at);
}

INLINE void load_part_sums(sums *s, partial_results p, ulong i, span at)
{
    if (p.are_records)
        load_sums(s, record_of(p, i, CLBN_SUMS_ROWS), p.record_channels, at);
    else
        load_partial_sums(s, p.first, i * p.folded, p.channels, at);
}

INLINE wide values_of(partial_results p, span at)
{
    wide values = wide_of_count(p.values);
    for (ulong i = 0; p.are_records && i < p.count; i++) {
        wide other;
        load_number(&other, record_of(p, i, CLBN_SUMS_ROWS), p.record_channels, at, RECORD_COUNT);
        values = wide_add(values, other);
    }
    return values;
}

INLINE moments merge_parts(partial_results p, span to)
{
    moments m = no_moments();
    for (ulong i = 0; i < p.count; i++) {
        moments other;
        load_part_moments(&other, p, i, to);
        m = i == 0 ? other : merge_moments(m, other);
    }
    return m;
}

INLINE sums add_parts(partial_results p, span to)
{
    sums s = no_sums();
    for (ulong i = 0; i < p.count; i++) {
        sums other;
        load_part_sums(&other, p, i, to);
        s = add_sums(s, other);
    }
    return s;
}

/* A group's share of the channels: spans in its turn among groups. */
typedef struct {
    ulong group, groups;
    bool writes; /* statistics, or gradients of parameters */
} merging;

/* Merges moments. Gives the channels' record, and coefficients in the table of a walked row, each where it is not NULL. */
NOINLINE void merge_statistics(partial_results p, merging own, channel_statistics of, __global real *record,
                               __global real *table)
{
    for (ulong c = own.group * CLBN_SPAN; c < p.channels; c += own.groups * CLBN_SPAN) {
        const span to = span_of((index_t)c, p.channels);
        const moments m = merge_parts(p, to);
        affine a;
        finalize_moments(&a, m, to, own.writes, of);
        if (record)
            store_moments(record, p.record_channels, to, m);
        for (ulong i = 0; table && i < p.folded; i++)
            store_affine(table, p.folded * p.channels, folded_span(to, i, p.channels), a);
    }
}

/* The same of sums, which also give dgamma and dbeta. */
NOINLINE void merge_gradients(partial_results p, merging own, channel_parameters of, parameter_gradients gradients,
                              __global real *record, __global real *table)
{
    for (ulong c = own.group * CLBN_SPAN; c < p.channels; c += own.groups * CLBN_SPAN) {
        const span to = span_of((index_t)c, p.channels);
        const wide values = values_of(p, to);
        sums s = add_parts(p, to);
        normalizer n;
        gradient g;
        find_normalizer(&n, of, to);
        if (!p.are_records)
            s = sums_of_units(s, n.unit);
        finalize_sums(&g, s, values, to, of, n.unit, own.writes, gradients);
        if (record)
            store_sums(record, p.record_channels, to, s, values);
        for (ulong i = 0; table && i < p.folded; i++) {
            const span at = folded_span(to, i, p.channels);
            store_normalizer(table, p.folded * p.channels, at, n);
            store_gradient(table, p.folded * p.channels, at, g);
        }
    }
}

/* A kernel's partial results, at an offset in bytes, or records, at one in elements. */
INLINE partial_results partials_at(__global const uchar *partials, ulong offset, ulong channels, ulong folded,
                                   ulong record_channels, ulong count, ulong values, uint flags)
{
    const bool are_records = (flags & FLAG_RECORDS) != 0;
    const partial_results p = {
        partials + (are_records ? offset * sizeof(real) : offset), channels, folded, count, values, record_channels, are_records
    };
    return p;
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* Moments of parts or records, by groups that are there for them alone. What is not wanted is NULL. */
GROUP_KERNEL void finalize_statistics(ulong channels, ulong folded, ulong record_channels, ulong partial_count,
                                      MEMORY(const uchar, partials), STATISTICS_PARAMETERS, MEMORY(real, record),
                                      MEMORY(uchar, coefficients), uint flags)
{
    const channel_statistics of = GIVEN_STATISTICS;
    const merging own = { get_group_id(0), get_num_groups(0), true };
    merge_statistics(partials_at(partials, partials_offset, channels, folded, record_channels, partial_count, 0, flags), own,
                     of, record + record_offset, (__global real *)(coefficients + coefficients_offset));
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_BACKWARD
/* Likewise, sums of parts over count values in all, or records. */
GROUP_KERNEL void finalize_gradients(ulong channels, ulong folded, ulong record_channels, ulong count, ulong partial_count,
                                     MEMORY(const uchar, partials), BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON,
                                     MEMORY(real, record), MEMORY(uchar, coefficients), uint flags)
{
    const channel_parameters of = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    const merging own = { get_group_id(0), get_num_groups(0), true };
    merge_gradients(partials_at(partials, partials_offset, channels, folded, record_channels, partial_count, count, flags), own,
                    of, gradients, record + record_offset, (__global real *)(coefficients + coefficients_offset));
}
#endif
