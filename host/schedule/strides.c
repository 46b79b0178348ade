/* SPDX-License-Identifier: MIT */
#include "schedule/strides.h"

#include "base/status.h"

#include <stddef.h>

static const char *const tensor_names[TENSORS] = { "x", "y", "z", "dy", "dx", "dz" };

static const clbn_layout *layout_of(const clbn_plan_desc *desc, enum tensor tensor)
{
    switch (tensor) {
    case TENSOR_X:
        return &desc->x_layout;
    case TENSOR_Y:
        return &desc->y_layout;
    case TENSOR_Z:
        return &desc->z_layout;
    case TENSOR_DY:
        return &desc->dy_layout;
    case TENSOR_DX:
        return &desc->dx_layout;
    default:
        return &desc->dz_layout;
    }
}

/* Strides without has_strides were meant to be given, and forgotten; negative ones are those of an array turned round. */
static cl_int check_layout(const clbn_plan_desc *desc, enum tensor tensor)
{
    const clbn_layout *layout = layout_of(desc, tensor);
    for (cl_uint i = 0; i < desc->rank; i++) {
        if (!layout->has_strides && layout->strides[i] != 0)
            return bn_fail(CLBN_INVALID_STRIDES,
                           "%s_layout.strides[%u] is %td, but has_strides is CL_FALSE, expected 0, or has_strides.",
                           tensor_names[tensor], (unsigned)i, layout->strides[i]);
        if (desc->shape[i] > 1 && layout->strides[i] < 0)
            return bn_fail(CLBN_INVALID_STRIDES,
                           "%s_layout.strides[%u] is %td: negative strides are not supported, expected 0 or more.",
                           tensor_names[tensor], (unsigned)i, layout->strides[i]);
    }
    return CLBN_SUCCESS;
}

static bool is_written(enum tensor tensor)
{
    return tensor == TENSOR_Y || tensor == TENSOR_DX || tensor == TENSOR_DZ;
}

/* The axes from the one with the greatest stride to the one with the least, after those that repeat their elements; axes
 * with the same keep their order. */
static void order_by_stride(cl_uint rank, const size_t *strides, cl_uint order[CLBN_MAX_RANK])
{
    for (cl_uint i = 0; i < rank; i++) {
        cl_uint place = i;
        for (; place > 0 && strides[order[place - 1]] - 1 < strides[i] - 1; place--) /* 0 becomes the greatest */
            order[place] = order[place - 1];
        order[place] = i;
    }
}

static bool repeats_elements(const clbn_plan_desc *desc, const size_t *strides)
{
    for (cl_uint i = 0; i < desc->rank; i++)
        if (desc->shape[i] > 1 && strides[i] == 0)
            return true;
    return false;
}

/* Axes of one element have a stride that is never looked at, whatever it is. */
static void take_strides(const clbn_plan_desc *desc, const clbn_layout *layout, size_t strides[CLBN_MAX_RANK])
{
    for (cl_uint i = 0; i < desc->rank; i++)
        strides[i] = (size_t)layout->strides[i];
}

/* The order in which packed tensors have their axes: x's, slowest first. */
static void choose_order(const clbn_plan_desc *desc, cl_uint order[CLBN_MAX_RANK])
{
    size_t strides[CLBN_MAX_RANK];
    take_strides(desc, &desc->x_layout, strides);
    if (desc->x_layout.has_strides && !repeats_elements(desc, strides)) {
        order_by_stride(desc->rank, strides, order);
        return;
    }
    for (cl_uint i = 0; i < desc->rank; i++)
        order[i] = i;
}

static void pack(const clbn_plan_desc *desc, const cl_uint order[CLBN_MAX_RANK], size_t strides[CLBN_MAX_RANK])
{
    size_t stride = 1;
    for (cl_uint i = desc->rank; i > 0; i--) {
        strides[order[i - 1]] = stride;
        stride *= desc->shape[order[i - 1]];
    }
}

