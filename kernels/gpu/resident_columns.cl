/*
 * Channels last, on chip: a group has all rows of a tile of channels, some vectors side by side. A work-item keeps its vector
 * of the rows that begin with its line. Tensors are accessed in whole vectors only.
 */
#define TILE_CHANNELS (8 * CLBN_VECTOR) /* at most: MOST_LANES in host/schedule/resident.c */

typedef struct {
    index_t lane, lines, line; /* of this work-item */
    index_t channel;           /* its first */
    index_t tile_channel;      /* the tile's first */
    index_t rows;              /* 0 for a work-item beside the tensor */
    uint width;                /* channels of a whole tile */
} tile;

INLINE void find_tile(tile *own, uint item, division d)
{
    index_t lanes = (index_t)d.kept_lanes;
    own->lane = item % lanes;
    own->line = item / lanes;
    own->lines = CLBN_GROUP / lanes;
    own->width = (uint)lanes * CLBN_VECTOR;
    own->tile_channel = get_group_id(1) * own->width;
    own->channel = own->tile_channel + own->lane * CLBN_VECTOR;
    own->rows = own->channel < (index_t)d.channels ? (index_t)d.rows : 0;
}

INLINE index_t slot_row(tile own, uint slot)
{
    return own.line + slot * own.lines;
}

INLINE packed_vector load_tile(division d, input t, tile own, index_t row)
{
    packed_vector v = 0;
    if (row < own.rows)
        v = *(__global const packed_vector *)(t.data + row_offset(d, t.at, row) + own.channel);
    return v;
}

INLINE void store_tile(division d, output t, tile own, index_t row, realv values)
{
    storagev encoded = encode(values);
    if (row < own.rows)
        *(__global packed_vector *)(t.data + row_offset(d, t.at, row) + own.channel) = as_uint4(encoded);
}

/* Number of the unit of a row of a mask. */
INLINE ulong tile_unit(division d, tile own, index_t row)
{
    return row * (d.channels / CLBN_VECTOR) + own.channel / CLBN_VECTOR;
}

/*
 * Adds up the vectors of a tile's lines in a fixed order: the total of channel number i of the tile for work-item i; others get
 * nothing. cells: [CLBN_GROUP] vectors, scratch: [CLBN_GROUP], which may serve again.
 */
INLINE void add_lines(realv own, wide *total, uint width, __local real *cells, __local wide *scratch)
{
    uint item = get_local_id(0);
    uint lines = CLBN_GROUP * CLBN_VECTOR / width;
    uint adders = CLBN_GROUP / width; /* of a channel's lines; each has as many lines as a vector has elements */
    wide sum;
    spread_vector(own, cells + item * CLBN_VECTOR);
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = wide_of(cells[item]);
    for (uint line = item / width + adders; line < lines; line += adders)
        sum = wide_add(sum, wide_of(cells[line * width + item % width]));
    scratch[item] = sum;
    for (uint count = adders; count > 1; count = (count + MERGE_STEP - 1) / MERGE_STEP) {
        uint next = (count + MERGE_STEP - 1) / MERGE_STEP;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < next * width) {
            for (uint other = item + next * width; other < count * width; other += next * width)
                sum = wide_add(sum, scratch[other]);
            scratch[item] = sum;
        }
    }
    *total = sum;
    /* Results may be written over tensors that other work-items have read until now. */
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
}

/* A work-item's vector of a row of a table [rows][width] in local memory. */
INLINE realv tile_vector(__local const real *table, tile own, uint row)
{
    return vector_of(table + row * own.width + own.lane * CLBN_VECTOR);
}

/* The deviations of channel number i of the tile, for work-item i. */
INLINE void tile_deviations(deviations *all, division d, const packed_vector *kept, __local const packed_vector *shelf,
                            realv pivot, realv scale, __local real *cells, __local wide *scratch)
{
    realv sum = 0, squares = 0;
    realv offset = -pivot * scale;
    walk w;
    tile own;
    start_walk(&w);
    find_tile(&own, w.item, d);
#pragma unroll(CLBN_UNROLLED ? FORWARD_SLOTS : 1)
    for (uint slot = 0; slot < FORWARD_SLOTS; slot++) {
        realv deviation = fma(kept_values(FORWARD_ROOM, w, kept, shelf, slot), scale, offset);
        deviation = slot_row(own, slot) < own.rows ? deviation : (realv)0;
        sum += deviation;
        squares = fma(deviation, deviation, squares);
    }
    add_lines(sum, &all->sum, own.width, cells, scratch);
    add_lines(squares, &all->squares, own.width, cells, scratch);
}

