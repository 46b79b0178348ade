/*
 * Channels last: a tensor is rows of contiguous channels. A work-item owns some vectors of channels and walks its part's rows
 * in bands of a few rows, within a band vector by vector, so that memory is read nearly in order while a vector's sums stay in
 * registers. Several bands are a chunk. What a work-item keeps of each channel between bands lies in its own slot of the
 * workspace; no two work-items share any.
 */
typedef struct {
    index_t row_begin, row_end;       /* of the part; whole bands but for the last */
    index_t vector_begin, vector_end; /* this work-item's vectors of channels, in steps of lanes */
    index_t full_end; /* below it, vectors have all their channels, and the tensors can be accessed in vectors */
    index_t slot;
} columns_share;

/* Of part number part and tile number tile. */
columns_share share_of_group(division d, position at, bool in_vectors, ulong part, ulong tile)
{
    columns_share s;
    ulong bands = (d.rows + d.band_rows - 1) / d.band_rows;
    ulong vectors = (d.channels + CLBN_VECTOR - 1) / CLBN_VECTOR;
    s.row_begin = part_begin(bands, part, d.parts) * (index_t)d.band_rows;
    s.row_end = (index_t)min((ulong)part_begin(bands, part + 1, d.parts) * d.band_rows, d.rows);
    s.vector_begin = (index_t)(tile * d.tile_vectors) + at.lane;
    s.vector_end = (index_t)min((tile + 1) * d.tile_vectors, vectors);
    s.slot = (index_t)part * at.lines + at.line;
    s.full_end = in_vectors ? (index_t)(d.channels / CLBN_VECTOR) : 0;
    return s;
}

columns_share share_of(division d, position at, bool in_vectors)
{
    return share_of_group(d, at, in_vectors, get_group_id(0), get_group_id(1));
}

/* Of a kernel that walks the tensors a second time. */
columns_share second_share_of(division d, position at, bool in_vectors)
{
    return share_of_group(d, at, in_vectors, second_group(0), second_group(1));
}

/* Some rows of a vector of channels: a work-item's work between two looks at its slot. */
typedef struct {
    index_t channel;      /* the first */
    uint width;           /* channels */
    bool full;            /* all of a vector, and the tensors take vectors */
    index_t row, row_end; /* the first, and the end of them */
    index_t step;         /* from one row to the next */
    index_t channels;     /* of the tensor */
} column;

INLINE column column_of(division d, position at, columns_share own, index_t vector, index_t row_begin, index_t row_end)
{
    column c;
    c.channel = vector * CLBN_VECTOR;
    c.full = vector < own.full_end;
    c.width = c.full ? CLBN_VECTOR : (uint)min((index_t)CLBN_VECTOR, (index_t)d.channels - c.channel);
    c.row = row_begin + at.line;
    c.row_end = row_end;
    c.step = at.lines;
    c.channels = (index_t)d.channels;
    return c;
}

/* The same column, in which the compiler sees that it is full. */
INLINE column full_column(column c)
{
    c.width = CLBN_VECTOR;
    c.full = true;
    return c;
}

/* A row's element of the column's first channel. */
INLINE index_t column_offset(division d, column c, layout l, index_t row)
{
    return row_offset(d, l, row) + c.channel;
}

INLINE realv load_column(division d, column c, input t, index_t row)
{
    return load_either(t.data + column_offset(d, c, t.at, row), c.full, c.width);
}

INLINE void store_column(division d, column c, output t, index_t row, realv v, bool past_cache)
{
    store_either(t.data + column_offset(d, c, t.at, row), v, c.full, c.width, past_cache);
}

/* Number of the column's unit of a row of a mask. */
INLINE ulong column_unit(column c, index_t row)
{
    ulong units = (c.channels + CLBN_VECTOR - 1) / CLBN_VECTOR;
    return row * units + c.channel / CLBN_VECTOR;
}

/* Row number of a table[coefficient][channel]. */
INLINE realv load_coefficients(column c, __global const real *table, ulong number)
{
    return load_reals(table + number * c.channels + c.channel, c.width);
}

INLINE void store_coefficients(column c, __global real *table, ulong number, realv v)
{
    store_reals(table + number * c.channels + c.channel, v, c.width);
}

/* Of each channel: sum scale * (x - pivot) and sum (scale * (x - pivot))^2. */
typedef struct {
    realv sum, squares;
} column_sums;

INLINE column_sums add_column(division d, column c, input x, realv pivot, realv scale, column_sums s)
{
    realv offset = -pivot * scale;
    for (index_t row = c.row; row < c.row_end; row += c.step) {
        realv deviation = fma(load_column(d, c, x, row), scale, offset);
        s.sum += deviation;
        s.squares = fma(deviation, deviation, s.squares);
    }
    return s;
}

/* Of each channel: the moments of count values from their sums, merged into before unless that is NULL. Returns the next
 * pivots. */
