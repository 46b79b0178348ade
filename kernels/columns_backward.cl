/* The backward of channels last; shares of the work as in columns.cl. */

/* The work-item's channels' normalizers, into its slot's table. */
void prepare_normalizers(division d, position at, columns_share own, __global const real *mean,
                         __global const real *deviation, uint frozen, wide epsilon, __global real *table)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < width_of(d, v); i++) {
            index_t channel = v * CLBN_VECTOR + i;
            store_normalizer(table, d.channels, channel, normalizer_of(channel, mean, deviation, frozen, epsilon));
        }
}

/* The sums of the work-item's channels over its part's rows, into its slot of partials. table: normalizers. */
void own_sums(division d, position at, columns_share own, __global const real *x, __global const real *dy,
                      __global const real *table, __global sums *partials)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < width_of(d, v); i++)
            partials[v * CLBN_VECTOR + i] = no_sums();
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, own.row_end);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            index_t channel = v * CLBN_VECTOR;
            uint width = width_of(d, v);
            realv mean = load_some(table + channel, width);
            realv invstd = load_some(table + d.channels + channel, width);
            realv dy_v = 0, dy_xhat_v = 0, xhat_v = 0;
            for (index_t row = begin + at.line; row < end; row += at.lines) {
                index_t i = row * (index_t)d.channels + channel;
                realv xhat = (load_columns(x + i, width, own.in_vectors) - mean) * invstd;
                realv g = load_columns(dy + i, width, own.in_vectors);
                dy_v += g;
                dy_xhat_v = fma(g, xhat, dy_xhat_v);
                xhat_v += xhat;
            }
            real dy_sum[CLBN_VECTOR], dy_xhat_sum[CLBN_VECTOR], xhat_sum[CLBN_VECTOR];
            store_anywhere(dy_v, dy_sum);
            store_anywhere(dy_xhat_v, dy_xhat_sum);
            store_anywhere(xhat_v, xhat_sum);
            for (uint i = 0; i < width; i++)
                partials[channel + i] =
                    add_sums(partials[channel + i], sums_of(dy_sum[i], dy_xhat_sum[i], xhat_sum[i]));
        }
    }
}

/* dx of the work-item's channels over its part's rows. table: normalizers and gradients. */
void input_columns(division d, position at, columns_share own, __global const real *x, __global const real *dy,
                       __global real *dx, uint stream, __global const real *table, uint frozen)
{
    bool past_cache = columns_may_stream(d, dx, stream);
    own.in_vectors = own.in_vectors && takes_vectors(dx);
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, own.row_end);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            index_t channel = v * CLBN_VECTOR;
            uint width = width_of(d, v);
            realv mean = load_some(table + channel, width);
            realv invstd = load_some(table + d.channels + channel, width);
            realv gain = load_some(table + 2 * d.channels + channel, width);
            realv slope = load_some(table + 3 * d.channels + channel, width);
            realv shift = load_some(table + 4 * d.channels + channel, width);
            for (index_t row = begin + at.line; row < end; row += at.lines) {
                index_t i = row * (index_t)d.channels + channel;
                realv g = load_columns(dy + i, width, own.in_vectors);
                realv result = g * gain;
                if (!frozen) {
                    realv xhat = (load_columns(x + i, width, own.in_vectors) - mean) * invstd;
                    result = fma(g, gain, fma(xhat, slope, shift));
                }
                store_columns(dx + i, result, width, own.in_vectors, past_cache);
            }
        }
    }
}

/* Backward of a tile of channels to a group; parts is 1, lanes the whole group. gamma, dx, dgamma, dbeta may be NULL; mean too
 * if frozen. */
GROUP_KERNEL void columns_backward(division d, __global const real *x, ulong x_offset, __global const real *dy,
                                   ulong dy_offset, __global const real *gamma, ulong gamma_offset,
                                   __global const real *mean, ulong mean_offset, __global const real *deviation,
                                   ulong deviation_offset, __global real *dx, ulong dx_offset, __global real *dgamma,
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
    prepare_normalizers(d, at, own, mean + mean_offset, deviation + deviation_offset, frozen,
                        wide_of_parts(epsilon_high, epsilon_low), table);
    if (!frozen || dgamma || dbeta)
        own_sums(d, at, own, x, dy, table, state);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < width_of(d, v); i++) {
            index_t channel = v * CLBN_VECTOR + i;
            sums s = !frozen || dgamma || dbeta ? state[channel] : no_sums();
            store_gradient(table, d.channels, channel,
                           finish_sums(s, d.rows, channel, table[d.channels + channel], frozen, true,
                                       gamma + gamma_offset, dgamma + dgamma_offset, dbeta + dbeta_offset));
        }
    if (dx)
        input_columns(d, at, own, x, dy, dx + dx_offset, stream, table, frozen);
}

/* The sums of a part of the rows to a group, into partials[slot][channel]; coefficients: [slot][mean, invstd][channel], for its
 * use. */
GROUP_KERNEL void columns_sums(division d, __global const real *x, ulong x_offset, __global const real *dy,
                                       ulong dy_offset, __global const real *mean, ulong mean_offset,
                                       __global const real *deviation, ulong deviation_offset, real epsilon_high,
                                       real epsilon_low, uint frozen, __global uchar *partials, ulong partials_offset,
                                       __global uchar *coefficients, ulong coefficients_offset)
{
    position at = position_in_group(d);
    x += x_offset;
    dy += dy_offset;
    columns_share own = share_of(d, at, x, dy);
    __global real *table = (__global real *)(coefficients + coefficients_offset) + own.slot * 2 * d.channels;
    prepare_normalizers(d, at, own, mean + mean_offset, deviation + deviation_offset, frozen,
                        wide_of_parts(epsilon_high, epsilon_low), table);
    own_sums(d, at, own, x, dy, table,
                     (__global sums *)(partials + partials_offset) + own.slot * d.channels);
}

/* dx of a part of the rows to a group, from coefficients [mean, invstd, gain, slope, shift][channel]. */
GROUP_KERNEL void columns_input(division d, __global const real *x, ulong x_offset, __global const real *dy,
                                ulong dy_offset, __global real *dx, ulong dx_offset,
                                __global const uchar *coefficients, ulong coefficients_offset, uint frozen, uint stream)
{
    position at = position_in_group(d);
    x += x_offset;
    dy += dy_offset;
    input_columns(d, at, share_of(d, at, x, dy), x, dy, dx + dx_offset, stream,
                      (__global const real *)(coefficients + coefficients_offset), frozen);
}
