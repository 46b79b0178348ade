/* SPDX-License-Identifier: MIT */
/* Forward training and inference of tiles (tiling.cl). */

/* Adds the deviations of some vectors, of which count are there. */
INLINE void add_deviations(realv *sum, realv *squares, const packed *v, uint count, coefficient scale, coefficient offset)
{
    UNROLL
    for (uint i = 0; i < SUM_FLIGHT; i++) {
        const realv all = fma(unpack(v[i]), (realv)(scale), (realv)(offset));
        const realv deviation = i < count ? all : (realv)0;
        *sum += deviation;
        *squares = fma(deviation, deviation, *squares);
    }
}

/* The same of count vectors of a work-item from the cursor on. */
INLINE void add_vectors(realv *sum, realv *squares, division d, share s, input x, index_t base, cursor *c, index_t count,
                        bool in_vectors, coefficient scale, coefficient offset)
{
    packed v[SUM_FLIGHT];
    for (; count >= SUM_FLIGHT; count -= SUM_FLIGHT) {
        load_batch(v, SUM_FLIGHT, SUM_FLIGHT, d, x, base, *c, in_vectors, s.width);
        advance_by(c, SUM_FLIGHT);
        add_deviations(sum, squares, v, SUM_FLIGHT, scale, offset);
    }
    if (count > 0) {
        load_batch(v, SUM_FLIGHT, (uint)count, d, x, base, *c, in_vectors, s.width);
        add_deviations(sum, squares, v, (uint)count, scale, offset);
    }
}

/* Vectors that a work-item has on chip. Kernels that keep some do so only where they can be accessed as vectors. They compute the same
 * of them more than once: what compilers could share of that, they would keep in registers that there are not, so `nil` is 0 that comes
 * out of local memory each time. */
typedef struct {
    const packed *vectors;
    bool can_be; /* kept, by this kernel: a constant */
    bool are_kept;
    uint nil;
} kept_vectors;

/* The forward and the backward load so what they keep. */
INLINE void keep_vectors(packed *kept, uint most, division d, share s, input t)
{
    const index_t base = base_of(d, s, t.at);
    cursor c;
    start_cursor(&c, d, s, 0, false);
    UNROLL
    for (uint i = 0; i < CLBN_KEPT; i++) {
        if (i >= most)
            continue;
        kept[i] = 0;
        if (i < s.steps)
            kept[i] = load_packed(t.data + offset_at(d, t.at, base, c), true, CLBN_VECTOR);
        advance(&c);
    }
}

INLINE realv unpack_kept(kept_vectors k, uint i)
{
    return unpack(IS_SHORT ? k.vectors[i] ^ k.nil : k.vectors[i]);
}

/* The deviations of kept vectors, of which count are there. */
INLINE void add_kept(realv *sum, realv *squares, kept_vectors kept, uint count, coefficient scale, coefficient offset)
{
    UNROLL
    for (uint i = 0; i < CLBN_KEPT; i++) {
        const realv all = fma(unpack_kept(kept, i), (realv)(scale), (realv)(offset));
        const realv deviation = i < count ? all : (realv)0;
        *sum += deviation;
        *squares = fma(deviation, deviation, *squares);
    }
}

/* Of what is left after the last walked row. */
INLINE void add_remainder(realv *sum, realv *squares, division d, share s, input x, coefficient scale, coefficient offset)
{
    const packed v = load_packed(x.data + row_offset(d, x.at, (index_t)d.rows) + base_of(d, s, x.at), false, s.remainder);
    const realv deviation = keep_first(fma(unpack(v), (realv)(scale), (realv)(offset)), s.remainder);
    *sum += deviation;
    *squares = fma(deviation, deviation, *squares);
}

/* Values that a pivot is the mean of. From so few of m values, it is seldom a standard deviation away from the mean of all. */
#define SAMPLES 16

/* A pivot for the values of a slot: the mean of some that are spread over all. */
INLINE real sample_pivot(division d, share s, input x, index_t tile, uint slot)
{
    const index_t place = s.tile_place + slot, start = place_offset(d, x.at, place);
    index_t begin = 0, count = (index_t)d.columns;
    if (!CLBN_SINGLE) {
        find_slot(&begin, &count, d, s, tile, slot);
        begin += tile * (index_t)d.tile_vectors * CLBN_VECTOR - place * (index_t)d.pitch;
    }
    real values[SAMPLES];
    UNROLL
    for (uint i = 0; i < SAMPLES; i++) {
        index_t row = s.begin + (index_t)((ulong)(s.end - s.begin) * i / SAMPLES), column = begin + count * i / SAMPLES;
        if (CLBN_SINGLE) {
            column = row % channel_vectors(d) * CLBN_VECTOR + i % CLBN_VECTOR;
            row /= channel_vectors(d);
        }
        values[i] = load_element(x.data + row_offset(d, x.at, row) + start + column);
    }
    real sum = 0, squares = 0;
    UNROLL
    for (uint i = 0; i < SAMPLES; i++) {
        sum += values[i] - values[0];
        squares = fma(values[i] - values[0], values[i] - values[0], squares);
    }
    return sampled_pivot(values[0], sum, squares, SAMPLES);
}

