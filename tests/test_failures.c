/* SPDX-License-Identifier: MIT */
/*
 * Every call of OpenCL and every allocation made to fail in turn, as SQLite's tests do: each time the library gives the
 * failure's status and a sentence, loses nothing, and works again at once.
 */
#define _POSIX_C_SOURCE 200809L
#include "compare.h"
#include "harness.h"
#include "interpose.h"
#include "run.h"
#include "svm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* More calls than any operation makes: a loop that gets there does not end by itself. */
enum { MANY_CALLS = 1000 };

static const enum failure_kind kinds[] = { FAILS_ONCE, FAILS_FROM_THEN_ON };
enum { KINDS = 2 };

/* A failed assertion must not leave the rest of the suite with failures. */
static void tear_down(void)
{
    stop_failing();
}

/* From now on the number-th call fails; what an earlier failure has said is gone. */
static void begin_failing(unsigned long number, const char *function, enum failure_kind kind)
{
    expect_status(clbnRetainPlan(NULL), CLBN_INVALID_PLAN, "clbnRetainPlan");
    fail_call_number(number, function, kind);
}

/* Checks the status of a call during which a function failed. */
static void expect_failure_told(cl_int status, const char *failed, unsigned long number)
{
    const char *sentence = clbnLastError();
    ck_assert_msg(status == status_of_failed(failed), "%s, call %lu, %s fails: %s: %s", what_is_tested(), number, failed,
                  clbnStatusName(status), sentence);
    ck_assert_msg(strstr(sentence, strncmp(failed, "cl", 2) == 0 ? failed : "out of host") != NULL,
                  "%s, call %lu: %s fails, but the sentence is: %s", what_is_tested(), number, failed, sentence);
}

/* ---- Creation ------------------------------------------------------------------------------------------------------------- */

static clbn_engine new_engine(const struct engine_config *config, cl_int *status)
{
    const clbn_engine_options options = engine_options(config);
    return clbnCreateEngine(test_context(), test_device(), &options, status);
}

START_TEST(an_engine_fails_cleanly)
{
    const char *failed = "";
    unsigned long number = 0;
    testing("an engine");
    test_context();
    while (failed != NULL) {
        cl_int status = CL_SUCCESS;
        struct live_objects before = count_live_objects();
        ck_assert_uint_lt(++number, MANY_CALLS);
        begin_failing(number, NULL, kinds[_i]);
        clbn_engine engine = new_engine(&engine_configs[0], &status);
        failed = stop_failing();
        ck_assert_msg((engine == NULL) == (failed != NULL), "an engine, call %lu: %p", number, (void *)engine);
        if (failed != NULL)
            expect_failure_told(status, failed, number);
        else
            expect_success(status);
        clbnReleaseEngine(engine);
        expect_live_objects(&before);
    }
    ck_assert_uint_gt(number, 8);
}
END_TEST

static clbn_plan_desc some_desc(size_t ghost_batch)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 2;
    desc.shape[0] = 4;
    desc.shape[1] = 3;
    desc.ghost_batch = ghost_batch;
    return desc;
}

/* Each time the first plan of a new engine, without ghost batches and with; what is lost shows when the engine is released, too. */
START_TEST(a_plan_fails_cleanly)
{
    const char *failed = "";
    unsigned long number = 0;
    const clbn_plan_desc desc = some_desc(_i < KINDS ? 0 : 3);
    testing("a plan");
    while (failed != NULL) {
        cl_int status = CL_SUCCESS;
        struct live_objects before = count_live_objects();
        clbn_engine engine = new_engine(&engine_configs[0], &status);
        expect_success(status);
        ck_assert_uint_lt(++number, MANY_CALLS);
        begin_failing(number, NULL, kinds[_i % KINDS]);
        clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
        failed = stop_failing();
        ck_assert_msg((plan == NULL) == (failed != NULL), "a plan, call %lu: %p", number, (void *)plan);
        if (failed != NULL)
            expect_failure_told(status, failed, number);
        clbnReleasePlan(plan);
        expect_success(clbnReleaseEngine(engine));
        expect_live_objects(&before);
    }
    ck_assert_uint_gt(number, 4);
}
END_TEST

/* ---- Operations ----------------------------------------------------------------------------------------------------------- */

