/* SPDX-License-Identifier: MIT */
/* The backward of channels last; the walk is that of columns_walk.cl. */

/* Where a slot keeps the sums of a chunk, before there are gradients: in the place of these (coefficients.cl). */
#define G_SUM      INPUT_GAIN
#define G_XHAT_SUM INPUT_SLOPE
#define XHAT_SUM   INPUT_SHIFT

/* A vector of channels' normalizers. */
typedef struct {
    realv scale, shift, gamma, beta;
} column_normalizer;

INLINE void load_column_normalizer(column_normalizer *n, slot s, column c)
{
    n->scale = load_coefficients(s, c, XHAT_SCALE);
    n->shift = load_coefficients(s, c, XHAT_SHIFT);
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return;
    n->gamma = load_coefficients(s, c, OUTPUT_GAMMA);
    n->beta = load_coefficients(s, c, OUTPUT_BETA);
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
    const uint bits = t.mask ? load_mask_unit(t.mask, column_unit(d, c, row)) : 0;
    find_column_terms(terms, t, x, load_column(d, c, t.dy, row), other, bits, n);
}

/* The tile's normalizers, into the slot. */
NOINLINE void prepare_slot(division d, columns_share own, channel_parameters p, slot s)
{
    for (index_t v = own.begin; v < own.end; v++) {
        const column c = column_of(d, own, v, 0, 0);
        normalizer n;
        find_normalizer(&n, p, unfolded_span(d, span_of_column(c)));
        store_normalizer(s.table, s.channels, place_in_slot(s, c), n);
    }
}

/* Rows of a block; what is not there may be a constant. */
INLINE void find_backward_rows(block_rows *own, division d, block b, backward_tensors t)
{
    own->x = find_rows_of(d, b, t.x.data, t.x.at, t.has_x);
    own->dy = find_rows_of(d, b, t.dy.data, t.dy.at, true);
    own->other = find_rows_of(d, b, t.other.data, t.other.at, t.other.data != 0);
    own->out = find_rows_of(d, b, t.dx.data, t.dx.at, t.has_dx);
    own->dz = find_rows_of(d, b, t.dz.data, t.dz.at, t.dz.data != 0);
    own->mask_pitch = (index_t)d.row_units * MASK_BYTES;
    own->has_mask = t.mask != 0;
    own->mask = t.mask ? (__global uchar *)t.mask + (ulong)b.row * own->mask_pitch : 0;
}

/* Of the first row of own, in the vector of channels from one on. */
INLINE void load_block_terms(backward_terms *terms, block_rows own, backward_tensors t, index_t channel, bool in_order,
                             column_normalizer n)
{
    const realv x = t.has_x ? load_in_order(own.x.row + channel, in_order) : 0;
    const realv other = takes_other(t) ? load_in_order(own.other.row + channel, in_order) : 0;
    const uint bits = t.mask ? load_mask_unit(own.mask, channel / CLBN_VECTOR) : 0;
    find_column_terms(terms, t, x, load_in_order(own.dy.row + channel, in_order), other, bits, n);
}

/* Adds the terms of rows of a block, of which own has the first, as add_band does. in_order: not shuffled. */
INLINE void add_terms_of_band(block b, index_t rows, bool fetches, block_rows own, backward_tensors t, bool in_order, slot s)
{
    index_t ahead = b.channel + fetch_distance(b.band, own.dy.pitch);
    for (index_t channel = b.channel; channel < b.channel_end; channel += CLBN_VECTOR) {
        const column c = full_vector(channel);
        column_normalizer n;
        load_column_normalizer(&n, slot_in_order(s, BACKWARD_ROWS, in_order), c);
        realv g = 0, g_xhat = 0, xhat = 0;
        block_rows at = own;
        for (index_t i = 0; i < rows; i++, skip_rows(&at, 1), ahead += CLBN_VECTOR) {
            if (fetches) {
                fetch(own.x.row + ahead);
                fetch(own.dy.row + ahead);
            }
            backward_terms terms;
            load_block_terms(&terms, at, t, channel, in_order, n);
            g += terms.g;
            g_xhat = fma(terms.g, terms.xhat, g_xhat);
            xhat += terms.xhat;
        }
        store_coefficients(s, c, G_SUM, load_coefficients(s, c, G_SUM) + g);
        store_coefficients(s, c, G_XHAT_SUM, load_coefficients(s, c, G_XHAT_SUM) + g_xhat);
        store_coefficients(s, c, XHAT_SUM, load_coefficients(s, c, XHAT_SUM) + xhat);
    }
}

