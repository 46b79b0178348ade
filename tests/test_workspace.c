/* SPDX-License-Identifier: MIT */
/* Few values to each of many channels: workspaces are no larger than a tensor and a MiB, so that calls do slices of the channels one
 * after another, and results are as near to the reference as others. */
#include "harness.h"
#include "verify.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Channels last, of one value, and of two; between rows and columns; along two axes with one of rows between them, which has a program of
 * its own and is for vectors alone. */
static const struct shape shapes[] = {
    { 2, 1, { 1, 270001 } }, { 2, 1, { 2, 20001 } }, { 3, 1, { 2, 20011, 3 } }, { 4, CHANNEL_AXES(0x5), { 7, 2, 3001, 2 } }
};
enum { SHAPES = COUNT_OF(shapes), FOR_VECTORS = SHAPES - 1 };

static void check_size(int config, const struct problem *problem)
{
    const size_t tensor = shape_elements(&problem->shape) * sizeof(cl_float);
    clbn_plan plan = create_plan(test_engine(config), &problem->shape, problem->type, 1e-5);
    size_t size = 0;
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_WORKSPACE_SIZE, sizeof size, &size, NULL));
    ck_assert_uint_le(size, tensor + ((size_t)1 << 20));
    clbnReleasePlan(plan);
}

/* A backward without saved statistics takes them again; the others have bits from a forward that does all channels at once. */
static void check_calls(int config, const struct problem *problem)
{
    static const enum operation operations[] = { BACKWARD, STATISTICS, NORMALIZE, BACKWARD_SUMS, BACKWARD_INPUT };
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        struct call call = call_of(operations[i]);
        call.views |= WITH_EXTRAS;
        call.views &= operations[i] == BACKWARD ? ~WITH_SAVED : WITH_ALL;
        call.source = operations[i] == BACKWARD ? FROM_X : FROM_MASK;
        call.own_workspace = i % 2 == 0;
        verify_call(config, problem, &call);
    }
}

START_TEST(slices_are_as_near)
{
    for (size_t i = 0; i < (_i == 0 ? SHAPES : FOR_VECTORS); i++) {
        struct problem problem = problem_random(&shapes[i], CLBN_FLOAT32, 1e-5, i);
        problem.activation = activation_of(CLBN_ACTIVATION_RELU);
        check_size(_i, &problem);
        check_calls(_i, &problem);
        problem_free(&problem);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("workspace");
    TCase *slices = tcase_create("slices");
    tcase_set_timeout(slices, 0);
    tcase_add_loop_test(slices, slices_are_as_near, 0, PLAIN_ENGINE_CONFIGS);
    suite_add_tcase(suite, slices);
    return run_suite_unoptimized(suite);
}
