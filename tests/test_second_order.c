/* SPDX-License-Identifier: MIT */
/* The backward of the backward: against the reference, and against differences of the library's own backward. */
#include "allocate.h"
#include "harness.h"
#include "random_numbers.h"
#include "shape_table.h"
#include "table_walk.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum operation operations[] = { SECOND_BACKWARD, SECOND_BACKWARD_FROZEN };

/* Rows and columns, with tails; several parts; one channel; channels that are several axes, in pieces. */
static const struct shape shapes[] = {
    { 3, 1, { 6, 5, 37 } },   { 2, 1, { 300, 19 } }, { 4, 1, { 3, 2, 7, 7 } },
    { 3, 1, { 2, 1, 9000 } }, { 2, 1, { 2000, 3 } }, { 4, CHANNEL_AXES(5), { 3, 4, 2, 9 } }
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Bits for outputs and for what is optional. */
static void check_subset(int config, const struct problem *problem, enum operation operation, unsigned subset)
{
    static const enum view optional[] = { VIEW_DX, VIEW_DDY, VIEW_DGAMMA, VIEW_DDX, VIEW_DDGAMMA, VIEW_DDBETA, VIEW_GAMMA };
    struct call call = call_of(operation);
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if ((subset >> i & 1) != 0)
            call.views &= ~WITH(optional[i]);
    call.own_workspace = subset % 2 == 0;
    call.offset = subset % 4;
    verify_call(config, problem, &call);
}

/* All there is, and what any bit of it leaves. */
START_TEST(gradients_agree)
{
    static const unsigned subsets[] = { 0, 1, 2, 4, 3, 5, 6, 8, 16, 32, 64, 56, 24 };
    clbn_type types[MAX_TYPES];
    const int type_count = tested_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < SHAPES; s++) {
            struct problem problem = problem_random(&shapes[s], types[t], 1e-5, s);
            for (size_t i = 0; i < sizeof subsets / sizeof *subsets; i++)
                check_subset(_i, &problem, operations[(s + i) % 2], subsets[i]);
            problem_free(&problem);
        }
}
END_TEST

/* ---- Memory --------------------------------------------------------------------------------------------------------------- */

/* x is a slice of more channels, dy one number, dx and with it ddx padded rows, y and with it ddy channels last. */
START_TEST(each_tensor_has_its_layout)
{
    static const struct shape shape = { 3, 1, { 4, 3, 21 } };
    static const size_t x[] = { 5 * 21, 21, 1 }, dy[] = { 0, 0, 0 }, dx[] = { 3 * 32, 32, 1 }, y[] = { 63, 1, 3 };
    struct layout layout = { 0 };
    layout_give(&layout, VIEW_X, x, 3);
    layout_give(&layout, VIEW_DY, dy, 3);
    layout_give(&layout, VIEW_DX, dx, 3);
    layout_give(&layout, VIEW_Y, y, 3);
    for (size_t i = 0; i < 2; i++) {
        struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of(operations[i]);
        call.layout = &layout;
        for (size_t j = 0; j < shape_elements(&shape); j++)
            problem.values[VIEW_DY][j] = problem.values[VIEW_DY][0];
        verify_call(_i, &problem, &call);
        problem_free(&problem);
    }
}
END_TEST

/* Tensors and parameters of 16 bits. */
START_TEST(stored_types_agree)
{
    static const clbn_type types[] = { CLBN_FLOAT16, CLBN_BFLOAT16 };
    for (size_t t = 0; t < 2; t++)
        for (size_t s = 0; s < 2; s++) {
            struct problem problem = problem_random(&shapes[s], types[t], 1e-5, s);
            problem_store_parameters(&problem, types[(t + s) % 2]);
            check_subset(_i, &problem, operations[s], 0);
            problem_free(&problem);
        }
}
END_TEST

/* Without activation: that has a second derivative of its own. */
START_TEST(a_plan_with_an_activation_is_refused)
{
    for (size_t i = 0; i < 2; i++) {
        struct problem problem = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1);
        struct call relu = call_of(FORWARD_TRAINING), call = call_of(operations[i]);
        problem.activation = activation_of(CLBN_ACTIVATION_RELU);
        struct run activated = run_prepare(test_engine(0), &problem, &relu), run = run_prepare(test_engine(0), &problem, &call);
        clbn_plan own = run.plan;
        run.plan = activated.plan;
        expect_status(run_enqueue(&run, in_order_queue(), 0, NULL, NULL), CLBN_INVALID_ACTIVATION,
                      operation_name(operations[i]));
        run.plan = own;
        run_release(&run);
        run_release(&activated);
        problem_free(&problem);
    }
}
END_TEST

