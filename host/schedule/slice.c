/* SPDX-License-Identifier: MIT */
#include "schedule/slice.h"

#include "base/integers.h"

struct slice bn_whole_slice(const struct shape *shape)
{
    const struct slice s = { .shape = *shape };
    return s;
}

struct slice bn_slice(const struct shape *shape, size_t first, size_t most)
{
    struct slice s = { .first = first, .shape = *shape };
    size_t inner = shape->channels, left = first;
    bool is_box = false; /* what is left of the axes is whole */
    for (unsigned axis = shape->row_axes; !is_box; axis++) {
        inner /= shape->lengths[axis];
        const size_t index = left / inner;
        left %= inner;
        is_box = left == 0 && inner <= most;
        s.shape.lengths[axis] = is_box ? least(most / inner, shape->lengths[axis] - index) : 1;
        s.shape.channels = s.shape.lengths[axis] * inner;
        for (enum tensor t = 0; t < TENSORS; t++)
            s.offsets[t] += index * (size_t)shape->layouts[t].strides[axis];
    }
    s.shape.elements = s.shape.channels * shape->values_per_channel;
    return s;
}
