/* SPDX-License-Identifier: MIT */
/* What all enqueue calls have in common: a table's row to each, and one function that follows it. */
#ifndef CLBN_ENTRY_H
#define CLBN_ENTRY_H

#include "base/view.h"
#include "enqueue/backward_steps.h"
#include "enqueue/forward_steps.h"
#include "enqueue/renorm_steps.h"

/* A call in progress. */
struct request {
    struct call call;
    clbn_plan plan; /* the call's */
    union {
        clbn_forward_training_args training;
        clbn_forward_inference_args inference;
        clbn_backward_args backward;
        clbn_backward_frozen_args frozen;
        clbn_fold_args fold;
        clbn_statistics_args statistics;
        clbn_merge_statistics_args merge;
        clbn_normalize_args normalize;
        clbn_backward_sums_args sums;
        clbn_backward_input_args input;
        clbn_forward_renorm_args forward_renorm;
        clbn_backward_renorm_args backward_renorm;
    } args; /* as this library knows them */
    /* What the check finds: */
    struct backward backward;    /* of any of the five backwards */
    bool has_work;               /* else there is nothing to enqueue; true unless it says otherwise */
    enum strategy strategy;      /* STRATEGIES, the plan's, unless it says otherwise */
    bool in_place;               /* results lie over what statistics are taken of */
    clbn_view workspace;         /* the caller's, or absent */
    bool keeps_statistics;       /* the workspace has to hold statistics that the caller did not give */
    struct renorm_memory renorm; /* of batch renormalization */
};

struct entry {
    clbn_struct which; /* the arguments */
    enum pass pass;
    cl_int (*check)(struct request *request);
    void (*add_steps)(struct operation *operation, struct request *request);
    /* Of a plan with ghost batches: makes the request that of one of them, whose plan it has; NULL: the call is refused, unless it is of
     * the whole batch anyhow. */
    void (*take_ghost)(struct request *request, const struct ghosts *ghosts, size_t number);
    bool ignores_ghosts;
};

/* An enqueue call: checks it, then enqueues its steps, or nothing but an event. */
cl_int bn_enqueue(const struct entry *entry, const struct call *call, const void *args);

/* The checks of such a call, without it. */
cl_int bn_check_request(const struct entry *entry, struct request *request, const void *args);

/* Enqueues what is checked, of a batch that is one. */
cl_int bn_enqueue_request(const struct entry *entry, struct request *request);

/* The strategy of a checked request on a plan. */
enum strategy bn_strategy_of(const struct entry *entry, const struct request *request, clbn_plan plan);

/* Checks plan, queue and wait list, that the plan is for some of these operations, and takes the caller's arguments as this library knows
 * them. */
cl_int bn_check_call(const struct call *call, clbn_operations any, clbn_struct which, const void *args, void *known);

/* Checks that the plan is for some of these operations. */
cl_int bn_check_operations(clbn_plan plan, clbn_operations any);

/* Whether the plan's tensors have no elements. */
static inline bool bn_is_empty(clbn_plan plan)
{
    return plan->shape.elements == 0;
}

#endif
