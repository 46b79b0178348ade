/* SPDX-License-Identifier: MIT */
/* Forward training and inference of channels first in images (images.cl). */

INLINE void add_image_deviation(realv x, realv pivot, realv *sum, realv *squares)
{
    realv deviation = x - pivot;
    *sum += deviation;
    *squares = fma(deviation, deviation, *squares);
}

/* Adds the deviations of count images' pieces, the first of which is x. Tables are shuffled. */
NOINLINE void add_images(piece p, __global const storage *x, index_t count, const realv *pivots, realv *sums, realv *squares)
{
    for (index_t begin = 0; begin < count; begin += IMAGE_BAND, x += IMAGE_BAND * p.pitch) {
        const index_t images = min(count - begin, (index_t)IMAGE_BAND);
        for (index_t v = 0; v < p.vectors; v++) {
            __global const storage *from = x + v * CLBN_VECTOR;
            realv sum = sums[v], square = squares[v];
            for (index_t i = 0; i < images; i++, from += p.pitch)
                add_image_deviation(load_in_order(from, false), pivots[v], &sum, &square);
            sums[v] = sum;
            squares[v] = square;
        }
        for (index_t i = 0; i < images && p.remainder > 0; i++)
            add_image_deviation(load_some(x + i * p.pitch + p.vectors * CLBN_VECTOR, p.remainder), pivots[p.vectors],
                                &sums[p.vectors], &squares[p.vectors]);
    }
}

/* A pivot of a channel from its columns in two images. What is less than a vector counts as one that repeats its last element. */
INLINE real sample_channel(__global const storage *x, __global const storage *other, index_t columns)
{
    sampling s;
    start_sampling(&s, middle_of((realv)load_element(x), (realv)load_element(other), (realv)load_element(other + columns / 2)));
    for (index_t i = 0; i < columns; i += CLBN_VECTOR) {
        const uint width = (uint)min((index_t)CLBN_VECTOR, columns - i);
        add_sample(&s, load_some(x + i, width));
        add_sample(&s, load_some(other + i, width));
    }
    trim_samples(&s);
    return sampled_pivot(s.base.s0, sum_of_vector(s.sum), sum_of_vector(s.squares), s.count * (real)CLBN_VECTOR);
}

/* Pivots of the tile's channels, also as a shuffled table. x: of the first image. */
NOINLINE void sample_images(division d, piece p, __global const storage *x, realv *table, real *pivots)
{
    const index_t middle = (index_t)(d.rows / 2) * p.pitch;
    for (index_t i = 0; i < p.channels; i++) {
        pivots[i] = sample_channel(x + i * p.columns, x + middle + i * p.columns, p.columns);
        spread_value(table, p, i, pivots[i]);
    }
    shuffle_table(table, p);
}

/* The deviations of the tile's channels. pivots, sums and squares are tables, the first shuffled, the others for its use. */
NOINLINE void sum_images(division d, piece p, __global const storage *x, const realv *pivots, realv *sums, realv *squares,
                         deviations *all)
{
    for (index_t i = 0; i < p.channels; i++) {
        all[i].sum = wide_of(0);
        all[i].squares = wide_of(0);
    }
    for (index_t image = 0; image < (index_t)d.rows; image += (index_t)IMAGE_CHUNK) {
        clear_table(sums);
        clear_table(squares);
        add_images(p, x + image * p.pitch + p.begin, min((index_t)IMAGE_CHUNK, (index_t)d.rows - image), pivots, sums, squares);
        unshuffle_table(sums, p);
        unshuffle_table(squares, p);
        for (index_t i = 0; i < p.channels; i++) {
            all[i].sum = wide_add(all[i].sum, wide_of(sum_of_channel(sums, p, i)));
            all[i].squares = wide_add(all[i].squares, wide_of(sum_of_channel(squares, p, i)));
        }
    }
}

/* Tables of what y is made of. */
typedef struct {
    realv mean[TABLE_VECTORS], scale[TABLE_VECTORS], shift[TABLE_VECTORS];
} affine_tables;

INLINE void spread_affine(affine_tables *s, piece p, index_t channel, affine a)
{
    spread_value(s->mean, p, channel, a.mean);
    spread_value(s->scale, p, channel, a.scale);
    spread_value(s->shift, p, channel, a.shift);
}

/* From a run to what will be read next of its image. The same of the next band is not asked for: images may lie whole pages apart, and
 * where those of two bands share places of a cache, they drive each other out before they are read. */
#define NEXT_RUN (RUN_VECTORS * CLBN_VECTOR)

/* y, and bits of a mask, of vectors begin to end of a band's images from first to last. offset: of the band's first piece. */
INLINE void normalize_vectors(piece p, forward_tensors t, index_t offset, index_t first, index_t last, index_t begin,
                              index_t end, bool in_order, bool past_cache, const affine_tables *s, band_bits *bits)
{
    for (index_t v = begin; v < end; v++) {
        const realv mean = s->mean[v], scale = s->scale[v], shift = s->shift[v];
        for (index_t i = first; i < last; i++) {
            const index_t at = offset + i * p.pitch + v * CLBN_VECTOR;
            if (past_cache) {
                fetch(t.x.data + at + NEXT_RUN);
                if (t.z.data) {
                    fetch(t.z.data + at + NEXT_RUN);
                }
            }
            realv a = fma(load_in_order(t.x.data + at, in_order) - mean, scale, shift);
            if (t.z.data)
                a += load_in_order(t.z.data + at, in_order);
            store_in_order(t.y.data + at, activate(a, t.alpha), in_order, past_cache);
            if (t.mask)
                bits->of[i][v] = mask_bits(a);
        }
    }
}

