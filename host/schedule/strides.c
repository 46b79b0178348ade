#include "schedule/strides.h"

#include "base/status.h"

#include <string.h>

static const char *const tensor_names[TENSORS] = { "x", "y", "z", "dy", "dx", "dz" };

static const size_t *strides_given(const clbn_plan_desc *desc, enum tensor tensor)
{
    switch (tensor) {
    case TENSOR_X:
        return desc->x_strides;
    case TENSOR_Y:
        return desc->y_strides;
    case TENSOR_Z:
        return desc->z_strides;
    case TENSOR_DY:
        return desc->dy_strides;
    case TENSOR_DX:
        return desc->dx_strides;
    default:
        return desc->dz_strides;
    }
}

static bool is_packed(const clbn_plan_desc *desc, enum tensor tensor)
{
    const size_t *given = strides_given(desc, tensor);
    for (cl_uint i = 0; i < desc->rank; i++)
        if (given[i] > 0)
            return false;
    return true;
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

/* The order in which packed tensors have their axes: x's, slowest first. */
static void choose_order(const clbn_plan_desc *desc, cl_uint order[CLBN_MAX_RANK])
{
    if (!is_packed(desc, TENSOR_X) && !repeats_elements(desc, desc->x_strides)) {
        order_by_stride(desc->rank, desc->x_strides, order);
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

cl_int bn_resolve_strides(const clbn_plan_desc *desc, size_t limit, size_t strides[TENSORS][CLBN_MAX_RANK],
                          size_t reaches[TENSORS])
{
    cl_uint order[CLBN_MAX_RANK];
    choose_order(desc, order);
    for (enum tensor t = 0; t < TENSORS; t++) {
        if (is_packed(desc, t))
            pack(desc, order, strides[t]);
        else
            memcpy(strides[t], strides_given(desc, t), sizeof(strides[t]));
        if (!measure_reach(desc, strides[t], limit, &reaches[t]))
            return bn_fail(CLBN_INVALID_STRIDES,
                           "%s_strides reach too far, expected at most %zu elements, all that the device can address.",
                           tensor_names[t], limit);
        if (is_written(t) && !is_free_of_overlap(desc, strides[t]))
            return bn_fail(CLBN_INVALID_STRIDES,
                           "%s_strides let elements overlap, expected each axis to step beyond all that smaller strides reach.",
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
