/* The backward of channels last; shares of the work as in columns_walk.cl. */

/* Where a slot keeps the sums of a chunk, before there are gradients: in the place of these (coefficients.cl). */
#define G_SUM INPUT_GAIN
#define G_XHAT_SUM INPUT_SLOPE
#define XHAT_SUM INPUT_SHIFT

/* A vector of channels' normalizers. */
typedef struct {
    realv mean, scale, gamma, beta;
} column_normalizer;

/* Of a row: xhat, and dy taken back through the activation. */
typedef struct {
    realv xhat, g;
} column_terms;

INLINE void load_column_normalizer(column_normalizer *n, column c, __global const real *table)
{
    n->mean = load_coefficients(c, table, XHAT_MEAN);
    n->scale = load_coefficients(c, table, XHAT_SCALE);
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return;
    n->gamma = load_coefficients(c, table, OUTPUT_GAMMA);
    n->beta = load_coefficients(c, table, OUTPUT_BETA);
}

/* dy taken back through the activation, where x (or y in its place) and xhat are known. */
INLINE realv gradient_column(division d, column c, backward_tensors t, index_t row, realv x, realv xhat, column_normalizer n)
{
    realv dy = load_column(d, c, t.dy, row);
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return dy;
    if (t.mask)
        return gradient_from_mask(dy, load_mask(t.mask, column_unit(c, row), 0, c.width), t.alpha);
    if (t.flags & FLAG_ALONE)
        return gradient_from_output(dy, x, t.alpha);
    realv a = fma(xhat, n.gamma, n.beta);
    if (t.other.data) {
        realv other = load_column(d, c, t.other, row);
        if (t.flags & FLAG_FROM_OUTPUT)
            return gradient_from_output(dy, other, t.alpha);
        a += other;
    }
    return gradient_from_input(dy, a, t.alpha);
}

INLINE void load_column_terms(column_terms *terms, division d, column c, backward_tensors t, index_t row, column_normalizer n)
{
    realv x = 0;
    if (t.has_x)
        x = load_column(d, c, t.x, row);
    realv a = t.flags & FLAG_ALONE ? input_of_activation(x, t.alpha) : x;
    terms->xhat = (a - n.mean) * n.scale;
    terms->g = gradient_column(d, c, t, row, x, terms->xhat, n);
}

/* The work-item's channels' normalizers, into its slot. */
void prepare_slot(division d, position at, columns_share own, channel_parameters p, __global real *slot)
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

/* Of a block: its first row, with the pitches. */
typedef struct {
    __global const storage *x, *dy;
    __global storage *dx;
    index_t x_pitch, dy_pitch, dx_pitch;
} backward_block;

INLINE void find_backward_block(backward_block *own, division d, block b, backward_tensors t)
{
    own->x = t.x.data + row_offset(d, t.x.at, b.row);
    own->dy = t.dy.data + row_offset(d, t.dy.at, b.row);
    own->dx = t.dx.data + row_offset(d, t.dx.at, b.row);
    own->x_pitch = pitch_of(b, t.x.at);
    own->dy_pitch = pitch_of(b, t.dy.at);
    own->dx_pitch = pitch_of(b, t.dx.at);
}

INLINE void next_band(backward_block *own, index_t rows)
{
    own->x += rows * own->x_pitch;
    own->dy += rows * own->dy_pitch;
    own->dx += rows * own->dx_pitch;
}

