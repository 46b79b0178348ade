/* SPDX-License-Identifier: MIT */
/* Pure: how the backward of the backward divides its work (kernels/common/second_order.cl). */
#ifndef CLBN_SECOND_ORDER_H
#define CLBN_SECOND_ORDER_H

#include "schedule/schedule.h"

struct second_order {
    struct schedule walk;  /* of the tensors as they are: no rows are folded */
    unsigned lanes;        /* vectors of channels that a group has side by side; 0: it has one channel */
    size_t parts;          /* groups that share a channel, each with sums in the workspace */
    size_t tiles;          /* groups side by side */
    size_t partials_size;  /* bytes, at the start of the workspace; then come the coefficients */
    size_t workspace_size; /* bytes in all */
};

/* The shape has elements. */
struct second_order bn_divide_second_order(const struct problem *problem);

#endif
