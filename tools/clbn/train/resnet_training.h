/* SPDX-License-Identifier: MIT */
/* Trains the residual network, then folds it, and measures what batch norm costs in it. */
#ifndef CLBN_TOOL_RESNET_TRAINING_H
#define CLBN_TOOL_RESNET_TRAINING_H

#include "io/device.h"
#include "io/failure.h"
#include "io/idx.h"
#include "train/resnet_measure.h"
#include "train/tally.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resnet_training_options {
    size_t channels; /* of the first unit */
    size_t classes;
    size_t batch;
    size_t steps;
    size_t frozen_steps;  /* behind them, on frozen statistics */
    double learning_rate; /* at the beginning; it falls to 0 in a line, and is a hundredth of it on frozen statistics */
    clbn_type type;
    bool channels_last;
    struct method method; /* of batch norm */
    uint64_t seed;
    const char *checkpoint; /* a file, as in training.h, or NULL */
};

/* What the network was worth after so many steps. */
struct resnet_point {
    size_t step;
    struct score training; /* over the batches since the last point; NaN at step 0 */
    struct score test;
};

enum { RESNET_MOST_POINTS = 32 }; /* more than twice as many as a training has */

struct resnet_result {
    struct resnet_point points[RESNET_MOST_POINTS];
    size_t point_count;
    double seconds;           /* of training with its tests */
    double processor_seconds; /* likewise, of all cores */
    struct resnet_measures measures;
};

/* Who looks on; the functions may print. */
struct resnet_observer {
    void (*on_steps)(void *context, size_t steps);
    void (*on_point)(void *context, const struct resnet_point *point);
    bool (*goes_on)(void *context); /* asked after each point; false stops with a failure. NULL: it does */
    void *context;
};

bool resnet_training_run(const struct session *session, const struct idx_set *training_set, const struct idx_set *test_set,
                         const struct resnet_training_options *options, const struct resnet_observer *observer,
                         struct resnet_result *result, struct failure *failure);

#endif
