/* SPDX-License-Identifier: MIT */
/* Empty batches, single values, values that are not numbers, and what is not to be read. */
#include "allocate.h"
#include "compare.h"
#include "harness.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void say(int config, const char *what, clbn_type type, const struct shape *shape)
{
    char text[SHAPE_TEXT_SIZE];
    testing("%s, %s, %s %s", engine_configs[config].name, what, type_name(type), shape_text(shape, text));
}

static const struct shape empty_shapes[] = {
    { 2, 1, { 0, 3 } }, { 3, 1, { 0, 3, 5 } }, { 4, 1, { 2, 3, 0, 7 } }, { 4, 3, { 2, 0, 7, 3 } }
};
enum { EMPTY_SHAPES = sizeof empty_shapes / sizeof *empty_shapes };
#define WITH_TENSORS (WITH(VIEW_X) | WITH(VIEW_Y) | WITH(VIEW_DY) | WITH(VIEW_DX))

/* What an empty batch leaves as it is, and what it makes 0. */
static void check_nothing_came_of(struct run *run)
{
    static const enum view zeros_of[] = { VIEW_DGAMMA, VIEW_DBETA, VIEW_STATISTICS, VIEW_SUMS };
    for (enum view view = VIEW_RUNNING_MEAN; view <= VIEW_SAVE_VAR; view++)
        guarded_expect_unchanged(&run->views[view], view_name(view));
    for (size_t i = 0; i < sizeof zeros_of / sizeof *zeros_of; i++) {
        double *zeros = allocate(view_count(run->problem, zeros_of[i]), sizeof *zeros);
        if (run_writes(run, zeros_of[i]))
            expect_equal(view_name(zeros_of[i]), run_output(run, zeros_of[i]), zeros, run_count(run, zeros_of[i]));
        free(zeros);
    }
}

static void check_empty(int config, const struct problem *problem, enum operation operation, bool with_tensors)
{
    struct call call = call_of(operation);
    if (!with_tensors)
        call.views &= ~WITH_TENSORS;
    struct run run = run_prepare(test_engine(config), problem, &call);
    run_now(&run);
    check_nothing_came_of(&run);
    run_release(&run);
}

START_TEST(an_empty_batch_succeeds)
{
    clbn_type types[MAX_TYPES];
    int type_count = tested_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < EMPTY_SHAPES; s++) {
            struct problem problem = problem_random(&empty_shapes[s], types[t], 1e-5, 1);
            say(_i, "empty", types[t], &empty_shapes[s]);
            for (enum operation operation = 0; operation < OPERATIONS; operation++) {
                check_empty(_i, &problem, operation, true);
                check_empty(_i, &problem, operation, false);
            }
            problem_free(&problem);
        }
}
END_TEST

static void expect_old_values(struct run *run, enum view view)
{
    const size_t count = run_count(run, view);
    double *old = allocate(count, sizeof *old);
    for (size_t i = 0; i < count; i++)
        old[i] = call_factor(&run->call, view) * run->problem->values[view][i];
    expect_equal(view_name(view), run_output(run, view), old, count);
    free(old);
}

/* What was there remains, times its factor. */
START_TEST(an_empty_batch_accumulates_nothing)
{
    static const enum operation accumulating[] = { BACKWARD, BACKWARD_FROZEN, BACKWARD_INPUT };
    for (size_t s = 0; s < EMPTY_SHAPES; s++)
        for (size_t i = 0; i < sizeof accumulating / sizeof *accumulating; i++) {
            struct problem problem = problem_random(&empty_shapes[s], CLBN_FLOAT32, 1e-5, 1);
            struct call call = call_of(accumulating[i]);
            accumulate(&call);
            say(_i, "empty, accumulated", CLBN_FLOAT32, &empty_shapes[s]);
            struct run run = run_prepare(test_engine(_i), &problem, &call);
            run_now(&run);
            expect_old_values(&run, VIEW_DGAMMA);
            expect_old_values(&run, VIEW_DBETA);
            run_release(&run);
            problem_free(&problem);
        }
}
END_TEST

