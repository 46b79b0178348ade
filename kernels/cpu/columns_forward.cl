/* SPDX-License-Identifier: MIT */
/* Forward training and inference of channels last; the walk is that of columns_walk.cl. */

/* Rows of a slot's table, before there are coefficients: pivots, and the sums of a chunk. */
#define PIVOT   0
#define SUM     1
#define SQUARES 2

/* How many rows a pivot is sampled from. */
#define SAMPLES 16

/* Number i of the sampled rows. */
INLINE realv load_sample(division d, column c, input x, uint i, uint count)
{
    return load_column(d, c, x, c.row + (index_t)((ulong)(c.row_end - c.row) * i / count));
}

/* Pivots from rows that are spread over all of the column's. */
NOINLINE realv sample_pivots(division d, column c, input x)
{
    const uint count = (uint)min(c.row_end - c.row, (index_t)SAMPLES);
    sampling s;
    start_sampling(&s, middle_of(load_sample(d, c, x, 0, count), load_sample(d, c, x, count / 2, count),
                                 load_sample(d, c, x, count - 1, count)));
    for (uint i = 0; i < count; i++)
        add_sample(&s, load_sample(d, c, x, i, count));
    trim_samples(&s);
    return sampled_pivot(s.base, s.sum, s.squares, s.count);
}

/* Adds the deviations of rows of a block, the first of which is x, in shuffled order. */
INLINE void add_band(block b, index_t rows, bool fetches, __global const storage *x, index_t pitch, slot s)
{
    const slot shuffled = slot_in_order(s, AFFINE_ROWS, false);
    __global const storage *ahead = x + b.channel + fetch_distance(b.band, pitch);
    for (index_t channel = b.channel; channel < b.channel_end; channel += CLBN_VECTOR) {
        const column c = full_vector(channel);
        const realv pivot = load_coefficients(shuffled, c, PIVOT);
        realv sum = 0, squares = 0;
        __global const storage *from = x + channel;
        for (index_t i = 0; i < rows; i++, from += pitch, ahead += CLBN_VECTOR) {
            if (fetches)
                fetch(ahead);
            const realv deviation = load_in_order(from, false) - pivot;
            sum += deviation;
            squares = fma(deviation, deviation, squares);
        }
        store_coefficients(s, c, SUM, load_coefficients(s, c, SUM) + sum);
        store_coefficients(s, c, SQUARES, load_coefficients(s, c, SQUARES) + squares);
    }
}

NOINLINE void add_block(block b, __global const storage *x, index_t pitch, slot s)
{
    const bool fetches = is_fetched(b, b.band, pitch);
    b.band *= fetches || b.band == 1 ? 1 : 2; /* as many streams of memory as where two tensors are walked */
    for (index_t row = 0; row < b.rows; row += b.band, x += b.band * pitch)
        add_band(b, min(b.band, b.rows - row), fetches, x, pitch, s);
}

INLINE void add_column(division d, column c, input x, slot s)
{
    const realv pivot = load_coefficients(s, c, PIVOT);
    realv sum = load_coefficients(s, c, SUM);
    realv squares = load_coefficients(s, c, SQUARES);
    for (index_t row = c.row; row < c.row_end; row++) {
        const realv deviation = load_column(d, c, x, row) - pivot;
        sum += deviation;
        squares = fma(deviation, deviation, squares);
    }
    store_coefficients(s, c, SUM, sum);
    store_coefficients(s, c, SQUARES, squares);
}

/* Adds the deviations of rows begin to end. */
NOINLINE void add_chunk(division d, columns_share share, index_t begin, index_t end, input x, slot s)
{
    block b;
    find_block(&b, d, share, begin, end);
    add_block(b, x.data + row_offset(d, x.at, b.row), (index_t)x.at.strides[0], s);
    for (index_t v = vector_after(b); v < share.end; v++)
        add_column(d, column_of(d, share, v, begin, end), x, s);
}

