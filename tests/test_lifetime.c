/* SPDX-License-Identifier: MIT */
/* Objects: references, what they keep alive, what they compile, what they tell. */
#include "compare.h"
#include "harness.h"
#include "interpose.h"
#include "run.h"

#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct shape rows = { 4, 1, { 4, 3, 9, 7 } };
static const struct shape other_rows = { 3, 1, { 5, 64, 201 } };
static const struct shape columns = { 2, 1, { 150, 5 } };
static const struct shape other_columns = { 4, 3, { 2, 5, 14, 5 } };

static clbn_engine new_engine(int config)
{
    cl_int status = CL_SUCCESS;
    const clbn_engine_options options = engine_options(&engine_configs[config]);
    testing("%s", engine_configs[config].name);
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), &options, &status);
    expect_success(status);
    return engine;
}

static cl_uint references_of_context(void)
{
    cl_uint count = 0;
    expect_success(clGetContextInfo(test_context(), CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL));
    return count;
}

/* ---- References ----------------------------------------------------------------------------------------------------------- */

START_TEST(null_may_be_released)
{
    expect_success(clbnReleaseEngine(NULL));
    expect_success(clbnReleasePlan(NULL));
}
END_TEST

START_TEST(an_engine_lives_as_long_as_its_references)
{
    test_context();
    struct live_objects before = count_live_objects();
    cl_uint references = references_of_context();
    clbn_engine engine = new_engine(0);
    ck_assert_uint_gt(references_of_context(), references);
    expect_success(clbnRetainEngine(engine));
    expect_success(clbnRetainEngine(engine));
    expect_success(clbnReleaseEngine(engine));
    expect_success(clbnReleaseEngine(engine));
    ck_assert_uint_gt(references_of_context(), references);
    expect_success(clbnReleaseEngine(engine));
    ck_assert_uint_eq(references_of_context(), references);
    expect_live_objects(&before);
}
END_TEST

START_TEST(an_engine_keeps_its_context)
{
    cl_device_id device = test_device();
    cl_int status = CL_SUCCESS;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &status), kept = NULL;
    expect_success(status);
    clbn_engine engine = clbnCreateEngine(context, device, NULL, &status);
    expect_success(status);
    expect_success(clReleaseContext(context));
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_CONTEXT, sizeof kept, &kept, NULL));
    ck_assert_ptr_eq(kept, context);
    clbn_plan plan = create_plan(engine, &rows, CLBN_FLOAT32, 1e-5);
    expect_success(clbnReleasePlan(plan));
    expect_success(clbnReleaseEngine(engine));
}
END_TEST

START_TEST(a_plan_keeps_its_engine)
{
    struct problem problem = problem_random(&rows, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_TRAINING);
    clbn_engine engine = new_engine(_i);
    struct run run = run_prepare(engine, &problem, &call);
    struct run expected = run_prepare(test_engine(_i), &problem, &call);
    expect_success(clbnReleaseEngine(engine));
    run_now(&run);
    run_now(&expected);
    expect_same_bits("y", run_output(&run, VIEW_Y), run_output(&expected, VIEW_Y), shape_elements(&rows));
    expect_success(clbnRetainPlan(run.plan));
    expect_success(clbnReleasePlan(run.plan));
    run_now(&run);
    run_release(&run);
    run_release(&expected);
    problem_free(&problem);
}
END_TEST