START_TEST(no_channels_is_nothing_to_do)
{
    static const struct shape shape = { 3, 1, { 2, 0, 5 } };
    struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 1);
    say(_i, "no channels", CLBN_FLOAT32, &shape);
    for (enum operation operation = 0; operation < OPERATIONS; operation++) {
        struct call call = call_of(operation);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        run_now(&run);
        run_release(&run);
    }
    problem_free(&problem);
}
END_TEST

static const struct shape single_shapes[] = { { 2, 1, { 1, 37 } }, { 1, 0, { 5 } }, { 4, 1, { 1, 35, 1, 1 } } };
enum { SINGLE_SHAPES = sizeof single_shapes / sizeof *single_shapes };

START_TEST(a_single_value_gives_beta)
{
    clbn_type types[MAX_TYPES];
    int type_count = tested_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < SINGLE_SHAPES; s++) {
            size_t channels = shape_channels(&single_shapes[s]);
            struct problem problem = problem_random(&single_shapes[s], types[t], 1e-5, 1);
            struct call call = call_of(FORWARD_TRAINING);
            call.running_variance = CLBN_BIASED;
            verify_call(_i, &problem, &call);
            struct run run = run_prepare(test_engine(_i), &problem, &call);
            run_now(&run);
            expect_equal("y", run_output(&run, VIEW_Y), problem.values[VIEW_BETA], channels);
            run_release(&run);
            problem_free(&problem);
        }
}
END_TEST

START_TEST(a_single_value_has_no_unbiased_variance)
{
    struct problem problem = problem_random(&single_shapes[0], CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_TRAINING);
    say(_i, "unbiased variance of one value", CLBN_FLOAT32, &single_shapes[0]);
    struct run run = run_prepare(test_engine(_i), &problem, &call);
    cl_int status = run_enqueue(&run, in_order_queue(), 0, NULL, NULL);
    expect_status(status, CLBN_TOO_FEW_VALUES, "clbnEnqueueForwardTraining");
    ck_assert_msg(strlen(clbnLastError()) > 0, "no sentence about the error");
    clFinish(in_order_queue());
    for (enum view view = 0; view < VIEWS; view++)
        guarded_expect_unchanged(&run.views[view], view_name(view));
    run_release(&run);
    call.views &= ~WITH_RUNNING;
    verify_call(_i, &problem, &call);
    problem_free(&problem);
}
END_TEST

/* Enough values for several chunks, in channels that share vectors where they are last. */
static const struct shape spoilt_shapes[] = { { 3, 1, { 5, 7, 1003 } }, { 2, 1, { 5003, 7 } } };
enum { SPOILT_SHAPES = 2, SPOILT_CHANNEL = 3 };
static const double spoilers[] = { NAN, INFINITY, -INFINITY };
enum { SPOILERS = 3 };

/* What becomes of the spoilt channel's values. */
enum fate { STAYS, BECOMES_NAN, BECOMES_NOT_FINITE };

static bool has_met(enum fate fate, double value)
{
    return fate == BECOMES_NAN ? isnan(value) : !isfinite(value);
}

/* The other channels must not change at all. */
static void expect_fate(struct run *spoilt, struct run *clean, enum view view, enum fate fate)
{
    const struct shape *shape = &spoilt->problem->shape;
    size_t count = run_count(spoilt, view), channels = shape_channels(shape);
    const double *actual = run_output(spoilt, view), *before = run_output(clean, view);
    for (size_t i = 0; i < count; i++) {
        size_t channel = count == channels ? i : shape_channel_of(shape, i);
        if (channel == SPOILT_CHANNEL && fate != STAYS)
            ck_assert_msg(has_met(fate, actual[i]), "%s: %s[%zu] is %g", what_is_tested(), view_name(view), i, actual[i]);
        else
            expect_same_bits(view_name(view), actual + i, before + i, 1);
    }
}