/* Rows and columns of whole vectors of any type, which groups keep on chip. */
static const struct shape shapes[] = { { 3, 1, { 4, 3, 64 } }, { 2, 1, { 150, 8 } }, { 2, 1, { 0, 5 } } };
static const char *const shape_names[] = { "rows", "columns", "empty" };

static const struct {
    const char *name;
    enum operation operation;
    unsigned views, svm;
    bool has_ghosts;
} operations[] = {
    { "forward training", FORWARD_TRAINING, WITH_ALL, 0, false },
    { "forward training, y only", FORWARD_TRAINING, WITH(VIEW_X) | WITH(VIEW_Y), 0, false },
    { "forward training in shared memory", FORWARD_TRAINING, WITH_ALL, WITH_ALL, false },
    { "forward inference", FORWARD_INFERENCE, WITH_ALL, 0, false },
    { "backward", BACKWARD, WITH_ALL, 0, false },
    { "backward without statistics", BACKWARD, WITH_ALL & ~WITH_SAVED, 0, false },
    { "backward to parameters", BACKWARD, WITH_ALL & ~(WITH(VIEW_DX) | WITH(VIEW_DZ)), 0, false },
    { "frozen backward", BACKWARD_FROZEN, WITH_ALL, 0, false },
    { "frozen backward to x", BACKWARD_FROZEN, WITH_ALL & ~(WITH(VIEW_DGAMMA) | WITH(VIEW_DBETA)), 0, false },
    { "folding", FOLD, WITH_ALL, 0, false },
    { "statistics", STATISTICS, WITH_ALL, 0, false },
    { "merge of statistics", MERGE_STATISTICS, WITH_ALL, 0, false },
    { "normalization", NORMALIZE, WITH_ALL, 0, false },
    { "backward sums", BACKWARD_SUMS, WITH_ALL, 0, false },
    { "backward input", BACKWARD_INPUT, WITH_ALL, 0, false },
    { "second backward", SECOND_BACKWARD, WITH_ALL, 0, false },
    { "forward renormalization", FORWARD_RENORM, WITH_ALL, 0, false },
    { "backward renormalization", BACKWARD_RENORM, WITH_ALL, 0, false },
    { "forward training of ghost batches", FORWARD_TRAINING, WITH_ALL, 0, true },
    { "backward of ghost batches", BACKWARD, WITH_ALL & ~WITH_SAVED, 0, true },
};

/* Whole, with groups: channels are kept on chip. Calls of other types differ in their programs and in the sizes of elements. */
static const struct setting {
    clbn_geometry geometry;
    cl_uint flags;
    clbn_type type;
    bool on_chip;
} settings[] = {
    { CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_WHOLE, CLBN_FLOAT32, false },
    { CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_SPLIT, CLBN_FLOAT32, false },
    { CLBN_GEOMETRY_GROUP, CLBN_ENGINE_WHOLE, CLBN_FLOAT32, true },
    { CLBN_GEOMETRY_GROUP, CLBN_ENGINE_SPLIT, CLBN_FLOAT16, false },
    { CLBN_GEOMETRY_GROUP, CLBN_ENGINE_WHOLE, CLBN_BFLOAT16, true },
    { CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_SPLIT, CLBN_BFLOAT16, false },
};

/* What a test loops over: an operation on a shape in a setting, with the caller's workspace or without. */
struct scenario {
    struct problem problem;
    struct call call;
    const struct engine_config *config;
    cl_command_queue queue;
};

static const struct engine_config *config_with(clbn_geometry geometry, cl_uint flags)
{
    int config = 0;
    while (engine_configs[config].geometry != geometry || engine_configs[config].flags != flags)
        config++;
    return &engine_configs[config];
}

enum { SCENARIOS_WITHOUT_WORKSPACE = COUNT_OF(operations) * COUNT_OF(shapes) * COUNT_OF(settings) };
enum { SCENARIOS = 2 * SCENARIOS_WITHOUT_WORKSPACE, USUAL_SETTINGS = 2 };

/* What settings do not change is tried in the first ones alone: an empty batch, and the caller's workspace. */
static bool is_worth_while(int number)
{
    const bool own_workspace = number >= SCENARIOS_WITHOUT_WORKSPACE;
    const struct shape *shape = &shapes[number / COUNT_OF(settings) % COUNT_OF(shapes)];
    return number % COUNT_OF(settings) < USUAL_SETTINGS || (!own_workspace && shape_elements(shape) > 0);
}

