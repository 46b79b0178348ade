/*
 * Channels first, where a channel's columns are few and a work-item has a core to itself. A row of the tensor is an image: all
 * channels' columns, side by side. A work-item owns a tile of channels, whose columns are one piece of each image, and walks the
 * pieces in vectors, wherever channels begin in them. What it keeps of a channel, it keeps of each element of the piece, in
 * private memory. So memory is read and written in long pieces, and past the cache also where a channel's columns are unaligned.
 *
 * Tensors are packed, and have nothing but x and y, or x, dy and dx.
 */

/* Vectors to a piece, and channels to a tile, at most; as on the host. */
#define PIECE_VECTORS 64
#define PIECE_CHANNELS 64

/* Images that are walked together: streams of memory, which processors fetch ahead. */
#define IMAGE_BAND 4

/* Images whose elements are added before the sums go to wide arithmetic. */
#define IMAGE_CHUNK 64

typedef struct {
    index_t channel, channels; /* the first, and how many */
    index_t columns;           /* of a channel */
    index_t begin;             /* of the piece in an image */
    index_t vectors;           /* whole ones */
    uint rest;                 /* elements after them */
    index_t pitch;             /* from image to image */
} piece;

INLINE void find_piece(piece *p, division d)
{
    p->channel = get_group_id(1) * (index_t)d.tile_channels;
    p->channels = min((index_t)d.tile_channels, (index_t)d.channels - p->channel);
    p->columns = (index_t)d.columns;
    p->begin = p->channel * p->columns;
    p->vectors = p->channels * p->columns / CLBN_VECTOR;
    p->rest = (uint)(p->channels * p->columns % CLBN_VECTOR);
    p->pitch = (index_t)(d.channels * d.columns);
}

/* Whether whole vectors of every image's piece are aligned. */
INLINE bool is_piece_aligned(__global const storage *image, piece p)
{
    return (size_t)(image + p.begin) % sizeof(storagev) == 0 && p.pitch % CLBN_VECTOR == 0;
}

/* Gives a channel's elements of a table a value; channel counts within the tile. */
INLINE void spread_value(realv *table, piece p, index_t channel, real value)
{
    real *own = (real *)table + channel * p.columns;
    for (index_t i = 0; i < p.columns; i++)
        own[i] = value;
}

INLINE void clear_table(realv *table)
{
    for (uint i = 0; i < PIECE_VECTORS; i++)
        table[i] = 0;
}

/* The sum of a channel's elements of a table. */
INLINE real sum_of_channel(const realv *table, piece p, index_t channel)
{
    const real *own = (const real *)table + channel * p.columns;
    const index_t whole = p.columns / CLBN_VECTOR * CLBN_VECTOR;
    realv sum_v = 0;
    real sum = 0;
    for (index_t i = 0; i < whole; i += CLBN_VECTOR)
        sum_v += CLBN_JOIN(vload, CLBN_VECTOR)(0, own + i);
    for (index_t i = whole; i < p.columns; i++)
        sum += own[i];
    return sum + sum_of_vector(sum_v);
}

/* ---- Forward -------------------------------------------------------------------------------------------------------------- */

INLINE void add_image_deviation(realv x, realv pivot, realv *sum, realv *squares)
{
    realv deviation = x - pivot;
    *sum += deviation;
    *squares = fma(deviation, deviation, *squares);
}

/* Adds the deviations of count images' pieces, the first of which is x. */
void add_images(piece p, __global const storage *x, index_t count, const realv *pivots, realv *sums, realv *squares)
{
    for (index_t begin = 0; begin < count; begin += IMAGE_BAND, x += IMAGE_BAND * p.pitch) {
        const index_t images = min(count - begin, (index_t)IMAGE_BAND);
        for (index_t v = 0; v < p.vectors; v++) {
            __global const storage *from = x + v * CLBN_VECTOR;
            realv sum = sums[v], square = squares[v];
            for (index_t i = 0; i < images; i++, from += p.pitch)
                add_image_deviation(load_vector(from), pivots[v], &sum, &square);
            sums[v] = sum;
            squares[v] = square;
        }
        for (index_t i = 0; i < images && p.rest > 0; i++)
            add_image_deviation(load_some(x + i * p.pitch + p.vectors * CLBN_VECTOR, p.rest), pivots[p.vectors],
                                &sums[p.vectors], &squares[p.vectors]);
    }
}

