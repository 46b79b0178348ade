/* SPDX-License-Identifier: MIT */
/*
 * Pure: slices of a problem's channels. A call whose workspace would be too large for all channels is done for one slice after another,
 * each a problem of its own.
 */
#ifndef CLBN_SLICE_H
#define CLBN_SLICE_H

#include "schedule/shape.h"

struct slice {
    size_t first;            /* channel */
    struct shape shape;      /* with the slice's channels, of the whole's strides */
    size_t offsets[TENSORS]; /* elements from a tensor's first to the slice's */
};

/* All channels. */
struct slice bn_whole_slice(const struct shape *shape);

/* The channels from one on, `most` or fewer: they end where the channels' axes leave no box. */
struct slice bn_slice(const struct shape *shape, size_t first, size_t most);

#endif
