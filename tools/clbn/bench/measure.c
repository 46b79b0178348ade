/* SPDX-License-Identifier: MIT */
#include "bench/measure.h"

#include "system/clock.h"

#include <stdlib.h>

const struct bench_effort bench_effort_full = { 12, { 0.02, 0.06, 12 }, 0.015, 2, 150 };
const struct bench_effort bench_effort_quick = { 2, { 0.01, 0.01, 1 }, 0.005, 1, 20 };

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

struct bench_summary bench_summarize(double *samples, size_t count)
{
    struct bench_summary summary;

    qsort(samples, count, sizeof(*samples), compare);
    summary.median = 0.5 * (samples[(count - 1) / 2] + samples[count / 2]);
    summary.minimum = samples[0];
    summary.percentile_90 = samples[count - 1 - count / 10];
    summary.samples = count;
    return summary;
}

size_t bench_turn_order(size_t turn, size_t position, size_t count)
{
    size_t place = turn / count % 2 == 0 ? position : count - 1 - position;
    size_t zigzag = place % 2 == 1 ? (place + 1) / 2 : count - place / 2;

    return (turn + zigzag) % count;
}

/* Calls that are not timed. */
static bool settle(const struct bench_contestant *contestant, const struct bench_settling *settling, struct failure *failure)
{
    double start = clock_seconds();
    double passed;
    size_t calls = 0;

    do {
        if (!contestant->call(contestant->context, failure))
            return false;
        calls++;
        passed = clock_seconds() - start;
    } while (passed < settling->seconds || (passed < settling->seconds_maximum && calls < settling->calls));
    return true;
}

/* One turn of a contestant; appends its times to the samples. */
static bool take_turn(const struct bench_contestant *contestant, const struct bench_effort *effort, double *samples,
                      size_t *count, struct failure *failure)
{
    if (!settle(contestant, &effort->settling, failure))
        return false;

    double start = clock_seconds();
    double before = start;

    for (size_t calls = 0;
         calls < effort->calls_maximum && (calls < effort->calls_minimum || before - start < effort->timed_seconds); calls++) {
        before = clock_seconds();
        if (!contestant->call(contestant->context, failure))
            return false;
        samples[(*count)++] = clock_seconds() - before;
    }
    return true;
}

bool bench_measure(struct bench_contestant *contestants, size_t count, const struct bench_effort *effort,
                   struct failure *failure)
{
    size_t capacity = effort->turns * effort->calls_maximum;
    double *samples = calloc(count * capacity, sizeof(*samples));
    size_t *sample_counts = calloc(count, sizeof(*sample_counts));
    bool done = false;

    if (samples == NULL || sample_counts == NULL) {
        fail(failure, "there is no memory for the measured times");
        goto cleanup;
    }
    for (size_t turn = 0; turn < effort->turns; turn++) {
        for (size_t position = 0; position < count; position++) {
            size_t i = bench_turn_order(turn, position, count);

            if (!take_turn(&contestants[i], effort, samples + i * capacity, &sample_counts[i], failure))
                goto cleanup;
        }
    }
    for (size_t i = 0; i < count; i++)
        contestants[i].summary = bench_summarize(samples + i * capacity, sample_counts[i]);
    done = true;

cleanup:
    free(samples);
    free(sample_counts);
    return done;
}
