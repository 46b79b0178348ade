/* SPDX-License-Identifier: MIT */
/* Calls that are refused for anything but their views: plans, queues, wait lists, arguments. */
#include "attempt.h"
#include "halves.h"
#include "interpose.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static void expect_failure(cl_int status, cl_int expected, const char *word, const char *other_word)
{
    expect_status(status, expected, "the call");
    expect_sentence(word, other_word);
}

static const struct shape small = { 3, 1, { 4, 3, 5 } };
static const struct shape single = { 2, 1, { 1, 3 } };
static struct problem problem;
static struct attempt attempt;

static void set_up(void)
{
    problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 1);
}

static void tear_down(void)
{
    problem_free(&problem);
}

START_TEST(a_call_needs_a_plan)
{
    attempt = attempt_prepare(&problem, (enum operation)_i);
    attempt.run.plan = NULL;
    expect_refusal(&attempt, CLBN_INVALID_PLAN, "plan", "expected");
    attempt_release(&attempt);
}
END_TEST

/* On an engine that has the kernels all the same. */
START_TEST(a_plan_is_for_its_operations)
{
    const clbn_operations wanted = operations_for((enum operation)_i);
    clbn_plan_desc desc = plan_description(&problem.shape, problem.type, problem.epsilon);
    clbn_engine engine = NULL;
    attempt = attempt_prepare(&problem, (enum operation)_i);
    expect_success(clbnGetPlanInfo(attempt.run.plan, CLBN_PLAN_ENGINE, sizeof engine, &engine, NULL));
    for (clbn_operations operations = 1; operations < 8; operations++) {
        desc.operations = operations;
        attempt.run.plan = create_described_plan(engine, &desc);
        if (operations & wanted)
            expect_acceptance(&attempt);
        else
            expect_refusal(&attempt, CLBN_WRONG_OPERATION, "the plan is for the operations 0x", "expected");
        clbnReleasePlan(attempt.run.plan);
    }
    attempt_release(&attempt);
}
END_TEST

START_TEST(a_plan_of_backwards_alone_needs_saved_statistics)
{
    clbn_plan_desc desc = plan_description(&problem.shape, problem.type, problem.epsilon);
    clbn_engine engine = NULL;
    desc.operations = CLBN_OPERATION_BACKWARD;
    attempt = attempt_prepare(&problem, BACKWARD);
    expect_success(clbnGetPlanInfo(attempt.run.plan, CLBN_PLAN_ENGINE, sizeof engine, &engine, NULL));
    attempt.run.plan = create_described_plan(engine, &desc);
    expect_acceptance(&attempt);
    attempt.run.call.views &= ~WITH_SAVED;
    expect_refusal(&attempt, CLBN_WRONG_OPERATION, "the plan is for the operations 0x2", "expected some of 0x1");
    clbnReleasePlan(attempt.run.plan);
    attempt_release(&attempt);
}
END_TEST

START_TEST(a_call_needs_a_queue_of_its_context)
{
    cl_device_id device = test_device();
    cl_int status = CL_SUCCESS;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    expect_success(status);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &status);
    expect_success(status);
    attempt = attempt_prepare(&problem, (enum operation)_i);
    attempt.queue = NULL;
    expect_refusal(&attempt, CL_INVALID_COMMAND_QUEUE, "queue is NULL", "expected");
    attempt.queue = queue;
    expect_refusal(&attempt, CLBN_WRONG_CONTEXT, "queue", "context");
    attempt_release(&attempt);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
}
END_TEST

