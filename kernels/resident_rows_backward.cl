/* The backward of channels first, on chip; values as in resident_rows.cl. Half of what is kept is x, half is dy. */

#define BACKWARD_ROOM ((room){ CLBN_KEPT / 2, (CLBN_KEPT + CLBN_SHELVED) / 2 })

/* Whether g fits a tensor's element as it is: then it is kept in the place of dy. */
#define KEEPS_G                                                                                                        \
    (sizeof(storage) == sizeof(real) || CLBN_ACTIVATION == CLBN_ACTIVATION_NONE ||                                     \
     CLBN_ACTIVATION == CLBN_ACTIVATION_RELU || CLBN_ACTIVATION == CLBN_ACTIVATION_RELU6)

/* What a work-item keeps. */
typedef struct {
    packed_vector x[CLBN_KEPT / 2], dy[CLBN_KEPT / 2];
} kept_pair;

INLINE void keep_both(division d, backward_tensors t, bool in_vectors, index_t channel, kept_pair *kept,
                      __local packed_vector *x_shelf, __local packed_vector *dy_shelf)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, in_vectors);
#pragma unroll
    for (uint slot = 0; slot < (CLBN_KEPT + CLBN_SHELVED) / 2; slot++) {
        places p;
        next_places(&p, &c, in_vectors);
        storagev x = 0;
        if (t.has_x)
            x = load_slot(d, t.x, p, in_vectors, channel);
        keep_values(BACKWARD_ROOM, kept->x, x_shelf, slot, x);
        keep_values(BACKWARD_ROOM, kept->dy, dy_shelf, slot, load_slot(d, t.dy, p, in_vectors, channel));
    }
}

/* The bits of a slot's values; 0 where it has none. */
INLINE uint load_slot_mask(division d, __global const uchar *mask, places p, bool in_vectors, index_t channel)
{
    uint bits = 0;
    if (in_vectors)
        return p.row[0] < (index_t)d.rows
                   ? load_mask(mask, mask_row_of(d, p.row[0], channel), p.column[0], CLBN_VECTOR)
                   : 0;
    for (uint i = 0; i < CLBN_VECTOR; i++)
        if (p.row[i] < (index_t)d.rows)
            bits |= (load_mask(mask, mask_row_of(d, p.row[i], channel), p.column[i], 1) & 1u) << i;
    return bits;
}

INLINE realv slot_xhat(realv x, backward_tensors t, normalizer n)
{
    realv a = t.flags & FLAG_ALONE ? input_of_activation(x, t.alpha) : x;
    return (a - n.mean) * n.scale;
}

/* dy taken back through the activation, of values whose x (or y in its place) and xhat are known. */
INLINE realv slot_gradient(division d, backward_tensors t, places p, bool in_vectors, index_t channel, realv dy, realv x,
                           realv xhat, normalizer n)
{
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return dy;
    if (t.mask)
        return gradient_from_mask(dy, load_slot_mask(d, t.mask, p, in_vectors, channel), t.alpha);
    if (t.flags & FLAG_ALONE)
        return gradient_from_output(dy, x, t.alpha);
    realv a = fma(xhat, (realv)n.gamma, (realv)n.beta);
    if (t.other.data) {
        realv other = decode(load_slot(d, t.other, p, in_vectors, channel));
        if (t.flags & FLAG_FROM_OUTPUT)
            return gradient_from_output(dy, other, t.alpha);
        a += other;
    }
    return gradient_from_input(dy, a, t.alpha);
}

