/* The backward of channels last; shares of the work as in columns_walk.cl. */

/* Where a slot keeps the sums of a chunk, before there are gradients: in the place of these (coefficients.cl). */
#define G_SUM INPUT_GAIN
#define G_XHAT_SUM INPUT_SLOPE
#define XHAT_SUM INPUT_SHIFT

/* A vector of channels' normalizers. */
typedef struct {
    realv scale, shift, gamma, beta;
} column_normalizer;

INLINE void load_column_normalizer(column_normalizer *n, column c, __global const real *table)
{
    n->scale = load_coefficients(c, table, XHAT_SCALE);
    n->shift = load_coefficients(c, table, XHAT_SHIFT);
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return;
    n->gamma = load_coefficients(c, table, OUTPUT_GAMMA);
    n->beta = load_coefficients(c, table, OUTPUT_BETA);
}

/* dy, x, other and bits: what there is of a row's vector, or 0. */
INLINE void find_column_terms(backward_terms *terms, backward_tensors t, realv x, realv dy, realv other, uint bits,
                              column_normalizer n)
{
    terms->xhat = xhat_of(x, t, n.scale, n.shift);
    terms->g = gradient_through(dy, x, terms->xhat, other, bits, t, n.gamma, n.beta);
}

INLINE void load_column_terms(backward_terms *terms, division d, column c, backward_tensors t, index_t row, column_normalizer n)
{
    const realv x = t.has_x ? load_column(d, c, t.x, row) : 0;
    const realv other = takes_other(t) ? load_column(d, c, t.other, row) : 0;
    const uint bits = t.mask ? load_mask_unit(t.mask, column_unit(c, row)) : 0;
    find_column_terms(terms, t, x, load_column(d, c, t.dy, row), other, bits, n);
}

/* The work-item's channels' normalizers, into its slot. */
NOINLINE void prepare_slot(division d, position at, columns_share own, channel_parameters p, __global real *slot)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        const column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < spans_in(c); i++) {
            const span to = span_in(c, i);
            normalizer n;
            find_normalizer(&n, p, unfolded_span(d, to));
            store_normalizer(slot, d.channels, to, n);
        }
    }
}

/* Of a block: its first row, with the pitches, the mask's in bytes. What is not there is NULL. */
typedef struct {
    __global const storage *x, *dy, *other;
    __global storage *dx, *dz;
    __global const uchar *mask;
    index_t x_pitch, dy_pitch, other_pitch, dx_pitch, dz_pitch, mask_pitch;
} backward_block;

INLINE void find_backward_block(backward_block *own, division d, block b, backward_tensors t)
{
    const index_t mask_pitch = units_of_row((index_t)d.channels) * MASK_BYTES;
    own->x = t.has_x ? t.x.data + row_offset(d, t.x.at, b.row) : 0;
    own->dy = t.dy.data + row_offset(d, t.dy.at, b.row);
    own->other = t.other.data ? t.other.data + row_offset(d, t.other.at, b.row) : 0;
    own->dx = t.has_dx ? t.dx.data + row_offset(d, t.dx.at, b.row) : 0;
    own->dz = t.dz.data ? t.dz.data + row_offset(d, t.dz.at, b.row) : 0;
    own->mask = t.mask ? t.mask + (ulong)b.row * mask_pitch : 0;
    own->x_pitch = pitch_of(b, t.x.at);
    own->dy_pitch = pitch_of(b, t.dy.at);
    own->other_pitch = pitch_of(b, t.other.at);
    own->dx_pitch = pitch_of(b, t.dx.at);
    own->dz_pitch = pitch_of(b, t.dz.at);
    own->mask_pitch = b.row_step * mask_pitch;
}

INLINE void skip_backward_rows(backward_block *own, backward_tensors t, index_t rows)
{
    own->dy += rows * own->dy_pitch;
    if (t.has_x)
        own->x += rows * own->x_pitch;
    if (t.other.data)
        own->other += rows * own->other_pitch;
    if (t.has_dx)
        own->dx += rows * own->dx_pitch;
    if (t.dz.data)
        own->dz += rows * own->dz_pitch;
    if (t.mask)
        own->mask += rows * own->mask_pitch;
}

