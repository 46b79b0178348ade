/* SPDX-License-Identifier: MIT */
/* The machine's own limit: kernels of bench.cl that only move an operation's bytes, on the same device and buffers. */
#ifndef CLBN_TOOL_BENCH_LIMIT_H
#define CLBN_TOOL_BENCH_LIMIT_H

#include "bench/case.h"
#include "bench/tensors.h"
#include "io/device.h"
#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

enum bench_limit_kernel {
    BENCH_COPY_PLAIN, /* x to y */
    BENCH_COPY_NONTEMPORAL,
    BENCH_TRIAD_PLAIN, /* x and dy to dx */
    BENCH_TRIAD_NONTEMPORAL,
    BENCH_NOTHING,
    BENCH_PASSES_FLOAT32_PLAIN, /* once or twice over tensors, for bench_floor.h */
    BENCH_PASSES_FLOAT32_NONTEMPORAL,
    BENCH_PASSES_FLOAT16_PLAIN,
    BENCH_PASSES_FLOAT16_NONTEMPORAL,
    BENCH_PASSES_BFLOAT16_PLAIN,
    BENCH_PASSES_BFLOAT16_NONTEMPORAL,
    BENCH_SMALL_FORWARD, /* with as many arguments as clbn's kernels, for bench_small.h */
    BENCH_SMALL_BACKWARD,
    BENCH_SMALL_INFERENCE,
    BENCH_LIMIT_KERNELS
};

/* The kernels that do the same with different stores: the best of them is the limit. */
enum { BENCH_LIMIT_STORES = 2 };

/* All zero: closed. */
struct bench_limit {
    cl_program program;
    cl_kernel kernels[BENCH_LIMIT_KERNELS];
    size_t vector;        /* words of 32 bits to a vector */
    size_t group;         /* work-items to a group */
    size_t chunk;         /* vectors to a group, at most */
    size_t compute_units; /* of the device */
};

/* Compiles the kernels for the geometry of the session's engine. The session must outlive the limit. On failure it is
 * closed. */
bool bench_limit_open(struct bench_limit *limit, const struct session *session, struct failure *failure);
void bench_limit_close(struct bench_limit *limit);

/* "copy", "copy-nontemporal", "triad" or "triad-nontemporal" */
const char *bench_limit_name(enum bench_limit_kernel kernel);

/* The first kernel to compare an operation with: the BENCH_LIMIT_STORES from there on read as many tensors, one or several. */
enum bench_limit_kernel bench_limit_first(const struct bench_case *the_case);

/* Bytes that a kernel moves on the tensors of a case. */
size_t bench_limit_bytes(enum bench_limit_kernel kernel, const struct bench_case *the_case);

/* Words of 32 bits to a group of a kernel that moves so many bytes. */
size_t bench_limit_words(const struct bench_limit *limit, size_t bytes);

/* Binds what all of the kernels begin with: x, dy, out, then sizes. */
bool bench_limit_set_arguments(cl_kernel kernel, const struct bench_tensors *tensors, const size_t *sizes, cl_uint count,
                               struct failure *failure);

/* A kernel with its arguments bound. */
struct bench_limit_call {
    const struct bench_limit *limit;
    cl_kernel kernel;
    size_t items; /* work-items */
};

bool bench_limit_bind(struct bench_limit_call *call, const struct bench_limit *limit, enum bench_limit_kernel kernel,
                      const struct bench_tensors *tensors, struct failure *failure);

/* Enqueues the kernel, and does not wait: for struct bench_contestant. event may be NULL. */
bool bench_limit_enqueue(const void *call, cl_command_queue queue, cl_event *event, struct failure *failure);

#endif
