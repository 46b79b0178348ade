/* SPDX-License-Identifier: MIT */
/* Work on an OpenCL device: as a contestant of bench_measure(), and its time by the device's own clock. */
#ifndef CLBN_TOOL_BENCH_DEVICE_H
#define CLBN_TOOL_BENCH_DEVICE_H

#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

struct bench_work {
    /* Enqueues it, and does not wait; event may be NULL. */
    bool (*enqueue)(const void *context, cl_command_queue queue, cl_event *event, struct failure *failure);
    const void *context;
    cl_command_queue queue;
};

/* Enqueues the work and waits: for struct bench_contestant. */
bool bench_work_call(void *work, struct failure *failure);

/* Seconds of one of many calls that follow each other without a wait, from the end of the first to the end of the last by the
 * events' times: what a call costs where the host is ahead of the device. The median of a few such series; NAN where the device
 * has no times. The queue is in-order and has profiling enabled. wall: the seconds of a call with its wait. */
bool bench_work_device_seconds(const struct bench_work *work, cl_command_queue profiled, double wall, double *seconds,
                               struct failure *failure);

#endif
