/* SPDX-License-Identifier: MIT */
/*
 * Infinities, NaN and the greatest numbers: every operation gives what IEEE arithmetic makes of its formula, whatever merges are
 * computed in. The reference computes the same formulas in long double.
 */
#include "activated.h"
#include "compare.h"
#include "harness.h"
#include "random_numbers.h"
#include "verify.h"

#include <math.h>

/* What a channel's mean, and its variance or invstd, are. */
enum special { USUAL, ZERO, MINUS_1, HUGE_NUMBER, PLUS_INFINITY, MINUS_INFINITY, NOT_A_NUMBER };
static const struct {
    enum special mean, deviation;
} cases[] = {
    { USUAL, USUAL },         { USUAL, PLUS_INFINITY },     { USUAL, NOT_A_NUMBER },  { USUAL, MINUS_1 },
    { USUAL, ZERO },          { USUAL, HUGE_NUMBER },       { PLUS_INFINITY, USUAL }, { MINUS_INFINITY, USUAL },
    { NOT_A_NUMBER, USUAL },  { HUGE_NUMBER, HUGE_NUMBER }, { PLUS_INFINITY, ZERO },  { PLUS_INFINITY, PLUS_INFINITY },
    { MINUS_INFINITY, ZERO },
};
enum { CASES = sizeof cases / sizeof *cases };

/* The first configurations: each geometry with merges in double, and in float-float. float64 merges in double-double. */
enum { MERGES = 4 };

/* A channel for each case, in both layouts. */
static const struct shape shapes[] = { { 3, 1, { 4, CASES, 19 } }, { 2, 1, { 50, CASES } } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double special_value(enum special special, double usual, clbn_type type)
{
    /* A product of such a number with usual ones, and the sum of a channel's, is finite. */
    const double huge = type_greatest(type) / 4096;
    const double values[] = { usual, 0, -1, huge, INFINITY, -INFINITY, NAN };
    return values[special];
}

/* Makes the cases of two statistics. */
static void make_special(struct problem *problem, enum view mean, enum view deviation)
{
    const clbn_type type = parameter_type(problem->type);
    for (size_t c = 0; c < CASES; c++) {
        problem->values[mean][c] = special_value(cases[c].mean, problem->values[mean][c], type);
        problem->values[deviation][c] = special_value(cases[c].deviation, problem->values[deviation][c], type);
    }
}

typedef void check(int config, struct problem *problem);

static void check_types(int config, check *check_problem)
{
    clbn_type types[MAX_STORED_TYPES];
    const int type_count = stored_types(config, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < SHAPES; s++) {
            struct problem problem = problem_random(&shapes[s], types[t], 1e-5, s);
            check_problem(config, &problem);
            problem_free(&problem);
        }
}

static void check_running(int config, struct problem *problem)
{
    static const enum operation operations[] = { FORWARD_INFERENCE, BACKWARD_FROZEN, FOLD };
    make_special(problem, VIEW_RUNNING_MEAN, VIEW_RUNNING_VAR);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const struct call call = call_of(operations[i]);
        verify_call(config, problem, &call);
    }
}

START_TEST(running_statistics_may_be_infinite)
{
    check_types(_i, check_running);
}
END_TEST

static void check_update(int config, struct problem *problem)
{
    make_special(problem, VIEW_RUNNING_MEAN, VIEW_RUNNING_VAR);
    struct call call = call_of(FORWARD_TRAINING), merge = call_of(MERGE_STATISTICS);
    verify_call(config, problem, &call);
    verify_call(config, problem, &merge);
}

START_TEST(updated_statistics_may_be_infinite)
{
    check_types(_i, check_update);
}
END_TEST

/* ---- Saved statistics ----------------------------------------------------------------------------------------------------- */

static void expect_kind(const char *name, size_t i, double actual, long double expected)
{
    const bool is_alike = isnan(expected)   ? isnan(actual)
                          : isinf(expected) ? isinf(actual) && (actual > 0) == (expected > 0)
                                            : isfinite(actual);
    ck_assert_msg(is_alike, "%s: %s[%zu] is %g, not %Lg", what_is_tested(), name, i, actual, expected);
}

static void expect_kinds(struct run *run, enum view view, const struct expected *expected)
{
    const double *actual = run_output(run, view);
    const double largest = type_greatest(view_type(run->problem, view));
    for (size_t i = 0; i < expected->count; i++) {
        const long double value = expected->value[i];
        if (view == VIEW_DX && fabsl(value) > largest)
            ck_assert_msg(!isfinite(actual[i]), "%s: dx[%zu] is %g, not beyond the range", what_is_tested(), i, actual[i]);
        else
            expect_kind(view_name(view), i, actual[i], fabsl(value) > largest ? value * INFINITY : value);
    }
}

/* dx is NaN where a sum that it takes is not finite. */
static void spoil_dx(const struct problem *problem, struct gradients *gradients)
{
    const double largest = type_greatest(parameter_type(problem->type));
    for (size_t i = 0; i < gradients->dx.count; i++) {
        const size_t c = shape_channel_of(&problem->shape, i);
        if (!(fabsl(gradients->dbeta.value[c]) <= largest && fabsl(gradients->dgamma.value[c]) <= largest))
            gradients->dx.value[i] = NAN;
    }
}

