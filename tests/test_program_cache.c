/* SPDX-License-Identifier: MIT */
/* Programs in the disk cache: what is compiled twice is not compiled again, and the cache never spoils a call. */
#define _POSIX_C_SOURCE 200809L
#include "cache_files.h"
#include "compare.h"
#include "halves.h"
#include "interpose.h"
#include "run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* More calls than any of these makes: a loop that gets there does not end by itself. */
enum { MANY_CALLS = 1000 };

/* Kinds of entries. */
static const char *const mark = "compiled-";
static const char *const binary = "program-";

static const struct shape rows = { 4, 1, { 4, 3, 9, 7 } };
static const struct shape columns = { 2, 1, { 150, 5 } };

/* This program, to be run again. */
static const char *program;

static void set_up(void)
{
    cache_files_open();
}

static void tear_down(void)
{
    stop_failing();
    join_device();
    cache_files_close();
}

static clbn_engine new_engine(const struct engine_config *config)
{
    cl_int status = CL_SUCCESS;
    const clbn_engine_options options = engine_options(config);
    testing("%s", config->name);
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), &options, &status);
    expect_success(status);
    return engine;
}

/* How programs were made, since the count was begun. */
struct made {
    unsigned long compiled, restored;
};

static struct made count_made(void)
{
    struct made made = { calls_of("clCreateProgramWithSource"), calls_of("clCreateProgramWithBinary") };
    return made;
}

static void expect_made(const struct made *before, unsigned long compiled, unsigned long restored)
{
    struct made now = count_made();
    ck_assert_msg(now.compiled - before->compiled == compiled && now.restored - before->restored == restored,
                  "%s: %lu programs were compiled and %lu restored, not %lu and %lu", what_is_tested(),
                  now.compiled - before->compiled, now.restored - before->restored, compiled, restored);
}

/* One plan's worth of programs: created and released with an engine of its own. */
static void use_engine(const struct engine_config *config, const struct shape *shape)
{
    clbn_engine engine = new_engine(config);
    clbn_plan plan = create_plan(engine, shape, CLBN_FLOAT32, 1e-5);
    expect_success(clbnReleaseEngine(engine));
    expect_success(clbnReleasePlan(plan));
}

/* From an empty cache: the first engine leaves marks, the second stores. */
static void fill_cache(const struct engine_config *config, const struct shape *shape)
{
    use_engine(config, shape);
    use_engine(config, shape);
}

static void expect_entries(int marks, int binaries)
{
    ck_assert_int_eq(count_entries(mark), marks);
    ck_assert_int_eq(count_entries(binary), binaries);
    ck_assert_int_eq(count_cache_files(), marks + binaries);
}

/* ---- Warm and cold -------------------------------------------------------------------------------------------------------- */

/* Runs forward and backward on an engine, and compares with the results of the suite's engine, which has compiled. */
static void expect_same_results(clbn_engine engine, int config, const struct shape *shape)
{
    for (enum operation operation = FORWARD_TRAINING; operation <= BACKWARD_FROZEN; operation++) {
        struct problem problem = problem_random(shape, CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of(operation);
        struct run expected = run_prepare(test_engine(config), &problem, &call);
        struct run run = run_prepare(engine, &problem, &call);
        run_now(&expected);
        run_now(&run);
        for (enum view view = 0; view < VIEWS; view++)
            if (run_has(&run, view))
                expect_same_bits(view_name(view), run_output(&run, view), run_output(&expected, view), run.views[view].count);
        run_release(&run);
        run_release(&expected);
        problem_free(&problem);
    }
}

/* Programs that differ in their constants alone (64-bit indices), in their sources (rows and columns), and in both (merges without
 * double, groups). Storing one has all its kernels compiled, for any work-group: the short run has four. */
static const struct {
    int config;
    const struct shape *shape;
} storable[] = {
    { 0, &rows }, { 0, &columns }, { 2, &rows },    { 4, &columns }, { 1, &rows },    { 1, &columns },
    { 3, &rows }, { 3, &columns }, { 2, &columns }, { 4, &rows },    { 5, &columns }, { 5, &rows },
};

START_TEST(what_was_compiled_is_restored)
{
    const int count = is_full_run() ? COUNT_OF(storable) : 4;
    for (int i = 0; i < count; i++) {
        expect_success(setenv("CLBN_CACHE_DIR", "", 1));
        expect_success(clbnReleasePlan(create_plan(test_engine(storable[i].config), storable[i].shape, CLBN_FLOAT32, 1e-5)));
        expect_success(setenv("CLBN_CACHE_DIR", cache_folder(), 1));
    }
    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < count; i++) {
            clbn_engine engine = new_engine(&engine_configs[storable[i].config]);
            struct made before = count_made();
            expect_same_results(engine, storable[i].config, storable[i].shape);
            expect_made(&before, turn < 2 ? 1 : 0, turn < 2 ? 0 : 1);
            expect_success(clbnReleaseEngine(engine));
            expect_entries(turn == 0 ? i + 1 : count, turn == 0 ? 0 : turn == 1 ? i + 1 : count);
        }
}
END_TEST

