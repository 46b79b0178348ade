/* SPDX-License-Identifier: MIT */
/* Pure: a plan's description, checked and collapsed to the one form that kernels know. */
#ifndef CLBN_SHAPE_H
#define CLBN_SHAPE_H

#include "common/shared.h"

#include <stdbool.h>

/* The tensors of a plan, each with strides of its own. */
enum tensor { TENSOR_X, TENSOR_Y, TENSOR_Z, TENSOR_DY, TENSOR_DX, TENSOR_DZ, TENSORS };

/* Tensors of outer rows, channels, and inner columns. */
struct shape {
    size_t outer, channels, inner;
    size_t values_per_channel; /* m = outer * inner */
    size_t elements;
    bool channels_last;              /* channels lie side by side, and inner is 1; else columns do */
    unsigned row_axes, channel_axes; /* pieces in which rows and channels are left; 1 and 1, or CLBN_MAX_RANK together */
    size_t lengths[CLBN_MAX_RANK];   /* of these pieces, rows first */
    struct layout layouts[TENSORS];  /* offsets 0 */
    size_t reaches[TENSORS];         /* elements from a tensor's first to the end of its last */
};

/* Bytes of an element of a tensor of a type; 0 for an unknown type. */
size_t bn_type_size(clbn_type type);

/* The type that is computed in, which the batch's statistics have, and its bytes. */
clbn_type bn_real_type(clbn_type type);
size_t bn_real_size(clbn_type type);

/* Whether the elements of all tensors fill their memory in the order of rows, channels and columns. */
bool bn_is_packed(const struct shape *shape);

/* Whether a row's channels follow each other without gaps in all tensors, with channels first. */
bool bn_channels_follow(const struct shape *shape);

/* Makes `folded` rows of a layout one row, whose channels are accessed as the memory that they are. More than one only of a packed
 * layout. */
void bn_fold_layout(struct layout *layout, unsigned row_axes, cl_ulong folded);

/* Checks rank, axis, sizes and strides. limit: the most bytes that a tensor may have. */
cl_int bn_collapse_shape(const clbn_plan_desc *desc, size_t limit, struct shape *shape);

#endif
