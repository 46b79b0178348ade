#include "tensor_shape.h"

#include "allocate.h"

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
    return shape->channel_axis == EACH_POSITION ? 1 : product(shape->lengths, shape->channel_axis + 1, shape->rank);
}

size_t shape_elements(const struct shape *shape)
{
    return product(shape->lengths, 0, shape->rank);
}

size_t shape_channels(const struct shape *shape)
{
    if (shape->channel_axis == EACH_POSITION)
        return product(shape->lengths, 1, shape->rank);
    return shape->lengths[shape->channel_axis];
}

size_t shape_values_per_channel(const struct shape *shape)
{
    if (shape->channel_axis == EACH_POSITION)
        return shape->lengths[0];
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

static size_t position_of(const struct shape *shape, const size_t *strides, size_t element)
{
    size_t position = 0;
    for (unsigned axis = shape->rank; axis-- > 0; element /= shape->lengths[axis])
        position += element % shape->lengths[axis] * strides[axis];
    return position;
}

size_t *shape_positions(const struct shape *shape, const size_t *strides)
{
    if (strides == NULL)
        return NULL;
    size_t count = shape_elements(shape);
    size_t *positions = allocate(count, sizeof *positions);
    for (size_t i = 0; i < count; i++)
        positions[i] = position_of(shape, strides, i);
    return positions;
}

const char *shape_text(const struct shape *shape, char *text)
{
    size_t used = 0;
    for (unsigned axis = 0; axis < shape->rank; axis++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT_SIZE - used, axis > 0 ? "x%zu" : "%zu", shape->lengths[axis]);
    if (shape->channel_axis == EACH_POSITION)
        snprintf(text + used, SHAPE_TEXT_SIZE - used, " per activation");
    else
        snprintf(text + used, SHAPE_TEXT_SIZE - used, " with channels on axis %u", shape->channel_axis);
    return text;
}
