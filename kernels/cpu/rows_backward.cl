/* SPDX-License-Identifier: MIT */
/* The backward of channels first; chunks as in rows_walk.cl. */

/* A channel's row of what the backward reads and writes. */
typedef struct {
    __global const storage *x, *dy, *other;
    __global storage *dx, *dz;
    ulong mask_unit;     /* the first */
    bool in_order;       /* the mask has bits of elements in their order */
    backward_tensors of; /* all that it is a row of */
} backward_row;

INLINE void find_backward_row(backward_row *r, division d, backward_tensors t, index_t row, index_t channel)
{
    r->of = t;
    r->x = t.has_x ? t.x.data + start_of(d, t.x.at, row, channel) : 0;
    r->dy = t.dy.data + start_of(d, t.dy.at, row, channel);
    r->other = t.other.data ? t.other.data + start_of(d, t.other.at, row, channel) : 0;
    r->dx = t.has_dx ? t.dx.data + start_of(d, t.dx.at, row, channel) : 0;
    r->dz = t.dz.data ? t.dz.data + start_of(d, t.dz.at, row, channel) : 0;
    r->mask_unit = mask_row_of(d, row, channel);
    r->in_order = t.mask != 0;
}

INLINE void load_terms(backward_terms *t, backward_row r, index_t column, bool in_vector, uint width, normalizer n)
{
    const realv dy = load_either(r.dy + column, r.in_order, in_vector, width);
    const realv x = r.of.has_x ? load_either(r.x + column, r.in_order, in_vector, width) : 0;
    const realv other = takes_other(r.of) ? load_either(r.other + column, r.in_order, in_vector, width) : 0;
    const uint bits = r.of.mask ? load_mask(r.of.mask, r.mask_unit, column, width) : 0;
    t->xhat = xhat_of(x, r.of, n.scale, n.shift);
    t->g = gradient_through(dy, x, t->xhat, other, bits, r.of, n.gamma, n.beta);
}

/* Sums over elements of a chunk: of vectors, and of what is taken singly. */
typedef struct {
    realv g, g_xhat, xhat;
    real single_g, single_g_xhat, single_xhat;
} chunk_sums;

INLINE void add_terms(chunk_sums *s, backward_terms t)
{
    s->g += t.g;
    s->g_xhat = fma(t.g, t.xhat, s->g_xhat);
    s->xhat += t.xhat;
}

/* Adds a vector. */
INLINE void add_vector_terms(chunk_sums *s, backward_row r, index_t column, normalizer n)
{
    backward_terms t;
    load_terms(&t, r, column, true, CLBN_VECTOR, n);
    add_terms(s, t);
}

/* Of a row of a chunk, which begins in a column, what is left after whole vectors. */
INLINE void add_remainder_terms(chunk_sums *s, backward_row r, index_t column, chunk c, normalizer n)
{
    backward_terms t;
    if (c.overlaps) {
        r.in_order = true;
        load_terms(&t, r, column + overlap_begin(c), true, CLBN_VECTOR, n);
        t.g = without_first(t.g, overlap_width(c));
        t.xhat = without_first(t.xhat, overlap_width(c));
        add_terms(s, t);
    }
    for (index_t j = c.singles; j < c.columns; j++) {
        load_terms(&t, r, column + j, false, 1, n);
        s->single_g += t.g.s0;
        s->single_g_xhat = fma(t.g.s0, t.xhat.s0, s->single_g_xhat);
        s->single_xhat += t.xhat.s0;
    }
}

/* All tensors as one row, where is_plain_backward() is true: a column is an element's offset in any. */
INLINE void find_plain_row(backward_row *r, backward_tensors t)
{
    r->of = t;
    r->x = t.x.data;
    r->dy = t.dy.data;
    r->other = 0;
    r->dx = 0;
    r->dz = 0;
    r->mask_unit = 0;
    r->in_order = false;
}

/* Adds a vector of each of the rows that are walked together, or pieces of one, from its column on. xhat is added to that of the row
 * before and then to one sum: a CPU's 16 registers do not hold two. */
