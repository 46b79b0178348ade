/* SPDX-License-Identifier: MIT */
/* A data set on the device, and the order in which its samples are taken. */
#ifndef CLBN_TOOL_SAMPLES_H
#define CLBN_TOOL_SAMPLES_H

#include "io/failure.h"
#include "io/idx.h"
#include "io/random.h"
#include "train/arithmetic.h"
#include "train/checkpoint.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

/* All zero: closed. */
struct samples {
    cl_mem images; /* unsigned char, count x width */
    cl_mem labels; /* unsigned char */
    cl_mem order;  /* uint; NULL until the first shuffle: as they come */
    cl_uint *host_order;
    struct random random;
    size_t next; /* of the order, to be taken */
    size_t count;
    size_t width;
};

/* Copies a set to the device. seed: of the order. On failure the samples are closed. */
bool samples_open(struct samples *samples, const struct arithmetic *arithmetic, const struct idx_set *set, uint64_t seed,
                  struct failure *failure);
void samples_close(struct samples *samples);

/* The next batch, of a new random order where the old one has none left: what does not fill a batch at an epoch's end is left out. A new
 * order waits for the work that still uses the old one. */
bool samples_next(struct samples *samples, const struct arithmetic *arithmetic, size_t rows, struct batch *batch,
                  struct failure *failure);

/* Saves or restores the order and the place in it. */
bool samples_checkpoint(struct samples *samples, const struct arithmetic *arithmetic, struct checkpoint *checkpoint,
                        struct failure *failure);

/* The samples from the first one on, in order, but for those after the end. */
struct batch samples_batch(const struct samples *samples, size_t first, size_t rows);

#endif
