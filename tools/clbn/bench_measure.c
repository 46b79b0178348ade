#define _POSIX_C_SOURCE 200809L

#include "bench_measure.h"

#include <stdlib.h>
#include <time.h>

const struct bench_effort bench_effort_full = { 7, 0.02, 0.02, 2, 200 };
const struct bench_effort bench_effort_quick = { 2, 0.01, 0.005, 1, 20 };

double bench_now(void)
{
    struct timespec time = { 0, 0 };

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

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

/* One turn of a contestant; appends its times to the samples. */
static bool take_turn(const struct bench_contestant *contestant, const struct bench_effort *effort, double *samples,
                      size_t *count, struct failure *failure)
{
    double start = bench_now();
    double before;

    do {
        if (!contestant->call(contestant->context, failure))
            return false;
        before = bench_now();
    } while (before - start < effort->settle_seconds);
    start = before;
    for (size_t calls = 0;
         calls < effort->calls_maximum && (calls < effort->calls_minimum || before - start < effort->timed_seconds); calls++) {
        before = bench_now();
        if (!contestant->call(contestant->context, failure))
            return false;
        samples[(*count)++] = bench_now() - before;
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
        for (size_t i = 0; i < count; i++)
            if (!take_turn(&contestants[i], effort, samples + i * capacity, &sample_counts[i], failure))
                goto cleanup;
    }
    for (size_t i = 0; i < count; i++)
        contestants[i].summary = bench_summarize(samples + i * capacity, sample_counts[i]);
    done = true;

cleanup:
    free(samples);
    free(sample_counts);
    return done;
}
