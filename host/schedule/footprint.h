/* SPDX-License-Identifier: MIT */
/* Pure: the bytes that a view takes in its memory, gaps left out, and whether two views meet in any. */
#ifndef CLBN_FOOTPRINT_H
#define CLBN_FOOTPRINT_H

#include "schedule/shape.h"

/* Blocks of bytes, repeated along axes, the one with the greatest stride first. */
struct footprint {
    size_t block;
    unsigned axes;
    struct {
        size_t length, stride; /* in bytes */
    } axis[CLBN_MAX_RANK + 1];
};

/* Of bytes that lie side by side. */
struct footprint bn_packed_footprint(size_t bytes);

/* Of a tensor of a shape that has elements. */
struct footprint bn_tensor_footprint(const struct shape *shape, enum tensor tensor, size_t element_size);

/* Bytes from the first to the end of the last. */
size_t bn_footprint_reach(const struct footprint *footprint);

/* Whether two tensors of a shape lie in the same way. */
bool bn_same_layout(const struct shape *shape, enum tensor a, enum tensor b);

/* Whether they may have a byte in common; begins are those of their first bytes. False is sure. */
bool bn_footprints_meet(const struct footprint *a, size_t a_begin, const struct footprint *b, size_t b_begin);

#endif
