/* SPDX-License-Identifier: MIT */
/* How batch norm takes its statistics in training: of the batch, of ghost batches, or renormalized. */
#ifndef CLBN_TOOL_METHOD_H
#define CLBN_TOOL_METHOD_H

#include "io/failure.h"
#include "train/checkpoint.h"

#include <stdbool.h>
#include <stddef.h>

enum method_kind { METHOD_BATCH, METHOD_GHOST, METHOD_RENORM };

/* All zero: of the batch. */
struct method {
    int kind;           /* an enum method_kind */
    size_t ghost_batch; /* images to a ghost batch; 0 unless METHOD_GHOST */
    double r_max;       /* the bounds that renormalization ends with */
    double d_max;
};

/* The bounds of a step. */
struct renorm_bounds {
    double r_max;
    double d_max;
};

/* The paper's schedule (Ioffe 2017, arXiv 1702.03275), whose 5,000, 25,000 and 40,000 of 130,000 steps are these parts of a training: batch norm
 * for a twenty-sixth, then d_max grows until a fifth, and r_max until three tenths. */
struct renorm_bounds method_bounds(const struct method *method, size_t step, size_t steps);

/* Rows of saved statistics of a batch. */
size_t method_rows(const struct method *method, size_t batch);

/* What must be the same in a training that goes on. */
bool method_checkpoint(const struct method *method, struct checkpoint *checkpoint, struct failure *failure);

#endif
