#include "tensor_shape.h"

#include <stdio.h>

static size_t product(const size_t *lengths, size_t begin, size_t end)
{
    size_t result = 1;
    for (size_t axis = begin; axis < end; axis++)
        result *= lengths[axis];
    return result;
}

/* Elements from one channel's value to the next channel's. */
static size_t inner_length(const struct shape *shape)
{
    return product(shape->lengths, shape->channel_axis + 1, shape->rank);
}

size_t shape_elements(const struct shape *shape)
{
    return product(shape->lengths, 0, shape->rank);
}

size_t shape_channels(const struct shape *shape)
{
    return shape->lengths[shape->channel_axis];
}

size_t shape_values_per_channel(const struct shape *shape)
{
    return product(shape->lengths, 0, shape->channel_axis) * inner_length(shape);
}

size_t shape_channel_of(const struct shape *shape, size_t element)
{
    return element / inner_length(shape) % shape_channels(shape);
}

size_t shape_element_of(const struct shape *shape, size_t channel, size_t i)
{
    size_t inner = inner_length(shape);
    return (i / inner * shape_channels(shape) + channel) * inner + i % inner;
}

const char *shape_text(const struct shape *shape, char *text)
{
    size_t used = 0;
    for (unsigned axis = 0; axis < shape->rank; axis++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT_SIZE - used, axis > 0 ? "x%zu" : "%zu", shape->lengths[axis]);
    snprintf(text + used, SHAPE_TEXT_SIZE - used, " with channels on axis %u", shape->channel_axis);
    return text;
}
