/* The backward of channels first; chunks as in rows.cl. */

/* The sums of the work-item's elements of chunks begin to end of a channel. */
sums own_sums(division d, position at, __global const storage *x, __global const storage *dy, index_t channel, index_t begin,
              index_t end, normalizer n)
{
    bool in_vectors = takes_vectors(x, d.columns) && takes_vectors(dy, d.columns);
    index_t row_stride = (index_t)(d.channels * d.columns);
    sums own = no_sums();
    for (index_t i = begin; i < end; i++) {
        chunk c = chunk_of(d, at, channel, i, in_vectors);
        realv dy_v = 0, dy_xhat_v = 0, xhat_v = 0;
        real dy_sum = 0, dy_xhat_sum = 0, xhat_sum = 0;
        for (index_t row = c.row; row < c.row_end; row += at.lines) {
            index_t start = row * row_stride + c.start;
            for (index_t j = at.lane; j < c.vectors; j += at.lanes) {
                index_t k = start + j * CLBN_VECTOR;
                realv xhat = (load_vector(x + k) - n.mean) * n.invstd;
                realv g = load_vector(dy + k);
                dy_v += g;
                dy_xhat_v = fma(g, xhat, dy_xhat_v);
                xhat_v += xhat;
            }
            if (c.overlaps) {
                index_t k = start + overlap_begin(c);
                realv xhat = without_first((load_vector(x + k) - n.mean) * n.invstd, overlap_width(c));
                realv g = without_first(load_vector(dy + k), overlap_width(c));
                dy_v += g;
                dy_xhat_v = fma(g, xhat, dy_xhat_v);
                xhat_v += xhat;
            }
            for (index_t j = c.singles + at.lane; j < c.columns; j += at.lanes) {
                real xhat = (load_element(x + start + j) - n.mean) * n.invstd;
                real g = load_element(dy + start + j);
                dy_sum += g;
                dy_xhat_sum = fma(g, xhat, dy_xhat_sum);
                xhat_sum += xhat;
            }
        }
        own = add_sums(own, sums_of(dy_sum + sum_of_vector(dy_v), dy_xhat_sum + sum_of_vector(dy_xhat_v),
                                    xhat_sum + sum_of_vector(xhat_v)));
    }
    return own;
}

realv input_vector(realv x, realv dy, normalizer n, gradient g, uint frozen)
{
    if (frozen)
        return dy * g.gain;
    realv xhat = (x - n.mean) * n.invstd;
    return fma(dy, (realv)g.gain, fma(xhat, (realv)g.slope, (realv)g.shift));
}

/* dx of the work-item's elements of chunks begin to end of a channel. */
void input_chunks(division d, position at, __global const storage *x, __global const storage *dy, __global storage *dx,
                  uint stream, index_t channel, index_t begin, index_t end, normalizer n, gradient g, uint frozen)
{
    bool in_vectors =
        takes_vectors(x, d.columns) && takes_vectors(dy, d.columns) && takes_vectors(dx, d.columns);
    bool past_cache = stream && is_aligned(dx, d.columns);
    index_t row_stride = (index_t)(d.channels * d.columns);
    for (index_t i = begin; i < end; i++) {
        chunk c = chunk_of(d, at, channel, i, in_vectors);
        for (index_t row = c.row; row < c.row_end; row += at.lines) {
            index_t start = row * row_stride + c.start;
            realv last = 0; /* dy, loaded before a dx that is dy overwrites some of it */
            if (c.overlaps)
                last = load_vector(dy + start + overlap_begin(c));
            for (index_t j = at.lane; j < c.vectors; j += at.lanes) {
                index_t k = start + j * CLBN_VECTOR;
                store_vector(dx + k, input_vector(load_vector(x + k), load_vector(dy + k), n, g, frozen), past_cache);
            }
            if (c.overlaps) {
                index_t k = start + overlap_begin(c);
                store_vector(dx + k, input_vector(load_vector(x + k), last, n, g, frozen), false);
            }
            for (index_t j = c.singles + at.lane; j < c.columns; j += at.lanes) {
                index_t k = start + j;
                real xhat = (load_element(x + k) - n.mean) * n.invstd;
                real own = load_element(dy + k);
                store_element(dx + k, frozen ? own * g.gain : fma(own, g.gain, fma(xhat, g.slope, g.shift)));
            }
        }
    }
}

