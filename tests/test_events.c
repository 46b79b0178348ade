/* SPDX-License-Identifier: MIT */
/* Events: their profile, and what a failed one does. The memory of a call in progress. */
#include "compare.h"
#include "harness.h"
#include "run.h"

#include <string.h>

static const struct shape shape = { 4, 1, { 4, 3, 57, 59 } };
static const struct shape small = { 2, 1, { 60, 100 } };

/* The configuration that always, or never, divides a channel among several groups. */
static int config_with(clbn_geometry geometry, cl_uint flags)
{
    for (int i = 0; i < ENGINE_CONFIGS; i++)
        if (engine_configs[i].geometry == geometry && engine_configs[i].flags == flags)
            return i;
    ck_abort_msg("no engine configuration has flags 0x%x", (unsigned)flags);
    return 0;
}

static bool has_one_kernel(clbn_plan plan)
{
    char kernels[256];
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_FORWARD_KERNELS, sizeof kernels, kernels, NULL));
    return strchr(kernels, ' ') == NULL;
}

static cl_ulong time_of(cl_event event, cl_profiling_info name)
{
    cl_ulong time = 0;
    expect_success(clGetEventProfilingInfo(event, name, sizeof time, &time, NULL));
    return time;
}

/* A marker, the call after it, and the last kernel's event. */
static void check_profile(cl_command_queue_properties properties)
{
    struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_TRAINING);
    cl_command_queue queue = clCreateCommandQueue(test_context(), test_device(), properties | CL_QUEUE_PROFILING_ENABLE, NULL);
    struct run run = run_prepare(test_engine(config_with(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_SPLIT)), &problem, &call);
    cl_event marker = NULL, event = NULL;
    testing("profiling, queue properties 0x%x", (unsigned)properties);
    ck_assert_msg(!has_one_kernel(run.plan), "several kernels were expected");
    expect_success(clEnqueueMarkerWithWaitList(queue, 0, NULL, &marker));
    expect_success(run_enqueue(&run, queue, 1, &marker, &event));
    expect_success(clFinish(queue));
    ck_assert_uint_le(time_of(marker, CL_PROFILING_COMMAND_END), time_of(event, CL_PROFILING_COMMAND_START));
    ck_assert_uint_lt(time_of(marker, CL_PROFILING_COMMAND_END), time_of(event, CL_PROFILING_COMMAND_END));
    clReleaseEvent(marker);
    clReleaseEvent(event);
    clReleaseCommandQueue(queue);
    run_release(&run);
    problem_free(&problem);
}

START_TEST(a_marker_before_a_call_is_where_its_time_begins)
{
    check_profile(0);
    check_profile(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}
END_TEST

/* Of a call with one kernel: PoCL 3.1 ends the process where that of several fails, whoever enqueued it. */
static void check_failed_event(clbn_geometry geometry, cl_command_queue queue)
{
    struct problem problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_TRAINING);
    struct run run = run_prepare(test_engine(config_with(geometry, CLBN_ENGINE_WHOLE)), &problem, &call);
    cl_int status = CL_SUCCESS;
    cl_event failing = clCreateUserEvent(test_context(), NULL), event = NULL;
    testing("a failed event");
    ck_assert_msg(has_one_kernel(run.plan), "one kernel was expected");
    expect_success(run_enqueue(&run, queue, 1, &failing, &event));
    expect_success(clFlush(queue));
    expect_success(clSetUserEventStatus(failing, -1));
    expect_status(clWaitForEvents(1, &event), CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "the wait");
    expect_success(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL));
    ck_assert_int_lt(status, 0);
    guarded_expect_unchanged(&run.views[VIEW_Y], "y");
    clReleaseEvent(failing);
    clReleaseEvent(event);
    run_now(&run);
    run_release(&run);
    problem_free(&problem);
}

START_TEST(a_failed_event_fails_the_call)
{
    check_failed_event(CLBN_GEOMETRY_VECTOR, in_order_queue());
    check_failed_event(CLBN_GEOMETRY_GROUP, out_of_order_queue());
}
END_TEST

/* All that the call reads, and its workspace. */
static void check_released_memory(int config, enum operation operation, cl_command_queue queue)
{
    struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(operation);
    cl_event event = NULL;
    call.own_workspace = true;
    struct run run = run_prepare(test_engine(config), &problem, &call);
    struct run expected = run_prepare(test_engine(config), &problem, &call);
    testing("%s, %s, with memory that is released", engine_configs[config].name, operation_name(operation));
    expect_success(run_enqueue(&run, queue, 0, NULL, &event));
    for (enum view view = 0; view < VIEWS; view++)
        if (run_has(&run, view) && !run_writes(&run, view)) {
            guarded_release(&run.views[view]);
            run.views[view] = guarded_absent();
        }
    guarded_release(&run.workspace);
    run.workspace = guarded_absent();
    run_wait(event);
    run_now(&expected);
    for (enum view view = 0; view < VIEWS; view++)
        if (run_writes(&run, view))
            expect_same_bits(view_name(view), run_output(&run, view), run_output(&expected, view), run_count(&run, view));
    run_release(&run);
    run_release(&expected);
    problem_free(&problem);
}

START_TEST(memory_may_be_released_once_the_call_has_returned)
{
    for (enum operation operation = 0; operation < OPERATIONS; operation++) {
        if ((engine_configs[_i].flags & ~CLBN_ENGINE_SPLIT) != 0)
            continue;
        check_released_memory(_i, operation, in_order_queue());
        check_released_memory(_i, operation, out_of_order_queue());
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events");
    TCase *cases = tcase_create("calls in progress");
    tcase_add_test(cases, a_marker_before_a_call_is_where_its_time_begins);
    tcase_add_test(cases, a_failed_event_fails_the_call);
    add_test_of_configs(cases, memory_may_be_released_once_the_call_has_returned, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