/* The same of what is left of an image's piece. */
INLINE void normalize_remainder(piece p, forward_tensors t, index_t offset, index_t i, const affine_tables *s, band_bits *bits)
{
    const index_t v = p.vectors, at = offset + i * p.pitch + v * CLBN_VECTOR;
    if (p.remainder == 0)
        return;
    realv a = fma(load_some(t.x.data + at, p.remainder) - s->mean[v], s->scale[v], s->shift[v]);
    if (t.z.data)
        a += load_some(t.z.data + at, p.remainder);
    store_some(t.y.data + at, activate(a, t.alpha), p.remainder);
    if (t.mask)
        bits->of[i][v] = mask_bits(a);
}

/* Whole vectors of a band, vector by vector, or each image in runs. */
INLINE void normalize_band(piece p, forward_tensors t, index_t offset, index_t images, bool in_runs, bool in_order,
                           bool past_cache, const affine_tables *s, band_bits *bits)
{
    if (!in_runs)
        normalize_vectors(p, t, offset, 0, images, 0, p.vectors, in_order, past_cache, s, bits);
    for (index_t v = 0; v < p.vectors && in_runs; v += RUN_VECTORS)
        for (index_t i = 0; i < images; i++)
            normalize_vectors(p, t, offset, i, i + 1, v, min(v + RUN_VECTORS, p.vectors), in_order, past_cache, s, bits);
}

/* y of the tile's whole vectors, where there are only x and y. Tables are shuffled. */
INLINE void normalize_plain_tile(division d, piece p, forward_tensors t, bool past_cache, const affine_tables *s)
{
    t.z.data = 0;
    t.mask = 0;
    for (index_t image = 0; image < (index_t)d.rows; image += IMAGE_BAND) {
        const index_t images = min((index_t)d.rows - image, (index_t)IMAGE_BAND);
        normalize_band(p, t, image * p.pitch + p.begin, images, past_cache, false, past_cache, s, 0);
    }
}

/* y, and the mask, of the tile. The plain loops are compiled apart, and what else there is once, so that programs compile in less
 * time. */
NOINLINE void normalize_images(division d, piece p, forward_tensors t, affine_tables *s)
{
    const bool past_cache = (t.flags & FLAG_NONTEMPORAL) && is_piece_aligned(t.y.data, p);
    const bool is_plain = !t.z.data && !t.mask;
    if (is_plain) {
        shuffle_table(s->mean, p);
        shuffle_table(s->scale, p);
        shuffle_table(s->shift, p);
    }
    if (is_plain && past_cache)
        normalize_plain_tile(d, p, t, true, s);
    else if (is_plain)
        normalize_plain_tile(d, p, t, false, s);
    for (index_t image = 0; image < (index_t)d.rows && (!is_plain || p.remainder > 0); image += IMAGE_BAND) {
        const index_t images = min((index_t)d.rows - image, (index_t)IMAGE_BAND), offset = image * p.pitch + p.begin;
        band_bits bits;
        if (!is_plain)
            normalize_band(p, t, offset, images, true, true, past_cache, s, &bits);
        for (index_t i = 0; i < images; i++)
            normalize_remainder(p, t, offset, i, s, &bits);
        if (t.mask)
            store_band_bits(d, p, t.mask, image, images, &bits);
    }
}

#if CLBN_OPERATIONS & CLBN_OPERATION_FORWARD
/* Forward training of a tile of channels to a group; its arguments are those of rows_forward. */
GROUP_KERNEL void images_forward(FORWARD_TENSORS, STATISTICS_PARAMETERS, real alpha, uint flags)
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    const channel_statistics of = GIVEN_STATISTICS;
    affine_tables s; /* before there are affines: pivots, sums, squares */
    deviations all[PIECE_CHANNELS];
    real pivots[PIECE_CHANNELS];
    const wide count = wide_of_count(d.rows * d.columns);
    piece p;
    find_piece(&p, d);
    sample_images(d, p, t.x.data + p.begin, s.mean, pivots);
    sum_images(d, p, t.x.data, s.mean, s.scale, s.shift, all);
    for (index_t i = 0; i < p.channels; i++) {
        summation how = first_summation(pivots[i]);
        moments m;
        if (follow_sums(&how, all[i], count))
            m = moments_about(pivots[i], 1, all[i], count);
        else
            m = own_moments(d, t.x, p.channel + i, 0, chunk_count(d));
        affine a;
        finalize_moments(&a, m, span_of(p.channel + i, d.channels), true, of);
        spread_affine(&s, p, i, a);
    }
    if (y)
        normalize_images(d, p, t, &s);
}
#endif

#if CLBN_OPERATIONS & CLBN_OPERATION_INFERENCE
/* Forward inference of a tile of channels to a group; its arguments are those of rows_inference. */
GROUP_KERNEL void images_inference(FORWARD_TENSORS, RUNNING_PARAMETERS, real alpha, uint flags)
{
    const forward_tensors t = GIVEN_FORWARD_TENSORS;
    affine_tables s;
    piece p;
    find_piece(&p, d);
    for (index_t i = 0; i < p.channels; i++) {
        affine a;
        running_affine(&a, span_of(p.channel + i, d.channels), GIVEN_RUNNING);
        spread_affine(&s, p, i, a);
    }
    normalize_images(d, p, t, &s);
}
#endif
