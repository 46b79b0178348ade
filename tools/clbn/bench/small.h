/* SPDX-License-Identifier: MIT */
/*
 * The floor of a small operation in one kernel, where launches cost more than bytes: the OpenCL calls that it must make, which set as
 * many arguments, and the walks over its tensors that it must make, by a kernel of bench.cl that does the least of arithmetic on the
 * way. Where groups have several work-items, the kernel does nothing.
 */
#ifndef CLBN_TOOL_BENCH_SMALL_H
#define CLBN_TOOL_BENCH_SMALL_H

#include "bench/case.h"
#include "bench/limit.h"
#include "bench/tensors.h"

struct bench_small_call {
    const struct bench_limit *limit;
    const struct bench_tensors *tensors;
    enum bench_op op;
    size_t items;         /* work-items */
    cl_ulong division[3]; /* words from row to row, words of a row to a group, and rows */
};

/* Of a case of rank 2 in float32. The limit and the tensors must outlive the call. */
struct bench_small_call bench_small_bind(const struct bench_limit *limit, const struct bench_tensors *tensors,
                                         const struct bench_case *the_case);

/* Sets the arguments, enqueues the kernel, and does not wait: for struct bench_work. event may be NULL. */
bool bench_small_enqueue(const void *call, cl_command_queue queue, cl_event *event, struct failure *failure);

#endif