static void check_gradients(int config, struct problem *problem, const struct statistics *statistics)
{
    static const enum operation operations[] = { BACKWARD, BACKWARD_INPUT };
    struct terms terms = terms_create(shape_elements(&problem->shape));
    terms_from_argument(&problem->activation, 0, problem->values[VIEW_DY], NULL, &terms);
    normalize_input(&problem->shape, problem->values[VIEW_X], statistics, &terms);
    struct gradients gradients = reference_gradients(&problem->shape, &terms, statistics, problem->values[VIEW_GAMMA], false);
    spoil_dx(problem, &gradients);
    for (size_t i = 0; i < 2; i++) {
        const struct call call = call_of(operations[i]);
        say_call(config, problem, &call);
        struct run run = run_prepare(test_engine(config), problem, &call);
        run_now(&run);
        expect_kinds(&run, VIEW_DX, &gradients.dx);
        expect_kinds(&run, VIEW_DGAMMA, &gradients.dgamma);
        expect_kinds(&run, VIEW_DBETA, &gradients.dbeta);
        run_release(&run);
    }
    gradients_free(&gradients);
    terms_free(&terms);
}

static struct statistics saved_statistics(const struct problem *problem)
{
    struct statistics saved = reference_given_statistics(&problem->shape, problem->values[VIEW_SAVE_MEAN],
                                                         problem->values[VIEW_SAVE_INVSTD], problem->epsilon);
    for (size_t c = 0; c < CASES; c++)
        saved.invstd.value[c] = problem->values[VIEW_SAVE_INVSTD][c];
    bound_given_statistics(&saved);
    return saved;
}

/* A record has what the reference gives; gradients are of the same kind. */
static void check_saved(int config, struct problem *problem)
{
    make_special(problem, VIEW_SAVE_MEAN, VIEW_SAVE_INVSTD);
    const struct call sums = call_of(BACKWARD_SUMS);
    verify_call(config, problem, &sums);

    struct statistics saved = saved_statistics(problem);
    check_gradients(config, problem, &saved);
    statistics_free(&saved);
}

START_TEST(saved_statistics_may_be_infinite)
{
    check_types(_i, check_saved);
}
END_TEST

/* ---- Tensors -------------------------------------------------------------------------------------------------------------- */

/* An infinity first, as a pivot may be, or in the middle, both kinds, and NaN. */
static void spoil(struct problem *problem, enum view view)
{
    const size_t m = shape_values_per_channel(&problem->shape);
    static const struct {
        size_t channel, of_m;
        double value;
    } spoilers[] = { { 1, 0, INFINITY }, { 2, 0, -INFINITY }, { 3, 2, INFINITY }, { 4, 2, -INFINITY },
                     { 5, 0, INFINITY }, { 5, 2, -INFINITY }, { 6, 2, NAN } };
    for (size_t i = 0; i < sizeof spoilers / sizeof *spoilers; i++) {
        const size_t place = spoilers[i].of_m == 0 ? 0 : m / spoilers[i].of_m;
        problem->values[view][shape_element_of(&problem->shape, spoilers[i].channel, place)] = spoilers[i].value;
    }
}

/* The mean is what the sum is, the variance NaN. */
static void check_inputs(int config, struct problem *problem)
{
    static const enum operation operations[] = { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD,         BACKWARD_FROZEN, FOLD,
                                                 STATISTICS,       NORMALIZE,         MERGE_STATISTICS, BACKWARD_INPUT };
    spoil(problem, VIEW_X);
    problem_complete(problem);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const struct call call = call_of(operations[i]);
        verify_call(config, problem, &call);
    }
}

START_TEST(inputs_may_be_infinite)
{
    check_types(_i, check_inputs);
}
END_TEST

static void check_output_gradients(int config, struct problem *problem)
{
    static const enum operation operations[] = { BACKWARD_FROZEN, BACKWARD_SUMS };
    spoil(problem, VIEW_DY);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const struct call call = call_of(operations[i]);
        verify_call(config, problem, &call);
    }
    check_gradients(config, problem, &problem->statistics);
}

START_TEST(gradients_of_outputs_may_be_infinite)
{
    check_types(_i, check_output_gradients);
}
END_TEST

/* ---- The ends of the range ------------------------------------------------------------------------------------------------ */

static bool has_all_exponents(clbn_type type)
{
    return type != CLBN_FLOAT16;
}

static struct run run_forward(int config, struct problem *problem)
{
    struct call call = call_of(FORWARD_TRAINING);
    call.views &= ~WITH(VIEW_GAMMA);
    call.update_factor = 1;
    say_call(config, problem, &call);
    struct run run = run_prepare(test_engine(config), problem, &call);
    run_now(&run);
    return run;
}

