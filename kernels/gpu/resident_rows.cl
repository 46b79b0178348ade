/*
 * Channels first, on chip: all values of a channel are numbered in the order of its rows and dealt out to the work-items in
 * turn, in pieces: of a vector, of half a vector where rows allow no more, or of a single value. A slot has so many pieces as
 * make a vector.
 */

/* Work-items have at most so many pieces, for compilers to unroll: then single ones are not had of the largest size. */
#define MOST_PIECES 128
#define HAS_SINGLES ((CLBN_KEPT + CLBN_SHELVED) * CLBN_VECTOR <= MOST_PIECES)
#define HALF_VECTOR (CLBN_VECTOR / 2)

/* Whether pieces from the start of any row are aligned; true of an absent tensor. */
static bool takes_pieces(__global const storage *data, layout l, uint piece)
{
    return (size_t)data % (piece * sizeof(storage)) == 0 && l.alignment % piece == 0;
}

typedef struct {
    index_t row, column; /* of the next piece; columns are counted in pieces */
    index_t columns;
    index_t row_step, column_step; /* to the next of this work-item */
} cursor;

INLINE void start_cursor(cursor *c, walk w, division d, uint piece)
{
    c->columns = (index_t)d.columns / piece;
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

/* Where a slot's pieces begin. Rows beyond the end have none. */
typedef struct {
    index_t row[CLBN_VECTOR], column[CLBN_VECTOR];
} places;

INLINE void next_places(places *p, cursor *c, uint piece)
{
    for (uint i = 0; i < CLBN_VECTOR / piece; i++) {
        p->row[i] = c->row;
        p->column[i] = c->column * piece;
        advance(c);
    }
}

INLINE index_t place_offset(division d, layout l, places p, uint i, index_t channel)
{
    return start_of(d, l, p.row[i], channel) + p.column[i];
}

/* A slot's values, 0 where it has none. */
INLINE packed_vector load_slot(division d, input t, places p, uint piece, index_t channel)
{
    packed_vector v = 0;
    if (piece == CLBN_VECTOR) {
        if (p.row[0] < (index_t)d.rows)
            v = *(__global const packed_vector *)(t.data + place_offset(d, t.at, p, 0, channel));
        return v;
    }
    if (piece == HALF_VECTOR) {
        if (p.row[0] < (index_t)d.rows)
            v.lo = *(__global const packed_half *)(t.data + place_offset(d, t.at, p, 0, channel));
        if (p.row[1] < (index_t)d.rows)
            v.hi = *(__global const packed_half *)(t.data + place_offset(d, t.at, p, 1, channel));
        return v;
    }
    storage a[CLBN_VECTOR];
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = p.row[i] < (index_t)d.rows ? t.data[place_offset(d, t.at, p, i, channel)] : (storage)0;
    return as_uint4(vector_of(a));
}

INLINE void store_slot(division d, output t, places p, uint piece, index_t channel, realv values)
{
    storagev encoded = encode(values);
    packed_vector v = as_uint4(encoded);
    if (piece == CLBN_VECTOR) {
        if (p.row[0] < (index_t)d.rows)
            *(__global packed_vector *)(t.data + place_offset(d, t.at, p, 0, channel)) = v;
        return;
    }
    if (piece == HALF_VECTOR) {
        if (p.row[0] < (index_t)d.rows)
            *(__global packed_half *)(t.data + place_offset(d, t.at, p, 0, channel)) = v.lo;
        if (p.row[1] < (index_t)d.rows)
            *(__global packed_half *)(t.data + place_offset(d, t.at, p, 1, channel)) = v.hi;
        return;
    }
    storage a[CLBN_VECTOR];
    spread_vector(encoded, a);
    for (uint i = 0; i < CLBN_VECTOR; i++)
        if (p.row[i] < (index_t)d.rows)
            t.data[place_offset(d, t.at, p, i, channel)] = a[i];
}

/* How many values a work-item has. */
INLINE uint own_elements(division d, uint piece)
{
    return (uint)steps_below((index_t)(d.rows * d.columns) / piece, get_local_id(0), CLBN_GROUP) * piece;
}

INLINE void keep_rows(division d, input x, uint piece, index_t channel, packed_vector *kept, __local packed_vector *shelf)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, piece);
#pragma unroll(CLBN_UNROLLED ? FORWARD_SLOTS : 1)
    for (uint slot = 0; slot < FORWARD_SLOTS; slot++) {
        places p;
        next_places(&p, &c, piece);
        keep_values(FORWARD_ROOM, kept, shelf, slot, load_slot(d, x, p, piece, channel));
    }
}

/* The deviations over the group, whose work-items have count values each. */
INLINE void kept_deviations(deviations *all, const packed_vector *kept, __local const packed_vector *shelf, uint count,
                            real pivot, real scale, __local real *cells, __local wide *scratch)
{
    realv sum = 0, squares = 0;
    realv numbers = element_numbers();
    walk w;
    start_walk(&w);
#pragma unroll(CLBN_UNROLLED ? FORWARD_SLOTS : 1)
    for (uint slot = 0; slot < FORWARD_SLOTS; slot++) {
        realv x = kept_values(FORWARD_ROOM, w, kept, shelf, slot);
        realv deviation = fma(x, (realv)scale, (realv)(-pivot * scale));
        deviation = first_elements(deviation, numbers, count, slot);
        sum += deviation;
        squares = fma(deviation, deviation, squares);
    }
    const real own[2] = { sum_of_vector(sum), sum_of_vector(squares) };
    wide totals[2];
    add_group_numbers(own, totals, 2, cells, scratch);
    all->sum = totals[0];
    all->squares = totals[1];
}

