/* SPDX-License-Identifier: MIT */
/* Calls recorded in command buffers: replays give the bits of enqueued calls, and what cannot be recorded is refused. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "attempt.h"
#include "harness.h"
#include "repeat.h"
#include "verify.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- OpenCL's extension, which older headers and loaders do not have ------------------------------------------------------ */

static bool is_hidden;           /* the platform seems not to have it */
static int recorded;             /* kernels */
static int fails_from = INT_MAX; /* the record that fails, from 0, and all after it */

typedef cl_int(CL_API_CALL *record_kernel)(clbn_command_buffer, cl_command_queue, const void *, cl_kernel, cl_uint,
                                           const size_t *, const size_t *, const size_t *, cl_uint, const cl_uint *, cl_uint *,
                                           void *);

static void *find_function(cl_platform_id platform, const char *name)
{
    const union {
        void *address;
        void *(CL_API_CALL *find)(cl_platform_id, const char *);
    } real = { dlsym(RTLD_NEXT, "clGetExtensionFunctionAddressForPlatform") };
    return is_hidden ? NULL : real.find(platform, name);
}

/* A function of the test device's platform; NULL where it has none. */
static void *function_of(const char *name)
{
    cl_platform_id platform = NULL;
    expect_success(clGetDeviceInfo(test_device(), CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL));
    return find_function(platform, name);
}

static cl_int CL_API_CALL record(clbn_command_buffer commands, cl_command_queue queue, const void *properties, cl_kernel kernel,
                                 cl_uint dimensions, const size_t *offset, const size_t *global, const size_t *local,
                                 cl_uint wait_count, const cl_uint *wait_list, cl_uint *sync_point, void *handle)
{
    const union {
        void *address;
        record_kernel record;
    } real = { function_of("clCommandNDRangeKernelKHR") };
    if (recorded++ >= fails_from)
        return CL_OUT_OF_RESOURCES;
    return real.record(commands, queue, properties, kernel, dimensions, offset, global, local, wait_count, wait_list,
                       sync_point, handle);
}

/* In the library's way to the extension. */
void *CL_API_CALL clGetExtensionFunctionAddressForPlatform(cl_platform_id platform, const char *name)
{
    const union {
        record_kernel record;
        void *address;
    } ours = { record };
    void *found = find_function(platform, name);
    return found != NULL && strcmp(name, "clCommandNDRangeKernelKHR") == 0 ? ours.address : found;
}

static clbn_command_buffer create(cl_command_queue queue)
{
    const union {
        void *address;
        clbn_command_buffer(CL_API_CALL *create)(cl_uint, const cl_command_queue *, const void *, cl_int *);
    } found = { function_of("clCreateCommandBufferKHR") };
    cl_int status = CL_SUCCESS;
    clbn_command_buffer commands = found.create(1, &queue, NULL, &status);
    expect_success(status);
    return commands;
}

static void call_with(const char *name, clbn_command_buffer commands)
{
    const union {
        void *address;
        cl_int(CL_API_CALL *call)(clbn_command_buffer);
    } found = { function_of(name) };
    expect_success(found.call(commands));
}

static void finalize(clbn_command_buffer commands)
{
    call_with("clFinalizeCommandBufferKHR", commands);
}

static void release(clbn_command_buffer commands)
{
    call_with("clReleaseCommandBufferKHR", commands);
}

/* One after the other: a command buffer is not enqueued again while it runs. */
static void replay(clbn_command_buffer commands, int times)
{
    const union {
        void *address;
        cl_int(CL_API_CALL *enqueue)(cl_uint, cl_command_queue *, clbn_command_buffer, cl_uint, const cl_event *, cl_event *);
    } found = { function_of("clEnqueueCommandBufferKHR") };
    for (int i = 0; i < times; i++) {
        cl_event event = NULL;
        expect_success(found.enqueue(0, NULL, commands, 0, NULL, &event));
        run_wait(event);
    }
}

static bool device_has_command_buffers(void)
{
    const bool has = function_of("clCreateCommandBufferKHR") != NULL;
    if (!has)
        printf("The device has no command buffers: that clbn says so is tested alone.\n");
    return has;
}

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

