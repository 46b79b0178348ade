/* SPDX-License-Identifier: MIT */
/*
 * An operation as steps: kernels with their arguments bound, each to run after the one before. A step is enqueued when the next begins,
 * so that devices work on it while the next one's arguments are set. Steps are added without asking for failures: the first is
 * remembered, and nothing is enqueued any more.
 */
#ifndef CLBN_STEPS_H
#define CLBN_STEPS_H

#include "enqueue/launch.h"

struct step {
    struct lent_kernel lent;
    cl_uint argument_count;
    size_t groups[2];
};

struct steps {
    clbn_plan plan;
    struct slice slice;       /* the channels that the steps are of: mostly all */
    struct schedule schedule; /* of these, of the pass, by the call's strategy */
    cl_int status;
    struct launch launch;
    bool has_last;
    struct step last; /* not enqueued yet, if there is one */
};

void bn_begin_steps(struct steps *steps, const struct call *call, enum pass pass, enum strategy strategy);

/* How the steps of a pass are done, which may be another one than they began with: a backward may take statistics first. */
const struct recipe *bn_recipe_of(const struct steps *steps, enum pass pass);

/* Enqueues the last step. Returns the first failure. */
cl_int bn_finish_steps(struct steps *steps);

/* Adds a step of groups[0] x groups[1] groups; what is then bound are its arguments, in order. */
void bn_add_step(struct steps *steps, enum kernel_id id, size_t groups_0, size_t groups_1);

/* Adds a step of a kernel that walks the tensors. */
void bn_add_walking_step(struct steps *steps, enum kernel_id id, enum grid grid);

/* Adds a step of a kernel whose work-items take channels in turn, and binds their number. */
void bn_add_channels_step(struct steps *steps, enum kernel_id id);

/* Adds a step of a kernel that merges count partial results of each channel, and binds how channels are divided, and how many a record
 * has. */
void bn_add_merging_step(struct steps *steps, enum kernel_id id, size_t count);

/* FLAG_NONTEMPORAL if the results of a pass over so many tensors are stored past the cache, or 0. */
cl_uint bn_nontemporal_flag(const struct steps *steps, unsigned tensors);

void bn_bind_division(struct steps *steps);
void bn_bind_ulong(struct steps *steps, size_t value);
void bn_bind_uint(struct steps *steps, cl_uint value);

/* Two arguments: the memory, NULL if absent, and the offset. */
void bn_bind_view(struct steps *steps, clbn_view view);

/* The same of an array, or rows, with a number for each of the plan's channels: from the slice's first on. */
void bn_bind_channels(struct steps *steps, clbn_view view);

/* The same of a mask. */
void bn_bind_mask(struct steps *steps, clbn_view view);

/* Two arguments: the memory of a tensor, NULL if absent, and how the slice lies there of one of the plan's tensors. */
void bn_bind_tensor(struct steps *steps, clbn_view view, enum tensor tensor);

/* A number of the type that is computed in. */
void bn_bind_rounded(struct steps *steps, double value);

/* Leaky slope or alpha of the plan's activation. */
void bn_bind_alpha(struct steps *steps);

/* Two arguments of that type, whose sum is the number to more bits than one has. */
void bn_bind_real(struct steps *steps, double value);

#endif
