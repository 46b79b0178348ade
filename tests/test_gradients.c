/* SPDX-License-Identifier: MIT */
/*
 * The gradients are the derivatives of the library's own forward: central differences of L = sum w y, whose gradient with
 * respect to y is w. In float64, where differences have digits to spare.
 */
#include "allocate.h"
#include "harness.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>

static const struct shape shapes[] = {
    { 2, 1, { 12, 5 } }, { 4, 1, { 2, 3, 3, 4 } }, { 4, 3, { 2, 3, 4, 3 } }, { 3, 1, { 1, 2, 37 } }
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* The forward that is differentiated, with the weights of L. */
struct loss {
    struct run forward;
    const struct problem *problem; /* its dy are the weights */
    long double uncertainty;       /* of L: the bounds of all y, weighted */
};

static struct statistics statistics_of(const struct problem *problem, enum operation operation)
{
    struct statistics statistics;
    if (operation == FORWARD_TRAINING) {
        statistics = reference_statistics(&problem->shape, problem->values[VIEW_X], problem->epsilon);
        bound_statistics(problem_arithmetic(problem), &statistics);
        return statistics;
    }
    statistics = reference_given_statistics(&problem->shape, problem->values[VIEW_RUNNING_MEAN],
                                            problem->values[VIEW_RUNNING_VAR], problem->epsilon);
    bound_given_statistics(&statistics);
    return statistics;
}

/* What an activation makes of an error of a: none here has a slope above 1.1, or loses more than 14 u of |a| + 1. */
static long double activated_error(const struct problem *problem, const struct expected *a, size_t i)
{
    if (problem->activation.function == CLBN_ACTIVATION_NONE)
        return a->bound[i];
    return 1.1L * a->bound[i] + 14 * problem_arithmetic(problem).unit_roundoff * (a->magnitude[i] + 1);
}

/* gamma and beta of a y that is larger than any that a difference takes: gamma, beta, or in inference x, moved by 1. */
static void widen(const struct problem *problem, const struct statistics *statistics, double *gamma, double *beta)
{
    for (size_t c = 0; c < statistics->channels; c++) {
        gamma[c] = fabs(problem->values[VIEW_GAMMA][c]) + 1;
        beta[c] = fabs(problem->values[VIEW_BETA][c]) + 1 + gamma[c] * (double)statistics->invstd.value[c];
    }
}

static long double uncertainty_of(const struct problem *problem, enum operation operation)
{
    struct statistics statistics = statistics_of(problem, operation);
    double *gamma = allocate(statistics.channels, sizeof *gamma), *beta = allocate(statistics.channels, sizeof *beta);
    widen(problem, &statistics, gamma, beta);
    const double *z = problem->values[VIEW_Z];
    struct expected a = reference_output(&problem->shape, problem->values[VIEW_X], &statistics, gamma, beta, z);
    bound_output(problem_arithmetic(problem), &problem->shape, &statistics, gamma, beta, z, &a);
    long double sum = 0;
    for (size_t i = 0; i < a.count; i++)
        sum += fabsl(problem->values[VIEW_DY][i]) * activated_error(problem, &a, i);
    expected_free(&a);
    statistics_free(&statistics);
    free(gamma);
    free(beta);
    return sum;
}

static struct loss loss_create(int config, const struct problem *problem, enum operation operation)
{
    struct call call = call_of(operation);
    call.update_factor = 0;
    call.views |= WITH(VIEW_Z);
    struct loss loss = { run_prepare(test_engine(config), problem, &call), problem, uncertainty_of(problem, operation) };
    return loss;
}

static long double loss_value(struct loss *loss)
{
    run_now(&loss->forward);
    const double *y = run_output(&loss->forward, VIEW_Y);
    long double sum = 0;
    for (size_t i = 0; i < shape_elements(&loss->problem->shape); i++)
        sum += (long double)loss->problem->values[VIEW_DY][i] * y[i];
    return sum;
}

/* (L(value + step) - L(value - step)) / (2 step), with the steps as they are after rounding. */
static long double central_difference(struct loss *loss, enum view view, size_t i, double step)
{
    double *value = &loss->problem->values[view][i], kept = *value;
    long double width = (long double)(kept + step) - (long double)(kept - step);
    *value = kept + step;
    guarded_upload(&loss->forward.views[view], loss->problem->values[view]);
    long double above = loss_value(loss);
    *value = kept - step;
    guarded_upload(&loss->forward.views[view], loss->problem->values[view]);
    long double below = loss_value(loss);
    *value = kept;
    guarded_upload(&loss->forward.views[view], loss->problem->values[view]);
    return (above - below) / width;
}

/*
 * The third derivative of L with respect to x_j, at x. With s = invstd t, a = xhat_j / m and b = (m-1)/m^2, moving
 * x_j by t gives xhat_i = (xhat_i + n_i s) g, n_i = [i = j] - 1/m, g = (1 + 2 a s + b s^2)^(-1/2), and at s = 0
 * g'' = 3 a^2 - b, g''' = 9 a b - 15 a^3.
 */
static long double third_derivative(const struct problem *problem, const struct statistics *statistics, size_t j)
{
    size_t c = shape_channel_of(&problem->shape, j);
    size_t values = statistics->values_per_channel;
    long double m = (long double)values, invstd = statistics->invstd.value[c], mean = statistics->mean.value[c];
    long double a = (problem->values[VIEW_X][j] - mean) * invstd / m, b = (m - 1) / (m * m);
    long double sum = 0;
    for (size_t k = 0; k < values; k++) {
        size_t i = shape_element_of(&problem->shape, c, k);
        long double xhat = (problem->values[VIEW_X][i] - mean) * invstd;
        long double n = (i == j ? 1 : 0) - 1 / m;
        sum += problem->values[VIEW_DY][i] * (xhat * (9 * a * b - 15 * a * a * a) + 3 * n * (3 * a * a - b));
    }
    return problem->values[VIEW_GAMMA][c] * invstd * invstd * invstd * sum;
}

static void expect_derivative(enum view view, size_t i, double gradient, long double difference, long double bound)
{
    long double error = fabsl(gradient - difference);
    ck_assert_msg(error <= bound, "%s: %s[%zu] is %.17g, the difference quotient %.17Lg: error %.3Lg, bound %.3Lg",
                  what_is_tested(), view_name(view), i, gradient, difference, error, bound);
}

/*
 * A central difference is off by step^2/6 times the third derivative near x, at most 1.01 times that at x for steps this
 * small, and by the uncertainty of two values of L over twice the step. The gradient's own bound is some 1e-14 and drowned by
 * that.
 */
static void check_dx(struct loss *loss, const double *dx, bool frozen)
{
    const struct problem *problem = loss->problem;
    struct statistics statistics = reference_statistics(&problem->shape, problem->values[VIEW_X], problem->epsilon);
    for (size_t i = 0; i < shape_elements(&problem->shape); i++) {
        size_t c = shape_channel_of(&problem->shape, i);
        /* y is linear in x where the statistics are frozen: any step will do */
        double step = frozen ? 1 : 0x1p-17 / (double)statistics.invstd.value[c];
        long double curvature = frozen ? 0 : third_derivative(problem, &statistics, i);
        long double bound = 1.01L * step * step / 6 * fabsl(curvature) + 1.01L * loss->uncertainty / step;
        expect_derivative(VIEW_DX, i, dx[i], central_difference(loss, VIEW_X, i, step), bound);
    }
    statistics_free(&statistics);
}

/* L is linear in gamma and beta: no step is too large. */
static void check_parameter(struct loss *loss, enum view parameter, enum view view, const double *gradient)
{
    for (size_t c = 0; c < shape_channels(&loss->problem->shape); c++)
        expect_derivative(view, c, gradient[c], central_difference(loss, parameter, c, 1), loss->uncertainty);
}

/*
 * With an activation: the error of a central difference grows with the square of its step, so that it is a third of the
 * difference from one of twice the step, for steps this small to a part in a thousand.
 */
static void check_smooth(struct loss *loss, enum view input, enum view view, const double *gradient, double step)
{
    for (size_t i = 0; i < view_count(loss->problem, input); i++) {
        long double difference = central_difference(loss, input, i, step);
        long double coarser = central_difference(loss, input, i, 2 * step);
        expect_derivative(view, i, gradient[i], difference, fabsl(coarser - difference) + 2.1L * loss->uncertainty / step);
    }
}

static void check_all_smooth(struct loss *loss, struct run *backward)
{
    const double step = 0x1p-15;
    check_smooth(loss, VIEW_X, VIEW_DX, run_output(backward, VIEW_DX), step);
    check_smooth(loss, VIEW_Z, VIEW_DZ, run_output(backward, VIEW_DZ), step);
    check_smooth(loss, VIEW_GAMMA, VIEW_DGAMMA, run_output(backward, VIEW_DGAMMA), step);
    check_smooth(loss, VIEW_BETA, VIEW_DBETA, run_output(backward, VIEW_DBETA), step);
}

static void check_linear(struct loss *loss, struct run *backward, bool frozen)
{
    check_dx(loss, run_output(backward, VIEW_DX), frozen);
    check_parameter(loss, VIEW_GAMMA, VIEW_DGAMMA, run_output(backward, VIEW_DGAMMA));
    check_parameter(loss, VIEW_BETA, VIEW_DBETA, run_output(backward, VIEW_DBETA));
}

static void check_differences(int config, const struct shape *shape, clbn_activation function, bool frozen)
{
    struct problem problem = problem_random(shape, CLBN_FLOAT64, 1e-3, 7);
    struct call call = call_of(frozen ? BACKWARD_FROZEN : BACKWARD);
    call.views |= WITH_RESIDUAL;
    problem.activation = activation_of(function);
    struct loss loss = loss_create(config, &problem, frozen ? FORWARD_INFERENCE : FORWARD_TRAINING);
    struct run backward = run_prepare(test_engine(config), &problem, &call);
    say_call(config, &problem, &call);
    run_now(&backward);
    if (function == CLBN_ACTIVATION_NONE)
        check_linear(&loss, &backward, frozen);
    else
        check_all_smooth(&loss, &backward);
    run_release(&backward);
    run_release(&loss.forward);
    problem_free(&problem);
}

static bool is_float64_tested(void)
{
    clbn_type types[MAX_TYPES];
    return device_types(types) == 2;
}

/* The full run has all configurations without activation. */
static bool is_differentiated(int config, clbn_activation function, const struct shape *shape)
{
    return is_float64_tested() && ((is_full_run() && function == CLBN_ACTIVATION_NONE) ||
                                   tested_extent(config, CLBN_FLOAT64, function, shape) != NOT_TESTED);
}

START_TEST(backward_is_the_derivative_of_training)
{
    for (size_t s = 0; s < SHAPES; s++)
        if (is_differentiated(_i, CLBN_ACTIVATION_NONE, &shapes[s]))
            check_differences(_i, &shapes[s], CLBN_ACTIVATION_NONE, false);
}
END_TEST

START_TEST(frozen_backward_is_the_derivative_of_inference)
{
    for (size_t s = 0; s < SHAPES; s++)
        if (is_differentiated(_i, CLBN_ACTIVATION_NONE, &shapes[s]))
            check_differences(_i, &shapes[s], CLBN_ACTIVATION_NONE, true);
}
END_TEST

START_TEST(so_it_is_with_smooth_activations)
{
    for (clbn_activation function = CLBN_ACTIVATION_SILU; function <= CLBN_ACTIVATION_TANH; function++)
        for (size_t s = 0; s < SHAPES; s++)
            if (is_differentiated(_i, function, &shapes[s])) {
                check_differences(_i, &shapes[s], function, false);
                check_differences(_i, &shapes[s], function, true);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gradients");
    TCase *cases = tcase_create("finite differences");
    add_test_of_configs(cases, backward_is_the_derivative_of_training, ENGINE_CONFIGS);
    add_test_of_configs(cases, frozen_backward_is_the_derivative_of_inference, ENGINE_CONFIGS);
    add_test_of_configs(cases, so_it_is_with_smooth_activations, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
