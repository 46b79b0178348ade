/*
 * Channels last: a tensor is rows of contiguous channels. A work-item owns some vectors of channels and walks its part's rows in
 * chunks of chunk_rows; within a chunk vector by vector, so that memory is read nearly in order while a vector's sums stay in
 * registers. What it keeps of each channel between chunks lies in its own slot of the workspace; no two work-items share any.
 */
typedef struct {
    index_t row_begin, row_end;       /* of the part; whole chunks but for the last */
    index_t vector_begin, vector_end; /* this work-item's vectors of channels, in steps of lanes */
    index_t slot;
    bool in_vectors; /* whether the tensors can be accessed in vectors */
} columns_share;

columns_share share_of(division d, position at, __global const real *x, __global const real *other)
{
    columns_share s;
    ulong chunks = (d.rows + d.chunk_rows - 1) / d.chunk_rows;
    ulong vectors = (d.channels + CLBN_VECTOR - 1) / CLBN_VECTOR;
    ulong part = get_group_id(0);
    ulong tile = get_group_id(1);
    s.row_begin = part_begin(chunks, part, d.parts) * (index_t)d.chunk_rows;
    s.row_end = (index_t)min((ulong)part_begin(chunks, part + 1, d.parts) * d.chunk_rows, d.rows);
    s.vector_begin = (index_t)(tile * d.tile_vectors) + at.lane;
    s.vector_end = (index_t)min((tile + 1) * d.tile_vectors, vectors);
    s.slot = (index_t)part * at.lines + at.line;
    s.in_vectors =
        !CLBN_ALIGNED || (d.channels % CLBN_VECTOR == 0 && takes_vectors(x) && takes_vectors(other));
    return s;
}

/* How many of a vector's channels there are. */
uint width_of(division d, index_t vector)
{
    return (uint)min((ulong)CLBN_VECTOR, d.channels - (ulong)vector * CLBN_VECTOR);
}

realv load_columns(__global const real *p, uint width, bool in_vectors)
{
    return in_vectors && width == CLBN_VECTOR ? load_vector(p) : load_some(p, width);
}

void store_columns(__global real *p, realv v, uint width, bool in_vectors, bool stream)
{
    if (in_vectors && width == CLBN_VECTOR)
        store_vector(p, v, stream);
    else
        store_some(p, v, width);
}

/* Whether every whole vector of a tensor may be stored past the cache. */
bool columns_may_stream(division d, __global const real *y, uint stream)
{
    return stream && (size_t)y % sizeof(real_store) == 0 && d.channels * sizeof(real) % sizeof(real_store) == 0;
}

/* Of each channel of a vector: sum scale * (x - pivot) and sum (scale * (x - pivot))^2. */
typedef struct {
    realv sum, squares;
} channel_sums;

/* p: the vector's first channel in row 0. */
channel_sums sum_columns(__global const real *p, index_t row, index_t row_end, index_t step, index_t stride, uint width,
                         bool in_vectors, realv pivot, realv scale)
{
    channel_sums s = { 0, 0 };
    realv offset = -pivot * scale;
    for (; row < row_end; row += step) {
        realv deviation = fma(load_columns(p + row * stride, width, in_vectors), scale, offset);
        s.sum += deviation;
        s.squares = fma(deviation, deviation, s.squares);
    }
    return s;
}

/* Of each channel of a vector: the moments of count values from their sums, merged into before. Returns the next pivots. */
realv merge_columns(channel_sums s, realv pivot, realv scale, ulong count, uint width, __global moments *before)
{
    real sum[CLBN_VECTOR], squares[CLBN_VECTOR], pivots[CLBN_VECTOR], scales[CLBN_VECTOR];
    store_anywhere(s.sum, sum);
    store_anywhere(s.squares, squares);
    store_anywhere(pivot, pivots);
    store_anywhere(scale, scales);
    for (uint i = 0; i < width; i++) {
        moments m = moments_about(pivots[i], scales[i], sum[i], squares[i], count);
        if (before) {
            m = merge_moments(before[i], m);
            before[i] = m;
        }
        pivots[i] = pivot_of(m);
    }
    return load_anywhere(pivots);
}

/* The scales with which a vector's sums of squares must be taken again; all 1 if they are good. */
realv scales_for(realv squares)
{
    real scales[CLBN_VECTOR];
    store_anywhere(squares, scales);
    for (uint i = 0; i < CLBN_VECTOR; i++)
        scales[i] = scale_for(scales[i]);
    return load_anywhere(scales);
}

/* The moments of the work-item's channels over its part's rows, into its slot of partials. pivots: its slot, for its use. */
void columns_moments(division d, position at, columns_share own, __global const real *x, __global moments *partials,
                     __global real *pivots)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < width_of(d, v); i++)
            partials[v * CLBN_VECTOR + i] = no_moments();
    bool first = true;
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, own.row_end);
        index_t row = begin + at.line;
        ulong count = steps_below(end, row, at.lines);
        if (count == 0)
            continue;
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            index_t channel = v * CLBN_VECTOR;
            uint width = width_of(d, v);
            __global const real *p = x + channel;
            realv pivot;
            if (first) {
                pivot = load_columns(p + row * (index_t)d.channels, width, own.in_vectors);
                for (int attempt = 0; attempt < 2; attempt++) {
                    channel_sums rough = sum_columns(p, row, end, at.lines, (index_t)d.channels, width, own.in_vectors,
                                                     pivot, 1);
                    pivot = merge_columns(rough, pivot, 1, count, width, 0);
                }
            } else {
                pivot = load_some(pivots + channel, width);
            }
            realv scale = 1;
            channel_sums s =
                sum_columns(p, row, end, at.lines, (index_t)d.channels, width, own.in_vectors, pivot, scale);
            if (wide_extends_range() && (any(s.squares < SQUARES_TOO_SMALL) || any(s.squares > SQUARES_TOO_LARGE))) {
                scale = scales_for(s.squares);
                s = sum_columns(p, row, end, at.lines, (index_t)d.channels, width, own.in_vectors, pivot, scale);
            }
            pivot = merge_columns(s, pivot, scale, count, width, partials + channel);
            store_some(pivots + channel, pivot, width);
        }
        first = false;
    }
}