START_TEST(nothing_is_left_of_a_released_engine)
{
    static const struct shape *const shapes[] = { &rows, &columns };
    in_order_queue();
    struct live_objects before = count_live_objects();
    clbn_engine engine = new_engine(_i);
    for (int i = 0; i < COUNT_OF(shapes) * OPERATIONS; i++) {
        struct problem problem = problem_random(shapes[i % 2], CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of((enum operation)(i / 2));
        struct run run = run_prepare(engine, &problem, &call);
        run_now(&run);
        run_release(&run);
        problem_free(&problem);
    }
    expect_success(clbnReleaseEngine(engine));
    expect_live_objects(&before);
}
END_TEST

/* ---- Work in progress ----------------------------------------------------------------------------------------------------- */

/* The work waits for a user event while plan, engine, and the library's workspace are released. */
static void release_in_progress(int config, cl_command_queue queue, enum operation operation)
{
    cl_int status = CL_SUCCESS;
    cl_event go = clCreateUserEvent(test_context(), &status), done = NULL;
    expect_success(status);
    struct problem problem = problem_random(&other_rows, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(operation);
    struct run expected = run_prepare(test_engine(config), &problem, &call);
    run_now(&expected);
    clbn_engine engine = new_engine(config);
    struct run run = run_prepare(engine, &problem, &call);
    expect_success(run_enqueue(&run, queue, 1, &go, &done));
    expect_success(clbnReleasePlan(run.plan));
    expect_success(clbnReleaseEngine(engine));
    run.plan = NULL;
    expect_success(clSetUserEventStatus(go, CL_COMPLETE));
    run_wait(done);
    for (enum view view = 0; view < VIEWS; view++)
        if (run_has(&run, view))
            expect_same_bits(view_name(view), run_output(&run, view), run_output(&expected, view), run_count(&run, view));
    expect_success(clReleaseEvent(go));
    run_release(&run);
    run_release(&expected);
    problem_free(&problem);
}

START_TEST(plan_and_engine_may_be_released_while_their_work_is_in_progress)
{
    for (enum operation operation = FORWARD_TRAINING; operation <= BACKWARD_FROZEN; operation++) {
        release_in_progress(_i, in_order_queue(), operation);
        release_in_progress(_i, out_of_order_queue(), operation);
    }
}
END_TEST

/* ---- What is compiled ----------------------------------------------------------------------------------------------------- */

static unsigned long programs_built(void)
{
    unsigned long built = calls_of("clBuildProgram");
    ck_assert_uint_eq(calls_of("clCreateProgram"), built);
    ck_assert_uint_eq(calls_of("clCompileProgram") + calls_of("clLinkProgram"), 0);
    return built;
}

/* The number of programs that a plan builds. */
static unsigned long built_for(clbn_engine engine, const struct shape *shape, clbn_type type)
{
    unsigned long before = programs_built();
    clbn_plan plan = create_plan(engine, shape, type, 1e-5);
    expect_success(clbnReleasePlan(plan));
    return programs_built() - before;
}

START_TEST(a_plan_compiles_only_the_first_of_its_kind)
{
    clbn_type types[MAX_TYPES];
    int type_count = device_types(types);
    clbn_engine engine = new_engine(_i);
    for (int t = 0; t < type_count; t++) {
        ck_assert_uint_eq(built_for(engine, &rows, types[t]), 1);
        ck_assert_uint_eq(built_for(engine, &other_rows, types[t]), 0);
        ck_assert_uint_eq(built_for(engine, &columns, types[t]), 1);
        ck_assert_uint_eq(built_for(engine, &other_columns, types[t]), 0);
        ck_assert_uint_eq(built_for(engine, &rows, types[t]), 0);
    }
    ck_assert_uint_eq(built_for(engine, &other_columns, CLBN_FLOAT32), 0);
    expect_success(clbnReleaseEngine(engine));
}
END_TEST

/* Unless a program that is there has them all. */
START_TEST(a_plan_compiles_for_its_operations)
{
    static const struct {
        clbn_operations operations;
        unsigned long built;
    } steps[] = {
        { CLBN_OPERATION_INFERENCE, 1 }, { CLBN_OPERATION_INFERENCE, 0 }, { CLBN_OPERATION_FORWARD, 1 }, { 0, 1 },
        { CLBN_OPERATION_BACKWARD, 0 },  { CLBN_OPERATION_FORWARD, 0 },
    };
    clbn_plan_desc desc = plan_description(&rows, CLBN_FLOAT32, 1e-5);
    clbn_engine engine = new_engine(_i);
    for (int i = 0; i < COUNT_OF(steps); i++) {
        char names[128] = "?";
        const unsigned long before = programs_built();
        desc.operations = steps[i].operations;
        clbn_plan plan = create_described_plan(engine, &desc);
        ck_assert_uint_eq(programs_built() - before, steps[i].built);
        expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_INFERENCE_KERNELS, sizeof names, names, NULL));
        ck_assert_int_eq(names[0] != '\0', desc.operations == 0 || desc.operations == CLBN_OPERATION_INFERENCE);
        expect_success(clbnReleasePlan(plan));
    }
    expect_success(clbnReleaseEngine(engine));
}
END_TEST