/* Those without workspace come first. */
static struct scenario scenario_number(int number)
{
    struct scenario scenario;
    const bool own_workspace = number >= SCENARIOS_WITHOUT_WORKSPACE;
    const struct setting *setting = &settings[number % COUNT_OF(settings)];
    const int shape = number / COUNT_OF(settings) % COUNT_OF(shapes);
    const int operation = number / COUNT_OF(settings) / COUNT_OF(shapes) % COUNT_OF(operations);
    scenario.problem = problem_random(&shapes[shape], setting->type, 1e-5, 1);
    scenario.call = call_of(operations[operation].operation);
    scenario.call.views = operations[operation].views;
    scenario.call.svm = device_has_svm() ? operations[operation].svm : 0;
    if (scenario.call.operation != SECOND_BACKWARD) /* which has none */
        scenario.problem.activation = activation_of(CLBN_ACTIVATION_RELU);
    if (operations[operation].has_ghosts && shape_elements(&shapes[shape]) > 0)
        problem_divide(&scenario.problem, shapes[shape].lengths[0] - 2);
    scenario.call.own_workspace = own_workspace;
    scenario.config = config_with(setting->geometry, setting->flags);
    testing("%s, %s, %s, %s%s", operations[operation].name, shape_names[shape], scenario.config->name, type_name(setting->type),
            own_workspace ? " with workspace" : "");
    return scenario;
}

static void expect_same_outputs(struct run *run, struct run *expected)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (run_has(run, view))
            expect_same_bits(view_name(view), run_output(run, view), run_output(expected, view), run_count(run, view));
}

/* Fresh buffers on the same plan, kernels and engine: what a failure may have spoilt is not the caller's. */
static void expect_still_working(const struct scenario *scenario, clbn_engine engine, struct run *expected)
{
    cl_event event = NULL;
    struct run run = run_prepare(engine, &scenario->problem, &scenario->call);
    expect_success(run_enqueue(&run, scenario->queue, 0, NULL, &event));
    run_wait(event);
    expect_same_outputs(&run, expected);
    run_release(&run);
}

/* Enqueues while the number-th call of a function fails, and gives the function that did; NULL: there was none. */
static const char *enqueue_with_failure(struct scenario *scenario, struct run *run, const char *function, unsigned long number,
                                        enum failure_kind kind)
{
    static char mark;
    const cl_event no_event = (cl_event)(void *)&mark;
    cl_event event = no_event;
    struct live_objects before = count_live_objects();
    begin_failing(number, function, kind);
    cl_int status = run_enqueue(run, scenario->queue, 0, NULL, &event);
    const char *failed = stop_failing();
    expect_success(clFinish(scenario->queue));
    if (failed == NULL) {
        expect_success(status);
        run_wait(event);
        return NULL;
    }
    expect_failure_told(status, failed, number);
    ck_assert_msg(event == no_event, "%s, call %lu: an event was set", what_is_tested(), number);
    /* The engine keeps kernels for the next call; whether it loses any shows when it has been released. */
    before.count[OBJECT_KERNEL] = count_live_objects().count[OBJECT_KERNEL];
    expect_live_objects(&before);
    return failed;
}

/* The engine has its program and kernels already: what fails are the calls of an enqueue in mid-life. */
static void check_failures(struct scenario *scenario, clbn_engine engine, struct run *expected, enum failure_kind kind)
{
    const char *failed = "";
    unsigned long number = 0;
    while (failed != NULL) {
        struct run run = run_prepare(engine, &scenario->problem, &scenario->call);
        ck_assert_uint_lt(++number, MANY_CALLS);
        failed = enqueue_with_failure(scenario, &run, NULL, number, kind);
        if (failed == NULL)
            expect_same_outputs(&run, expected);
        run_release(&run);
        expect_still_working(scenario, engine, expected);
    }
    ck_assert_uint_gt(number, 2);
}