/* A process that is the only one on its machine does no work for others. */
START_TEST(the_first_engine_leaves_a_mark_the_second_stores)
{
    struct made made = count_made();
    unsigned long asked = calls_of("clGetProgramInfo");
    use_engine(&engine_configs[0], &columns);
    expect_made(&made, 1, 0);
    expect_entries(1, 0);
    ck_assert_uint_eq(calls_of("clGetProgramInfo"), asked);
    use_engine(&engine_configs[0], &columns);
    expect_made(&made, 2, 0);
    expect_entries(1, 1);
    ck_assert_uint_gt(calls_of("clGetProgramInfo"), asked);
    use_engine(&engine_configs[0], &columns);
    expect_made(&made, 2, 1);
}
END_TEST

/* Nor is it the second who builds before the first has ended. */
START_TEST(engines_side_by_side_leave_a_mark)
{
    enum { ENGINES = 3 };
    clbn_engine engines[ENGINES];
    unsigned long asked = calls_of("clGetProgramInfo");
    for (int i = 0; i < ENGINES; i++) {
        engines[i] = new_engine(&engine_configs[0]);
        expect_success(clbnReleasePlan(create_plan(engines[i], &columns, CLBN_FLOAT32, 1e-5)));
    }
    for (int i = 0; i < ENGINES; i++)
        expect_success(clbnReleaseEngine(engines[i]));
    expect_entries(1, 0);
    ck_assert_uint_eq(calls_of("clGetProgramInfo"), asked);
}
END_TEST

static struct stat about_file(const char *path)
{
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    return about;
}

/* Each entry is a new file: one that is there already stays. */
START_TEST(what_was_restored_is_not_stored_again)
{
    fill_cache(&engine_configs[0], &columns);
    struct stat its_mark = about_file(only_entry(mark)), its_binary = about_file(only_entry(binary));
    use_engine(&engine_configs[0], &columns);
    ck_assert_uint_eq(about_file(only_entry(mark)).st_ino, its_mark.st_ino);
    ck_assert_uint_eq(about_file(only_entry(binary)).st_ino, its_binary.st_ino);
}
END_TEST

/* Nothing is asked of OpenCL that would not be without a cache. */
START_TEST(a_cache_that_is_off_does_nothing)
{
    static const char *const needless[] = { "clGetProgramInfo", "clCreateProgramWithBinary", "clGetPlatformInfo" };
    unsigned long before[COUNT_OF(needless)];
    expect_success(setenv("CLBN_CACHE_DIR", "", 1));
    for (int i = 0; i < COUNT_OF(needless); i++)
        before[i] = calls_of(needless[i]);
    use_engine(&engine_configs[0], &columns);
    for (int i = 0; i < COUNT_OF(needless); i++)
        ck_assert_msg(calls_of(needless[i]) == before[i], "%s was called", needless[i]);
    expect_success(setenv("CLBN_CACHE_DIR", cache_folder(), 1));
    ck_assert_int_eq(count_cache_files(), 0);
}
END_TEST

/* Nor is a binary asked for that cannot be stored: here there is a mark when the program is built, and no folder when it
 * ends. */
START_TEST(a_folder_that_cannot_be_costs_nothing)
{
    use_engine(&engine_configs[0], &columns);
    unsigned long before = calls_of("clGetProgramInfo");
    clbn_engine engine = new_engine(&engine_configs[0]);
    expect_success(clbnReleasePlan(create_plan(engine, &columns, CLBN_FLOAT32, 1e-5)));
    expect_success(setenv("CLBN_CACHE_DIR", "/dev/null/cache", 1));
    expect_success(clbnReleaseEngine(engine));
    ck_assert_uint_eq(calls_of("clGetProgramInfo"), before);
}
END_TEST

