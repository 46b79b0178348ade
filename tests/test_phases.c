/*
 * The phases on parts of a batch, against the reference of the whole batch: what the parts give is put together as one call would have
 * given it, and checked as its results, within the same bounds.
 */
#include "allocate.h"
#include "compare.h"
#include "halves.h"
#include "shape_table.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

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

static bool is_one_of_parts(enum view view)
{
    return view == VIEW_X || view == VIEW_DY || view == VIEW_Z;
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

/* lengths: of the parts along the first axis. */
static struct batch batch_create(struct shape shape, clbn_type type, clbn_activation function, const size_t *lengths,
                                 size_t count)
{
    struct batch batch = { .count = count };
    size_t row = shape_elements(&shape);
    row = shape.lengths[0] > 0 ? row / shape.lengths[0] : 0;
    shape.lengths[0] = 0;
    for (size_t i = 0; i < count; i++) {
        batch.begins[i] = shape.lengths[0] * row;
        shape.lengths[0] += lengths[i];
    }
    batch.whole = problem_random(&shape, type, 1e-5, count);
    batch.whole.activation = activation_of(function);
    batch.whole.parts = count;
    for (size_t i = 0; i < count; i++)
        batch.parts[i] = part_of(&batch.whole, batch.begins[i], lengths[i]);
    return batch;
}

static void batch_free(struct batch *batch)
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
static double *gather(const struct batch *batch, const struct call *call, enum view view, bool checked)
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
    batch->whole.values[VIEW_STATISTICS_RECORDS] = gather(batch, &statistics, VIEW_STATISTICS, true);
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

/* What the parts gave is checked as what the call on the whole batch, of which only the views are made, would have given. */
static void verify_as(const struct batch *batch, const struct call *call, const enum view *views, double *const *values,
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
    verify_as(batch, &forward, &view, &batch->whole.values[VIEW_Y], 1);
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
    double *records = gather(batch, &sums, VIEW_SUMS, backward.source == FROM_X);
    for (size_t i = 0; i < batch->count; i++)
        batch->parts[i].values[VIEW_SUMS_RECORDS] = copy(records, batch->count * CLBN_SUMS_ROWS * channels);
    for (size_t v = 0; v < COUNT_OF(views); v++)
        all[v] = gather(batch, &input, views[v], false);
    for (size_t i = 0; i < batch->count; i++) {
        for (size_t v = 0; v < COUNT_OF(views); v++)
            values[v] = all[v] + (is_tensor(views[v]) ? 0 : i * channels);
        verify_as(batch, &backward, views, values, COUNT_OF(views));
    }
    for (size_t v = 0; v < COUNT_OF(views); v++)
        free(all[v]);
    free(records);
}

static void check_batch(struct batch *batch, enum source source, bool residual, bool accumulate)
{
    struct call forward = call_of(FORWARD_TRAINING), backward = call_of(BACKWARD);
    forward.views |= (residual ? WITH(VIEW_Z) : 0) | WITH(VIEW_MASK);
    forward.running_variance = shape_values_per_channel(&batch->whole.shape) == 1 ? CLBN_BIASED : CLBN_UNBIASED;
    backward.views |= residual ? WITH_RESIDUAL : WITH(VIEW_DZ);
    backward.source = source;
    backward.accumulate = accumulate;
    check_forward(batch, forward);
    check_backward(batch, backward);
}

/* ---- Parts on one device -------------------------------------------------------------------------------------------------- */

static const struct shape shapes[] = {
    { 2, 1, { 1, 7 } },      { 4, 1, { 1, 5, 4, 33 } }, { 4, 3, { 1, 3, 7, 19 } },
    { 3, 1, { 1, 3, 257 } }, { 3, 2, { 1, 17, 64 } },   { 3, EACH_POSITION, { 1, 4, 5 } },
};

/* Uneven, empty, of one value where the shape has one to each row, one alone, many. */
static const struct {
    size_t lengths[MAX_PARTS];
    size_t count;
} divisions[] = {
    { { 5, 3 }, 2 }, { { 1, 23, 0 }, 3 }, { { 0, 1, 2, 1, 9, 3 }, 6 }, { { 7 }, 1 }, { { 0, 0, 4 }, 3 }, { { 1, 0 }, 2 },
};

static void say_parts(int config, const struct batch *batch, enum source source)
{
    char text[SHAPE_TEXT_SIZE];
    testing("%s, %zu parts of %s %s, %s, source %d", config < 0 ? "elsewhere" : engine_configs[config].name, batch->count,
            type_name(batch->whole.type), shape_text(&batch->whole.shape, text),
            activation_name(batch->whole.activation.function), (int)source);
}

/* The engines of the parts are of several configurations, the tested one first. */
static void check_division(int config, size_t shape, clbn_type type, size_t division, size_t variation)
{
    clbn_activation function = tested_activation(config, type, variation);
    struct batch batch = batch_create(shapes[shape], type, function, divisions[division].lengths, divisions[division].count);
    enum source source = variation % 3 == 1 && activation_follows_from_output(&batch.whole.activation) ? FROM_Y
                         : variation % 3 == 2 && activation_has_mask(&batch.whole.activation)          ? FROM_MASK
                                                                                                       : FROM_X;
    for (size_t i = 0; i < batch.count; i++) {
        int other = (config + (int)(i * variation)) % ENGINE_CONFIGS;
        batch.places[i].engine = test_engine(is_tested(other, type, function) ? other : config);
    }
    say_parts(config, &batch, source);
    check_batch(&batch, source, variation % 2 == 0, variation % 4 == 1);
    batch_free(&batch);
}

START_TEST(parts_make_the_whole)
{
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < COUNT_OF(shapes); s++)
            for (size_t division = 0; division < COUNT_OF(divisions); division++)
                if (t == 0 || (s + division + (size_t)_i) % 3 == (size_t)t % 3)
                    check_division(_i, s, types[t], division, s + 5 * division + 2 * (size_t)t + (size_t)_i);
}
END_TEST

