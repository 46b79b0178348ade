/* SPDX-License-Identifier: MIT */
/* What all enqueue calls have in common. */
#ifndef CLBN_CALL_H
#define CLBN_CALL_H

#include "enqueue/recorder.h"
#include "plan/plan.h"

struct call {
    clbn_plan plan;
    cl_command_queue queue;
    cl_uint wait_count;
    const cl_event *wait_list;
    cl_event *event;           /* out, or NULL */
    struct recorder *recorder; /* where the call is recorded: it has no events then, but sync points. NULL: it is enqueued */
};

#endif
