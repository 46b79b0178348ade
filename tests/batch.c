/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include "allocate.h"
#include "engines.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static bool is_one_of_parts(enum view view)
{
    return view == VIEW_X || view == VIEW_DY || view == VIEW_Z || view == VIEW_DX || view == VIEW_DDX;
}

/* The part has the whole's parameters and saved statistics, and its share of the tensors. */
static struct problem part_of(const struct problem *whole, size_t begin, size_t length)
{
    struct shape shape = whole->shape;
    shape.lengths[0] = length;
    struct problem part = problem_random(&shape, whole->type, whole->epsilon, 1);
    part.activation = whole->activation;
    part.parts = whole->parts;
    for (enum view view = 0; view < VIEWS; view++)
        if (is_one_of_parts(view))
            memcpy(part.values[view], whole->values[view] + begin, view_count(&part, view) * sizeof(double));
    problem_complete(&part);
    for (enum view view = 0; view < VIEWS; view++)
        if (part.values[view] != NULL && !is_one_of_parts(view))
            memcpy(part.values[view], whole->values[view], view_count(&part, view) * sizeof(double));
    return part;
}

struct batch batch_create(struct shape shape, clbn_type type, clbn_activation function, const size_t *lengths, size_t count)
{
    struct batch batch = { .count = count };
    shape.lengths[0] = 0;
    for (size_t i = 0; i < count; i++)
        shape.lengths[0] += lengths[i];
    batch.whole = problem_random(&shape, type, 1e-5, count);
    batch.whole.activation = activation_of(function);
    batch.whole.parts = count;
    batch_divide(&batch, lengths);
    return batch;
}

void batch_divide(struct batch *batch, const size_t *lengths)
{
    const struct shape *shape = &batch->whole.shape;
    size_t row = shape->lengths[0] > 0 ? shape_elements(shape) / shape->lengths[0] : 0;
    size_t begin = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->parts[i].values[VIEW_X] != NULL)
            problem_free(&batch->parts[i]);
        batch->parts[i] = part_of(&batch->whole, begin, lengths[i]);
        batch->begins[i] = begin;
        begin += lengths[i] * row;
    }
}

void batch_free(struct batch *batch)
{
    problem_free(&batch->whole);
    for (size_t i = 0; i < batch->count; i++)
        problem_free(&batch->parts[i]);
}

/* ---- Phases --------------------------------------------------------------------------------------------------------------- */

static struct run run_part(const struct batch *batch, size_t i, const struct call *call)
{
    const struct place *place = &batch->places[i];
    work_elsewhere(place->context, place->queue);
    struct run run = run_prepare(place->engine, &batch->parts[i], call);
    run_now(&run);
    return run;
}

static double *copy(const double *values, size_t count)
{
    double *copied = allocate(count, sizeof *copied);
    memcpy(copied, values, count * sizeof *copied);
    return copied;
}

/* Runs a call on all parts. Gives the view of all of them, one after another. If checked, each is verified by itself. */
double *batch_gather(const struct batch *batch, const struct call *call, enum view view, bool checked)
{
    size_t total = 0;
    double *all = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        struct run run = run_part(batch, i, call);
        size_t count = run_count(&run, view);
        double *more = allocate(total + count, sizeof *more);
        if (all != NULL)
            memcpy(more, all, total * sizeof *more);
        memcpy(more + total, run_output(&run, view), count * sizeof *more);
        if (checked)
            verify_run(&run);
        run_release(&run);
        free(all);
        all = more;
        total += count;
    }
    work_elsewhere(NULL, NULL);
    return all;
}

/* Each place merges for itself; each part gets the merged record. */
static void merge_statistics(struct batch *batch, const struct call *forward)
{
    struct call statistics = call_of(STATISTICS), merge = call_of(MERGE_STATISTICS);
    statistics.layout = forward->layout;
    merge.update_factor = forward->update_factor;
    merge.running_variance = forward->running_variance;
    batch->whole.values[VIEW_STATISTICS_RECORDS] = batch_gather(batch, &statistics, VIEW_STATISTICS, true);
    for (size_t i = 0; i < batch->count; i++) {
        const struct place *place = &batch->places[i];
        work_elsewhere(place->context, place->queue);
        struct run run = run_prepare(place->engine, &batch->whole, &merge);
        run_now(&run);
        verify_run(&run);
        batch->parts[i].values[VIEW_STATISTICS] = copy(run_output(&run, VIEW_STATISTICS), run_count(&run, VIEW_STATISTICS));
        run_release(&run);
    }
    work_elsewhere(NULL, NULL);
}

