/* SPDX-License-Identifier: MIT */
/* The shape of a packed tensor, last axis fastest, with a channel axis or several, or with a channel to each position. */
#ifndef CLBN_TESTS_TENSOR_SHAPE_H
#define CLBN_TESTS_TENSOR_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

enum { SHAPE_MAX_RANK = 8, SHAPE_TEXT_SIZE = 200 };

/* In the place of a channel axis: each position of all axes but the first is a channel of its own. */
enum { EACH_POSITION = SHAPE_MAX_RANK };
/* In its place, too: several channel axes, or none, a bit to each. */
enum { AXIS_SETS = 2 * SHAPE_MAX_RANK };
#define CHANNEL_AXES(bits) (AXIS_SETS + (bits))

struct shape {
    unsigned rank;
    unsigned channel_axis;
    size_t lengths[SHAPE_MAX_RANK];
};

/* All channel axes, a bit to each. */
unsigned shape_channel_axes(const struct shape *shape);

size_t shape_elements(const struct shape *shape);
size_t shape_channels(const struct shape *shape);
/* m: the product of the lengths of all axes that are no channel axes. */
size_t shape_values_per_channel(const struct shape *shape);
/* Whether channels lie side by side: no axis after theirs has more than one index. */
bool shape_is_channels_last(const struct shape *shape);
size_t shape_channel_of(const struct shape *shape, size_t element);
/* Where the i-th value (in memory order) of a channel lies. */
size_t shape_element_of(const struct shape *shape, size_t channel, size_t i);
/* Where each element lies in a tensor with strides, as many as axes, in elements; to be freed. NULL strides: NULL. */
size_t *shape_positions(const struct shape *shape, const size_t *strides);
/* "2x3x5 with channels on axis 1"; text has SHAPE_TEXT_SIZE characters. Gives text. */
const char *shape_text(const struct shape *shape, char *text);

#endif