/* ---- Against differences -------------------------------------------------------------------------------------------------- */

/* ddx . dx + ddgamma . dgamma + ddbeta . dbeta of a backward. Its statistics are of the problem's x. */
static long double loss(const struct problem *problem, bool frozen)
{
    static const enum view gradients[] = { VIEW_DX, VIEW_DGAMMA, VIEW_DBETA },
                           weights[] = { VIEW_DDX, VIEW_DDGAMMA, VIEW_DDBETA };
    struct call call = call_of(frozen ? BACKWARD_FROZEN : BACKWARD);
    struct run run = run_prepare(test_engine(0), problem, &call);
    long double sum = 0;
    run_now(&run);
    for (size_t g = 0; g < 3; g++) {
        const double *values = run_output(&run, gradients[g]);
        for (size_t i = 0; i < view_count(problem, gradients[g]); i++)
            sum += (long double)values[i] * problem->values[weights[g]][i];
    }
    run_release(&run);
    return sum;
}

static void move(struct problem *problem, enum view view, const double *direction, double step)
{
    for (size_t i = 0; i < view_count(problem, view); i++)
        problem->values[view][i] += step * direction[i];
    problem_complete(problem);
}

/* The slope of the loss along a random direction of an input: by the difference of two backwards, and by the gradient of the second. */
static void check_slope(struct problem *problem, enum operation operation, enum view input, enum view gradient)
{
    const double step = 1e-5;
    const bool frozen = operation == SECOND_BACKWARD_FROZEN;
    const size_t count = view_count(problem, input);
    struct call call = call_of(operation);
    struct run run = run_prepare(test_engine(0), problem, &call);
    struct random random = { 3 };
    double *direction = allocate(count, sizeof *direction);
    long double slope = 0, size = 0;
    run_now(&run);
    for (size_t i = 0; i < count; i++) {
        direction[i] = random_normal(&random);
        slope += (long double)run_output(&run, gradient)[i] * direction[i];
        size += fabsl((long double)run_output(&run, gradient)[i] * direction[i]);
    }
    move(problem, input, direction, step);
    long double difference = loss(problem, frozen);
    move(problem, input, direction, -2 * step);
    difference = (difference - loss(problem, frozen)) / (2 * step);
    move(problem, input, direction, step);
    testing("%s, slope of %s", operation_name(operation), view_name(input));
    /* The third derivative's part is of order step^2, and roundings are of order 2^-53 / step. */
    ck_assert_msg(fabsl(slope - difference) <= 1e-7L * size, "%s: %Lg, not %Lg", what_is_tested(), slope, difference);
    free(direction);
    run_release(&run);
}

START_TEST(gradients_are_slopes)
{
    static const struct shape small[] = { { 3, 1, { 4, 3, 7 } }, { 2, 1, { 40, 5 } } };
    clbn_type types[MAX_TYPES];
    if (device_types(types) < 2)
        return;
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < 2; i++) {
            struct problem problem = problem_random(&small[s], CLBN_FLOAT64, 1e-3, s);
            check_slope(&problem, operations[i], VIEW_X, VIEW_DX);
            check_slope(&problem, operations[i], VIEW_DY, VIEW_DDY);
            check_slope(&problem, operations[i], VIEW_GAMMA, VIEW_DGAMMA);
            problem_free(&problem);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("second order");
    TCase *cases = tcase_create("second order");
    tcase_add_loop_test(cases, gradients_agree, 0, ENGINE_CONFIGS);
    tcase_add_loop_test(cases, each_tensor_has_its_layout, 0, PLAIN_ENGINE_CONFIGS);
    tcase_add_loop_test(cases, stored_types_agree, 0, PLAIN_ENGINE_CONFIGS);
    tcase_add_test(cases, a_plan_with_an_activation_is_refused);
    tcase_add_test(cases, gradients_are_slopes);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
