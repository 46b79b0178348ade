/* Forward training and inference of channels last; shares of the work as in columns_walk.cl. */

/* Rows of a slot's table, before there are coefficients: pivots, and the sums of a chunk. */
#define PIVOT 0
#define SUM 1
#define SQUARES 2

/* How many rows a pivot is sampled from. */
#define SAMPLES 16

/* Number i of the sampled rows. */
INLINE realv load_sample(division d, column c, input x, index_t rows, uint i, uint count)
{
    return load_column(d, c, x, c.row + (index_t)((ulong)rows * i / count) * c.step);
}

/* Pivots from rows that are spread over all of the column's. */
NOINLINE realv sample_pivots(division d, column c, input x)
{
    reals pivots[SPANS], sums[SPANS], squares[SPANS];
    const index_t rows = steps_below(c.row_end, c.row, c.step);
    const uint count = (uint)min(rows, (index_t)SAMPLES);
    sampling s;
    start_sampling(&s, middle_of(load_sample(d, c, x, rows, 0, count), load_sample(d, c, x, rows, count / 2, count),
                                 load_sample(d, c, x, rows, count - 1, count)));
    for (uint i = 0; i < count; i++)
        add_sample(&s, load_sample(d, c, x, rows, i, count));
    trim_samples(&s);
    spread_vector(s.base, (real *)pivots);
    spread_vector(s.sum, (real *)sums);
    spread_vector(s.squares, (real *)squares);
    for (uint i = 0; i < SPANS; i++)
        pivots[i] = sampled_pivot(pivots[i], sums[i], squares[i], s.count);
    return vector_of((real *)pivots);
}

/* Rows of a band that are added up before their sum is added to the chunk's, so that fewer additions follow one another: what values
 * that are alike round alike does not add up to much. Single work-items' bands are that short. */
#define ROWS_ADDED 8

INLINE index_t rows_added(index_t rows)
{
    return CLBN_GROUP == 1 ? rows : min(rows, (index_t)ROWS_ADDED);
}

/* Adds the deviations of rows of a block, the first of which is x, in shuffled order. */
INLINE void add_band(block b, index_t rows, bool fetches, __global const storage *x, index_t pitch, index_t channels,
                     __global real *slot)
{
    __global const storage *ahead = x + b.channel + fetch_distance(b.band, pitch);
    const index_t together = rows_added(rows);
    for (index_t c = b.channel; c < b.channel_end; c += b.channel_step) {
        const column all = vector_of_block(c, channels);
        const realv pivot = load_coefficients(all, table_in_order(slot, AFFINE_ROWS, channels, false), PIVOT);
        realv sum = 0, squares = 0;
        __global const storage *from = x + c;
        for (index_t begin = 0; begin < rows; begin += together) {
            realv sum_of_some = 0, squares_of_some = 0;
            for (index_t i = begin; i < min(begin + together, rows); i++, from += pitch, ahead += CLBN_VECTOR) {
                if (fetches)
                    fetch(ahead);
                realv deviation = load_in_order(from, false) - pivot;
                sum_of_some += deviation;
                squares_of_some = fma(deviation, deviation, squares_of_some);
            }
            sum += sum_of_some;
            squares += squares_of_some;
        }
        store_coefficients(all, slot, SUM, load_coefficients(all, slot, SUM) + sum);
        store_coefficients(all, slot, SQUARES, load_coefficients(all, slot, SQUARES) + squares);
    }
}

NOINLINE void add_block(block b, __global const storage *x, index_t pitch, index_t channels, __global real *slot)
{
    const bool fetches = is_fetched(b, b.band, pitch);
    b.band *= fetches || b.band == 1 ? 1 : 2; /* as many streams of memory as where two tensors are walked */
    for (index_t row = 0; row < b.rows; row += b.band, x += b.band * pitch)
        add_band(b, min(b.band, b.rows - row), fetches, x, pitch, channels, slot);
}

INLINE void add_column(division d, column c, input x, __global real *slot)
{
    realv pivot = load_coefficients(c, slot, PIVOT);
    realv sum = load_coefficients(c, slot, SUM);
    realv squares = load_coefficients(c, slot, SQUARES);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        realv deviation = load_column(d, c, x, row) - pivot;
        sum += deviation;
        squares = fma(deviation, deviation, squares);
    }
    store_coefficients(c, slot, SUM, sum);
    store_coefficients(c, slot, SQUARES, squares);
}