/* Adds the terms of rows of a block, of which own has the first. slot: [BACKWARD_ROWS][channels]. */
INLINE void add_terms_of_band(block b, index_t rows, bool fetches, backward_block own, index_t channels, real alpha,
                              __global real *slot)
{
    __global const storage *x_ahead = own.x + b.channel + FETCH_DISTANCE;
    __global const storage *dy_ahead = own.dy + b.channel + FETCH_DISTANCE;
    for (index_t c = b.channel; c < b.channel_end; c += b.channel_step) {
        const realv mean = load_realv(slot + XHAT_MEAN * channels + c);
        const realv scale = load_realv(slot + XHAT_SCALE * channels + c);
        realv gamma = 0, beta = 0;
        if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE) {
            gamma = load_realv(slot + OUTPUT_GAMMA * channels + c);
            beta = load_realv(slot + OUTPUT_BETA * channels + c);
        }
        realv g_sum = load_realv(slot + G_SUM * channels + c);
        realv g_xhat_sum = load_realv(slot + G_XHAT_SUM * channels + c);
        realv xhat_sum = load_realv(slot + XHAT_SUM * channels + c);
        __global const storage *x = own.x + c;
        __global const storage *dy = own.dy + c;
        for (index_t i = 0; i < rows; i++, x += own.x_pitch, dy += own.dy_pitch) {
            if (fetches) {
                fetch(x_ahead);
                fetch(dy_ahead);
                x_ahead += CLBN_VECTOR;
                dy_ahead += CLBN_VECTOR;
            }
            realv xhat = (load_vector(x) - mean) * scale;
            realv g = gradient_from_input(load_vector(dy), fma(xhat, gamma, beta), alpha);
            g_sum += g;
            g_xhat_sum = fma(g, xhat, g_xhat_sum);
            xhat_sum += xhat;
        }
        store_realv(slot + G_SUM * channels + c, g_sum);
        store_realv(slot + G_XHAT_SUM * channels + c, g_xhat_sum);
        store_realv(slot + XHAT_SUM * channels + c, xhat_sum);
    }
}

/* Adds the terms of a block. */
void add_terms_of_block(block b, backward_block own, index_t channels, real alpha, __global real *slot)
{
    const bool fetches = is_fetched(b, own.x_pitch) && is_fetched(b, own.dy_pitch);
    for (index_t row = 0; row < b.rows; row += b.band) {
        const index_t rows = min(b.band, b.rows - row);
        if (rows == USUAL_BAND && fetches)
            add_terms_of_band(b, USUAL_BAND, true, own, channels, alpha, slot);
        else
            add_terms_of_band(b, rows, false, own, channels, alpha, slot);
        next_band(&own, b.band);
    }
}

INLINE void add_terms_of_column(division d, column c, backward_tensors t, __global real *slot)
{
    realv g = load_coefficients(c, slot, G_SUM);
    realv g_xhat = load_coefficients(c, slot, G_XHAT_SUM);
    realv xhat = load_coefficients(c, slot, XHAT_SUM);
    column_normalizer n;
    load_column_normalizer(&n, c, slot);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        column_terms terms;
        load_column_terms(&terms, d, c, t, row, n);
        g += terms.g;
        g_xhat = fma(terms.g, terms.xhat, g_xhat);
        xhat += terms.xhat;
    }
    store_coefficients(c, slot, G_SUM, g);
    store_coefficients(c, slot, G_XHAT_SUM, g_xhat);
    store_coefficients(c, slot, XHAT_SUM, xhat);
}

void add_terms_of_chunk(division d, position at, columns_share share, index_t begin, index_t end, backward_tensors t,
                        __global real *slot)
{
    index_t v = share.vector_begin;
    if (has_only_dx(t)) {
        block b;
        backward_block own;
        find_block(&b, d, at, share, begin, end);
        find_backward_block(&own, d, b, t);
        add_terms_of_block(b, own, (index_t)d.channels, t.alpha, slot);
        v = vector_after(b, at, share);
    }
    for (; v < share.vector_end; v += at.lanes) {
        column c = column_of(d, at, share, v, begin, end);
        if (c.full)
            add_terms_of_column(d, full_column(c), t, slot);
        else
            add_terms_of_column(d, c, t, slot);
    }
}

/* The same of the rest. */
void add_terms_of_rest(division d, position at, columns_share share, backward_tensors t, __global real *slot)
{
    for (index_t v = share.vector_begin; v < share.rest_end; v += at.lanes)
        add_terms_of_column(d, rest_column(d, share, v), t, slot);
}

/* The sums of a group's channels, into partials. All work-items come here together. */
void finish_sums_of_columns(division d, position at, columns_share share, accumulators own, __global uchar *partials, ulong part,
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

/* The same from the beginning. slot: normalizers. */
void own_sums(division d, position at, columns_share share, backward_tensors t, __global real *slot, accumulators own,
              __global uchar *partials, ulong part, __local sums *scratch)
{
    t.has_dx = false;
    t.dz.data = 0;
    clear_sums(d, at, share, slot, G_SUM, 3, own);
    add_terms_of_rest(d, at, share, t, slot);
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, share.row_end);
        add_terms_of_chunk(d, at, share, begin, end, t, slot);
        accumulate_chunk(d, at, share, slot, G_SUM, 3, own);
    }
    finish_sums_of_columns(d, at, share, own, partials, part, scratch);
}

