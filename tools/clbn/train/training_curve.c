/* SPDX-License-Identifier: MIT */
#include "train/training_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void training_curve_free(struct training_curve *curve)
{
    free(curve->points);
    memset(curve, 0, sizeof *curve);
}

struct training_point *training_curve_add(struct training_curve *curve, size_t step, struct failure *failure)
{
    static const struct score no_score = { (double)NAN, (double)NAN };
    static const struct distribution no_distribution = { { (double)NAN, (double)NAN, (double)NAN } };

    if (curve->count == curve->capacity) {
        size_t capacity = 2 * curve->capacity + 16;
        struct training_point *larger = realloc(curve->points, capacity * sizeof *larger);

        if (larger == NULL) {
            fail(failure, "there is no memory for the curve of the accuracies");
            return NULL;
        }
        curve->points = larger;
        curve->capacity = capacity;
    }
    struct training_point *point = &curve->points[curve->count++];
    point->step = step;
    for (size_t i = 0; i < CONTENDERS; i++) {
        point->scores[i].training = point->scores[i].test = no_score;
        point->scores[i].inputs = no_distribution;
    }
    return point;
}

static bool checkpoint_score(struct score *score, struct checkpoint *checkpoint, struct failure *failure)
{
    return checkpoint_reals(checkpoint, &score->loss, 1, failure) && checkpoint_reals(checkpoint, &score->accuracy, 1, failure);
}

static bool checkpoint_point(struct training_point *point, struct checkpoint *checkpoint, size_t steps, struct failure *failure)
{
    if (!checkpoint_count(checkpoint, &point->step, steps, failure))
        return false;
    for (size_t i = 0; i < CONTENDERS; i++)
        if (!checkpoint_score(&point->scores[i].training, checkpoint, failure) ||
            !checkpoint_score(&point->scores[i].test, checkpoint, failure) ||
            !checkpoint_reals(checkpoint, point->scores[i].inputs.values, PERCENTILES, failure))
            return false;
    return true;
}

bool training_curve_checkpoint(struct training_curve *curve, struct checkpoint *checkpoint, size_t steps,
                               struct failure *failure)
{
    size_t count = curve->count;

    if (!checkpoint_count(checkpoint, &count, steps + 1, failure))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct training_point *point = i < curve->count ? &curve->points[i] : training_curve_add(curve, 0, failure);

        if (point == NULL || !checkpoint_point(point, checkpoint, steps, failure))
            return false;
    }
    return true;
}
