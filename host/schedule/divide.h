/* SPDX-License-Identifier: MIT */
/* Pure: how a schedule's work is divided among single work-items, channels first and channels last. */
#ifndef CLBN_DIVIDE_H
#define CLBN_DIVIDE_H

#include "schedule/schedule.h"

/* Additions in a row, at most, before a work-item merges: longer chains round more, shorter ones merge more often. */
#define CHUNK_STEPS 64

/* Groups to a compute unit that even out what the units do, and below which channels are divided. */
#define GROUPS_PER_UNIT 4

/* Fills in a schedule of a problem that has elements, but for workspace and mask: channels first, and channels last. most_parts: to a
 * channel. */
void bn_divide_rows(const struct problem *problem, const struct choices *choices, enum pass pass, size_t most_parts,
                    struct schedule *schedule);
void bn_divide_columns(const struct problem *problem, const struct choices *choices, enum pass pass, size_t most_parts,
                       struct schedule *schedule);

/* What is chosen, or as usual. */
size_t bn_chosen(cl_uint choice, size_t usual);

/* Groups that keep all units busy. */
size_t bn_wanted_groups(const struct problem *problem, const struct choices *choices);

/* Whether one group is to have all of a channel, which is usual or not. */
bool bn_choose_whole(const struct problem *problem, const struct choices *choices, bool usual);

#endif