/* Every phase on a batch that is one part. */
START_TEST(phases_agree_for_all_shapes)
{
    for (size_t row = 0; row < shape_table_length(); row++)
        for (enum operation operation = STATISTICS; operation < OPERATIONS; operation++) {
            struct shape shape = shape_table_row(row);
            struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, row);
            struct call call = call_of(operation);
            call.running_variance = CLBN_BIASED;
            call.own_workspace = row % 2 == 0;
            call.in_place = row % 3 == 0;
            call.offset = row % 4;
            if (shape_elements(&shape) < 50000 || _i < PLAIN_ENGINE_CONFIGS)
                verify_call(_i, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

/* ---- Hard data ------------------------------------------------------------------------------------------------------------ */

/* Parts far from each other, each with little deviation of its own: what a merge that loses digits would spoil. */
START_TEST(parts_with_means_of_their_own_keep_their_accuracy)
{
    static const struct shape shape = { 3, 1, { 1, 3, 1021 } };
    static const size_t lengths[] = { 5, 1, 30, 2 };
    struct batch batch = batch_create(shape, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, lengths, 4);
    for (size_t i = 0; i < 4; i++) {
        batch.places[i].engine = test_engine(_i);
        for (size_t j = 0; j < view_count(&batch.parts[i], VIEW_X); j++)
            batch.whole.values[VIEW_X][batch.begins[i] + j] += 1e4 * ((double)i - 1) + 1e5;
    }
    batch.whole.drifting = true;
    problem_complete(&batch.whole);
    for (size_t i = 0; i < 4; i++) {
        problem_free(&batch.parts[i]);
        batch.parts[i] = part_of(&batch.whole, batch.begins[i], lengths[i]);
    }
    say_parts(_i, &batch, FROM_X);
    check_batch(&batch, FROM_X, false, false);
    batch_free(&batch);
}
END_TEST

/* ---- Nothing, or next to it ----------------------------------------------------------------------------------------------- */

static struct run run_merge(int config, struct batch *batch, clbn_running_variance running_variance)
{
    struct call statistics = call_of(STATISTICS), merge = call_of(MERGE_STATISTICS);
    merge.running_variance = running_variance;
    for (size_t i = 0; i < batch->count; i++)
        batch->places[i].engine = test_engine(config);
    batch->whole.values[VIEW_STATISTICS_RECORDS] = gather(batch, &statistics, VIEW_STATISTICS, true);
    say_parts(config, batch, FROM_X);
    struct run run = run_prepare(test_engine(config), &batch->whole, &merge);
    run_now(&run);
    return run;
}

START_TEST(nothing_comes_of_empty_parts)
{
    static const struct shape shape = { 3, 1, { 1, 7, 5 } };
    static const size_t lengths[] = { 0, 0, 0 };
    struct batch batch = batch_create(shape, CLBN_FLOAT32, CLBN_ACTIVATION_RELU, lengths, 3);
    struct run run = run_merge(_i, &batch, CLBN_UNBIASED);
    double *zeros = allocate(CLBN_SUMS_ROWS * 7, sizeof *zeros);
    for (enum view view = VIEW_RUNNING_MEAN; view <= VIEW_SAVE_INVSTD; view++)
        guarded_expect_unchanged(&run.views[view], view_name(view));
    expect_equal("statistics", run_output(&run, VIEW_STATISTICS), zeros, run_count(&run, VIEW_STATISTICS));
    run_release(&run);
    struct call sums = call_of(BACKWARD_SUMS);
    double *records = gather(&batch, &sums, VIEW_SUMS, false);
    expect_equal("sums", records, zeros, CLBN_SUMS_ROWS * 7);
    free(records);
    free(zeros);
    batch_free(&batch);
}
END_TEST

START_TEST(one_value_leaves_an_unbiased_running_variance)
{
    static const struct shape shape = { 2, 1, { 1, 7 } };
    static const size_t lengths[] = { 0, 1, 0 };
    struct batch batch = batch_create(shape, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, lengths, 3);
    struct run run = run_merge(_i, &batch, CLBN_UNBIASED);
    guarded_expect_unchanged(&run.views[VIEW_RUNNING_VAR], "running var");
    expect_equal("mean", run_output(&run, VIEW_SAVE_MEAN), batch.whole.values[VIEW_X], 7);
    for (size_t c = 0; c < 7; c++) {
        double mean = 0.9 * batch.whole.values[VIEW_RUNNING_MEAN][c] + 0.1 * batch.whole.values[VIEW_X][c];
        ck_assert(fabs(run_output(&run, VIEW_RUNNING_MEAN)[c] - mean) < 1e-5);
    }
    run_release(&run);
    batch_free(&batch);
}
END_TEST

/* ---- Parts on two devices, in one context and in two ----------------------------------------------------------------------- */

static struct place place_create(cl_context context, cl_device_id device)
{
    cl_int status = CL_SUCCESS;
    struct place place = { NULL, context, NULL };
    place.engine = clbnCreateEngine(context, device, NULL, &status);
    expect_success(status);
    place.queue = clCreateCommandQueue(context, device, 0, &status);
    expect_success(status);
    return place;
}

static void place_release(struct place *place)
{
    expect_success(clbnReleaseEngine(place->engine));
    expect_success(clReleaseCommandQueue(place->queue));
}

static void check_places(const struct place places[2])
{
    static const size_t lengths[] = { 5, 3, 0, 4 };
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        struct batch batch = batch_create(shapes[s], CLBN_FLOAT32, CLBN_ACTIVATION_RELU, lengths, 4);
        for (size_t i = 0; i < batch.count; i++)
            batch.places[i] = places[i % 2];
        say_parts(-1, &batch, FROM_X);
        work_elsewhere(NULL, NULL);
        check_batch(&batch, FROM_MASK, true, false);
        batch_free(&batch);
    }
}

START_TEST(parts_may_lie_on_two_devices_of_a_context)
{
    if (!divide_device("phases on two devices of a context"))
        return;
    struct place places[2] = { place_create(halves_context, halves[0]), place_create(halves_context, halves[1]) };
    check_places(places);
    place_release(&places[0]);
    place_release(&places[1]);
    join_device();
}
END_TEST

START_TEST(parts_may_lie_in_two_contexts)
{
    cl_device_id device = test_device();
    cl_int status = CL_SUCCESS;
    cl_context contexts[2];
    struct place places[2];
    for (int i = 0; i < 2; i++) {
        contexts[i] = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
        expect_success(status);
        places[i] = place_create(contexts[i], device);
    }
    check_places(places);
    for (int i = 0; i < 2; i++) {
        place_release(&places[i]);
        clReleaseContext(contexts[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("phases");
    TCase *cases = tcase_create("parts");
    tcase_add_loop_test(cases, parts_make_the_whole, 0, ENGINE_CONFIGS);
    tcase_add_loop_test(cases, phases_agree_for_all_shapes, 0, ENGINE_CONFIGS);
    tcase_add_loop_test(cases, parts_with_means_of_their_own_keep_their_accuracy, 0, ENGINE_CONFIGS);
    tcase_add_loop_test(cases, nothing_comes_of_empty_parts, 0, ENGINE_CONFIGS);
    tcase_add_loop_test(cases, one_value_leaves_an_unbiased_running_variance, 0, ENGINE_CONFIGS);
    tcase_add_test(cases, parts_may_lie_on_two_devices_of_a_context);
    tcase_add_test(cases, parts_may_lie_in_two_contexts);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
