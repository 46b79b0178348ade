/* SPDX-License-Identifier: MIT */
/* Ghost batches: parts of a batch, along axis 0, that have statistics of their own. Each is a batch of a plan within the plan. */
#ifndef CLBN_GHOSTS_H
#define CLBN_GHOSTS_H

#include "schedule/shape.h"

struct ghosts {
    size_t count;          /* 0: the batch is one */
    size_t steps[TENSORS]; /* elements of a tensor from a ghost batch to the next */
    clbn_plan whole;       /* of each but the last */
    clbn_plan last;        /* whose batch may be shorter */
};

/* Divides the batch of a plan that is complete, in so many entries of axis 0 each, if that are fewer than it has. */
cl_int bn_create_ghosts(clbn_plan plan, size_t length);

void bn_release_ghosts(struct ghosts *ghosts);

/* The plan of a ghost batch. */
clbn_plan bn_ghost_plan(const struct ghosts *ghosts, size_t number);

/* Rows of saved statistics: a row for each ghost batch. */
size_t bn_statistic_rows(clbn_plan plan);

/* Values of a channel that statistics are taken of, in the ghost batch that has fewest. */
size_t bn_fewest_values(clbn_plan plan);

#endif