/* Each kernel's creation, at the first call after the engine has been created. */
static void check_first_kernels(struct scenario *scenario, struct run *expected)
{
    const char *failed = "";
    for (unsigned long number = 1; failed != NULL; number++) {
        cl_int status = CL_SUCCESS;
        ck_assert_uint_lt(number, MANY_CALLS);
        clbn_engine engine = new_engine(scenario->config, &status);
        expect_success(status);
        struct run run = run_prepare(engine, &scenario->problem, &scenario->call);
        failed = enqueue_with_failure(scenario, &run, "clCreateKernel", number, FAILS_ONCE);
        run_release(&run);
        expect_still_working(scenario, engine, expected);
        expect_success(clbnReleaseEngine(engine));
    }
}

/* The settings are those that they are taken for. */
START_TEST(groups_keep_whole_channels_on_chip)
{
    for (int i = 0; i < 2 * COUNT_OF(settings); i++) {
        const struct setting *setting = &settings[i / 2];
        cl_int status = CL_SUCCESS;
        char kernels[200];
        clbn_engine engine = new_engine(config_with(setting->geometry, setting->flags), &status);
        expect_success(status);
        clbn_plan plan = create_plan(engine, &shapes[i % 2], setting->type, 1e-5);
        expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_FORWARD_KERNELS, sizeof kernels, kernels, NULL));
        ck_assert_msg((strcmp(kernels, "tile_forward") == 0) == setting->on_chip, "setting %d: %s", i / 2, kernels);
        expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_BACKWARD_KERNELS, sizeof kernels, kernels, NULL));
        ck_assert_msg((strcmp(kernels, "tile_backward") == 0) == setting->on_chip, "setting %d: %s", i / 2, kernels);
        expect_success(clbnReleasePlan(plan));
        expect_success(clbnReleaseEngine(engine));
    }
}
END_TEST

START_TEST(an_enqueue_fails_cleanly)
{
    if (!is_worth_while(_i))
        return;
    cl_int status = CL_SUCCESS;
    const cl_command_queue queues[] = { in_order_queue(), out_of_order_queue() };
    struct scenario scenario = scenario_number(_i);
    struct live_objects before = count_live_objects();
    clbn_engine engine = new_engine(scenario.config, &status);
    expect_success(status);
    struct run expected = run_prepare(engine, &scenario.problem, &scenario.call);
    run_now(&expected);
    for (int i = 0; i < KINDS * COUNT_OF(queues); i++) {
        scenario.queue = queues[i / KINDS];
        if (is_drawn((size_t)(_i + i), 5))
            check_failures(&scenario, engine, &expected, kinds[i % KINDS]);
    }
    run_release(&expected);
    expect_success(clbnReleaseEngine(engine));
    expect_live_objects(&before);
    problem_free(&scenario.problem);
}
END_TEST

START_TEST(a_first_enqueue_fails_cleanly)
{
    if (!is_worth_while(_i))
        return;
    cl_int status = CL_SUCCESS;
    struct scenario scenario = scenario_number(_i);
    scenario.queue = in_order_queue();
    struct live_objects before = count_live_objects();
    clbn_engine engine = new_engine(scenario.config, &status);
    expect_success(status);
    struct run expected = run_prepare(engine, &scenario.problem, &scenario.call);
    run_now(&expected);
    check_first_kernels(&scenario, &expected);
    run_release(&expected);
    expect_success(clbnReleaseEngine(engine));
    expect_live_objects(&before);
    problem_free(&scenario.problem);
}
END_TEST

/* Enqueues anew while the number-th argument fails to be set (none for 0), and gives how many kernels were enqueued. */
static unsigned long kernels_of_call(struct scenario *scenario, clbn_engine engine, unsigned long number)
{
    struct run run = run_prepare(engine, &scenario->problem, &scenario->call);
    const unsigned long before = calls_of("clEnqueueNDRangeKernel");
    if (number > 0)
        ck_assert_ptr_nonnull(enqueue_with_failure(scenario, &run, "clSetKernelArg", number, FAILS_ONCE));
    else
        run_now(&run);
    run_release(&run);
    return calls_of("clEnqueueNDRangeKernel") - before;
}

