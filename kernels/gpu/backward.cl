/* SPDX-License-Identifier: MIT */
/* The backward of tiles (tiling.cl). */

/* xhat = x * scale + shift, in the normalizer's unit; the activation takes xhat * gamma + beta */
typedef struct {
    coefficient scale, shift, gamma, beta;
} back_normalization;

/* Vectors of some steps. */
typedef struct {
    packed x[BACKWARD_FLIGHT], dy[BACKWARD_FLIGHT], other[BACKWARD_FLIGHT];
    uint bits[BACKWARD_FLIGHT];
} back_batch;

INLINE bool has_mask(backward_tensors t)
{
    return CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && t.mask;
}

/* A loop over tensors has no choice inside that can be made before it: dy is read in the place of an x that is not taken. */
INLINE void take_x(backward_tensors *t, bool takes_x)
{
    t->has_x = t->has_x && takes_x;
    if (!t->has_x)
        t->x = t->dy;
}

INLINE void load_back_batch(back_batch *b, uint count, division d, share s, backward_tensors t, cursor c, bool in_vectors,
                            uint width)
{
    for (uint i = 0; i < BACKWARD_FLIGHT; i++) {
        b->other[i] = 0;
        b->bits[i] = 0;
    }
    load_batch(b->x, BACKWARD_FLIGHT, count, d, t.x, base_of(d, s, t.x.at), c, in_vectors, width);
    load_batch(b->dy, BACKWARD_FLIGHT, count, d, t.dy, base_of(d, s, t.dy.at), c, in_vectors, width);
    if (takes_other(t))
        load_batch(b->other, BACKWARD_FLIGHT, count, d, t.other, base_of(d, s, t.other.at), c, in_vectors, width);
    if (has_mask(t))
        UNROLL
    for (uint i = 0; i < BACKWARD_FLIGHT; i++) {
        if (i < count)
            b->bits[i] = load_mask_unit(t.mask, mask_unit(d, s, c));
        advance(&c);
    }
}

INLINE void find_terms(backward_terms *to, packed x, packed dy, packed other, uint bits, backward_tensors t,
                       back_normalization n)
{
    const realv values = t.has_x ? unpack(x) : (realv)0;
    to->xhat = xhat_of(values, t, (realv)(n.scale), (realv)(n.shift));
    to->g = gradient_through(unpack(dy), values, to->xhat, unpack(other), bits, t, (realv)(n.gamma), (realv)(n.beta));
}

/* ---- Sums ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
    realv g, g_xhat, xhat;
} vector_sums;

INLINE void add_vector_terms(vector_sums *to, backward_terms t)
{
    to->g += t.g;
    to->g_xhat = fma(t.g, t.xhat, to->g_xhat);
    to->xhat += t.xhat;
}

INLINE void add_back_batch(vector_sums *to, uint count, division d, share s, backward_tensors t, cursor c, bool in_vectors,
                           back_normalization n)
{
    back_batch b;
    load_back_batch(&b, count, d, s, t, c, in_vectors, s.width);
    UNROLL
    for (uint i = 0; i < BACKWARD_FLIGHT; i++) {
        backward_terms terms;
        find_terms(&terms, b.x[i], b.dy[i], b.other[i], b.bits[i], t, n);
        terms.g = i < count ? terms.g : (realv)0;
        terms.xhat = i < count ? terms.xhat : (realv)0;
        add_vector_terms(to, terms);
    }
}

/* Of count vectors of a work-item from the cursor on. */
INLINE void add_back_vectors(vector_sums *to, index_t count, division d, share s, backward_tensors t, cursor *c,
                             bool in_vectors, back_normalization n)
{
    for (; count >= BACKWARD_FLIGHT; count -= BACKWARD_FLIGHT) {
        add_back_batch(to, BACKWARD_FLIGHT, d, s, t, *c, in_vectors, n);
        advance_by(c, BACKWARD_FLIGHT);
    }
    if (count > 0)
        add_back_batch(to, (uint)count, d, s, t, *c, in_vectors, n);
}