INLINE void add_vector_of_each(chunk_sums *s, backward_row r, const index_t *columns, normalizer n)
{
#pragma unroll
    for (uint i = 0; i < CPU_ROWS_TOGETHER; i += CPU_SUMS_TOGETHER) {
        backward_terms t[CPU_SUMS_TOGETHER];
#pragma unroll
        for (uint k = 0; k < CPU_SUMS_TOGETHER; k++)
            load_terms(&t[k], r, columns[i + k], true, CLBN_VECTOR, n);
#pragma unroll
        for (uint k = 0; k < CPU_SUMS_TOGETHER; k++) {
            s[k].g += t[k].g;
            s[k].g_xhat = fma(t[k].g, t[k].xhat, s[k].g_xhat);
        }
        s->xhat += CPU_SUMS_TOGETHER == 1 ? t[0].xhat : t[0].xhat + t[CPU_SUMS_TOGETHER - 1].xhat;
    }
}

/* Of such rows of a chunk, the whole vectors. */
INLINE void add_vectors_of_rows(chunk_sums *s, backward_row r, const index_t *starts, chunk c, normalizer n)
{
    for (index_t j = 0; j < c.vectors; j++) {
        index_t columns[CPU_ROWS_TOGETHER];
#pragma unroll
        for (uint i = 0; i < CPU_ROWS_TOGETHER; i++)
            columns[i] = starts[i] + j * CLBN_VECTOR;
        add_vector_of_each(s, r, columns, n);
    }
}

/* The same of one, in CPU_ROWS_TOGETHER pieces. */
INLINE void add_vectors_in_pieces(chunk_sums *s, backward_row r, index_t start, chunk c, normalizer n)
{
    const index_t piece = c.vectors / CPU_ROWS_TOGETHER;
    for (index_t j = 0; j < piece; j++) {
        index_t columns[CPU_ROWS_TOGETHER];
#pragma unroll
        for (uint i = 0; i < CPU_ROWS_TOGETHER; i++)
            columns[i] = start + (j + i * piece) * CLBN_VECTOR;
        add_vector_of_each(s, r, columns, n);
    }
    for (index_t j = piece * CPU_ROWS_TOGETHER; j < c.vectors; j++)
        add_vector_terms(s, r, start + j * CLBN_VECTOR, n);
}

INLINE void add_chunk_sums(chunk_sums *to, chunk_sums from)
{
    to->g += from.g;
    to->g_xhat += from.g_xhat;
    to->xhat += from.xhat;
    to->single_g += from.single_g;
    to->single_g_xhat += from.single_g_xhat;
    to->single_xhat += from.single_xhat;
}

INLINE void clear_chunk_sums(chunk_sums *s)
{
    const chunk_sums nothing = { 0, 0, 0, 0, 0, 0 };
    for (uint i = 0; i < CPU_SUMS_TOGETHER; i++)
        s[i] = nothing;
}

INLINE sums sums_of_all(chunk_sums *s)
{
    for (uint i = 1; i < CPU_SUMS_TOGETHER; i++)
        add_chunk_sums(s, s[i]);
    return sums_of(s->single_g + sum_of_vector(s->g), s->single_g_xhat + sum_of_vector(s->g_xhat),
                   s->single_xhat + sum_of_vector(s->xhat));
}

/* The sums of the work-item's elements of a chunk, where is_plain_backward() is true. */
NOINLINE sums sums_of_plain_chunk(division d, chunk c, backward_tensors t, index_t channel, normalizer n)
{
    chunk_sums s[CPU_SUMS_TOGETHER];
    backward_row r;
    clear_chunk_sums(s);
    make_plain_backward(&t);
    find_plain_row(&r, t);
    for (index_t row = c.row; row < c.row_end; row += CPU_ROWS_TOGETHER) {
        index_t starts[CPU_ROWS_TOGETHER];
        const uint rows = find_rows(starts, d, c, t.x.at, row, channel);
        if (rows == CPU_ROWS_TOGETHER)
            add_vectors_of_rows(s, r, starts, c, n);
        else
            for (uint i = 0; i < rows; i++)
                add_vectors_in_pieces(s, r, starts[i], c, n);
        for (uint i = 0; i < rows; i += CPU_SUMS_TOGETHER)
#pragma unroll
            for (uint j = 0; j < CPU_SUMS_TOGETHER; j++)
                if (i + j < rows)
                    add_remainder_terms(&s[j], r, starts[i + j], c, n);
    }
    return sums_of_all(s);
}

