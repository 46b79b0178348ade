/* SPDX-License-Identifier: MIT */
/*
 * The backward of the backward. Of L = sum (ddx dx) + sum (ddgamma dgamma) + sum (ddbeta dbeta), where dx, dgamma and dbeta are what the
 * backward gives, the gradients with respect to dy, x and gamma. With u = ddx, g = dy, means over a channel, a = mean (u xhat) and
 * b = mean (g xhat):
 *
 *     ddy    = gamma invstd (u - mean u - a xhat) + ddgamma xhat + ddbeta
 *     dx     = ddgamma invstd (g - mean g - b xhat)
 *              - gamma invstd^2 (b (u - mean u) + a (g - mean g) + (mean (u g) - mean u mean g - 3 a b) xhat)
 *     dgamma = m invstd (mean (u g) - mean u mean g - a b)
 *
 * and of frozen statistics gamma invstd u + ddgamma xhat + ddbeta, ddgamma invstd g, and invstd sum (u g). A walk takes six sums,
 * which give each channel its coefficients, and a second walk the results, which are linear in u, g and xhat. One walk serves all
 * geometries: it is for what is called seldom.
 */

/* Rows of the coefficients [row][channel]: xhat = x * scale + shift, in the normalizer's unit; then factors of u, g, xhat and 1. */
#define SECOND_SCALE 0
#define SECOND_SHIFT 1
#define DX_OF_U      2
#define DX_OF_G      3
#define DX_OF_XHAT   4
#define DX_REST      5
#define DDY_OF_U     6
#define DDY_OF_XHAT  7
#define DDY_REST     8

/* A work-item's vectors: of a channel's columns, or of channels, where these lie side by side. Groups have parts of the vectors in
 * the first dimension of their grid, and channels in the second: one, or `lanes` vectors of them. */
typedef struct {
    index_t channel;    /* the first */
    uint across;        /* channels; 0 where there are none */
    index_t in_row;     /* vectors */
    index_t begin, end; /* vectors, in the order of rows */
    index_t step;
    bool writes_sums; /* of the group's work-items that share channels */
    bool is_last;
} second_walk;

HELPER void find_second_walk(second_walk *w, division d, uint lanes)
{
    const uint item = get_local_id(0), side = max(lanes, 1u);
    w->is_last = lanes > 0;
    w->channel = w->is_last ? (index_t)(get_group_id(1) * lanes + item % side) * CLBN_VECTOR : (index_t)get_group_id(1);
    w->across = w->channel < d.channels ? 1 : 0;
    if (w->is_last && w->across > 0)
        w->across = (uint)min((ulong)CLBN_VECTOR, d.channels - w->channel);
    w->in_row = w->is_last ? 1 : (index_t)((d.columns + CLBN_VECTOR - 1) / CLBN_VECTOR);
    w->begin = part_begin(d.rows * w->in_row, get_group_id(0), get_num_groups(0)) + item / side;
    w->end = w->across > 0 ? part_begin(d.rows * w->in_row, get_group_id(0) + 1, get_num_groups(0)) : 0;
    w->step = CLBN_GROUP / side;
    w->writes_sums = item < side;
}

/* Where a vector is, and how many of its elements there are. */
typedef struct {
    index_t row, column;
    uint width;
} second_place;

INLINE void find_second_place(second_place *p, division d, second_walk w, index_t number)
{
    p->row = number / w.in_row;
    p->column = number % w.in_row * CLBN_VECTOR;
    p->width = w.is_last ? w.across : (uint)min((ulong)CLBN_VECTOR, d.columns - p->column);
}

INLINE index_t offset_of_place(division d, layout l, second_walk w, second_place p)
{
    return row_offset(d, l, p.row) + channel_offset(d, l, w.channel) + p.column;
}

INLINE realv load_place(division d, input t, second_walk w, second_place p)
{
    return t.data ? load_some(t.data + offset_of_place(d, t.at, w, p), p.width) : 0;
}

/* v, but 0 after its first count elements. */
INLINE realv first_elements(realv v, uint count)
{
    const truthv are_there = convert_truthv((bits_of_elements() & (intv)((1 << count) - 1)) != 0);
    return are_there ? v : (realv)0;
}

/* ---- Sums ----------------------------------------------------------------------------------------------------------------- */

#define SECOND_SUMS 6
#define SECOND_CHUNK 64 /* additions in a row, as the tests' bounds count on */
#define SPANS_OF_VECTOR (CLBN_VECTOR / CLBN_SPAN)

/* Of groups, loops over what a work-item has in registers are unrolled (gpu/walk.cl). */
#if CLBN_GROUP > 1
#define UNROLL_SUMS UNROLL
#else
#define UNROLL_SUMS
#endif

