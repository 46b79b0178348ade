/* SPDX-License-Identifier: MIT */
/* The backward of activations, from each source that has their slopes, against the reference. */
#include "allocate.h"
#include "compare.h"
#include "random_numbers.h"
#include "sources.h"
#include "table_walk.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>

static const enum operation backwards[] = { BACKWARD, BACKWARD_FROZEN, BACKWARD_SUMS, BACKWARD_INPUT };
enum { BACKWARDS = sizeof backwards / sizeof *backwards };

static void verify_source(int config, struct problem *problem, struct call *call)
{
    if (call->source == FROM_Y_ALONE) {
        call->views &= ~WITH(VIEW_Z);
        make_invertible(problem);
    }
    verify_call(config, problem, call);
}

/* ---- Shapes --------------------------------------------------------------------------------------------------------------- */

static struct call activated_call(enum operation operation, size_t variation)
{
    struct call call = varied_call(operation, variation);
    call.views |= variation % 3 == 0 ? 0 : WITH_RESIDUAL;
    if (operation == BACKWARD && variation % 4 == 0)
        call.views &= ~WITH_SAVED;
    if (variation % 4 == 1)
        accumulate(&call);
    call.residual_in_place = variation % 5 == 1;
    return call;
}

/* Statistics cannot be computed again without x. */
static void choose_source(struct call *call, const struct activation *activation, size_t number)
{
    call->source = source_from(activation, number);
    if (call->source == FROM_Y_ALONE)
        call->views |= WITH_SAVED;
}

static void check_row(const struct table_row *row)
{
    const size_t variation = row_variation(row) + row->type_number;
    struct call call = activated_call(row->operation, variation);
    const clbn_activation function = row_activation(row);
    if (function == ACTIVATIONS)
        return;
    struct problem problem = row_problem(row);
    problem.activation = activation_of(function);
    choose_source(&call, &problem.activation, variation / 3 + variation / ACTIVATIONS);
    verify_source(row->config, &problem, &call);
    problem_free(&problem);
}

START_TEST(gradients_agree_for_all_shapes)
{
    walk_shape_table(backwards[_i % BACKWARDS], _i / BACKWARDS, check_row);
}
END_TEST

START_TEST(gradients_agree_for_all_ranks_and_axes)
{
    walk_rank_table(backwards[_i % BACKWARDS], _i / BACKWARDS, check_row);
}
END_TEST

/* ---- Options -------------------------------------------------------------------------------------------------------------- */

/* Both layouts, with tails, of which one is a single element, and enough values for more than one part; and few columns in many rows. */
static const struct shape subset_shapes[] = { { 3, 1, { 5, 3, 33 } }, { 2, 1, { 175, 19 } }, { 3, 1, { 9, 35, 7 } } };
enum { SUBSET_SHAPES = 3 };

/* outputs: 1 to 15, one bit for each. */
static void check_subset(int config, struct problem *problem, enum operation operation, enum source source, unsigned outputs)
{
    static const enum view all[] = { VIEW_DX, VIEW_DZ, VIEW_DGAMMA, VIEW_DBETA };
    struct call call = call_of(operation);
    call.views |= WITH(VIEW_DZ);
    for (unsigned i = 0; i < 4; i++)
        if ((outputs >> i & 1) == 0)
            call.views &= ~WITH(all[i]);
    if (outputs % 3 == 0)
        call.views |= WITH(VIEW_Z);
    if (outputs % 5 == 1)
        call.views &= ~WITH(VIEW_BETA);
    if (outputs % 7 == 2)
        call.views &= ~WITH(VIEW_GAMMA);
    call.source = source;
    call.in_place = outputs % 4 == 1;
    if (outputs % 2 == 1)
        accumulate(&call);
    call.residual_in_place = outputs % 4 == 2;
    call.own_workspace = outputs % 3 == 1;
    call.offset = outputs % 5;
    if (operation == BACKWARD && source != FROM_Y_ALONE && outputs % 3 == 2)
        call.views &= ~WITH_SAVED;
    verify_source(config, problem, &call);
}

static void check_subsets(int config, clbn_type type, struct activation activation)
{
    for (size_t s = 0; s < SUBSET_SHAPES; s++) {
        if (tested_extent(config, type, activation.function, &subset_shapes[s]) == NOT_TESTED)
            continue;
        for (enum source source = 0; source < SOURCES; source++) {
            struct problem problem = problem_random(&subset_shapes[s], type, 1e-3, s);
            problem.activation = activation;
            for (unsigned outputs = 1; has_source(&activation, source) && outputs < 16; outputs++)
                check_subset(config, &problem, outputs % 2 == s % 2 ? BACKWARD : BACKWARD_FROZEN, source, outputs);
            problem_free(&problem);
        }
    }
}

START_TEST(all_outputs_agree_for_all_activations_and_sources)
{
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (clbn_activation function = 0; function < ACTIVATIONS; function++)
            if (is_tested(_i, types[t], function))
                check_subsets(_i, types[t], activation_of(function));
}
END_TEST

