/* SPDX-License-Identifier: MIT */
/* Forward training and inference of channels first; chunks and runs as in rows_walk.cl. */

INLINE void add_deviation(realv x, summation how, realv *sum, realv *squares)
{
    realv deviation = fma(x, (realv)how.scale, (realv)(-how.pivot * how.scale));
    *sum += deviation;
    *squares = fma(deviation, deviation, *squares);
}

/* Of rows of a chunk that are walked together, the deviations of whole vectors. */
INLINE void add_vectors(chunk c, __global const storage *data, const index_t *starts, summation how, realv *sums,
                        realv *squares)
{
    for (index_t i = 0; i < c.vectors; i++)
#pragma unroll
        for (uint r = 0; r < CPU_ROWS_TOGETHER; r++) {
            __global const storage *p = data + starts[r] + i * CLBN_VECTOR;
            add_deviation(load_in_order(p, false), how, &sums[r % CPU_SUMS_TOGETHER], &squares[r % CPU_SUMS_TOGETHER]);
        }
}

/* The same of one row. */
INLINE void add_vectors_of_row(chunk c, __global const storage *p, summation how, realv *sums, realv *squares)
{
    const index_t piece = c.vectors / CPU_ROWS_TOGETHER;
    for (index_t i = 0; i < piece; i++)
#pragma unroll
        for (uint r = 0; r < CPU_ROWS_TOGETHER; r++)
            add_deviation(load_in_order(p + (i + r * piece) * CLBN_VECTOR, false), how, &sums[r % CPU_SUMS_TOGETHER],
                          &squares[r % CPU_SUMS_TOGETHER]);
    for (index_t i = piece * CPU_ROWS_TOGETHER; i < c.vectors; i++)
        add_deviation(load_vector(p + i * CLBN_VECTOR), how, &sums[0], &squares[0]);
}

/* Of a row of a chunk, the deviations of what is left after whole vectors. */
INLINE void add_remainder(chunk c, __global const storage *p, summation how, realv *sum_v, realv *squares_v, real *sum,
                          real *squares)
{
    if (c.overlaps) {
        realv deviation = fma(load_vector(p + overlap_begin(c)), (realv)how.scale, (realv)(-how.pivot * how.scale));
        deviation = without_first(deviation, overlap_width(c));
        *sum_v += deviation;
        *squares_v = fma(deviation, deviation, *squares_v);
    }
    for (index_t i = c.singles; i < c.columns; i++) {
        real deviation = fma(load_element(p + i), how.scale, -how.pivot * how.scale);
        *sum += deviation;
        *squares = fma(deviation, deviation, *squares);
    }
}

/* Adds the deviations of the work-item's elements of a chunk. */
INLINE void add_chunk(division d, chunk c, input x, index_t channel, summation how, deviations *all)
{
    realv sums[CPU_SUMS_TOGETHER], squares[CPU_SUMS_TOGETHER];
    real sum = 0, square = 0;
    for (uint s = 0; s < CPU_SUMS_TOGETHER; s++) {
        sums[s] = 0;
        squares[s] = 0;
    }
    for (index_t row = c.row; row < c.row_end; row += CPU_ROWS_TOGETHER) {
        index_t starts[CPU_ROWS_TOGETHER];
        const uint rows = find_rows(starts, d, c, x.at, row, channel);
        if (rows == CPU_ROWS_TOGETHER)
            add_vectors(c, x.data, starts, how, sums, squares);
        else
            for (uint r = 0; r < rows; r++)
                add_vectors_of_row(c, x.data + starts[r], how, sums, squares);
        for (uint r = 0; r < rows; r += CPU_SUMS_TOGETHER)
#pragma unroll
            for (uint s = 0; s < CPU_SUMS_TOGETHER; s++)
                if (r + s < rows)
                    add_remainder(c, x.data + starts[r + s], how, &sums[s], &squares[s], &sum, &square);
    }
    for (uint s = 1; s < CPU_SUMS_TOGETHER; s++) {
        sums[0] += sums[s];
        squares[0] += squares[s];
    }
    all->sum = wide_add(all->sum, wide_of(sum + sum_of_vector(sums[0])));
    all->squares = wide_add(all->squares, wide_of(square + sum_of_vector(squares[0])));
}

/* How many places a pivot is sampled from. */
#define SAMPLES 8

/* A place that a pivot is sampled from: a vector, or an element, or nothing. */
typedef struct {
    __global const storage *p;
    uint width;
} sample;