realv merge_column(column c, column_sums s, realv pivot, realv scale, ulong count, __global moments *before)
{
    real sum[CLBN_VECTOR], squares[CLBN_VECTOR], pivots[CLBN_VECTOR], scales[CLBN_VECTOR];
    spread_vector(s.sum, sum);
    spread_vector(s.squares, squares);
    spread_vector(pivot, pivots);
    spread_vector(scale, scales);
    for (uint i = 0; i < c.width; i++) {
        moments m = moments_about(pivots[i], scales[i], sum[i], squares[i], count);
        if (before) {
            m = merge_moments(before[c.channel + i], m);
            before[c.channel + i] = m;
        }
        pivots[i] = pivot_of(m);
    }
    return vector_of(pivots);
}

/* The scales with which a vector's sums of squares must be taken again; all 1 if they are good. */
realv scales_for(realv squares, realv pivot)
{
    real scales[CLBN_VECTOR], pivots[CLBN_VECTOR];
    spread_vector(squares, scales);
    spread_vector(pivot, pivots);
    for (uint i = 0; i < CLBN_VECTOR; i++)
        scales[i] = scale_for(scales[i], pivots[i]);
    return vector_of(scales);
}

/* Where a slot keeps what. */
#define PIVOT 0
#define SUM 1
#define SQUARES 2

INLINE void start_chunk(column c, __global real *slot, realv pivot)
{
    store_coefficients(c, slot, PIVOT, pivot);
    store_coefficients(c, slot, SUM, 0);
    store_coefficients(c, slot, SQUARES, 0);
}

/* Pivots near the mean of the rows begin to end, wherever the first row lies; sums 0. */
void first_pivots(division d, position at, columns_share own, index_t begin, index_t end, input x,
                  __global real *slot)
{
    const column_sums none = { 0, 0 };
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, begin, end);
        realv pivot = load_column(d, c, x, c.row);
        for (int attempt = 0; attempt < 2; attempt++) {
            column_sums rough = add_column(d, c, x, pivot, 1, none);
            pivot = merge_column(c, rough, pivot, 1, steps_below(c.row_end, c.row, c.step), 0);
        }
        start_chunk(c, slot, pivot);
    }
}

/* Merges the sums of a chunk, rows begin to end, into partials; the next chunk has the pivots of what there is. */
void merge_chunk(division d, position at, columns_share own, index_t begin, index_t end, input x,
                 __global moments *partials, __global real *slot)
{
    const column_sums none = { 0, 0 };
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, begin, end);
        realv pivot = load_coefficients(c, slot, PIVOT);
        realv scale = 1;
        column_sums s = { load_coefficients(c, slot, SUM), load_coefficients(c, slot, SQUARES) };
        if (wide_extends_range() && (any(s.squares < SQUARES_TOO_SMALL) || any(s.squares > SQUARES_TOO_LARGE))) {
            scale = scales_for(s.squares, pivot);
            s = add_column(d, c, x, pivot, scale, none);
        }
        pivot = merge_column(c, s, pivot, scale, steps_below(c.row_end, c.row, c.step), partials);
        start_chunk(c, slot, pivot);
    }
}

INLINE void add_band_of_column(division d, column c, input x, __global real *slot)
{
    column_sums s = { load_coefficients(c, slot, SUM), load_coefficients(c, slot, SQUARES) };
    s = add_column(d, c, x, load_coefficients(c, slot, PIVOT), 1, s);
    store_coefficients(c, slot, SUM, s.sum);
    store_coefficients(c, slot, SQUARES, s.squares);
}

void add_band(division d, position at, columns_share own, index_t begin, index_t end, input x,
              __global real *slot)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, begin, end);
        if (c.full)
            add_band_of_column(d, full_column(c), x, slot);
        else
            add_band_of_column(d, c, x, slot);
    }
}

/* The moments of the work-item's channels over its part's rows, into its slot of partials. The first chunk is one band, and
 * none is larger than all before it (moments.cl says why). */
void columns_moments(division d, position at, columns_share own, input x, __global moments *partials,
                     __global real *slot)
{
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
        column c = column_of(d, at, own, v, 0, 0);
        for (uint i = 0; i < c.width; i++)
            partials[c.channel + i] = no_moments();
    }
    if (own.row_begin + at.line >= own.row_end)
        return;
    first_pivots(d, at, own, own.row_begin, min(own.row_begin + (index_t)d.band_rows, own.row_end), x, slot);
    index_t length = (index_t)d.band_rows;
    for (index_t begin = own.row_begin; begin < own.row_end; begin += length) {
        if (begin > own.row_begin)
            length = min(begin - own.row_begin, (index_t)d.chunk_rows);
        index_t end = min(begin + length, own.row_end);
        for (index_t band = begin; band < end; band += (index_t)d.band_rows)
            add_band(d, at, own, band, min(band + (index_t)d.band_rows, end), x, slot);
        merge_chunk(d, at, own, begin, end, x, partials, slot);
    }
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

