/* SPDX-License-Identifier: MIT */
/* The backward of channels first in images (images.cl). */

/* Tables of the normalizers; gamma and beta where there is an activation. */
typedef struct {
    realv scale[TABLE_VECTORS], shift[TABLE_VECTORS];
    realv gamma[CLBN_ACTIVATION == CLBN_ACTIVATION_NONE ? 1 : TABLE_VECTORS];
    realv beta[CLBN_ACTIVATION == CLBN_ACTIVATION_NONE ? 1 : TABLE_VECTORS];
} normalizer_tables;

/* Tables of sums over images, and then of what dx is made of. */
typedef struct {
    realv g[TABLE_VECTORS], g_xhat[TABLE_VECTORS], xhat[TABLE_VECTORS];
} backward_tables;

INLINE void spread_normalizer(normalizer_tables *t, piece p, index_t channel, normalizer n)
{
    spread_value(t->scale, p, channel, n.scale);
    spread_value(t->shift, p, channel, n.shift);
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE) {
        spread_value(t->gamma, p, channel, n.gamma);
        spread_value(t->beta, p, channel, n.beta);
    }
}

INLINE void shuffle_normalizers(normalizer_tables *t, piece p)
{
    shuffle_table(t->scale, p);
    shuffle_table(t->shift, p);
    if (CLBN_ACTIVATION != CLBN_ACTIVATION_NONE) {
        shuffle_table(t->gamma, p);
        shuffle_table(t->beta, p);
    }
}

/* Of vector number v of an image's piece, which is at an offset, or of the first width elements of it; bits: of the image. A whole
 * vector is in order, or shuffled, as tables are. */
INLINE void load_image_terms(backward_terms *terms, backward_tensors t, index_t offset, index_t v, bool in_order, uint width,
                             const uint *bits, const normalizer_tables *n)
{
    const bool full = width == CLBN_VECTOR;
    const index_t at = offset + v * CLBN_VECTOR, i = CLBN_ACTIVATION == CLBN_ACTIVATION_NONE ? 0 : v;
    const realv x = t.has_x ? load_either(t.x.data + at, in_order, full, width) : 0;
    const realv dy = load_either(t.dy.data + at, in_order, full, width);
    const realv other = takes_other(t) ? load_either(t.other.data + at, in_order, full, width) : 0;
    terms->xhat = xhat_of(x, t, n->scale[v], n->shift[v]);
    terms->g = gradient_through(dy, x, terms->xhat, other, t.mask ? bits[v] : 0, t, n->gamma[i], n->beta[i]);
}

INLINE void add_terms_of_vector(backward_tables *s, piece p, backward_tensors t, index_t offset, index_t images, index_t v,
                                bool in_order, uint width, const band_bits *bits, const normalizer_tables *n)
{
    realv g_sum = s->g[v], g_xhat_sum = s->g_xhat[v], xhat_sum = s->xhat[v];
    for (index_t i = 0; i < images; i++) {
        backward_terms terms;
        load_image_terms(&terms, t, offset + i * p.pitch, v, in_order, width, bits->of[i], n);
        g_sum += terms.g;
        g_xhat_sum = fma(terms.g, terms.xhat, g_xhat_sum);
        xhat_sum += terms.xhat;
    }
    s->g[v] = g_sum;
    s->g_xhat[v] = g_xhat_sum;
    s->xhat[v] = xhat_sum;
}

/* Adds the terms of images begin to end. is_plain: as has_only_dx(); then tables are shuffled. */
INLINE void add_terms_of_images(division d, piece p, backward_tensors t, bool is_plain, index_t begin, index_t end,
                                const normalizer_tables *n, backward_tables *s)
{
    if (is_plain)
        keep_only_dx(&t);
    for (index_t image = begin; image < end; image += IMAGE_BAND) {
        const index_t images = min(end - image, (index_t)IMAGE_BAND), offset = image * p.pitch + p.begin;
        band_bits bits;
        load_band_bits(&bits, d, p, t.mask, image, images);
        for (index_t v = 0; v < p.vectors; v++)
            add_terms_of_vector(s, p, t, offset, images, v, !is_plain, CLBN_VECTOR, &bits, n);
        if (p.remainder > 0)
            add_terms_of_vector(s, p, t, offset, images, p.vectors, true, p.remainder, &bits, n);
    }
}

/* The sums of the tile's channels. s: for its use. */
NOINLINE void backward_sums_of_images(division d, piece p, backward_tensors t, const normalizer_tables *n, backward_tables *s,
                                      sums *all)
{
    for (index_t image = 0; image < (index_t)d.rows; image += (index_t)IMAGE_CHUNK) {
        const index_t end = min(image + (index_t)IMAGE_CHUNK, (index_t)d.rows);
        clear_table(s->g);
        clear_table(s->g_xhat);
        clear_table(s->xhat);
        if (has_only_dx(t)) {
            add_terms_of_images(d, p, t, true, image, end, n, s);
            unshuffle_table(s->g, p);
            unshuffle_table(s->g_xhat, p);
            unshuffle_table(s->xhat, p);
        } else
            add_terms_of_images(d, p, t, false, image, end, n, s);
        for (index_t i = 0; i < p.channels; i++)
            all[i] = add_sums(
                all[i], sums_of(sum_of_channel(s->g, p, i), sum_of_channel(s->g_xhat, p, i), sum_of_channel(s->xhat, p, i)));
    }
}