/* Sums the tile's deviations from pivots over its part's rows, and the remainder; they are left in the slot. */
NOINLINE void sum_deviations(division d, columns_share share, input x, slot s)
{
    clear_sums(d, share, s, SUM, 2);
    for (index_t v = share.begin; v < share.end; v++) {
        const column c = column_of(d, share, v, share.row_begin, share.row_end);
        const realv pivots = sample_pivots(d, c, x);
        store_coefficients(s, c, PIVOT, pivots);
        if (HAS_SHUFFLED && c.full)
            store_coefficients(slot_in_order(s, AFFINE_ROWS, false), c, PIVOT, shuffle_vector(pivots));
    }
    for (index_t v = share.begin; v < share.remainder_end; v++)
        add_column(d, remainder_column(d, share, v), x, s);
    if (HAS_SHUFFLED && share.remainder > 0)
        accumulate_chunk(d, share, s, SUM, 2, 0);
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows) {
        add_chunk(d, share, begin, min(begin + (index_t)d.chunk_rows, share.row_end), x, s);
        accumulate_chunk(d, share, s, SUM, 2, block_end(share));
    }
}

INLINE reals deviation_of(division d, column c, input x, index_t row, summation how)
{
    return fma(load_column(d, c, x, row), how.scale, -how.pivot * how.scale);
}

/* A column's deviations again, from all rows and the remainder. */
NOINLINE void sum_again(deviations *sums, division d, column c, column remainder, input x, summation how)
{
    sums->sum = wide_of(0);
    sums->squares = wide_of(0);
    for (index_t row = c.row, end = c.row; row < c.row_end;) {
        reals sum = 0, squares = 0;
        for (end = min(c.row_end, end + (index_t)d.chunk_rows); row < end; row++) {
            const reals deviation = deviation_of(d, c, x, row, how);
            sum += deviation;
            squares = fma(deviation, deviation, squares);
        }
        sums->sum = wide_add(sums->sum, wide_of(sum));
        sums->squares = wide_add(sums->squares, wide_of(squares));
    }
    if (remainder.width > 0) {
        const reals deviation = first_of(remainder.width) ? deviation_of(d, remainder, x, remainder.row, how) : (reals)0;
        sums->sum = wide_add(sums->sum, wide_of(deviation));
        sums->squares = wide_add(sums->squares, wide_of(deviation * deviation));
    }
}

/* The moments of a vector of channels over its part's rows, and the remainder, whose deviations are in the slot. Few vectors, if any, must be
 * summed again. */
NOINLINE void find_moments(moments *m, division d, columns_share share, index_t vector, input x, slot s)
{
    const column c = column_of(d, share, vector, share.row_begin, share.row_end),
                 remainder = remainder_column(d, share, vector);
    const wide of_remainder = wide_choose(first_of(remainder.width), wide_of(1), wide_of(0));
    const wide count = wide_add(wide_of_count(c.row_end - c.row), of_remainder);
    deviations sums = { accumulator_of(s, c, 0)->v, accumulator_of(s, c, 1)->v };
    summation how = first_summation(load_coefficients(s, c, PIVOT));
    summation with = how;
    for (truths are_good = follow_sums(&how, sums, count); any_of(!are_good); are_good = follow_sums(&how, sums, count)) {
        deviations again;
        sum_again(&again, d, c, remainder, x, how);
        sums.sum = wide_choose(are_good, sums.sum, again.sum);
        sums.squares = wide_choose(are_good, sums.squares, again.squares);
        with = how;
    }
    *m = moments_about(with.pivot, with.scale, sums, count);
}

/* A part's moments of the rows that are walked as one. */
NOINLINE void merge_folded_moments(division d, __global uchar *partials, ulong part)
{
    const ulong channels = d.channels / d.folded;
    for (ulong c = 0; d.folded > 1 && c < channels; c += CLBN_SPAN) {
        const span to = span_of((index_t)c, channels);
        moments m;
        load_partial_moments(&m, partials, part, d.channels, to);
        for (ulong row = 1; row < d.folded; row++) {
            moments other;
            load_partial_moments(&other, partials, part, d.channels, folded_span(to, row, channels));
            m = merge_moments(m, other);
        }
        store_partial_moments(partials, part * d.folded, channels, to, m);
    }
}

INLINE void normalize_column(division d, column c, forward_tensors t, bool past_cache, slot s)
{
    const realv mean = load_coefficients(s, c, AFFINE_MEAN);
    const realv scale = load_coefficients(s, c, AFFINE_SCALE);
    const realv shift = load_coefficients(s, c, AFFINE_SHIFT);
    for (index_t row = c.row; row < c.row_end; row++) {
        realv v = fma(load_column(d, c, t.x, row) - mean, scale, shift);
        if (t.z.data)
            v += load_column(d, c, t.z, row);
        store_column(d, c, t.y, row, activate(v, t.alpha), past_cache);
        if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && t.mask)
            store_mask(t.mask, column_unit(d, c, row), v, 0, c.width);
    }
}

