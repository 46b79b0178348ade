/* SPDX-License-Identifier: MIT */
/* A batch norm folded into the layer before it, against the reference, and against the two one after the other. */
#include "random_numbers.h"
#include "table_walk.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>

static void check_row(const struct table_row *row)
{
    if (!is_worth_while(row, CLBN_ACTIVATION_NONE))
        return;
    struct problem problem = row_problem(row);
    const struct call call = varied_call(FOLD, row_variation(row));
    verify_call(row->config, &problem, &call);
    problem_free(&problem);
}

START_TEST(folding_agrees_for_all_shapes)
{
    walk_shape_table(FOLD, _i, check_row);
}
END_TEST

START_TEST(folding_agrees_for_all_ranks_and_axes)
{
    walk_rank_table(FOLD, _i, check_row);
}
END_TEST

/* Weights of a convolution, with its channels first and last, of a linear layer, and of no inputs. */
static const struct shape weights[] = {
    { 4, 0, { 19, 7, 3, 3 } }, { 4, 3, { 3, 3, 7, 19 } }, { 2, 0, { 33, 50 } }, { 2, 1, { 0, 5 } }
};
enum { WEIGHTS = sizeof weights / sizeof *weights };

static void check_subsets(int config, const struct problem *problem)
{
    static const unsigned optional[] = { WITH(VIEW_BIAS), WITH(VIEW_GAMMA), WITH(VIEW_BETA) };
    for (unsigned subset = 0; subset < 32; subset++) {
        struct call call = call_of(FOLD);
        for (unsigned i = 0; i < 3; i++)
            if ((subset >> i & 1) == 0)
                call.views &= ~optional[i];
        call.in_place = (subset >> 3 & 1) != 0;
        call.own_workspace = (subset >> 4 & 1) != 0;
        call.offset = subset % 3;
        verify_call(config, problem, &call);
    }
}

START_TEST(all_subsets_of_options_agree)
{
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < WEIGHTS; s++) {
            if (tested_extent(_i, types[t], CLBN_ACTIVATION_NONE, &weights[s]) == NOT_TESTED)
                continue;
            struct problem problem = problem_random(&weights[s], types[t], 1e-3, s);
            check_subsets(_i, &problem);
            problem_free(&problem);
        }
}
END_TEST

/* ---- A layer -------------------------------------------------------------------------------------------------------------- */

enum { INPUTS = 50, OUTPUTS = 33 };

/* One output of a linear layer, and the sum of the magnitudes of its terms. */
static long double output_of(const double *row, double bias, const double *inputs, long double *magnitude)
{
    long double sum = bias;
    *magnitude = fabsl(sum);
    for (size_t i = 0; i < INPUTS; i++) {
        long double product = (long double)row[i] * inputs[i];
        sum += product;
        *magnitude += fabsl(product);
    }
    return sum;
}

/* Each folded weight has two roundings, the folded bias one. */
static void check_layer(struct run *run, const double *inputs)
{
    double *const *values = run->problem->values;
    const double *folded_weights = run_output(run, VIEW_Y), *folded_bias = run_output(run, VIEW_FOLDED_BIAS);
    for (size_t o = 0; o < OUTPUTS; o++) {
        long double magnitude;
        long double alone = output_of(folded_weights + o * INPUTS, folded_bias[o], inputs, &magnitude);
        long double bound = 2.01L * problem_arithmetic(run->problem).unit_roundoff * magnitude;
        long double layer = output_of(values[VIEW_X] + o * INPUTS, values[VIEW_BIAS][o], inputs, &magnitude);
        long double deviation = sqrtl(values[VIEW_RUNNING_VAR][o] + (long double)run->problem->epsilon);
        long double both = values[VIEW_GAMMA][o] * (layer - values[VIEW_RUNNING_MEAN][o]) / deviation + values[VIEW_BETA][o];
        ck_assert_msg(fabsl(alone - both) <= bound, "%s, output %zu: %Lg, not %Lg", what_is_tested(), o, alone, both);
    }
}

START_TEST(a_folded_layer_gives_what_both_gave)
{
    static const struct shape shape = { 2, 0, { OUTPUTS, INPUTS } };
    struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FOLD);
    struct random random = { 2 };
    double inputs[INPUTS];
    for (size_t i = 0; i < INPUTS; i++)
        inputs[i] = random_normal(&random);
    say_call(_i, &problem, &call);
    struct run run = run_prepare(test_engine(_i), &problem, &call);
    run_now(&run);
    check_layer(&run, inputs);
    run_release(&run);
    problem_free(&problem);
}
END_TEST

/* ---- Edges ---------------------------------------------------------------------------------------------------------------- */

/* As in inference: nothing is left of a channel without a deviation but beta. */
START_TEST(no_deviation_leaves_beta)
{
    struct problem problem = problem_random(&weights[0], CLBN_FLOAT32, 0, 1);
    struct call call = call_of(FOLD);
    const size_t channel = 3, count = shape_values_per_channel(&weights[0]);
    problem.values[VIEW_RUNNING_VAR][channel] = 0;
    say_call(_i, &problem, &call);
    struct run run = run_prepare(test_engine(_i), &problem, &call);
    run_now(&run);
    for (size_t i = 0; i < count; i++)
        ck_assert(run_output(&run, VIEW_Y)[shape_element_of(&weights[0], channel, i)] == 0);
    ck_assert(run_output(&run, VIEW_FOLDED_BIAS)[channel] == problem.values[VIEW_BETA][channel]);
    run_release(&run);
    problem_free(&problem);
}
END_TEST

START_TEST(a_channels_nan_is_its_own)
{
    struct problem problem = problem_random(&weights[_i % WEIGHTS], CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FOLD);
    problem.values[VIEW_RUNNING_VAR][2] = (double)NAN;
    verify_call(_i / WEIGHTS, &problem, &call);
    problem_free(&problem);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fold");
    TCase *cases = tcase_create("folded");
    add_test_of_configs(cases, folding_agrees_for_all_shapes, ENGINE_CONFIGS);
    add_test_of_configs(cases, folding_agrees_for_all_ranks_and_axes, ENGINE_CONFIGS);
    add_test_of_configs(cases, all_subsets_of_options_agree, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_folded_layer_gives_what_both_gave, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, no_deviation_leaves_beta, PLAIN_ENGINE_CONFIGS);
    tcase_add_loop_test(cases, a_channels_nan_is_its_own, 0, PLAIN_ENGINE_CONFIGS * WEIGHTS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