/* Sums around pivots, of the slots of a tile: of slot number i for work-item i. */
INLINE void sum_tile(deviations *all, division d, share s, input x, index_t tile, kept_vectors kept, coefficient pivot,
                     coefficient scale, __local real *cells, __local wide *scratch)
{
    const bool in_vectors = is_aligned(x.data, x.at) && s.width == CLBN_VECTOR;
    const coefficient offset = -pivot * scale;
    const index_t base = base_of(d, s, x.at);
    wide sum = wide_of(0), squares = wide_of(0);
    cursor c;
    start_cursor(&c, d, s, 0, false);
    for (index_t done = 0; done < (kept.can_be && kept.are_kept ? 1 : s.most_steps); done += CHUNK_STEPS) {
        const index_t count = done < s.steps ? min(s.steps - done, (index_t)CHUNK_STEPS) : 0;
        realv own_sum = 0, own_squares = 0;
        wide more;
        if (kept.can_be && kept.are_kept)
            add_kept(&own_sum, &own_squares, kept, (uint)s.steps, scale, offset);
        else if (!kept.can_be && in_vectors)
            add_vectors(&own_sum, &own_squares, d, s, x, base, &c, count, true, scale, offset);
        else
            add_vectors(&own_sum, &own_squares, d, s, x, base, &c, count, false, scale, offset);
        if (!CLBN_SINGLE && s.remainder > 0 && done == 0)
            add_remainder(&own_sum, &own_squares, d, s, x, scale, offset);
        add_tile(&more, own_sum, d, s, tile, cells, scratch);
        sum = wide_add(sum, more);
        add_tile(&more, own_squares, d, s, tile, cells, scratch);
        squares = wide_add(squares, more);
    }
    all->sum = sum;
    all->squares = squares;
}

