/* The backward of channels last; shares of the work as in columns.cl. */

/* Where a slot keeps what, besides the coefficients of coefficients.cl, and before there are gradients. */
#define MEAN 0
#define INVSTD 1
#define DY_SUM 2
#define DY_XHAT_SUM 3
#define XHAT_SUM 4

/* Of each channel of a vector: sum dy, sum dy * xhat, sum xhat. */
typedef struct {
    realv dy, dy_xhat, xhat;
} column_gradient_sums;

/* The work-item's channels' normalizers, into its slot. */
void prepare_slot(division d, position at, columns_share own, __global const real *mean,
                  __global const real *deviation, uint frozen, wide epsilon, __global real *slot)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < c.width; i++)
            store_normalizer(slot, d.channels, c.channel + i,
                             normalizer_of(c.channel + i, mean, deviation, frozen, epsilon));
    }
}

INLINE void add_gradient_column(column c, bool first, __global const storage *x, __global const storage *dy,
                                __global real *slot)
{
    column_gradient_sums s = { 0, 0, 0 };
    if (!first) {
        s.dy = load_coefficients(c, slot, DY_SUM);
        s.dy_xhat = load_coefficients(c, slot, DY_XHAT_SUM);
        s.xhat = load_coefficients(c, slot, XHAT_SUM);
    }
    realv mean = load_coefficients(c, slot, MEAN);
    realv invstd = load_coefficients(c, slot, INVSTD);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        realv xhat = (load_column(c, x, row) - mean) * invstd;
        realv g = load_column(c, dy, row);
        s.dy += g;
        s.dy_xhat = fma(g, xhat, s.dy_xhat);
        s.xhat += xhat;
    }
    store_coefficients(c, slot, DY_SUM, s.dy);
    store_coefficients(c, slot, DY_XHAT_SUM, s.dy_xhat);
    store_coefficients(c, slot, XHAT_SUM, s.xhat);
}

void add_gradient_band(division d, position at, columns_share own, index_t begin, index_t end, bool first,
                       __global const storage *x, __global const storage *dy, __global real *slot)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, begin, end);
        if (c.full)
            add_gradient_column(full_column(c), first, x, dy, slot);
        else
            add_gradient_column(c, first, x, dy, slot);
    }
}

/* The sums of the work-item's channels over its part's rows, into its slot of partials. slot: normalizers. */
void own_sums(division d, position at, columns_share own, __global const storage *x, __global const storage *dy,
              __global real *slot, __global sums *partials)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < c.width; i++)
            partials[c.channel + i] = no_sums();
    }
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, own.row_end);
        for (index_t band = begin; band < end; band += (index_t)d.band_rows)
            add_gradient_band(d, at, own, band, min(band + (index_t)d.band_rows, end), band == begin, x, dy, slot);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            column c = column_of(d, at, own, v, 0, 0);
            for (index_t i = c.channel; i < c.channel + c.width; i++)
                partials[i] = add_sums(partials[i], sums_of(slot[DY_SUM * d.channels + i],
                                                            slot[DY_XHAT_SUM * d.channels + i],
                                                            slot[XHAT_SUM * d.channels + i]));
        }
    }
}

INLINE void input_column(column c, __global const storage *x, __global const storage *dy, __global storage *dx,
                         bool past_cache, bool frozen, __global const real *table)
{
    realv mean = load_coefficients(c, table, 0);
    realv invstd = load_coefficients(c, table, 1);
    realv gain = load_coefficients(c, table, 2);
    realv slope = load_coefficients(c, table, 3);
    realv shift = load_coefficients(c, table, 4);
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        realv g = load_column(c, dy, row);
        realv result = g * gain;
        if (!frozen) {
            realv xhat = (load_column(c, x, row) - mean) * invstd;
            result = fma(g, gain, fma(xhat, slope, shift));
        }
        store_column(c, dx, row, result, past_cache);
    }
}