static const enum operation operations[] = { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD, BACKWARD_FROZEN };

static union {
    clbn_forward_training_args training;
    clbn_forward_inference_args inference;
    clbn_backward_args backward;
    clbn_backward_frozen_args frozen;
} captured;

/* In place of the arguments, so that the enqueue call is refused. */
static const void *capture(const void *args, size_t size)
{
    memcpy(&captured, args, size);
    return NULL;
}

static cl_command_queue record_queue; /* what the library is told */

static cl_int record_run(struct run *run, clbn_command_buffer commands, cl_uint wait_count, const cl_uint *wait_list,
                         cl_uint *sync_point)
{
    run->resize = capture;
    expect_status(run_enqueue(run, in_order_queue(), 0, NULL, NULL), CLBN_INVALID_ARGUMENT, "a call without arguments");
    run->resize = NULL;
    switch (run->call.operation) {
    case FORWARD_TRAINING:
        return clbnCommandForwardTraining(run->plan, record_queue, commands, &captured.training, wait_count, wait_list,
                                          sync_point);
    case FORWARD_INFERENCE:
        return clbnCommandForwardInference(run->plan, record_queue, commands, &captured.inference, wait_count, wait_list,
                                           sync_point);
    case BACKWARD:
        return clbnCommandBackward(run->plan, record_queue, commands, &captured.backward, wait_count, wait_list, sync_point);
    default:
        return clbnCommandBackwardFrozen(run->plan, record_queue, commands, &captured.frozen, wait_count, wait_list,
                                         sync_point);
    }
}

static struct call call_number(enum operation operation)
{
    struct call call = call_of(operation);
    call.views = WITH_ALL;
    call.own_workspace = true;
    if (is_backward(operation))
        accumulate(&call);
    return call;
}

/* Enqueued so often, and then replayed: calls in between, of the same kernels, change nothing of what is recorded. */
static void check_replays(int config, const struct problem *problem, enum operation operation, cl_command_queue queue,
                          int times)
{
    const struct call call = call_number(operation);
    say_call(config, problem, &call);
    struct run run = run_prepare(test_engine(config), problem, &call);
    struct run enqueued = run_prepare(test_engine(config), problem, &call);
    clbn_command_buffer commands = create(record_queue = queue);
    expect_success(record_run(&run, commands, 0, NULL, NULL));
    finalize(commands);
    for (int i = 0; i < times; i++)
        run_now(&enqueued);
    replay(commands, times);
    expect_same_outputs(&run, &enqueued);
    release(commands);
    run_release(&run);
    run_release(&enqueued);
}

/* One kernel, and several. */
static const struct shape shapes[] = { { 2, 1, { 60, 100 } }, { 4, 1, { 4, 3, 57, 59 } } };

START_TEST(replays_give_the_bits_of_enqueued_calls)
{
    if (!device_has_command_buffers())
        return;
    for (int s = 0; s < COUNT_OF(shapes); s++) {
        struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, (size_t)s);
        for (int i = 0; i < COUNT_OF(operations); i++)
            check_replays(_i, &problem, operations[i], s % 2 == 0 ? in_order_queue() : out_of_order_queue(), 3);
        problem_free(&problem);
    }
}
END_TEST

/* Calls on one ghost batch after another, chained by sync points. */
START_TEST(ghost_batches_are_recorded)
{
    const struct shape shape = { 3, 1, { 5, 3, 50 } };
    if (!device_has_command_buffers())
        return;
    struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 1);
    problem_divide(&problem, 2);
    check_replays(_i, &problem, FORWARD_TRAINING, out_of_order_queue(), 2);
    check_replays(_i, &problem, BACKWARD, out_of_order_queue(), 2);
    problem_free(&problem);
}
END_TEST

/* The configuration in which several groups always share a channel: a call has several kernels. */
static int split_config(clbn_geometry geometry)
{
    int config = 0;
    while (engine_configs[config].flags != CLBN_ENGINE_SPLIT || engine_configs[config].geometry != geometry)
        config++;
    return config;
}

