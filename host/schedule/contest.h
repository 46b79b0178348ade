/* SPDX-License-Identifier: MIT */
/* Pure: which of several ways to do the same is clearly the fastest, on a machine that is never quiet. */
#ifndef CLBN_CONTEST_H
#define CLBN_CONTEST_H

#include <stdbool.h>
#include <stddef.h>

/* Ways that meet the usual one in pairs, and the pairs of each. */
enum { CONTEST_FINALISTS = 3, CONTEST_PAIRS = 20 };

struct contest {
    size_t count;   /* of the ways, from 0: the usual one; at least 1 */
    double seconds; /* of what is timed, about */
    /* Does it once in a way, and gives the seconds. False: it failed, and the contest is over. */
    bool (*time)(void *context, size_t way, double *seconds);
    void *context;
};

struct verdict {
    size_t way;           /* 0 unless another is clearly faster */
    size_t timed;         /* ways that were timed before the time was over */
    double usual_seconds; /* of the usual way and of the chosen one, from the same pairs where these differ */
    double best_seconds;
};

/* Each way is tried in turn, in half of the time. The fastest then meet the usual one in pairs, which begin with either of them
 * by turns; one is taken only if three pairs in four show it faster by 5 %, and its median is less. The first time of each way
 * does not count: it may compile. False if a call failed. */
bool bn_hold_contest(const struct contest *contest, struct verdict *verdict);

#endif