START_TEST(an_engine_compiles_nothing_by_itself)
{
    unsigned long before = programs_built();
    clbn_engine engine = new_engine(_i);
    ck_assert_uint_eq(programs_built(), before);
    expect_success(clbnReleaseEngine(engine));
}
END_TEST

/* Neither a call's first kernels nor its repetition compile, allocate, wait or read back. */
START_TEST(an_enqueue_compiles_nothing_and_does_not_block)
{
    static const char *const forbidden[] = { "clBuildProgram", "clCreateProgram", "clEnqueueRead",
                                             "clEnqueueWrite", "malloc",          "calloc" };
    struct problem problem = problem_random(&rows, CLBN_FLOAT32, 1e-5, 1);
    for (enum operation operation = FORWARD_TRAINING; operation <= BACKWARD_FROZEN; operation++) {
        struct call call = call_of(operation);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        for (int i = 0; i < COUNT_OF(forbidden); i++) {
            cl_event event = NULL;
            unsigned long before = calls_of(forbidden[i]);
            expect_success(run_enqueue(&run, in_order_queue(), 0, NULL, &event));
            ck_assert_msg(calls_of(forbidden[i]) == before, "%s was called", forbidden[i]);
            run_wait(event);
        }
        run_release(&run);
    }
    problem_free(&problem);
}
END_TEST

/* ---- What is told --------------------------------------------------------------------------------------------------------- */

START_TEST(an_engine_tells_what_it_is)
{
    cl_context context = NULL;
    cl_device_id device = NULL;
    clbn_geometry geometry = CLBN_GEOMETRY_AUTO;
    size_t group = 0, vector = 0, size = 0;
    cl_bool has_float64 = 2;
    char merge[16] = "";
    clbn_type types[MAX_TYPES];
    clbn_engine engine = test_engine(_i);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_CONTEXT, sizeof context, &context, &size));
    ck_assert(context == test_context() && size == sizeof context);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_DEVICE, sizeof device, &device, &size));
    ck_assert(device == test_device() && size == sizeof device);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_GEOMETRY, sizeof geometry, &geometry, &size));
    ck_assert(geometry == engine_configs[_i].geometry && size == sizeof geometry);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_GROUP_SIZE, sizeof group, &group, &size));
    ck_assert(size == sizeof group && (geometry == CLBN_GEOMETRY_GROUP ? group > 1 : group == 1));
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_VECTOR_WIDTH, sizeof vector, &vector, &size));
    ck_assert(size == sizeof vector && vector > 0 && vector <= 16);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_HAS_FLOAT64, sizeof has_float64, &has_float64, &size));
    ck_assert(size == sizeof has_float64 && has_float64 == (device_types(types) == 2));
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_MERGE_TYPE, sizeof merge, merge, &size));
    bool in_double = has_float64 && !(engine_configs[_i].flags & CLBN_ENGINE_NO_DOUBLE);
    ck_assert_str_eq(merge, in_double ? "double" : "float-float");
    ck_assert_uint_eq(size, strlen(merge) + 1);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_MERGE_TYPE, 0, NULL, NULL));
}
END_TEST

