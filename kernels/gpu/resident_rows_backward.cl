/* The backward of channels first, on chip; values as in resident_rows.cl. Half of what is kept is x, half is dy. */

/* What a work-item keeps. */
typedef struct {
    packed_vector x[CLBN_KEPT / 2], dy[CLBN_KEPT - CLBN_KEPT / 2];
} kept_pair;

INLINE void keep_both(division d, backward_tensors t, uint piece, index_t channel, kept_pair *kept,
                      __local packed_vector *x_shelf, __local packed_vector *dy_shelf)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, piece);
#pragma unroll(CLBN_UNROLLED ? BACKWARD_SLOTS : 1)
    for (uint slot = 0; slot < BACKWARD_SLOTS; slot++) {
        places p;
        next_places(&p, &c, piece);
        packed_vector x = 0;
        if (t.has_x)
            x = load_slot(d, t.x, p, piece, channel);
        keep_values(X_ROOM, kept->x, x_shelf, slot, x);
        keep_values(DY_ROOM, kept->dy, dy_shelf, slot, load_slot(d, t.dy, p, piece, channel));
    }
}

/* The bits of a slot's values; 0 where it has none. */
INLINE uint load_slot_mask(division d, __global const uchar *mask, places p, uint piece, index_t channel)
{
    uint bits = 0;
    for (uint i = 0; i < CLBN_VECTOR / piece; i++)
        if (p.row[i] < (index_t)d.rows) {
            uint own = load_mask(mask, mask_row_of(d, p.row[i], channel), p.column[i], piece);
            bits |= (own & ((1u << piece) - 1)) << (i * piece);
        }
    return bits;
}

INLINE realv slot_gradient(division d, backward_tensors t, places p, uint piece, index_t channel, realv dy, realv x,
                           realv xhat, normalizer n)
{
    realv other = 0;
    uint bits = 0;
    if (takes_other(t))
        other = decode(as_storagev(load_slot(d, t.other, p, piece, channel)));
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && t.mask)
        bits = load_slot_mask(d, t.mask, p, piece, channel);
    return gradient_through(dy, x, xhat, other, bits, t, n.gamma, n.beta);
}

/* The work-item's sums of g, g xhat and xhat. */
INLINE void kept_sums(real *own, division d, backward_tensors t, uint piece, index_t channel, const kept_pair *kept,
                      __local const packed_vector *x_shelf, __local const packed_vector *dy_shelf, normalizer n)
{
    realv g_sum = 0, g_xhat_sum = 0, xhat_sum = 0;
    realv numbers = element_numbers();
    uint count = own_elements(d, piece);
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, piece);
#pragma unroll(CLBN_UNROLLED ? BACKWARD_SLOTS : 1)
    for (uint slot = 0; slot < BACKWARD_SLOTS; slot++) {
        places p;
        next_places(&p, &c, piece);
        realv x = kept_values(X_ROOM, w, kept->x, x_shelf, slot);
        realv dy = kept_values(DY_ROOM, w, kept->dy, dy_shelf, slot);
        realv xhat = xhat_of(x, t, n.scale, n.shift);
        realv g = slot_gradient(d, t, p, piece, channel, dy, x, xhat, n);
        g = first_elements(g, numbers, count, slot);
        xhat = first_elements(xhat, numbers, count, slot);
        g_sum += g;
        g_xhat_sum = fma(g, xhat, g_xhat_sum);
        xhat_sum += xhat;
    }
    own[0] = sum_of_vector(g_sum);
    own[1] = sum_of_vector(g_xhat_sum);
    own[2] = sum_of_vector(xhat_sum);
}

/* dx and dz. What the slope is had from besides x, z or y or the mask, is read again, a while after kept_sums did. */
INLINE void store_kept_gradients(division d, backward_tensors t, uint piece, index_t channel,
                                 const kept_pair *kept, __local const packed_vector *x_shelf,
                                 __local const packed_vector *dy_shelf, normalizer n, gradient all)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, piece);