/* What fails before the first kernel leaves nothing; a device has begun before all kernels are prepared. */
START_TEST(a_kernel_is_enqueued_when_the_next_begins)
{
    cl_int status = CL_SUCCESS;
    struct scenario scenario = { problem_random(&shapes[1], CLBN_FLOAT32, 1e-5, 1), call_of(BACKWARD),
                                 config_with(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_SPLIT), in_order_queue() };
    testing("backward of columns, split");
    clbn_engine engine = new_engine(scenario.config, &status);
    expect_success(status);
    kernels_of_call(&scenario, engine, 0);
    const unsigned long before = calls_of("clSetKernelArg");
    const unsigned long kernels = kernels_of_call(&scenario, engine, 0), arguments = calls_of("clSetKernelArg") - before;
    ck_assert_uint_ge(kernels, 2);
    ck_assert_uint_eq(kernels_of_call(&scenario, engine, 1), 0);
    ck_assert_uint_eq(kernels_of_call(&scenario, engine, arguments), kernels - 1);
    expect_success(clbnReleaseEngine(engine));
    problem_free(&scenario.problem);
}
END_TEST

/* ---- Tuning --------------------------------------------------------------------------------------------------------------- */

/* The first calls one after the other, later ones, which repeat them, in ever greater steps. */
static unsigned long next_number(unsigned long number)
{
    return number + 1 + number / 64;
}

/* Nothing is lost, nothing is reported, and the next attempt succeeds. */
START_TEST(tuning_fails_cleanly)
{
    const char *failed = "";
    cl_int status = CL_SUCCESS;
    const struct shape *shape = &shapes[_i / KINDS];
    clbn_tune_args args = CLBN_TUNE_ARGS_INIT;
    args.seconds = 0.01;
    testing("tuning, %s", shape_names[_i / KINDS]);
    in_order_queue();
    struct live_objects before = count_live_objects();
    clbn_engine engine = new_engine(&engine_configs[0], &status);
    expect_success(status);
    clbn_plan plan = create_plan(engine, shape, CLBN_FLOAT32, 1e-5);
    expect_success(clbnTunePlan(plan, in_order_queue(), &args, NULL));
    for (unsigned long number = 1; failed != NULL; number = next_number(number)) {
        clbn_tune_report report = CLBN_TUNE_REPORT_INIT;
        struct live_objects alive = count_live_objects();
        begin_failing(number, NULL, kinds[_i % KINDS]);
        status = clbnTunePlan(plan, in_order_queue(), &args, &report);
        failed = stop_failing();
        expect_success(clFinish(in_order_queue()));
        ck_assert_msg((report.forward.measured == 0) == (failed != NULL), "%s, call %lu: reported", what_is_tested(), number);
        if (failed == NULL)
            break;
        expect_failure_told(status, failed, number);
        alive.count[OBJECT_KERNEL] = count_live_objects().count[OBJECT_KERNEL]; /* which the engine keeps */
        expect_live_objects(&alive);
    }
    expect_success(status);
    clbnReleasePlan(plan);
    expect_success(clbnReleaseEngine(engine));
    expect_live_objects(&before);
}
END_TEST

int main(void)
{
    /* What fails in the disk cache is no failure: see test_program_cache.c. */
    setenv("CLBN_CACHE_DIR", "", 1);
    Suite *suite = suite_create("failures");
    TCase *cases = tcase_create("injected");
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, NULL, tear_down);
    tcase_add_loop_test(cases, an_engine_fails_cleanly, 0, KINDS);
    tcase_add_loop_test(cases, a_plan_fails_cleanly, 0, 2 * KINDS);
    tcase_add_test(cases, groups_keep_whole_channels_on_chip);
    tcase_add_loop_test(cases, an_enqueue_fails_cleanly, 0, SCENARIOS);
    tcase_add_loop_test(cases, a_first_enqueue_fails_cleanly, 0, SCENARIOS_WITHOUT_WORKSPACE);
    tcase_add_test(cases, a_kernel_is_enqueued_when_the_next_begins);
    suite_add_tcase(suite, cases);
    TCase *tuning = tcase_create("injected into tuning");
    tcase_set_timeout(tuning, 0);
    tcase_add_checked_fixture(tuning, NULL, tear_down);
    tcase_add_loop_test(tuning, tuning_fails_cleanly, 0, 2 * KINDS);
    suite_add_tcase(suite, tuning);
    const int code = run_suite_unoptimized(suite);
    printf("%lu failures were injected\n", count_failures());
    return code;
}