START_TEST(an_engine_chooses_a_geometry)
{
    cl_int status = CL_SUCCESS;
    clbn_geometry geometry = CLBN_GEOMETRY_AUTO;
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    expect_success(status);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_GEOMETRY, sizeof geometry, &geometry, NULL));
    ck_assert(geometry == CLBN_GEOMETRY_VECTOR || geometry == CLBN_GEOMETRY_GROUP);
    expect_success(clbnReleaseEngine(engine));
}
END_TEST

static size_t size_of_plan(clbn_plan plan, clbn_plan_info name)
{
    size_t value = 0, size = 0;
    expect_success(clbnGetPlanInfo(plan, name, sizeof value, &value, &size));
    ck_assert_uint_eq(size, sizeof value);
    return value;
}

START_TEST(a_plan_tells_what_it_is)
{
    clbn_engine engine = NULL;
    clbn_type type = 0;
    double epsilon = 0;
    clbn_plan plan = create_plan(test_engine(_i), &rows, CLBN_FLOAT32, 1e-5);
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_ENGINE, sizeof engine, &engine, NULL));
    ck_assert_ptr_eq(engine, test_engine(_i));
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_TYPE, sizeof type, &type, NULL));
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_EPSILON, sizeof epsilon, &epsilon, NULL));
    ck_assert(type == CLBN_FLOAT32 && epsilon == 1e-5);
    ck_assert_uint_eq(size_of_plan(plan, CLBN_PLAN_CHANNELS), 3);
    ck_assert_uint_eq(size_of_plan(plan, CLBN_PLAN_VALUES_PER_CHANNEL), 4 * 9 * 7);
    ck_assert_uint_gt(size_of_plan(plan, CLBN_PLAN_WORKSPACE_SIZE), 0);
    expect_success(clbnReleasePlan(plan));
}
END_TEST

static unsigned count_words(const char *text)
{
    unsigned count = 0;
    for (const char *c = text; *c != '\0'; c++)
        count += *c != ' ' && (c == text || c[-1] == ' ');
    return count;
}