/* The moments of slot number i of a tile for work-item i. */
INLINE void find_moments(moments *m, division d, share s, input x, index_t tile, kept_vectors kept, __local real *cells,
                         __local wide *scratch, __local int *is_repeated)
{
    const uint item = get_local_id(0);
    const bool is_owner = item < s.slots;
    const ulong count = is_owner ? count_values(d, s, tile, item) : 0;
    summation how = first_summation(is_owner ? sample_pivot(d, s, x, tile, item) : 0);
    summation with = how;
    deviations all;
    for (bool repeats = true; repeats;) {
        if (is_owner) {
            cells[item] = how.pivot;
            cells[s.slots + item] = how.scale;
        }
        if (item == 0)
            *is_repeated = 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        const coefficient pivot = of_slots(cells, d, s), scale = of_slots(cells + s.slots, d, s);
        if (kept.can_be)
            kept.nil = (uint)*is_repeated;
        barrier(CLK_LOCAL_MEM_FENCE);
        sum_tile(&all, d, s, x, tile, kept, pivot, scale, cells, scratch);
        with = how;
        if (is_owner && !follow_sums(&how, all, wide_of_count(count)))
            atomic_or(is_repeated, 1);
        barrier(CLK_LOCAL_MEM_FENCE);
        repeats = *is_repeated != 0;
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    *m = moments_about(with.pivot, with.scale, all, wide_of_count(count));
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* The moments of a part of the rows of a tile's channels, into partials: [part][tile][PARTIAL_ROWS][slot] */
GROUP_KERNEL void tile_statistics(division d, __global const storage *x, layout x_at, __global uchar *partials,
                                  ulong partials_offset)
{
    __local realv space[CELLS / CLBN_VECTOR + 1];
    __local wide scratch[CLBN_GROUP];
    __local int is_repeated;
    const input whole = { x + x_at.offset, x_at };
    const index_t tile = get_group_id(0), part = get_group_id(1);
    share s;
    moments m;
    find_share(&s, d, tile, part);
    const kept_vectors none = { 0, false, false, 0 };
    find_moments(&m, d, s, whole, tile, none, (__local real *)space, scratch, &is_repeated);
    if (get_local_id(0) < s.slots)
        store_partial_moments(partials + partials_offset, part * get_num_groups(0) + tile, d.slots,
                              span_of(get_local_id(0), d.slots), m);
}
#endif

/* ---- Results -------------------------------------------------------------------------------------------------------------- */

/* y = activate((x - mean) * scale + shift + z) */
typedef struct {
    coefficient mean, scale, shift;
} normalization;

INLINE void normalize_vector(division d, share s, forward_tensors t, normalization n, index_t base, cursor c, realv x, packed z,
                             bool in_vectors, uint width)
{
    realv v = fma(x - (realv)(n.mean), (realv)(n.scale), (realv)(n.shift));
    if (t.z.data)
        v += unpack(z);
    store_packed(t.y.data + offset_at(d, t.y.at, base, c), pack(activate(v, t.alpha)), in_vectors, width);
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && t.mask)
        store_mask(t.mask, mask_unit(d, s, c), v, 0, width);
}

/* Of count of some vectors from the cursor on; of x in its place if it is kept. */
INLINE void normalize_batch(division d, share s, forward_tensors t, normalization n, cursor *c, uint count, bool in_vectors)
{
    packed x[FLIGHT], z[FLIGHT];
    load_batch(x, FLIGHT, count, d, t.x, base_of(d, s, t.x.at), *c, in_vectors, s.width);
    if (t.z.data)
        load_batch(z, FLIGHT, count, d, t.z, base_of(d, s, t.z.at), *c, in_vectors, s.width);
    UNROLL
    for (uint i = 0; i < FLIGHT; i++) {
        if (i < count)
            normalize_vector(d, s, t, n, base_of(d, s, t.y.at), *c, unpack(x[i]), z[i], in_vectors, s.width);
        advance(c);
    }
}

INLINE void normalize_vectors(division d, share s, forward_tensors t, normalization n, bool in_vectors)
{
    cursor c;
    index_t count = s.steps;
    start_cursor(&c, d, s, max(count, (index_t)1) - 1, true);
    for (; count >= FLIGHT; count -= FLIGHT)
        normalize_batch(d, s, t, n, &c, FLIGHT, in_vectors);
    if (count > 0)
        normalize_batch(d, s, t, n, &c, (uint)count, in_vectors);
}

INLINE void normalize_remainder(division d, share s, forward_tensors t, normalization n)
{
    cursor c;
    packed z = 0;
    start_at_remainder(&c, d, s);
    const packed x = load_packed(t.x.data + offset_at(d, t.x.at, base_of(d, s, t.x.at), c), false, s.remainder);
    if (t.z.data)
        z = load_packed(t.z.data + offset_at(d, t.z.at, base_of(d, s, t.z.at), c), false, s.remainder);
    normalize_vector(d, s, t, n, base_of(d, s, t.y.at), c, unpack(x), z, false, s.remainder);
}

INLINE bool are_aligned(forward_tensors t)
{
    return is_aligned(t.x.data, t.x.at) && is_aligned(t.y.data, t.y.at) && is_aligned(t.z.data, t.z.at);
}

INLINE void normalize_tile_singly(division d, share s, forward_tensors t, normalization n)
{
    normalize_vectors(d, s, t, n, false);
    if (!CLBN_SINGLE && s.remainder > 0)
        normalize_remainder(d, s, t, n);
}

INLINE void normalize_tile(division d, share s, forward_tensors t, normalization n)
{
    if (s.width == CLBN_VECTOR && are_aligned(t))
        normalize_vectors(d, s, t, n, true);
    else
        normalize_vectors(d, s, t, n, false);
    if (!CLBN_SINGLE && s.remainder > 0)
        normalize_remainder(d, s, t, n);
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* y of a tile, from coefficients [AFFINE_ROWS][channel]. */
GROUP_KERNEL void tile_normalize(division d, __global const storage *x, layout x_at, __global const storage *z, layout z_at,
                                 __global storage *y, layout y_at, __global uchar *mask, ulong mask_offset, real alpha,
                                 uint flags, __global const uchar *coefficients, ulong coefficients_offset)
{
    const forward_tensors t = {
        { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at }, mask + mask_offset, alpha, flags
    };
    __global const real *table = (__global const real *)(coefficients + coefficients_offset);
    share s;
    normalization n;
    find_share(&s, d, second_group(0), second_group(1));
    n.mean = of_channels(table + row_of_table(AFFINE_MEAN, d.channels), d, s);
    n.scale = of_channels(table + row_of_table(AFFINE_SCALE, d.channels), d, s);
    n.shift = of_channels(table + row_of_table(AFFINE_SHIFT, d.channels), d, s);
    normalize_tile(d, s, t, n);
}
#endif

INLINE void store_slot(__local real *cells, share s, uint slot, affine a)
{
    cells[AFFINE_MEAN * s.slots + slot] = a.mean;
    cells[AFFINE_SCALE * s.slots + slot] = a.scale;
    cells[AFFINE_SHIFT * s.slots + slot] = a.shift;
}

INLINE void load_slots(normalization *n, __local const real *cells, division d, share s)
{
    n->mean = of_slots(cells + AFFINE_MEAN * s.slots, d, s);
    n->scale = of_slots(cells + AFFINE_SCALE * s.slots, d, s);
    n->shift = of_slots(cells + AFFINE_SHIFT * s.slots, d, s);
}

#if CLBN_OPERATIONS & CLBN_OPERATION_INFERENCE
/* Forward inference of a tile. */
GROUP_KERNEL void tile_inference(FORWARD_TENSORS, RUNNING_PARAMETERS, real alpha, uint flags)
{
    __local real cells[AFFINE_ROWS * TILE_SLOTS];
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const uint item = get_local_id(0);
    share s;
    find_share(&s, d, get_group_id(0), get_group_id(1));
    if (item < s.slots) {
        affine a;
        running_affine(&a, span_of(channel_of(d, s.tile_place + item), d.channels), GIVEN_RUNNING);
        store_slot(cells, s, item, a);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    normalization n;
    load_slots(&n, cells, d, s);
    normalize_tile(d, s, t, n);
}
#endif