/* The work-item's sums; in the place of dy there is g then, where it fits. */
INLINE sums kept_sums(division d, backward_tensors t, bool in_vectors, index_t channel, kept_pair *kept,
                      __local packed_vector *x_shelf, __local packed_vector *dy_shelf, normalizer n)
{
    realv g_sum = 0, g_xhat_sum = 0, xhat_sum = 0;
    uint count = own_elements(d, in_vectors);
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, in_vectors);
#pragma unroll
    for (uint slot = 0; slot < (CLBN_KEPT + CLBN_SHELVED) / 2; slot++) {
        places p;
        next_places(&p, &c, in_vectors);
        realv x = kept_values(BACKWARD_ROOM, w, kept->x, x_shelf, slot);
        realv dy = kept_values(BACKWARD_ROOM, w, kept->dy, dy_shelf, slot);
        realv xhat = slot_xhat(x, t, n);
        realv g = slot_gradient(d, t, p, in_vectors, channel, dy, x, xhat, n);
        if (KEEPS_G && CLBN_ACTIVATION != CLBN_ACTIVATION_NONE)
            keep_values(BACKWARD_ROOM, kept->dy, dy_shelf, slot, encode(g));
        g = first_elements(g, elements_in_slot(count, slot));
        xhat = first_elements(xhat, elements_in_slot(count, slot));
        g_sum += g;
        g_xhat_sum = fma(g, xhat, g_xhat_sum);
        xhat_sum += xhat;
    }
    return sums_of(sum_of_vector(g_sum), sum_of_vector(g_xhat_sum), sum_of_vector(xhat_sum));
}

/* dx and dz, after kept_sums. */
INLINE void store_kept_gradients(division d, backward_tensors t, bool in_vectors, index_t channel,
                                 const kept_pair *kept, __local const packed_vector *x_shelf,
                                 __local const packed_vector *dy_shelf, normalizer n, gradient all)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, in_vectors);
#pragma unroll
    for (uint slot = 0; slot < (CLBN_KEPT + CLBN_SHELVED) / 2; slot++) {
        places p;
        next_places(&p, &c, in_vectors);
        realv x = kept_values(BACKWARD_ROOM, w, kept->x, x_shelf, slot);
        realv g = kept_values(BACKWARD_ROOM, w, kept->dy, dy_shelf, slot);
        realv xhat = slot_xhat(x, t, n);
        if (!KEEPS_G)
            g = slot_gradient(d, t, p, in_vectors, channel, g, x, xhat, n);
        realv dx = g * all.gain;
        if (!(t.flags & FLAG_FROZEN))
            dx = fma(g, (realv)all.gain, fma(xhat, (realv)all.slope, (realv)all.shift));
        if (t.has_dx)
            store_slot(d, t.dx, p, in_vectors, channel, dx);
        if (t.dz.data)
            store_slot(d, t.dz, p, in_vectors, channel, g);
    }
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
    __local sums scratch[CLBN_GROUP];
    __local packed_vector x_shelf[SHELF_VECTORS(CLBN_SHELVED / 2)], dy_shelf[SHELF_VECTORS(CLBN_SHELVED / 2)];
    kept_pair kept;
    const backward_tensors t = { { x + x_at.offset, x_at }, { dy + dy_at.offset, dy_at },
                                 { other + other_at.offset, other_at }, { dx + dx_at.offset, dx_at },
                                 { dz + dz_at.offset, dz_at }, mask + mask_offset, alpha, flags, x != 0, dx != 0 };
    const channel_parameters p = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                   deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    index_t channel = get_group_id(1);
    bool in_vectors = d.columns % CLBN_VECTOR == 0 && backward_reads_vectors(t) && backward_writes_vectors(t);
    normalizer n = normalizer_of(p, channel);
    sums own;
    if (in_vectors)
        keep_both(d, t, true, channel, &kept, x_shelf, dy_shelf);
    else
        keep_both(d, t, false, channel, &kept, x_shelf, dy_shelf);
    if (in_vectors)
        own = kept_sums(d, t, true, channel, &kept, x_shelf, dy_shelf, n);
    else
        own = kept_sums(d, t, false, channel, &kept, x_shelf, dy_shelf, n);
    own = add_group_sums(own, scratch);
    gradient g = finish_sums(own, d.rows * d.columns, channel, p, get_local_id(0) == 0, dgamma + dgamma_offset,
                             dbeta + dbeta_offset);
    if (!dx && !dz)
        return;
    if (in_vectors)
        store_kept_gradients(d, t, true, channel, &kept, x_shelf, dy_shelf, n, g);
    else
        store_kept_gradients(d, t, false, channel, &kept, x_shelf, dy_shelf, n, g);
}