NOINLINE void add_chunk(division d, position at, columns_share share, index_t begin, index_t end, input x, __global real *slot)
{
    block b;
    find_block(&b, d, at, share, begin, end);
    add_block(b, x.data + row_offset(d, x.at, b.row), pitch_of(b, x.at), (index_t)d.channels, slot);
    for (index_t v = vector_after(b, at, share); v < share.vector_end; v += at.lanes)
        add_column(d, column_of(d, at, share, v, begin, end), x, slot);
}

/* The same of the rest. */
NOINLINE void add_rest(division d, position at, columns_share share, input x, __global real *slot)
{
    for (index_t v = share.vector_begin; v < share.rest_end; v += at.lanes)
        add_column(d, rest_column(d, share, v), x, slot);
}

/* A span: number i of a column's. The rest has a value of some of its channels. */
typedef struct {
    division d;
    input x;
    column c, rest;
    uint i;
    truths in_rest;
} column_span;

INLINE reals deviation_of(const column_span *a, column c, index_t row, summation how)
{
    realv all = load_column(a->d, c, a->x, row);
    reals value = ((const reals *)&all)[a->i];
    return fma(value, how.scale, -how.pivot * how.scale);
}

/* A span's deviations, from all rows and the rest. */
NOINLINE void sum_again(deviations *sums, const column_span *a, summation how)
{
    const column c = a->c;
    index_t chunk_end = c.row;
    sums->sum = wide_of(0);
    sums->squares = wide_of(0);
    for (index_t row = c.row; row < c.row_end;) {
        reals sum = 0, squares = 0;
        chunk_end = min(c.row_end, chunk_end + (index_t)a->d.chunk_rows);
        for (; row < chunk_end; row += c.step) {
            reals deviation = deviation_of(a, c, row, how);
            sum += deviation;
            squares = fma(deviation, deviation, squares);
        }
        sums->sum = wide_add(sums->sum, wide_of(sum));
        sums->squares = wide_add(sums->squares, wide_of(squares));
    }
    if (any_of(a->in_rest)) {
        reals deviation = deviation_of(a, a->rest, (index_t)a->d.rows, how);
        deviation = a->in_rest ? deviation : (reals)0;
        sums->sum = wide_add(sums->sum, wide_of(deviation));
        sums->squares = wide_add(sums->squares, wide_of(deviation * deviation));
    }
}

/* A span's moments from its deviations around pivots. Few spans, if any, must be summed again. */
NOINLINE void moments_of_span(moments *m, const column_span *a, reals pivot, deviations s)
{
    const column c = a->c;
    const wide of_rest = wide_choose(a->in_rest, wide_of(1), wide_of(0));
    const wide count = wide_add(wide_of_count(steps_below(c.row_end, c.row, c.step)), of_rest);
    summation how = first_summation(pivot);
    summation with = how;
    for (truths are_good = follow_sums(&how, s, count); any_of(!are_good); are_good = follow_sums(&how, s, count)) {
        deviations again;
        sum_again(&again, a, how);
        s.sum = wide_choose(are_good, s.sum, again.sum);
        s.squares = wide_choose(are_good, s.squares, again.squares);
        with = how;
    }
    *m = moments_about(with.pivot, with.scale, s, count);
}