/* Of the first row of own, in the vector of channels from c on. */
INLINE void load_block_terms(backward_terms *terms, backward_block own, backward_tensors t, index_t c, bool in_order,
                             column_normalizer n)
{
    const realv x = t.has_x ? load_in_order(own.x + c, in_order) : 0;
    const realv other = takes_other(t) ? load_in_order(own.other + c, in_order) : 0;
    const uint bits = t.mask ? load_mask_unit(own.mask, c / CLBN_VECTOR) : 0;
    find_column_terms(terms, t, x, load_in_order(own.dy + c, in_order), other, bits, n);
}

/* Adds the terms of rows of a block, of which own has the first, as add_band does. slot: [BACKWARD_ROWS][channels]. in_order: not
 * shuffled. */
INLINE void add_terms_of_band(block b, index_t rows, bool fetches, backward_block own, backward_tensors t, bool in_order,
                              index_t channels, __global real *slot)
{
    const index_t together = rows_added(rows);
    index_t ahead = b.channel + fetch_distance(b.band, own.dy_pitch);
    for (index_t c = b.channel; c < b.channel_end; c += b.channel_step) {
        const column all = vector_of_block(c, channels);
        column_normalizer n;
        load_column_normalizer(&n, all, table_in_order(slot, BACKWARD_ROWS, channels, in_order));
        realv g_sum = 0, g_xhat_sum = 0, xhat_sum = 0;
        backward_block at = own;
        for (index_t begin = 0; begin < rows; begin += together) {
            realv g = 0, g_xhat = 0, xhat = 0;
            for (index_t i = begin; i < min(begin + together, rows); i++, skip_backward_rows(&at, t, 1), ahead += CLBN_VECTOR) {
                if (fetches) {
                    fetch(own.x + ahead);
                    fetch(own.dy + ahead);
                }
                backward_terms terms;
                load_block_terms(&terms, at, t, c, in_order, n);
                g += terms.g;
                g_xhat = fma(terms.g, terms.xhat, g_xhat);
                xhat += terms.xhat;
            }
            g_sum += g;
            g_xhat_sum += g_xhat;
            xhat_sum += xhat;
        }
        store_coefficients(all, slot, G_SUM, load_coefficients(all, slot, G_SUM) + g_sum);
        store_coefficients(all, slot, G_XHAT_SUM, load_coefficients(all, slot, G_XHAT_SUM) + g_xhat_sum);
        store_coefficients(all, slot, XHAT_SUM, load_coefficients(all, slot, XHAT_SUM) + xhat_sum);
    }
}

/* Adds the terms of a block. is_plain: as has_only_dx(). */
INLINE void add_terms_of_block(division d, block b, backward_tensors t, bool is_plain, __global real *slot)
{
    backward_block own;
    if (is_plain)
        keep_only_dx(&t);
    find_backward_block(&own, d, b, t);
    const bool fetches = t.has_x && is_fetched(b, b.band, own.x_pitch) && is_fetched(b, b.band, own.dy_pitch);
    for (index_t row = 0; row < b.rows; row += b.band, skip_backward_rows(&own, t, b.band))
        add_terms_of_band(b, min(b.band, b.rows - row), fetches, own, t, !is_plain, (index_t)d.channels, slot);
}

INLINE void add_terms_of_column(division d, column c, backward_tensors t, __global real *slot)
{
    realv g = load_coefficients(c, slot, G_SUM);
    realv g_xhat = load_coefficients(c, slot, G_XHAT_SUM);
    realv xhat = load_coefficients(c, slot, XHAT_SUM);
    column_normalizer n;
    load_column_normalizer(&n, c, slot);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        backward_terms terms;
        load_column_terms(&terms, d, c, t, row, n);
        g += terms.g;
        g_xhat = fma(terms.g, terms.xhat, g_xhat);
        xhat += terms.xhat;
    }
    store_coefficients(c, slot, G_SUM, g);
    store_coefficients(c, slot, G_XHAT_SUM, g_xhat);
    store_coefficients(c, slot, XHAT_SUM, xhat);
}

