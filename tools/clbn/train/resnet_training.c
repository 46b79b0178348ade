/* SPDX-License-Identifier: MIT */
#include "train/resnet_training.h"

#include "system/clock.h"
#include "train/checkpoint.h"
#include "train/pace.h"
#include "train/samples.h"

#include <math.h>
#include <string.h>

/* Usual ones; statistics that are frozen are those of weights that hardly move any more. */
static const double momentum = 0.9;
static const double decay = 5e-4;
static const double frozen_rate = 0.01;

/* Of the training, and on frozen statistics. */
enum { POINTS = 10, FROZEN_POINTS = 4 };

/* All zero: closed. */
struct training {
    const struct resnet_training_options *options;
    const struct resnet_observer *observer;
    struct resnet_result *result;
    struct arithmetic arithmetic;
    struct samples training_samples;
    struct samples test_samples;
    struct resnet resnet;
    cl_mem x; /* (batch, pixels) */
    struct pace pace;
    double started; /* seconds of two clocks when this process began to train, less what is behind the checkpoint */
    double processor_started;
};

static void close_training(struct training *training)
{
    pace_close(&training->pace);
    if (training->x != NULL)
        clReleaseMemObject(training->x);
    resnet_close(&training->resnet);
    samples_close(&training->training_samples);
    samples_close(&training->test_samples);
    arithmetic_close(&training->arithmetic);
}

static bool open_training(struct training *training, const struct session *session, const struct idx_set *training_set,
                          const struct idx_set *test_set, struct failure *failure)
{
    const struct resnet_training_options *options = training->options;
    const struct resnet_options network = { .side = training_set->height,
                                            .channels = options->channels,
                                            .classes = options->classes,
                                            .rows = options->batch,
                                            .type = options->type,
                                            .channels_last = options->channels_last,
                                            .method = options->method,
                                            .seed = options->seed };

    if (training_set->height != training_set->width)
        return fail(failure, "the images are of %zu x %zu pixels: the network takes square ones", training_set->height,
                    training_set->width);
    /* The order's random numbers are another stream than those of the weights. */
    if (!arithmetic_open(&training->arithmetic, session, failure) ||
        !samples_open(&training->training_samples, &training->arithmetic, training_set, ~options->seed, failure) ||
        !samples_open(&training->test_samples, &training->arithmetic, test_set, 0, failure) ||
        !resnet_open(&training->resnet, &training->arithmetic, session->engine, &network, failure))
        return false;
    training->x = arithmetic_buffer(&training->arithmetic, options->batch * training->training_samples.width, failure);
    return training->x != NULL;
}

/* ---- Checkpoints */

static bool checkpoint_options(const struct training *training, struct checkpoint *checkpoint, struct failure *failure)
{
    const struct resnet_training_options *options = training->options;

    return checkpoint_same(checkpoint, "number of steps", (double)options->steps, failure) &&
           checkpoint_same(checkpoint, "batch", (double)options->batch, failure) &&
           checkpoint_same(checkpoint, "number of channels", (double)options->channels, failure) &&
           checkpoint_same(checkpoint, "learning rate", options->learning_rate, failure) &&
           checkpoint_same(checkpoint, "seed", (double)options->seed, failure) &&
           checkpoint_same(checkpoint, "type", (double)options->type, failure) &&
           checkpoint_same(checkpoint, "layout", (double)options->channels_last, failure) &&
           method_checkpoint(&options->method, checkpoint, failure) &&
           checkpoint_same(checkpoint, "number of training images", (double)training->training_samples.count, failure) &&
           checkpoint_same(checkpoint, "number of test images", (double)training->test_samples.count, failure) &&
           checkpoint_same(checkpoint, "number of pixels", (double)training->training_samples.width, failure);
}

static bool checkpoint_result(struct training *training, struct checkpoint *checkpoint, struct failure *failure)
{
    struct resnet_result *result = training->result;

    if (!checkpoint_reals(checkpoint, &result->seconds, 1, failure) ||
        !checkpoint_reals(checkpoint, &result->processor_seconds, 1, failure) ||
        !checkpoint_count(checkpoint, &result->point_count, 1 + POINTS + FROZEN_POINTS, failure))
        return false;
    for (size_t i = 0; i < result->point_count; i++) {
        struct resnet_point *point = &result->points[i];

        if (!checkpoint_count(checkpoint, &point->step, training->options->steps + training->options->frozen_steps, failure) ||
            !checkpoint_reals(checkpoint, &point->training.loss, 1, failure) ||
            !checkpoint_reals(checkpoint, &point->training.accuracy, 1, failure) ||
            !checkpoint_reals(checkpoint, &point->test.loss, 1, failure) ||
            !checkpoint_reals(checkpoint, &point->test.accuracy, 1, failure))
            return false;
    }
    return true;
}