/* The xhat of a walk's elements: scale and shift. */
HELPER void find_second_scale(realv *scale, realv *shift, division d, second_walk w, channel_parameters p)
{
    reals *scales = (reals *)scale, *shifts = (reals *)shift;
    UNROLL_SUMS
    for (uint i = 0; i < SPANS_OF_VECTOR; i++) {
        const uint next = w.is_last ? min(i * CLBN_SPAN, w.across - 1) : 0;
        normalizer n;
        find_normalizer(&n, p, span_of(w.channel + next, d.channels));
        scales[i] = n.scale;
        shifts[i] = n.shift;
    }
}

/* A sum of each element of a vector, in spans, to which a chunk's is added. */
typedef struct {
    wide of[SPANS_OF_VECTOR];
} second_sum;

HELPER void add_to_second_sum(second_sum *to, realv chunk)
{
    const reals *spans = (const reals *)&chunk;
    UNROLL_SUMS
    for (uint i = 0; i < SPANS_OF_VECTOR; i++)
        to->of[i] = wide_add(to->of[i], wide_of(spans[i]));
}

/* g, g xhat, xhat, u, u xhat, u g of a walk's vectors, each element of a vector for itself. */
HELPER void sum_second_walk(second_sum *all, division d, second_walk w, input x, input dy, input ddx, channel_parameters p)
{
    realv scale = 0, shift = 0;
    if (w.across > 0)
        find_second_scale(&scale, &shift, d, w, p);
    UNROLL_SUMS
    for (uint k = 0; k < SECOND_SUMS; k++)
        UNROLL_SUMS
        for (uint i = 0; i < SPANS_OF_VECTOR; i++)
            all[k].of[i] = wide_of(0);
    for (index_t begin = w.begin; begin < w.end; begin += w.step * SECOND_CHUNK) {
        realv own[SECOND_SUMS];
        UNROLL_SUMS
        for (uint k = 0; k < SECOND_SUMS; k++)
            own[k] = 0;
        for (index_t i = begin; i < min(begin + w.step * SECOND_CHUNK, w.end); i += w.step) {
            second_place at;
            find_second_place(&at, d, w, i);
            const realv g = first_elements(load_place(d, dy, w, at), at.width);
            const realv u = first_elements(load_place(d, ddx, w, at), at.width);
            const realv xhat = first_elements(fma(load_place(d, x, w, at), scale, shift), at.width);
            own[0] += g;
            own[1] = fma(g, xhat, own[1]);
            own[2] += xhat;
            own[3] += u;
            own[4] = fma(u, xhat, own[4]);
            own[5] = fma(u, g, own[5]);
        }
        UNROLL_SUMS
        for (uint k = 0; k < SECOND_SUMS; k++)
            add_to_second_sum(&all[k], own[k]);
    }
}

/* The elements of one channel added up. */
HELPER void join_second_sum(second_sum *s)
{
    UNROLL_SUMS
    for (uint i = 1; i < SPANS_OF_VECTOR; i++)
        s->of[0] = wide_add(s->of[0], s->of[i]);
}

/* That of an element, without an index, and without a choice between places in memory: registers have neither. */
HELPER wide element_of_sum(const second_sum *s, uint number)
{
    wide element = s->of[0];
    UNROLL_SUMS
    for (uint i = 1; i < SPANS_OF_VECTOR; i++)
        element = wide_choose((truths)(i == number ? -1 : 0), s->of[i], element);
    return element;
}

/* Adds what a group's lines have, in a fixed order, for the first one. */
HELPER sums add_second_lines(sums own, uint lanes, __local sums *scratch)
{
    const uint item = get_local_id(0);
    if (CLBN_GROUP == 1)
        return own;
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[item] = own;
    for (uint half_size = CLBN_GROUP / 2; half_size >= lanes; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_size)
            scratch[item] = add_sums(scratch[item], scratch[item + half_size]);
    }
    return scratch[item];
}

/* Three of the sums of a group's channels, as partial sums (records.cl) of a part. All work-items come here together. */
HELPER void store_second_sums(__global uchar *partials, ulong part, division d, second_walk w, uint lanes, second_sum *three,
                              __local sums *scratch)
{
    if (!w.is_last) {
        UNROLL_SUMS
        for (uint k = 0; k < 3; k++)
            join_second_sum(&three[k]);
    }
    for (uint i = 0; i < (w.is_last ? SPANS_OF_VECTOR : 1); i++) {
        sums s;
        s.g = element_of_sum(&three[0], i);
        s.g_xhat = element_of_sum(&three[1], i);
        s.xhat = element_of_sum(&three[2], i);
        s = add_second_lines(s, max(lanes, 1u), scratch);
        if (w.writes_sums && i * CLBN_SPAN < w.across)
            store_partial_sums(partials, part, d.channels, span_of(w.channel + i * CLBN_SPAN, d.channels), s);
    }
}

