/* SPDX-License-Identifier: MIT */
/* Tuning on a device: every way in which work can be divided is right, and what was measured is used by later plans. */
#define _POSIX_C_SOURCE 200809L
#include "cache_files.h"
#include "compare.h"
#include "divisions.h"
#include "harness.h"
#include "interpose.h"
#include "verify.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

enum { TEXT_SIZE = 128 };

/* Seconds: enough to see every division of a small problem. */
static const double short_time = 0.2;

static const struct shape rows = { 4, 1, { 4, 3, 57, 59 } };
static const struct shape columns = { 2, 1, { 1100, 37 } };

static clbn_engine new_engine(clbn_geometry geometry, cl_uint flags)
{
    cl_int status = CL_SUCCESS;
    clbn_engine_options options = CLBN_ENGINE_OPTIONS_INIT;
    options.geometry = geometry;
    options.flags = flags;
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), &options, &status);
    expect_success(status);
    return engine;
}

static const char *division_of(clbn_plan plan, clbn_plan_info name, char text[TEXT_SIZE])
{
    expect_success(clbnGetPlanInfo(plan, name, TEXT_SIZE, text, NULL));
    return text;
}

/* Whether plans that are created now are divided as a plan is. */
static bool divides_alike(clbn_engine engine, const struct shape *shape, clbn_plan plan)
{
    bool alike = true;
    clbn_plan later = create_plan(engine, shape, CLBN_FLOAT32, 1e-5);
    for (clbn_plan_info name = CLBN_PLAN_FORWARD_DIVISION; name <= CLBN_PLAN_BACKWARD_DIVISION; name++) {
        char text[TEXT_SIZE], later_text[TEXT_SIZE];
        alike = alike && strcmp(division_of(plan, name, text), division_of(later, name, later_text)) == 0;
    }
    clbnReleasePlan(later);
    return alike;
}

/* ---- Every division is right ---------------------------------------------------------------------------------------------- */

static void check_division(int config, const struct problem *problem, size_t number)
{
    static const enum operation operations[] = { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD,      BACKWARD_FROZEN,
                                                 STATISTICS,       NORMALIZE,         BACKWARD_SUMS, BACKWARD_INPUT };
    for (int i = 0; i < COUNT_OF(operations); i++) {
        struct call call = call_of(operations[i]);
        if (operations[i] >= STATISTICS && number % 4 != (size_t)config)
            continue; /* what phases do with a division, whole calls do too */
        call.own_workspace = number % 2 == 0;
        if (operations[i] == BACKWARD && number % 3 == 0)
            call.views &= ~WITH_SAVED;
        say_call(config, problem, &call);
        struct run first = run_prepare(test_engine(config), problem, &call);
        struct run again = run_prepare(test_engine(config), problem, &call);
        run_now(&first);
        verify_run(&first);
        run_now(&again);
        for (enum view view = 0; view < VIEWS; view++)
            if (run_writes(&first, view))
                expect_same_bits(view_name(view), run_output(&again, view), run_output(&first, view), run_count(&first, view));
        run_release(&again);
        run_release(&first);
    }
}

/* Tails in rows, images and columns, few and many channels; with stores past the cache where they can be, which is not
 * everywhere. */
static const struct shape divided_shapes[] = { { 4, 1, { 4, 3, 57, 59 } },
                                               { 3, 1, { 70, 33, 17 } },
                                               { 2, 1, { 300, 37 } },
                                               { 4, 3, { 2, 14, 14, 300 } },
                                               { 2, 1, { 3001, 1 } } };

START_TEST(every_division_agrees_with_the_reference)
{
    size_t divisions = 0;
    for (int s = 0; s < COUNT_OF(divided_shapes); s++) {
        struct problem problem = problem_random(&divided_shapes[s], CLBN_FLOAT32, 1e-5, (uint64_t)s);
        clbn_plan plan = create_plan(test_engine(_i), &divided_shapes[s], CLBN_FLOAT32, 1e-5);
        size_t count = count_divisions(plan);
        for (size_t number = 0; number < count; number++) {
            choose_division(plan, number);
            check_division(_i, &problem, number);
        }
        choose_division(plan, 0);
        divisions += count;
        clbnReleasePlan(plan);
        problem_free(&problem);
    }
    printf("%s: %zu divisions\n", engine_configs[_i].name, divisions);
    ck_assert_uint_gt(divisions, 5 * 4);
}
END_TEST