START_TEST(a_queue_of_another_device_is_refused)
{
    static const struct shape shape = { 2, 1, { 4, 3 } };
    if (!divide_device("a queue of another device"))
        return;
    cl_int status = CL_SUCCESS;
    cl_device_id devices[2]; /* PoCL puts the whole device in the place of its halves */
    expect_success(clGetContextInfo(halves_context, CL_CONTEXT_DEVICES, sizeof devices, devices, NULL));
    clbn_engine engine = clbnCreateEngine(halves_context, devices[0], NULL, &status);
    expect_success(status);
    clbn_plan plan = create_plan(engine, &shape, CLBN_FLOAT32, 1e-5);
    cl_command_queue queue = clCreateCommandQueue(halves_context, halves[1], 0, &status);
    expect_success(status);
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    forget_last_error();
    expect_failure(clbnEnqueueForwardTraining(plan, queue, &args, 0, NULL, NULL), CLBN_WRONG_DEVICE, "queue", "device");
    clReleaseCommandQueue(queue);
    clbnReleasePlan(plan);
    clbnReleaseEngine(engine);
    join_device();
}
END_TEST

START_TEST(a_wait_list_has_its_events)
{
    cl_int status = CL_SUCCESS;
    cl_event event = clCreateUserEvent(test_context(), &status);
    expect_success(status);
    cl_event events[2] = { event, NULL };
    attempt = attempt_prepare(&problem, (enum operation)_i);
    attempt.wait_count = 1;
    expect_refusal(&attempt, CL_INVALID_EVENT_WAIT_LIST, "is 1, but event_wait_list is NULL", "num_events_in");
    attempt.wait_count = 0;
    attempt.wait_list = events;
    expect_refusal(&attempt, CL_INVALID_EVENT_WAIT_LIST, "is 0, but event_wait_list is not NULL", "num_events_in");
    attempt.wait_count = 2;
    expect_refusal(&attempt, CL_INVALID_EVENT_WAIT_LIST, "event_wait_list[1] is NULL", "expected");
    attempt_release(&attempt);
    clReleaseEvent(event);
}
END_TEST

static void expect_factor_refused(double factor)
{
    attempt.run.call.update_factor = factor;
    testing("update factor %g", factor);
    expect_refusal(&attempt, CLBN_INVALID_FACTOR, "update_factor", "expected 0 to 1");
}

START_TEST(an_update_factor_is_between_0_and_1)
{
    attempt = attempt_prepare(&problem, (enum operation)_i);
    expect_factor_refused(-DBL_MIN);
    expect_factor_refused(-0.1);
    expect_factor_refused(1 + DBL_EPSILON);
    expect_factor_refused((double)INFINITY);
    expect_factor_refused((double)NAN);
    attempt.run.call.update_factor = 0;
    expect_acceptance(&attempt);
    attempt.run.call.update_factor = 1;
    expect_acceptance(&attempt);
    attempt_release(&attempt);
}
END_TEST

static void expect_finite(double *factor, const char *name)
{
    static const double refused[] = { -DBL_MAX, DBL_MAX, (double)INFINITY, (double)NAN }; /* of float32 */
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        testing("%s %g", name, refused[i]);
        *factor = refused[i];
        expect_refusal(&attempt, CLBN_INVALID_FACTOR, name, "expected a number");
    }
    *factor = -3;
    expect_acceptance(&attempt);
    *factor = 0;
}

START_TEST(factors_of_gradients_are_finite)
{
    attempt = attempt_prepare(&problem, (enum operation)_i);
    expect_finite(&attempt.run.call.dx_factor, "dx_factor");
    expect_finite(&attempt.run.call.dgamma_factor, "dgamma_factor");
    expect_finite(&attempt.run.call.dbeta_factor, "dbeta_factor");
    attempt_release(&attempt);
}
END_TEST

START_TEST(nothing_is_added_to_a_dx_that_is_dy)
{
    attempt = attempt_prepare(&problem, (enum operation)_i);
    attempt.run.call.in_place = true;
    expect_acceptance(&attempt);
    attempt.run.call.dx_factor = 1;
    expect_refusal(&attempt, CLBN_INVALID_ALIAS, "dy and dx", "expected separate");
    attempt_release(&attempt);
}
END_TEST

