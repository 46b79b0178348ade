/* SPDX-License-Identifier: MIT */
/* The steps of batch renormalization: a normalisation with parameters that a kernel of its own makes. */
#ifndef CLBN_RENORM_STEPS_H
#define CLBN_RENORM_STEPS_H

#include "enqueue/backward_steps.h"
#include "enqueue/forward_steps.h"

/* What stands between its kernels, of all channels; offsets in elements. */
struct renorm_memory {
    clbn_view record;        /* the batch's statistics */
    clbn_view gamma, beta;   /* gamma * r and beta + gamma * d */
    clbn_view dgamma, dbeta; /* sums of g * xhat and of g */
};

/* Where it lies in a workspace, at its begin. */
struct renorm_memory bn_place_renorm(clbn_plan plan, clbn_view workspace);

/* Both begin with views that are checked; the forward with STRATEGY_SPLIT. */
void bn_add_renorm_forward_steps(struct operation *operation, const clbn_forward_renorm_args *args,
                                 const struct renorm_memory *memory);
void bn_add_renorm_backward_steps(struct operation *operation, const struct backward *backward,
                                  const struct renorm_memory *memory);

#endif
