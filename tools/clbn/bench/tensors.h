/* SPDX-License-Identifier: MIT */
/* The data of one shape and type: random tensors and vectors, on the device and, for a peer, on the host. */
#ifndef CLBN_TOOL_BENCH_TENSORS_H
#define CLBN_TOOL_BENCH_TENSORS_H

#include "bench/case.h"
#include "io/device.h"
#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

/* BENCH_OUT is y or dx; the residual and its gradient are there for cases that have one. */
enum bench_tensor { BENCH_X, BENCH_DY, BENCH_OUT, BENCH_Z, BENCH_DZ, BENCH_TENSORS };

/* One value to a channel. The running statistics that a training updates are others than those an inference reads, so
 * that the latter stay what they were. */
enum bench_vector {
    BENCH_GAMMA,
    BENCH_BETA,
    BENCH_MEAN, /* for inference */
    BENCH_VAR,
    BENCH_UPDATED_MEAN, /* by training */
    BENCH_UPDATED_VAR,
    BENCH_SAVE_MEAN,
    BENCH_SAVE_INVSTD,
    BENCH_DGAMMA,
    BENCH_DBETA,
    BENCH_VECTORS
};

/* All zero: closed. */
struct bench_tensors {
    size_t elements;
    size_t channels;
    size_t count; /* of tensors */
    enum bench_type type;
    bool shared; /* The tensors' buffers lie in the host's memory: on a CPU. */
    cl_mem tensors[BENCH_TENSORS];
    cl_mem vectors[BENCH_VECTORS];
    void *host_tensors[BENCH_TENSORS]; /* what the buffers use, where shared; else NULL */
    void *host_vectors[BENCH_VECTORS]; /* what the buffers were filled with */
};

/* Whether the session's device can hold such tensors in half of its memory, and compute in their type. False: the
 * failure's sentence says why not. */
bool bench_tensors_fit(const struct session *session, const struct bench_case *the_case, struct failure *failure);

/* Any layout has the same random tensors. On failure they are closed. */
bool bench_tensors_open(struct bench_tensors *tensors, const struct session *session, const struct bench_case *the_case,
                        struct failure *failure);
void bench_tensors_close(struct bench_tensors *tensors);

#endif