/* Adds the terms of a block. is_plain: as has_only_dx(). */
INLINE void add_terms_of_block(division d, block b, backward_tensors t, bool is_plain, slot s)
{
    block_rows own;
    if (is_plain)
        keep_only_dx(&t);
    find_backward_rows(&own, d, b, t);
    const bool fetches = t.has_x && is_fetched(b, b.band, own.x.pitch) && is_fetched(b, b.band, own.dy.pitch);
    for (index_t row = 0; row < b.rows; row += b.band, skip_rows(&own, b.band))
        add_terms_of_band(b, min(b.band, b.rows - row), fetches, own, t, !is_plain, s);
}

INLINE void add_terms_of_column(division d, column c, backward_tensors t, slot s)
{
    realv g = load_coefficients(s, c, G_SUM);
    realv g_xhat = load_coefficients(s, c, G_XHAT_SUM);
    realv xhat = load_coefficients(s, c, XHAT_SUM);
    column_normalizer n;
    load_column_normalizer(&n, s, c);
    for (index_t row = c.row; row < c.row_end; row++) {
        backward_terms terms;
        load_column_terms(&terms, d, c, t, row, n);
        g += terms.g;
        g_xhat = fma(terms.g, terms.xhat, g_xhat);
        xhat += terms.xhat;
    }
    store_coefficients(s, c, G_SUM, g);
    store_coefficients(s, c, G_XHAT_SUM, g_xhat);
    store_coefficients(s, c, XHAT_SUM, xhat);
}

/* Adds the terms of rows begin to end. */
NOINLINE void add_terms_of_chunk(division d, columns_share share, index_t begin, index_t end, backward_tensors t, slot s)
{
    block b;
    find_block(&b, d, share, begin, end);
    if (has_only_dx(t))
        add_terms_of_block(d, b, t, true, s);
    else
        add_terms_of_block(d, b, t, false, s);
    for (index_t v = vector_after(b); v < share.end; v++) {
        const column c = column_of(d, share, v, begin, end);
        if (c.full)
            add_terms_of_column(d, full_column(c), t, s);
        else
            add_terms_of_column(d, c, t, s);
    }
}

/* The tile's sums over its part's rows, and the remainder, of which the slot has the normalizers. They are left there. */
NOINLINE void sum_terms(division d, columns_share share, backward_tensors t, slot s)
{
    t.has_dx = false;
    t.dz.data = 0;
    clear_sums(d, share, s, G_SUM, 3);
    for (index_t v = share.begin; v < share.remainder_end; v++)
        add_terms_of_column(d, remainder_column(d, share, v), t, s);
    if (HAS_SHUFFLED && share.remainder > 0)
        accumulate_chunk(d, share, s, G_SUM, 3, 0);
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows) {
        add_terms_of_chunk(d, share, begin, min(begin + (index_t)d.chunk_rows, share.row_end), t, s);
        accumulate_chunk(d, share, s, G_SUM, 3, has_only_dx(t) ? block_end(share) : 0);
    }
}

/* The sums of a column's channels that are in the slot. */
INLINE void load_sums_of_column(sums *result, slot s, column c)
{
    result->g = accumulator_of(s, c, 0)->v;
    result->g_xhat = accumulator_of(s, c, 1)->v;
    result->xhat = accumulator_of(s, c, 2)->v;
}