START_TEST(a_running_variance_is_unbiased_or_biased)
{
    attempt = attempt_prepare(&problem, (enum operation)_i);
    attempt.run.call.running_variance = 2;
    expect_refusal(&attempt, CLBN_INVALID_ARGUMENT, "running_variance is 2", "expected CLBN_UNBIASED");
    attempt_release(&attempt);
}
END_TEST

/* parts is of the problem. */
START_TEST(records_are_of_one_part_or_more)
{
    attempt = attempt_prepare(&problem, (enum operation)_i);
    problem.parts = 0;
    expect_refusal(&attempt, CLBN_INVALID_ARGUMENT, "parts is 0", "expected");
    problem.parts = SIZE_MAX;
    expect_refusal(&attempt, CLBN_SIZE_OVERFLOW, "records", "bytes");
    problem.parts = SIZE_MAX / 1000;
    expect_refusal(&attempt, CLBN_BUFFER_TOO_SMALL, "records", "elements");
    attempt_release(&attempt);
}
END_TEST

START_TEST(a_merge_gives_something)
{
    attempt = attempt_prepare(&problem, MERGE_STATISTICS);
    attempt.run.call.views = WITH(VIEW_STATISTICS_RECORDS);
    expect_refusal(&attempt, CLBN_MISSING_VIEW, "save_invstd", "expected");
    attempt_release(&attempt);
}
END_TEST

START_TEST(one_value_has_no_unbiased_variance)
{
    struct problem one = problem_random(&single, CLBN_FLOAT32, 1e-5, 1);
    attempt = attempt_prepare(&one, FORWARD_TRAINING);
    expect_refusal(&attempt, CLBN_TOO_FEW_VALUES, "unbiased variance", "expected");
    attempt.run.call.running_variance = CLBN_BIASED;
    expect_acceptance(&attempt);
    attempt_release(&attempt);
    problem_free(&one);
}
END_TEST

/* ---- Batch renormalization ------------------------------------------------------------------------------------------------- */

static void expect_bound_refused(double *bound, double value, const char *name)
{
    const double kept = *bound;
    testing("%s %g", name, value);
    *bound = value;
    expect_refusal(&attempt, CLBN_INVALID_FACTOR, name, "expected a number from");
    *bound = kept;
}

START_TEST(bounds_of_renormalization_are_numbers)
{
    attempt = attempt_prepare(&problem, FORWARD_RENORM);
    struct call *call = &attempt.run.call;
    expect_bound_refused(&call->r_max, 1 - DBL_EPSILON, "r_max");
    expect_bound_refused(&call->r_max, -2, "r_max");
    expect_bound_refused(&call->r_max, (double)NAN, "r_max");
    expect_bound_refused(&call->d_max, -DBL_MIN, "d_max");
    expect_bound_refused(&call->d_max, (double)NAN, "d_max");
    call->r_max = call->d_max = (double)INFINITY;
    expect_acceptance(&attempt);
    call->r_max = 1;
    call->d_max = 0;
    expect_acceptance(&attempt);
    attempt_release(&attempt);
}
END_TEST

/* The ordinary one is too small. */
START_TEST(renormalization_has_a_workspace_of_its_own)
{
    static const enum operation operations[] = { FORWARD_RENORM, BACKWARD_RENORM };
    for (int i = 0; i < COUNT_OF(operations); i++) {
        size_t ordinary = 0, own = 0;
        cl_int status = CL_SUCCESS;
        attempt = attempt_prepare(&problem, operations[i]);
        expect_success(clbnGetPlanInfo(attempt.run.plan, CLBN_PLAN_WORKSPACE_SIZE, sizeof ordinary, &ordinary, NULL));
        expect_success(clbnGetPlanInfo(attempt.run.plan, CLBN_PLAN_RENORM_WORKSPACE, sizeof own, &own, NULL));
        ck_assert_uint_gt(own, ordinary);
        cl_mem buffer = clCreateBuffer(test_context(), CL_MEM_READ_WRITE, own - 1, NULL, &status);
        expect_success(status);
        attempt.run.workspace.view.buffer = buffer;
        attempt.run.workspace.view.offset = 0;
        expect_refusal(&attempt, CLBN_INVALID_WORKSPACE, "the workspace's buffer ends before", "bytes");
        attempt_release(&attempt);
        clReleaseMemObject(buffer);
    }
}
END_TEST