/* The moments of a group's channels over its part's rows, into partials. All work-items come here together. */
NOINLINE void finish_columns(division d, position at, columns_share share, input x, __global const real *slot, accumulators own,
                    __global uchar *partials, ulong part, __local moments *scratch)
{
    for (index_t first = 0; first < (index_t)d.tile_vectors; first += at.lanes) {
        const bool has_vector = share.vector_begin + first < share.vector_end;
        const column c = column_of(d, at, share, share.vector_begin + first, share.row_begin, share.row_end);
        const column rest = rest_column(d, share, share.vector_begin + first);
        wide sums[SPANS], squares[SPANS];
        if (has_vector) {
            spread_widev(accumulator_of(own, c, 0)->v, sums);
            spread_widev(accumulator_of(own, c, 1)->v, squares);
        }
        for (uint i = 0; i < SPANS; i++) {
            const bool has_channels = has_vector && i < spans_in(c);
            reuse_scratch();
            moments m = no_moments();
            if (has_channels) {
                const span to = span_in(c, i);
                const column_span a = { d, x, c, rest, i, first_of(max(share.rest, to.channel) - to.channel) };
                deviations s;
                s.sum = sums[i];
                s.squares = squares[i];
                moments_of_span(&m, &a, load_span(slot + row_of_table(PIVOT, d.channels), to), s);
            }
            m = merge_group_moments(m, at.lanes, scratch);
            if (has_channels && at.line == 0)
                store_partial_moments(partials, part, d.channels, span_in(c, i), m);
        }
    }
}

/* A part's moments of all rows in one, of a single work-item. */
NOINLINE void merge_folded_moments(division d, __global uchar *partials, ulong part)
{
    const ulong channels = d.channels / d.folded;
    for (ulong c = 0; c < channels; c += CLBN_SPAN) {
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

/* The same from the beginning. */
NOINLINE void columns_moments(division d, position at, columns_share share, input x, __global real *slot, accumulators own,
                     __global uchar *partials, ulong part, __local moments *scratch)
{
    clear_sums(d, at, share, slot, SUM, 2, own);
    if (share.row_begin + at.line < share.row_end)
        for (index_t v = share.vector_begin; v < share.vector_end; v += at.lanes) {
            column c = column_of(d, at, share, v, share.row_begin, share.row_end);
            const realv pivots = sample_pivots(d, c, x);
            store_coefficients(c, slot, PIVOT, pivots);
            if (HAS_SHUFFLED && c.full)
                store_coefficients(c, slot, AFFINE_ROWS + PIVOT, shuffle_vector(pivots));
        }
    add_rest(d, at, share, x, slot);
    if (HAS_SHUFFLED && share.rest > 0)
        accumulate_chunk(d, at, share, slot, SUM, 2, 0, own);
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, share.row_end);
        add_chunk(d, at, share, begin, end, x, slot);
        accumulate_chunk(d, at, share, slot, SUM, 2, block_end(share), own);
    }
    finish_columns(d, at, share, x, slot, own, partials, part, scratch);
    if (CLBN_GROUP == 1 && d.folded > 1)
        merge_folded_moments(d, partials, part);
}

INLINE void normalize_column(division d, column c, forward_tensors t, bool past_cache, __global const real *table)
{
    realv mean = load_coefficients(c, table, AFFINE_MEAN);
    realv scale = load_coefficients(c, table, AFFINE_SCALE);
    realv shift = load_coefficients(c, table, AFFINE_SHIFT);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        realv v = fma(load_column(d, c, t.x, row) - mean, scale, shift);
        if (t.z.data)
            v += load_column(d, c, t.z, row);
        store_column(d, c, t.y, row, activate(v, t.alpha), past_cache);
        if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && t.mask)
            store_mask(t.mask, column_unit(c, row), v, 0, c.width);
    }
}

/* Of a block: its first row, with the pitches, the mask's in bytes. */
typedef struct {
    __global const storage *x, *z;
    __global storage *y;
    __global uchar *mask;
    index_t x_pitch, z_pitch, y_pitch, mask_pitch;
} forward_block;

INLINE void find_forward_block(forward_block *own, division d, block b, forward_tensors t)
{
    const index_t mask_pitch = units_of_row((index_t)d.channels) * MASK_BYTES;
    own->x = t.x.data + row_offset(d, t.x.at, b.row);
    own->z = t.z.data ? t.z.data + row_offset(d, t.z.at, b.row) : 0;
    own->y = t.y.data + row_offset(d, t.y.at, b.row);
    own->mask = t.mask ? t.mask + (ulong)b.row * mask_pitch : 0;
    own->x_pitch = pitch_of(b, t.x.at);
    own->z_pitch = pitch_of(b, t.z.at);
    own->y_pitch = pitch_of(b, t.y.at);
    own->mask_pitch = b.row_step * mask_pitch;
}