void batch_verify(const struct batch *batch, const struct call *call, const enum view *views, double *const *values,
                  size_t count)
{
    work_elsewhere(batch->places[0].context, batch->places[0].queue);
    struct run run = run_prepare(batch->places[0].engine, &batch->whole, call);
    for (size_t i = 0; i < count; i++)
        if (run_has(&run, views[i]))
            guarded_upload(&run.views[views[i]], values[i]);
    verify_run(&run);
    run_release(&run);
    work_elsewhere(NULL, NULL);
}

/* Gives each part its y and mask, and the whole its y. */
static void normalize_parts(struct batch *batch, const struct call *normalize)
{
    batch->whole.values[VIEW_Y] = allocate(view_count(&batch->whole, VIEW_Y), sizeof(double));
    for (size_t i = 0; i < batch->count; i++) {
        struct problem *part = &batch->parts[i];
        struct run run = run_part(batch, i, normalize);
        part->values[VIEW_Y] = copy(run_output(&run, VIEW_Y), run_count(&run, VIEW_Y));
        if (run_has(&run, VIEW_MASK))
            part->values[VIEW_MASK] = copy(run_output(&run, VIEW_MASK), run_count(&run, VIEW_MASK));
        memcpy(batch->whole.values[VIEW_Y] + batch->begins[i], part->values[VIEW_Y], run_count(&run, VIEW_Y) * sizeof(double));
        run_release(&run);
    }
    work_elsewhere(NULL, NULL);
}

static void check_forward(struct batch *batch, struct call forward)
{
    const enum view view = VIEW_Y;
    struct call normalize = forward;
    normalize.operation = NORMALIZE;
    merge_statistics(batch, &forward);
    normalize_parts(batch, &normalize);
    forward.views &= ~(WITH_RUNNING | WITH_SAVED | WITH(VIEW_MASK));
    batch_verify(batch, &forward, &view, &batch->whole.values[VIEW_Y], 1);
}

/* Around the saved statistics of the reference, as in the tests of the whole backward. Each part has the gradients of all
 * parameters. */
static void check_backward(struct batch *batch, struct call backward)
{
    static const enum view views[] = { VIEW_DX, VIEW_DZ, VIEW_DGAMMA, VIEW_DBETA };
    size_t channels = shape_channels(&batch->whole.shape);
    struct call sums = backward, input = backward;
    double *values[COUNT_OF(views)], *all[COUNT_OF(views)];
    sums.operation = BACKWARD_SUMS;
    input.operation = BACKWARD_INPUT;
    double *records = batch_gather(batch, &sums, VIEW_SUMS, backward.source == FROM_X);
    for (size_t i = 0; i < batch->count; i++)
        batch->parts[i].values[VIEW_SUMS_RECORDS] = copy(records, batch->count * CLBN_SUMS_ROWS * channels);
    for (size_t v = 0; v < COUNT_OF(views); v++)
        all[v] = batch_gather(batch, &input, views[v], false);
    for (size_t i = 0; i < batch->count; i++) {
        for (size_t v = 0; v < COUNT_OF(views); v++)
            values[v] = all[v] + (is_tensor(views[v]) ? 0 : i * channels);
        batch_verify(batch, &backward, views, values, COUNT_OF(views));
    }
    for (size_t v = 0; v < COUNT_OF(views); v++)
        free(all[v]);
    free(records);
}

void batch_check(struct batch *batch, enum source source, bool residual, bool accumulates)
{
    struct call forward = call_of(FORWARD_TRAINING), backward = call_of(BACKWARD);
    forward.views |= (residual ? WITH(VIEW_Z) : 0) | WITH(VIEW_MASK);
    forward.running_variance = shape_values_per_channel(&batch->whole.shape) == 1 ? CLBN_BIASED : CLBN_UNBIASED;
    backward.views |= residual ? WITH_RESIDUAL : WITH(VIEW_DZ);
    backward.source = source;
    if (accumulates)
        accumulate(&backward);
    check_forward(batch, forward);
    check_backward(batch, backward);
}