/* Pivots of the tile's channels, from two images; also as a table. x: of the first image; sums and squares: for its use. */
void sample_images(division d, piece p, __global const storage *x, realv *table, realv *sums, realv *squares, real *pivots)
{
    const index_t middle = (index_t)(d.rows / 2);
    for (index_t i = 0; i < p.channels; i++) {
        pivots[i] = load_element(x + i * p.columns);
        spread_value(table, p, i, pivots[i]);
    }
    clear_table(sums);
    clear_table(squares);
    add_images(p, x, 1, table, sums, squares);
    add_images(p, x + middle * p.pitch, 1, table, sums, squares);
    for (index_t i = 0; i < p.channels; i++) {
        pivots[i] =
            sampled_pivot(pivots[i], sum_of_channel(sums, p, i), sum_of_channel(squares, p, i), 2 * (real)p.columns);
        spread_value(table, p, i, pivots[i]);
    }
}

/* The deviations of the tile's channels. pivots, sums and squares are tables, the latter for its use. */
void sum_images(division d, piece p, __global const storage *x, const realv *pivots, realv *sums, realv *squares,
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
        for (index_t i = 0; i < p.channels; i++) {
            all[i].sum = wide_add(all[i].sum, wide_of(sum_of_channel(sums, p, i)));
            all[i].squares = wide_add(all[i].squares, wide_of(sum_of_channel(squares, p, i)));
        }
    }
}

INLINE void normalize_band(piece p, __global const storage *x, __global storage *y, index_t images, bool past_cache, real alpha,
                           const realv *means, const realv *scales, const realv *shifts)
{
    const index_t end = p.vectors * CLBN_VECTOR;
    for (index_t v = 0; v < p.vectors; v++) {
        const realv mean = means[v], scale = scales[v], shift = shifts[v];
        for (index_t i = 0; i < images; i++) {
            const index_t at = i * p.pitch + v * CLBN_VECTOR;
            store_vector(y + at, activate(fma(load_vector(x + at) - mean, scale, shift), alpha), past_cache);
        }
    }
    for (index_t i = 0; i < images && p.rest > 0; i++) {
        realv a = load_some(x + i * p.pitch + end, p.rest) - means[p.vectors];
        store_some(y + i * p.pitch + end, activate(fma(a, scales[p.vectors], shifts[p.vectors]), alpha), p.rest);
    }
}

/* y of the tile. means, scales, shifts: tables. */
void normalize_images(division d, piece p, __global const storage *x, __global storage *y, real alpha, uint flags,
                      const realv *means, const realv *scales, const realv *shifts)
{
    const bool past_cache = (flags & FLAG_STREAM) && is_piece_aligned(y, p);
    for (index_t image = 0; image < (index_t)d.rows; image += IMAGE_BAND) {
        const index_t images = min((index_t)d.rows - image, (index_t)IMAGE_BAND);
        const index_t begin = image * p.pitch + p.begin;
        if (past_cache)
            normalize_band(p, x + begin, y + begin, images, true, alpha, means, scales, shifts);
        else
            normalize_band(p, x + begin, y + begin, images, false, alpha, means, scales, shifts);
    }
}