/* The sums of a part into partials: [part][2][PARTIAL_ROWS][channel], of g, g xhat and xhat, and of u, u xhat and u g. */
GROUP_KERNEL void second_sums(division d, uint lanes, TENSOR(x), TENSOR(dy), TENSOR(ddx), BACKWARD_PARAMETERS, EPSILON, uint flags,
                              MEMORY(uchar, partials))
{
#if CLBN_GROUP > 1
    __local sums scratch[CLBN_GROUP];
#else
    __local sums *scratch = 0; /* PoCL 6 ends the process, without optimization, where local memory turns out not to be used */
#endif
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    const input all_x = { x + x_at.offset, x_at }, all_dy = { dy + dy_at.offset, dy_at }, all_ddx = { ddx + ddx_at.offset, ddx_at };
    const ulong part = get_group_id(0);
    second_walk w;
    second_sum all[SECOND_SUMS];
    find_second_walk(&w, d, lanes);
    sum_second_walk(all, d, w, all_x, all_dy, all_ddx, p);
    store_second_sums(partials + partials_offset, 2 * part, d, w, lanes, all, scratch);
    store_second_sums(partials + partials_offset, 2 * part + 1, d, w, lanes, all + 3, scratch);
}

/* ---- Coefficients --------------------------------------------------------------------------------------------------------- */

/* Means over a channel; xhat is what the rounding of the saved mean leaves, in no unit, and is taken out of a and b. */
typedef struct {
    wide g, u, ug, a, b, xhat;
} second_means;

HELPER void find_second_means(second_means *m, sums of_g, sums of_u, wide count, reals unit, bool is_frozen)
{
    const wide of_unit = wide_of(unit);
    m->g = wide_divide(of_g.g, count);
    m->u = wide_divide(of_u.g, count);
    m->ug = wide_divide(of_u.xhat, count);
    m->xhat = is_frozen ? wide_of(0) : wide_divide(wide_multiply(of_g.xhat, of_unit), count);
    m->a = wide_subtract(wide_divide(wide_multiply(of_u.g_xhat, of_unit), count), wide_multiply(m->xhat, m->u));
    m->b = wide_subtract(wide_divide(wide_multiply(of_g.g_xhat, of_unit), count), wide_multiply(m->xhat, m->g));
}

HELPER void store_second(__global real *table, ulong row, ulong channels, span at, wide v)
{
    store_span(table + row * channels, at, real_of(v));
}

/* A factor of xhat, in the unit, and what is added for the mean's rounding. */
HELPER void store_second_xhat(__global real *table, ulong row, ulong channels, span at, wide factor, wide rest, reals unit,
                              second_means m)
{
    store_second(table, row, channels, at, wide_multiply(factor, wide_of(unit)));
    store_second(table, row + 1, channels, at, wide_subtract(rest, wide_multiply(factor, m.xhat)));
}

HELPER void find_second_coefficients(__global real *table, ulong channels, span at, second_means m, wide invstd, wide gamma,
                                     wide ddgamma, wide ddbeta, reals unit, bool is_frozen)
{
    const wide nothing = wide_of(0), scale = wide_multiply(gamma, invstd), by_ddgamma = wide_multiply(ddgamma, invstd);
    const wide curve = is_frozen ? nothing : wide_multiply(scale, invstd);
    const wide a = is_frozen ? nothing : m.a, b = is_frozen ? nothing : m.b;
    const wide together = wide_subtract(wide_subtract(m.ug, wide_multiply(m.u, m.g)), wide_multiply(wide_of(3), wide_multiply(a, b)));
    const wide of_u = wide_subtract(nothing, wide_multiply(curve, b)), of_g = wide_subtract(by_ddgamma, wide_multiply(curve, a));
    const wide of_xhat = wide_subtract(nothing, wide_add(wide_multiply(curve, together), wide_multiply(by_ddgamma, b)));
    const wide rest = wide_subtract(nothing, wide_add(wide_multiply(of_u, m.u), wide_multiply(of_g, m.g)));
    store_second(table, DX_OF_U, channels, at, of_u);
    store_second(table, DX_OF_G, channels, at, of_g);
    store_second_xhat(table, DX_OF_XHAT, channels, at, of_xhat, rest, unit, m);
    store_second(table, DDY_OF_U, channels, at, scale);
    store_second_xhat(table, DDY_OF_XHAT, channels, at, wide_subtract(ddgamma, wide_multiply(scale, a)),
                      wide_subtract(ddbeta, is_frozen ? nothing : wide_multiply(scale, m.u)), unit, m);
}