/* The same of any, row by row: the compiler is spared to see several together. */
NOINLINE sums sums_of_chunk(division d, chunk c, backward_tensors t, index_t channel, normalizer n)
{
    chunk_sums s[CPU_SUMS_TOGETHER];
    clear_chunk_sums(s);
    for (index_t row = c.row, i = 0; row < c.row_end; row++, i = (i + 1) % CPU_SUMS_TOGETHER) {
        backward_row r;
        find_backward_row(&r, d, t, row, channel);
        for (index_t j = 0; j < c.vectors; j++)
            add_vector_terms(&s[i], r, c.column + j * CLBN_VECTOR, n);
        add_remainder_terms(&s[i], r, c.column, c, n);
    }
    return sums_of_all(s);
}

/* The sums of the work-item's elements of chunks begin to end of a channel. */
NOINLINE void find_own_sums(sums *own, division d, backward_tensors t, index_t channel, index_t begin, index_t end,
                            normalizer n)
{
    bool in_vectors = backward_reads_vectors(t);
    t.has_dx = false;
    t.dz.data = 0;
    *own = no_sums();
    const bool is_plain = is_plain_backward(t);
    for (index_t i = begin; i < end; i++) {
        const chunk c = chunk_of(d, i, in_vectors);
        *own = add_sums(*own, is_plain ? sums_of_plain_chunk(d, c, t, channel, n) : sums_of_chunk(d, c, t, channel, n));
    }
}

/* What dx holds, where that is added. */
INLINE realv held_dx(backward_row r, index_t column, bool in_vector, uint width)
{
    return r.of.dx_factor == 0 ? 0 : load_either(r.dx + column, r.in_order, in_vector, width);
}

/* dx, dz */
INLINE void store_gradients(backward_row r, index_t column, bool in_vector, uint width, backward_terms t, realv held,
                            gradient g, bool dx_past_cache, bool dz_past_cache)
{
    if (r.of.has_dx)
        store_either(r.dx + column, accumulated(gradient_of_channel(t.g, t.xhat, g, r.of.flags), held, r.of), r.in_order,
                     in_vector, width, dx_past_cache);
    if (r.dz)
        store_either(r.dz + column, t.g, r.in_order, in_vector, width, dz_past_cache);
}

INLINE void input_row(backward_row r, chunk c, normalizer n, gradient g, bool dx_past_cache, bool dz_past_cache)
{
    index_t overlap = c.column + overlap_begin(c);
    backward_terms last = { 0, 0 }; /* loaded before a dx or dz that is dy overwrites some of it */
    realv last_held = 0;
    if (c.overlaps) {
        load_terms(&last, r, overlap, true, CLBN_VECTOR, n);
        last_held = held_dx(r, overlap, true, CLBN_VECTOR);
    }
    for (index_t j = 0; j < c.vectors; j++) {
        index_t column = c.column + j * CLBN_VECTOR;
        backward_terms t;
        load_terms(&t, r, column, true, CLBN_VECTOR, n);
        store_gradients(r, column, true, CLBN_VECTOR, t, held_dx(r, column, true, CLBN_VECTOR), g, dx_past_cache,
                        dz_past_cache);
    }
    if (c.overlaps)
        store_gradients(r, overlap, true, CLBN_VECTOR, last, last_held, g, false, false);
    for (index_t j = c.singles; j < c.columns; j++) {
        backward_terms t;
        load_terms(&t, r, c.column + j, false, 1, n);
        store_gradients(r, c.column + j, false, 1, t, held_dx(r, c.column + j, false, 1), g, false, false);
    }
}

