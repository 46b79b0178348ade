/* SPDX-License-Identifier: MIT */
/* One row of 'clbn bench': clbn, the machine's limit and the peer, measured in turns on the same data. */
#ifndef CLBN_TOOL_BENCH_RUN_H
#define CLBN_TOOL_BENCH_RUN_H

#include "bench/case.h"
#include "bench/floor.h"
#include "bench/limit.h"
#include "bench/measure.h"
#include "bench/tensors.h"
#include "io/device.h"
#include "io/failure.h"

#include <stdbool.h>
#include <stddef.h>

/* Of a call with its wait, and of one among many by the device's clock. */
struct bench_time {
    struct bench_summary wall;
    double device_seconds;
};

struct bench_row {
    struct bench_case what;
    char skipped[256]; /* Why it was not measured, in a phrase; otherwise empty, and the rest is filled. */
    struct bench_time clbn;
    struct bench_time limits[BENCH_LIMIT_STORES]; /* from bench_limit_first() on */
    bool has_floor;
    struct bench_time floors[BENCH_LIMIT_STORES]; /* then, unless the floor is the limit */
    bool has_peer;
    bool busy; /* Other programs had work for the cores. */
    struct bench_summary peer;
    char kernels[160];
    char peer_implementation[64];
};

/* What the rows of a run have in common. */
struct bench_run {
    const struct session *session;
    cl_command_queue profiled; /* like the session's, with profiling enabled */
    const struct bench_limit *limit;
    const struct bench_effort *effort;
    bool with_peer;
};

/* Measures row->what on the tensors, which have its shape and type. Fails where clbn and the peer compute different
 * things. */
bool bench_run_row(const struct bench_run *run, const struct bench_tensors *tensors, struct bench_row *row,
                   struct failure *failure);

/* Of the bytes that must move in that time: 10^9 bytes to a second. */
double bench_row_rate(const struct bench_row *row, double seconds);

/* Of the best kernel that only moves bytes. */
double bench_row_limit_rate(const struct bench_row *row);

/* Seconds of the best kernels that do no more than the operation must; NAN if it has no floor. */
double bench_row_floor(const struct bench_row *row);

/* How many times faster than the peer clbn is; NAN where there is no peer, or the ratio means nothing. */
double bench_row_peer_ratio(const struct bench_row *row);

/* Whether clbn's times or the peer's spread so much, or the machine is so busy, that their ratio means nothing: oneDNN's threads wait
 * for each other, and take a thousand times as long where one of them has no core. */
bool bench_row_is_unsteady(const struct bench_row *row);

/* Whether the row's floors are measured. */
bool bench_row_has_floors(const struct bench_row *row);

#endif
