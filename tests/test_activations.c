/* SPDX-License-Identifier: MIT */
/* Activations, residuals and masks of the forward calls against the reference. */
#include "allocate.h"
#include "compare.h"
#include "shape_table.h"
#include "table_walk.h"
#include "verify.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const enum operation forwards[] = { FORWARD_TRAINING, FORWARD_INFERENCE, NORMALIZE };
enum { FORWARDS = sizeof forwards / sizeof *forwards };

/* ---- Shapes --------------------------------------------------------------------------------------------------------------- */

/* Another activation and way of calling from row to row, and for a row from engine to engine. */
static struct call activated_call(enum operation operation, size_t variation)
{
    struct call call = varied_call(operation, variation);
    call.views |= variation % 3 == 0 ? 0 : WITH_RESIDUAL;
    call.views |= variation % 4 == 0 ? 0 : WITH(VIEW_MASK);
    call.residual_in_place = variation % 5 == 1;
    call.running_variance = CLBN_BIASED;
    return call;
}

static void check_row(const struct table_row *row)
{
    const struct call call = activated_call(row->operation, row_variation(row) + row->type_number);
    const clbn_activation function = row_activation(row);
    if (function == ACTIVATIONS)
        return;
    struct problem problem = row_problem(row);
    problem.activation = activation_of(function);
    verify_call(row->config, &problem, &call);
    problem_free(&problem);
}

START_TEST(results_agree_for_all_shapes)
{
    walk_shape_table(forwards[_i % FORWARDS], _i / FORWARDS, check_row);
}
END_TEST

START_TEST(results_agree_for_all_ranks_and_axes)
{
    walk_rank_table(forwards[_i % FORWARDS], _i / FORWARDS, check_row);
}
END_TEST

/* ---- Options -------------------------------------------------------------------------------------------------------------- */

static void check_subset(int config, const struct problem *problem, enum operation operation, unsigned subset)
{
    static const unsigned optional[] = { WITH(VIEW_GAMMA), WITH(VIEW_BETA), WITH(VIEW_Z), WITH(VIEW_MASK) };
    struct call call = call_of(operation);
    call.views |= WITH_EXTRAS;
    for (unsigned i = 0; i < 4; i++)
        if ((subset >> i & 1) == 0)
            call.views &= ~optional[i];
    call.in_place = subset % 3 == 1;
    call.residual_in_place = subset % 3 == 2;
    call.own_workspace = subset % 2 == 0;
    call.offset = subset % 5;
    verify_call(config, problem, &call);
}

static void check_subsets(int config, clbn_type type, struct activation activation)
{
    for (size_t s = 0; s < SUBSET_SHAPES; s++) {
        struct problem problem = problem_random(&subset_shapes[s], type, 1e-3, s);
        problem.activation = activation;
        for (int i = 0; i < FORWARDS; i++) {
            if (!is_operation_tested(config, type, activation.function, &subset_shapes[s], forwards[i]))
                continue;
            for (unsigned subset = 0; subset < 16; subset++)
                check_subset(config, &problem, forwards[i], subset);
        }
        problem_free(&problem);
    }
}

START_TEST(all_subsets_of_options_agree_for_all_activations)
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

/* ---- Values --------------------------------------------------------------------------------------------------------------- */

enum { GRID = 40000 };

/* Powers of two with some numbers between them, of both signs, from where nothing is left of exp(x) - 1 to where exp(x) has
 * long been infinite; then what is at and around kinks, and what is not finite. */
static void fill_grid(struct problem *problem)
{
    static const double special[] = { 0, -0.0, 6, NAN, INFINITY, -INFINITY, 6 * (1 + FLT_EPSILON), 6 * (1 - FLT_EPSILON) };
    double *x = problem->values[VIEW_X];
    for (size_t i = 0; i < GRID; i++) {
        double magnitude = ldexp(1 + (double)(i / 2 % 500) / 500, (int)(i / 1000) - 28);
        x[i] = rounded_to(problem->type, i % 2 == 0 ? magnitude : -magnitude);
    }
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        x[i * 17] = rounded_to(problem->type, special[i]);
}

static const struct shape grid_shapes[] = { { 2, 0, { 1, GRID } }, { 2, 1, { GRID / 20, 20 } } };
enum { GRID_SHAPES = sizeof grid_shapes / sizeof *grid_shapes };

/* Inference with mean 0, variance 1, epsilon 0, gamma 1 and beta 0: a is x, exactly. */
static struct problem grid_problem(const struct shape *shape, clbn_type type, clbn_activation function)
{
    struct problem problem = problem_random(shape, type, 0, 1);
    problem.activation = activation_of(function);
    fill_grid(&problem);
    for (size_t c = 0; c < shape_channels(shape); c++) {
        problem.values[VIEW_RUNNING_MEAN][c] = problem.values[VIEW_BETA][c] = 0;
        problem.values[VIEW_RUNNING_VAR][c] = problem.values[VIEW_GAMMA][c] = 1;
    }
    return problem;
}

