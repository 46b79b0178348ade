/* SPDX-License-Identifier: MIT */
#include "schedule/shape.h"

#include "base/status.h"
#include "schedule/strides.h"

size_t bn_type_size(clbn_type type)
{
    switch (type) {
    case CLBN_FLOAT32:
        return sizeof(cl_float);
    case CLBN_FLOAT64:
        return sizeof(cl_double);
    case CLBN_FLOAT16:
    case CLBN_BFLOAT16:
        return sizeof(cl_half);
    default:
        return 0;
    }
}

clbn_type bn_real_type(clbn_type type)
{
    return type == CLBN_FLOAT64 ? CLBN_FLOAT64 : CLBN_FLOAT32;
}

size_t bn_real_size(clbn_type type)
{
    return bn_type_size(bn_real_type(type));
}

/* Whether the product of the axes that are not 0 is at most limit: then so is every product of some of them. */
static bool fits(const size_t *axes, cl_uint rank, size_t limit)
{
    size_t product = 1;
    for (cl_uint i = 0; i < rank; i++) {
        if (axes[i] > 0 && product > limit / axes[i])
            return false;
        product *= axes[i] > 0 ? axes[i] : 1;
    }
    return true;
}

/* Which axes channels are numbered along. */
static void choose_channel_axes(const clbn_plan_desc *desc, bool is_channel[CLBN_MAX_RANK])
{
    for (cl_uint i = 0; i < desc->rank; i++)
        is_channel[i] = (desc->channel_axes & CLBN_AXIS(i)) != 0;
}

/* Sizes of a shape whose tensors have no elements. */
static void count_elements(const clbn_plan_desc *desc, const bool is_channel[CLBN_MAX_RANK], struct shape *s)
{
    s->channels = 1;
    s->values_per_channel = 1;
    for (cl_uint i = 0; i < desc->rank; i++)
        if (is_channel[i])
            s->channels *= desc->shape[i];
        else
            s->values_per_channel *= desc->shape[i];
    s->elements = s->channels * s->values_per_channel;
    s->outer = s->values_per_channel;
    s->inner = 1;
    s->row_axes = s->channel_axes = 1;
    s->channels_last = true;
}

/* A power of two that divides all of a layout's strides that count. */
static cl_ulong alignment_of(const struct layout *layout, unsigned begin, unsigned end)
{
    cl_ulong bits = 0;
    for (unsigned i = begin; i < end; i++)
        bits |= layout->strides[i];
    return bits & (~bits + 1);
}

/* Rows and channels as the kernels walk them: the axes of either fill its places from the last. */
static void place_axes(struct shape *s, const struct axes *axes, unsigned begin, unsigned end)
{
    for (unsigned i = begin; i < end; i++) {
        unsigned from_end = end - i;
        const struct axis *axis = from_end <= axes->count ? &axes->axis[axes->count - from_end] : NULL;
        s->lengths[i] = axis ? axis->length : 1;
        for (enum tensor t = 0; t < TENSORS; t++)
            s->layouts[t].strides[i] = axis ? axis->strides[t] : 0;
    }
}

static size_t count_along(const struct axes *axes)
{
    size_t count = 1;
    for (unsigned i = 0; i < axes->count; i++)
        count *= axes->axis[i].length;
    return count;
}

/* Columns are the last axis of the rows if its elements lie side by side; if channels do, they are the last instead. */
static void divide_axes(struct shape *s, struct axes rows, const struct axes *channels)
{
    bool has_columns = rows.count > 0 && bn_is_contiguous(&rows.axis[rows.count - 1]);
    s->inner = has_columns ? rows.axis[--rows.count].length : 1;
    s->channels_last = !has_columns && (channels->count == 0 || (channels->count == 1 && bn_is_contiguous(&channels->axis[0])));
    s->outer = count_along(&rows);
    s->row_axes = s->channel_axes = 1;
    if (rows.count > 1) {
        s->channel_axes = channels->count > 1 ? channels->count : 1;
        s->row_axes = CLBN_MAX_RANK - s->channel_axes;
    } else if (channels->count > 1) {
        s->channel_axes = CLBN_MAX_RANK - 1;
    }

    const unsigned end = s->row_axes + s->channel_axes;
    place_axes(s, &rows, 0, s->row_axes);
    place_axes(s, channels, s->row_axes, end);
    for (enum tensor t = 0; t < TENSORS; t++)
        s->layouts[t].alignment = alignment_of(&s->layouts[t], 0, s->channels_last ? s->row_axes : end);
}

void bn_fold_layout(struct layout *layout, unsigned row_axes, cl_ulong folded)
{
    layout->strides[0] *= folded;
    layout->alignment = alignment_of(layout, 0, row_axes);
}

bool bn_is_packed(const struct shape *shape)
{
    for (enum tensor t = 0; t < TENSORS; t++) {
        const cl_ulong *strides = shape->layouts[t].strides;
        if (strides[0] != shape->channels * shape->inner || strides[1] != shape->inner)
            return false;
    }
    return shape->row_axes == 1 && shape->channel_axes == 1;
}

bool bn_channels_follow(const struct shape *shape)
{
    const unsigned last = shape->row_axes + shape->channel_axes - 1;
    for (enum tensor t = 0; t < TENSORS; t++)
        if (shape->layouts[t].strides[last] != shape->inner)
            return false;
    return true;
}

cl_int bn_collapse_shape(const clbn_plan_desc *desc, size_t limit, struct shape *shape)
{
    struct shape s = { 0 };
    bool is_channel[CLBN_MAX_RANK] = { false };
    size_t strides[TENSORS][CLBN_MAX_RANK] = { { 0 } };
    if (desc->rank < 1 || desc->rank > CLBN_MAX_RANK)
        return bn_fail(CLBN_INVALID_SHAPE, "rank is %u, expected 1 to %d.", (unsigned)desc->rank, CLBN_MAX_RANK);
    if (desc->channel_axes >> desc->rank != 0)
        return bn_fail(CLBN_INVALID_SHAPE, "channel_axes are 0x%x, expected bits of axes below the rank, which is %u.",
                       (unsigned)desc->channel_axes, (unsigned)desc->rank);
    const size_t most = limit / bn_type_size(desc->type);
    if (!fits(desc->shape, desc->rank, most))
        return bn_fail(CLBN_SIZE_OVERFLOW, "the tensor has more than %zu bytes, the most that the device can address.", limit);

    cl_int status = bn_check_layouts(desc);
    if (status != CLBN_SUCCESS)
        return status;
    choose_channel_axes(desc, is_channel);
    count_elements(desc, is_channel, &s);
    if (s.elements > 0) {
        status = bn_resolve_strides(desc, most, strides, s.reaches);
        if (status != CLBN_SUCCESS)
            return status;
        const struct axes channels = bn_join_axes(desc, (const size_t(*)[CLBN_MAX_RANK])strides, is_channel, true);
        divide_axes(&s, bn_join_axes(desc, (const size_t(*)[CLBN_MAX_RANK])strides, is_channel, false), &channels);
    }
    *shape = s;
    return CLBN_SUCCESS;
}