/* ---- Later plans ---------------------------------------------------------------------------------------------------------- */

START_TEST(each_pass_has_its_own_division)
{
    static const clbn_plan_info names[] = { CLBN_PLAN_FORWARD_DIVISION, CLBN_PLAN_BACKWARD_DIVISION,
                                            CLBN_PLAN_INFERENCE_DIVISION };
    for (unsigned pass = 0; pass < 3; pass++) {
        char usual[TEXT_SIZE], later_text[TEXT_SIZE];
        clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
        clbn_plan plan = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
        testing("pass %u", pass);
        choose_division_of_pass(plan, pass, 1);
        clbn_plan later = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
        for (unsigned i = 0; i < 3; i++) {
            bool same = strcmp(division_of(plan, names[i], usual), division_of(later, names[i], later_text)) == 0;
            ck_assert_msg(same == (i != pass), "pass %u: of pass %u: %s, then %s", pass, i, usual, later_text);
        }
        clbnReleasePlan(later);
        clbnReleasePlan(plan);
        clbnReleaseEngine(engine);
    }
}
END_TEST

static unsigned long count_kernels(clbn_engine engine, enum operation operation)
{
    struct problem problem = problem_random(&columns, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(operation);
    struct run run = run_prepare(engine, &problem, &call);
    unsigned long before = calls_of("clEnqueueNDRangeKernel");
    run_now(&run);
    unsigned long kernels = calls_of("clEnqueueNDRangeKernel") - before;
    run_release(&run);
    problem_free(&problem);
    return kernels;
}

/* Of so many rows all is split, in two kernels; number 1 is whole. */
START_TEST(each_pass_runs_as_it_is_divided)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
        clbn_plan plan = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
        testing("pass %u", pass);
        ck_assert_uint_eq(count_kernels(engine, FORWARD_TRAINING), 2);
        ck_assert_uint_eq(count_kernels(engine, BACKWARD), 2);
        choose_division_of_pass(plan, pass, 1);
        ck_assert_uint_eq(count_kernels(engine, FORWARD_TRAINING), pass == 0 ? 1 : 2);
        ck_assert_uint_eq(count_kernels(engine, BACKWARD), pass == 1 ? 1 : 2);
        clbnReleasePlan(plan);
        clbnReleaseEngine(engine);
    }
}
END_TEST

static size_t workspace_of_later_plan(clbn_engine engine, const struct shape *shape)
{
    size_t size = 0;
    clbn_plan later = create_plan(engine, shape, CLBN_FLOAT32, 1e-5);
    expect_success(clbnGetPlanInfo(later, CLBN_PLAN_WORKSPACE_SIZE, sizeof size, &size, NULL));
    clbnReleasePlan(later);
    return size;
}

/* It is enough for the pass that needs most, whichever that is. Of itself, that is the backward, which has more parts than others. */
START_TEST(a_workspace_is_enough_for_every_pass)
{
    /* So many rows that also more parts than usual take less memory than the tensor. */
    static const struct shape shape = { 2, 1, { 5000, 32 } };
    clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
    clbn_plan plan = create_plan(engine, &shape, CLBN_FLOAT32, 1e-5);
    const size_t usual = workspace_of_later_plan(engine, &shape);
    size_t largest = 0;
    for (size_t number = 0, count = count_divisions(plan); number < count; number++) {
        choose_division(plan, number);
        const size_t size = workspace_of_later_plan(engine, &shape);
        size_t greatest = 0;
        for (unsigned pass = 0; pass < 3; pass++) {
            choose_division(plan, 0);
            choose_division_of_pass(plan, pass, number);
            const size_t later = workspace_of_later_plan(engine, &shape);
            ck_assert_uint_le(later, size > usual ? size : usual);
            if (pass != 1)
                ck_assert_uint_ge(later, usual);
            greatest = later > greatest ? later : greatest;
        }
        ck_assert_uint_ge(greatest, size);
        largest = size > largest ? size : largest;
    }
    ck_assert_uint_gt(largest, usual);
    clbnReleasePlan(plan);
    clbnReleaseEngine(engine);
}
END_TEST

