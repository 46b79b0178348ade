/* SPDX-License-Identifier: MIT */
/* A call on a plan with ghost batches: made for one after another. */
#ifndef CLBN_GHOST_CALLS_H
#define CLBN_GHOST_CALLS_H

#include "api/entry.h"

/* Fails if the plan has ghost batches, which the call does not know. */
cl_int bn_refuse_ghosts(clbn_plan plan);

/* Enqueues a call that is checked, for each ghost batch, each after the one before. The entry has a take_ghost. */
cl_int bn_enqueue_ghosts(const struct entry *entry, const struct request *request);

/* Moves a view from the first ghost batch to another. */
void bn_move_tensor(clbn_view *view, const struct ghosts *ghosts, enum tensor tensor, size_t number);
void bn_move_mask(clbn_view *view, const struct ghosts *ghosts, size_t number);
void bn_move_statistics(clbn_view *view, const struct ghosts *ghosts, size_t number);

#endif
