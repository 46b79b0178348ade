/* SPDX-License-Identifier: MIT */
#include "train/method.h"

/* Where the bounds begin to grow, and where they stand, as parts of a training. */
static const double begin = 5.0 / 130.0;
static const double d_end = 25.0 / 130.0;
static const double r_end = 40.0 / 130.0;

static double grown(double from, double to, double done, double end)
{
    double share = done <= begin ? 0.0 : done >= end ? 1.0 : (done - begin) / (end - begin);

    return from + share * (to - from);
}

struct renorm_bounds method_bounds(const struct method *method, size_t step, size_t steps)
{
    double done = (double)step / (double)steps;
    const struct renorm_bounds bounds = { .r_max = grown(1.0, method->r_max, done, r_end),
                                          .d_max = grown(0.0, method->d_max, done, d_end) };

    return bounds;
}

size_t method_rows(const struct method *method, size_t batch)
{
    return method->ghost_batch == 0 ? 1 : (batch - 1) / method->ghost_batch + 1;
}

bool method_checkpoint(const struct method *method, struct checkpoint *checkpoint, struct failure *failure)
{
    return checkpoint_same(checkpoint, "normalization", (double)method->kind, failure) &&
           checkpoint_same(checkpoint, "ghost batch", (double)method->ghost_batch, failure) &&
           checkpoint_same(checkpoint, "bound of r", method->r_max, failure) &&
           checkpoint_same(checkpoint, "bound of d", method->d_max, failure);
}