/* Elements from the first to the end of the last; false if there are more than limit. */
static bool measure_reach(const clbn_plan_desc *desc, const size_t *strides, size_t limit, size_t *reach)
{
    size_t last = 0;
    for (cl_uint i = 0; i < desc->rank; i++) {
        size_t steps = desc->shape[i] - 1;
        if (steps > 0 && strides[i] > (limit - 1 - last) / steps)
            return false;
        last += steps * strides[i];
    }
    *reach = last + 1;
    return true;
}

/* Whether each axis, from the smallest stride on, steps beyond all that those before it reach. */
static bool is_free_of_overlap(const clbn_plan_desc *desc, const size_t *strides)
{
    cl_uint order[CLBN_MAX_RANK];
    size_t last = 0;
    order_by_stride(desc->rank, strides, order);
    for (cl_uint i = desc->rank; i > 0; i--) {
        cl_uint axis = order[i - 1];
        if (desc->shape[axis] <= 1)
            continue;
        if (strides[axis] <= last)
            return false;
        last += (desc->shape[axis] - 1) * strides[axis];
    }
    return true;
}

cl_int bn_check_layouts(const clbn_plan_desc *desc)
{
    cl_int status = CLBN_SUCCESS;
    for (enum tensor t = 0; t < TENSORS && status == CLBN_SUCCESS; t++)
        status = check_layout(desc, t);
    return status;
}

cl_int bn_resolve_strides(const clbn_plan_desc *desc, size_t limit, size_t strides[TENSORS][CLBN_MAX_RANK],
                          size_t reaches[TENSORS])
{
    cl_uint order[CLBN_MAX_RANK];
    choose_order(desc, order);
    for (enum tensor t = 0; t < TENSORS; t++) {
        const clbn_layout *layout = layout_of(desc, t);
        if (layout->has_strides)
            take_strides(desc, layout, strides[t]);
        else
            pack(desc, order, strides[t]);
        if (!measure_reach(desc, strides[t], limit, &reaches[t]))
            return bn_fail(CLBN_INVALID_STRIDES,
                           "%s's strides reach too far, expected at most %zu elements, all that the device can address.",
                           tensor_names[t], limit);
        if (is_written(t) && !is_free_of_overlap(desc, strides[t]))
            return bn_fail(
                CLBN_INVALID_STRIDES,
                "%s's strides let elements overlap, expected each axis to step beyond all that smaller strides reach.",
                tensor_names[t]);
    }
    return CLBN_SUCCESS;
}

static bool follows(const struct axis *slow, const struct axis *fast)
{
    for (enum tensor t = 0; t < TENSORS; t++)
        if (slow->strides[t] != fast->length * fast->strides[t])
            return false;
    return true;
}

struct axes bn_join_axes(const clbn_plan_desc *desc, const size_t strides[TENSORS][CLBN_MAX_RANK],
                         const bool is_channel[CLBN_MAX_RANK], bool of_channels)
{
    static const cl_uint as_described[CLBN_MAX_RANK] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    struct axes joined = { 0 };
    cl_uint by_stride[CLBN_MAX_RANK];
    const cl_uint *order = of_channels ? as_described : by_stride;
    order_by_stride(desc->rank, strides[TENSOR_X], by_stride);
    for (cl_uint i = 0; i < desc->rank; i++) {
        if (is_channel[order[i]] != of_channels || desc->shape[order[i]] <= 1)
            continue;
        struct axis next = { .length = desc->shape[order[i]] };
        for (enum tensor t = 0; t < TENSORS; t++)
            next.strides[t] = strides[t][order[i]];
        struct axis *last = joined.count > 0 ? &joined.axis[joined.count - 1] : NULL;
        if (last && follows(last, &next)) {
            next.length *= last->length;
            *last = next;
        } else {
            joined.axis[joined.count++] = next;
        }
    }
    return joined;
}

bool bn_is_contiguous(const struct axis *axis)
{
    for (enum tensor t = 0; t < TENSORS; t++)
        if (axis->strides[t] != 1)
            return false;
    return true;
}
