/* SPDX-License-Identifier: MIT */
/* Processes that end, or divide, while there is work and there are objects. */
#define _POSIX_C_SOURCE 200809L
#include "compare.h"
#include "harness.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds after which a child that hangs is killed, and calls that are in flight when one ends. */
enum { PATIENCE = 120, CALLS = 8 };

static const struct shape large = { 4, 1, { 16, 32, 28, 28 } };
static const struct shape small = { 2, 1, { 40, 16 } };

static const char *program;

/* What this program does when it is run again: its calls are not waited for. Outside of a test nothing may be asserted. */
static int end_with_calls_in_flight(bool releases)
{
    /* Static, so that to a leak checker what is not released is not lost. */
    static clbn_engine engine;
    static clbn_plan plan;
    cl_int status = CL_SUCCESS;
    const cl_command_queue queue = in_order_queue();
    const clbn_plan_desc desc = plan_description(&large, CLBN_FLOAT32, 1e-5);
    const size_t bytes = shape_elements(&large) * sizeof(float);
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    plan = status == CL_SUCCESS ? clbnCreatePlan(engine, &desc, &status) : NULL;
    args.x.buffer = clCreateBuffer(test_context(), CL_MEM_READ_WRITE, bytes, NULL, NULL);
    args.y.buffer = clCreateBuffer(test_context(), CL_MEM_READ_WRITE, bytes, NULL, NULL);
    for (int i = 0; i < CALLS && status == CL_SUCCESS; i++)
        status = clbnEnqueueForwardTraining(plan, queue, &args, 0, NULL, NULL);
    clFlush(queue);
    if (releases) {
        clbnReleasePlan(plan);
        clbnReleaseEngine(engine);
        clReleaseMemObject(args.x.buffer);
        clReleaseMemObject(args.y.buffer);
        clReleaseCommandQueue(queue);
        clReleaseContext(test_context());
    }
    return status == CL_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void expect_child_succeeds(pid_t child, const char *what)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "%s: it was killed by signal %d", what, WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == EXIT_SUCCESS, "%s: its exit code was %d", what, WEXITSTATUS(status));
}

START_TEST(a_process_may_end_with_calls_in_flight)
{
    static const char *const endings[] = { "end", "release and end" };
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(PATIENCE);
        execl(program, program, endings[_i], (char *)NULL);
        _exit(127);
    }
    expect_child_succeeds(child, endings[_i]);
}
END_TEST

/* OpenCL's threads are not the child's; what needs none works there, and the parent goes on as before. */
START_TEST(a_process_may_fork_and_go_on)
{
    struct problem problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 1);
    const struct call call = call_of(FORWARD_INFERENCE);
    struct run run = run_prepare(test_engine(0), &problem, &call);
    run_now(&run);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(PATIENCE);
        bool right = clbnRetainPlan(NULL) == CLBN_INVALID_PLAN && strstr(clbnLastError(), "plan") != NULL &&
                     clbnRetainPlan(run.plan) == CLBN_SUCCESS && clbnReleasePlan(run.plan) == CLBN_SUCCESS;
        _exit(right ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    expect_child_succeeds(child, "a child");
    run_now(&run);
    verify_run(&run);
    run_release(&run);
    problem_free(&problem);
}
END_TEST

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 2)
        return end_with_calls_in_flight(strcmp(argv[1], "end") != 0);
    Suite *suite = suite_create("processes");
    TCase *cases = tcase_create("processes");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, a_process_may_end_with_calls_in_flight, 0, 2);
    tcase_add_test(cases, a_process_may_fork_and_go_on);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
