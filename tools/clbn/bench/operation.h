/* SPDX-License-Identifier: MIT */
/* One of clbn's operations on the data of a shape. */
#ifndef CLBN_TOOL_BENCH_OPERATION_H
#define CLBN_TOOL_BENCH_OPERATION_H

#include "bench/case.h"
#include "bench/tensors.h"
#include "io/device.h"
#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>

/* All zero: closed. */
struct bench_operation {
    const struct bench_tensors *tensors;
    clbn_plan plan;
    cl_mem workspace; /* NULL: none is needed. */
    cl_mem mask;      /* NULL: none is written and read. */
    enum bench_op op;
};

clbn_plan bench_create_plan(clbn_engine engine, const struct bench_case *the_case, struct failure *failure);

/* Makes a plan and buffers, and for a backward what a forward saves: statistics and a mask. The tensors and the session must
 * outlive it. On failure it is closed. */
bool bench_operation_open(struct bench_operation *operation, const struct session *session, const struct bench_case *the_case,
                          const struct bench_tensors *tensors, struct failure *failure);
void bench_operation_close(struct bench_operation *operation);

/* Enqueues the operation, and does not wait: for struct bench_work. */
bool bench_operation_enqueue(const void *operation, cl_command_queue queue, cl_event *event, struct failure *failure);

/* The plan's kernels for the operation, in order, with spaces between; cut where they do not fit. */
void bench_operation_kernels(const struct bench_operation *operation, char *text, size_t size);

#endif