/* Rows of the forward's table in local memory, in turn. */
#define TILE_PIVOT 0
#define TILE_SCALE 1

INLINE void normalize_tile(division d, forward_tensors t, const packed_vector *kept, __local const packed_vector *shelf,
                           __local const real *table)
{
    walk w;
    tile own;
    start_walk(&w);
    find_tile(&own, w.item, d);
    realv mean = tile_vector(table, own, AFFINE_MEAN);
    realv scale = tile_vector(table, own, AFFINE_SCALE);
    realv shift = tile_vector(table, own, AFFINE_SHIFT);
#pragma unroll(CLBN_UNROLLED ? FORWARD_SLOTS : 1)
    for (uint slot = 0; slot < FORWARD_SLOTS; slot++) {
        index_t row = slot_row(own, slot);
        realv v = fma(kept_values(FORWARD_ROOM, w, kept, shelf, slot) - mean, scale, shift);
        if (t.z.data)
            v += decode(as_storagev(load_tile(d, t.z, own, row)));
        store_tile(d, t.y, own, row, activate(v, t.alpha));
        if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && t.mask && row < own.rows)
            store_mask(t.mask, tile_unit(d, own, row), v, 0, CLBN_VECTOR);
    }
}

/* Forward training of a tile of channels to a group, as columns_forward; the pivots are those of resident_rows.cl. */
GROUP_KERNEL void resident_columns_forward(division d, __global const storage *x, layout x_at, __global const storage *z,
                                           layout z_at, __global storage *y, layout y_at, __global uchar *mask,
                                           ulong mask_offset, __global const real *gamma, ulong gamma_offset,
                                           __global const real *beta, ulong beta_offset, __global real *running_mean,
                                           ulong running_mean_offset, __global real *running_var,
                                           ulong running_var_offset, __global real *save_mean, ulong save_mean_offset,
                                           __global real *save_invstd, ulong save_invstd_offset, real epsilon_high,
                                           real epsilon_low, real factor_high, real factor_low, real alpha, uint flags)
{
    __local real cells[CLBN_GROUP * CLBN_VECTOR];
    __local wide scratch[CLBN_GROUP];
    __local real table[AFFINE_ROWS * TILE_CHANNELS];
    __local packed_vector shelf[SHELF_VECTORS(CLBN_SHELVED)];
    packed_vector kept[CLBN_KEPT];
    deviations all;
    tile own;
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    const channel_statistics of = { gamma + gamma_offset, beta + beta_offset, running_mean + running_mean_offset,
                                    running_var + running_var_offset, save_mean + save_mean_offset,
                                    save_invstd + save_invstd_offset, wide_of_parts(epsilon_high, epsilon_low),
                                    wide_of_parts(factor_high, factor_low), flags };
    uint item = get_local_id(0);
    find_tile(&own, item, d);
#pragma unroll(CLBN_UNROLLED ? FORWARD_SLOTS : 1)
    for (uint slot = 0; slot < FORWARD_SLOTS; slot++)
        keep_values(FORWARD_ROOM, kept, shelf, slot, load_tile(d, t.x, own, slot_row(own, slot)));
    index_t channel = own.tile_channel + item; /* of which this work-item has the totals */
    bool finishes = item < own.width && channel < (index_t)d.channels;

    realv first = decode(as_storagev(load_tile(d, t.x, own, 0)));
    tile_deviations(&all, d, kept, shelf, first, 1, cells, scratch);
    if (finishes) {
        real about = load_element(t.x.data + row_offset(d, t.x.at, 0) + channel);
        real pivot = pivot_of(moments_about(about, 1, all, wide_of_count(d.rows)));
        table[TILE_PIVOT * own.width + item] = pivot;
        table[TILE_SCALE * own.width + item] = scale_for(real_of(all.squares), pivot);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    tile_deviations(&all, d, kept, shelf, tile_vector(table, own, TILE_PIVOT), tile_vector(table, own, TILE_SCALE), cells,
                    scratch);
    if (finishes) {
        moments m = moments_about(table[TILE_PIVOT * own.width + item], table[TILE_SCALE * own.width + item], all,
                                  wide_of_count(d.rows));
        affine a;
        finish_moments(&a, m, span_of(channel, d.channels), true, of);
        table[AFFINE_MEAN * own.width + item] = a.mean;
        table[AFFINE_SCALE * own.width + item] = a.scale;
        table[AFFINE_SHIFT * own.width + item] = a.shift;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (y)
        normalize_tile(d, t, kept, shelf, table);
}
