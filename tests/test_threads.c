/* SPDX-License-Identifier: MIT */
/*
 * Eight threads on one engine, and 64 on one plan: each with its queue and its buffers, on one plan and on several, and where programs
 * are built at the same time. The results are those of one thread, bit for bit.
 */
#define _POSIX_C_SOURCE 200809L
#include "allocate.h"
#include "compare.h"
#include "harness.h"
#include "interpose.h"
#include "run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 8, MANY_THREADS = 64, REPETITIONS = 6 };

static const struct shape shapes[] = { { 4, 1, { 4, 3, 57, 59 } }, { 2, 1, { 700, 21 } } };
enum { SHAPES = 2 };

/* Threads make no assertions, for these leave a test by a jump: they note what went wrong first. */
struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    cl_command_queue queue;
    struct run *runs;
    unsigned run_count;
    clbn_engine engine;         /* of those that build */
    const clbn_plan_desc *desc; /* likewise */
    clbn_plan plan;             /* out */
    cl_int status;              /* out: the first failure */
    char sentence[200];         /* out: what clbnLastError() said then */
    const char *failed;         /* out: NULL, or the call that failed */
};

static bool note(struct worker *worker, const char *call, cl_int status)
{
    if (status == CL_SUCCESS)
        return true;
    worker->failed = call;
    worker->status = status;
    snprintf(worker->sentence, sizeof worker->sentence, "%s", clbnLastError());
    return false;
}

static void expect_no_failure(const struct worker *worker)
{
    ck_assert_msg(worker->failed == NULL, "%s: %s: %s: %s", what_is_tested(), worker->failed, clbnStatusName(worker->status),
                  worker->sentence);
}

/* Gives every worker to a thread and waits for all of them. */
static void run_workers(struct worker *workers, unsigned count, void *(*work)(void *))
{
    pthread_barrier_t start;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, count), 0);
    for (unsigned i = 0; i < count; i++) {
        workers[i].start = &start;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    pthread_barrier_destroy(&start);
    for (unsigned i = 0; i < count; i++)
        expect_no_failure(&workers[i]);
}

/* ---- Enqueuing ------------------------------------------------------------------------------------------------------------ */

/* Every run many times, each a link in a chain of events. */
static void *enqueue_all(void *argument)
{
    struct worker *worker = argument;
    cl_event before = NULL;
    pthread_barrier_wait(worker->start);
    for (unsigned i = 0; i < REPETITIONS * worker->run_count; i++) {
        cl_event done = NULL;
        cl_int status = run_enqueue(&worker->runs[i % worker->run_count], worker->queue, before != NULL,
                                    before != NULL ? &before : NULL, &done);
        if (before != NULL)
            clReleaseEvent(before);
        if (!note(worker, "enqueue", status))
            return NULL;
        before = done;
    }
    note(worker, "clWaitForEvents", clWaitForEvents(1, &before));
    clReleaseEvent(before);
    return NULL;
}

static void enqueue_alone(struct run *runs, unsigned run_count)
{
    for (unsigned i = 0; i < REPETITIONS * run_count; i++) {
        cl_event done = NULL;
        expect_success(run_enqueue(&runs[i % run_count], in_order_queue(), 0, NULL, &done));
        run_wait(done);
    }
}

static void expect_same_outputs(struct run *run, struct run *expected)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (run_has(run, view))
            expect_same_bits(view_name(view), run_output(run, view), run_output(expected, view), run_count(run, view));
}

static cl_command_queue new_queue(cl_command_queue_properties properties)
{
    cl_int status = CL_SUCCESS;
    cl_command_queue queue = clCreateCommandQueue(test_context(), test_device(), properties, &status);
    expect_success(status);
    return queue;
}

/* A run of each operation, with one plan for all where there is one. */
static void prepare_runs(struct run *runs, int config, const struct problem *problem, clbn_plan plan)
{
    for (enum operation i = 0; i < OPERATIONS; i++) {
        struct call call = call_of(i);
        call.own_workspace = i % 2 == 0;
        runs[i] = run_prepare(test_engine(config), problem, &call);
        if (plan == NULL)
            continue;
        expect_success(clbnReleasePlan(runs[i].plan));
        expect_success(clbnRetainPlan(plan));
        runs[i].plan = plan;
    }
}

static void release_runs(struct run *runs)
{
    for (int i = 0; i < OPERATIONS; i++)
        run_release(&runs[i]);
}

