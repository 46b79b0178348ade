/* SPDX-License-Identifier: MIT */
/* What the networks of a training came to, step by step. */
#ifndef CLBN_TOOL_TRAINING_CURVE_H
#define CLBN_TOOL_TRAINING_CURVE_H

#include "io/failure.h"
#include "train/checkpoint.h"
#include "train/distribution.h"
#include "train/tally.h"

#include <stdbool.h>
#include <stddef.h>

enum contender { CONTENDER_PLAIN, CONTENDER_BATCH_NORM, CONTENDERS };

/* What the networks were worth after so many steps. */
struct training_point {
    size_t step;
    struct {
        struct score training;      /* over the batches since the last point; NaN at step 0 */
        struct score test;          /* over the whole test set */
        struct distribution inputs; /* of a typical sigmoid of the last hidden layer, over the whole test set */
    } scores[CONTENDERS];           /* NaN for a network that is not trained */
};

/* The points of a training. All zero: none. */
struct training_curve {
    struct training_point *points;
    size_t count;
    size_t capacity;
};

/* A point behind the others, of NaN. NULL on failure. */
struct training_point *training_curve_add(struct training_curve *curve, size_t step, struct failure *failure);
void training_curve_free(struct training_curve *curve);

/* Saves the points, or restores them to a curve that has none, of at most so many steps. */
bool training_curve_checkpoint(struct training_curve *curve, struct checkpoint *checkpoint, size_t steps,
                               struct failure *failure);

#endif