/* ---- Ghost batches -------------------------------------------------------------------------------------------------------- */

static bool knows_ghosts(enum operation operation)
{
    return operation <= FOLD || operation == SECOND_BACKWARD_FROZEN;
}

START_TEST(a_call_knows_ghost_batches_or_refuses_them)
{
    const enum operation operation = (enum operation)_i;
    clbn_plan_desc desc = plan_description(&problem.shape, problem.type, problem.epsilon);
    clbn_engine engine = NULL;
    desc.ghost_batch = 3;
    if (knows_ghosts(operation))
        problem_divide(&problem, desc.ghost_batch);
    attempt = attempt_prepare(&problem, operation);
    expect_success(clbnGetPlanInfo(attempt.run.plan, CLBN_PLAN_ENGINE, sizeof engine, &engine, NULL));
    attempt.run.plan = create_described_plan(engine, &desc);
    if (knows_ghosts(operation))
        expect_acceptance(&attempt);
    else
        expect_refusal(&attempt, CLBN_WRONG_OPERATION, "the plan has 2 ghost batches",
                       "expected a plan whose ghost_batch is 0");
    clbnReleasePlan(attempt.run.plan);
    attempt_release(&attempt);
}
END_TEST

/* A row for each ghost batch, in a buffer that holds one. */
START_TEST(saved_statistics_have_a_row_for_each_ghost_batch)
{
    static const enum operation operations[] = { FORWARD_TRAINING, BACKWARD };
    const size_t row = shape_channels(&small) * sizeof(float);
    problem_divide(&problem, 3);
    for (int i = 0; i < 2 * COUNT_OF(operations); i++) {
        const enum view view = i % 2 == 0 ? VIEW_SAVE_MEAN : VIEW_SAVE_INVSTD;
        cl_int status = CL_SUCCESS;
        cl_mem one_row = clCreateBuffer(test_context(), CL_MEM_READ_WRITE, row, NULL, &status);
        expect_success(status);
        attempt = attempt_prepare(&problem, operations[i / 2]);
        attempt.run.views[view].view.buffer = one_row;
        attempt.run.views[view].view.offset = 0;
        expect_refusal(&attempt, CLBN_BUFFER_TOO_SMALL, argument_name(&attempt.run, view), "reaches over 6 elements");
        attempt_release(&attempt);
        clReleaseMemObject(one_row);
    }
}
END_TEST

START_TEST(ghost_batches_are_not_tuned)
{
    clbn_plan_desc desc = plan_description(&problem.shape, problem.type, problem.epsilon);
    desc.ghost_batch = 3;
    clbn_plan plan = create_described_plan(test_engine(0), &desc);
    forget_last_error();
    expect_failure(clbnTunePlan(plan, in_order_queue(), NULL, NULL), CLBN_WRONG_OPERATION, "2 ghost batches", "expected");
    clbnReleasePlan(plan);
}
END_TEST

START_TEST(one_value_of_the_last_ghost_batch_has_no_unbiased_variance)
{
    static const struct shape rows = { 2, 1, { 7, 3 } };
    struct problem one = problem_random(&rows, CLBN_FLOAT32, 1e-5, 1);
    problem_divide(&one, 3);
    attempt = attempt_prepare(&one, FORWARD_TRAINING);
    expect_refusal(&attempt, CLBN_TOO_FEW_VALUES, "as the last ghost batch has", "expected");
    attempt.run.call.running_variance = CLBN_BIASED;
    expect_acceptance(&attempt);
    attempt_release(&attempt);
    problem_free(&one);
}
END_TEST

