/* SPDX-License-Identifier: MIT */
/* Pure: the divisions of work that a problem can be measured with. */
#ifndef CLBN_CANDIDATES_H
#define CLBN_CANDIDATES_H

#include "schedule/schedule.h"

/* More than any problem has. */
#define MAX_CANDIDATES 64

struct candidate {
    struct choices choices;
    struct schedule schedules[PASSES];
};

/* bn_make_schedule() for choices that may come from anywhere: false, too, unless each is one that is ever listed, the kernels
 * can do what they make together, and the workspace is not larger than a tensor, or than usual. */
bool bn_make_chosen_schedule(const struct problem *problem, const struct choices *choices, enum pass pass,
                             struct schedule *schedule);

/* The choices whose schedules differ in some pass, the usual ones first. Gives their number: 0 for a shape without elements. */
size_t bn_list_candidates(const struct problem *problem, struct candidate list[MAX_CANDIDATES]);

/* "split, 4 x 12 groups, bands of 8 rows, past the cache", cut to size bytes. */
void bn_describe_schedule(const struct schedule *schedule, enum pass pass, char *text, size_t size);

#endif
