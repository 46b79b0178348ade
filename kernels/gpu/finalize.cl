/* SPDX-License-Identifier: MIT */
/*
 * Between the two walks of an operation that divides channels: a channel's partial results are merged, and give what the second walk
 * needs. They are of tiles, at an offset in bytes ([part][tile][PARTIAL_ROWS][slot]), or records of clbn.h's phases, at one in
 * elements. A group has `lanes` channels side by side, whose partial results its lines share; one work-item finalizes a channel.
 */
typedef struct {
    uint lane, lanes, line, lines;
} position;

INLINE position position_among(uint lanes)
{
    const position p = { get_local_id(0) % lanes, lanes, get_local_id(0) / lanes, CLBN_GROUP / lanes };
    return p;
}

/* Merges the moments of a group's lines in a fixed order, each lane for itself, and gives them to all its work-items. lanes: a
 * power of two. scratch: read by none any more. own meets no barrier before it is there, at which PoCL 1.8 would
 * lose a struct. */
INLINE moments merge_group_moments(moments own, uint lanes, __local moments *scratch)
{
    uint item = get_local_id(0);
    scratch[item] = own;
    for (uint half_size = CLBN_GROUP / 2; half_size >= lanes; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size)
            scratch[item] = merge_moments(scratch[item], scratch[item + half_size]);
    }
    /* Results may be written over tensors that other work-items have read until now. */
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    return scratch[item % lanes];
}

/* Adds the sums of a group's lines in a fixed order, each lane for itself, and gives them to all its work-items. lanes, scratch: as
 * in merge_group_moments. */
INLINE sums add_group_sums(sums own, uint lanes, __local sums *scratch)
{
    uint item = get_local_id(0);
    scratch[item] = own;
    for (uint half_size = CLBN_GROUP / 2; half_size >= lanes; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size)
            scratch[item] = add_sums(scratch[item], scratch[item + half_size]);
    }
    /* Results may be written over tensors that other work-items have read until now. */
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    return scratch[item % lanes];
}

typedef struct {
    __global const uchar *first;
    ulong count;
    ulong record_channels; /* of a record's rows */
    bool are_records;
} partial_results;

INLINE partial_results partials_at(__global const uchar *partials, ulong offset, ulong record_channels, ulong count, uint flags)
{
    const bool are_records = (flags & FLAG_RECORDS) != 0;
    const partial_results p = { partials + (are_records ? offset * sizeof(real) : offset), count, record_channels,
                                are_records };
    return p;
}

INLINE __global const real *record_of(partial_results p, ulong i, ulong rows)
{
    return (__global const real *)p.first + i * rows * p.record_channels;
}

/* Of a channel's partial result number i: the number of its tile's and its slot there; false if there is none. A channel has places,
 * and each reaches into at most `spans` tiles. */
INLINE bool find_partial(ulong *number, span *slot, division d, ulong i, index_t channel)
{
    const ulong places = d.folded / d.copies, across = d.tile_vectors * CLBN_VECTOR;
    const ulong place = channel + i % places * d.channels, begin = place * d.pitch, last = begin + d.columns - 1;
    const ulong tiles = CLBN_SINGLE ? d.channels : (d.vectors + d.tile_vectors - 1) / d.tile_vectors;
    const ulong tile = CLBN_SINGLE ? place : begin / across + i / places % d.spans;
    *number = i / places / d.spans * tiles + tile;
    *slot = span_of(CLBN_SINGLE ? 0 : (index_t)(place - tile * across / d.pitch), d.slots);
    return CLBN_SINGLE || tile * across <= last;
}

INLINE moments merge_parts(partial_results p, division d, position at, span channel)
{
    moments m = no_moments();
    for (ulong i = at.line; i < p.count; i += at.lines) {
        moments other = no_moments();
        ulong number;
        span slot;
        if (p.are_records)
            load_moments(&other, record_of(p, i, CLBN_STATISTICS_ROWS), p.record_channels, channel);
        else if (find_partial(&number, &slot, d, i, channel.channel))
            load_partial_moments(&other, p.first, number, d.slots, slot);
        m = i == at.line ? other : merge_moments(m, other);
    }
    return m;
}