/* The scale that y is made with is invstd, which may be subnormal: then it has lost some bits. */
static void check_output(struct run *run)
{
    const struct problem *problem = run->problem;
    const clbn_type type = parameter_type(problem->type);
    const double *beta = problem->values[VIEW_BETA];
    struct expected y = reference_output(&problem->shape, problem->values[VIEW_X], &problem->statistics, NULL, beta, NULL);
    bound_output(problem_arithmetic(problem), &problem->shape, &problem->statistics, NULL, beta, NULL, &y);
    for (size_t i = 0; i < y.count; i++) {
        const size_t c = shape_channel_of(&problem->shape, i);
        const long double difference = difference_from_mean(&problem->statistics, c, problem->values[VIEW_X][i]);
        y.bound[i] += fabsl(difference) * type_least(type) * type_epsilon(type);
    }
    if (problem->type != type)
        bound_storage(type_epsilon(problem->type) / 2, &y);
    expect_within_bounds(QUANTITY_Y, problem->type, run_output(run, VIEW_Y), &y);
    expected_free(&y);
}

/* Up to half the greatest number, of both signs. The variance is infinite as an element. */
static void check_half_range(int config, struct problem *problem)
{
    const clbn_type type = parameter_type(problem->type);
    if (!has_all_exponents(problem->type) || !device_keeps_subnormals(type))
        return;
    struct random random = { 1 };
    for (size_t i = 0; i < shape_elements(&problem->shape); i++)
        problem->values[VIEW_X][i] = (random_uniform(&random) - 0.5) * type_greatest(problem->type);
    problem_complete(problem);
    struct run run = run_forward(config, problem);
    expect_within_bounds(QUANTITY_MEAN, type, run_output(&run, VIEW_SAVE_MEAN), &problem->statistics.mean);
    expect_within_bounds(QUANTITY_INVSTD, type, run_output(&run, VIEW_SAVE_INVSTD), &problem->statistics.invstd);
    for (size_t c = 0; c < CASES; c++)
        expect_kind("running variance", c, run_output(&run, VIEW_RUNNING_VAR)[c], INFINITY);
    check_output(&run);
    run_release(&run);
    const struct call sums = call_of(BACKWARD_SUMS), backward = call_of(BACKWARD);
    verify_call(config, problem, &sums);
    verify_call(config, problem, &backward);
}

START_TEST(values_reach_half_the_greatest_number)
{
    check_types(_i, check_half_range);
}
END_TEST

/* Beyond, the mean is right, and what is too far away from it is infinite. */
static void check_whole_range(int config, struct problem *problem)
{
    const double greatest = type_greatest(problem->type);
    if (!has_all_exponents(problem->type))
        return;
    for (size_t i = 0; i < shape_elements(&problem->shape); i++)
        problem->values[VIEW_X][i] = -greatest;
    for (size_t c = 0; c < CASES; c++)
        problem->values[VIEW_X][shape_element_of(&problem->shape, c, 3)] = greatest;
    problem_complete(problem);
    struct run run = run_forward(config, problem);
    expect_within_bounds(QUANTITY_MEAN, parameter_type(problem->type), run_output(&run, VIEW_SAVE_MEAN),
                         &problem->statistics.mean);
    for (size_t c = 0; c < CASES; c++)
        expect_kind("y", c, run_output(&run, VIEW_Y)[shape_element_of(&problem->shape, c, 3)], INFINITY);
    run_release(&run);
}

START_TEST(beyond_it_differences_overflow)
{
    check_types(_i, check_whole_range);
}
END_TEST

/* Without an epsilon, 1/deviation must be finite. */
static void check_too_small(int config, struct problem *problem)
{
    const clbn_type type = problem->type;
    if (!has_all_exponents(type) || !device_keeps_subnormals(parameter_type(type)))
        return;
    for (size_t i = 0; i < shape_elements(&problem->shape); i++)
        problem->values[VIEW_X][i] = (double)(i % 7 % 2) * type_least(type) * type_epsilon(type);
    problem->epsilon = 0;
    problem_complete(problem);
    struct run run = run_forward(config, problem);
    for (size_t c = 0; c < CASES; c++)
        expect_kind("invstd", c, run_output(&run, VIEW_SAVE_INVSTD)[c], INFINITY);
    run_release(&run);
}

START_TEST(inverses_of_the_least_deviations_overflow)
{
    check_types(_i, check_too_small);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("infinities");
    TCase *tcase = tcase_create("infinities"), *range = tcase_create("range");
    tcase_add_loop_test(tcase, running_statistics_may_be_infinite, 0, MERGES);
    tcase_add_loop_test(tcase, updated_statistics_may_be_infinite, 0, MERGES);
    tcase_add_loop_test(tcase, saved_statistics_may_be_infinite, 0, MERGES);
    tcase_add_loop_test(tcase, inputs_may_be_infinite, 0, MERGES);
    tcase_add_loop_test(tcase, gradients_of_outputs_may_be_infinite, 0, MERGES);
    tcase_add_loop_test(range, values_reach_half_the_greatest_number, 0, MERGES);
    tcase_add_loop_test(range, beyond_it_differences_overflow, 0, MERGES);
    tcase_add_loop_test(range, inverses_of_the_least_deviations_overflow, 0, MERGES);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, range);
    return run_suite(suite);
}