/* A part's sums of the rows that are walked as one. */
NOINLINE void add_folded_sums(division d, __global uchar *partials, ulong part)
{
    const ulong channels = d.channels / d.folded;
    for (ulong c = 0; d.folded > 1 && c < channels; c += CLBN_SPAN) {
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

INLINE void input_column(division d, column c, backward_tensors t, bool dx_past_cache, bool dz_past_cache, slot s)
{
    const input dx = { t.dx.data, t.dx.at };
    column_normalizer n;
    load_column_normalizer(&n, s, c);
    const realv gain = load_coefficients(s, c, INPUT_GAIN);
    const realv slope = load_coefficients(s, c, INPUT_SLOPE);
    const realv shift = load_coefficients(s, c, INPUT_SHIFT);
    for (index_t row = c.row; row < c.row_end; row++) {
        backward_terms terms;
        load_column_terms(&terms, d, c, t, row, n);
        const realv held = t.dx_factor == 0 ? 0 : load_column(d, c, dx, row);
        if (t.has_dx)
            store_column(d, c, t.dx, row,
                         accumulated(input_gradient(terms.g, terms.xhat, gain, slope, shift, t.flags), held, t), dx_past_cache);
        if (t.dz.data)
            store_column(d, c, t.dz, row, terms.g, dz_past_cache);
    }
}

/* dx and dz of the first rows of a block, in channels begin to end. in_order: not shuffled. */
INLINE void input_rows(block b, block_rows own, backward_tensors t, index_t rows, index_t begin, index_t end, bool in_order,
                       bool fetches, bool past_cache, slot s)
{
    s = slot_in_order(s, BACKWARD_ROWS, in_order);
    for (index_t channel = begin; channel < end; channel += CLBN_VECTOR) {
        const column c = full_vector(channel);
        const realv gain = load_coefficients(s, c, INPUT_GAIN);
        const realv slope = load_coefficients(s, c, INPUT_SLOPE);
        const realv shift = load_coefficients(s, c, INPUT_SHIFT);
        column_normalizer n;
        load_column_normalizer(&n, s, c);
        block_rows at = own;
        for (index_t i = 0; i < rows; i++, skip_rows(&at, 1)) {
            if (fetches) {
                fetch_rows(at.dy, channel, b.result_band);
                fetch_rows(at.x, channel, b.result_band);
            }
            backward_terms terms;
            load_block_terms(&terms, at, t, channel, in_order, n);
            const realv held = t.dx_factor == 0 ? 0 : load_in_order(at.out.row + channel, in_order);
            if (t.has_dx)
                store_in_order(at.out.row + channel,
                               accumulated(input_gradient(terms.g, terms.xhat, gain, slope, shift, t.flags), held, t), in_order,
                               past_cache);
            if (t.dz.data)
                store_in_order(at.dz.row + channel, terms.g, in_order, past_cache);
        }
    }
}

/* dx and dz of a block. is_plain: as has_only_dx(). */
INLINE void input_block(division d, block b, backward_tensors t, bool is_plain, bool past_cache, slot s)
{
    block_rows own;
    if (is_plain) {
        keep_only_dx(&t);
        t.has_dx = true;
    }
    find_backward_rows(&own, d, b, t);
    const bool fetches = past_cache || is_fetched(b, b.result_band, own.dy.pitch);
    const writing w = choose_writing(b, t.has_dx ? own.out.pitch : own.dz.pitch, past_cache);
    for (index_t row = 0; row < b.rows; row += b.result_band, skip_rows(&own, b.result_band)) {
        const index_t rows = min(b.result_band, b.rows - row);
        for (index_t begin = b.channel; begin < b.channel_end; begin += w.run) {
            const index_t end = min(begin + w.run, b.channel_end);
            block_rows at = own;
            if (w.at_once > 1)
                input_rows(b, own, t, rows, begin, end, !is_plain, fetches, past_cache, s);
            else
                for (index_t i = 0; i < rows; i++, skip_rows(&at, 1))
                    input_rows(b, at, t, 1, begin, end, !is_plain, fetches, past_cache, s);
        }
    }
}

/* dx and dz of the tile over rows begin to end. */
NOINLINE void input_chunk(division d, columns_share share, index_t begin, index_t end, backward_tensors t, slot s)
{
    const bool dx_past_cache = (t.flags & FLAG_NONTEMPORAL) && is_aligned(t.dx.data, t.dx.at);
    const bool dz_past_cache = (t.flags & FLAG_NONTEMPORAL) && is_aligned(t.dz.data, t.dz.at);
    const bool is_plain = has_only_dx(t) && t.has_dx;
    block b;
    find_block(&b, d, share, begin, end);
    if (is_plain && dx_past_cache)
        input_block(d, b, t, true, true, s);
    else if (is_plain)
        input_block(d, b, t, true, false, s);
    else if (dx_past_cache && dz_past_cache)
        input_block(d, b, t, false, true, s);
    else
        input_block(d, b, t, false, false, s);
    for (index_t v = vector_after(b); v < share.end; v++) {
        const column c = column_of(d, share, v, begin, end);
        if (c.full)
            input_column(d, full_column(c), t, dx_past_cache, dz_past_cache, s);
        else
            input_column(d, c, t, dx_past_cache, dz_past_cache, s);
    }
}

/* The same over all of its part's rows, and the remainder. */
NOINLINE void input_columns(division d, columns_share share, backward_tensors t, slot s)
{
    t.has_x = t.has_x && input_takes_x(t);
    share.full_end = backward_writes_vectors(t) ? share.full_end : 0;
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows)
        input_chunk(d, share, begin, min(begin + (index_t)d.chunk_rows, share.row_end), t, s);
    for (index_t v = share.begin; v < share.remainder_end; v++)
        input_column(d, remainder_column(d, share, v), t, false, false, s);
}

/* Backward of tiles of channels, in parts as columns_forward. */
GROUP_KERNEL void columns_backward(BACKWARD_TENSORS, BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON, real alpha, uint flags,
                                   MEMORY(uchar, coefficients), MEMORY(uchar, accumulated))
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    const index_t part = get_group_id(0);
    const bool needs_sums = dgamma || dbeta || (dx && !(flags & FLAG_FROZEN));
    for (index_t tile = first_tile(d, get_group_id(1)); tile < first_tile(d, get_group_id(1) + 1); tile++) {
        const columns_share own = share_of(d, backward_reads_vectors(t), part, tile);
        const slot s = slot_of(d, tile, BACKWARD_ROWS, coefficients + coefficients_offset, accumulated + accumulated_offset);
        fetch_results(d, own, t.dx, flags);
        fetch_results(d, own, t.dz, flags);
        prepare_slot(d, own, p, s);
        if (needs_sums)
            sum_terms(d, in_all_rows(d, own), t, s);
        for (index_t v = own.begin; v < own.end; v++) {
            const column c = column_of(d, own, v, 0, 0);
            const span to = span_of_column(c);
            const reals unit = unit_of(p, to);
            sums all = no_sums();
            if (needs_sums)
                load_sums_of_column(&all, s, c);
            gradient g;
            finalize_sums(&g, sums_of_units(all, unit), wide_of_count(d.rows), to, p, unit, part == 0, gradients);
            store_gradient(s.table, s.channels, place_in_slot(s, c), g);
        }
        if (dx || dz)
            input_columns(d, own, t, s);
    }
}

