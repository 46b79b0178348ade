/* SPDX-License-Identifier: MIT */
/* What all backwards read and write, whatever lies where, and what follows from an element of each. */

/* What the backward reads and writes. x may be y, and other is z or y, as the flags say. All but dy may be absent. */
typedef struct {
    input x, dy, other;
    output dx, dz;
    __global const uchar *mask;
    real alpha;
    real dx_factor; /* of what dx holds, which is added; not read where this is 0 */
    uint flags;
    bool has_x, has_dx; /* data alone does not let the compiler see it */
} backward_tensors;

/* Whether x, dy and dx are all there is, and dx depends on all of them. */
HELPER bool has_only_dx(backward_tensors t)
{
    return t.has_x && !t.other.data && !t.dz.data && !t.mask && t.dx_factor == 0 && !(t.flags & (FLAG_FROZEN | FLAG_ALONE));
}

/* Makes constants of what has_only_dx() is true of. */
INLINE void keep_only_dx(backward_tensors *t)
{
    t->other.data = 0;
    t->dz.data = 0;
    t->mask = 0;
    t->dx_factor = 0;
    t->flags = 0;
    t->has_x = true;
}

HELPER bool is_plain_backward(backward_tensors t)
{
    return has_only_dx(t) && is_alike(t.x.at, t.dy.at) && (!t.has_dx || is_alike(t.x.at, t.dx.at));
}

INLINE void make_plain_backward(backward_tensors *t)
{
    keep_only_dx(t);
    t->dy.at = t->x.at;
    t->dx.at = t->x.at;
}

HELPER bool backward_reads_vectors(backward_tensors t)
{
    return takes_vectors(t.x.data, t.x.at) && takes_vectors(t.dy.data, t.dy.at) && takes_vectors(t.other.data, t.other.at);
}

HELPER bool backward_writes_vectors(backward_tensors t)
{
    return takes_vectors(t.dx.data, t.dx.at) && takes_vectors(t.dz.data, t.dz.at);
}

/* Whether dx and dz depend on each x, once the sums are known. */
HELPER bool input_takes_x(backward_tensors t)
{
    bool slope_does = CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && !t.mask && !(t.flags & FLAG_FROM_OUTPUT);
    return slope_does || (t.has_dx && !(t.flags & FLAG_FROZEN));
}

/* dx with what it held, which is looked at where it is added. */
INLINE realv accumulated(realv dx, realv held, backward_tensors t)
{
    return t.dx_factor == 0 ? dx : fma(held, (realv)t.dx_factor, dx);
}

/* Of some elements: xhat in the normalizer's unit, and dy taken back through the activation. */
typedef struct {
    realv xhat, g;
} backward_terms;

/* From x, or y in its place. */
INLINE realv xhat_of(realv x, backward_tensors t, realv scale, realv shift)
{
    return fma(t.flags & FLAG_ALONE ? input_of_activation(x, t.alpha) : x, scale, shift);
}

/* Whether dy is taken back through the activation with what t.other has. */
INLINE bool takes_other(backward_tensors t)
{
    return CLBN_ACTIVATION != CLBN_ACTIVATION_NONE && !t.mask && !(t.flags & FLAG_ALONE) && t.other.data;
}

/* dy taken back through the activation, of values whose x (or y in its place) and xhat are known. other, bits: those of
 * t.other and of the mask, where they are taken. */
INLINE realv gradient_through(realv dy, realv x, realv xhat, realv other, uint bits, backward_tensors t, realv gamma,
                              realv beta)
{
    if (CLBN_ACTIVATION == CLBN_ACTIVATION_NONE)
        return dy;
    if (t.mask)
        return gradient_from_mask(dy, bits, t.alpha);
    if (t.flags & FLAG_ALONE)
        return gradient_from_output(dy, x, t.alpha);
    if (t.other.data && (t.flags & FLAG_FROM_OUTPUT))
        return gradient_from_output(dy, other, t.alpha);
    realv a = fma(xhat, gamma, beta);
    if (t.other.data)
        a += other;
    return gradient_from_input(dy, a, t.alpha);
}