/* y, and the mask, of the work-item's channels over its part's rows. table: [AFFINE_ROWS][channel]. */
void normalize_columns(division d, position at, columns_share own, forward_tensors t, __global const real *table)
{
    bool past_cache = (t.flags & FLAG_STREAM) && is_aligned(t.y.data, t.y.at);
    forward_tensors plain = t;
    make_plain_forward(&plain);
    bool is_plain = is_plain_forward(t);
    for (index_t begin = own.row_begin; begin < own.row_end; begin += (index_t)d.band_rows) {
        index_t end = min(begin + (index_t)d.band_rows, own.row_end);
        for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes) {
            column c = column_of(d, at, own, v, begin, end);
            if (!c.full || !is_plain)
                normalize_column(d, c, t, past_cache, table);
            else if (past_cache)
                normalize_column(d, full_column(c), plain, true, table);
            else
                normalize_column(d, full_column(c), plain, false, table);
        }
    }
}

/* Forward training of a tile of channels to a group; parts is 1, lanes the whole group. z, y, mask, gamma, beta and the
 * statistics may be NULL. partials: [channel], coefficients: [AFFINE_ROWS][channel], both for its use. */
GROUP_KERNEL void columns_forward(division d, __global const storage *x, layout x_at, __global const storage *z, layout z_at,
                                  __global storage *y, layout y_at, __global uchar *mask, ulong mask_offset,
                                  __global const real *gamma, ulong gamma_offset, __global const real *beta,
                                  ulong beta_offset, __global real *running_mean, ulong running_mean_offset,
                                  __global real *running_var, ulong running_var_offset, __global real *save_mean,
                                  ulong save_mean_offset, __global real *save_invstd, ulong save_invstd_offset,
                                  real epsilon_high, real epsilon_low, real factor_high, real factor_low, real alpha,
                                  uint flags, __global uchar *partials, ulong partials_offset,
                                  __global uchar *coefficients, ulong coefficients_offset)
{
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    position at = position_in_group(d);
    __global moments *state = (__global moments *)(partials + partials_offset);
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    columns_share own = share_of(d, at, forward_takes_vectors(t));
    columns_moments(d, at, own, t.x, state, table);
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < column_of(d, at, own, v, 0, 0).width; i++) {
            index_t channel = v * CLBN_VECTOR + i;
            affine a = finish_moments(state[channel], channel, true, gamma + gamma_offset, beta + beta_offset,
                                      running_mean + running_mean_offset, running_var + running_var_offset,
                                      save_mean + save_mean_offset, save_invstd + save_invstd_offset,
                                      wide_of_parts(epsilon_high, epsilon_low), wide_of_parts(factor_high, factor_low),
                                      flags);
            store_affine(table, d.channels, channel, a);
        }
    if (y)
        normalize_columns(d, at, own, t, table);
}

/* The moments of a part of the rows to a group, into partials[slot][channel]. */
GROUP_KERNEL void columns_statistics(division d, __global const storage *x, layout x_at, __global uchar *partials,
                                     ulong partials_offset, __global uchar *coefficients, ulong coefficients_offset)
{
    const input whole = { x + x_at.offset, x_at };
    position at = position_in_group(d);
    columns_share own = share_of(d, at, takes_vectors(whole.data, whole.at));
    columns_moments(d, at, own, whole, (__global moments *)(partials + partials_offset) + own.slot * d.channels,
                    (__global real *)(coefficients + coefficients_offset) + own.slot * AFFINE_ROWS * d.channels);
}

/* y of a part of the rows to a group, from coefficients [AFFINE_ROWS][channel]. */
GROUP_KERNEL void columns_normalize(division d, __global const storage *x, layout x_at, __global const storage *z,
                                    layout z_at, __global storage *y, layout y_at, __global uchar *mask,
                                    ulong mask_offset, __global const uchar *coefficients, ulong coefficients_offset,
                                    real alpha, uint flags)
{
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    position at = position_in_group(d);
    normalize_columns(d, at, second_share_of(d, at, forward_takes_vectors(t)), t,
                      (__global const real *)(coefficients + coefficients_offset));
}

/* Forward inference of a part of the rows to a group; coefficients: [slot][AFFINE_ROWS][channel], for its use. */
GROUP_KERNEL void columns_inference(division d, __global const storage *x, layout x_at, __global const storage *z,
                                    layout z_at, __global storage *y, layout y_at, __global uchar *mask,
                                    ulong mask_offset, __global const real *gamma, ulong gamma_offset,
                                    __global const real *beta, ulong beta_offset, __global const real *running_mean,
                                    ulong running_mean_offset, __global const real *running_var,
                                    ulong running_var_offset, real epsilon_high, real epsilon_low, real alpha, uint flags,
                                    __global uchar *coefficients, ulong coefficients_offset)
{
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    position at = position_in_group(d);
    columns_share own = share_of(d, at, forward_takes_vectors(t));
    __global real *table = (__global real *)(coefficients + coefficients_offset) + own.slot * AFFINE_ROWS * d.channels;
    for (index_t v = own.vector_begin; v < own.vector_end; v += at.lanes)
        for (uint i = 0; i < column_of(d, at, own, v, 0, 0).width; i++) {
            index_t channel = v * CLBN_VECTOR + i;
            store_affine(table, d.channels, channel,
                         running_affine(channel, gamma + gamma_offset, beta + beta_offset,
                                        running_mean + running_mean_offset, running_var + running_var_offset,
                                        wide_of_parts(epsilon_high, epsilon_low)));
        }
    normalize_columns(d, at, own, t, table);
}