INLINE void input_column(division d, column c, backward_tensors t, bool dx_past_cache, bool dz_past_cache,
                         __global const real *table)
{
    column_normalizer n;
    load_column_normalizer(&n, c, table);
    realv gain = load_coefficients(c, table, INPUT_GAIN);
    realv slope = load_coefficients(c, table, INPUT_SLOPE);
    realv shift = load_coefficients(c, table, INPUT_SHIFT);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        column_terms terms;
        load_column_terms(&terms, d, c, t, row, n);
        if (t.has_dx)
            store_column(d, c, t.dx, row, input_gradient(terms.g, terms.xhat, gain, slope, shift, t.flags), dx_past_cache);
        if (t.dz.data)
            store_column(d, c, t.dz, row, terms.g, dz_past_cache);
    }
}

/* dx of a block. table: [BACKWARD_ROWS][channels]. */
INLINE void input_block(block b, backward_block own, index_t channels, real alpha, bool past_cache, __global const real *table)
{
    for (index_t row = 0; row < b.rows; row += b.result_band) {
        const index_t rows = min(b.result_band, b.rows - row);
        for (index_t c = b.channel; c < b.channel_end; c += b.channel_step) {
            const realv mean = load_realv(table + XHAT_MEAN * channels + c);
            const realv scale = load_realv(table + XHAT_SCALE * channels + c);
            const realv gain = load_realv(table + INPUT_GAIN * channels + c);
            const realv slope = load_realv(table + INPUT_SLOPE * channels + c);
            const realv shift = load_realv(table + INPUT_SHIFT * channels + c);
            realv gamma = 0, beta = 0;
            if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE) {
                gamma = load_realv(table + OUTPUT_GAMMA * channels + c);
                beta = load_realv(table + OUTPUT_BETA * channels + c);
            }
            __global const storage *x = own.x + c;
            __global const storage *dy = own.dy + c;
            __global storage *dx = own.dx + c;
            for (index_t i = 0; i < rows; i++, x += own.x_pitch, dy += own.dy_pitch, dx += own.dx_pitch) {
                realv xhat = (load_vector(x) - mean) * scale;
                realv g = gradient_from_input(load_vector(dy), fma(xhat, gamma, beta), alpha);
                store_vector(dx, input_gradient(g, xhat, gain, slope, shift, 0), past_cache);
            }
        }
        next_band(&own, b.result_band);
    }
}

/* dx of a block, where nothing but x, dy and dx is there. */
void input_plain(division d, block b, backward_tensors t, bool past_cache, __global const real *table)
{
    backward_block own;
    find_backward_block(&own, d, b, t);
    if (past_cache)
        input_block(b, own, (index_t)d.channels, t.alpha, true, table);
    else
        input_block(b, own, (index_t)d.channels, t.alpha, false, table);
}

/* dx and dz of the work-item's channels over rows begin to end. table: [BACKWARD_ROWS][channel]. */
void input_chunk(division d, position at, columns_share share, index_t begin, index_t end, backward_tensors t,
                 __global const real *table)
{
    bool dx_past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.dx.data, t.dx.at);
    bool dz_past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.dz.data, t.dz.at);
    index_t v = share.vector_begin;
    if (has_only_dx(t) && t.has_dx) {
        block b;
        find_block(&b, d, at, share, begin, end);
        input_plain(d, b, t, dx_past_cache, table);
        v = vector_after(b, at, share);
    }
    for (; v < share.vector_end; v += at.lanes) {
        column c = column_of(d, at, share, v, begin, end);
        if (c.full)
            input_column(d, full_column(c), t, dx_past_cache, dz_past_cache, table);
        else
            input_column(d, c, t, dx_past_cache, dz_past_cache, table);
    }
}

/* The same over all of its part's rows, and the rest. */
void input_columns(division d, position at, columns_share share, backward_tensors t, __global const real *table)
{
    t.has_x = t.has_x && input_takes_x(t);
    share.full_end = backward_writes_vectors(t) ? share.full_end : 0;
    for (index_t begin = share.row_begin; begin < share.row_end; begin += (index_t)d.chunk_rows)
        input_chunk(d, at, share, begin, min(begin + (index_t)d.chunk_rows, share.row_end), t, table);
    for (index_t v = share.vector_begin; v < share.rest_end; v += at.lanes)
        input_column(d, rest_column(d, share, v), t, false, false, table);
}