/* Coefficients, and dgamma, from so many parts' sums over count values; 0 where there are none. */
GROUP_KERNEL void second_coefficients(ulong channels, ulong parts, ulong count, MEMORY(const uchar, partials), BACKWARD_PARAMETERS,
                                      MEMORY(const parameter, ddgamma), MEMORY(const parameter, ddbeta), MEMORY(parameter, dgamma),
                                      EPSILON, uint flags, MEMORY(uchar, coefficients))
{
    const channel_parameters p = GIVEN_BACKWARD_PARAMETERS;
    __global real *table = (__global real *)(coefficients + coefficients_offset);
    const bool is_frozen = (flags & FLAG_FROZEN) != 0;
    for (ulong c = get_global_id(0) * CLBN_SPAN; c < channels; c += get_global_size(0) * CLBN_SPAN) {
        const span at = span_of((index_t)c, channels);
        sums of_g = no_sums(), of_u = no_sums(), more;
        for (ulong i = 0; i < parts; i++) {
            load_partial_sums(&more, partials + partials_offset, 2 * i, channels, at);
            of_g = add_sums(of_g, more);
            load_partial_sums(&more, partials + partials_offset, 2 * i + 1, channels, at);
            of_u = add_sums(of_u, more);
        }
        const wide values = wide_of_count(max(count, 1ul)), invstd = wide_of(invstd_of(p, at));
        normalizer n;
        second_means m;
        find_normalizer(&n, p, at);
        find_second_means(&m, of_g, of_u, values, n.unit, is_frozen);
        wide mean = m.ug;
        if (!is_frozen)
            mean = wide_subtract(mean, wide_add(wide_multiply(m.u, m.g), wide_multiply(m.a, m.b)));
        if (dgamma)
            store_parameters(dgamma + dgamma_offset, at, real_of(wide_multiply(wide_multiply(values, mean), invstd)));
        if (!coefficients)
            continue;
        store_span(table + SECOND_SCALE * channels, at, n.scale);
        store_span(table + SECOND_SHIFT * channels, at, n.shift);
        find_second_coefficients(table, channels, at, m, invstd, wide_of(parameter_or(p.gamma, at, 1)),
                                 wide_of(parameter_or(ddgamma + ddgamma_offset, at, 0)),
                                 wide_of(parameter_or(ddbeta + ddbeta_offset, at, 0)), n.unit, is_frozen);
    }
}

/* ---- Results -------------------------------------------------------------------------------------------------------------- */

INLINE realv second_coefficient(__global const real *table, ulong row, division d, second_walk w)
{
    __global const real *own = table + row * d.channels + w.channel;
    return w.is_last ? load_reals(own, w.across) : (realv)*own;
}

/* dx and ddy of a part, each where it is there. */
GROUP_KERNEL void second_results(division d, uint lanes, TENSOR(x), TENSOR(dy), TENSOR(ddx), RESULT(dx), RESULT(ddy), uint flags,
                                 MEMORY(const uchar, coefficients))
{
    const input all_x = { x + x_at.offset, x_at }, all_dy = { dy + dy_at.offset, dy_at }, all_ddx = { ddx + ddx_at.offset, ddx_at };
    __global const real *table = (__global const real *)(coefficients + coefficients_offset);
    realv of[DDY_REST + 1];
    second_walk w;
    find_second_walk(&w, d, lanes);
    if (w.across == 0)
        return;
    for (uint row = 0; row <= DDY_REST; row++)
        of[row] = second_coefficient(table, row, d, w);
    for (index_t i = w.begin; i < w.end; i += w.step) {
        second_place at;
        find_second_place(&at, d, w, i);
        const realv g = load_place(d, all_dy, w, at), u = load_place(d, all_ddx, w, at);
        const realv xhat = fma(load_place(d, all_x, w, at), of[SECOND_SCALE], of[SECOND_SHIFT]);
        if (dx) {
            const realv through = fma(u, of[DX_OF_U], fma(g, of[DX_OF_G], fma(xhat, of[DX_OF_XHAT], of[DX_REST])));
            store_some(dx + dx_at.offset + offset_of_place(d, dx_at, w, at), flags & FLAG_FROZEN ? g * of[DX_OF_G] : through,
                       at.width);
        }
        if (ddy)
            store_some(ddy + ddy_at.offset + offset_of_place(d, ddy_at, w, at),
                       fma(u, of[DDY_OF_U], fma(xhat, of[DDY_OF_XHAT], of[DDY_REST])), at.width);
    }
}