/* Runs a call on a clean problem and on one with one bad value in the middle of one view's spoilt channel. */
static void check_spoilt(int config, const struct shape *shape, clbn_type type, const struct call *call, enum view where,
                         double spoiler, const enum fate fates[VIEWS])
{
    struct problem clean = problem_random(shape, type, 1e-5, 1), spoilt = problem_random(shape, type, 1e-5, 1);
    if (fates[VIEW_Y] != STAYS) /* NaN must come through an activation, too */
        clean.activation = spoilt.activation = activation_of(tested_activation(config, type, CLBN_ACTIVATION_RELU));
    spoilt.values[where][shape_element_of(shape, SPOILT_CHANNEL, shape_values_per_channel(shape) / 2)] = spoiler;
    say(config, "one bad value", type, shape);
    struct run runs[2] = { run_prepare(test_engine(config), &spoilt, call), run_prepare(test_engine(config), &clean, call) };
    run_now(&runs[0]);
    run_now(&runs[1]);
    for (enum view view = 0; view < VIEWS; view++)
        if (fates[view] != STAYS)
            expect_fate(&runs[0], &runs[1], view, fates[view]);
    run_release(&runs[0]);
    run_release(&runs[1]);
    problem_free(&clean);
    problem_free(&spoilt);
}

static void check_spoilt_everywhere(int config, const struct shape *shape, clbn_type type, double spoiler)
{
    static const enum fate forward_fates[VIEWS] = {
        [VIEW_Y] = BECOMES_NAN,        [VIEW_SAVE_MEAN] = BECOMES_NOT_FINITE,    [VIEW_SAVE_INVSTD] = BECOMES_NAN,
        [VIEW_SAVE_VAR] = BECOMES_NAN, [VIEW_RUNNING_MEAN] = BECOMES_NOT_FINITE, [VIEW_RUNNING_VAR] = BECOMES_NOT_FINITE
    };
    static const enum fate x_fates[VIEWS] = { [VIEW_DX] = BECOMES_NAN, [VIEW_DGAMMA] = BECOMES_NAN };
    static const enum fate dy_fates[VIEWS] = {
        [VIEW_DX] = BECOMES_NOT_FINITE, [VIEW_DGAMMA] = BECOMES_NOT_FINITE, [VIEW_DBETA] = BECOMES_NOT_FINITE
    };
    struct call forward = call_of(FORWARD_TRAINING), backward = call_of(BACKWARD), recomputing = call_of(BACKWARD);
    recomputing.views &= ~WITH_SAVED;
    check_spoilt(config, shape, type, &forward, VIEW_X, spoiler, forward_fates);
    check_spoilt(config, shape, type, &recomputing, VIEW_X, spoiler, x_fates);
    check_spoilt(config, shape, type, &backward, VIEW_DY, spoiler, dy_fates);
}

START_TEST(a_bad_value_stays_in_its_channel)
{
    clbn_type types[MAX_TYPES];
    int type_count = tested_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < SPOILT_SHAPES; s++)
            for (size_t i = 0; i < SPOILERS; i++)
                check_spoilt_everywhere(_i, &spoilt_shapes[s], types[t], spoilers[i]);
}
END_TEST

START_TEST(a_factor_of_1_does_not_read_the_old_statistics)
{
    for (size_t s = 0; s < SPOILT_SHAPES; s++) {
        struct problem problem = problem_random(&spoilt_shapes[s], CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of(FORWARD_TRAINING);
        call.update_factor = 1;
        say(_i, "f = 1", CLBN_FLOAT32, &spoilt_shapes[s]);
        struct run runs[2];
        runs[0] = run_prepare(test_engine(_i), &problem, &call);
        for (size_t c = 0; c < shape_channels(&problem.shape); c++)
            problem.values[VIEW_RUNNING_MEAN][c] = problem.values[VIEW_RUNNING_VAR][c] = NAN;
        runs[1] = run_prepare(test_engine(_i), &problem, &call);
        run_now(&runs[0]);
        run_now(&runs[1]);
        for (enum view view = VIEW_RUNNING_MEAN; view <= VIEW_RUNNING_VAR; view++)
            expect_same_bits(view_name(view), run_output(&runs[1], view), run_output(&runs[0], view),
                             shape_channels(&problem.shape));
        run_release(&runs[0]);
        run_release(&runs[1]);
        problem_free(&problem);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("edge cases");
    TCase *cases = tcase_create("edge cases");
    add_test_of_configs(cases, an_empty_batch_succeeds, ENGINE_CONFIGS);
    add_test_of_configs(cases, an_empty_batch_accumulates_nothing, ENGINE_CONFIGS);
    add_test_of_configs(cases, no_channels_is_nothing_to_do, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_single_value_gives_beta, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_single_value_has_no_unbiased_variance, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_bad_value_stays_in_its_channel, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_factor_of_1_does_not_read_the_old_statistics, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