INLINE void skip_rows(forward_block *own, index_t rows)
{
    own->x += rows * own->x_pitch;
    own->y += rows * own->y_pitch;
    if (own->z)
        own->z += rows * own->z_pitch;
    if (own->mask)
        own->mask += rows * own->mask_pitch;
}

/* y, and the mask, of the first rows of a block, in channels begin to end. table: [AFFINE_ROWS][channels]. in_order: not
 * shuffled. */
INLINE void normalize_rows(block b, forward_block own, index_t rows, index_t begin, index_t end, real alpha, bool in_order,
                           bool fetches, bool past_cache, __global const real *table, index_t channels)
{
    table = table_in_order(table, AFFINE_ROWS, channels, in_order);
    for (index_t c = begin; c < end; c += b.channel_step) {
        const column all = vector_of_block(c, channels);
        const realv mean = load_coefficients(all, table, AFFINE_MEAN);
        const realv scale = load_coefficients(all, table, AFFINE_SCALE);
        const realv shift = load_coefficients(all, table, AFFINE_SHIFT);
        forward_block at = own;
        for (index_t i = 0; i < rows; i++, skip_rows(&at, 1)) {
            if (fetches) {
                fetch(at.x + c + fetch_distance(b.result_band, own.x_pitch));
                if (at.z) {
                    fetch(at.z + c + fetch_distance(b.result_band, own.z_pitch));
                }
            }
            realv v = fma(load_in_order(at.x + c, in_order) - mean, scale, shift);
            if (at.z)
                v += load_in_order(at.z + c, in_order);
            store_in_order(at.y + c, activate(v, alpha), in_order, past_cache);
            if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && at.mask)
                store_mask(at.mask, c / CLBN_VECTOR, v, 0, CLBN_VECTOR);
        }
    }
}

/* Row by row, or of a band vector by vector, or each of its rows in runs. is_plain: there are only x and y. */
INLINE void normalize_block(division d, block b, forward_tensors t, bool is_plain, bool past_cache, __global const real *table)
{
    const index_t run = RUN_VECTORS * b.channel_step, channels = (index_t)d.channels;
    forward_block own;
    if (is_plain) {
        t.z.data = 0;
        t.mask = 0;
    }
    find_forward_block(&own, d, b, t);
    if (b.result_band == 1) {
        for (index_t row = 0; row < b.rows; row++, skip_rows(&own, 1))
            normalize_rows(b, own, 1, b.channel, b.channel_end, t.alpha, !is_plain, past_cache, past_cache, table, channels);
        return;
    }
    const bool fetches = past_cache || is_fetched(b, b.result_band, own.x_pitch);
    const bool is_together = is_written_together(b, own.y_pitch, past_cache);
    for (index_t row = 0; row < b.rows; row += b.result_band, skip_rows(&own, b.result_band)) {
        const index_t rows = min(b.result_band, b.rows - row);
        if (is_together) {
            normalize_rows(b, own, rows, b.channel, b.channel_end, t.alpha, !is_plain, fetches, past_cache, table, channels);
            continue;
        }
        for (index_t begin = b.channel; begin < b.channel_end; begin += run) {
            forward_block at = own;
            for (index_t i = 0; i < rows; i++, skip_rows(&at, 1))
                normalize_rows(b, at, 1, begin, min(begin + run, b.channel_end), t.alpha, !is_plain, true, true,
                               table, channels);
        }
    }
}

/* y, and the mask, of the work-item's channels over rows begin to end. table: [AFFINE_ROWS][channel]. */
NOINLINE void normalize_chunk(division d, position at, columns_share share, index_t begin, index_t end, forward_tensors t,
                     __global const real *table)
{
    const bool past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.y.data, t.y.at);
    const bool is_plain = !t.z.data && !t.mask;
    block b;
    find_block(&b, d, at, share, begin, end);
    if (is_plain && past_cache)
        normalize_block(d, b, t, true, true, table);
    else if (is_plain)
        normalize_block(d, b, t, true, false, table);
    else if (past_cache)
        normalize_block(d, b, t, false, true, table);
    else
        normalize_block(d, b, t, false, false, table);
    for (index_t v = vector_after(b, at, share); v < share.vector_end; v += at.lanes) {
        column c = column_of(d, at, share, v, begin, end);
        if (c.full)
            normalize_column(d, full_column(c), t, past_cache, table);
        else
            normalize_column(d, c, t, past_cache, table);
    }
}

