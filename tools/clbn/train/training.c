/* SPDX-License-Identifier: MIT */
#include "train/training.h"

#include "train/arithmetic.h"
#include "train/checkpoint.h"
#include "train/network.h"
#include "train/pace.h"
#include "train/samples.h"

#include <stdlib.h>
#include <string.h>

enum {
    HIDDEN_WIDTH = 100,
    TEST_ROWS = 500, /* samples of a test batch */
    PACE_STEPS = 32  /* steps between two markers in the queue */
};

/* Standard deviation of the initial weights: 1 / sqrt(100) keeps the size of what passes a hidden layer. */
static const double initial_deviation = 0.1;

/* All zero: closed. */
struct training {
    const struct training_options *options;
    const struct training_observer *observer;
    struct training_curve *curve;
    cl_command_queue queue;
    struct arithmetic arithmetic;
    struct samples training_samples;
    struct samples test_samples;
    struct network networks[CONTENDERS]; /* closed for one that is not trained */
    cl_mem training_x;                   /* (batch, width) */
    cl_mem test_x;                       /* (TEST_ROWS, width) */
    float *inputs;                       /* a value for each test sample */
    struct pace pace;
};

static void close_training(struct training *training)
{
    pace_close(&training->pace);
    if (training->training_x != NULL)
        clReleaseMemObject(training->training_x);
    if (training->test_x != NULL)
        clReleaseMemObject(training->test_x);
    for (size_t i = 0; i < CONTENDERS; i++)
        network_close(&training->networks[i]);
    free(training->inputs);
    samples_close(&training->training_samples);
    samples_close(&training->test_samples);
    arithmetic_close(&training->arithmetic);
}

/* This process's rows of a batch. */
static struct batch share_of(const struct training_options *options, struct batch whole)
{
    struct batch share = whole;
    size_t first;

    if (options->peers != NULL) {
        peers_share(options->peers, whole.rows, &first, &share.rows);
        share.first += first;
    }
    return share;
}

static bool open_networks(struct training *training, clbn_engine engine, struct failure *failure)
{
    const struct training_options *options = training->options;
    struct batch whole = { .rows = options->batch };
    struct network_options network_options = {
        .inputs = training->training_samples.width,
        .hidden = HIDDEN_WIDTH,
        .classes = options->classes,
        .training_rows = share_of(options, whole).rows,
        .test_rows = TEST_ROWS,
        .test_samples = training->test_samples.count,
        .dropout = options->dropout,
        .learning_rate = options->learning_rate,
        .method = options->method,
        .deviation = initial_deviation,
        .seed = options->seed,
        .peers = options->peers,
        .whole_rows = options->batch,
    };

    for (size_t i = 0; i < CONTENDERS; i++) {
        network_options.batch_norm = i == CONTENDER_BATCH_NORM;
        if (options->trained[i] &&
            !network_open(&training->networks[i], &training->arithmetic, engine, &network_options, failure))
            return false;
    }
    return true;
}

static bool open_training(struct training *training, const struct session *session, const struct idx_set *training_set,
                          const struct idx_set *test_set, struct failure *failure)
{
    struct arithmetic *arithmetic = &training->arithmetic;
    const struct training_options *options = training->options;

    /* The order's random numbers are another stream than those of the weights. */
    if (!arithmetic_open(arithmetic, session, failure) ||
        !samples_open(&training->training_samples, arithmetic, training_set, ~options->seed, failure) ||
        !samples_open(&training->test_samples, arithmetic, test_set, 0, failure) ||
        !open_networks(training, session->engine, failure))
        return false;
    training->queue = session->queue;
    training->training_x = arithmetic_buffer(arithmetic, options->batch * training->training_samples.width, failure);
    if (training->training_x == NULL)
        return false;
    training->test_x = arithmetic_buffer(arithmetic, TEST_ROWS * training->test_samples.width, failure);
    if (training->test_x == NULL)
        return false;
    training->inputs = malloc((training->test_samples.count + 1) * sizeof *training->inputs);
    return training->inputs != NULL || fail(failure, "there is no memory for the inputs of a sigmoid");
}

/* Steps every network once, on the same batch. */
static bool step(struct training *training, size_t done, struct failure *failure)
{
    const struct training_options *options = training->options;
    struct batch batch;

    if (!samples_next(&training->training_samples, &training->arithmetic, training->options->batch, &batch, failure))
        return false;
    batch = share_of(training->options, batch);
    if (!enqueue_gather(&training->arithmetic, &batch, training->training_x, failure))
        return false;
    for (size_t i = 0; i < CONTENDERS; i++) {
        training->networks[i].bounds = method_bounds(&options->method, done, options->steps);
        training->networks[i].step = done;
        if (options->trained[i] && !network_train(&training->networks[i], training->training_x, &batch, failure))
            return false;
    }
    return true;
}

static bool read_scores(struct training *training, size_t contender, struct training_point *point, struct failure *failure)
{
    struct network *network = &training->networks[contender];
    size_t count = network->test.samples;

    if (!network_read_typical(network, training->inputs, failure) ||
        !tally_read(&network->training, &training->arithmetic, &point->scores[contender].training, failure) ||
        !tally_read(&network->test, &training->arithmetic, &point->scores[contender].test, failure))
        return false;
    point->scores[contender].inputs = distribution_of(training->inputs, count);
    return true;
}

