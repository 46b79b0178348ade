/* SPDX-License-Identifier: MIT */
/*
 * A batch in parts, on which the phases are called. What the parts give is put together as a call on the whole would have given
 * it, and checked as its results, within the same bounds.
 */
#ifndef CLBN_TESTS_BATCH_H
#define CLBN_TESTS_BATCH_H

#include "run.h"

enum { MAX_PARTS = 6 };

/* Where a part is computed. */
struct place {
    clbn_engine engine;
    cl_context context; /* NULL: that of the tests */
    cl_command_queue queue;
};

/* A batch, its parts along the first axis, and their places. */
struct batch {
    struct problem whole;
    size_t count;
    struct problem parts[MAX_PARTS];
    size_t begins[MAX_PARTS]; /* elements of the whole */
    struct place places[MAX_PARTS];
};

/* Parts of these lengths along the first axis; the shape's own does not matter. Their places are still to be set. */
struct batch batch_create(struct shape shape, clbn_type type, clbn_activation function, const size_t *lengths, size_t count);
/* Makes the parts anew, after the whole has been changed. */
void batch_divide(struct batch *batch, const size_t *lengths);
void batch_free(struct batch *batch);

/* Runs a call on all parts. Gives the view of all of them, one after another, to be freed. If checked, each is verified by
 * itself. */
double *batch_gather(const struct batch *batch, const struct call *call, enum view view, bool checked);
/* Checks what the parts gave, these views, as what the call on the whole batch, of which only the views are made, would have given. */
void batch_verify(const struct batch *batch, const struct call *call, const enum view *views, double *const *values,
                  size_t count);
/* Runs all phases, forward and backward, and fails the test where the results are not those of the whole. */
void batch_check(struct batch *batch, enum source source, bool residual, bool accumulates);

#endif