/* Forward training of a tile of channels to a group; its arguments are those of rows_forward, without z and mask. */
GROUP_KERNEL void images_forward(division d, __global const storage *x, layout x_at, __global const storage *z, layout z_at,
                                 __global storage *y, layout y_at, __global uchar *mask, ulong mask_offset,
                                 __global const real *gamma, ulong gamma_offset, __global const real *beta,
                                 ulong beta_offset, __global real *running_mean, ulong running_mean_offset,
                                 __global real *running_var, ulong running_var_offset, __global real *save_mean,
                                 ulong save_mean_offset, __global real *save_invstd, ulong save_invstd_offset,
                                 real epsilon_high, real epsilon_low, real factor_high, real factor_low, real alpha,
                                 uint flags)
{
    realv means[PIECE_VECTORS], scales[PIECE_VECTORS], shifts[PIECE_VECTORS];
    deviations all[PIECE_CHANNELS];
    real pivots[PIECE_CHANNELS];
    const input whole = { x + x_at.offset, x_at };
    const wide count = wide_of_count(d.rows * d.columns);
    piece p;
    find_piece(&p, d);
    sample_images(d, p, whole.data + p.begin, means, scales, shifts, pivots);
    sum_images(d, p, whole.data, means, scales, shifts, all);
    for (index_t i = 0; i < p.channels; i++) {
        summation how = first_summation(pivots[i]);
        moments m;
        if (follow_sums(&how, all[i], count))
            m = moments_about(pivots[i], 1, all[i], count);
        else
            m = own_moments(d, position_in_group(d), whole, p.channel + i, 0, chunk_count(d));
        affine a;
        finish_moments(&a, m, span_of(p.channel + i, d.channels), true, gamma + gamma_offset, beta + beta_offset,
                       running_mean + running_mean_offset, running_var + running_var_offset, save_mean + save_mean_offset,
                       save_invstd + save_invstd_offset, wide_of_parts(epsilon_high, epsilon_low),
                       wide_of_parts(factor_high, factor_low), flags);
        spread_value(means, p, i, a.mean);
        spread_value(scales, p, i, a.scale);
        spread_value(shifts, p, i, a.shift);
    }
    if (y)
        normalize_images(d, p, whole.data, y + y_at.offset, alpha, flags, means, scales, shifts);
}

/* Forward inference of a tile of channels to a group; its arguments are those of rows_inference, without z and mask. */
GROUP_KERNEL void images_inference(division d, __global const storage *x, layout x_at, __global const storage *z, layout z_at,
                                   __global storage *y, layout y_at, __global uchar *mask, ulong mask_offset,
                                   __global const real *gamma, ulong gamma_offset, __global const real *beta,
                                   ulong beta_offset, __global const real *running_mean, ulong running_mean_offset,
                                   __global const real *running_var, ulong running_var_offset, real epsilon_high,
                                   real epsilon_low, real alpha, uint flags)
{
    realv means[PIECE_VECTORS], scales[PIECE_VECTORS], shifts[PIECE_VECTORS];
    piece p;
    find_piece(&p, d);
    for (index_t i = 0; i < p.channels; i++) {
        affine a;
        running_affine(&a, span_of(p.channel + i, d.channels), gamma + gamma_offset, beta + beta_offset,
                       running_mean + running_mean_offset, running_var + running_var_offset,
                       wide_of_parts(epsilon_high, epsilon_low));
        spread_value(means, p, i, a.mean);
        spread_value(scales, p, i, a.scale);
        spread_value(shifts, p, i, a.shift);
    }
    normalize_images(d, p, x + x_at.offset, y + y_at.offset, alpha, flags, means, scales, shifts);
}

/* ---- Backward ------------------------------------------------------------------------------------------------------------- */

/* Tables of the normalizers; gamma and beta where there is an activation. */
typedef struct {
    realv mean[PIECE_VECTORS], scale[PIECE_VECTORS];
    realv gamma[CLBN_ACTIVATION == CLBN_ACTIVATION_NONE ? 1 : PIECE_VECTORS];
    realv beta[CLBN_ACTIVATION == CLBN_ACTIVATION_NONE ? 1 : PIECE_VECTORS];
} normalizer_tables;