/* The same over all of its part's rows, and the rest. */
NOINLINE void normalize_columns(division d, position at, columns_share share, forward_tensors t, __global const real *table)
{
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows)
        normalize_chunk(d, at, share, begin, min(begin + (index_t)d.chunk_rows, share.row_end), t, table);
    for (index_t v = share.vector_begin; v < share.rest_end; v += at.lanes)
        normalize_column(d, rest_column(d, share, v), t, false, table);
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* Forward training of a tile of channels to a group, lanes the whole of it. Where there are several parts, each group takes the
 * statistics of all rows, and writes y of its part's. z, y, mask, gamma, beta and the statistics may be NULL. partials:
 * [part][channel], coefficients: [part][AFFINE_ROWS][channel], and accumulated, all for its use. */
GROUP_KERNEL void columns_forward(FORWARD_TENSORS, STATISTICS_PARAMETERS, real alpha, uint flags,
                                  MEMORY(uchar, partials), MEMORY(uchar, coefficients), MEMORY(uchar, accumulated))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const channel_statistics of = GIVEN_STATISTICS;
    __local moments scratch[CLBN_GROUP];
    position at = position_in_group(d);
    __global uchar *state = partials + partials_offset;
    const ulong part = get_group_id(0);
    columns_share own = share_of(d, at, forward_takes_vectors(t));
    __global real *table = own_table(d, own.slot, AFFINE_ROWS, coefficients, coefficients_offset);
    fetch_results(d, at, own, t.y, flags);
    columns_moments(d, at, in_all_rows(d, own), t.x, table, accumulators_of(accumulated + accumulated_offset, d, own.slot), state,
                    part, scratch);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        const column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < spans_in(c); i++) {
            const span to = span_in(c, i);
            moments m;
            load_partial_moments(&m, state, part, d.channels, to);
            affine a;
            finish_moments(&a, m, to, part == 0, of);
            store_affine(table, d.channels, to, a);
        }
    }
    if (y)
        normalize_columns(d, at, own, t, table);
}

/* The moments of a part of the rows to a group, into partials. */
GROUP_KERNEL void columns_statistics(division d, TENSOR(x), MEMORY(uchar, partials), MEMORY(uchar, coefficients),
                                     MEMORY(uchar, accumulated))
{
    __local moments scratch[CLBN_GROUP];
    const input whole = { x + x_at.offset, x_at };
    position at = position_in_group(d);
    columns_share own = share_of(d, at, takes_vectors(whole.data, whole.at));
    columns_moments(d, at, own, whole, own_table(d, own.slot, AFFINE_ROWS, coefficients, coefficients_offset),
                    accumulators_of(accumulated + accumulated_offset, d, own.slot),
                    partials + partials_offset, get_group_id(0), scratch);
}

/* y of a part of the rows to a group, from coefficients [AFFINE_ROWS][channel]. */
GROUP_KERNEL void columns_normalize(FORWARD_TENSORS, real alpha, uint flags, MEMORY(const uchar, coefficients))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    position at = position_in_group(d);
    normalize_columns(d, at, second_share_of(d, at, forward_takes_vectors(t)), t,
                      (__global const real *)(coefficients + coefficients_offset));
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_INFERENCE
/* Forward inference of a part of the rows to a group; coefficients: [slot][AFFINE_ROWS][channel], for its use. */
GROUP_KERNEL void columns_inference(FORWARD_TENSORS, RUNNING_PARAMETERS, real alpha, uint flags,
                                    MEMORY(uchar, coefficients))
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    position at = position_in_group(d);
    columns_share own = share_of(d, at, forward_takes_vectors(t));
    __global real *table = own_table(d, own.slot, AFFINE_ROWS, coefficients, coefficients_offset);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        const column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < spans_in(c); i++) {
            const span to = span_in(c, i);
            affine a;
            running_affine(&a, unfolded_span(d, to), GIVEN_RUNNING);
            store_affine(table, d.channels, to, a);
        }
    }
    normalize_columns(d, at, own, t, table);
}
#endif