/* As many kernels as plans tell are enqueued. */
START_TEST(a_plan_tells_its_kernels)
{
    static const struct {
        enum operation operation;
        clbn_plan_info name;
    } kernels[] = { { FORWARD_TRAINING, CLBN_PLAN_FORWARD_KERNELS },
                    { FORWARD_INFERENCE, CLBN_PLAN_INFERENCE_KERNELS },
                    { BACKWARD, CLBN_PLAN_BACKWARD_KERNELS } };
    static const struct shape empty = { 2, 1, { 0, 5 } };
    static const struct shape *const shapes[] = { &rows, &columns, &empty };
    for (int i = 0; i < COUNT_OF(kernels) * COUNT_OF(shapes); i++) {
        char names[128] = "?";
        struct problem problem = problem_random(shapes[i / COUNT_OF(kernels)], CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of(kernels[i % COUNT_OF(kernels)].operation);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        expect_success(clbnGetPlanInfo(run.plan, kernels[i % COUNT_OF(kernels)].name, sizeof names, names, NULL));
        unsigned long before = calls_of("clEnqueueNDRangeKernel");
        if (shapes[i / COUNT_OF(kernels)] != &empty) {
            run_now(&run);
            ck_assert_msg(calls_of("clEnqueueNDRangeKernel") - before == count_words(names), "%s: other kernels than %s",
                          engine_configs[_i].name, names);
        } else
            ck_assert_str_eq(names, "");
        run_release(&run);
        problem_free(&problem);
    }
}
END_TEST

#define NAMED(status)                                                                                                          \
    {                                                                                                                          \
        status, #status                                                                                                        \
    }

static const struct {
    cl_int status;
    const char *name;
} own_statuses[] = { { CLBN_SUCCESS, "CL_SUCCESS" }, NAMED(CLBN_INVALID_ENGINE),      NAMED(CLBN_INVALID_PLAN),
                     NAMED(CLBN_INVALID_ARGUMENT),   NAMED(CLBN_INVALID_STRUCT_SIZE), NAMED(CLBN_INVALID_SHAPE),
                     NAMED(CLBN_SIZE_OVERFLOW),      NAMED(CLBN_UNSUPPORTED_TYPE),    NAMED(CLBN_INVALID_EPSILON),
                     NAMED(CLBN_INVALID_FACTOR),     NAMED(CLBN_TOO_FEW_VALUES),      NAMED(CLBN_MISSING_VIEW),
                     NAMED(CLBN_INVALID_BUFFER),     NAMED(CLBN_BUFFER_TOO_SMALL),    NAMED(CLBN_INVALID_ALIAS),
                     NAMED(CLBN_INVALID_WORKSPACE),  NAMED(CLBN_WRONG_CONTEXT),       NAMED(CLBN_WRONG_DEVICE),
                     NAMED(CLBN_INTERNAL_ERROR),     NAMED(CLBN_WRONG_OPERATION),     NAMED(CLBN_MPI_FAILED),
                     NAMED(CLBN_UNEQUAL_PARTS),      NAMED(CLBN_WRONG_ORDER),         NAMED(CLBN_UNSUPPORTED_COMMAND_BUFFER),
                     NAMED(CL_OUT_OF_RESOURCES),     NAMED(CL_INVALID_COMMAND_QUEUE), NAMED(CL_INVALID_EVENT_WAIT_LIST),
                     NAMED(CL_BUILD_PROGRAM_FAILURE) };

START_TEST(every_status_has_its_name)
{
    for (int i = 0; i < COUNT_OF(own_statuses); i++)
        ck_assert_str_eq(clbnStatusName(own_statuses[i].status), own_statuses[i].name);
    ck_assert_str_eq(clbnStatusName(1), "unknown status");
    ck_assert_str_eq(clbnStatusName(-2000), "unknown status");
    ck_assert_str_eq(clbnStatusName(CLBN_UNSUPPORTED_COMMAND_BUFFER - 1), "unknown status");
}
END_TEST

/* All that OpenCL 1.2 defines, without gaps but for the numbers that it skips. */
START_TEST(every_status_of_opencl_has_a_name)
{
    for (cl_int status = CL_INVALID_DEVICE_PARTITION_COUNT; status <= CL_SUCCESS; status++) {
        bool defined = status >= CL_KERNEL_ARG_INFO_NOT_AVAILABLE || status <= CL_INVALID_VALUE;
        bool named = strncmp(clbnStatusName(status), "CL_", 3) == 0;
        ck_assert_msg(defined == named, "%d: %s", (int)status, clbnStatusName(status));
    }
}
END_TEST

START_TEST(the_version_is_the_headers)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", CLBN_VERSION_MAJOR, CLBN_VERSION_MINOR, CLBN_VERSION_PATCH);
    ck_assert_str_eq(clbnVersion(), version);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifetime");
    TCase *cases = tcase_create("objects");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, null_may_be_released);
    tcase_add_test(cases, an_engine_lives_as_long_as_its_references);
    tcase_add_test(cases, an_engine_keeps_its_context);
    add_test_of_configs(cases, a_plan_keeps_its_engine, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, nothing_is_left_of_a_released_engine, ENGINE_CONFIGS);
    add_test_of_configs(cases, plan_and_engine_may_be_released_while_their_work_is_in_progress, ENGINE_CONFIGS);
    add_test_of_configs(cases, an_engine_compiles_nothing_by_itself, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, a_plan_compiles_only_the_first_of_its_kind, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_plan_compiles_for_its_operations, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, an_enqueue_compiles_nothing_and_does_not_block, ENGINE_CONFIGS);
    add_test_of_configs(cases, an_engine_tells_what_it_is, ENGINE_CONFIGS);
    tcase_add_test(cases, an_engine_chooses_a_geometry);
    add_test_of_configs(cases, a_plan_tells_what_it_is, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_plan_tells_its_kernels, ENGINE_CONFIGS);
    tcase_add_test(cases, every_status_has_its_name);
    tcase_add_test(cases, every_status_of_opencl_has_a_name);
    tcase_add_test(cases, the_version_is_the_headers);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