/* The sums of a part of the rows, into partials. */
GROUP_KERNEL void columns_sums(BACKWARD_INPUTS, BACKWARD_PARAMETERS, EPSILON, real alpha, uint flags, MEMORY(uchar, partials),
                               MEMORY(uchar, coefficients), MEMORY(uchar, accumulated))
{
    const backward_tensors t = GIVEN_BACKWARD_INPUTS;
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    const index_t part = get_group_id(0), tile = get_group_id(1);
    const columns_share own = share_of(d, backward_reads_vectors(t), part, tile);
    const slot s = slot_of(d, tile, BACKWARD_ROWS, coefficients + coefficients_offset, accumulated + accumulated_offset);
    prepare_slot(d, own, p, s);
    sum_terms(d, own, t, s);
    for (index_t v = own.begin; v < own.end; v++) {
        const column c = column_of(d, own, v, 0, 0);
        sums all;
        load_sums_of_column(&all, s, c);
        store_partial_sums(partials + partials_offset, part, d.channels, span_of_column(c), all);
    }
    add_folded_sums(d, partials + partials_offset, part);
}

/* dx and dz of a part of the rows, from coefficients [BACKWARD_ROWS][channel]. */
GROUP_KERNEL void columns_input(BACKWARD_TENSORS, real alpha, uint flags, MEMORY(uchar, coefficients))
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    input_columns(d, second_share_of(d, backward_reads_vectors(t)), t, slot_of_all(d, coefficients + coefficients_offset));
}