/* The backward waits for the forward's sync point, and has the statistics that it saved. */
static void check_step(int config, cl_command_queue queue, int times)
{
    static const enum operation both[2] = { FORWARD_TRAINING, BACKWARD };
    const struct shape small = { 3, 1, { 4, 3, 50 } };
    struct problem problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 7);
    struct run replayed[2], enqueued[2];
    clbn_command_buffer commands = create(record_queue = queue);
    cl_uint normalized = 0;
    for (int i = 0; i < 2; i++) {
        struct call call = call_of(both[i]);
        call.own_workspace = true;
        replayed[i] = run_prepare(test_engine(config), &problem, &call);
        enqueued[i] = run_prepare(test_engine(config), &problem, &call);
    }
    /* The backward's statistics are the forward's. */
    static const enum view saved[] = { VIEW_SAVE_MEAN, VIEW_SAVE_INVSTD };
    for (int i = 0; i < COUNT_OF(saved); i++) {
        guarded_release(&replayed[1].views[saved[i]]);
        replayed[1].views[saved[i]] = replayed[0].views[saved[i]];
        guarded_release(&enqueued[1].views[saved[i]]);
        enqueued[1].views[saved[i]] = enqueued[0].views[saved[i]];
    }
    expect_success(record_run(&replayed[0], commands, 0, NULL, &normalized));
    expect_success(record_run(&replayed[1], commands, 1, &normalized, NULL));
    finalize(commands);
    replay(commands, times);
    for (int i = 0; i < 2 * times; i++) {
        cl_event event = NULL;
        expect_success(run_enqueue(&enqueued[i % 2], in_order_queue(), 0, NULL, &event));
        run_wait(event);
    }
    for (int i = 0; i < 2; i++)
        expect_same_outputs(&replayed[i], &enqueued[i]);
    release(commands);
    for (int i = 0; i < COUNT_OF(saved); i++)
        replayed[1].views[saved[i]] = enqueued[1].views[saved[i]] = guarded_absent();
    for (int i = 0; i < 2; i++) {
        run_release(&replayed[i]);
        run_release(&enqueued[i]);
    }
    problem_free(&problem);
}