/* Backward of a channel to a group. gamma, dx, dgamma, dbeta may be NULL; mean too if frozen. */
GROUP_KERNEL void rows_backward(division d, __global const storage *x, ulong x_offset, __global const storage *dy,
                                ulong dy_offset, __global const real *gamma, ulong gamma_offset,
                                __global const real *mean, ulong mean_offset, __global const real *deviation,
                                ulong deviation_offset, __global storage *dx, ulong dx_offset, __global real *dgamma,
                                ulong dgamma_offset, __global real *dbeta, ulong dbeta_offset, real epsilon_high,
                                real epsilon_low, uint frozen, uint stream)
{
    __local sums scratch[CLBN_GROUP];
    position at = position_in_group(d);
    index_t channel = get_group_id(1);
    index_t end = chunk_count(d);
    x += x_offset;
    dy += dy_offset;
    normalizer n = normalizer_of(channel, mean + mean_offset, deviation + deviation_offset, frozen,
                                 wide_of_parts(epsilon_high, epsilon_low));
    sums s = no_sums();
    if (!frozen || dgamma || dbeta)
        s = add_group_sums(own_sums(d, at, x, dy, channel, 0, end, n), scratch);
    gradient g = finish_sums(s, d.rows * d.columns, channel, n.invstd, frozen, get_local_id(0) == 0,
                             gamma + gamma_offset, dgamma + dgamma_offset, dbeta + dbeta_offset);
    if (dx)
        input_chunks(d, at, x, dy, dx + dx_offset, stream, channel, 0, end, n, g, frozen);
}

/* The sums of a part of a channel to a group, into partials[part][channel]. */
GROUP_KERNEL void rows_sums(division d, __global const storage *x, ulong x_offset, __global const storage *dy,
                            ulong dy_offset, __global const real *mean, ulong mean_offset,
                            __global const real *deviation, ulong deviation_offset, real epsilon_high,
                            real epsilon_low, uint frozen, __global uchar *partials, ulong partials_offset)
{
    __local sums scratch[CLBN_GROUP];
    index_t part = get_group_id(0);
    index_t channel = get_group_id(1);
    normalizer n = normalizer_of(channel, mean + mean_offset, deviation + deviation_offset, frozen,
                                 wide_of_parts(epsilon_high, epsilon_low));
    sums own = own_sums(d, position_in_group(d), x + x_offset, dy + dy_offset, channel,
                        part_begin(chunk_count(d), part, d.parts), part_begin(chunk_count(d), part + 1, d.parts), n);
    own = add_group_sums(own, scratch);
    if (get_local_id(0) == 0)
        ((__global sums *)(partials + partials_offset))[part * d.channels + channel] = own;
}

/* dx of a part of a channel to a group, from coefficients [mean, invstd, gain, slope, shift][channel]. */
GROUP_KERNEL void rows_input(division d, __global const storage *x, ulong x_offset, __global const storage *dy,
                             ulong dy_offset, __global storage *dx, ulong dx_offset, __global const uchar *coefficients,
                             ulong coefficients_offset, uint frozen, uint stream)
{
    index_t part = get_group_id(0);
    index_t channel = get_group_id(1);
    __global const real *table = (__global const real *)(coefficients + coefficients_offset);
    normalizer n;
    gradient g;
    load_normalizer(&n, table, d.channels, channel);
    load_gradient(&g, table, d.channels, channel);
    input_chunks(d, position_in_group(d), x + x_offset, dy + dy_offset, dx + dx_offset, stream, channel,
                 part_begin(chunk_count(d), part, d.parts), part_begin(chunk_count(d), part + 1, d.parts), n, g, frozen);
}
