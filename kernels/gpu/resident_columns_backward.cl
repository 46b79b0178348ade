/* The backward of channels last, on chip; tiles as in resident_columns.cl. Half of what is kept is x, half is dy. */

/* What a work-item keeps. */
typedef struct {
    packed_vector x[CLBN_KEPT / 2], dy[CLBN_KEPT - CLBN_KEPT / 2];
} kept_pair;

/* xhat and g of a slot, 0 where it has no row. */
INLINE void tile_terms(realv *xhat, realv *g, realv x, realv dy, division d, backward_tensors t, tile own, index_t row,
                       __local const real *table)
{
    realv other = 0;
    uint bits = 0;
    if (takes_other(t))
        other = decode(as_storagev(load_tile(d, t.other, own, row)));
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && t.mask && row < own.rows)
        bits = load_mask(t.mask, tile_unit(d, own, row), 0, CLBN_VECTOR);
    *xhat = xhat_of(x, t, tile_vector(table, own, XHAT_SCALE), tile_vector(table, own, XHAT_SHIFT));
    *g = gradient_through(dy, x, *xhat, other, bits, t, tile_vector(table, own, OUTPUT_GAMMA),
                       tile_vector(table, own, OUTPUT_BETA));
    *xhat = row < own.rows ? *xhat : (realv)0;
    *g = row < own.rows ? *g : (realv)0;
}

/* The sums of channel number i of the tile, for work-item i. */
INLINE void tile_sums(wide *totals, division d, backward_tensors t, const kept_pair *kept,
                      __local const packed_vector *x_shelf, __local const packed_vector *dy_shelf,
                      __local const real *table, __local real *cells, __local wide *scratch)
{
    realv g_sum = 0, g_xhat_sum = 0, xhat_sum = 0;
    walk w;
    tile own;
    start_walk(&w);
    find_tile(&own, w.item, d);
#pragma unroll(CLBN_UNROLLED ? BACKWARD_SLOTS : 1)
    for (uint slot = 0; slot < BACKWARD_SLOTS; slot++) {
        realv xhat, g;
        tile_terms(&xhat, &g, kept_values(X_ROOM, w, kept->x, x_shelf, slot),
                   kept_values(DY_ROOM, w, kept->dy, dy_shelf, slot), d, t, own, slot_row(own, slot), table);
        g_sum += g;
        g_xhat_sum = fma(g, xhat, g_xhat_sum);
        xhat_sum += xhat;
    }
    add_lines(g_sum, &totals[0], own.width, cells, scratch);
    add_lines(g_xhat_sum, &totals[1], own.width, cells, scratch);
    add_lines(xhat_sum, &totals[2], own.width, cells, scratch);
}

/* dx and dz; see resident_rows_backward.cl. */
INLINE void store_tile_gradients(division d, backward_tensors t, const kept_pair *kept,
                                 __local const packed_vector *x_shelf, __local const packed_vector *dy_shelf,
                                 __local const real *table)
{
    walk w;
    tile own;
    start_walk(&w);
    find_tile(&own, w.item, d);
    realv gain = tile_vector(table, own, INPUT_GAIN);
    realv slope = tile_vector(table, own, INPUT_SLOPE);
    realv shift = tile_vector(table, own, INPUT_SHIFT);
#pragma unroll(CLBN_UNROLLED ? BACKWARD_SLOTS : 1)
    for (uint slot = 0; slot < BACKWARD_SLOTS; slot++) {
        realv xhat, g;
        index_t row = slot_row(own, slot);
        tile_terms(&xhat, &g, kept_values(X_ROOM, w, kept->x, x_shelf, slot),
                   kept_values(DY_ROOM, w, kept->dy, dy_shelf, slot), d, t, own, row, table);
        if (t.has_dx)
            store_tile(d, t.dx, own, row, input_gradient(g, xhat, gain, slope, shift, t.flags));
        if (t.dz.data)
            store_tile(d, t.dz, own, row, g);
    }
}

/* Backward of a tile of channels to a group, as columns_backward. */
GROUP_KERNEL void resident_columns_backward(division d, __global const storage *x, layout x_at, __global const storage *dy,
                                            layout dy_at, __global const storage *other, layout other_at,
                                            __global const uchar *mask, ulong mask_offset, __global storage *dx,
                                            layout dx_at, __global storage *dz, layout dz_at, __global const real *gamma,
                                            ulong gamma_offset, __global const real *beta, ulong beta_offset,
                                            __global const real *mean, ulong mean_offset, __global const real *deviation,
                                            ulong deviation_offset, __global real *dgamma, ulong dgamma_offset,
                                            __global real *dbeta, ulong dbeta_offset, real epsilon_high, real epsilon_low,
                                            real alpha, uint flags)
{
    __local real cells[CLBN_GROUP * CLBN_VECTOR];
    __local wide scratch[CLBN_GROUP];
    __local real table[BACKWARD_ROWS * TILE_CHANNELS];
    __local packed_vector x_shelf[SHELF_VECTORS(BACKWARD_SLOTS - CLBN_KEPT / 2)];
    __local packed_vector dy_shelf[SHELF_VECTORS(BACKWARD_SLOTS - (CLBN_KEPT - CLBN_KEPT / 2))];
    kept_pair kept;
    wide totals[3];
    tile own;
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    uint item = get_local_id(0);
    find_tile(&own, item, d);
#pragma unroll(CLBN_UNROLLED ? BACKWARD_SLOTS : 1)
    for (uint slot = 0; slot < BACKWARD_SLOTS; slot++) {
        packed_vector loaded = 0;
        if (t.has_x)
            loaded = load_tile(d, t.x, own, slot_row(own, slot));
        keep_values(X_ROOM, kept.x, x_shelf, slot, loaded);
        keep_values(DY_ROOM, kept.dy, dy_shelf, slot, load_tile(d, t.dy, own, slot_row(own, slot)));
    }
    index_t channel = own.tile_channel + item; /* of which this work-item has the totals */
    bool finishes = item < own.width && channel < (index_t)d.channels;
    if (finishes) {
        normalizer n;
        find_normalizer(&n, p, span_of(channel, d.channels));
        table[XHAT_SCALE * own.width + item] = n.scale;
        table[XHAT_SHIFT * own.width + item] = n.shift;
        table[OUTPUT_GAMMA * own.width + item] = n.gamma;
        table[OUTPUT_BETA * own.width + item] = n.beta;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    tile_sums(totals, d, t, &kept, x_shelf, dy_shelf, table, cells, scratch);
    if (finishes) {
        const sums all = { totals[0], totals[1], totals[2] };
        const span at = span_of(channel, d.channels);
        const reals unit = unit_of(p, at);
        gradient g;
        finish_sums(&g, sums_of_units(all, unit), wide_of_count(d.rows), at, p, unit, true, dgamma + dgamma_offset,
                    dbeta + dbeta_offset);
        table[INPUT_GAIN * own.width + item] = g.gain;
        table[INPUT_SLOPE * own.width + item] = g.slope;
        table[INPUT_SHIFT * own.width + item] = g.shift;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (dx || dz)
        store_tile_gradients(d, t, &kept, x_shelf, dy_shelf, table);
}
