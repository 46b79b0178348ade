/* SPDX-License-Identifier: MIT */
/* The batch norms of the residual network: clbn's calls, and those of textbook.cl in their place. */
#ifndef CLBN_TOOL_RESNET_NORM_H
#define CLBN_TOOL_RESNET_NORM_H

#include "io/failure.h"
#include "train/resnet.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

bool resnet_norm_open(struct resnet *resnet, clbn_engine engine, size_t unit, struct failure *failure);
void resnet_norm_close(struct resnet_unit *unit);

/* The greatest workspace of the plans, in bytes. */
bool resnet_norm_workspace(const struct resnet *resnet, size_t *size, struct failure *failure);

/* A unit's y from its z, and from the residual, which may be NULL. */
bool resnet_normalize(struct resnet *resnet, size_t unit, cl_mem residual, enum resnet_mode mode, struct failure *failure);

/* Turns a unit's dy into the gradient of z, writes those of gamma and beta, and, where dresidual is not NULL, the residual's. */
bool resnet_normalize_backward(struct resnet *resnet, size_t unit, cl_mem dresidual, enum resnet_mode mode,
                               struct failure *failure);

#endif
