/* SPDX-License-Identifier: MIT */
/* All backwards in one form, and their steps. */
#ifndef CLBN_BACKWARD_STEPS_H
#define CLBN_BACKWARD_STEPS_H

#include "enqueue/operation.h"

struct backward {
    clbn_view x, dy, z, y, mask;
    clbn_view gamma, beta;
    clbn_view mean;      /* the saved mean, or the running mean if frozen */
    clbn_view deviation; /* the saved invstd, or the running variance if frozen */
    clbn_view dx, dz, dgamma, dbeta;
    struct factors {
        double dx, dgamma, dbeta; /* of what they hold, which is added */
    } factors;
    bool frozen;
    bool alone;    /* x is had back from y; bn_choose_source decides */
    bool in_place; /* dx or dz lies over dy; bn_check_backward_views finds out */
    /* Of the phases: records of sums, of which one is written or parts are read; else absent. */
    clbn_view records;
    size_t parts; /* 0 where a record is written */
    /* Of batch renormalization: what it corrected by. */
    bool is_renorm;
    clbn_view r, d;
};

/* The backward. */
void bn_add_backward_steps(struct operation *operation, const struct backward *backward);

/* Of no values: dgamma and dbeta, or the record of sums, each if it is there, become 0. */
void bn_add_empty_backward_step(struct operation *operation, const struct backward *backward);

/* The sums of a part into a record. This and what follows begin with STRATEGY_SPLIT, of no elements STRATEGY_NONE. */
void bn_add_sums_steps(struct operation *operation, const struct backward *backward);

/* What follows from the records of all parts. */
void bn_add_input_steps(struct operation *operation, const struct backward *backward);

#endif