START_TEST(slopes_and_alphas_are_the_plans)
{
    static const struct activation activations[] = {
        { CLBN_ACTIVATION_LEAKY_RELU, 0.3, 1 },  { CLBN_ACTIVATION_LEAKY_RELU, 0, 1 }, { CLBN_ACTIVATION_LEAKY_RELU, 2.5, 1 },
        { CLBN_ACTIVATION_LEAKY_RELU, -0.5, 1 }, { CLBN_ACTIVATION_ELU, 0.01, 0.3 },   { CLBN_ACTIVATION_ELU, 0.01, 0 },
        { CLBN_ACTIVATION_ELU, 0.01, 1.67326 },
    };
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (is_tested(_i, CLBN_FLOAT32, activations[i].function))
            check_subsets(_i, CLBN_FLOAT32, activations[i]);
}
END_TEST

/* What does not need x is had without it. */
START_TEST(a_frozen_backward_without_dgamma_needs_no_x)
{
    static const enum source sources[] = { FROM_Y, FROM_MASK };
    for (clbn_activation function = 0; function < ACTIVATIONS; function++)
        for (size_t i = 0; i < 4; i++) {
            struct problem problem = problem_random(&subset_shapes[i % 2], CLBN_FLOAT32, 1e-3, 1);
            struct call call = call_of(BACKWARD_FROZEN);
            call.views = (call.views & ~(WITH(VIEW_X) | WITH(VIEW_DGAMMA))) | WITH(VIEW_DZ);
            call.source = sources[i / 2];
            problem.activation = activation_of(function);
            if (tested_extent(_i, CLBN_FLOAT32, function, &subset_shapes[i % 2]) != NOT_TESTED &&
                has_source(&problem.activation, sources[i / 2]))
                verify_call(_i, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

/* ---- Slopes, one by one --------------------------------------------------------------------------------------------------- */

/* The element c of channel c of 1 value has x = mean and a = beta, exactly; dy is such that every product with a slope
 * shows. */
static struct problem problem_of_arguments(clbn_activation function, const double *arguments, size_t count)
{
    const struct shape shape = { 2, 1, { 1, count } };
    struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 1);
    problem.activation = activation_of(function);
    for (size_t c = 0; c < count; c++) {
        problem.values[VIEW_X][c] = problem.values[VIEW_RUNNING_MEAN][c];
        problem.values[VIEW_BETA][c] = arguments[c];
        problem.values[VIEW_DY][c] = 3;
    }
    return problem;
}

static void check_slopes(int config, const struct problem *problem, enum source source)
{
    size_t count = shape_elements(&problem->shape);
    double *slopes = allocate(count, sizeof *slopes);
    struct call call = call_of(BACKWARD_FROZEN);
    call.views |= WITH(VIEW_DZ);
    call.source = source;
    for (size_t i = 0; i < count; i++)
        slopes[i] = rounded_to(
            CLBN_FLOAT32,
            3 * rounded_to(CLBN_FLOAT32, (double)activation_slope(&problem->activation, problem->values[VIEW_BETA][i])));
    say_call(config, problem, &call);
    struct run run = run_prepare(test_engine(config), problem, &call);
    run_now(&run);
    expect_equal("dz", run_output(&run, VIEW_DZ), slopes, count);
    run_release(&run);
    free(slopes);
}

START_TEST(a_kink_has_the_slope_of_the_side_of_0)
{
    static const double arguments[] = { 0, -0.0, 0x1p-100, -0x1p-100, 6, 0x1.7ffffep2, 0x1.800002p2, 1e30, -1e30, 3, -3 };
    static const clbn_activation functions[] = { CLBN_ACTIVATION_NONE, CLBN_ACTIVATION_RELU, CLBN_ACTIVATION_LEAKY_RELU,
                                                 CLBN_ACTIVATION_RELU6 };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (!is_tested(_i, CLBN_FLOAT32, functions[i]))
            continue;
        struct problem problem = problem_of_arguments(functions[i], arguments, sizeof arguments / sizeof *arguments);
        for (enum source source = FROM_X; source <= FROM_MASK; source++)
            if (has_source(&problem.activation, source))
                check_slopes(_i, &problem, source);
        problem_free(&problem);
    }
}
END_TEST

/* At 0, exp(a) is 1, and so is a slope that is alpha. */
START_TEST(elu_at_0_has_the_slope_alpha)
{
    static const double arguments[] = { 0, -0.0 };
    static const enum source sources[] = { FROM_X, FROM_Y };
    struct problem problem = problem_of_arguments(CLBN_ACTIVATION_ELU, arguments, 2);
    problem.activation.elu_alpha = 0.25;
    for (size_t i = 0; is_tested(_i, CLBN_FLOAT32, CLBN_ACTIVATION_ELU) && i < 2; i++)
        check_slopes(_i, &problem, sources[i]);
    problem_free(&problem);
}
END_TEST

enum { GRID = 20000 };

/* A grid of arguments: slopes are as exact as the functions that they are made of. */
START_TEST(slopes_are_exact_everywhere)
{
    double *grid = allocate(GRID, sizeof *grid);
    for (size_t i = 0; i < GRID; i++) {
        double magnitude = ldexp(1 + (double)(i / 2 % 250) / 250, (int)(i / 500) - 28);
        grid[i] = rounded_to(CLBN_FLOAT32, i % 2 == 0 ? magnitude : -magnitude);
    }
    for (clbn_activation function = 0; function < ACTIVATIONS; function++) {
        if (!is_tested(_i, CLBN_FLOAT32, function) && !(is_full_run() && _i < PLAIN_ENGINE_CONFIGS))
            continue;
        struct problem problem = problem_of_arguments(function, grid, GRID);
        struct call call = call_of(BACKWARD_FROZEN);
        call.views |= WITH(VIEW_DZ);
        for (enum source source = FROM_X; source <= FROM_MASK; source++) {
            call.source = source;
            if (has_source(&problem.activation, source))
                verify_call(_i, &problem, &call);
        }
        problem_free(&problem);
    }
    free(grid);
}
END_TEST

/* ---- Sums ----------------------------------------------------------------------------------------------------------------- */

/* Each chunk's sum is an integer that a float holds, but their total is not: had it been rounded before 1 is added, it would
 * end one step lower, by the rule of ties. */
START_TEST(accumulation_rounds_once)
{
    static const struct shape shapes[] = { { 3, 1, { 5, 2, 40001 } }, { 2, 1, { 200005, 2 } } };
    for (size_t s = 0; s < 2; s++) {
        struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of(BACKWARD);
        const double expected[] = { 20000502, 20000502 };
        accumulate(&call);
        for (size_t i = 0; i < shape_elements(&shapes[s]); i++)
            problem.values[VIEW_DY][i] = 100;
        for (size_t c = 0; c < 2; c++) {
            problem.values[VIEW_DY][shape_element_of(&shapes[s], c, 7)] = 101;
            problem.values[VIEW_DBETA][c] = 1;
        }
        say_call(_i, &problem, &call);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        run_now(&run);
        expect_equal("dbeta", run_output(&run, VIEW_DBETA), expected, 2);
        run_release(&run);
        problem_free(&problem);
    }
}
END_TEST

/* Groups that have the same channels' sums, in turns that differ from call to call. */
START_TEST(gradients_are_added_once)
{
    static const struct shape shapes[] = { { 2, 1, { 60, 100 } }, { 2, 1, { 250, 35 } }, { 3, 1, { 3, 2, 40001 } } };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of(BACKWARD);
        accumulate(&call);
        for (int repetition = 0; repetition < 20; repetition++)
            verify_call(_i, &problem, &call);
        problem_free(&problem);
    }
}
END_TEST

