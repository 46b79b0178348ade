/* SPDX-License-Identifier: MIT */
#include "train/resnet_measure.h"

#include "system/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In which the contestants take turns: more where the difference is small. */
enum { STEP_ROUNDS = 7, INFERENCE_ROUNDS = 31, MOST_ROUNDS = INFERENCE_ROUNDS };

static bool read_logits(struct resnet *resnet, float *logits, struct failure *failure)
{
    size_t size = resnet->options.rows * resnet->options.classes * sizeof *logits;
    cl_int status =
        clEnqueueReadBuffer(resnet->arithmetic->queue, resnet->buffers[RESNET_LOGITS], CL_TRUE, 0, size, logits, 0, NULL, NULL);

    return status == CL_SUCCESS || fail_opencl(failure, "clEnqueueReadBuffer", status);
}

static size_t greatest(const float *logits, size_t classes)
{
    size_t best = 0;

    for (size_t i = 1; i < classes; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static void compare(const float *logits, const float *folded, size_t rows, size_t classes, struct resnet_measures *measures)
{
    for (size_t i = 0; i < rows; i++, logits += classes, folded += classes) {
        measures->samples++;
        measures->agreeing += greatest(logits, classes) == greatest(folded, classes);
        for (size_t j = 0; j < classes; j++) {
            measures->greatest_logit = fmax(measures->greatest_logit, fabs((double)logits[j]));
            measures->logit_difference = fmax(measures->logit_difference, fabs((double)folded[j] - (double)logits[j]));
        }
    }
}

/* Both networks on the whole test set. */
static bool compare_folded(struct resnet *resnet, const struct samples *samples, cl_mem x, struct resnet_measures *measures,
                           struct failure *failure)
{
    size_t rows = resnet->options.rows;
    size_t classes = resnet->options.classes;
    float *logits = malloc(2 * rows * classes * sizeof *logits);
    bool done = logits != NULL || fail(failure, "there is no memory for the logits of %zu images", rows);

    for (size_t first = 0; done && first < samples->count; first += rows) {
        struct batch batch = samples_batch(samples, first, rows);

        done = enqueue_gather(resnet->arithmetic, &batch, x, failure) && resnet_forward(resnet, x, RESNET_INFERENCE, failure) &&
               read_logits(resnet, logits, failure) && resnet_test(resnet, x, &batch, RESNET_FOLDED, failure) &&
               read_logits(resnet, logits + rows * classes, failure);
        if (done)
            compare(logits, logits + rows * classes, batch.rows, classes, measures);
    }
    free(logits);
    return done && tally_read(&resnet->test, resnet->arithmetic, &measures->folded, failure);
}

static int ascending(const void *one, const void *other)
{
    double a = *(const double *)one;
    double b = *(const double *)other;

    return (a > b) - (a < b);
}

static double median(double *seconds, size_t count)
{
    qsort(seconds, count, sizeof *seconds, ascending);
    return seconds[count / 2];
}

/* Something that is enqueued over and over, and how long it takes with its wait. */
typedef bool (*work)(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode,
                     struct failure *failure);

static bool infer(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode, struct failure *failure)
{
    (void)batch;
    return resnet_forward(resnet, x, mode, failure);
}

static bool step(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode, struct failure *failure)
{
    const struct descent standing = { 0 };

    return resnet_train(resnet, x, batch, mode, standing, failure);
}

static bool time_work(struct resnet *resnet, work what, cl_mem x, const struct batch *batch, enum resnet_mode mode,
                      double *seconds, struct failure *failure)
{
    cl_command_queue queue = resnet->arithmetic->queue;
    double start;

    if (clFinish(queue) != CL_SUCCESS)
        return fail(failure, "waiting for the device failed");
    start = clock_seconds();
    if (!what(resnet, x, batch, mode, failure))
        return false;
    if (clFinish(queue) != CL_SUCCESS)
        return fail(failure, "waiting for the device failed");
    *seconds = clock_seconds() - start;
    return true;
}

/* Both modes in turns, after a round that compiles. With the stopwatch, the norms' part of it alone. */
static bool time_modes(struct resnet *resnet, work what, cl_mem x, const struct batch *batch, const enum resnet_mode modes[2],
                       bool norms, size_t rounds, double medians[2], struct failure *failure)
{
    double seconds[2][MOST_ROUNDS];

    resnet->stopwatch.runs = norms;
    for (size_t round = 0; round <= rounds; round++) {
        for (size_t i = 0; i < 2; i++) {
            double *one = &seconds[i][round > 0 ? round - 1 : 0];

            resnet->stopwatch.seconds = 0.0;
            if (!time_work(resnet, what, x, batch, modes[i], one, failure))
                return false;
            if (norms)
                *one = resnet->stopwatch.seconds;
        }
    }
    resnet->stopwatch.runs = false;
    medians[0] = median(seconds[0], rounds);
    medians[1] = median(seconds[1], rounds);
    return true;
}

bool resnet_measure(struct resnet *resnet, const struct samples *test_samples, cl_mem x, struct resnet_measures *measures,
                    struct failure *failure)
{
    static const enum resnet_mode inferences[2] = { RESNET_INFERENCE, RESNET_FOLDED };
    static const enum resnet_mode trainings[2] = { RESNET_TRAINING, RESNET_TEXTBOOK };
    struct batch batch = samples_batch(test_samples, 0, resnet->options.rows);
    double inference[2];
    double steps[2];
    double norms[2];

    memset(measures, 0, sizeof *measures);
    if (!resnet_fold(resnet, failure) || !compare_folded(resnet, test_samples, x, measures, failure) ||
        !enqueue_gather(resnet->arithmetic, &batch, x, failure) ||
        !time_modes(resnet, infer, x, &batch, inferences, false, INFERENCE_ROUNDS, inference, failure) ||
        !time_modes(resnet, step, x, &batch, trainings, false, STEP_ROUNDS, steps, failure) ||
        !time_modes(resnet, step, x, &batch, trainings, true, STEP_ROUNDS, norms, failure))
        return false;
    measures->inference = inference[0];
    measures->folded_inference = inference[1];
    measures->step = steps[0];
    measures->textbook_step = steps[1];
    measures->step_norms = norms[0];
    measures->textbook_step_norms = norms[1];
    return true;
}
