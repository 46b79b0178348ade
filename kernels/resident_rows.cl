/*
 * Channels first, on chip: all values of a channel are numbered in the order of its rows and dealt out to the work-items in
 * turn, in vectors where the tensors take them, else one by one; a slot then has so many single values as a vector has.
 */
typedef struct {
    index_t row, column; /* of the next value, or vector */
    index_t rows, columns;
    index_t row_step, column_step; /* to the next of this work-item */
} cursor;

INLINE void start_cursor(cursor *c, walk w, division d, bool in_vectors)
{
    c->rows = (index_t)d.rows;
    c->columns = (index_t)d.columns / (in_vectors ? CLBN_VECTOR : 1);
    c->row = w.item / c->columns;
    c->column = w.item % c->columns;
    c->row_step = CLBN_GROUP / c->columns;
    c->column_step = CLBN_GROUP % c->columns;
}

INLINE void advance(cursor *c)
{
    c->row += c->row_step;
    c->column += c->column_step;
    if (c->column >= c->columns) {
        c->column -= c->columns;
        c->row++;
    }
}

/* Where a slot's values lie: those of a vector, at the first place, or single ones. Rows beyond the end have none. */
typedef struct {
    index_t row[CLBN_VECTOR], column[CLBN_VECTOR];
} places;

INLINE void next_places(places *p, cursor *c, bool in_vectors)
{
    for (uint i = 0; i < (in_vectors ? 1 : CLBN_VECTOR); i++) {
        p->row[i] = c->row;
        p->column[i] = c->column * (in_vectors ? CLBN_VECTOR : 1);
        advance(c);
    }
}

INLINE index_t place_offset(division d, layout l, places p, uint i, index_t channel)
{
    return start_of(d, l, p.row[i], channel) + p.column[i];
}

/* A slot's values, 0 where it has none. */
INLINE storagev load_slot(division d, input t, places p, bool in_vectors, index_t channel)
{
    storage a[CLBN_VECTOR];
    if (in_vectors)
        return p.row[0] < (index_t)d.rows
                   ? *(__global const storagev *)(t.data + place_offset(d, t.at, p, 0, channel))
                   : (storagev)0;
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = p.row[i] < (index_t)d.rows ? t.data[place_offset(d, t.at, p, i, channel)] : (storage)0;
    return vector_of(a);
}

INLINE void store_slot(division d, output t, places p, bool in_vectors, index_t channel, realv v)
{
    storage a[CLBN_VECTOR];
    storagev encoded = encode(v);
    if (in_vectors) {
        if (p.row[0] < (index_t)d.rows)
            *(__global storagev *)(t.data + place_offset(d, t.at, p, 0, channel)) = encoded;
        return;
    }
    spread_vector(encoded, a);
    for (uint i = 0; i < CLBN_VECTOR; i++)
        if (p.row[i] < (index_t)d.rows)
            t.data[place_offset(d, t.at, p, i, channel)] = a[i];
}

/* How many values a work-item has. */
INLINE uint own_elements(division d, bool in_vectors)
{
    uint step = in_vectors ? CLBN_VECTOR : 1;
    return (uint)steps_below((index_t)(d.rows * d.columns) / step, get_local_id(0), CLBN_GROUP) * step;
}

#define FORWARD_ROOM ((room){ CLBN_KEPT, CLBN_KEPT + CLBN_SHELVED })

INLINE void keep_rows(division d, input x, bool in_vectors, index_t channel, packed_vector *kept, __local packed_vector *shelf)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, in_vectors);
#pragma unroll
    for (uint slot = 0; slot < CLBN_KEPT + CLBN_SHELVED; slot++) {
        places p;
        next_places(&p, &c, in_vectors);
        keep_values(FORWARD_ROOM, kept, shelf, slot, load_slot(d, x, p, in_vectors, channel));
    }
}