/* As on a full disk: the mark is there, and the binary cannot be. The first that finds out notes it, and no other asks for one. */
START_TEST(storing_that_failed_is_not_tried_again)
{
    fill_cache(&engine_configs[0], &columns);
    char *path = strdup(only_entry(binary));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    const unsigned long before = calls_of("clGetProgramInfo");
    use_engine(&engine_configs[0], &columns);
    const unsigned long asked = calls_of("clGetProgramInfo");
    ck_assert_uint_gt(asked, before);
    use_engine(&engine_configs[0], &columns);
    use_engine(&engine_configs[0], &columns);
    ck_assert_uint_eq(calls_of("clGetProgramInfo"), asked);
    expect_entries(1, 1);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(unlink(only_entry(mark)), 0);
    fill_cache(&engine_configs[0], &columns);
    expect_entries(1, 1);
    free(path);
}
END_TEST

static void spoil_entry(const char *kind)
{
    char *path = strdup(only_entry(kind));
    struct bytes entry = read_bytes(path);
    entry.bytes[entry.size / 2] ^= 1;
    write_bytes(path, entry.bytes, entry.size);
    free(entry.bytes);
    free(path);
}

START_TEST(a_spoilt_binary_is_compiled_and_replaced)
{
    fill_cache(&engine_configs[0], &columns);
    spoil_entry(binary);
    struct made before = count_made();
    use_engine(&engine_configs[0], &columns);
    expect_made(&before, 1, 0);
    use_engine(&engine_configs[0], &columns);
    expect_made(&before, 1, 1);
}
END_TEST

START_TEST(a_spoilt_mark_is_replaced)
{
    use_engine(&engine_configs[0], &columns);
    spoil_entry(mark);
    use_engine(&engine_configs[0], &columns);
    expect_entries(1, 0);
    use_engine(&engine_configs[0], &columns);
    expect_entries(1, 1);
}
END_TEST

/* An entry is found by this device's name, and so is not this entry any more. */
START_TEST(an_entry_of_another_device_is_not_used)
{
    fill_cache(&engine_configs[0], &columns);
    struct made before = count_made();
    hide_device_name(true);
    use_engine(&engine_configs[0], &columns);
    hide_device_name(false);
    expect_made(&before, 1, 0);
    expect_entries(2, 1);
}
END_TEST

/* In a context with several devices a program has a binary for its own only. */
START_TEST(parts_of_a_device_restore_their_programs)
{
    cl_int status = CL_SUCCESS;
    if (!divide_device("a context of several devices"))
        return;
    struct made before = count_made();
    for (unsigned long turn = 0; turn < 3; turn++) {
        clbn_engine engine = clbnCreateEngine(halves_context, halves[1], NULL, &status);
        expect_success(status);
        clbn_plan plan = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
        expect_made(&before, turn == 0 ? 1 : 2, turn < 2 ? 0 : 1);
        expect_success(clbnReleasePlan(plan));
        expect_success(clbnReleaseEngine(engine));
        expect_entries(1, turn == 0 ? 0 : 1);
    }
}
END_TEST

/* ---- Other processes and threads ------------------------------------------------------------------------------------------ */

/* Runs in a process of its own, whose cache is warm. */
START_TEST(here_nothing_is_compiled)
{
    struct made before = count_made();
    expect_same_results(test_engine(0), 0, &rows);
    expect_same_results(test_engine(0), 0, &columns);
    expect_made(&before, 0, 2);
}
END_TEST

START_TEST(another_process_compiles_nothing)
{
    int status = 0;
    fill_cache(&engine_configs[0], &rows);
    fill_cache(&engine_configs[0], &columns);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        execl(program, program, "warm", (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "the other process ended with status %d", status);
}
END_TEST

/* Threads make no assertions, for these leave a test by a jump. */
static void *create_and_release(void *done)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 2;
    desc.shape[0] = 150;
    desc.shape[1] = 5;
    const clbn_engine_options options = engine_options(&engine_configs[0]);
    for (int i = 0; i < 3; i++) {
        clbn_engine engine = clbnCreateEngine(test_context(), test_device(), &options, NULL);
        clbn_plan plan = engine != NULL ? clbnCreatePlan(engine, &desc, NULL) : NULL;
        clbnReleaseEngine(engine);
        clbnReleasePlan(plan);
        if (plan == NULL)
            return NULL;
    }
    *(bool *)done = true;
    return NULL;
}

