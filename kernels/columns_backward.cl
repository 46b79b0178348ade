/* The backward of channels last; shares of the work as in columns.cl. */

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
        column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < c.width; i++)
            store_normalizer(slot, d.channels, c.channel + i, normalizer_of(p, c.channel + i));
    }
}

INLINE void add_terms_of_column(division d, column c, bool first, backward_tensors t, __global real *slot)
{
    realv g = 0, g_xhat = 0, xhat = 0;
    if (!first) {
        g = load_coefficients(c, slot, G_SUM);
        g_xhat = load_coefficients(c, slot, G_XHAT_SUM);
        xhat = load_coefficients(c, slot, XHAT_SUM);
    }
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

void add_terms_of_band(division d, position at, columns_share own, index_t begin, index_t end, bool first, backward_tensors t,
                       __global real *slot)
{
    backward_tensors plain = t;
    make_plain_backward(&plain);
    bool is_plain = is_plain_backward(t);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, begin, end);
        if (c.full && is_plain)
            add_terms_of_column(d, full_column(c), first, plain, slot);
        else
            add_terms_of_column(d, c, first, t, slot);
    }
}

/* The sums of the work-item's channels over its part's rows, into its slot of partials. slot: normalizers. */
void own_sums(division d, position at, columns_share own, backward_tensors t, __global real *slot, __global sums *partials)
{
    t.has_dx = false;
    t.dz.data = 0;
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < c.width; i++)
            partials[c.channel + i] = no_sums();
    }
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, own.row_end);
        for (index_t band = begin; band < end; band += (index_t)d.band_rows)
            add_terms_of_band(d, at, own, band, min(band + (index_t)d.band_rows, end), band == begin, t, slot);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            column c = column_of(d, at, own, v, 0, 0);
            for (index_t i = c.channel; i < c.channel + c.width; i++)
                partials[i] = add_sums(partials[i], sums_of(slot[G_SUM * d.channels + i], slot[G_XHAT_SUM * d.channels + i],
                                                            slot[XHAT_SUM * d.channels + i]));
        }
    }
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
        realv dx = terms.g * gain;
        if (!(t.flags & FLAG_FROZEN))
            dx = fma(terms.g, gain, fma(terms.xhat, slope, shift));
        if (t.has_dx)
            store_column(d, c, t.dx, row, dx, dx_past_cache);
        if (t.dz.data)
            store_column(d, c, t.dz, row, terms.g, dz_past_cache);
    }
}

/* dx and dz of the work-item's channels over its part's rows. table: [BACKWARD_ROWS][channel]. */
void input_columns(division d, position at, columns_share own, backward_tensors t, __global const real *table)
{
    t.has_x = t.has_x && input_takes_x(t);
    bool dx_past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.dx.data, t.dx.at);
    bool dz_past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.dz.data, t.dz.at);
    own.full_end = backward_writes_vectors(t) ? own.full_end : 0;
    backward_tensors plain = t;
    make_plain_backward(&plain);
    plain.has_dx = true;
    bool is_plain = is_plain_backward(t) && t.has_dx;
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.band_rows) {
        index_t end = min(begin + (index_t)d.band_rows, own.row_end);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            column c = column_of(d, at, own, v, begin, end);
            if (!c.full || !is_plain)
                input_column(d, c, t, dx_past_cache, dz_past_cache, table);
            else if (dx_past_cache)
                input_column(d, full_column(c), plain, true, false, table);
            else
                input_column(d, full_column(c), plain, false, false, table);
        }
    }
}

/* Backward of a tile of channels to a group; parts is 1, lanes the whole group. partials: [channel], coefficients:
 * [BACKWARD_ROWS][channel], both for its use. */
GROUP_KERNEL void columns_backward(division d, __global const storage *x, layout x_at, __global const storage *dy,
                                   layout dy_at, __global const storage *other, layout other_at, __global const uchar *mask,
                                   ulong mask_offset, __global storage *dx, layout dx_at, __global storage *dz,
                                   layout dz_at, __global const real *gamma, ulong gamma_offset, __global const real *beta,
                                   ulong beta_offset, __global const real *mean, ulong mean_offset,
                                   __global const real *deviation, ulong deviation_offset, __global real *dgamma,
                                   ulong dgamma_offset, __global real *dbeta, ulong dbeta_offset, real epsilon_high,
                                   real epsilon_low, real alpha, uint flags, __global uchar *partials,
                                   ulong partials_offset, __global uchar *coefficients, ulong coefficients_offset)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    position at = position_in_group(d);
    __global sums *state = (__global sums *)(partials + partials_offset);
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    columns_share own = share_of(d, at, backward_reads_vectors(t));
    bool needs_sums = dgamma || dbeta || (dx && !(flags & FLAG_FROZEN));
    prepare_slot(d, at, own, p, table);
    if (needs_sums)
        own_sums(d, at, own, t, table, state);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < column_of(d, at, own, v, 0, 0).width; i++) {
            index_t channel = v * CLBN_VECTOR + i;
            sums s = needs_sums ? state[channel] : no_sums();
            store_gradient(table, d.channels, channel,
                           finish_sums(s, d.rows, channel, p, true, dgamma + dgamma_offset, dbeta + dbeta_offset));
        }
    if (dx || dz)
        input_columns(d, at, own, t, table);
}

/* The sums of a part of the rows to a group, into partials[slot][channel]; coefficients: [slot][BACKWARD_ROWS][channel], for
 * its use. */
GROUP_KERNEL void columns_sums(division d, __global const storage *x, layout x_at, __global const storage *dy, layout dy_at,
                               __global const storage *other, layout other_at, __global const uchar *mask,
                               ulong mask_offset, __global const real *gamma, ulong gamma_offset,
                               __global const real *beta, ulong beta_offset, __global const real *mean, ulong mean_offset,
                               __global const real *deviation, ulong deviation_offset, real epsilon_high,
                               real epsilon_low, __global uchar *partials, ulong partials_offset, real alpha, uint flags,
                               __global uchar *coefficients, ulong coefficients_offset)
{
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { 0, x_at }, { 0, x_at }, mask + mask_offset,
                                 alpha, flags, x != 0, false };
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    position at = position_in_group(d);
    columns_share own = share_of(d, at, backward_reads_vectors(t));
    __global real *table = (__global real *)(coefficients + coefficients_offset) + own.slot * BACKWARD_ROWS * d.channels;
    prepare_slot(d, at, own, p, table);
    own_sums(d, at, own, t, table, (__global sums *)(partials + partials_offset) + own.slot * d.channels);
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
