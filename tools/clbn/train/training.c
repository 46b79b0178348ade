#include "train/training.h"

#include "io/random.h"
#include "train/arithmetic.h"
#include "train/samples.h"

#include <math.h>
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
    cl_command_queue queue;
    struct arithmetic arithmetic;
    struct samples training_samples;
    struct samples test_samples;
    struct network networks[CONTENDERS]; /* closed for one that is not trained */
    cl_mem training_x;                   /* (batch, width) */
    cl_mem test_x;                       /* (TEST_ROWS, width) */
    struct random random;                /* of the order */
    size_t next_sample;
    cl_event marker; /* of an earlier step */
};

static void close_training(struct training *training)
{
    if (training->marker != NULL)
        clReleaseEvent(training->marker);
    if (training->training_x != NULL)
        clReleaseMemObject(training->training_x);
    if (training->test_x != NULL)
        clReleaseMemObject(training->test_x);
    for (size_t i = 0; i < CONTENDERS; i++)
        network_close(&training->networks[i]);
    samples_close(&training->training_samples);
    samples_close(&training->test_samples);
    arithmetic_close(&training->arithmetic);
}

static bool open_networks(struct training *training, clbn_engine engine, struct failure *failure)
{
    const struct training_options *options = training->options;
    struct network_options network_options = {
        .inputs = training->training_samples.width,
        .hidden = HIDDEN_WIDTH,
        .classes = options->classes,
        .training_rows = options->batch,
        .test_rows = TEST_ROWS,
        .learning_rate = options->learning_rate,
        .deviation = initial_deviation,
        .seed = options->seed,
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

    if (!arithmetic_open(arithmetic, session, failure) ||
        !samples_open(&training->training_samples, arithmetic, training_set, failure) ||
        !samples_open(&training->test_samples, arithmetic, test_set, failure) ||
        !open_networks(training, session->engine, failure))
        return false;
    training->queue = session->queue;
    training->training_x = arithmetic_buffer(arithmetic, training->options->batch * training->training_samples.width, failure);
    if (training->training_x == NULL)
        return false;
    training->test_x = arithmetic_buffer(arithmetic, TEST_ROWS * training->test_samples.width, failure);
    return training->test_x != NULL;
}

/* Steps every network once, on the same batch. What is left of an epoch that does not fill a batch is left out. */
static bool step(struct training *training, struct failure *failure)
{
    size_t rows = training->options->batch;
    size_t count = training->training_samples.count;

    if (training->next_sample == 0 || training->next_sample > count - rows) {
        if (!samples_shuffle(&training->training_samples, &training->arithmetic, &training->random, failure))
            return false;
        training->next_sample = 0;
    }
    struct batch batch = samples_batch(&training->training_samples, training->next_sample, rows);
    training->next_sample += rows;
    if (!enqueue_gather(&training->arithmetic, &batch, training->training_x, failure))
        return false;
    for (size_t i = 0; i < CONTENDERS; i++)
        if (training->options->trained[i] && !network_train(&training->networks[i], training->training_x, &batch, failure))
            return false;
    return true;
}

/* Lets the host run at most two paces ahead of the device: the queue stays filled and short, and the progress true. */
static bool keep_pace(struct training *training, size_t steps, struct failure *failure)
{
    cl_event marker = NULL;
    cl_int status = clEnqueueMarkerWithWaitList(training->queue, 0, NULL, &marker);

    if (status == CL_SUCCESS)
        status = clFlush(training->queue);
    if (status == CL_SUCCESS && training->marker != NULL) {
        status = clWaitForEvents(1, &training->marker);
        clReleaseEvent(training->marker);
        training->observer->on_steps(training->observer->context, steps - PACE_STEPS);
    }
    training->marker = marker;
    return status == CL_SUCCESS || fail_opencl(failure, "waiting for the device", status);
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
    for (size_t i = 0; i < CONTENDERS; i++) {
        struct network *network = &training->networks[i];
        const struct score none = { (double)NAN, (double)NAN };

        point->scores[i].training = none;
        point->scores[i].test = none;
        if (training->options->trained[i] &&
            (!network_read_tally(network, &network->training, &point->scores[i].training, failure) ||
             !network_read_tally(network, &network->test, &point->scores[i].test, failure)))
            return false;
    }
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

static bool run(struct training *training, struct failure *failure)
{
    const struct training_observer *observer = training->observer;
    struct training_point point = { 0 };
    size_t steps = training->options->steps;
    size_t done = 0;

    for (;;) {
        point.step = done;
        if (!evaluate(training, &point, failure) || !observer->on_point(observer->context, &point, failure))
            return false;
        if (done == steps)
            return true;
        for (size_t next = training_next_point(done, steps); done < next;) {
            if (!step(training, failure))
                return false;
            done++;
            if (done % PACE_STEPS == 0 && !keep_pace(training, done, failure))
                return false;
        }
    }
}

bool training_run(const struct session *session, const struct idx_set *training_set, const struct idx_set *test_set,
                  const struct training_options *options, const struct training_observer *observer, struct failure *failure)
{
    struct training training;

    memset(&training, 0, sizeof training);
    training.options = options;
    training.observer = observer;
    training.random.state = ~options->seed; /* another stream than that of the weights */
    bool done = open_training(&training, session, training_set, test_set, failure) && run(&training, failure);
    if (!done && training.queue != NULL)
        clFinish(training.queue);
    close_training(&training);
    return done;
}
