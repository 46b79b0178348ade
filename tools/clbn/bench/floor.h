/* SPDX-License-Identifier: MIT */
/*
 * The floor, on a CPU, of an operation: the walks that it must make, by kernels of bench.cl that do the least of arithmetic on the way,
 * and convert what has 16 bits. Training walks twice: channels first, a group reads its channels, and again while it writes; else,
 * and where channels are fewer than compute units, all is read before anything is written. Inference walks once.
 */
#ifndef CLBN_TOOL_BENCH_FLOOR_H
#define CLBN_TOOL_BENCH_FLOOR_H

#include "bench/limit.h"

/* Whether a case walks over no other tensors than the kernels do, of a type that they know, on a device where nothing is kept on
 * chip. */
bool bench_floor_applies(const struct bench_case *the_case, const struct bench_limit *limit);

/* Whether its floor is the limit: it walks once, and converts nothing. */
bool bench_floor_is_limit(const struct bench_case *the_case);

/* What a launch does: as in bench.cl. */
enum { PASS_READ = 1, PASS_WRITE = 2, PASS_TWO = 4 };

/* Groups that have `run` words, of 32 bits, of each of `rows` rows, which begin `pitch` words apart. */
struct bench_floor_slabs {
    size_t rows, pitch, run;
    size_t groups;
    cl_uint launches[2]; /* passes of each; 0 for none */
};

/* words: a run that is long enough, to a group, where any will do. */
struct bench_floor_slabs bench_floor_divide(const struct bench_case *the_case, size_t compute_units, size_t words);

/* Kernels with their arguments bound, but for the pass. */
struct bench_floor_call {
    const struct bench_limit *limit;
    cl_kernel kernel;
    size_t items; /* work-items */
    cl_uint launches[2];
};

/* stores: 0 plain, 1 non-temporal. */
bool bench_floor_bind(struct bench_floor_call *call, const struct bench_limit *limit, size_t stores,
                      const struct bench_case *the_case, const struct bench_tensors *tensors, struct failure *failure);

/* Enqueues the passes, and does not wait: for struct bench_contestant. event may be NULL. */
bool bench_floor_enqueue(const void *call, cl_command_queue queue, cl_event *event, struct failure *failure);

/* "floor" or "floor-nontemporal" */
const char *bench_floor_name(size_t stores);

#endif