INLINE void add_back_remainder(vector_sums *to, division d, share s, backward_tensors t, back_normalization n)
{
    back_batch b;
    cursor c;
    backward_terms terms;
    start_at_remainder(&c, d, s);
    load_back_batch(&b, 1, d, s, t, c, false, s.remainder);
    find_terms(&terms, b.x[0], b.dy[0], b.other[0], b.bits[0], t, n);
    terms.g = keep_first(terms.g, s.remainder);
    terms.xhat = keep_first(terms.xhat, s.remainder);
    add_vector_terms(to, terms);
}

INLINE bool backward_are_aligned(backward_tensors t)
{
    return is_aligned(t.x.data, t.x.at) && is_aligned(t.dy.data, t.dy.at) && is_aligned(t.other.data, t.other.at) &&
           is_aligned(t.dx.data, t.dx.at) && is_aligned(t.dz.data, t.dz.at);
}

INLINE void store_normalizer_of_slot(__local real *cells, share s, uint slot, normalizer n)
{
    cells[0 * s.slots + slot] = n.scale;
    cells[1 * s.slots + slot] = n.shift;
    cells[2 * s.slots + slot] = n.gamma;
    cells[3 * s.slots + slot] = n.beta;
}

INLINE void load_normalization_of_slots(back_normalization *n, __local const real *cells, division d, share s)
{
    n->scale = of_slots(cells + 0 * s.slots, d, s);
    n->shift = of_slots(cells + 1 * s.slots, d, s);
    n->gamma = n->beta = 0;
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return;
    n->gamma = of_slots(cells + 2 * s.slots, d, s);
    n->beta = of_slots(cells + 3 * s.slots, d, s);
}

/* The sums of slot number i for work-item i. */
INLINE void sum_back_tile(sums *all, division d, share s, backward_tensors t, index_t tile, bool in_vectors,
                          back_normalization n, __local real *cells, __local wide *scratch)
{
    cursor c;
    start_cursor(&c, d, s, 0, false);
    wide g = wide_of(0), g_xhat = wide_of(0), xhat = wide_of(0);
    for (index_t done = 0; done < s.most_steps; done += CHUNK_STEPS) {
        const index_t count = done < s.steps ? min(s.steps - done, (index_t)CHUNK_STEPS) : 0;
        vector_sums own = { 0, 0, 0 };
        wide part;
        if (in_vectors)
            add_back_vectors(&own, count, d, s, t, &c, true, n);
        else
            add_back_vectors(&own, count, d, s, t, &c, false, n);
        if (!CLBN_SINGLE && s.remainder > 0 && done == 0)
            add_back_remainder(&own, d, s, t, n);
        add_tile(&part, own.g, d, s, tile, cells, scratch);
        g = wide_add(g, part);
        add_tile(&part, own.g_xhat, d, s, tile, cells, scratch);
        g_xhat = wide_add(g_xhat, part);
        add_tile(&part, own.xhat, d, s, tile, cells, scratch);
        xhat = wide_add(xhat, part);
    }
    all->g = g;
    all->g_xhat = g_xhat;
    all->xhat = xhat;
}