NOINLINE void add_terms_of_chunk(division d, position at, columns_share share, index_t begin, index_t end, backward_tensors t,
                        __global real *slot)
{
    block b;
    find_block(&b, d, at, share, begin, end);
    if (has_only_dx(t))
        add_terms_of_block(d, b, t, true, slot);
    else
        add_terms_of_block(d, b, t, false, slot);
    for (index_t v = vector_after(b, at, share); v < share.vector_end; v += at.lanes) {
        column c = column_of(d, at, share, v, begin, end);
        if (c.full)
            add_terms_of_column(d, full_column(c), t, slot);
        else
            add_terms_of_column(d, c, t, slot);
    }
}

/* The same of the rest. */
NOINLINE void add_terms_of_rest(division d, position at, columns_share share, backward_tensors t, __global real *slot)
{
    for (index_t v = share.vector_begin; v < share.rest_end; v += at.lanes)
        add_terms_of_column(d, rest_column(d, share, v), t, slot);
}

/* The sums of a group's channels, into partials. All work-items come here together. */
NOINLINE void finish_sums_of_columns(division d, position at, columns_share share, accumulators own, __global uchar *partials, ulong part,
                            __local sums *scratch)
{
    for (index_t first = 0; first < (index_t)d.tile_vectors; first += at.lanes) {
        const bool has_vector = share.vector_begin + first < share.vector_end;
        const column c = column_of(d, at, share, share.vector_begin + first, 0, 0);
        wide g[SPANS], g_xhat[SPANS], xhat[SPANS];
        if (has_vector) {
            spread_widev(accumulator_of(own, c, 0)->v, g);
            spread_widev(accumulator_of(own, c, 1)->v, g_xhat);
            spread_widev(accumulator_of(own, c, 2)->v, xhat);
        }
        for (uint i = 0; i < SPANS; i++) {
            const bool has_channels = has_vector && i < spans_in(c);
            reuse_scratch();
            sums s = no_sums();
            if (has_channels) {
                s.g = g[i];
                s.g_xhat = g_xhat[i];
                s.xhat = xhat[i];
            }
            s = add_group_sums(s, at.lanes, scratch);
            if (has_channels && at.line == 0)
                store_partial_sums(partials, part, d.channels, span_in(c, i), s);
        }
    }
}

/* A part's sums of all rows in one, of a single work-item. */
NOINLINE void add_folded_sums(division d, __global uchar *partials, ulong part)
{
    const ulong channels = d.channels / d.folded;
    for (ulong c = 0; c < channels; c += CLBN_SPAN) {
        const span to = span_of((index_t)c, channels);
        sums s;
        load_partial_sums(&s, partials, part, d.channels, to);
        for (ulong row = 1; row < d.folded; row++) {
            sums other;
            load_partial_sums(&other, partials, part, d.channels, folded_span(to, row, channels));
            s = add_sums(s, other);
        }
        store_partial_sums(partials, part * d.folded, channels, to, s);
    }
}

/* The same from the beginning. slot: normalizers. */
NOINLINE void own_sums(division d, position at, columns_share share, backward_tensors t, __global real *slot, accumulators own,
              __global uchar *partials, ulong part, __local sums *scratch)
{
    t.has_dx = false;
    t.dz.data = 0;
    clear_sums(d, at, share, slot, G_SUM, 3, own);
    add_terms_of_rest(d, at, share, t, slot);
    if (HAS_SHUFFLED && share.rest > 0)
        accumulate_chunk(d, at, share, slot, G_SUM, 3, 0, own);
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, share.row_end);
        add_terms_of_chunk(d, at, share, begin, end, t, slot);
        accumulate_chunk(d, at, share, slot, G_SUM, 3, has_only_dx(t) ? block_end(share) : 0, own);
    }
    finish_sums_of_columns(d, at, share, own, partials, part, scratch);
    if (CLBN_GROUP == 1 && d.folded > 1)
        add_folded_sums(d, partials, part);
}

INLINE void input_column(division d, column c, backward_tensors t, bool dx_past_cache, bool dz_past_cache,
                         __global const real *table)
{
    const input dx = { t.dx.data, t.dx.at };
    column_normalizer n;
    load_column_normalizer(&n, c, table);
    realv gain = load_coefficients(c, table, INPUT_GAIN);
    realv slope = load_coefficients(c, table, INPUT_SLOPE);
    realv shift = load_coefficients(c, table, INPUT_SHIFT);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        backward_terms terms;
        load_column_terms(&terms, d, c, t, row, n);
        const realv held = t.dx_factor == 0 ? 0 : load_column(d, c, dx, row);
        if (t.has_dx)
            store_column(d, c, t.dx, row, accumulated(input_gradient(terms.g, terms.xhat, gain, slope, shift, t.flags), held, t),
                         dx_past_cache);
        if (t.dz.data)
            store_column(d, c, t.dz, row, terms.g, dz_past_cache);
    }
}