START_TEST(later_plans_of_the_problem_alone_are_divided_so)
{
    const struct shape other = { 2, 1, { 701, 37 } };
    clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
    clbn_plan usual = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
    clbn_plan other_usual = create_plan(engine, &other, CLBN_FLOAT32, 1e-5);
    choose_division(usual, 1);
    ck_assert(!divides_alike(engine, &columns, usual));
    ck_assert(divides_alike(engine, &other, other_usual));
    choose_division(usual, 0);
    ck_assert(divides_alike(engine, &columns, usual));
    clbnReleasePlan(other_usual);
    clbnReleasePlan(usual);
    clbnReleaseEngine(engine);
}
END_TEST

START_TEST(later_engines_find_it_on_disk)
{
    cache_files_open();
    clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
    clbn_plan usual = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
    choose_division(usual, 1);
    ck_assert_int_eq(count_entries("tuned-"), 1);
    clbn_engine later = new_engine(CLBN_GEOMETRY_VECTOR, 0), split = new_engine(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_SPLIT);
    ck_assert(!divides_alike(later, &columns, usual));
    clbn_plan usual_split = create_plan(split, &columns, CLBN_FLOAT32, 1e-5);
    expect_success(setenv("CLBN_CACHE_DIR", "", 1));
    clbn_engine without = new_engine(CLBN_GEOMETRY_VECTOR, 0);
    ck_assert(divides_alike(without, &columns, usual));
    ck_assert(divides_alike(split, &columns, usual_split));
    expect_success(setenv("CLBN_CACHE_DIR", cache_folder(), 1));
    clbnReleasePlan(usual_split);
    clbnReleasePlan(usual);
    clbnReleaseEngine(without);
    clbnReleaseEngine(split);
    clbnReleaseEngine(later);
    clbnReleaseEngine(engine);
    cache_files_close();
}
END_TEST

/* Numbers that are no candidate's, in a file that is sound: the usual division. */
START_TEST(forged_numbers_change_nothing)
{
    static const cl_uint forged[][DIVISION_NUMBERS] = {
        { 3, 0, 0, 0, 0, 0 },
        { 1, 1, 0, 0, 0, 0x80000000 },
        { 1, 0, CL_UINT_MAX, 0, 0, 0 },
        { 1, 0, 0, CL_UINT_MAX, 0, 0 },
        { 1, 0, 0, 63, 0, 0 },
        { 2, 0, 0, 0, CL_UINT_MAX, 0 },
        { CL_UINT_MAX, CL_UINT_MAX, CL_UINT_MAX, CL_UINT_MAX, CL_UINT_MAX, CL_UINT_MAX },
    };
    cache_files_open();
    clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
    clbn_plan usual = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
    for (int i = 0; i < COUNT_OF(forged); i++) {
        testing("forged numbers %d", i);
        ck_assert(forge_division(usual, forged[i]));
        clbn_engine later = new_engine(CLBN_GEOMETRY_VECTOR, 0);
        ck_assert_msg(divides_alike(engine, &columns, usual), "%s: another division", what_is_tested());
        ck_assert_msg(divides_alike(later, &columns, usual), "%s: another division from disk", what_is_tested());
        clbnReleaseEngine(later);
    }
    clbnReleasePlan(usual);
    clbnReleaseEngine(engine);
    cache_files_close();
}
END_TEST

/* ---- Measuring ------------------------------------------------------------------------------------------------------------ */

static void expect_measured(const clbn_tune_result *result)
{
    ck_assert(result->usual_seconds > 0 && result->best_seconds > 0 && result->best_seconds <= result->usual_seconds);
    ck_assert(result->measured >= 1 && result->measured <= result->divisions);
}

static void expect_nothing(const clbn_tune_result *result)
{
    ck_assert(result->usual_seconds == 0 && result->best_seconds == 0 && result->measured == 0 && result->divisions == 0);
}

static clbn_tune_args short_args(cl_uint operations)
{
    clbn_tune_args args = CLBN_TUNE_ARGS_INIT;
    args.operations = operations;
    args.seconds = short_time;
    return args;
}

static void check_tuning(clbn_engine engine, const clbn_plan_desc *desc, cl_command_queue queue, cl_uint operations)
{
    const clbn_tune_args args = short_args(operations);
    clbn_tune_report report = CLBN_TUNE_REPORT_INIT;
    clbn_plan plan = create_described_plan(engine, desc);
    char before[TEXT_SIZE], after[TEXT_SIZE];
    division_of(plan, CLBN_PLAN_FORWARD_DIVISION, before);
    expect_success(clbnTunePlan(plan, queue, &args, &report));
    ck_assert_str_eq(division_of(plan, CLBN_PLAN_FORWARD_DIVISION, after), before);
    const clbn_tune_result *const results[] = { &report.forward, &report.backward, &report.inference };
    for (int i = 0; i < 3; i++)
        if (operations >> i & 1)
            expect_measured(results[i]);
        else
            expect_nothing(results[i]);
    clbnReleasePlan(plan);
}