/* Number i of those that are spread over the work-item's elements of chunks begin to end. */
INLINE void find_sample(sample *s, division d, input x, index_t channel, index_t begin, index_t end, uint i, bool in_vectors)
{
    const chunk c = chunk_of(d, begin + (index_t)((ulong)(end - begin) * i / SAMPLES), in_vectors);
    const index_t rows = c.row_end - c.row, singles = c.columns - c.singles;
    const index_t row = c.row + (index_t)((ulong)rows * i / SAMPLES);
    s->p = x.data;
    s->width = 0;
    if (rows == 0 || c.vectors + singles == 0)
        return;
    s->p += start_of(d, x.at, row, channel) + c.column;
    if (c.vectors > 0) {
        s->width = CLBN_VECTOR;
        s->p += (index_t)((ulong)c.vectors * i / SAMPLES) * CLBN_VECTOR;
    } else {
        s->width = 1;
        s->p += c.singles + (index_t)((ulong)singles * i / SAMPLES);
    }
}

/* A pivot from all of these, of which there may be none. What is less than a vector counts as one that repeats it. */
NOINLINE real sample_pivot(division d, input x, index_t channel, index_t begin, index_t end, bool in_vectors)
{
    sample samples[SAMPLES];
    uint count = 0;
    for (uint i = 0; i < SAMPLES; i++) {
        sample *own = &samples[count];
        find_sample(own, d, x, channel, begin, end, i, in_vectors);
        fetch(own->p);
        count += own->width > 0;
    }
    if (count == 0)
        return 0;
    sampling s;
    start_sampling(&s, middle_of((realv)load_element(samples[0].p), (realv)load_element(samples[count / 2].p),
                                 (realv)load_element(samples[count - 1].p)));
    for (uint i = 0; i < count; i++)
        add_sample(&s, samples[i].width > 1 ? load_vector(samples[i].p) : (realv)load_element(samples[i].p));
    trim_samples(&s);
    return sampled_pivot(s.base.s0, sum_of_vector(s.sum), sum_of_vector(s.squares), s.count * (real)CLBN_VECTOR);
}

/* The moments of the work-item's elements of chunks begin to end of a channel. */
NOINLINE moments own_moments(division d, input x, index_t channel, index_t begin, index_t end)
{
    bool in_vectors = takes_vectors(x.data, x.at);
    summation how = first_summation(sample_pivot(d, x, channel, begin, end, in_vectors));
    for (;;) {
        deviations sums = { wide_of(0), wide_of(0) };
        ulong count = 0;
        for (index_t i = begin; i < end; i++) {
            chunk c = chunk_of(d, i, in_vectors);
            add_chunk(d, c, x, channel, how, &sums);
            count += count_of_chunk(c);
        }
        summation with = how;
        if (follow_sums(&how, sums, wide_of_count(count)))
            return moments_about(with.pivot, with.scale, sums, wide_of_count(count));
    }
}

/* A channel's row of what the normalisation reads and writes. */
typedef struct {
    __global const storage *x, *z;
    __global storage *y;
    __global uchar *mask;
    ulong mask_unit; /* the first */
    bool in_order;   /* the mask has bits of elements in their order */
    real alpha;
} forward_row;

INLINE void find_forward_row(forward_row *r, division d, forward_tensors t, index_t row, index_t channel)
{
    r->x = t.x.data + start_of(d, t.x.at, row, channel);
    r->z = t.z.data ? t.z.data + start_of(d, t.z.at, row, channel) : 0;
    r->y = t.y.data + start_of(d, t.y.at, row, channel);
    r->mask = CLBN_ACTIVATION == CLBN_ACTIVATION_NONE ? 0 : t.mask;
    r->mask_unit = mask_row_of(d, row, channel);
    r->in_order = r->mask != 0;
    r->alpha = t.alpha;
}

/* What the activation takes of a vector, and of its first width elements. */
INLINE realv affine_vector(forward_row r, index_t column, affine a)
{
    realv v = fma(load_in_order(r.x + column, r.in_order) - a.mean, (realv)a.scale, (realv)a.shift);
    if (r.z)
        v += load_in_order(r.z + column, r.in_order);
    return v;
}

INLINE realv affine_some(forward_row r, index_t column, uint width, affine a)
{
    realv v = fma(load_some(r.x + column, width) - a.mean, (realv)a.scale, (realv)a.shift);
    if (r.z)
        v += load_some(r.z + column, width);
    return v;
}

INLINE void normalize_vector(forward_row r, index_t column, affine a, bool past_cache)
{
    realv v = affine_vector(r, column, a);
    store_in_order(r.y + column, activate(v, r.alpha), r.in_order, past_cache);
    if (r.mask)
        store_mask(r.mask, r.mask_unit + column / CLBN_VECTOR, v, 0, CLBN_VECTOR);
}

INLINE void normalize_some(forward_row r, index_t column, uint width, affine a)
{
    realv v = affine_some(r, column, width, a);
    store_some(r.y + column, activate(v, r.alpha), width);
    if (r.mask)
        store_mask(r.mask, r.mask_unit + column / CLBN_VECTOR, v, 0, width);
}