/* dx and dz of the first rows of a block, in channels begin to end. table: [BACKWARD_ROWS][channels]. in_order: not shuffled. */
INLINE void input_rows(block b, backward_block own, backward_tensors t, index_t rows, index_t begin, index_t end, bool in_order,
                       bool fetches, bool past_cache, __global const real *table, index_t channels)
{
    table = table_in_order(table, BACKWARD_ROWS, channels, in_order);
    for (index_t c = begin; c < end; c += b.channel_step) {
        const column all = vector_of_block(c, channels);
        const realv gain = load_coefficients(all, table, INPUT_GAIN);
        const realv slope = load_coefficients(all, table, INPUT_SLOPE);
        const realv shift = load_coefficients(all, table, INPUT_SHIFT);
        column_normalizer n;
        load_column_normalizer(&n, all, table);
        backward_block at = own;
        for (index_t i = 0; i < rows; i++, skip_backward_rows(&at, t, 1)) {
            if (fetches) {
                fetch(at.dy + c + fetch_distance(b.result_band, own.dy_pitch));
                if (t.has_x)
                    fetch(at.x + c + fetch_distance(b.result_band, own.x_pitch));
            }
            backward_terms terms;
            load_block_terms(&terms, at, t, c, in_order, n);
            const realv held = t.dx_factor == 0 ? 0 : load_in_order(at.dx + c, in_order);
            if (t.has_dx)
                store_in_order(at.dx + c, accumulated(input_gradient(terms.g, terms.xhat, gain, slope, shift, t.flags), held, t),
                               in_order, past_cache);
            if (t.dz.data)
                store_in_order(at.dz + c, terms.g, in_order, past_cache);
        }
    }
}

/* Row by row, or of a band vector by vector, or each of its rows in runs. is_plain: as has_only_dx(). */
INLINE void input_block(division d, block b, backward_tensors t, bool is_plain, bool past_cache, __global const real *table)
{
    const index_t run = RUN_VECTORS * b.channel_step, channels = (index_t)d.channels;
    backward_block own;
    if (is_plain) {
        keep_only_dx(&t);
        t.has_dx = true;
    }
    find_backward_block(&own, d, b, t);
    if (b.result_band == 1) {
        for (index_t row = 0; row < b.rows; row++, skip_backward_rows(&own, t, 1))
            input_rows(b, own, t, 1, b.channel, b.channel_end, !is_plain, past_cache, past_cache, table, channels);
        return;
    }
    const bool fetches = past_cache || is_fetched(b, b.result_band, own.dy_pitch);
    const bool is_together = is_written_together(b, t.has_dx ? own.dx_pitch : own.dz_pitch, past_cache);
    for (index_t row = 0; row < b.rows; row += b.result_band, skip_backward_rows(&own, t, b.result_band)) {
        const index_t rows = min(b.result_band, b.rows - row);
        if (is_together) {
            input_rows(b, own, t, rows, b.channel, b.channel_end, !is_plain, fetches, past_cache, table, channels);
            continue;
        }
        for (index_t begin = b.channel; begin < b.channel_end; begin += run) {
            backward_block at = own;
            for (index_t i = 0; i < rows; i++, skip_backward_rows(&at, t, 1))
                input_rows(b, at, t, 1, begin, min(begin + run, b.channel_end), !is_plain, true, true, table,
                           channels);
        }
    }
}

/* dx and dz of the work-item's channels over rows begin to end. table: [BACKWARD_ROWS][channel]. */
NOINLINE void input_chunk(division d, position at, columns_share share, index_t begin, index_t end, backward_tensors t,
                 __global const real *table)
{
    const bool dx_past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.dx.data, t.dx.at);
    const bool dz_past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.dz.data, t.dz.at);
    const bool is_plain = has_only_dx(t) && t.has_dx;
    block b;
    find_block(&b, d, at, share, begin, end);
    if (is_plain && dx_past_cache)
        input_block(d, b, t, true, true, table);
    else if (is_plain)
        input_block(d, b, t, true, false, table);
    else if (dx_past_cache && dz_past_cache)
        input_block(d, b, t, false, true, table);
    else
        input_block(d, b, t, false, false, table);
    for (index_t v = vector_after(b, at, share); v < share.vector_end; v += at.lanes) {
        column c = column_of(d, at, share, v, begin, end);
        if (c.full)
            input_column(d, full_column(c), t, dx_past_cache, dz_past_cache, table);
        else
            input_column(d, c, t, dx_past_cache, dz_past_cache, table);
    }
}