/* Tables of sums over images, and then of what dx is made of. */
typedef struct {
    realv g[PIECE_VECTORS], g_xhat[PIECE_VECTORS], xhat[PIECE_VECTORS];
} backward_tables;

INLINE void spread_normalizer(normalizer_tables *t, piece p, index_t channel, normalizer n)
{
    spread_value(t->mean, p, channel, n.mean);
    spread_value(t->scale, p, channel, n.scale);
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE) {
        spread_value(t->gamma, p, channel, n.gamma);
        spread_value(t->beta, p, channel, n.beta);
    }
}

/* xhat, and dy taken back through the activation, of a vector of the piece. */
INLINE void terms_of_images(realv *xhat, realv *g, realv x, realv dy, const normalizer_tables *t, index_t v, real alpha)
{
    *xhat = (x - t->mean[v]) * t->scale[v];
    *g = dy;
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE)
        *g = gradient_from_input(dy, fma(*xhat, t->gamma[v], t->beta[v]), alpha);
}

INLINE void add_terms_of_vectors(backward_tables *s, __global const storage *x, __global const storage *dy, index_t pitch,
                                 index_t images, uint width, const normalizer_tables *t, index_t v, real alpha)
{
    realv g_sum = s->g[v], g_xhat_sum = s->g_xhat[v], xhat_sum = s->xhat[v];
    for (index_t i = 0; i < images; i++, x += pitch, dy += pitch) {
        const bool full = width == CLBN_VECTOR;
        realv xhat, g;
        terms_of_images(&xhat, &g, load_either(x, full, width), load_either(dy, full, width), t, v, alpha);
        g_sum += g;
        g_xhat_sum = fma(g, xhat, g_xhat_sum);
        xhat_sum += xhat;
    }
    s->g[v] = g_sum;
    s->g_xhat[v] = g_xhat_sum;
    s->xhat[v] = xhat_sum;
}

/* Adds the terms of count images' pieces, the first of which are x and dy. */
void add_terms_of_images(piece p, __global const storage *x, __global const storage *dy, index_t count,
                         const normalizer_tables *t, backward_tables *s, real alpha)
{
    const index_t end = p.vectors * CLBN_VECTOR;
    for (index_t begin = 0; begin < count; begin += IMAGE_BAND, x += IMAGE_BAND * p.pitch, dy += IMAGE_BAND * p.pitch) {
        const index_t images = min(count - begin, (index_t)IMAGE_BAND);
        for (index_t v = 0; v < p.vectors; v++)
            add_terms_of_vectors(s, x + v * CLBN_VECTOR, dy + v * CLBN_VECTOR, p.pitch, images, CLBN_VECTOR, t, v, alpha);
        if (p.rest > 0)
            add_terms_of_vectors(s, x + end, dy + end, p.pitch, images, p.rest, t, p.vectors, alpha);
    }
}

/* The sums of the tile's channels. s: for its use. */
void backward_sums_of_images(division d, piece p, __global const storage *x, __global const storage *dy,
                             const normalizer_tables *t, backward_tables *s, real alpha, sums *all)
{
    for (index_t i = 0; i < p.channels; i++)
        all[i] = no_sums();
    for (index_t image = 0; image < (index_t)d.rows; image += (index_t)IMAGE_CHUNK) {
        const index_t begin = image * p.pitch + p.begin;
        clear_table(s->g);
        clear_table(s->g_xhat);
        clear_table(s->xhat);
        add_terms_of_images(p, x + begin, dy + begin, min((index_t)IMAGE_CHUNK, (index_t)d.rows - image), t, s, alpha);
        for (index_t i = 0; i < p.channels; i++)
            all[i] = add_sums(all[i], sums_of(sum_of_channel(s->g, p, i), sum_of_channel(s->g_xhat, p, i),
                                              sum_of_channel(s->xhat, p, i)));
    }
}