/* Each ghost batch but the first reads them, whatever their factors. */
START_TEST(gradients_of_parameters_are_read_again)
{
    static const enum view views[] = { VIEW_DGAMMA, VIEW_DBETA };
    for (int i = 0; i < COUNT_OF(views); i++)
        for (size_t ghost_batch = 3; ghost_batch <= 4; ghost_batch++) {
            cl_int status = CL_SUCCESS;
            cl_mem write_only = clCreateBuffer(test_context(), CL_MEM_WRITE_ONLY, 64, NULL, &status);
            expect_success(status);
            problem_divide(&problem, ghost_batch);
            attempt = attempt_prepare(&problem, BACKWARD);
            attempt.run.views[views[i]].view.buffer = write_only;
            attempt.run.views[views[i]].view.offset = 0;
            if (ghost_batch < 4)
                expect_refusal(&attempt, CLBN_INVALID_BUFFER, argument_name(&attempt.run, views[i]), "CL_MEM_WRITE_ONLY");
            else
                expect_acceptance(&attempt);
            attempt_release(&attempt);
            clReleaseMemObject(write_only);
        }
}
END_TEST

/* Whichever ghost batch meets it: nothing is enqueued of any. */
START_TEST(the_last_ghost_batch_is_checked_before_the_first_is_enqueued)
{
    const size_t last = shape_elements(&small) - 1;
    problem_divide(&problem, 3);
    attempt = attempt_prepare(&problem, FORWARD_TRAINING);
    attempt.run.views[VIEW_Y].view = attempt.valid.views[VIEW_X].view;
    attempt.run.views[VIEW_Y].view.offset += last;
    expect_refusal(&attempt, CLBN_INVALID_ALIAS, "x and y overlap in part", "expected");
    attempt.run.views[VIEW_Y].view = attempt.valid.views[VIEW_Y].view;
    attempt.run.views[VIEW_SAVE_MEAN].view = attempt.valid.views[VIEW_X].view;
    attempt.run.views[VIEW_SAVE_MEAN].view.offset += last - 5;
    expect_refusal(&attempt, CLBN_INVALID_ALIAS, "x and save_mean overlap", "expected");
    attempt_release(&attempt);
}
END_TEST