/* dx and dz of a chunk. is_plain: as is_plain_backward(), and there is dx; then what else is asked is constant: loops over x, dy and
 * dx alone have no choice inside. */
INLINE void input_rows_of_chunk(division d, backward_tensors t, chunk c, index_t channel, normalizer n, gradient g,
                                bool is_plain, bool dx_past_cache, bool dz_past_cache)
{
    if (is_plain) {
        make_plain_backward(&t);
        t.has_dx = true;
    }
    for (index_t row = c.row; row < c.row_end; row++) {
        backward_row r;
        find_backward_row(&r, d, t, row, channel);
        input_row(r, c, n, g, dx_past_cache, dz_past_cache);
    }
}

/* The same of the work-item's elements. */
NOINLINE void input_chunk(division d, backward_tensors t, chunk c, index_t channel, normalizer n, gradient g)
{
    const bool dx_past_cache = (t.flags & FLAG_NONTEMPORAL) && is_aligned(t.dx.data, t.dx.at);
    const bool dz_past_cache = (t.flags & FLAG_NONTEMPORAL) && is_aligned(t.dz.data, t.dz.at);
    const bool is_plain = is_plain_backward(t) && t.has_dx;
    if (is_plain && dx_past_cache)
        input_rows_of_chunk(d, t, c, channel, n, g, true, true, false);
    else if (is_plain)
        input_rows_of_chunk(d, t, c, channel, n, g, true, false, false);
    else
        input_rows_of_chunk(d, t, c, channel, n, g, false, dx_past_cache, dz_past_cache);
}

/* The same of a part of the chunks; a whole channel is one. */
NOINLINE void input_part(division d, backward_tensors t, index_t channel, index_t part, normalizer n, gradient g)
{
    const bool in_vectors = backward_reads_vectors(t) && backward_writes_vectors(t);
    t.has_x = t.has_x && input_takes_x(t);
    if (d.parts == 1) {
        input_chunk(d, t, whole_chunk(d, in_vectors), channel, n, g);
        return;
    }
    for (index_t i = part_begin(chunk_count(d), part, d.parts); i < part_begin(chunk_count(d), part + 1, d.parts); i++)
        input_chunk(d, t, chunk_of(d, i, in_vectors), channel, n, g);
}

/* Backward of a channel to a group. */
GROUP_KERNEL void rows_backward(BACKWARD_TENSORS, BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON, real alpha, uint flags)
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    index_t channel = get_group_id(1);
    const span all = span_of(channel, d.channels);
    bool needs_sums = dgamma || dbeta || (dx && !(flags & FLAG_FROZEN));
    normalizer n;
    sums s = no_sums();
    find_normalizer(&n, p, all);
    if (needs_sums) {
        find_own_sums(&s, d, t, channel, 0, chunk_count(d), n);
    }
    gradient g;
    finalize_sums(&g, sums_of_units(s, n.unit), wide_of_count(d.rows * d.columns), all, p, n.unit, true, gradients);
    if (dx || dz)
        input_part(d, t, channel, 0, n, g);
}

/* The sums of a part of a channel to a group, into partials. */
GROUP_KERNEL void rows_sums(BACKWARD_INPUTS, BACKWARD_PARAMETERS, EPSILON, real alpha, uint flags, MEMORY(uchar, partials))
{
    const backward_tensors t = GIVEN_BACKWARD_INPUTS;
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    index_t part = get_group_id(0);
    index_t channel = get_group_id(1);
    normalizer n;
    find_normalizer(&n, p, span_of(channel, d.channels));
    sums own;
    find_own_sums(&own, d, t, channel, part_begin(chunk_count(d), part, d.parts), part_begin(chunk_count(d), part + 1, d.parts),
                  n);
    store_partial_sums(partials + partials_offset, part, d.channels, span_of(channel, d.channels), own);
}