/* The same over all of its part's rows, and the rest. */
NOINLINE void input_columns(division d, position at, columns_share share, backward_tensors t, __global const real *table)
{
    t.has_x = t.has_x && input_takes_x(t);
    share.full_end = backward_writes_vectors(t) ? share.full_end : 0;
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows)
        input_chunk(d, at, share, begin, min(begin + (index_t)d.chunk_rows, share.row_end), t, table);
    for (index_t v = share.vector_begin; v < share.rest_end; v += at.lanes)
        input_column(d, rest_column(d, share, v), t, false, false, table);
}

/* Backward of a tile of channels to a group, in parts as columns_forward. partials: [part][channel], coefficients:
 * [part][BACKWARD_ROWS][channel], and accumulated, all for its use. */
GROUP_KERNEL void columns_backward(BACKWARD_TENSORS, BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON, real alpha,
                                   uint flags, MEMORY(uchar, partials), MEMORY(uchar, coefficients),
                                   MEMORY(uchar, accumulated))
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    __local sums scratch[CLBN_GROUP];
    position at = position_in_group(d);
    __global uchar *state = partials + partials_offset;
    const ulong part = get_group_id(0);
    columns_share own = share_of(d, at, backward_reads_vectors(t));
    __global real *table = own_table(d, own.slot, BACKWARD_ROWS, coefficients, coefficients_offset);
    bool needs_sums = dgamma || dbeta || (dx && !(flags & FLAG_FROZEN));
    fetch_results(d, at, own, t.dx, flags);
    fetch_results(d, at, own, t.dz, flags);
    prepare_slot(d, at, own, p, table);
    if (needs_sums)
        own_sums(d, at, in_all_rows(d, own), t, table, accumulators_of(accumulated + accumulated_offset, d, own.slot), state, part,
                 scratch);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        const column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < spans_in(c); i++) {
            const span to = span_in(c, i);
            sums s = no_sums();
            if (needs_sums)
                load_partial_sums(&s, state, part, d.channels, to);
            const reals unit = unit_of(p, to);
            gradient g;
            finish_sums(&g, sums_of_units(s, unit), wide_of_count(d.rows), to, p, unit, part == 0, gradients);
            store_gradient(table, d.channels, to, g);
        }
    }
    if (dx || dz)
        input_columns(d, at, own, t, table);
}

/* The sums of a part of the rows to a group, into partials; coefficients: [slot][BACKWARD_ROWS][channel], for
 * its use. */
GROUP_KERNEL void columns_sums(BACKWARD_INPUTS, BACKWARD_PARAMETERS, EPSILON, real alpha, uint flags,
                               MEMORY(uchar, partials), MEMORY(uchar, coefficients), MEMORY(uchar, accumulated))
{
    const backward_tensors t = GIVEN_BACKWARD_INPUTS;
    __local sums scratch[CLBN_GROUP];
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    position at = position_in_group(d);
    columns_share own = share_of(d, at, backward_reads_vectors(t));
    __global real *table = own_table(d, own.slot, BACKWARD_ROWS, coefficients, coefficients_offset);
    prepare_slot(d, at, own, p, table);
    own_sums(d, at, own, t, table, accumulators_of(accumulated + accumulated_offset, d, own.slot),
             partials + partials_offset, get_group_id(0), scratch);
}

/* dx and dz of a part of the rows to a group, from coefficients [BACKWARD_ROWS][channel]. */
GROUP_KERNEL void columns_input(BACKWARD_TENSORS, real alpha, uint flags, MEMORY(const uchar, coefficients))
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    position at = position_in_group(d);
    input_columns(d, at, second_share_of(d, at, backward_reads_vectors(t)), t,
                  (__global const real *)(coefficients + coefficients_offset));
}