/* All on one plan, or each with plans of its own; each with its queue, or all on one. */
static void check_together(int config, const struct problem *problem, bool one_plan, bool one_queue)
{
    struct worker workers[THREADS];
    struct run runs[THREADS][OPERATIONS], expected[OPERATIONS];
    clbn_plan plan = create_plan(test_engine(config), &problem->shape, problem->type, problem->epsilon);
    memset(workers, 0, sizeof workers);
    prepare_runs(expected, config, problem, NULL);
    enqueue_alone(expected, OPERATIONS);
    for (int i = 0; i < THREADS; i++) {
        prepare_runs(runs[i], config, problem, one_plan ? plan : NULL);
        workers[i].runs = runs[i];
        workers[i].run_count = OPERATIONS;
        workers[i].queue =
            one_queue ? out_of_order_queue() : new_queue(i % 2 == 0 ? 0 : CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    }
    run_workers(workers, THREADS, enqueue_all);
    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < OPERATIONS; j++)
            expect_same_outputs(&runs[i][j], &expected[j]);
        release_runs(runs[i]);
        if (!one_queue)
            clReleaseCommandQueue(workers[i].queue);
    }
    release_runs(expected);
    expect_success(clbnReleasePlan(plan));
}

static void check_shapes_together(int config, bool one_plan, bool one_queue)
{
    for (int s = 0; s < SHAPES; s++) {
        char text[SHAPE_TEXT_SIZE];
        struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, 1);
        testing("%s, %s, %s, %s", engine_configs[config].name, shape_text(&shapes[s], text),
                one_plan ? "one plan" : "plans of their own", one_queue ? "one queue" : "queues of their own");
        check_together(config, &problem, one_plan, one_queue);
        problem_free(&problem);
    }
}

START_TEST(threads_share_a_plan)
{
    check_shapes_together(_i, true, false);
}
END_TEST

START_TEST(threads_share_an_engine)
{
    check_shapes_together(_i, false, false);
}
END_TEST

START_TEST(threads_share_a_queue)
{
    check_shapes_together(_i, true, true);
}
END_TEST

/* A step of training from each: kernels are lent to more calls at a time than there are of any. */
START_TEST(many_threads_share_a_plan)
{
    enum { STEP = 2 };
    const struct call step[STEP] = { call_of(FORWARD_TRAINING), call_of(BACKWARD) };
    struct problem problem = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1);
    struct run *runs = allocate((MANY_THREADS + 1) * STEP, sizeof *runs), *expected = &runs[MANY_THREADS * STEP];
    struct worker *workers = allocate(MANY_THREADS, sizeof *workers);
    clbn_plan plan = create_plan(test_engine(_i), &problem.shape, problem.type, problem.epsilon);
    testing("%s, %d threads", engine_configs[_i].name, MANY_THREADS);
    for (unsigned i = 0; i < (MANY_THREADS + 1) * STEP; i++) {
        runs[i] = run_prepare(test_engine(_i), &problem, &step[i % STEP]);
        expect_success(clbnReleasePlan(runs[i].plan));
        expect_success(clbnRetainPlan(plan));
        runs[i].plan = plan;
    }
    enqueue_alone(expected, STEP);
    for (unsigned i = 0; i < MANY_THREADS; i++) {
        workers[i].runs = &runs[i * STEP];
        workers[i].run_count = STEP;
        workers[i].queue = new_queue(i % 2 == 0 ? 0 : CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    }
    run_workers(workers, MANY_THREADS, enqueue_all);
    for (unsigned i = 0; i < MANY_THREADS * STEP; i++)
        expect_same_outputs(&runs[i], &expected[i % STEP]);
    for (unsigned i = 0; i < MANY_THREADS; i++)
        clReleaseCommandQueue(workers[i].queue);
    for (unsigned i = 0; i < (MANY_THREADS + 1) * STEP; i++)
        run_release(&runs[i]);
    expect_success(clbnReleasePlan(plan));
    problem_free(&problem);
    free(workers);
    free(runs);
}
END_TEST

/* ---- Building ------------------------------------------------------------------------------------------------------------- */

static void *build(void *argument)
{
    struct worker *worker = argument;
    cl_int status = CL_SUCCESS;
    pthread_barrier_wait(worker->start);
    clbn_plan plan = clbnCreatePlan(worker->engine, worker->desc, &status);
    __atomic_store_n(&worker->plan, plan, __ATOMIC_RELEASE);
    note(worker, "clbnCreatePlan", status);
    return NULL;
}