/* Backward of a tile of channels to a group; parts is 1, lanes the whole group. partials: [channel], coefficients:
 * [BACKWARD_ROWS][channel], and accumulated, all for its use. */
GROUP_KERNEL void columns_backward(division d, __global const storage *x, layout x_at, __global const storage *dy,
                                   layout dy_at, __global const storage *other, layout other_at, __global const uchar *mask,
                                   ulong mask_offset, __global storage *dx, layout dx_at, __global storage *dz,
                                   layout dz_at, __global const real *gamma, ulong gamma_offset, __global const real *beta,
                                   ulong beta_offset, __global const real *mean, ulong mean_offset,
                                   __global const real *deviation, ulong deviation_offset, __global real *dgamma,
                                   ulong dgamma_offset, __global real *dbeta, ulong dbeta_offset, real epsilon_high,
                                   real epsilon_low, real alpha, uint flags, __global uchar *partials,
                                   ulong partials_offset, __global uchar *coefficients, ulong coefficients_offset,
                                   __global uchar *accumulated, ulong accumulated_offset)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    __local sums scratch[CLBN_GROUP];
    position at = position_in_group(d);
    __global uchar *state = partials + partials_offset;
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    columns_share own = share_of(d, at, backward_reads_vectors(t));
    bool needs_sums = dgamma || dbeta || (dx && !(flags & FLAG_FROZEN));
    prepare_slot(d, at, own, p, table);
    if (needs_sums)
        own_sums(d, at, own, t, table, accumulators_of(accumulated + accumulated_offset, d, own.slot), state, 0, scratch);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        const column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < spans_in(c); i++) {
            const span to = span_in(c, i);
            sums s = no_sums();
            if (needs_sums)
                load_partial_sums(&s, state, 0, d.channels, to);
            gradient g;
            finish_sums(&g, s, wide_of_count(d.rows), to, p, true, dgamma + dgamma_offset, dbeta + dbeta_offset);
            store_gradient(table, d.channels, to, g);
        }
    }
    if (dx || dz)
        input_columns(d, at, own, t, table);
}

/* The sums of a part of the rows to a group, into partials; coefficients: [slot][BACKWARD_ROWS][channel], for
 * its use. */
GROUP_KERNEL void columns_sums(division d, __global const storage *x, layout x_at, __global const storage *dy, layout dy_at,
                               __global const storage *other, layout other_at, __global const uchar *mask,
                               ulong mask_offset, __global const real *gamma, ulong gamma_offset,
                               __global const real *beta, ulong beta_offset, __global const real *mean, ulong mean_offset,
                               __global const real *deviation, ulong deviation_offset, real epsilon_high,
                               real epsilon_low, __global uchar *partials, ulong partials_offset, real alpha, uint flags,
                               __global uchar *coefficients, ulong coefficients_offset, __global uchar *accumulated,
                               ulong accumulated_offset)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { 0, x_at }, { 0, x_at }, mask + mask_offset,
                                 alpha, flags, x != 0, false };
    __local sums scratch[CLBN_GROUP];
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    position at = position_in_group(d);
    columns_share own = share_of(d, at, backward_reads_vectors(t));
    __global real *table = (__global real *)(coefficients + coefficients_offset) + own.slot * BACKWARD_ROWS * d.channels;
    prepare_slot(d, at, own, p, table);
    own_sums(d, at, own, t, table, accumulators_of(accumulated + accumulated_offset, d, own.slot),
             partials + partials_offset, get_group_id(0), scratch);
}

/* dx and dz of a part of the rows to a group, from coefficients [BACKWARD_ROWS][channel]. */
GROUP_KERNEL void columns_input(division d, __global const storage *x, layout x_at, __global const storage *dy, layout dy_at,
                                __global const storage *other, layout other_at, __global const uchar *mask,
                                ulong mask_offset, __global storage *dx, layout dx_at, __global storage *dz,
                                layout dz_at, __global const uchar *coefficients, ulong coefficients_offset, real alpha,
                                uint flags)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    position at = position_in_group(d);
    input_columns(d, at, second_share_of(d, at, backward_reads_vectors(t)), t,
                  (__global const real *)(coefficients + coefficients_offset));
}
