/* SPDX-License-Identifier: MIT */
/*
 * The state of a training, in a .npy file of float64 from which it goes on with the same bits.
 *
 * One walk through the state serves both ways: each function below puts what it is given at the end of a checkpoint that is being
 * saved, and fills it from one that is being restored, in the same order. A file is complete or not there: it gets its name when
 * it is written. It may be hostile: what does not fit is refused with a sentence.
 */
#ifndef CLBN_TOOL_CHECKPOINT_H
#define CLBN_TOOL_CHECKPOINT_H

#include "io/failure.h"
#include "io/npy.h"
#include "train/arithmetic.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: closed. */
struct checkpoint {
    const char *path; /* must live as long */
    bool restoring;
    struct npy_array array; /* of a checkpoint that is restored */
    double *values;         /* likewise, or those to be saved */
    size_t count;
    size_t capacity;
    size_t next; /* to be restored */
};

/* A training's walk through its state. */
typedef bool checkpoint_walk(void *state, struct checkpoint *checkpoint, struct failure *failure);

/* Both do nothing where path is NULL. */
bool checkpoint_save(const char *path, checkpoint_walk *walk, void *state, struct failure *failure);
/* Leaves the state as it is where there is no such file yet. Fails where the file has more than the walk restores. */
bool checkpoint_restore(const char *path, checkpoint_walk *walk, void *state, struct failure *failure);

bool checkpoint_reals(struct checkpoint *checkpoint, double *values, size_t count, struct failure *failure);

/* Whole numbers up to most, which is at most 2^53. */
bool checkpoint_count(struct checkpoint *checkpoint, size_t *value, size_t most, struct failure *failure);
bool checkpoint_indices(struct checkpoint *checkpoint, cl_uint *indices, size_t count, cl_uint most, struct failure *failure);

bool checkpoint_bits(struct checkpoint *checkpoint, uint64_t *bits, struct failure *failure);

/* What must be the same in both runs: fails where the restored value is another. */
bool checkpoint_same(struct checkpoint *checkpoint, const char *what, double value, struct failure *failure);

/* The first floats of a buffer. Waits for the device. */
bool checkpoint_floats(struct checkpoint *checkpoint, const struct arithmetic *arithmetic, cl_mem buffer, size_t count,
                       struct failure *failure);

#endif