/* Classifies the whole test set with every network, and reads all their tallies. */
static bool evaluate(struct training *training, struct training_point *point, struct failure *failure)
{
    for (size_t first = 0; first < training->test_samples.count; first += TEST_ROWS) {
        struct batch batch = samples_batch(&training->test_samples, first, TEST_ROWS);

        if (!enqueue_gather(&training->arithmetic, &batch, training->test_x, failure))
            return false;
        for (size_t i = 0; i < CONTENDERS; i++)
            if (training->options->trained[i] && !network_test(&training->networks[i], training->test_x, &batch, failure))
                return false;
    }
    for (size_t i = 0; i < CONTENDERS; i++)
        if (training->options->trained[i] && !read_scores(training, i, point, failure))
            return false;
    return true;
}

size_t training_next_point(size_t step, size_t steps)
{
    enum { POINTS = 40, DENSER = 5 };
    size_t interval = steps / POINTS > 0 ? steps / POINTS : 1;
    size_t fine = interval / DENSER > 0 ? interval / DENSER : 1;
    size_t next = step + (step < 2 * interval ? fine : interval);

    return next < steps ? next : steps;
}

/* What must be the same in a training that goes on. */
static bool checkpoint_options(const struct training *training, struct checkpoint *checkpoint, struct failure *failure)
{
    const struct training_options *options = training->options;

    return checkpoint_same(checkpoint, "number of steps", (double)options->steps, failure) &&
           checkpoint_same(checkpoint, "batch", (double)options->batch, failure) &&
           checkpoint_same(checkpoint, "learning rate", options->learning_rate, failure) &&
           checkpoint_same(checkpoint, "dropout", options->dropout, failure) &&
           checkpoint_same(checkpoint, "seed", (double)options->seed, failure) &&
           checkpoint_same(checkpoint, "choice of networks", options->trained[0] + 2 * options->trained[1], failure) &&
           method_checkpoint(&options->method, checkpoint, failure) &&
           checkpoint_same(checkpoint, "number of training images", (double)training->training_samples.count, failure) &&
           checkpoint_same(checkpoint, "number of test images", (double)training->test_samples.count, failure) &&
           checkpoint_same(checkpoint, "number of pixels", (double)training->training_samples.width, failure);
}

/* Saves or restores the state of the training. */
static bool walk_state(void *state, struct checkpoint *checkpoint, struct failure *failure)
{
    struct training *training = state;

    if (!checkpoint_options(training, checkpoint, failure) ||
        !training_curve_checkpoint(training->curve, checkpoint, training->options->steps, failure) ||
        !samples_checkpoint(&training->training_samples, &training->arithmetic, checkpoint, failure))
        return false;
    for (size_t i = 0; i < CONTENDERS; i++)
        if (training->options->trained[i] && !network_checkpoint(&training->networks[i], checkpoint, failure))
            return false;
    return true;
}

/* Shows the points that were restored. */
static bool show_points(const struct training *training, struct failure *failure)
{
    for (size_t i = 0; i < training->curve->count; i++)
        if (!training->observer->on_point(training->observer->context, &training->curve->points[i], failure))
            return false;
    return true;
}

static bool writes_checkpoints(const struct training_options *options)
{
    return options->peers == NULL || options->peers->rank == 0;
}

/* All go on from the same step, which those would not that have not the first one's files. */
static bool check_beginnings(const struct training *training, size_t done, struct failure *failure)
{
    double sum = (double)done;

    if (training->options->peers == NULL)
        return true;
    return peers_sum(training->options->peers, &sum, 1, failure) &&
           (sum == (double)done * training->options->peers->size ||
            fail(failure, "the processes have other checkpoints than the first: they need the same folder"));
}

/* Adds the point after so many steps, with the checkpoint before it is shown. */
static bool reach_point(struct training *training, size_t done, struct failure *failure)
{
    struct training_point *point = training_curve_add(training->curve, done, failure);

    return point != NULL && evaluate(training, point, failure) &&
           checkpoint_save(writes_checkpoints(training->options) ? training->options->checkpoint : NULL, walk_state, training,
                           failure) &&
           training->observer->on_point(training->observer->context, point, failure);
}

static bool run(struct training *training, struct failure *failure)
{
    size_t steps = training->options->steps;
    size_t done = 0;

    if (!checkpoint_restore(training->options->checkpoint, walk_state, training, failure) || !show_points(training, failure))
        return false;
    if (training->curve->count > 0)
        done = training->curve->points[training->curve->count - 1].step;
    if (!check_beginnings(training, done, failure) || (training->curve->count == 0 && !reach_point(training, 0, failure)))
        return false;
    while (done < steps) {
        for (size_t next = training_next_point(done, steps); done < next;) {
            if (!step(training, done, failure))
                return false;
            done++;
            if (done % PACE_STEPS == 0 && !pace_step(&training->pace, training->queue, failure))
                return false;
            training->observer->on_steps(training->observer->context, done > PACE_STEPS ? done - PACE_STEPS : 0);
        }
        if (!reach_point(training, done, failure))
            return false;
    }
    return true;
}

bool training_run(const struct session *session, const struct idx_set *training_set, const struct idx_set *test_set,
                  const struct training_options *options, const struct training_observer *observer,
                  struct training_curve *curve, struct failure *failure)
{
    struct training training;

    memset(&training, 0, sizeof training);
    training.options = options;
    training.observer = observer;
    training.curve = curve;
    bool done = open_training(&training, session, training_set, test_set, failure) && run(&training, failure);
    if (!done && training.queue != NULL)
        clFinish(training.queue);
    close_training(&training);
    return done;
}