static clbn_plan_desc describe(const struct shape *shape)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = shape->rank;
    desc.channel_axes = shape_channel_axes(shape);
    memcpy(desc.shape, shape->lengths, sizeof desc.shape);
    return desc;
}

/* Runs forward training on a plan that a thread has created. */
static void check_plan(clbn_plan plan, int config, const struct problem *problem)
{
    struct call call = call_of(FORWARD_TRAINING);
    struct run run = run_prepare(test_engine(config), problem, &call);
    struct run expected = run_prepare(test_engine(config), problem, &call);
    expect_success(clbnReleasePlan(run.plan));
    run.plan = plan;
    run_now(&run);
    run_now(&expected);
    expect_same_outputs(&run, &expected);
    run_release(&run);
    run_release(&expected);
}

START_TEST(each_kind_of_program_is_built_once_by_threads_that_race)
{
    cl_int status = CL_SUCCESS;
    clbn_plan_desc descs[SHAPES];
    struct worker workers[THREADS];
    const clbn_engine_options options = engine_options(&engine_configs[_i]);
    testing("%s, building", engine_configs[_i].name);
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), &options, &status);
    expect_success(status);
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < THREADS; i++) {
        descs[i % SHAPES] = describe(&shapes[i % SHAPES]);
        workers[i].engine = engine;
        workers[i].desc = &descs[i % SHAPES];
    }
    unsigned long built = calls_of("clBuildProgram");
    run_workers(workers, THREADS, build);
    ck_assert_uint_eq(calls_of("clBuildProgram") - built, SHAPES);
    expect_success(clbnReleaseEngine(engine));
    for (int i = 0; i < THREADS; i++) {
        struct problem problem = problem_random(&shapes[i % SHAPES], CLBN_FLOAT32, 1e-5, 1);
        check_plan(workers[i].plan, _i, &problem);
        problem_free(&problem);
    }
}
END_TEST

static void start_alone(struct worker *worker, pthread_barrier_t *alone)
{
    ck_assert_int_eq(pthread_barrier_init(alone, NULL, 1), 0);
    worker->start = alone;
    ck_assert_int_eq(pthread_create(&worker->thread, NULL, build, worker), 0);
}

/* Waits until it is so, 20 seconds at most: time enough for what takes microseconds, and otherwise never comes. */
static bool comes_true(bool (*is_so)(const void *), const void *subject)
{
    const struct timespec moment = { 0, 1000000 };
    for (int i = 0; i < 20000 && !is_so(subject); i++)
        nanosleep(&moment, NULL);
    return is_so(subject);
}

static bool has_begun_to_build(const void *built_before)
{
    return calls_of("clBuildProgram") > *(const unsigned long *)built_before;
}

static bool has_plan(const void *worker)
{
    return __atomic_load_n(&((const struct worker *)worker)->plan, __ATOMIC_ACQUIRE) != NULL;
}

START_TEST(a_plan_of_a_known_kind_does_not_wait_while_another_is_built)
{
    enum { BUILDING, KNOWN, WORKERS };
    const clbn_plan_desc descs[WORKERS] = { describe(&shapes[1]), describe(&shapes[0]) };
    struct worker workers[WORKERS];
    pthread_barrier_t alone[WORKERS];
    cl_int status = CL_SUCCESS;
    testing("a build that takes long");
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    expect_success(status);
    expect_success(clbnPrebuildPlan(engine, &descs[KNOWN]));
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].engine = engine;
        workers[i].desc = &descs[i];
    }
    const unsigned long built = calls_of("clBuildProgram");
    hold_builds(true);
    start_alone(&workers[BUILDING], &alone[BUILDING]);
    bool has_begun = comes_true(has_begun_to_build, &built);
    start_alone(&workers[KNOWN], &alone[KNOWN]);
    bool has_known = comes_true(has_plan, &workers[KNOWN]);
    hold_builds(false);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
        pthread_barrier_destroy(&alone[i]);
        expect_no_failure(&workers[i]);
        expect_success(clbnReleasePlan(workers[i].plan));
    }
    expect_success(clbnReleaseEngine(engine));
    ck_assert_msg(has_begun && has_known, "it waited");
}
END_TEST

