/* SPDX-License-Identifier: MIT */
/* What calls cost on the host: the first ones in a process, and those that are made again and again. */
#ifndef CLBN_TOOL_BENCH_COSTS_H
#define CLBN_TOOL_BENCH_COSTS_H

#include "bench/case.h"
#include "bench/limit.h"
#include "bench/measure.h"
#include "io/device.h"
#include "io/failure.h"

#include <stdbool.h>

struct bench_call_costs {
    struct bench_summary enqueue; /* until the call returns */
    struct bench_summary whole;   /* until what it enqueued has finished */
};

struct bench_costs {
    double engine_first;                /* seconds of clbnCreateEngine, the first time in this process */
    struct bench_summary engine_again;  /* ... and in the same context again */
    double kind_first;                  /* the first plan of a kind, which compiles, or finds its program in the user's cache */
    struct bench_summary kind_compiled; /* ... on a new engine of the same context, without the library's disk cache */
    struct bench_summary kind_cached;   /* ... with its program in that cache */
    struct bench_summary plan;          /* a plan for a new shape of a known kind */
    struct bench_call_costs call[BENCH_OPS];  /* of operations on 60 x 100 values, ... */
    struct bench_call_costs floor[BENCH_OPS]; /* ... of bench_small.h's calls for them, ... */
    struct bench_call_costs nothing;          /* ... and of a kernel that does nothing */
};

/* Opens a session as session_open() does, and times its engine and the first plan. The costs begin here. */
bool bench_costs_open(struct bench_costs *costs, struct session *session, const struct session_options *options,
                      struct failure *failure);

/* Measures what can be measured again. */
bool bench_costs_measure(struct bench_costs *costs, const struct session *session, const struct bench_limit *limit,
                         struct failure *failure);

#endif
