/* SPDX-License-Identifier: MIT */
#include "schedule/footprint.h"

#include <string.h>

struct footprint bn_packed_footprint(size_t bytes)
{
    const struct footprint packed = { .block = bytes };
    return packed;
}

/* Elements of a stride of 0 are the same, and count once. */
static void add_axis(struct footprint *f, size_t length, size_t stride)
{
    unsigned place = f->axes;
    if (length <= 1 || stride == 0)
        return;
    for (; place > 0 && f->axis[place - 1].stride < stride; place--)
        f->axis[place] = f->axis[place - 1];
    f->axis[place].length = length;
    f->axis[place].stride = stride;
    f->axes++;
}

/* Innermost axes whose blocks follow one another make one block. */
static void join_blocks(struct footprint *f)
{
    while (f->axes > 0 && f->axis[f->axes - 1].stride == f->block)
        f->block *= f->axis[--f->axes].length;
}

struct footprint bn_tensor_footprint(const struct shape *shape, enum tensor tensor, size_t element_size)
{
    struct footprint f = { .block = element_size };
    const cl_ulong *strides = shape->layouts[tensor].strides;
    for (unsigned i = 0; i < shape->row_axes + shape->channel_axes; i++)
        add_axis(&f, shape->lengths[i], (size_t)strides[i] * element_size);
    add_axis(&f, shape->inner, element_size);
    join_blocks(&f);
    return f;
}

/* The same without the outermost axes. */
static size_t reach_from(const struct footprint *f, unsigned axis)
{
    size_t reach = f->block;
    for (unsigned i = axis; i < f->axes; i++)
        reach += (f->axis[i].length - 1) * f->axis[i].stride;
    return reach;
}

size_t bn_footprint_reach(const struct footprint *footprint)
{
    return reach_from(footprint, 0);
}

bool bn_same_layout(const struct shape *shape, enum tensor a, enum tensor b)
{
    return memcmp(&shape->layouts[a], &shape->layouts[b], sizeof(struct layout)) == 0;
}

/* Part of a footprint: its axes from one on. */
struct part {
    const struct footprint *footprint;
    unsigned axis;
};

static size_t stride_of(struct part p)
{
    return p.axis < p.footprint->axes ? p.footprint->axis[p.axis].stride : 0;
}

/* How often a part steps along an outermost stride that both are taken to have. */
static size_t length_along(struct part p, size_t stride)
{
    return stride_of(p) == stride ? p.footprint->axis[p.axis].length : 1;
}

static struct part within(struct part p, size_t stride)
{
    const struct part inner = { p.footprint, stride_of(p) == stride ? p.axis + 1 : p.axis };
    return inner;
}

/*
 * b begins distance bytes after a, or before it if is_before. Along the greater of their outermost strides each is a row of
 * blocks, or one block. Where blocks are no longer than the stride, each of one meets at most the two of the other that it
 * begins between.
 */
static bool parts_meet(struct part a, struct part b, size_t distance, bool is_before)
{
    size_t a_reach = reach_from(a.footprint, a.axis);
    size_t b_reach = reach_from(b.footprint, b.axis);
    if (distance >= (is_before ? b_reach : a_reach))
        return false;
    size_t stride = stride_of(a) > stride_of(b) ? stride_of(a) : stride_of(b);
    const struct part a_inner = within(a, stride);
    const struct part b_inner = within(b, stride);
    if (stride == 0 || reach_from(a_inner.footprint, a_inner.axis) > stride ||
        reach_from(b_inner.footprint, b_inner.axis) > stride)
        return true;

    /* Of the part that begins first, block number steps begins remainder before the other part, and the next one stride - remainder
     * after. */
    size_t steps = distance / stride;
    size_t remainder = distance % stride;
    size_t blocks = length_along(is_before ? b : a, stride);
    if (steps < blocks && parts_meet(a_inner, b_inner, remainder, is_before))
        return true;
    return remainder > 0 && steps + 1 < blocks && parts_meet(a_inner, b_inner, stride - remainder, !is_before);
}

bool bn_footprints_meet(const struct footprint *a, size_t a_begin, const struct footprint *b, size_t b_begin)
{
    const struct part whole_a = { a, 0 };
    const struct part whole_b = { b, 0 };
    bool is_before = b_begin < a_begin;
    return parts_meet(whole_a, whole_b, is_before ? a_begin - b_begin : b_begin - a_begin, is_before);
}