/* dx of a vector of the piece. t->g: gain, g_xhat: slope, xhat: shift. */
INLINE realv input_of_vector(realv x, realv dy, const normalizer_tables *t, const backward_tables *s, index_t v, real alpha)
{
    realv xhat, g;
    terms_of_images(&xhat, &g, x, dy, t, v, alpha);
    return input_gradient(g, xhat, s->g[v], s->g_xhat[v], s->xhat[v], 0);
}

INLINE void input_of_piece(piece p, __global const storage *x, __global const storage *dy, __global storage *dx,
                           bool past_cache, const normalizer_tables *t, const backward_tables *s, real alpha)
{
    const index_t end = p.vectors * CLBN_VECTOR;
    for (index_t v = 0; v < p.vectors; v++) {
        const index_t i = v * CLBN_VECTOR;
        store_vector(dx + i, input_of_vector(load_vector(x + i), load_vector(dy + i), t, s, v, alpha), past_cache);
    }
    if (p.rest > 0)
        store_some(dx + end,
                   input_of_vector(load_some(x + end, p.rest), load_some(dy + end, p.rest), t, s, p.vectors, alpha), p.rest);
}

/* dx of the tile. */
void input_of_images(division d, piece p, __global const storage *x, __global const storage *dy, __global storage *dx,
                     uint flags, const normalizer_tables *t, const backward_tables *s, real alpha)
{
    const bool past_cache = (flags & FLAG_STREAM) && is_piece_aligned(dx, p);
    for (index_t image = 0; image < (index_t)d.rows; image++) {
        const index_t begin = image * p.pitch + p.begin;
        if (past_cache)
            input_of_piece(p, x + begin, dy + begin, dx + begin, true, t, s, alpha);
        else
            input_of_piece(p, x + begin, dy + begin, dx + begin, false, t, s, alpha);
    }
}

/* Backward of a tile of channels to a group; its arguments are those of rows_backward, without other, mask and dz, and with batch
 * statistics. dx may be NULL. */
GROUP_KERNEL void images_backward(division d, __global const storage *x, layout x_at, __global const storage *dy,
                                  layout dy_at, __global const storage *other, layout other_at, __global const uchar *mask,
                                  ulong mask_offset, __global storage *dx, layout dx_at, __global storage *dz, layout dz_at,
                                  __global const real *gamma, ulong gamma_offset, __global const real *beta,
                                  ulong beta_offset, __global const real *mean, ulong mean_offset,
                                  __global const real *deviation, ulong deviation_offset, __global real *dgamma,
                                  ulong dgamma_offset, __global real *dbeta, ulong dbeta_offset, real epsilon_high,
                                  real epsilon_low, real alpha, uint flags)
{
    const channel_parameters parameters = { gamma + gamma_offset, beta + beta_offset, mean + mean_offset,
                                            deviation + deviation_offset, wide_of_parts(epsilon_high, epsilon_low), flags };
    normalizer_tables t;
    backward_tables s;
    sums all[PIECE_CHANNELS];
    piece p;
    find_piece(&p, d);
    for (index_t i = 0; i < p.channels; i++) {
        normalizer n;
        find_normalizer(&n, parameters, span_of(p.channel + i, d.channels));
        spread_normalizer(&t, p, i, n);
    }
    x += x_at.offset;
    dy += dy_at.offset;
    backward_sums_of_images(d, p, x, dy, &t, &s, alpha, all);
    for (index_t i = 0; i < p.channels; i++) {
        gradient g;
        finish_sums(&g, all[i], wide_of_count(d.rows * d.columns), span_of(p.channel + i, d.channels), parameters, true,
                    dgamma + dgamma_offset, dbeta + dbeta_offset);
        spread_value(s.g, p, i, g.gain);
        spread_value(s.g_xhat, p, i, g.slope);
        spread_value(s.xhat, p, i, g.shift);
    }
    if (dx)
        input_of_images(d, p, x, dy, dx + dx_at.offset, flags, &t, &s, alpha);
}