/* dx and dz of a vector. s->g: gain, g_xhat: slope, xhat: shift. */
INLINE void input_vector(backward_tensors t, index_t offset, index_t v, bool in_order, uint width, const uint *bits,
                         bool past_cache, const normalizer_tables *n, const backward_tables *s)
{
    const bool full = width == CLBN_VECTOR;
    const index_t at = offset + v * CLBN_VECTOR;
    backward_terms terms;
    load_image_terms(&terms, t, offset, v, in_order, width, bits, n);
    const realv held = t.dx_factor == 0 ? 0 : load_either(t.dx.data + at, in_order, full, width);
    if (t.has_dx)
        store_either(t.dx.data + at,
                     accumulated(input_gradient(terms.g, terms.xhat, s->g[v], s->g_xhat[v], s->xhat[v], t.flags), held, t),
                     in_order, full, width, past_cache);
    if (t.dz.data)
        store_either(t.dz.data + at, terms.g, in_order, full, width, past_cache);
}

/* dx of the tile's whole vectors, where has_only_dx() is true. Tables are shuffled. */
INLINE void input_plain_tile(division d, piece p, backward_tensors t, bool past_cache, const normalizer_tables *n,
                             const backward_tables *s)
{
    keep_only_dx(&t);
    t.has_dx = true;
    for (index_t image = 0; image < (index_t)d.rows; image++)
        for (index_t v = 0; v < p.vectors; v++) {
            const index_t offset = image * p.pitch + p.begin;
            input_vector(t, offset, v, false, CLBN_VECTOR, 0, past_cache, n, s);
        }
}

/* dx and dz of the tile, image by image. The plain loops are compiled apart, and what else there is once. */
NOINLINE void input_of_images(division d, piece p, backward_tensors t, const normalizer_tables *n, backward_tables *s)
{
    const bool past_cache = (t.flags & FLAG_NONTEMPORAL) && (!t.has_dx || is_piece_aligned(t.dx.data, p)) &&
                            (!t.dz.data || is_piece_aligned(t.dz.data, p));
    const bool is_plain = has_only_dx(t) && t.has_dx;
    t.has_x = t.has_x && input_takes_x(t);
    if (is_plain) {
        shuffle_table(s->g, p);
        shuffle_table(s->g_xhat, p);
        shuffle_table(s->xhat, p);
    }
    if (is_plain && past_cache)
        input_plain_tile(d, p, t, true, n, s);
    else if (is_plain)
        input_plain_tile(d, p, t, false, n, s);
    for (index_t image = 0; image < (index_t)d.rows && (!is_plain || p.remainder > 0); image++) {
        const index_t offset = image * p.pitch + p.begin;
        band_bits bits;
        load_band_bits(&bits, d, p, t.mask, image, 1);
        for (index_t v = 0; v < p.vectors && !is_plain; v++)
            input_vector(t, offset, v, true, CLBN_VECTOR, bits.of[0], past_cache, n, s);
        if (p.remainder > 0)
            input_vector(t, offset, p.vectors, true, p.remainder, bits.of[0], false, n, s);
    }
}

/* Backward of a tile of channels to a group; its arguments are those of rows_backward. */
GROUP_KERNEL void images_backward(BACKWARD_TENSORS, BACKWARD_PARAMETERS, PARAMETER_GRADIENTS, EPSILON, real alpha, uint flags)
{
    const backward_tensors t = GIVEN_BACKWARD_TENSORS;
    const channel_parameters parameters = GIVEN_BACKWARD_PARAMETERS;
    const parameter_gradients gradients = GIVEN_PARAMETER_GRADIENTS;
    const bool needs_sums = dgamma || dbeta || (dx && !(flags & FLAG_FROZEN));
    normalizer_tables n;
    backward_tables s;
    sums all[PIECE_CHANNELS];
    piece p;
    find_piece(&p, d);
    for (index_t i = 0; i < p.channels; i++) {
        normalizer of;
        find_normalizer(&of, parameters, span_of(p.channel + i, d.channels));
        spread_normalizer(&n, p, i, of);
        all[i] = no_sums();
    }
    if (has_only_dx(t))
        shuffle_normalizers(&n, p);
    if (needs_sums)
        backward_sums_of_images(d, p, t, &n, &s, all);
    for (index_t i = 0; i < p.channels; i++) {
        const span at = span_of(p.channel + i, d.channels);
        const reals unit = unit_of(parameters, at);
        gradient g;
        finalize_sums(&g, sums_of_units(all[i], unit), wide_of_count(d.rows * d.columns), at, parameters, unit, true,
                      gradients);
        spread_value(s.g, p, i, g.gain);
        spread_value(s.g_xhat, p, i, g.slope);
        spread_value(s.xhat, p, i, g.shift);
    }
    if (dx || dz)
        input_of_images(d, p, t, &n, &s);
}