START_TEST(tuned_plans_are_right)
{
    static const struct shape shapes[] = { { 4, 1, { 4, 3, 57, 59 } }, { 2, 1, { 700, 37 } } };
    for (int s = 0; s < COUNT_OF(shapes); s++) {
        struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, 1);
        const clbn_plan_desc desc = plan_description(&shapes[s], CLBN_FLOAT32, 1e-5);
        testing("tuning, %s, shape %d", engine_configs[_i].name, s);
        check_tuning(test_engine(_i), &desc, _i % 2 == 0 ? in_order_queue() : out_of_order_queue(), 7);
        for (enum operation operation = FORWARD_TRAINING; operation <= BACKWARD_FROZEN; operation++) {
            struct call call = call_of(operation);
            verify_call(_i, &problem, &call);
        }
        problem_free(&problem);
    }
}
END_TEST

START_TEST(each_operation_is_measured_alone)
{
    const clbn_plan_desc desc = plan_description(&rows, CLBN_FLOAT32, 1e-5);
    for (cl_uint operations = 1; operations < 8; operations++)
        check_tuning(test_engine(0), &desc, in_order_queue(), operations);
}
END_TEST

/* The types, an activation, strides, one value to a channel. */
START_TEST(plans_of_any_kind_are_tuned)
{
    const struct shape single = { 2, 1, { 1, 70 } };
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(0, types);
    for (int t = 0; t < type_count; t++) {
        const clbn_plan_desc desc = plan_description(&rows, types[t], 1e-5);
        testing("tuning, type %u", (unsigned)types[t]);
        check_tuning(test_engine(0), &desc, in_order_queue(), 7);
    }
    clbn_plan_desc desc = plan_description(&single, CLBN_FLOAT32, 1e-5);
    testing("tuning one value to a channel");
    check_tuning(test_engine(0), &desc, in_order_queue(), 7);
    desc = plan_description(&rows, CLBN_FLOAT32, 1e-5);
    desc.activation = CLBN_ACTIVATION_RELU;
    const clbn_layout strided = { CL_TRUE, { 40000, 11000, 120, 2 } };
    desc.x_layout = strided;
    testing("tuning strides");
    check_tuning(test_engine(0), &desc, in_order_queue(), 7);
}
END_TEST

START_TEST(an_empty_plan_has_nothing_to_measure)
{
    const struct shape empty = { 2, 1, { 0, 5 } };
    clbn_tune_report report = CLBN_TUNE_REPORT_INIT;
    clbn_plan plan = create_plan(test_engine(0), &empty, CLBN_FLOAT32, 1e-5);
    report.forward.measured = 5;
    expect_success(clbnTunePlan(plan, in_order_queue(), NULL, &report));
    expect_nothing(&report.forward);
    ck_assert(!report.stored);
    clbnReleasePlan(plan);
}
END_TEST

START_TEST(what_was_measured_is_stored)
{
    const clbn_tune_args args = short_args(CLBN_OPERATION_FORWARD);
    clbn_tune_report report = CLBN_TUNE_REPORT_INIT;
    char folder[4096];
    cache_files_open();
    clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
    clbn_plan plan = create_plan(engine, &rows, CLBN_FLOAT32, 1e-5);
    expect_success(clbnTunePlan(plan, in_order_queue(), &args, &report));
    ck_assert(report.stored);
    ck_assert_int_eq(count_entries("tuned-"), 1);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_CACHE_FOLDER, sizeof folder, folder, NULL));
    ck_assert_str_eq(folder, cache_folder());
    expect_success(setenv("CLBN_CACHE_DIR", "", 1));
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_CACHE_FOLDER, sizeof folder, folder, NULL));
    ck_assert_str_eq(folder, "");
    expect_success(clbnTunePlan(plan, in_order_queue(), &args, &report));
    ck_assert(!report.stored);
    clbnReleasePlan(plan);
    clbnReleaseEngine(engine);
    expect_success(setenv("CLBN_CACHE_DIR", cache_folder(), 1));
    cache_files_close();
}
END_TEST