/*
 * The moments of a channel of so many values that is kept: around its first one for a pivot near the mean, then around that.
 * However far off the first value lies, it is one of n: at most sqrt(n) standard deviations.
 */
INLINE moments kept_moments(const packed_vector *kept, __local const packed_vector *shelf, uint count, real first,
                            ulong values, __local real *cells, __local wide *scratch)
{
    deviations all;
    kept_deviations(&all, kept, shelf, count, first, 1, cells, scratch);
    real pivot = pivot_of(moments_about(first, 1, all, wide_of_count(values)));
    real scale = scale_for(real_of(all.squares), pivot);
    kept_deviations(&all, kept, shelf, count, pivot, scale, cells, scratch);
    return moments_about(pivot, scale, all, wide_of_count(values));
}

INLINE void normalize_kept_rows(division d, forward_tensors t, uint piece, index_t channel, const packed_vector *kept,
                                __local const packed_vector *shelf, affine a)
{
    walk w;
    cursor c;
    start_walk(&w);
    start_cursor(&c, w, d, piece);
#pragma unroll(CLBN_UNROLLED ? FORWARD_SLOTS : 1)
    for (uint slot = 0; slot < FORWARD_SLOTS; slot++) {
        places p;
        next_places(&p, &c, piece);
        realv v = fma(kept_values(FORWARD_ROOM, w, kept, shelf, slot) - a.mean, (realv)a.scale, (realv)a.shift);
        if (t.z.data)
            v += decode(as_storagev(load_slot(d, t.z, p, piece, channel)));
        store_slot(d, t.y, p, piece, channel, activate(v, t.alpha));
        if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && piece == CLBN_VECTOR && t.mask &&
            p.row[0] < (index_t)d.rows)
            store_mask(t.mask, mask_row_of(d, p.row[0], channel) + p.column[0] / CLBN_VECTOR, v, 0, CLBN_VECTOR);
    }
}

/* The greatest pieces that all tensors take. */
static uint forward_piece(division d, forward_tensors t)
{
    for (uint piece = CLBN_VECTOR; piece > 1; piece /= 2)
        if (piece >= HALF_VECTOR && d.columns % piece == 0 && takes_pieces(t.x.data, t.x.at, piece) &&
            takes_pieces(t.z.data, t.z.at, piece) && takes_pieces(t.y.data, t.y.at, piece))
            return piece;
    return 1;
}

/* Forward training of a channel to a group, as rows_forward. A mask is only given where the tensors take vectors, and single
 * pieces only where there are some. */
GROUP_KERNEL void resident_rows_forward(division d, __global const storage *x, layout x_at, __global const storage *z,
                                        layout z_at, __global storage *y, layout y_at, __global uchar *mask,
                                        ulong mask_offset, __global const real *gamma, ulong gamma_offset,
                                        __global const real *beta, ulong beta_offset, __global real *running_mean,
                                        ulong running_mean_offset, __global real *running_var, ulong running_var_offset,
                                        __global real *save_mean, ulong save_mean_offset, __global real *save_invstd,
                                        ulong save_invstd_offset, real epsilon_high, real epsilon_low, real factor_high,
                                        real factor_low, real alpha, uint flags)
{
    __local real cells[2 * CLBN_GROUP];
    __local wide scratch[2 * MERGERS];
    __local packed_vector shelf[SHELF_VECTORS(CLBN_SHELVED)];
    packed_vector kept[CLBN_KEPT];
    const forward_tensors t = { { x + x_at.offset, x_at }, { z + z_at.offset, z_at }, { y + y_at.offset, y_at },
                                mask + mask_offset, alpha, flags };
    const channel_statistics of = { gamma + gamma_offset, beta + beta_offset, running_mean + running_mean_offset,
                                    running_var + running_var_offset, save_mean + save_mean_offset,
                                    save_invstd + save_invstd_offset, wide_of_parts(epsilon_high, epsilon_low),
                                    wide_of_parts(factor_high, factor_low), flags };
    index_t channel = get_group_id(1);
    uint piece = forward_piece(d, t);
    if (piece == CLBN_VECTOR)
        keep_rows(d, t.x, CLBN_VECTOR, channel, kept, shelf);
    else if (piece == HALF_VECTOR)
        keep_rows(d, t.x, HALF_VECTOR, channel, kept, shelf);
    else if (HAS_SINGLES)
        keep_rows(d, t.x, 1, channel, kept, shelf);
    real first = load_element(t.x.data + start_of(d, t.x.at, 0, channel));
    moments m = kept_moments(kept, shelf, own_elements(d, piece), first, d.rows * d.columns, cells, scratch);
    affine a;
    finish_moments(&a, m, span_of(channel, d.channels), get_local_id(0) == 0, of);
    if (!y)
        return;
    if (piece == CLBN_VECTOR)
        normalize_kept_rows(d, t, CLBN_VECTOR, channel, kept, shelf, a);
    else if (piece == HALF_VECTOR)
        normalize_kept_rows(d, t, HALF_VECTOR, channel, kept, shelf, a);
    else if (HAS_SINGLES)
        normalize_kept_rows(d, t, 1, channel, kept, shelf, a);
}