START_TEST(what_is_prebuilt_is_not_built_again)
{
    clbn_plan_desc desc = describe(&shapes[0]);
    cl_int status = CL_SUCCESS;
    testing("prebuilding");
    test_context();
    struct live_objects before = count_live_objects();
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    const unsigned long built = calls_of("clBuildProgram");
    expect_success(clbnPrebuildPlan(engine, &desc));
    ck_assert_uint_eq(calls_of("clBuildProgram"), built + 1);
    expect_success(clbnReleasePlan(create_described_plan(engine, &desc)));
    desc.shape[0]++;
    expect_success(clbnReleasePlan(create_described_plan(engine, &desc)));
    ck_assert_uint_eq(calls_of("clBuildProgram"), built + 1);
    desc.rank = 0;
    expect_status(clbnPrebuildPlan(engine, &desc), CLBN_INVALID_SHAPE, "rank 0");
    expect_status(clbnPrebuildPlan(NULL, &desc), CLBN_INVALID_ENGINE, "no engine");
    expect_success(clbnReleaseEngine(engine));
    expect_live_objects(&before);
}
END_TEST

/* ---- Failing -------------------------------------------------------------------------------------------------------------- */

/* Fails in its own way again and again; the sentence must be the thread's own when all others have failed too. */
static void *fail_again(void *argument)
{
    struct worker *worker = argument;
    char word[32];
    clbn_plan_desc desc = *worker->desc;
    desc.rank = 100 + worker->run_count;
    snprintf(word, sizeof word, "rank is %u,", (unsigned)desc.rank);
    for (int i = 0; i < 100; i++) {
        cl_int status = CL_SUCCESS;
        clbnCreatePlan(worker->engine, &desc, &status);
        pthread_barrier_wait(worker->start);
        if (strstr(clbnLastError(), word) == NULL)
            note(worker, "clbnLastError", CLBN_INTERNAL_ERROR);
        pthread_barrier_wait(worker->start);
    }
    return NULL;
}

START_TEST(each_thread_has_its_own_last_error)
{
    struct worker workers[THREADS];
    const clbn_plan_desc desc = describe(&shapes[0]);
    testing("errors");
    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].engine = test_engine(0);
        workers[i].desc = &desc;
        workers[i].run_count = i;
    }
    run_workers(workers, THREADS, fail_again);
}
END_TEST

/* ---- Retaining and releasing ---------------------------------------------------------------------------------------------- */

static void *hold(void *argument)
{
    struct worker *worker = argument;
    pthread_barrier_wait(worker->start);
    for (int i = 0; i < 10000; i++) {
        note(worker, "clbnRetainEngine", clbnRetainEngine(worker->engine));
        note(worker, "clbnRetainPlan", clbnRetainPlan(worker->plan));
        note(worker, "clbnReleasePlan", clbnReleasePlan(worker->plan));
        note(worker, "clbnReleaseEngine", clbnReleaseEngine(worker->engine));
    }
    note(worker, "clbnReleasePlan", clbnReleasePlan(worker->plan));
    return NULL;
}

/* Each thread has one reference; the last of them destroys the plan, and with it the engine. */
START_TEST(the_last_thread_destroys)
{
    cl_int status = CL_SUCCESS;
    struct worker workers[THREADS];
    testing("references");
    test_context();
    struct live_objects before = count_live_objects();
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    expect_success(status);
    clbn_plan plan = create_plan(engine, &shapes[0], CLBN_FLOAT32, 1e-5);
    expect_success(clbnReleaseEngine(engine));
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < THREADS; i++) {
        workers[i].engine = engine;
        workers[i].plan = plan;
        if (i > 0)
            expect_success(clbnRetainPlan(plan));
    }
    run_workers(workers, THREADS, hold);
    expect_live_objects(&before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *cases = tcase_create("threads");
    tcase_set_timeout(cases, 0);
    TCase *builds = tcase_create("builds");
    tcase_set_timeout(builds, 0);
    add_test_of_configs(cases, threads_share_a_plan, ENGINE_CONFIGS);
    add_test_of_configs(cases, threads_share_an_engine, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, threads_share_a_queue, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, many_threads_share_a_plan, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(builds, each_kind_of_program_is_built_once_by_threads_that_race, PLAIN_ENGINE_CONFIGS);
    tcase_add_test(builds, a_plan_of_a_known_kind_does_not_wait_while_another_is_built);
    tcase_add_test(builds, what_is_prebuilt_is_not_built_again);
    tcase_add_test(cases, each_thread_has_its_own_last_error);
    tcase_add_test(cases, the_last_thread_destroys);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, builds);
    return run_suite_unoptimized(suite);
}
