/* SPDX-License-Identifier: MIT */
/* The backward of a tile that has all rows of its channels, and keeps x and dy in registers. */

/* Vectors that a work-item keeps of each. */
#define BACKWARD_KEPT (CLBN_KEPT / 2)

/* Of a kept step, what else its gradient is had from, and its terms. */
INLINE void find_kept_terms(backward_terms *to, uint i, division d, share s, backward_tensors t, cursor c, kept_vectors x,
                            kept_vectors dy, back_normalization n)
{
    packed other = 0;
    uint bits = 0;
    if (takes_other(t) && i < s.steps)
        other = load_packed(t.other.data + offset_at(d, t.other.at, base_of(d, s, t.other.at), c), true, CLBN_VECTOR);
    if (has_mask(t) && i < s.steps)
        bits = load_mask_unit(t.mask, mask_unit(d, s, c));
    const realv values = t.has_x ? unpack_kept(x, i) : (realv)0;
    to->xhat = xhat_of(values, t, (realv)(n.scale), (realv)(n.shift));
    to->g = gradient_through(unpack_kept(dy, i), values, to->xhat, unpack(other), bits, t, (realv)(n.gamma), (realv)(n.beta));
}

INLINE void add_kept_terms(vector_sums *to, division d, share s, backward_tensors t, kept_vectors x, kept_vectors dy,
                           back_normalization n)
{
    cursor c;
    start_cursor(&c, d, s, 0, false);
    UNROLL
    for (uint i = 0; i < BACKWARD_KEPT; i++) {
        backward_terms terms;
        find_kept_terms(&terms, i, d, s, t, c, x, dy, n);
        terms.g = i < s.steps ? terms.g : (realv)0;
        terms.xhat = i < s.steps ? terms.xhat : (realv)0;
        add_vector_terms(to, terms);
        advance(&c);
    }
}

INLINE void store_kept_gradients(division d, share s, backward_tensors t, kept_vectors x, kept_vectors dy, back_normalization n,
                                 back_result r)
{
    cursor c;
    start_cursor(&c, d, s, BACKWARD_KEPT - 1, true);
    UNROLL
    for (uint i = BACKWARD_KEPT; i-- > 0;) {
        backward_terms terms;
        find_kept_terms(&terms, i, d, s, t, c, x, dy, n);
        if (i < s.steps)
            store_gradients(d, s, t, c, terms, r, true, CLBN_VECTOR);
        advance(&c);
    }
}

/* The sums of slot number i for work-item i. */
INLINE void sum_kept_tile(sums *all, division d, share s, backward_tensors t, index_t tile, kept_vectors x, kept_vectors dy,
                          back_normalization n, __local real *cells, __local wide *scratch)
{
    vector_sums own = { 0, 0, 0 };
    add_kept_terms(&own, d, s, t, x, dy, n);
    if (!CLBN_SINGLE && s.remainder > 0)
        add_back_remainder(&own, d, s, t, n);
    add_tile(&all->g, own.g, d, s, tile, cells, scratch);
    add_tile(&all->g_xhat, own.g_xhat, d, s, tile, cells, scratch);
    add_tile(&all->xhat, own.xhat, d, s, tile, cells, scratch);
}

INLINE void store_gradient_of_slot(__local real *cells, share s, uint slot, gradient g)
{
    cells[4 * s.slots + slot] = g.gain;
    cells[5 * s.slots + slot] = g.slope;
    cells[6 * s.slots + slot] = g.shift;
}

INLINE void load_results_of_slots(back_result *r, __local const real *cells, division d, share s)
{
    r->gain = of_slots(cells + 4 * s.slots, d, s);
    r->slope = of_slots(cells + 5 * s.slots, d, s);
    r->shift = of_slots(cells + 6 * s.slots, d, s);
}

GROUP_KERNEL void tile_backward(BACKWARD_TENSORS, BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON, real alpha, uint flags)
{
    __local realv space[CELLS / CLBN_VECTOR + 1];
    __local wide scratch[CLBN_GROUP];
    __local uint nil;
    __local real *cells = (__local real *)space;
    packed kept_x[BACKWARD_KEPT], kept_dy[BACKWARD_KEPT];
    backward_tensors t = GIVEN_BACKWARD_TENSORS;
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    const bool needs_sums = dgamma || dbeta || (dx && !(flags & FLAG_FROZEN));
    const uint item = get_local_id(0);
    const index_t tile = get_group_id(0);
    share s;
    take_x(&t, true);
    find_share(&s, d, tile, 0);
    const bool keeps = has_whole_vectors(d) && backward_are_aligned(t);
    if (keeps) {
        keep_vectors(kept_x, BACKWARD_KEPT, d, s, t.x);
        keep_vectors(kept_dy, BACKWARD_KEPT, d, s, t.dy);
    }
    const span channel = span_of(item < s.slots ? channel_of(d, s.tile_place + item) : 0, d.channels);
    normalizer own;
    sums all = no_sums();
    find_normalizer(&own, p, channel);
    if (item < s.slots)
        store_normalizer_of_slot(cells, s, item, own);
    if (item == 0)
        nil = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    back_normalization n;
    load_normalization_of_slots(&n, cells, d, s);
    const kept_vectors x_kept = { kept_x, true, keeps, nil }, dy_kept = { kept_dy, true, keeps, nil };
    barrier(CLK_LOCAL_MEM_FENCE);
    if (needs_sums && keeps)
        sum_kept_tile(&all, d, s, t, tile, x_kept, dy_kept, n, cells, scratch);
    else if (needs_sums)
        sum_back_tile(&all, d, s, t, tile, false, n, cells, scratch);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < s.slots) {
        gradient g;
        finalize_sums(&g, sums_of_units(all, own.unit), wide_of_count(count_values(d, s, tile, item)), channel, p, own.unit,
                      true, gradients);
        store_gradient_of_slot(cells, s, item, g);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (!dx && !dz)
        return;
    back_result r;
    load_results_of_slots(&r, cells, d, s);
    const kept_vectors x_again = { kept_x, true, keeps, nil }, dy_again = { kept_dy, true, keeps, nil };
    if (keeps)
        store_kept_gradients(d, s, t, x_again, dy_again, n, r);
    else
        input_vectors(d, s, t, false, n, r);
    if (!CLBN_SINGLE && s.remainder > 0)
        input_remainder(d, s, t, n, r);
}
