/* SPDX-License-Identifier: MIT */
/* The same call gives the same bits: again, on any queue, with any workspace, beside other calls, after a wait. */
#include "harness.h"
#include "repeat.h"
#include "verify.h"

/* Sizes from one group to many parts, in both layouts. */
static const struct shape shapes[] = {
    { 2, 1, { 60, 100 } }, { 4, 1, { 4, 3, 57, 59 } }, { 4, 3, { 4, 57, 59, 3 } }, { 4, 1, { 2, 64, 28, 28 } }
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Every other one with an activation, whose mask is an output too. */
static struct problem problem_number(int config, size_t s)
{
    struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, s);
    problem.activation = activation_of(tested_activation(config, CLBN_FLOAT32, s % 2));
    return problem;
}

static struct run run_number(int config, const struct problem *problem, enum operation operation, bool own_workspace)
{
    struct call call = call_of(operation);
    call.views = WITH_ALL;
    call.own_workspace = own_workspace;
    say_call(config, problem, &call);
    return run_prepare(test_engine(config), problem, &call);
}

static void run_on(struct run *run, cl_command_queue queue)
{
    cl_event event = NULL;
    expect_success(run_enqueue(run, queue, 0, NULL, &event));
    run_wait(event);
}

static void check_again(int config, cl_command_queue queue, bool own_workspace)
{
    for (size_t s = 0; s < SHAPES; s++) {
        struct problem problem = problem_number(config, s);
        for (enum operation i = 0; i < OPERATIONS; i++) {
            if (!is_drawn_for(config, s + i + (size_t)config, 3))
                continue;
            struct run first = run_number(config, &problem, i, false);
            struct run again = run_number(config, &problem, i, own_workspace);
            run_now(&first);
            verify_run(&first);
            run_on(&again, queue);
            expect_same_outputs(&again, &first);
            run_release(&first);
            run_release(&again);
        }
        problem_free(&problem);
    }
}

START_TEST(a_repeated_call_gives_the_same_bits)
{
    check_again(_i, in_order_queue(), false);
}
END_TEST

/* Its program has fewer kernels. */
START_TEST(a_plan_of_one_operation_gives_the_same_bits)
{
    const struct shape *shape = &shapes[1 + _i];
    struct problem problem = problem_random(shape, CLBN_FLOAT32, 1e-5, 1);
    const clbn_engine_options options = engine_options(&engine_configs[_i]);
    cl_int status = CL_SUCCESS;
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), &options, &status);
    expect_success(status);
    for (enum operation i = 0; i < OPERATIONS; i++) {
        clbn_plan_desc desc = plan_description(shape, problem.type, problem.epsilon);
        struct run first = run_number(_i, &problem, i, false);
        struct run again = run_number(_i, &problem, i, false);
        clbn_plan plan = again.plan;
        desc.operations = operations_for(i);
        again.plan = create_described_plan(engine, &desc);
        run_now(&first);
        run_now(&again);
        expect_same_outputs(&again, &first);
        expect_success(clbnReleasePlan(again.plan));
        again.plan = plan;
        run_release(&first);
        run_release(&again);
    }
    expect_success(clbnReleaseEngine(engine));
    problem_free(&problem);
}
END_TEST

START_TEST(an_out_of_order_queue_gives_the_same_bits)
{
    check_again(_i, out_of_order_queue(), false);
}
END_TEST

START_TEST(the_callers_workspace_gives_the_same_bits)
{
    check_again(_i, in_order_queue(), true);
    check_again(_i, out_of_order_queue(), true);
}
END_TEST

/* All operations on all shapes, enqueued before any is waited for. */
static void check_together(int config, cl_command_queue queue)
{
    struct problem problems[SHAPES];
    struct run alone[SHAPES][OPERATIONS], together[SHAPES][OPERATIONS];
    cl_event events[SHAPES][OPERATIONS];
    for (size_t s = 0; s < SHAPES; s++) {
        problems[s] = problem_number(config, s);
        for (enum operation i = 0; i < OPERATIONS; i++) {
            alone[s][i] = run_number(config, &problems[s], i, false);
            together[s][i] = run_number(config, &problems[s], i, i % 2 == 0);
            run_now(&alone[s][i]);
        }
    }
    for (enum operation i = 0; i < OPERATIONS; i++)
        for (size_t s = 0; s < SHAPES; s++)
            expect_success(run_enqueue(&together[s][i], queue, 0, NULL, &events[s][i]));
    for (size_t s = 0; s < SHAPES; s++)
        for (enum operation i = 0; i < OPERATIONS; i++)
            run_wait(events[s][i]);
    for (size_t s = 0; s < SHAPES; s++) {
        for (enum operation i = 0; i < OPERATIONS; i++) {
            expect_same_outputs(&together[s][i], &alone[s][i]);
            run_release(&alone[s][i]);
            run_release(&together[s][i]);
        }
        problem_free(&problems[s]);
    }
}

START_TEST(several_plans_at_once_give_the_same_bits)
{
    check_together(_i, in_order_queue());
    check_together(_i, out_of_order_queue());
}
END_TEST

static void check_waiting(int config, const struct problem *problem, enum operation operation, cl_command_queue queue)
{
    struct run first = run_number(config, problem, operation, false);
    struct run waiting = run_number(config, problem, operation, false);
    run_now(&first);
    run_with_late_input(&waiting, &first, queue);
    expect_same_outputs(&waiting, &first);
    run_release(&first);
    run_release(&waiting);
}

START_TEST(a_call_waits_for_its_wait_list)
{
    for (size_t s = 0; s < SHAPES; s++) {
        struct problem problem = problem_number(_i, s);
        for (enum operation i = 0; i < OPERATIONS; i++) {
            if (!is_drawn_for(_i, s + i + (size_t)_i, 3))
                continue;
            check_waiting(_i, &problem, i, out_of_order_queue());
            check_waiting(_i, &problem, i, in_order_queue());
        }
        problem_free(&problem);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("determinism");
    TCase *cases = tcase_create("bit for bit");
    add_test_of_configs(cases, a_repeated_call_gives_the_same_bits, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_plan_of_one_operation_gives_the_same_bits, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, an_out_of_order_queue_gives_the_same_bits, ENGINE_CONFIGS);
    add_test_of_configs(cases, the_callers_workspace_gives_the_same_bits, ENGINE_CONFIGS);
    add_test_of_configs(cases, several_plans_at_once_give_the_same_bits, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_call_waits_for_its_wait_list, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