START_TEST(a_thousand_replays_of_a_step)
{
    if (!device_has_command_buffers())
        return;
    check_step(split_config(CLBN_GEOMETRY_VECTOR), out_of_order_queue(), 1000);
    check_step(split_config(CLBN_GEOMETRY_GROUP), in_order_queue(), 1000);
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------------------------------------ */

static struct problem problem;
static struct run valid;
static clbn_command_buffer commands;

/* A call of several kernels, which has a workspace. */
static void set_up(void)
{
    struct call call = call_of(FORWARD_TRAINING);
    call.own_workspace = true;
    problem = problem_random(&shapes[1], CLBN_FLOAT32, 1e-5, 1);
    valid = run_prepare(test_engine(split_config(CLBN_GEOMETRY_VECTOR)), &problem, &call);
    record_queue = in_order_queue();
    commands = device_has_command_buffers() ? create(in_order_queue()) : (clbn_command_buffer)&valid;
}

static void tear_down(void)
{
    is_hidden = false;
    fails_from = INT_MAX;
    if (device_has_command_buffers())
        release(commands);
    run_release(&valid);
    problem_free(&problem);
}

/* Nothing is recorded: a replay leaves y alone. */
static void expect_refused(cl_int status, cl_int expected, const char *word)
{
    expect_status(status, expected, "the call");
    expect_sentence(word, "expected");
    ck_assert_int_eq(recorded, 0);
}

START_TEST(a_platform_without_command_buffers_is_named)
{
    recorded = 0;
    is_hidden = true;
    forget_last_error();
    expect_refused(record_run(&valid, commands, 0, NULL, NULL), CLBN_UNSUPPORTED_COMMAND_BUFFER, "clGetCommandBufferInfoKHR");
}
END_TEST

START_TEST(arguments_are_checked)
{
    const cl_uint sync_point = 0;
    recorded = 0;
    forget_last_error();
    expect_refused(record_run(&valid, NULL, 0, NULL, NULL), CLBN_INVALID_ARGUMENT, "command buffer is NULL");
    forget_last_error();
    expect_status(record_run(&valid, commands, 1, NULL, NULL), CLBN_INVALID_ARGUMENT, "a wait list that is NULL");
    expect_sentence("num_sync_points_in_wait_list is 1", "NULL");
    expect_status(record_run(&valid, commands, 0, &sync_point, NULL), CLBN_INVALID_ARGUMENT, "a wait list of none");
    expect_status(clbnCommandBackward(NULL, record_queue, commands, &captured.backward, 0, NULL, NULL), CLBN_INVALID_PLAN,
                  "no plan");
    ck_assert_int_eq(recorded, 0);
}
END_TEST

START_TEST(the_workspace_is_the_callers)
{
    if (!device_has_command_buffers())
        return;
    struct guarded workspace = valid.workspace;
    valid.workspace = guarded_absent();
    recorded = 0;
    forget_last_error();
    expect_refused(record_run(&valid, commands, 0, NULL, NULL), CLBN_INVALID_WORKSPACE, "the workspace is absent");
    valid.workspace = workspace;
    expect_success(record_run(&valid, commands, 0, NULL, NULL));
    ck_assert_int_gt(recorded, 1);
}
END_TEST

START_TEST(an_empty_batch_has_no_sync_point)
{
    const struct shape empty = { 3, 1, { 0, 3, 5 } };
    const struct call call = call_of(FORWARD_TRAINING);
    cl_uint sync_point = 0;
    if (!device_has_command_buffers())
        return;
    struct problem nothing = problem_random(&empty, CLBN_FLOAT32, 1e-5, 1);
    struct run run = run_prepare(test_engine(0), &nothing, &call);
    recorded = 0;
    forget_last_error();
    expect_success(record_run(&run, commands, 0, NULL, NULL));
    expect_refused(record_run(&run, commands, 0, NULL, &sync_point), CLBN_UNSUPPORTED_COMMAND_BUFFER, "nothing to do");
    run_release(&run);
    problem_free(&nothing);
}
END_TEST

START_TEST(the_queue_is_the_engines)
{
    cl_device_id device = test_device();
    cl_int status = CL_SUCCESS;
    if (!device_has_command_buffers())
        return;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    expect_success(status);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &status);
    expect_success(status);
    clbn_command_buffer foreign = create(record_queue = queue);
    recorded = 0;
    forget_last_error();
    expect_refused(record_run(&valid, foreign, 0, NULL, NULL), CLBN_WRONG_CONTEXT, "another context");
    release(foreign);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
}
END_TEST

/* Each of the call's kernels in turn; then the call succeeds. */
START_TEST(a_record_that_fails_is_passed_on)
{
    if (!device_has_command_buffers())
        return;
    recorded = 0;
    expect_success(record_run(&valid, commands, 0, NULL, NULL));
    const int kernels = recorded;
    ck_assert_int_gt(kernels, 1);
    for (fails_from = 0; fails_from < kernels; fails_from++) {
        recorded = 0;
        forget_last_error();
        expect_status(record_run(&valid, commands, 0, NULL, NULL), CL_OUT_OF_RESOURCES, "a record");
        expect_sentence("clCommandNDRangeKernelKHR", "CL_OUT_OF_RESOURCES");
        ck_assert_int_eq(recorded, fails_from + 1);
    }
    fails_from = INT_MAX;
    expect_success(record_run(&valid, commands, 0, NULL, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("command buffers");
    TCase *replays = tcase_create("replays");
    TCase *refused = tcase_create("refused");
    add_test_of_configs(replays, replays_give_the_bits_of_enqueued_calls, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(replays, ghost_batches_are_recorded, PLAIN_ENGINE_CONFIGS);
    tcase_add_test(replays, a_thousand_replays_of_a_step);
    suite_add_tcase(suite, replays);
    tcase_add_checked_fixture(refused, set_up, tear_down);
    tcase_add_test(refused, a_platform_without_command_buffers_is_named);
    tcase_add_test(refused, arguments_are_checked);
    tcase_add_test(refused, the_workspace_is_the_callers);
    tcase_add_test(refused, an_empty_batch_has_no_sync_point);
    tcase_add_test(refused, the_queue_is_the_engines);
    tcase_add_test(refused, a_record_that_fails_is_passed_on);
    suite_add_tcase(suite, refused);
    return run_suite_unoptimized(suite);
}
