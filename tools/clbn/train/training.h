/* SPDX-License-Identifier: MIT */
/* The experiment of the paper's Figure 1: the same network without and with batch norm, on the same batches. */
#ifndef CLBN_TOOL_TRAINING_H
#define CLBN_TOOL_TRAINING_H

#include "io/device.h"
#include "io/failure.h"
#include "io/idx.h"
#include "train/method.h"
#include "train/peers.h"
#include "train/training_curve.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct training_options {
    bool trained[CONTENDERS];
    size_t classes;
    size_t batch;
    size_t steps;
    double learning_rate;
    double dropout;       /* in hidden layers: at least 0, below 1 */
    struct method method; /* of batch norm */
    uint64_t seed;
    /* Who train the same network, each on its share of every batch, which has a row for each at least; NULL alone. All test it whole;
     * the first one writes checkpoints, all read them. */
    const struct peers *peers;
    const char *checkpoint; /* a file to go on from where it is there, written at each point; or NULL */
};

/* Who looks on; the functions may print. */
struct training_observer {
    void (*on_steps)(void *context, size_t steps); /* So many steps are done; called some times a second. */
    bool (*on_point)(void *context, const struct training_point *point, struct failure *failure); /* false stops. */
    void *context;
};

/* The step of the point that follows that of a step: points are denser at the beginning, where more happens. */
size_t training_next_point(size_t step, size_t steps);

/* Trains, from random weights, with a point before the first step, at last after the last one, and between. From a checkpoint it
 * goes on with the same bits, after the observer has been shown the points that are behind it. */
bool training_run(const struct session *session, const struct idx_set *training_set, const struct idx_set *test_set,
                  const struct training_options *options, const struct training_observer *observer,
                  struct training_curve *curve, struct failure *failure);

#endif