/* Each call with no arguments at all, and with arguments of another size. */
#define EXPECT_ARGUMENTS(call, type)                                                                                           \
    do {                                                                                                                       \
        type args;                                                                                                             \
        static const size_t sizes[] = { 0, sizeof args - 1, sizeof args + 1, SIZE_MAX };                                       \
        memset(&args, 0, sizeof args);                                                                                         \
        testing(#call);                                                                                                        \
        forget_last_error();                                                                                                   \
        expect_failure(call(attempt.run.plan, attempt.queue, NULL, 0, NULL, NULL), CLBN_INVALID_ARGUMENT, "is NULL", #type);   \
        for (int i = 0; i < COUNT_OF(sizes); i++) {                                                                            \
            args.struct_size = sizes[i];                                                                                       \
            expect_failure(call(attempt.run.plan, attempt.queue, &args, 0, NULL, NULL), CLBN_INVALID_STRUCT_SIZE,              \
                           "struct_size", #type);                                                                              \
        }                                                                                                                      \
    } while (0)

START_TEST(a_call_needs_arguments_of_a_known_size)
{
    attempt = attempt_prepare(&problem, FORWARD_TRAINING);
    unsigned long enqueued = calls_of("clEnqueue");
    EXPECT_ARGUMENTS(clbnEnqueueForwardTraining, clbn_forward_training_args);
    EXPECT_ARGUMENTS(clbnEnqueueForwardInference, clbn_forward_inference_args);
    EXPECT_ARGUMENTS(clbnEnqueueBackward, clbn_backward_args);
    EXPECT_ARGUMENTS(clbnEnqueueBackwardFrozen, clbn_backward_frozen_args);
    EXPECT_ARGUMENTS(clbnEnqueueFold, clbn_fold_args);
    EXPECT_ARGUMENTS(clbnEnqueueForwardRenorm, clbn_forward_renorm_args);
    EXPECT_ARGUMENTS(clbnEnqueueBackwardRenorm, clbn_backward_renorm_args);
    EXPECT_ARGUMENTS(clbnEnqueueStatistics, clbn_statistics_args);
    EXPECT_ARGUMENTS(clbnEnqueueMergeStatistics, clbn_merge_statistics_args);
    EXPECT_ARGUMENTS(clbnEnqueueNormalize, clbn_normalize_args);
    EXPECT_ARGUMENTS(clbnEnqueueBackwardSums, clbn_backward_sums_args);
    EXPECT_ARGUMENTS(clbnEnqueueBackwardInput, clbn_backward_input_args);
    ck_assert_uint_eq(calls_of("clEnqueue"), enqueued);
    attempt_release(&attempt);
}
END_TEST

static TCase *cases_of_calls(void)
{
    TCase *cases = tcase_create("calls");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, a_call_needs_a_plan, 0, OPERATIONS);
    tcase_add_loop_test(cases, a_plan_is_for_its_operations, 0, OPERATIONS);
    tcase_add_test(cases, a_plan_of_backwards_alone_needs_saved_statistics);
    tcase_add_loop_test(cases, a_call_needs_a_queue_of_its_context, 0, OPERATIONS);
    tcase_add_test(cases, a_queue_of_another_device_is_refused);
    tcase_add_loop_test(cases, a_wait_list_has_its_events, 0, OPERATIONS);
    tcase_add_test(cases, a_merge_gives_something);
    for (int i = 0; i < 2; i++) {
        const int updating = (int)(i == 0 ? FORWARD_TRAINING : MERGE_STATISTICS);
        const int of_records = (int)(i == 0 ? MERGE_STATISTICS : BACKWARD_INPUT);
        tcase_add_loop_test(cases, an_update_factor_is_between_0_and_1, updating, updating + 1);
        tcase_add_loop_test(cases, a_running_variance_is_unbiased_or_biased, updating, updating + 1);
        tcase_add_loop_test(cases, records_are_of_one_part_or_more, of_records, of_records + 1);
    }
    static const int with_gradients[] = { BACKWARD, BACKWARD_FROZEN, BACKWARD_RENORM, BACKWARD_INPUT };
    for (size_t i = 0; i < sizeof with_gradients / sizeof *with_gradients; i++) {
        const int operation = with_gradients[i];
        tcase_add_loop_test(cases, factors_of_gradients_are_finite, operation, operation + 1);
        tcase_add_loop_test(cases, nothing_is_added_to_a_dx_that_is_dy, operation, operation + 1);
    }
    tcase_add_loop_test(cases, an_update_factor_is_between_0_and_1, FORWARD_RENORM, FORWARD_RENORM + 1);
    tcase_add_test(cases, one_value_has_no_unbiased_variance);
    tcase_add_test(cases, a_call_needs_arguments_of_a_known_size);
    tcase_add_test(cases, bounds_of_renormalization_are_numbers);
    tcase_add_test(cases, renormalization_has_a_workspace_of_its_own);
    tcase_add_loop_test(cases, a_call_knows_ghost_batches_or_refuses_them, 0, OPERATIONS);
    tcase_add_test(cases, saved_statistics_have_a_row_for_each_ghost_batch);
    tcase_add_test(cases, ghost_batches_are_not_tuned);
    tcase_add_test(cases, one_value_of_the_last_ghost_batch_has_no_unbiased_variance);
    tcase_add_test(cases, gradients_of_parameters_are_read_again);
    tcase_add_test(cases, the_last_ghost_batch_is_checked_before_the_first_is_enqueued);
    return cases;
}

int main(void)
{
    Suite *suite = suite_create("misuse of calls");
    suite_add_tcase(suite, cases_of_calls());
    return run_suite_unoptimized(suite);
}