START_TEST(threads_share_the_cache)
{
    enum { THREADS = 6 };
    pthread_t threads[THREADS];
    bool done[THREADS] = { false };
    test_context();
    struct live_objects before = count_live_objects();
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, create_and_release, &done[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(done[i]);
    }
    expect_live_objects(&before);
    struct made made = count_made();
    use_engine(&engine_configs[0], &columns);
    expect_made(&made, 0, 1);
    expect_entries(1, 1);
}
END_TEST

/* The work waits for a user event while its program is marked, stored, or released. */
START_TEST(programs_are_stored_while_their_work_is_in_progress)
{
    cl_int status = CL_SUCCESS;
    struct problem problem = problem_random(&rows, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_TRAINING);
    struct run expected = run_prepare(test_engine(0), &problem, &call);
    run_now(&expected);
    for (int turn = 0; turn < 3; turn++) {
        cl_event go = clCreateUserEvent(test_context(), &status), done = NULL;
        expect_success(status);
        clbn_engine engine = new_engine(&engine_configs[0]);
        struct run run = run_prepare(engine, &problem, &call);
        expect_success(run_enqueue(&run, out_of_order_queue(), 1, &go, &done));
        expect_success(clbnReleasePlan(run.plan));
        expect_success(clbnReleaseEngine(engine));
        run.plan = NULL;
        expect_entries(1, turn == 0 ? 0 : 1);
        expect_success(clSetUserEventStatus(go, CL_COMPLETE));
        run_wait(done);
        expect_same_bits("y", run_output(&run, VIEW_Y), run_output(&expected, VIEW_Y), shape_elements(&rows));
        expect_success(clReleaseEvent(go));
        run_release(&run);
    }
    run_release(&expected);
    problem_free(&problem);
}
END_TEST

/* ---- Failures ------------------------------------------------------------------------------------------------------------- */

/* What the cache has when a call fails: nothing, a mark, or a binary too. */
enum warmth { COLD, MARKED, WARM };

/* What only the cache calls, or what it calls and compiling does not. */
static bool is_the_caches_own(const char *function, enum warmth warmth)
{
    static const char *const functions[] = { "clGetDeviceInfo", "clGetPlatformInfo", "clGetProgramInfo",
                                             "clCreateProgramWithBinary", "malloc" };
    for (int i = 0; i < COUNT_OF(functions); i++)
        if (strcmp(function, functions[i]) == 0)
            return true;
    return warmth == WARM && strcmp(function, "clBuildProgram") == 0;
}

/* A plan and its engine's end while the number-th call fails; NULL when there are not so many. */
static const char *fail_plan(unsigned long number, enum failure_kind kind, enum warmth warmth)
{
    cl_int status = CL_SUCCESS;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 2;
    desc.shape[0] = 4;
    desc.shape[1] = 3;
    clbn_engine engine = new_engine(&engine_configs[0]);
    expect_status(clbnRetainPlan(NULL), CLBN_INVALID_PLAN, "clbnRetainPlan");
    char *sentence = strdup(clbnLastError());
    fail_call_number(number, NULL, kind);
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    cl_int released = clbnReleasePlan(plan);
    if (released == CLBN_SUCCESS)
        released = clbnReleaseEngine(engine);
    const char *failed = stop_failing();
    expect_success(released);
    if (plan != NULL) {
        expect_success(status);
        ck_assert_str_eq(clbnLastError(), sentence);
    } else {
        ck_assert_ptr_nonnull(failed);
        ck_assert_msg(kind == FAILS_FROM_THEN_ON || !is_the_caches_own(failed, warmth),
                      "call %lu: %s failed, and then the plan: %s", number, failed, clbnLastError());
        ck_assert(status == INJECTED_STATUS || status == CL_OUT_OF_HOST_MEMORY);
        ck_assert_str_ne(clbnLastError(), sentence);
    }
    free(sentence);
    return failed;
}

