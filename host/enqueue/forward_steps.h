/* SPDX-License-Identifier: MIT */
/* The steps of all forwards. Views are checked; what forward training has no view for is an argument of its own. */
#ifndef CLBN_FORWARD_STEPS_H
#define CLBN_FORWARD_STEPS_H

#include "enqueue/operation.h"

/* Forward training. y may be absent: then only the statistics are computed. */
void bn_add_forward_steps(struct operation *operation, const clbn_forward_training_args *args);

void bn_add_inference_step(struct operation *operation, const clbn_forward_inference_args *args);

/* The statistics of x into a record. This and the phases below begin with STRATEGY_SPLIT, of no elements STRATEGY_NONE. */
void bn_add_statistics_steps(struct operation *operation, clbn_view x, clbn_view record);

/* The statistics of a plan without elements. */
void bn_add_empty_statistics_step(struct operation *operation, clbn_view record);

void bn_add_merge_step(struct operation *operation, const clbn_merge_statistics_args *args);

void bn_add_normalize_steps(struct operation *operation, const clbn_normalize_args *args);

/* Whether the running statistics of a call with this factor change. */
bool bn_updates_running(clbn_view running_mean, double update_factor);

#endif