/* The columns after the vectors: one at a time, so that neighbours write side by side, or for a mask a unit at a time. */
INLINE void normalize_singles(forward_row r, chunk c, affine a)
{
    if (!r.mask) {
        for (index_t j = c.singles; j < c.columns; j++)
            normalize_some(r, c.column + j, 1, a);
        return;
    }
    for (index_t j = c.singles; j < c.columns; j += CLBN_VECTOR)
        normalize_some(r, c.column + j, (uint)min((index_t)CLBN_VECTOR, c.columns - j), a);
}

INLINE void normalize_row(forward_row r, chunk c, affine a, bool past_cache)
{
    index_t overlap = c.column + overlap_begin(c);
    realv last = 0; /* computed before a y that is x or z overwrites some of it */
    if (c.overlaps)
        last = affine_vector(r, overlap, a);
    for (index_t j = 0; j < c.vectors; j++)
        normalize_vector(r, c.column + j * CLBN_VECTOR, a, past_cache);
    if (c.overlaps) {
        store_in_order(r.y + overlap, activate(last, r.alpha), r.in_order, false);
        if (r.mask)
            store_mask(r.mask, r.mask_unit + c.column / CLBN_VECTOR + c.vectors, last, overlap_width(c), CLBN_VECTOR);
    }
    normalize_singles(r, c, a);
}

/* y, and the mask, of a chunk of each of some channels. past_cache is a constant where is_plain is true: loops over x and y
 * alone have no choice inside. */
INLINE void normalize_rows_of_run(division d, forward_tensors t, chunk c, channel_run run, const affine *all, bool is_plain,
                                  bool past_cache)
{
    if (is_plain)
        make_plain_forward(&t);
    for (index_t row = c.row; row < c.row_end; row++)
        for (index_t i = 0; i < run.count; i++) {
            forward_row r;
            find_forward_row(&r, d, t, row, run.first + i);
            normalize_row(r, c, all[i], past_cache);
        }
}

/* The same of the work-item's elements. all: [channel of the run]. */
NOINLINE void normalize_chunk_of_run(division d, forward_tensors t, chunk c, channel_run run, const affine *all)
{
    const bool past_cache = (t.flags & FLAG_NONTEMPORAL) && is_aligned(t.y.data, t.y.at);
    const bool is_plain = is_plain_forward(t);
    if (is_plain && past_cache)
        normalize_rows_of_run(d, t, c, run, all, true, true);
    else if (is_plain)
        normalize_rows_of_run(d, t, c, run, all, true, false);
    else
        normalize_rows_of_run(d, t, c, run, all, false, past_cache);
}

/* The same of a part of the chunks; a whole channel is one. */
NOINLINE void normalize_part(division d, forward_tensors t, channel_run run, index_t part, const affine *all)
{
    const bool in_vectors = forward_takes_vectors(t);
    if (d.parts == 1) {
        normalize_chunk_of_run(d, t, whole_chunk(d, in_vectors), run, all);
        return;
    }
    for (index_t i = part_begin(chunk_count(d), part, d.parts); i < part_begin(chunk_count(d), part + 1, d.parts); i++)
        normalize_chunk_of_run(d, t, chunk_of(d, i, in_vectors), run, all);
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* Forward training of a channel to a group. z, y, mask, gamma and beta may be NULL, and the statistics. */
GROUP_KERNEL void rows_forward(FORWARD_TENSORS, STATISTICS_PARAMETERS, real alpha, uint flags)
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const channel_statistics of = GIVEN_STATISTICS;
    const channel_run one = { get_group_id(1), 1 };
    moments m = own_moments(d, t.x, one.first, 0, chunk_count(d));
    affine a;
    finalize_moments(&a, m, span_of(one.first, d.channels), true, of);
    if (y)
        normalize_part(d, t, one, 0, &a);
}

/* The moments of a part of a channel to a group, into partials. */
GROUP_KERNEL void rows_statistics(division d, TENSOR(x), MEMORY(uchar, partials))
{
    const input whole = { x + x_at.offset, x_at };
    index_t part = get_group_id(0);
    index_t channel = get_group_id(1);
    index_t begin = part_begin(chunk_count(d), part, d.parts);
    index_t end = part_begin(chunk_count(d), part + 1, d.parts);
    const moments m = own_moments(d, whole, channel, begin, end);
    store_partial_moments(partials + partials_offset, part, d.channels, span_of(channel, d.channels), m);
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_INFERENCE
/* Forward inference of a run of channels, or a part of one, to a group. */
GROUP_KERNEL void rows_inference(FORWARD_TENSORS, RUNNING_PARAMETERS, real alpha, uint flags)
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    affine all[CPU_RUN_CHANNELS];
    channel_run run;
    find_run(&run, d, get_group_id(1));
    for (index_t i = 0; i < run.count; i++)
        running_affine(&all[i], span_of(run.first + i, d.channels), GIVEN_RUNNING);
    normalize_part(d, t, run, get_group_id(0), all);
}
#endif