/* y of the work-item's channels over its part's rows. table: affine coefficients. */
void normalize_columns(division d, position at, columns_share own, __global const real *x, __global real *y,
                       uint stream, __global const real *table)
{
    bool past_cache = columns_may_stream(d, y, stream);
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.chunk_rows) {
        index_t end = min(begin + (index_t)d.chunk_rows, own.row_end);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            index_t channel = v * CLBN_VECTOR;
            uint width = width_of(d, v);
            realv mean = load_some(table + channel, width);
            realv scale = load_some(table + d.channels + channel, width);
            realv shift = load_some(table + 2 * d.channels + channel, width);
            for (index_t row = begin + at.line; row < end; row += at.lines) {
                index_t i = row * (index_t)d.channels + channel;
                realv deviation = load_columns(x + i, width, own.in_vectors) - mean;
                store_columns(y + i, fma(deviation, scale, shift), width, own.in_vectors, past_cache);
            }
        }
    }
}

/* Forward training of a tile of channels to a group; parts is 1, lanes the whole group. y may be NULL. */
GROUP_KERNEL void columns_forward(division d, __global const real *x, ulong x_offset, __global real *y, ulong y_offset,
                                  __global const real *gamma, ulong gamma_offset, __global const real *beta,
                                  ulong beta_offset, __global real *running_mean, ulong running_mean_offset,
                                  __global real *running_var, ulong running_var_offset, __global real *save_mean,
                                  ulong save_mean_offset, __global real *save_invstd, ulong save_invstd_offset,
                                  real epsilon_high, real epsilon_low, real factor_high, real factor_low, uint biased,
                                  uint stream, __global uchar *partials, ulong partials_offset,
                                  __global uchar *coefficients, ulong coefficients_offset)
{
    position at = position_in_group(d);
    __global moments *state = (__global moments *)(partials + partials_offset);
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    x += x_offset;
    y = y ? y + y_offset : y;
    columns_share own = share_of(d, at, x, y);
    columns_moments(d, at, own, x, state, table);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < width_of(d, v); i++) {
            index_t channel = v * CLBN_VECTOR + i;
            affine a = finish_moments(state[channel], channel, true, gamma + gamma_offset, beta + beta_offset,
                                      running_mean + running_mean_offset, running_var + running_var_offset,
                                      save_mean + save_mean_offset, save_invstd + save_invstd_offset,
                                      wide_of_parts(epsilon_high, epsilon_low), wide_of_parts(factor_high, factor_low),
                                      biased);
            store_affine(table, d.channels, channel, a);
        }
    if (y)
        normalize_columns(d, at, own, x, y, stream, table);
}

/* The moments of a part of the rows to a group, into partials[slot][channel]. */
GROUP_KERNEL void columns_statistics(division d, __global const real *x, ulong x_offset, __global uchar *partials,
                                     ulong partials_offset, __global uchar *coefficients, ulong coefficients_offset)
{
    position at = position_in_group(d);
    x += x_offset;
    columns_share own = share_of(d, at, x, x);
    columns_moments(d, at, own, x, (__global moments *)(partials + partials_offset) + own.slot * d.channels,
                    (__global real *)(coefficients + coefficients_offset) + own.slot * d.channels);
}

/* y of a part of the rows to a group, from coefficients [mean, scale, shift][channel]. */
GROUP_KERNEL void columns_normalize(division d, __global const real *x, ulong x_offset, __global real *y,
                                    ulong y_offset, __global const uchar *coefficients, ulong coefficients_offset,
                                    uint stream)
{
    position at = position_in_group(d);
    x += x_offset;
    y += y_offset;
    normalize_columns(d, at, share_of(d, at, x, y), x, y, stream,
                      (__global const real *)(coefficients + coefficients_offset));
}

/* Forward inference of a part of the rows to a group; coefficients: [slot][mean, scale, shift][channel], for its use. */
GROUP_KERNEL void columns_inference(division d, __global const real *x, ulong x_offset, __global real *y,
                                    ulong y_offset, __global const real *gamma, ulong gamma_offset,
                                    __global const real *beta, ulong beta_offset, __global const real *running_mean,
                                    ulong running_mean_offset, __global const real *running_var,
                                    ulong running_var_offset, real epsilon_high, real epsilon_low, uint stream,
                                    __global uchar *coefficients, ulong coefficients_offset)
{
    position at = position_in_group(d);
    x += x_offset;
    y += y_offset;
    columns_share own = share_of(d, at, x, y);
    __global real *table = (__global real *)(coefficients + coefficients_offset) + own.slot * 3 * d.channels;
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < width_of(d, v); i++) {
            index_t channel = v * CLBN_VECTOR + i;
            store_affine(table, d.channels, channel,
                         running_affine(channel, gamma + gamma_offset, beta + beta_offset,
                                        running_mean + running_mean_offset, running_var + running_var_offset,
                                        wide_of_parts(epsilon_high, epsilon_low)));
        }
    normalize_columns(d, at, own, x, y, stream, table);
}