/* dx of the work-item's channels over its part's rows. table: normalizers and gradients. */
void input_columns(division d, position at, columns_share own, __global const storage *x, __global const storage *dy,
                   __global storage *dx, uint stream, __global const real *table, uint frozen)
{
    bool past_cache = stream && is_aligned(dx, d.channels);
    own.full_end = takes_vectors(dx, d.channels) ? own.full_end : 0;
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.band_rows) {
        index_t end = min(begin + (index_t)d.band_rows, own.row_end);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            column c = column_of(d, at, own, v, begin, end);
            if (!c.full || frozen)
                input_column(c, x, dy, dx, past_cache, frozen, table);
            else if (past_cache)
                input_column(full_column(c), x, dy, dx, true, false, table);
            else
                input_column(full_column(c), x, dy, dx, false, false, table);
        }
    }
}

/* Backward of a tile of channels to a group; parts is 1, lanes the whole group. gamma, dx, dgamma, dbeta may be NULL; mean too
 * if frozen. */
GROUP_KERNEL void columns_backward(division d, __global const storage *x, ulong x_offset, __global const storage *dy,
                                   ulong dy_offset, __global const real *gamma, ulong gamma_offset,
                                   __global const real *mean, ulong mean_offset, __global const real *deviation,
                                   ulong deviation_offset, __global storage *dx, ulong dx_offset, __global real *dgamma,
                                   ulong dgamma_offset, __global real *dbeta, ulong dbeta_offset, real epsilon_high,
                                   real epsilon_low, uint frozen, uint stream, __global uchar *partials,
                                   ulong partials_offset, __global uchar *coefficients, ulong coefficients_offset)
{
    position at = position_in_group(d);
    __global sums *state = (__global sums *)(partials + partials_offset);
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    x += x_offset;
    dy += dy_offset;
    columns_share own = share_of(d, at, x, dy);
    prepare_slot(d, at, own, mean + mean_offset, deviation + deviation_offset, frozen,
                        wide_of_parts(epsilon_high, epsilon_low), table);
    if (!frozen || dgamma || dbeta)
        own_sums(d, at, own, x, dy, table, state);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < column_of(d, at, own, v, 0, 0).width; i++) {
            index_t channel = v * CLBN_VECTOR + i;
            sums s = !frozen || dgamma || dbeta ? state[channel] : no_sums();
            store_gradient(table, d.channels, channel,
                           finish_sums(s, d.rows, channel, table[d.channels + channel], frozen, true,
                                       gamma + gamma_offset, dgamma + dgamma_offset, dbeta + dbeta_offset));
        }
    if (dx)
        input_columns(d, at, own, x, dy, dx + dx_offset, stream, table, frozen);
}

/* The sums of a part of the rows to a group, into partials[slot][channel]; coefficients: [slot][5][channel], for its
 * use. */
GROUP_KERNEL void columns_sums(division d, __global const storage *x, ulong x_offset, __global const storage *dy,
                                       ulong dy_offset, __global const real *mean, ulong mean_offset,
                                       __global const real *deviation, ulong deviation_offset, real epsilon_high,
                                       real epsilon_low, uint frozen, __global uchar *partials, ulong partials_offset,
                                       __global uchar *coefficients, ulong coefficients_offset)
{
    position at = position_in_group(d);
    x += x_offset;
    dy += dy_offset;
    columns_share own = share_of(d, at, x, dy);
    __global real *table = (__global real *)(coefficients + coefficients_offset) + own.slot * 5 * d.channels;
    prepare_slot(d, at, own, mean + mean_offset, deviation + deviation_offset, frozen,
                        wide_of_parts(epsilon_high, epsilon_low), table);
    own_sums(d, at, own, x, dy, table,
                     (__global sums *)(partials + partials_offset) + own.slot * d.channels);
}

/* dx of a part of the rows to a group, from coefficients [mean, invstd, gain, slope, shift][channel]. */
GROUP_KERNEL void columns_input(division d, __global const storage *x, ulong x_offset, __global const storage *dy,
                                ulong dy_offset, __global storage *dx, ulong dx_offset,
                                __global const uchar *coefficients, ulong coefficients_offset, uint frozen, uint stream)
{
    position at = position_in_group(d);
    x += x_offset;
    dy += dy_offset;
    input_columns(d, at, share_of(d, at, x, dy), x, dy, dx + dx_offset, stream,
                      (__global const real *)(coefficients + coefficients_offset), frozen);
}