/* Only the function itself may err. */
static struct expected expected_on_grid(const struct problem *problem)
{
    long double u = problem_arithmetic(problem).unit_roundoff;
    struct expected y = expected_create(GRID);
    bound_exact(&y);
    for (size_t i = 0; i < GRID; i++) {
        long double a = problem->values[VIEW_X][i];
        y.value[i] = activation_value(&problem->activation, a);
        y.magnitude[i] = fabsl(y.value[i]);
        y.bound[i] = activation_value_error(&problem->activation, u, a, 0);
    }
    if (problem->type != parameter_type(problem->type))
        bound_storage(type_epsilon(problem->type) / 2, &y);
    return y;
}

static void check_grid(int config, const struct shape *shape, clbn_type type, clbn_activation function)
{
    struct problem problem = grid_problem(shape, type, function);
    struct call call = call_of(FORWARD_INFERENCE);
    say_call(config, &problem, &call);
    struct run run = run_prepare(test_engine(config), &problem, &call);
    struct expected y = expected_on_grid(&problem);
    run_now(&run);
    expect_within_bounds(QUANTITY_Y, type, run_output(&run, VIEW_Y), &y);
    expected_free(&y);
    run_release(&run);
    problem_free(&problem);
}

/* As functions, the full run has all of them: in float32 in both geometries, in float64 in one. */
static bool is_tested_in_all(int config, clbn_type type, clbn_activation function, const struct shape *shape)
{
    if (is_full_run() && ((type == CLBN_FLOAT32 && config < PLAIN_ENGINE_CONFIGS) || (type == CLBN_FLOAT64 && config == 0)))
        return true;
    return tested_extent(config, type, function, shape) != NOT_TESTED;
}

START_TEST(functions_are_exact_everywhere_and_nan_stays_nan)
{
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (clbn_activation function = 0; function < ACTIVATIONS; function++)
            for (size_t s = 0; s < GRID_SHAPES; s++)
                if (is_tested_in_all(_i, types[t], function, &grid_shapes[s]))
                    check_grid(_i, &grid_shapes[s], types[t], function);
}
END_TEST

/* With z, NaN comes from there; and z can bring a to where exp overflows in training, too. */
START_TEST(a_bad_residual_spoils_one_element_only)
{
    static const double spoilers[] = { NAN, INFINITY, -INFINITY, 1e4, -1e4 };
    for (clbn_activation function = 0; function < ACTIVATIONS; function++)
        for (size_t i = 0; i < 2 * (sizeof spoilers / sizeof *spoilers); i++) {
            const struct shape *shape = &subset_shapes[i % 2];
            if (tested_extent(_i, CLBN_FLOAT32, function, shape) == NOT_TESTED)
                continue;
            struct problem problem = problem_random(shape, CLBN_FLOAT32, 1e-5, 1);
            struct call call = call_of(FORWARD_TRAINING);
            call.views |= WITH_EXTRAS;
            problem.activation = activation_of(function);
            problem.values[VIEW_Z][100] = spoilers[i / 2];
            verify_call(_i, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

/* A constant channel is beta before the activation, exactly. */
static void check_constant(int config, const struct shape *shape, clbn_activation function)
{
    static const double betas[] = { 0, -0.0, 6, -1, 0.5, 7, -30 };
    struct problem problem = problem_random(shape, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_TRAINING);
    struct expected y = expected_create(shape_elements(shape));
    bound_exact(&y);
    problem.activation = activation_of(function);
    for (size_t i = 0; i < y.count; i++) {
        size_t c = shape_channel_of(shape, i);
        problem.values[VIEW_X][i] = 0.1 * (double)c;
        problem.values[VIEW_BETA][c] = betas[c];
        y.value[i] = activation_value(&problem.activation, betas[c]);
        y.bound[i] = activation_value_error(&problem.activation, 0x1p-24L, betas[c], 0);
    }
    problem_complete(&problem);
    say_call(config, &problem, &call);
    struct run run = run_prepare(test_engine(config), &problem, &call);
    run_now(&run);
    expect_within_bounds(QUANTITY_Y, problem.type, run_output(&run, VIEW_Y), &y);
    run_release(&run);
    expected_free(&y);
    problem_free(&problem);
}

START_TEST(a_constant_channel_gives_the_activation_of_beta)
{
    static const struct shape shapes[] = { { 3, 1, { 5, 7, 35 } }, { 2, 1, { 175, 7 } } };
    for (clbn_activation function = 0; function < ACTIVATIONS; function++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            if (tested_extent(_i, CLBN_FLOAT32, function, &shapes[s]) != NOT_TESTED)
                check_constant(_i, &shapes[s], function);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activations");
    TCase *cases = tcase_create("forward");
    tcase_add_loop_test(cases, results_agree_for_all_shapes, 0, ENGINE_CONFIGS * FORWARDS);
    tcase_add_loop_test(cases, results_agree_for_all_ranks_and_axes, 0, ENGINE_CONFIGS * FORWARDS);
    add_test_of_configs(cases, all_subsets_of_options_agree_for_all_activations, ENGINE_CONFIGS);
    add_test_of_configs(cases, slopes_and_alphas_are_the_plans, ENGINE_CONFIGS);
    add_test_of_configs(cases, functions_are_exact_everywhere_and_nan_stays_nan, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_bad_residual_spoils_one_element_only, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_constant_channel_gives_the_activation_of_beta, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