/* Rows of a block; where it is plain, there are only x and y. */
INLINE void find_forward_rows(block_rows *own, division d, block b, forward_tensors t, bool is_plain)
{
    own->x = find_rows_of(d, b, t.x.data, t.x.at, true);
    own->dy = find_rows_of(d, b, 0, t.x.at, false);
    own->other = find_rows_of(d, b, t.z.data, t.z.at, !is_plain && t.z.data);
    own->out = find_rows_of(d, b, t.y.data, t.y.at, true);
    own->dz = own->dy;
    own->mask_pitch = (index_t)d.row_units * MASK_BYTES;
    own->has_mask = CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && !is_plain && t.mask;
    own->mask = own->has_mask ? t.mask + (ulong)b.row * own->mask_pitch : 0;
}

/* y, and the mask, of the first rows of own, in channels begin to end. in_order: not shuffled. */
INLINE void normalize_rows(block b, block_rows own, index_t rows, index_t begin, index_t end, real alpha, bool in_order,
                           bool fetches, bool past_cache, slot s)
{
    s = slot_in_order(s, AFFINE_ROWS, in_order);
    for (index_t channel = begin; channel < end; channel += CLBN_VECTOR) {
        const column c = full_vector(channel);
        const realv mean = load_coefficients(s, c, AFFINE_MEAN);
        const realv scale = load_coefficients(s, c, AFFINE_SCALE);
        const realv shift = load_coefficients(s, c, AFFINE_SHIFT);
        block_rows at = own;
        for (index_t i = 0; i < rows; i++, skip_rows(&at, 1)) {
            if (fetches) {
                fetch_rows(at.x, channel, b.result_band);
                fetch_rows(at.other, channel, b.result_band);
            }
            realv v = fma(load_in_order(at.x.row + channel, in_order) - mean, scale, shift);
            if (at.other.is_there)
                v += load_in_order(at.other.row + channel, in_order);
            store_in_order(at.out.row + channel, activate(v, alpha), in_order, past_cache);
            if (at.has_mask)
                store_mask(at.mask, channel / CLBN_VECTOR, v, 0, CLBN_VECTOR);
        }
    }
}

/* y, and the mask, of a block. */
INLINE void normalize_block(division d, block b, forward_tensors t, bool is_plain, bool past_cache, slot s)
{
    block_rows own;
    find_forward_rows(&own, d, b, t, is_plain);
    const bool fetches = past_cache || is_fetched(b, b.result_band, own.x.pitch);
    const writing w = choose_writing(b, own.out.pitch, past_cache);
    for (index_t row = 0; row < b.rows; row += b.result_band, skip_rows(&own, b.result_band)) {
        const index_t rows = min(b.result_band, b.rows - row);
        for (index_t begin = b.channel; begin < b.channel_end; begin += w.run) {
            const index_t end = min(begin + w.run, b.channel_end);
            block_rows at = own;
            if (w.at_once > 1)
                normalize_rows(b, own, rows, begin, end, t.alpha, !is_plain, fetches, past_cache, s);
            else
                for (index_t i = 0; i < rows; i++, skip_rows(&at, 1))
                    normalize_rows(b, at, 1, begin, end, t.alpha, !is_plain, fetches, past_cache, s);
        }
    }
}

/* y, and the mask, of the tile over rows begin to end. */
NOINLINE void normalize_chunk(division d, columns_share share, index_t begin, index_t end, forward_tensors t, slot s)
{
    const bool past_cache = (t.flags & FLAG_NONTEMPORAL) && is_aligned(t.y.data, t.y.at);
    const bool is_plain = !t.z.data && !t.mask;
    block b;
    find_block(&b, d, share, begin, end);
    if (is_plain && past_cache)
        normalize_block(d, b, t, true, true, s);
    else if (is_plain)
        normalize_block(d, b, t, true, false, s);
    else if (past_cache)
        normalize_block(d, b, t, false, true, s);
    else
        normalize_block(d, b, t, false, false, s);
    for (index_t v = vector_after(b); v < share.end; v++) {
        const column c = column_of(d, share, v, begin, end);
        if (c.full)
            normalize_column(d, full_column(c), t, past_cache, s);
        else
            normalize_column(d, c, t, past_cache, s);
    }
}