static bool walk_state(void *state, struct checkpoint *checkpoint, struct failure *failure)
{
    struct training *training = state;

    return checkpoint_options(training, checkpoint, failure) && checkpoint_result(training, checkpoint, failure) &&
           samples_checkpoint(&training->training_samples, &training->arithmetic, checkpoint, failure) &&
           resnet_checkpoint(&training->resnet, checkpoint, failure);
}

/* ---- Training */

static bool test(struct training *training, struct score *score, struct failure *failure)
{
    for (size_t first = 0; first < training->test_samples.count; first += training->options->batch) {
        struct batch batch = samples_batch(&training->test_samples, first, training->options->batch);

        if (!enqueue_gather(&training->arithmetic, &batch, training->x, failure) ||
            !resnet_test(&training->resnet, training->x, &batch, RESNET_INFERENCE, failure))
            return false;
    }
    return tally_read(&training->resnet.test, &training->arithmetic, score, failure);
}

static bool show(const struct training *training, const struct resnet_point *point, struct failure *failure)
{
    const struct resnet_observer *observer = training->observer;

    observer->on_point(observer->context, point);
    if (point->step > 0 && !isfinite(point->training.loss))
        return fail(failure, "the loss is not a finite number at step %zu: a smaller learning rate than %g may help",
                    point->step, training->options->learning_rate);
    return observer->goes_on == NULL || observer->goes_on(observer->context) ||
           fail(failure, "stopped at step %zu", point->step);
}

static bool reach_point(struct training *training, size_t done, struct failure *failure)
{
    struct resnet_result *result = training->result;
    struct resnet_point *point = &result->points[result->point_count];

    point->step = done;
    if (!tally_read(&training->resnet.training, &training->arithmetic, &point->training, failure) ||
        !test(training, &point->test, failure))
        return false;
    result->point_count++;
    result->seconds = clock_seconds() - training->started;
    result->processor_seconds = clock_processor_seconds() - training->processor_started;
    return checkpoint_save(training->options->checkpoint, walk_state, training, failure) && show(training, point, failure);
}

static bool step(struct training *training, size_t done, struct failure *failure)
{
    const struct resnet_training_options *options = training->options;
    bool frozen = done >= options->steps;
    double left = frozen ? frozen_rate : 1.0 - (double)done / (double)options->steps;
    training->resnet.bounds = method_bounds(&options->method, done, options->steps);
    const struct descent descent = { .rate = left * options->learning_rate, .momentum = momentum, .decay = decay };
    struct batch batch;

    return samples_next(&training->training_samples, &training->arithmetic, options->batch, &batch, failure) &&
           enqueue_gather(&training->arithmetic, &batch, training->x, failure) &&
           resnet_train(&training->resnet, training->x, &batch, frozen ? RESNET_FROZEN : RESNET_TRAINING, descent, failure);
}

/* The step of the point that follows, among so many from first to end. */
static size_t next_point(size_t step, size_t first, size_t end, size_t points)
{
    size_t interval = (end - first + points - 1) / points;
    size_t next = step + (interval > 0 ? interval : 1);

    return next < end ? next : end;
}

static bool train_to(struct training *training, size_t *done, size_t end, struct failure *failure)
{
    while (*done < end) {
        if (!step(training, *done, failure) || !pace_step(&training->pace, training->arithmetic.queue, failure))
            return false;
        training->observer->on_steps(training->observer->context, (*done)++);
    }
    return reach_point(training, *done, failure);
}

static bool run(struct training *training, struct failure *failure)
{
    const struct resnet_training_options *options = training->options;
    struct resnet_result *result = training->result;
    size_t end = options->steps + options->frozen_steps;
    size_t done = 0;

    if (!checkpoint_restore(training->options->checkpoint, walk_state, training, failure))
        return false;
    training->started = clock_seconds() - result->seconds;
    training->processor_started = clock_processor_seconds() - result->processor_seconds;
    for (size_t i = 0; i < result->point_count; i++)
        if (!show(training, &result->points[i], failure))
            return false;
    if (result->point_count > 0)
        done = result->points[result->point_count - 1].step;
    else if (!reach_point(training, 0, failure))
        return false;
    while (done < end) {
        size_t next = done < options->steps ? next_point(done, 0, options->steps, POINTS)
                                            : next_point(done, options->steps, end, FROZEN_POINTS);

        if (!train_to(training, &done, next, failure))
            return false;
    }
    return resnet_measure(&training->resnet, &training->test_samples, training->x, &result->measures, failure);
}

bool resnet_training_run(const struct session *session, const struct idx_set *training_set, const struct idx_set *test_set,
                         const struct resnet_training_options *options, const struct resnet_observer *observer,
                         struct resnet_result *result, struct failure *failure)
{
    struct training training;

    memset(&training, 0, sizeof training);
    memset(result, 0, sizeof *result);
    training.options = options;
    training.observer = observer;
    training.result = result;
    bool done = open_training(&training, session, training_set, test_set, failure) && run(&training, failure);
    if (!done)
        clFinish(session->queue);
    close_training(&training);
    return done;
}