INLINE deviations kept_deviations(const packed_vector *kept, __local const packed_vector *shelf, uint count, real pivot, real scale,
                                  __local deviations *scratch)
{
    realv sum = 0, squares = 0;
    walk w;
    start_walk(&w);
#pragma unroll
    for (uint slot = 0; slot < CLBN_KEPT + CLBN_SHELVED; slot++) {
        realv x = kept_values(FORWARD_ROOM, w, kept, shelf, slot);
        realv deviation = first_elements(fma(x, (realv)scale, (realv)(-pivot * scale)), elements_in_slot(count, slot));
        sum += deviation;
        squares = fma(deviation, deviation, squares);
    }
    return add_group_deviations(sum_of_vector(sum), sum_of_vector(squares), scratch);
}

/*
 * The moments of a channel that is kept: around its first value for a pivot near the mean, then around that. However far off
 * the first value lies, it is one of the channel's n: at most sqrt(n) standard deviations.
 */
INLINE moments kept_moments(const packed_vector *kept, __local const packed_vector *shelf, uint count, real first, ulong values,
                            __local deviations *scratch)
{
    deviations rough = kept_deviations(kept, shelf, count, first, 1, scratch);
    real pivot = pivot_of(moments_about_wide(first, 1, rough.sum, rough.squares, values));
    real scale = scale_for(real_of(rough.squares), pivot);
    deviations all = kept_deviations(kept, shelf, count, pivot, scale, scratch);
    return moments_about_wide(pivot, scale, all.sum, all.squares, values);
}

INLINE void normalize_kept_rows(division d, forward_tensors t, bool in_vectors, index_t channel, const packed_vector *kept,
                                __local const packed_vector *shelf, affine a)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, in_vectors);
#pragma unroll
    for (uint slot = 0; slot < CLBN_KEPT + CLBN_SHELVED; slot++) {
        places p;
        next_places(&p, &c, in_vectors);
        realv v = fma(kept_values(FORWARD_ROOM, w, kept, shelf, slot) - a.mean, (realv)a.scale, (realv)a.shift);
        if (t.z.data)
            v += decode(load_slot(d, t.z, p, in_vectors, channel));
        store_slot(d, t.y, p, in_vectors, channel, activate(v, t.alpha));
        if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && in_vectors && t.mask && p.row[0] < c.rows)
            store_mask(t.mask, mask_row_of(d, p.row[0], channel) + p.column[0] / CLBN_VECTOR, v, 0, CLBN_VECTOR);
    }
}

/* Forward training of a channel to a group, as rows_forward. A mask is only given where the tensors take vectors. */
GROUP_KERNEL void resident_rows_forward(division d, __global const storage *x, layout x_at, __global const storage *z,
                                        layout z_at, __global storage *y, layout y_at, __global uchar *mask,
                                        ulong mask_offset, __global const real *gamma, ulong gamma_offset,
                                        __global const real *beta, ulong beta_offset, __global real *running_mean,
                                        ulong running_mean_offset, __global real *running_var, ulong running_var_offset,
                                        __global real *save_mean, ulong save_mean_offset, __global real *save_invstd,
                                        ulong save_invstd_offset, real epsilon_high, real epsilon_low, real factor_high,
                                        real factor_low, real alpha, uint flags)
{
    __local deviations scratch[CLBN_GROUP];
    __local packed_vector shelf[SHELF_VECTORS(CLBN_SHELVED)];
    packed_vector kept[CLBN_KEPT];
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    index_t channel = get_group_id(1);
    bool in_vectors = d.columns % CLBN_VECTOR == 0 && forward_takes_vectors(t);
    if (in_vectors)
        keep_rows(d, t.x, true, channel, kept, shelf);
    else
        keep_rows(d, t.x, false, channel, kept, shelf);
    real first = load_element(t.x.data + start_of(d, t.x.at, 0, channel));
    moments m = kept_moments(kept, shelf, own_elements(d, in_vectors), first, d.rows * d.columns, scratch);
    affine a = finish_moments(m, channel, get_local_id(0) == 0, gamma + gamma_offset, beta + beta_offset,
                              running_mean + running_mean_offset, running_var + running_var_offset,
                              save_mean + save_mean_offset, save_invstd + save_invstd_offset,
                              wide_of_parts(epsilon_high, epsilon_low), wide_of_parts(factor_high, factor_low), flags);
    if (!y)
        return;
    if (in_vectors)
        normalize_kept_rows(d, t, true, channel, kept, shelf, a);
    else
        normalize_kept_rows(d, t, false, channel, kept, shelf, a);
}