/* The same over all of its part's rows, and the remainder. */
NOINLINE void normalize_columns(division d, columns_share share, forward_tensors t, slot s)
{
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows)
        normalize_chunk(d, share, begin, min(begin + (index_t)d.chunk_rows, share.row_end), t, s);
    for (index_t v = share.begin; v < share.remainder_end; v++)
        normalize_column(d, remainder_column(d, share, v), t, false, s);
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* Forward training of tiles of channels. Where there are several parts, each takes the statistics of all rows, and writes y of its own.
 * z, y, mask, gamma, beta and the statistics may be NULL. */
GROUP_KERNEL void columns_forward(FORWARD_TENSORS, STATISTICS_PARAMETERS, real alpha, uint flags, MEMORY(uchar, coefficients),
                                  MEMORY(uchar, accumulated))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const channel_statistics of = GIVEN_STATISTICS;
    const index_t part = get_group_id(0);
    for (index_t tile = first_tile(d, get_group_id(1)); tile < first_tile(d, get_group_id(1) + 1); tile++) {
        const columns_share own = share_of(d, forward_takes_vectors(t), part, tile);
        const slot s = slot_of(d, tile, AFFINE_ROWS, coefficients + coefficients_offset, accumulated + accumulated_offset);
        fetch_results(d, own, t.y, flags);
        sum_deviations(d, in_all_rows(d, own), t.x, s);
        for (index_t v = own.begin; v < own.end; v++) {
            const column c = column_of(d, own, v, 0, 0);
            moments m;
            find_moments(&m, d, in_all_rows(d, own), v, t.x, s);
            affine a;
            finalize_moments(&a, m, span_of_column(c), part == 0, of);
            store_affine(s.table, s.channels, place_in_slot(s, c), a);
        }
        if (y)
            normalize_columns(d, own, t, s);
    }
}

/* The moments of a part of the rows, into partials. */
GROUP_KERNEL void columns_statistics(division d, TENSOR(x), MEMORY(uchar, partials), MEMORY(uchar, coefficients),
                                     MEMORY(uchar, accumulated))
{
    const input whole = { x + x_at.offset, x_at };
    const index_t part = get_group_id(0), tile = get_group_id(1);
    const columns_share own = share_of(d, takes_vectors(whole.data, whole.at), part, tile);
    const slot s = slot_of(d, tile, AFFINE_ROWS, coefficients + coefficients_offset, accumulated + accumulated_offset);
    sum_deviations(d, own, whole, s);
    for (index_t v = own.begin; v < own.end; v++) {
        moments m;
        find_moments(&m, d, own, v, whole, s);
        store_partial_moments(partials + partials_offset, part, d.channels, span_of_column(column_of(d, own, v, 0, 0)), m);
    }
    merge_folded_moments(d, partials + partials_offset, part);
}

/* y of a part of the rows, from coefficients [AFFINE_ROWS][channel]. */
GROUP_KERNEL void columns_normalize(FORWARD_TENSORS, real alpha, uint flags, MEMORY(uchar, coefficients))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    normalize_columns(d, second_share_of(d, forward_takes_vectors(t)), t, slot_of_all(d, coefficients + coefficients_offset));
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_INFERENCE
/* Forward inference of tiles of channels, and parts of the rows. */
GROUP_KERNEL void columns_inference(FORWARD_TENSORS, RUNNING_PARAMETERS, real alpha, uint flags, MEMORY(uchar, coefficients))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    for (index_t tile = first_tile(d, get_group_id(1)); tile < first_tile(d, get_group_id(1) + 1); tile++) {
        const columns_share own = share_of(d, forward_takes_vectors(t), get_group_id(0), tile);
        const slot s = slot_of(d, tile, AFFINE_ROWS, coefficients + coefficients_offset, 0);
        for (index_t v = own.begin; v < own.end; v++) {
            const column c = column_of(d, own, v, 0, 0);
            affine a;
            running_affine(&a, unfolded_span(d, span_of_column(c)), GIVEN_RUNNING);
            store_affine(s.table, s.channels, place_in_slot(s, c), a);
        }
        normalize_columns(d, own, t, s);
    }
}
#endif
