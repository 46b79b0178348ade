#include "shape.h"

#include "status.h"

size_t type_size(clbn_type type)
{
    switch (type) {
    case CLBN_FLOAT32:
        return sizeof(cl_float);
    case CLBN_FLOAT64:
        return sizeof(cl_double);
    default:
        return 0;
    }
}

/* *product *= factor, unless the result is above limit. */
static bool multiply(size_t *product, size_t factor, size_t limit)
{
    if (factor != 0 && *product > limit / factor)
        return false;
    *product *= factor;
    return true;
}

static bool multiply_axes(size_t *product, const size_t *axes, cl_uint begin, cl_uint end, size_t limit)
{
    *product = 1;
    for (cl_uint i = begin; i < end; i++)
        if (!multiply(product, axes[i], limit))
            return false;
    return true;
}

cl_int collapse_shape(const clbn_plan_desc *desc, size_t limit, struct shape *shape)
{
    if (desc->rank < 1 || desc->rank > CLBN_MAX_RANK)
        return fail(CLBN_INVALID_SHAPE, "rank is %u, expected 1 to %d.", (unsigned)desc->rank, CLBN_MAX_RANK);
    if (desc->channel_axis >= desc->rank)
        return fail(CLBN_INVALID_SHAPE, "channel_axis is %u, expected less than the rank, which is %u.",
                    (unsigned)desc->channel_axis, (unsigned)desc->rank);

    size_t most = limit / type_size(desc->type);
    cl_uint axis = desc->channel_axis;
    struct shape s = { .channels = desc->shape[axis] };
    bool fits = s.channels <= most && multiply_axes(&s.outer, desc->shape, 0, axis, most) &&
                multiply_axes(&s.inner, desc->shape, axis + 1, desc->rank, most);
    s.values_per_channel = s.outer;
    fits = fits && multiply(&s.values_per_channel, s.inner, most);
    s.elements = s.values_per_channel;
    fits = fits && multiply(&s.elements, s.channels, most);
    if (!fits)
        return fail(CLBN_SIZE_OVERFLOW, "the tensor has more than %zu bytes, the most that the device can address.",
                    limit);
    *shape = s;
    return CLBN_SUCCESS;
}
