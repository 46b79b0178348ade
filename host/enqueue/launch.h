/* SPDX-License-Identifier: MIT */
/* Enqueues a call's kernels. */
#ifndef CLBN_LAUNCH_H
#define CLBN_LAUNCH_H

#include "enqueue/call.h"

struct launch {
    const struct call *call;
    unsigned count;     /* kernels that are enqueued */
    bool in_order;      /* whether the queue keeps their order; unknown before the first */
    cl_event before;    /* of the last one, where the queue does not */
    cl_uint sync_point; /* of the last one, in a command buffer */
};

/* Whether a queue's commands run in their order. */
cl_int bn_is_in_order(cl_command_queue queue, bool *in_order);

void bn_begin_launch(struct launch *launch, const struct call *call);

/* Enqueues or records a kernel, whose arguments are set, in groups[0] x groups[1] groups: the first after the call's wait list, others
 * after the one before. The last sets the call's event or sync point. */
cl_int bn_launch_kernel(struct launch *launch, cl_kernel kernel, const size_t groups[2], bool is_last);

/* Releases what the launch holds. */
void bn_end_launch(struct launch *launch);

/* For a call that has nothing to do: sets its event, after its wait list. Recorded, it can set no sync point. */
cl_int bn_launch_nothing(const struct call *call);

#endif