static void delete_entry(const char *kind)
{
    if (count_entries(kind) > 0)
        ck_assert_int_eq(unlink(only_entry(kind)), 0);
}

/* After each failure the next engine works, from what is in the cache if there is something. */
static void fail_each_call(enum failure_kind kind, enum warmth warmth)
{
    const char *failed = "";
    unsigned long number = 0;
    fill_cache(&engine_configs[0], &columns);
    char *path = strdup(only_entry(mark));
    struct bytes fresh_mark = read_bytes(path);
    while (failed != NULL) {
        ck_assert_uint_lt(++number, MANY_CALLS);
        write_bytes(path, fresh_mark.bytes, fresh_mark.size); /* a failure is noted there */
        if (warmth < MARKED)
            delete_entry(mark);
        if (warmth < WARM)
            delete_entry(binary);
        struct live_objects before = count_live_objects();
        failed = fail_plan(number, kind, warmth);
        expect_live_objects(&before);
        bool stored = count_entries(binary) > 0;
        ck_assert(warmth != COLD || !stored);
        struct made made = count_made();
        use_engine(&engine_configs[0], &columns);
        expect_made(&made, stored ? 0 : 1, stored ? 1 : 0);
    }
    ck_assert_uint_gt(number, warmth == MARKED ? 15 : 10);
    free(fresh_mark.bytes);
    free(path);
}

START_TEST(a_cache_fails_silently)
{
    fail_each_call(_i % 2 == 0 ? FAILS_ONCE : FAILS_FROM_THEN_ON, (enum warmth)(_i / 2));
}
END_TEST

/* A driver that no longer takes its binary, or makes nothing of it: the program is compiled, and stored in its place. */
START_TEST(a_refused_binary_is_compiled_and_replaced)
{
    static const char *const functions[] = { "clCreateProgramWithBinary", "clBuildProgram", "clGetProgramInfo" };
    fill_cache(&engine_configs[0], &columns);
    struct stat before = about_file(only_entry(binary));
    struct made made = count_made();
    clbn_engine engine = new_engine(&engine_configs[0]);
    fail_call_number(1, functions[_i], FAILS_ONCE);
    clbn_plan plan = create_plan(engine, &columns, CLBN_FLOAT32, 1e-5);
    ck_assert_ptr_nonnull(stop_failing());
    expect_made(&made, 1, 1);
    expect_success(clbnReleasePlan(plan));
    expect_success(clbnReleaseEngine(engine));
    ck_assert_uint_ne(about_file(only_entry(binary)).st_ino, before.st_ino);
    use_engine(&engine_configs[0], &columns);
    expect_made(&made, 1, 2);
}
END_TEST

static int run_warm(void)
{
    Suite *suite = suite_create("program cache, another process");
    TCase *cases = tcase_create("warm");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, here_nothing_is_compiled);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}

int main(int count, char **arguments)
{
    program = arguments[0];
    if (count > 1)
        return run_warm();
    Suite *suite = suite_create("program cache");
    TCase *cases = tcase_create("programs");
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_was_compiled_is_restored);
    tcase_add_test(cases, the_first_engine_leaves_a_mark_the_second_stores);
    tcase_add_test(cases, engines_side_by_side_leave_a_mark);
    tcase_add_test(cases, what_was_restored_is_not_stored_again);
    tcase_add_test(cases, a_cache_that_is_off_does_nothing);
    tcase_add_test(cases, a_folder_that_cannot_be_costs_nothing);
    tcase_add_test(cases, storing_that_failed_is_not_tried_again);
    tcase_add_test(cases, a_spoilt_binary_is_compiled_and_replaced);
    tcase_add_test(cases, a_spoilt_mark_is_replaced);
    tcase_add_test(cases, an_entry_of_another_device_is_not_used);
    tcase_add_test(cases, parts_of_a_device_restore_their_programs);
    tcase_add_test(cases, another_process_compiles_nothing);
    tcase_add_test(cases, threads_share_the_cache);
    tcase_add_test(cases, programs_are_stored_while_their_work_is_in_progress);
    tcase_add_loop_test(cases, a_cache_fails_silently, 0, 6);
    tcase_add_loop_test(cases, a_refused_binary_is_compiled_and_replaced, 0, 3);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