static void *tune_and_plan(void *engine)
{
    const clbn_tune_args args = short_args(CLBN_OPERATION_INFERENCE);
    for (int i = 0; i < 3; i++) {
        clbn_plan plan = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
        expect_success(clbnTunePlan(plan, in_order_queue(), &args, NULL));
        clbnReleasePlan(plan);
    }
    return NULL;
}

START_TEST(threads_tune_at_once)
{
    pthread_t threads[4];
    clbn_engine engine = new_engine(CLBN_GEOMETRY_VECTOR, 0);
    in_order_queue();
    for (int i = 0; i < COUNT_OF(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, tune_and_plan, engine), 0);
    for (int i = 0; i < COUNT_OF(threads); i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    clbnReleaseEngine(engine);
}
END_TEST

/* ---- Misuse --------------------------------------------------------------------------------------------------------------- */

static void expect_refusal(cl_int status, cl_int expected, const char *word)
{
    expect_status(status, expected, "clbnTunePlan");
    ck_assert_msg(strstr(clbnLastError(), word) != NULL && strstr(clbnLastError(), "expected") != NULL, "no '%s' in: %s", word,
                  clbnLastError());
}

START_TEST(what_cannot_be_tuned_is_refused)
{
    static const clbn_tune_args bad[] = {
        { sizeof(clbn_tune_args), 0, 1 },   { sizeof(clbn_tune_args), 8, 1 },  { sizeof(clbn_tune_args), CL_UINT_MAX, 1 },
        { sizeof(clbn_tune_args), 7, 0 },   { sizeof(clbn_tune_args), 7, -1 }, { sizeof(clbn_tune_args), 7, INFINITY },
        { sizeof(clbn_tune_args), 7, NAN },
    };
    clbn_tune_args args = CLBN_TUNE_ARGS_INIT;
    clbn_tune_report report = CLBN_TUNE_REPORT_INIT;
    clbn_plan plan = create_plan(test_engine(0), &rows, CLBN_FLOAT32, 1e-5);
    expect_refusal(clbnTunePlan(NULL, in_order_queue(), NULL, NULL), CLBN_INVALID_PLAN, "plan");
    expect_refusal(clbnTunePlan(plan, NULL, NULL, NULL), CL_INVALID_COMMAND_QUEUE, "queue");
    for (int i = 0; i < COUNT_OF(bad); i++)
        expect_refusal(clbnTunePlan(plan, in_order_queue(), &bad[i], NULL), CLBN_INVALID_ARGUMENT,
                       i < 3 ? "operations" : "seconds");
    args.struct_size--;
    expect_refusal(clbnTunePlan(plan, in_order_queue(), &args, NULL), CLBN_INVALID_STRUCT_SIZE, "clbn_tune_args");
    report.struct_size++;
    report.forward.measured = 5;
    expect_refusal(clbnTunePlan(plan, in_order_queue(), NULL, &report), CLBN_INVALID_STRUCT_SIZE, "clbn_tune_report");
    ck_assert_uint_eq(report.forward.measured, 5);
    clbnReleasePlan(plan);
}
END_TEST

int main(void)
{
    setenv("CLBN_CACHE_DIR", "", 1);
    Suite *suite = suite_create("tuning");
    TCase *divisions = tcase_create("every division");
    tcase_set_timeout(divisions, 0);
    tcase_add_loop_test(divisions, every_division_agrees_with_the_reference, 0, 4);
    suite_add_tcase(suite, divisions);
    TCase *cases = tcase_create("measuring and remembering");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, each_pass_has_its_own_division);
    tcase_add_test(cases, each_pass_runs_as_it_is_divided);
    tcase_add_test(cases, a_workspace_is_enough_for_every_pass);
    tcase_add_test(cases, later_plans_of_the_problem_alone_are_divided_so);
    tcase_add_test(cases, later_engines_find_it_on_disk);
    tcase_add_test(cases, forged_numbers_change_nothing);
    add_test_of_configs(cases, tuned_plans_are_right, PLAIN_ENGINE_CONFIGS);
    tcase_add_test(cases, each_operation_is_measured_alone);
    tcase_add_test(cases, plans_of_any_kind_are_tuned);
    tcase_add_test(cases, an_empty_plan_has_nothing_to_measure);
    tcase_add_test(cases, what_was_measured_is_stored);
    tcase_add_test(cases, threads_tune_at_once);
    tcase_add_test(cases, what_cannot_be_tuned_is_refused);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
