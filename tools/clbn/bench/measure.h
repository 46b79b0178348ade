/* SPDX-License-Identifier: MIT */
/*
 * Timing of contestants that take turns: A B, B A, ...
 *
 * A turn begins with calls that are not timed, until what the contestant before left running has gone (OpenMP's threads
 * wait busily for up to 8 ms) and caches hold what this one's own calls leave there. A server's cache takes ten and more calls
 * to forget what large tensors' last one left in it, so each comes as often after each of the others.
 */
#ifndef CLBN_TOOL_BENCH_MEASURE_H
#define CLBN_TOOL_BENCH_MEASURE_H

#include "io/failure.h"

#include <stdbool.h>
#include <stddef.h>

/* Seconds. */
struct bench_summary {
    double median;
    double minimum;
    double percentile_90; /* the smallest sample that 90 % of the samples do not exceed */
    size_t samples;
};

/* Sorts the samples, of which there is at least one. */
struct bench_summary bench_summarize(double *samples, size_t count);

struct bench_contestant {
    bool (*call)(void *context, struct failure *failure); /* does the work and waits for it */
    void *context;
    struct bench_summary summary; /* the result */
};

/* Who comes at a place of a turn, of count contestants: over count turns (twice as many, if count is odd) each comes as often
 * directly after each of the others (E. J. Williams, 1949: designs balanced for residual effects). */
size_t bench_turn_order(size_t turn, size_t position, size_t count);

/* Calls that are not timed: at least one, for so long, and longer where that were few calls. */
struct bench_settling {
    double seconds;
    double seconds_maximum; /* unless there were ... */
    size_t calls;           /* ... so many before */
};

struct bench_effort {
    size_t turns;                   /* of each contestant */
    struct bench_settling settling; /* at the beginning of a turn */
    double timed_seconds;           /* of timed calls in a turn, ... */
    size_t calls_minimum;           /* ... in at least so many calls ... */
    size_t calls_maximum;           /* ... and at most so many */
};

/* For figures to keep, and for a quick look. */
extern const struct bench_effort bench_effort_full;
extern const struct bench_effort bench_effort_quick;

/* Fills the contestants' summaries. */
bool bench_measure(struct bench_contestant *contestants, size_t count, const struct bench_effort *effort,
                   struct failure *failure);

#endif