INLINE sums add_parts(partial_results p, division d, position at, span channel)
{
    sums s = no_sums();
    for (ulong i = at.line; i < p.count; i += at.lines) {
        sums other = no_sums();
        ulong number;
        span slot;
        if (p.are_records)
            load_sums(&other, record_of(p, i, CLBN_SUMS_ROWS), p.record_channels, channel);
        else if (find_partial(&number, &slot, d, i, channel.channel))
            load_partial_sums(&other, p.first, number, d.slots, slot);
        s = add_sums(s, other);
    }
    return s;
}

INLINE wide values_of(partial_results p, span channel, ulong count)
{
    wide values = wide_of_count(p.are_records ? 0 : count);
    for (ulong i = 0; p.are_records && i < p.count; i++) {
        wide other;
        load_number(&other, record_of(p, i, CLBN_SUMS_ROWS), p.record_channels, channel, RECORD_COUNT);
        values = wide_add(values, other);
    }
    return values;
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* Moments of parts or records. What is not wanted is NULL. */
GROUP_KERNEL void finalize_statistics(division d, uint lanes, ulong record_channels, ulong partial_count,
                                      MEMORY(const uchar, partials), STATISTICS_PARAMETERS, MEMORY(real, record),
                                      MEMORY(uchar, coefficients), uint flags)
{
    __local moments scratch[CLBN_GROUP];
    const channel_statistics of = GIVEN_STATISTICS;
    const partial_results p = partials_at(partials, partials_offset, record_channels, partial_count, flags);
    const position at = position_among(lanes);
    const ulong c = get_group_id(0) * (ulong)lanes + at.lane;
    const span channel = span_of((index_t)c, d.channels);
    moments m = no_moments();
    if (c < d.channels)
        m = merge_parts(p, d, at, channel);
    m = merge_group_moments(m, lanes, scratch);
    if (c >= d.channels || at.line > 0)
        return;
    affine a;
    finalize_moments(&a, m, channel, true, of);
    if (record)
        store_moments(record + record_offset, record_channels, channel, m);
    if (coefficients)
        store_affine((__global real *)(coefficients + coefficients_offset), d.channels, channel, a);
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_BACKWARD
/* Likewise, sums of parts over count values in all, or records. */
GROUP_KERNEL void finalize_gradients(division d, uint lanes, ulong record_channels, ulong count, ulong partial_count,
                                     MEMORY(const uchar, partials), BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON,
                                     MEMORY(real, record), MEMORY(uchar, coefficients), uint flags)
{
    __local sums scratch[CLBN_GROUP];
    const channel_parameters of = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    const partial_results p = partials_at(partials, partials_offset, record_channels, partial_count, flags);
    const position at = position_among(lanes);
    const ulong c = get_group_id(0) * (ulong)lanes + at.lane;
    const span channel = span_of((index_t)c, d.channels);
    sums s = no_sums();
    if (c < d.channels)
        s = add_parts(p, d, at, channel);
    s = add_group_sums(s, lanes, scratch);
    if (c >= d.channels || at.line > 0)
        return;
    const wide values = values_of(p, channel, count);
    normalizer n;
    gradient g;
    find_normalizer(&n, of, channel);
    if (!p.are_records)
        s = sums_of_units(s, n.unit);
    finalize_sums(&g, s, values, channel, of, n.unit, true, gradients);
    if (record)
        store_sums(record + record_offset, record_channels, channel, s, values);
    if (!coefficients)
        return;
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    store_normalizer(table, d.channels, channel, n);
    store_gradient(table, d.channels, channel, g);
}
#endif
