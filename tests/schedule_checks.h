/* SPDX-License-Identifier: MIT */
/* What every schedule is. */
#ifndef SCHEDULE_CHECKS_H
#define SCHEDULE_CHECKS_H

#include "plan_of_work.h"

/* The workspace has room for what the kernels keep in it, and is within its bound. */
void check_sizes(const struct plan_of_work *work);

/* The same of slices, if there are any, which cover the channels. */
void check_slices(const struct plan_of_work *work);

/* The division covers the shape, and keeps the kernels' bounds. */
void check_division(const struct plan_of_work *work);

/* The kernels' way through a tensor, done again without a device, meets every element once; in rows, in vectors or one by one. */
void check_walk(const struct plan_of_work *work, bool in_vectors);

/* Rounded up. */
cl_ulong divided_up(cl_ulong count, cl_ulong by);

/* Of groups of several work-items, which the two above leave to these. */
void check_tiling(const struct plan_of_work *work);
void check_tile_walk(const struct plan_of_work *work);

#endif
