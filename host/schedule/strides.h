/* SPDX-License-Identifier: MIT */
/* Pure: the strides that a description gives the tensors, and the axes that are left when what follows on is joined. */
#ifndef CLBN_STRIDES_H
#define CLBN_STRIDES_H

#include "schedule/shape.h"

/* An axis as all tensors step along it. */
struct axis {
    size_t length;
    size_t strides[TENSORS];
};

struct axes {
    unsigned count;
    struct axis axis[CLBN_MAX_RANK];
};

/* Checks that no strides are negative, and that there are none where a layout has none. */
cl_int bn_check_layouts(const clbn_plan_desc *desc);

/* Strides of all tensors, the packed ones worked out, and how far each tensor reaches, in elements. The shape has elements, and
 * fits; the layouts are checked. limit: the most elements that a tensor may reach. */
cl_int bn_resolve_strides(const clbn_plan_desc *desc, size_t limit, size_t strides[TENSORS][CLBN_MAX_RANK],
                          size_t reaches[TENSORS]);

/* The axes longer than 1 that are of channels, or those that are not, joined where one follows the other in all tensors.
 * Channels keep their order, which numbers them; rows are in the order of x's memory. */
struct axes bn_join_axes(const clbn_plan_desc *desc, const size_t strides[TENSORS][CLBN_MAX_RANK],
                         const bool is_channel[CLBN_MAX_RANK], bool of_channels);

/* Whether an axis's elements lie side by side in all tensors. */
bool bn_is_contiguous(const struct axis *axis);

#endif
