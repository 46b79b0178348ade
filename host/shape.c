#include "shape.h"

#include "status.h"

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

size_t bn_parameter_size(clbn_type type)
{
    return type == CLBN_FLOAT64 ? sizeof(cl_double) : sizeof(cl_float);
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

static size_t multiply(const size_t *axes, cl_uint begin, cl_uint end)
{
    size_t product = 1;
    for (cl_uint i = begin; i < end; i++)
        product *= axes[i];
    return product;
}

cl_int bn_collapse_shape(const clbn_plan_desc *desc, size_t limit, struct shape *shape)
{
    if (desc->rank < 1 || desc->rank > CLBN_MAX_RANK)
        return bn_fail(CLBN_INVALID_SHAPE, "rank is %u, expected 1 to %d.", (unsigned)desc->rank, CLBN_MAX_RANK);
    if (desc->channel_axis >= desc->rank)
        return bn_fail(CLBN_INVALID_SHAPE, "channel_axis is %u, expected less than the rank, which is %u.",
                       (unsigned)desc->channel_axis, (unsigned)desc->rank);

    if (!fits(desc->shape, desc->rank, limit / bn_type_size(desc->type)))
        return bn_fail(CLBN_SIZE_OVERFLOW, "the tensor has more than %zu bytes, the most that the device can address.", limit);

    cl_uint axis = desc->channel_axis;
    struct shape s = { .outer = multiply(desc->shape, 0, axis),
                       .channels = desc->shape[axis],
                       .inner = multiply(desc->shape, axis + 1, desc->rank) };
    s.values_per_channel = s.outer * s.inner;
    s.elements = s.values_per_channel * s.channels;
    *shape = s;
    return CLBN_SUCCESS;
}
