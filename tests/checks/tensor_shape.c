/* SPDX-License-Identifier: MIT */
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

unsigned shape_channel_axes(const struct shape *shape)
{
    if (shape->channel_axis == EACH_POSITION)
        return (1u << shape->rank) - 2;
    return shape->channel_axis < SHAPE_MAX_RANK ? 1u << shape->channel_axis : shape->channel_axis - AXIS_SETS;
}

static size_t product_along(const struct shape *shape, unsigned axes)
{
    size_t result = 1;
    for (unsigned axis = 0; axis < shape->rank; axis++)
        if ((axes >> axis & 1) != 0)
            result *= shape->lengths[axis];
    return result;
}

size_t shape_elements(const struct shape *shape)
{
    return product(shape->lengths, 0, shape->rank);
}

size_t shape_channels(const struct shape *shape)
{
    return product_along(shape, shape_channel_axes(shape));
}

size_t shape_values_per_channel(const struct shape *shape)
{
    return product_along(shape, ~shape_channel_axes(shape));
}

/* Elements from one channel's value to the next channel's, where channels follow one another; else 0. */
static size_t inner_length(const struct shape *shape)
{
    if (shape->channel_axis == EACH_POSITION)
        return 1;
    return shape->channel_axis < SHAPE_MAX_RANK ? product(shape->lengths, shape->channel_axis + 1, shape->rank) : 0;
}

/* The number of an element along some axes, the last one fastest. */
static size_t number_along(const struct shape *shape, unsigned axes, size_t element)
{
    size_t number = 0, step = 1;
    for (unsigned axis = shape->rank; axis-- > 0; element /= shape->lengths[axis])
        if ((axes >> axis & 1) != 0) {
            number += element % shape->lengths[axis] * step;
            step *= shape->lengths[axis];
        }
    return number;
}

/* The first element that has this number along these axes. */
static size_t element_along(const struct shape *shape, unsigned axes, size_t number)
{
    size_t element = 0, step = 1;
    for (unsigned axis = shape->rank; axis-- > 0; step *= shape->lengths[axis])
        if ((axes >> axis & 1) != 0) {
            element += number % shape->lengths[axis] * step;
            number /= shape->lengths[axis];
        }
    return element;
}

bool shape_is_channels_last(const struct shape *shape)
{
    const unsigned axes = shape_channel_axes(shape);
    for (unsigned axis = shape->rank; axis-- > 0;) {
        if ((axes >> axis & 1) != 0)
            return true;
        if (shape->lengths[axis] != 1)
            return false;
    }
    return false;
}

size_t shape_channel_of(const struct shape *shape, size_t element)
{
    size_t inner = inner_length(shape);
    if (inner > 0)
        return element / inner % shape_channels(shape);
    return number_along(shape, shape_channel_axes(shape), element);
}

size_t shape_element_of(const struct shape *shape, size_t channel, size_t i)
{
    size_t inner = inner_length(shape);
    if (inner > 0)
        return (i / inner * shape_channels(shape) + channel) * inner + i % inner;
    return element_along(shape, shape_channel_axes(shape), channel) + element_along(shape, ~shape_channel_axes(shape), i);
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
    else if (shape->channel_axis < SHAPE_MAX_RANK)
        snprintf(text + used, SHAPE_TEXT_SIZE - used, " with channels on axis %u", shape->channel_axis);
    else
        snprintf(text + used, SHAPE_TEXT_SIZE - used, " with channels on axes 0x%x", shape_channel_axes(shape));
    return text;
}