/* In-Place Activated Batch Norm: where gamma is 0, x is lost. */
static void check_without_x(int config, const struct shape *shape, clbn_type type, clbn_activation function)
{
    struct problem problem = problem_random(shape, type, 1e-5, 1);
    struct call call = call_of(BACKWARD);
    const double zero = 0;
    call.source = FROM_Y_ALONE;
    problem.activation = activation_of(function);
    make_invertible(&problem);
    say_call(config, &problem, &call);
    struct run run = run_prepare(test_engine(config), &problem, &call);
    run_now(&run);
    expect_equal("dgamma", run_output(&run, VIEW_DGAMMA) + 1, &zero, 1);
    const double *dx = run_output(&run, VIEW_DX);
    for (size_t i = 0; i < shape_values_per_channel(shape); i++)
        expect_equal("dx", dx + shape_element_of(shape, 1, i), &zero, 1);
    run_release(&run);
    problem_free(&problem);
}

START_TEST(without_x_a_gamma_of_0_gives_no_dgamma)
{
    static const clbn_activation functions[] = { CLBN_ACTIVATION_LEAKY_RELU, CLBN_ACTIVATION_ELU };
    for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++)
        for (size_t i = 0; i < 2 * SUBSET_SHAPES; i++)
            if (tested_extent(_i, type, functions[i % 2], &subset_shapes[i / 2]) != NOT_TESTED)
                check_without_x(_i, &subset_shapes[i / 2], type, functions[i % 2]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activation gradients");
    TCase *cases = tcase_create("backward");
    tcase_add_loop_test(cases, gradients_agree_for_all_shapes, 0, ENGINE_CONFIGS * BACKWARDS);
    tcase_add_loop_test(cases, gradients_agree_for_all_ranks_and_axes, 0, ENGINE_CONFIGS * BACKWARDS);
    add_test_of_configs(cases, all_outputs_agree_for_all_activations_and_sources, ENGINE_CONFIGS);
    add_test_of_configs(cases, slopes_and_alphas_are_the_plans, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_frozen_backward_without_dgamma_needs_no_x, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_kink_has_the_slope_of_the_side_of_0, ENGINE_CONFIGS);
    add_test_of_configs(cases, elu_at_0_has_the_slope_alpha, ENGINE_CONFIGS);
    add_test_of_configs(cases, slopes_are_exact_everywhere, ENGINE_CONFIGS);
    add_test_of_configs(cases, accumulation_rounds_once, ENGINE_CONFIGS);
    add_test_of_configs(cases, gradients_are_added_once, ENGINE_CONFIGS);
    add_test_of_configs(cases, without_x_a_gamma_of_0_gives_no_dgamma, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