#pragma unroll(CLBN_UNROLLED ? BACKWARD_SLOTS : 1)
    for (uint slot = 0; slot < BACKWARD_SLOTS; slot++) {
        places p;
        next_places(&p, &c, piece);
        realv x = kept_values(X_ROOM, w, kept->x, x_shelf, slot);
        realv dy = kept_values(DY_ROOM, w, kept->dy, dy_shelf, slot);
        realv xhat = xhat_of(x, t, n.scale, n.shift);
        realv g = slot_gradient(d, t, p, piece, channel, dy, x, xhat, n);
        if (t.has_dx)
            store_slot(d, t.dx, p, piece, channel, gradient_of_channel(g, xhat, all, t.flags));
        if (t.dz.data)
            store_slot(d, t.dz, p, piece, channel, g);
    }
}

/* The greatest pieces that all tensors take. */
static uint backward_piece(division d, backward_tensors t)
{
    for (uint piece = CLBN_VECTOR; piece > 1; piece /= 2)
        if (piece >= HALF_VECTOR && d.columns % piece == 0 && takes_pieces(t.x.data, t.x.at, piece) &&
            takes_pieces(t.dy.data, t.dy.at, piece) && takes_pieces(t.other.data, t.other.at, piece) &&
            takes_pieces(t.dx.data, t.dx.at, piece) && takes_pieces(t.dz.data, t.dz.at, piece))
            return piece;
    return 1;
}

/* Backward of a channel to a group, as rows_backward. */
GROUP_KERNEL void resident_rows_backward(division d, __global const storage *x, layout x_at, __global const storage *dy,
                                         layout dy_at, __global const storage *other, layout other_at,
                                         __global const uchar *mask, ulong mask_offset, __global storage *dx,
                                         layout dx_at, __global storage *dz, layout dz_at, __global const real *gamma,
                                         ulong gamma_offset, __global const real *beta, ulong beta_offset,
                                         __global const real *mean, ulong mean_offset, __global const real *deviation,
                                         ulong deviation_offset, __global real *dgamma, ulong dgamma_offset,
                                         __global real *dbeta, ulong dbeta_offset, real epsilon_high, real epsilon_low,
                                         real alpha, uint flags)
{
    __local real cells[3 * CLBN_GROUP];
    __local wide scratch[3 * MERGERS];
    __local packed_vector x_shelf[SHELF_VECTORS(BACKWARD_SLOTS - CLBN_KEPT / 2)];
    __local packed_vector dy_shelf[SHELF_VECTORS(BACKWARD_SLOTS - (CLBN_KEPT - CLBN_KEPT / 2))];
    kept_pair kept;
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    index_t channel = get_group_id(1);
    uint piece = backward_piece(d, t);
    const span at = span_of(channel, d.channels);
    normalizer n;
    find_normalizer(&n, p, at);
    real own[3];
    wide totals[3];
    if (piece == CLBN_VECTOR) {
        keep_both(d, t, CLBN_VECTOR, channel, &kept, x_shelf, dy_shelf);
        kept_sums(own, d, t, CLBN_VECTOR, channel, &kept, x_shelf, dy_shelf, n);
    } else if (piece == HALF_VECTOR) {
        keep_both(d, t, HALF_VECTOR, channel, &kept, x_shelf, dy_shelf);
        kept_sums(own, d, t, HALF_VECTOR, channel, &kept, x_shelf, dy_shelf, n);
    } else if (HAS_SINGLES) {
        keep_both(d, t, 1, channel, &kept, x_shelf, dy_shelf);
        kept_sums(own, d, t, 1, channel, &kept, x_shelf, dy_shelf, n);
    }
    add_group_numbers(own, totals, 3, cells, scratch);
    const sums all = { totals[0], totals[1], totals[2] };
    gradient g;
    finish_sums(&g, sums_of_units(all, n.unit), wide_of_count(d.rows * d.columns), at, p, n.unit, get_local_id(0) == 0,
                dgamma + dgamma_offset, dbeta + dbeta_offset);
    if (!dx && !dz)
        return;
    if (piece == CLBN_VECTOR)
        store_kept_gradients(d, t, CLBN_VECTOR, channel, &kept, x_shelf, dy_shelf, n, g);
    else if (piece == HALF_VECTOR)
        store_kept_gradients(d, t, HALF_VECTOR, channel, &kept, x_shelf, dy_shelf, n, g);
    else if (HAS_SINGLES)
        store_kept_gradients(d, t, 1, channel, &kept, x_shelf, dy_shelf, n, g);
}
