/* SPDX-License-Identifier: MIT */
/*
 * The phases on parts of a batch, against the reference of the whole batch; and what becomes of parts that are empty, or far
 * away.
 */
#include "allocate.h"
#include "batch.h"
#include "compare.h"
#include "halves.h"
#include "shape_table.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

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
    batch_check(&batch, source, variation % 2 == 0, variation % 4 == 1);
    batch_free(&batch);
}

START_TEST(parts_make_the_whole)
{
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < COUNT_OF(shapes); s++)
            for (size_t division = 0; division < COUNT_OF(divisions); division++)
                if (t == 0 || (_i < PLAIN_ENGINE_CONFIGS && (s + division + (size_t)_i) % 3 == (size_t)t % 3))
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
            if (is_drawn_for(_i, row + operation + (size_t)_i, 3) &&
                (_i < PLAIN_ENGINE_CONFIGS || shape_elements(&shape) < 20000))
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
    batch_divide(&batch, lengths);
    say_parts(_i, &batch, FROM_X);
    batch_check(&batch, FROM_X, false, false);
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
    batch->whole.values[VIEW_STATISTICS_RECORDS] = batch_gather(batch, &statistics, VIEW_STATISTICS, true);
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
    for (enum view view = VIEW_RUNNING_MEAN; view <= VIEW_SAVE_VAR; view++)
        guarded_expect_unchanged(&run.views[view], view_name(view));
    expect_equal("statistics", run_output(&run, VIEW_STATISTICS), zeros, run_count(&run, VIEW_STATISTICS));
    run_release(&run);
    struct call sums = call_of(BACKWARD_SUMS);
    double *records = batch_gather(&batch, &sums, VIEW_SUMS, false);
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
        batch_check(&batch, FROM_MASK, true, false);
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
    add_test_of_configs(cases, parts_make_the_whole, ENGINE_CONFIGS);
    add_test_of_configs(cases, phases_agree_for_all_shapes, ENGINE_CONFIGS);
    add_test_of_configs(cases, parts_with_means_of_their_own_keep_their_accuracy, ENGINE_CONFIGS);
    add_test_of_configs(cases, nothing_comes_of_empty_parts, ENGINE_CONFIGS);
    add_test_of_configs(cases, one_value_leaves_an_unbiased_running_variance, ENGINE_CONFIGS);
    tcase_add_test(cases, parts_may_lie_on_two_devices_of_a_context);
    tcase_add_test(cases, parts_may_lie_in_two_contexts);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