/* The sums of a part of the rows of a tile's channels, into partials: [part][tile][PARTIAL_ROWS][slot] */
GROUP_KERNEL void tile_sums(BACKWARD_INPUTS, BACKWARD_PARAMETERS, EPSILON, real alpha, uint flags, MEMORY(uchar, partials))
{
    __local realv space[CELLS / CLBN_VECTOR + 1];
    __local wide scratch[CLBN_GROUP];
    __local real *cells = (__local real *)space;
    backward_tensors t = GIVEN_BACKWARD_INPUTS;
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    const uint item = get_local_id(0);
    const index_t tile = get_group_id(0), part = get_group_id(1);
    share s;
    take_x(&t, true);
    find_share(&s, d, tile, part);
    if (item < s.slots) {
        normalizer own;
        find_normalizer(&own, p, span_of(channel_of(d, s.tile_place + item), d.channels));
        store_normalizer_of_slot(cells, s, item, own);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    back_normalization n;
    load_normalization_of_slots(&n, cells, d, s);
    barrier(CLK_LOCAL_MEM_FENCE);
    sums all;
    sum_back_tile(&all, d, s, t, tile, s.width == CLBN_VECTOR && backward_are_aligned(t), n, cells, scratch);
    if (item < s.slots)
        store_partial_sums(partials + partials_offset, part * get_num_groups(0) + tile, d.slots, span_of(item, d.slots), all);
}

/* ---- dx and dz ------------------------------------------------------------------------------------------------------------ */

/* dx = g * gain + xhat * slope + shift */
typedef struct {
    coefficient gain, slope, shift;
} back_result;

INLINE void store_gradients(division d, share s, backward_tensors t, cursor c, backward_terms terms, back_result r,
                            bool in_vectors, uint width)
{
    if (t.has_dx) {
        __global storage *dx = t.dx.data + offset_at(d, t.dx.at, base_of(d, s, t.dx.at), c);
        const realv held = t.dx_factor == 0 ? (realv)0 : unpack(load_packed(dx, in_vectors, width));
        const realv own = input_gradient(terms.g, terms.xhat, (realv)(r.gain), (realv)(r.slope), (realv)(r.shift), t.flags);
        store_packed(dx, pack(accumulated(own, held, t)), in_vectors, width);
    }
    if (t.dz.data)
        store_packed(t.dz.data + offset_at(d, t.dz.at, base_of(d, s, t.dz.at), c), pack(terms.g), in_vectors, width);
}

INLINE void input_batch(uint count, division d, share s, backward_tensors t, cursor *c, bool in_vectors, back_normalization n,
                        back_result r)
{
    back_batch b;
    load_back_batch(&b, count, d, s, t, *c, in_vectors, s.width);
    UNROLL
    for (uint i = 0; i < BACKWARD_FLIGHT; i++) {
        if (i < count) {
            backward_terms terms;
            find_terms(&terms, b.x[i], b.dy[i], b.other[i], b.bits[i], t, n);
            store_gradients(d, s, t, *c, terms, r, in_vectors, s.width);
        }
        advance(c);
    }
}

INLINE void input_vectors(division d, share s, backward_tensors t, bool in_vectors, back_normalization n, back_result r)
{
    cursor c;
    index_t count = s.steps;
    start_cursor(&c, d, s, max(count, (index_t)1) - 1, true);
    for (; count >= BACKWARD_FLIGHT; count -= BACKWARD_FLIGHT)
        input_batch(BACKWARD_FLIGHT, d, s, t, &c, in_vectors, n, r);
    if (count > 0)
        input_batch((uint)count, d, s, t, &c, in_vectors, n, r);
}

INLINE void input_remainder(division d, share s, backward_tensors t, back_normalization n, back_result r)
{
    back_batch b;
    cursor c;
    backward_terms terms;
    start_at_remainder(&c, d, s);
    load_back_batch(&b, 1, d, s, t, c, false, s.remainder);
    find_terms(&terms, b.x[0], b.dy[0], b.other[0], b.bits[0], t, n);
    store_gradients(d, s, t, c, terms, r, false, s.remainder);
}

/* dx and dz of a tile, from coefficients [BACKWARD_ROWS][channel]. */
GROUP_KERNEL void tile_input(BACKWARD_TENSORS, real alpha, uint flags, MEMORY(const uchar, coefficients))
{
    backward_tensors t = GIVEN_BACKWARD_TENSORS;
    __global const real *table = (__global const real *)(coefficients + coefficients_offset);
    const ulong row = row_of_table(1, d.channels);
    share s;
    back_normalization n;
    back_result r;
    find_share(&s, d, second_group(0), second_group(1));
    n.scale = of_channels(table + XHAT_SCALE * row, d, s);
    n.shift = of_channels(table + XHAT_SHIFT * row, d, s);
    n.gamma = n.beta = 0;
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE) {
        n.gamma = of_channels(table + OUTPUT_GAMMA * row, d, s);
        n.beta = of_channels(table + OUTPUT_BETA * row, d, s);
    }
    r.gain = of_channels(table + INPUT_GAIN * row, d, s);
    r.slope = of_channels(table + INPUT_SLOPE * row, d, s);
    r.shift = of_channels(table + INPUT_SHIFT * row, d, s);
    take_x(&t, input_takes_x(t));
    if (s.width == CLBN_VECTOR && backward_are_aligned(t))
        input_vectors(d, s, t, true, n, r);
    else
        input_vectors(d, s, t, false, n, r);
    if (!CLBN_SINGLE && s.remainder > 0)
        input_remainder(d, s, t, n, r);
}
