/* SPDX-License-Identifier: MIT */
/* Batch renormalization against the reference, against differences of its own forward, and its schedule's begin, which is batch norm. */
#include "allocate.h"
#include "compare.h"
#include "harness.h"
#include "random_numbers.h"
#include "table_walk.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Rows and columns, with tails; one column; long channels; one value to a channel; channels that are several axes; one channel. */
static const struct shape shapes[] = {
    { 3, 1, { 6, 5, 37 } },
    { 2, 1, { 300, 19 } },
    { 4, 3, { 3, 7, 7, 35 } },
    { 3, 1, { 2, 1, 9000 } },
    { 2, 1, { 1, 7 } },
    { 4, CHANNEL_AXES(5), { 3, 4, 2, 9 } },
    { 3, EACH_POSITION, { 5, 4, 5 } },
    { 4, 1, { 3, 35, 1, 49 } },
};

/* The schedule's begin and end, one that clips some channels, and none. */
static const struct {
    double r_max, d_max;
} bounds[] = { { 1, 0 }, { 3, 5 }, { RENORM_R_MAX, RENORM_D_MAX }, { (double)INFINITY, (double)INFINITY } };

static enum source source_of(const struct problem *problem, size_t variation)
{
    const struct activation *activation = &problem->activation;
    if (variation % 4 == 1 && activation_follows_from_output(activation))
        return FROM_Y;
    if (variation % 4 == 2 && activation_has_mask(activation))
        return FROM_MASK;
    if (variation % 4 == 3 && activation->function == CLBN_ACTIVATION_NONE && problem->type == parameter_type(problem->type))
        return FROM_Y_ALONE;
    return FROM_X;
}

static void check_forward(int config, const struct problem *problem, size_t variation)
{
    static const double factors[] = { 0.01, 0, 1, 0.3 };
    struct call call = varied_call(FORWARD_RENORM, variation);
    call.views |= WITH(VIEW_MASK) | (variation % 3 == 0 ? WITH(VIEW_Z) : 0);
    call.r_max = bounds[variation % COUNT_OF(bounds)].r_max;
    call.d_max = bounds[variation % COUNT_OF(bounds)].d_max;
    call.update_factor = factors[variation / 2 % COUNT_OF(factors)];
    call.running_variance = shape_values_per_channel(&problem->shape) == 1 || variation % 3 == 1 ? CLBN_BIASED : CLBN_UNBIASED;
    verify_call(config, problem, &call);
}

static void check_backward(int config, const struct problem *problem, size_t variation)
{
    struct call call = varied_call(BACKWARD_RENORM, variation);
    call.running_variance = CLBN_BIASED;
    call.source = source_of(problem, variation);
    call.views |= variation % 3 == 0 && call.source != FROM_Y_ALONE ? WITH_RESIDUAL : WITH(VIEW_DZ);
    if (variation % 5 == 1)
        call.views &= ~WITH(VIEW_DGAMMA);
    if (variation % 5 == 3)
        call.views &= ~(WITH(VIEW_DX) | WITH(VIEW_DBETA));
    if (variation % 7 == 2)
        call.views &= ~(WITH(VIEW_GAMMA) | WITH(VIEW_BETA));
    if (variation % 2 == 0)
        accumulate(&call);
    verify_call(config, problem, &call);
}

START_TEST(results_agree)
{
    clbn_type types[MAX_STORED_TYPES];
    const int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < COUNT_OF(shapes); s++) {
            const size_t variation = s + 3 * (size_t)t + (size_t)_i;
            if (!is_drawn_for(_i, variation, 3))
                continue;
            struct problem problem = problem_random(&shapes[s], types[t], 1e-5, s);
            problem.activation = activation_of(tested_activation(_i, types[t], variation));
            check_forward(_i, &problem, variation);
            check_backward(_i, &problem, variation + s);
            problem_free(&problem);
        }
}
END_TEST

/* All bounds with all factors. */
START_TEST(forwards_agree)
{
    struct problem problem = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1);
    for (size_t variation = 0; variation < 24; variation++)
        check_forward(_i, &problem, variation);
    problem_free(&problem);
}
END_TEST

/* gamma * r and beta + gamma * d are rounded to them. */
START_TEST(parameters_may_have_16_bits)
{
    static const clbn_type types[] = { CLBN_FLOAT16, CLBN_BFLOAT16 };
    for (size_t t = 0; t < COUNT_OF(types); t++)
        for (size_t s = 0; s < 2; s++) {
            struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, s);
            problem_store_parameters(&problem, types[t]);
            problem_complete(&problem);
            check_forward(_i, &problem, s + 1);
            check_backward(_i, &problem, s + 4);
            problem_free(&problem);
        }
}
END_TEST

/* ---- What bounds do -------------------------------------------------------------------------------------------------------- */

/* r = 1 and d = 0 exactly: y, statistics and gradients are batch norm's, which is checked with r and d given as such. */
START_TEST(it_begins_as_batch_norm)
{
    struct problem problem = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1);
    struct call renorm = call_of(FORWARD_RENORM), plain = call_of(NORMALIZE);
    renorm.r_max = 1;
    renorm.d_max = 0;
    struct run one = run_prepare(test_engine(_i), &problem, &renorm), other = run_prepare(test_engine(_i), &problem, &plain);
    run_now(&one);
    run_now(&other);
    for (size_t c = 0; c < run_count(&one, VIEW_SAVE_R); c++)
        ck_assert(run_output(&one, VIEW_SAVE_R)[c] == 1 && run_output(&one, VIEW_SAVE_D)[c] == 0);
    expect_same_bits("y", run_output(&one, VIEW_Y), run_output(&other, VIEW_Y), run_count(&one, VIEW_Y));
    run_release(&one);
    run_release(&other);
    problem_free(&problem);
}
END_TEST

/* Without bounds, training computes what inference does of the statistics before. */
START_TEST(without_bounds_it_is_inference)
{
    struct problem problem = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1);
    struct call renorm = call_of(FORWARD_RENORM), inference = call_of(FORWARD_INFERENCE);
    renorm.r_max = renorm.d_max = (double)INFINITY;
    struct run run = run_prepare(test_engine(_i), &problem, &renorm),
               frozen = run_prepare(test_engine(_i), &problem, &inference);
    run_now(&run);
    run_now(&frozen);
    for (size_t i = 0; i < run_count(&run, VIEW_Y); i++) {
        const double y = run_output(&frozen, VIEW_Y)[i], gamma = problem.values[VIEW_GAMMA][shape_channel_of(&shapes[0], i)];
        const double size = fabs(y) + 40 * fabs(gamma) + 1; /* |d| and |r xhat| are below 20 in this problem */
        ck_assert_msg(fabs(run_output(&run, VIEW_Y)[i] - y) <= 16 * 0x1p-24 * size, "y[%zu]: %g, not %g", i,
                      run_output(&run, VIEW_Y)[i], y);
    }
    run_release(&run);
    run_release(&frozen);
    problem_free(&problem);
}
END_TEST

/* Not even NaN leaves its channel, nor does it become a bound. */
START_TEST(a_nan_stays_in_its_channel)
{
    struct problem problem = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1),
                   spoilt = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_RENORM);
    spoilt.values[VIEW_X][0] = (double)NAN;
    struct run run = run_prepare(test_engine(_i), &problem, &call), other = run_prepare(test_engine(_i), &spoilt, &call);
    run_now(&run);
    run_now(&other);
    ck_assert(isnan(run_output(&other, VIEW_SAVE_R)[0]) && isnan(run_output(&other, VIEW_SAVE_D)[0]));
    for (size_t i = 0; i < run_count(&run, VIEW_Y); i++) {
        const double y = run_output(&other, VIEW_Y)[i];
        ck_assert(shape_channel_of(&shapes[0], i) == 0 ? isnan(y) : y == run_output(&run, VIEW_Y)[i]);
    }
    run_release(&run);
    run_release(&other);
    problem_free(&problem);
    problem_free(&spoilt);
}
END_TEST

/* Not even a NaN's product with 0 is added. */
START_TEST(a_factor_of_0_leaves_the_running_statistics)
{
    struct problem problem = problem_random(&shapes[0], CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_RENORM);
    problem.values[VIEW_X][0] = (double)NAN;
    call.update_factor = 0;
    say_call(_i, &problem, &call);
    struct run run = run_prepare(test_engine(_i), &problem, &call);
    run_now(&run);
    guarded_expect_unchanged(&run.views[VIEW_RUNNING_MEAN], "running mean");
    guarded_expect_unchanged(&run.views[VIEW_RUNNING_VAR], "running var");
    run_release(&run);
    problem_free(&problem);
}
END_TEST

/* ---- What is optional ------------------------------------------------------------------------------------------------------ */

START_TEST(saved_statistics_are_optional)
{
    static const enum view optional[] = { VIEW_SAVE_MEAN, VIEW_SAVE_INVSTD, VIEW_SAVE_VAR, VIEW_SAVE_R, VIEW_SAVE_D };
    struct problem problem = problem_random(&shapes[1], CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(FORWARD_RENORM);
    struct run all = run_prepare(test_engine(_i), &problem, &call);
    run_now(&all);
    for (size_t i = 0; i < COUNT_OF(optional); i++) {
        call.views = all.call.views & ~WITH(optional[i]);
        say_call(_i, &problem, &call);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        run_now(&run);
        for (enum view view = 0; view < VIEWS; view++)
            if (run_writes(&run, view))
                expect_same_bits(view_name(view), run_output(&run, view), run_output(&all, view), run_count(&run, view));
        run_release(&run);
    }
    run_release(&all);
    problem_free(&problem);
}
END_TEST

/* ---- Against differences -------------------------------------------------------------------------------------------------- */

/* sum dy * y of a forward. */
static long double loss(const struct problem *problem)
{
    struct call call = call_of(FORWARD_RENORM);
    struct run run = run_prepare(test_engine(0), problem, &call);
    long double sum = 0;
    run_now(&run);
    for (size_t i = 0; i < run_count(&run, VIEW_Y); i++)
        sum += (long double)run_output(&run, VIEW_Y)[i] * problem->values[VIEW_DY][i];
    run_release(&run);
    return sum;
}

static void move(struct problem *problem, enum view view, const double *direction, double step)
{
    for (size_t i = 0; i < view_count(problem, view); i++)
        problem->values[view][i] += step * direction[i];
    problem_complete(problem);
}

static void check_slope(struct problem *problem, enum view input, enum view gradient)
{
    const double step = 1e-5;
    const size_t count = view_count(problem, input);
    struct call call = call_of(BACKWARD_RENORM);
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
    long double difference = loss(problem);
    move(problem, input, direction, -2 * step);
    difference = (difference - loss(problem)) / (2 * step);
    testing("slope of %s", view_name(input));
    /* The third derivative's part is of order step^2, and roundings are of order 2^-53 / step. */
    ck_assert_msg(fabsl(slope - difference) <= 1e-7L * size, "%s: %Lg, not %Lg", what_is_tested(), slope, difference);
    free(direction);
    run_release(&run);
}

/* With r and d at their bounds in all channels, where they are constants. */
START_TEST(gradients_are_slopes)
{
    static const struct shape small = { 3, 1, { 4, 3, 7 } };
    clbn_type types[MAX_TYPES];
    static const enum view inputs[] = { VIEW_X, VIEW_GAMMA, VIEW_BETA }, gradients[] = { VIEW_DX, VIEW_DGAMMA, VIEW_DBETA };
    if (device_types(types) < 2)
        return;
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        struct problem problem = problem_random(&small, CLBN_FLOAT64, 1e-3, 1);
        for (size_t c = 0; c < 3; c++) {
            problem.values[VIEW_RUNNING_MEAN][c] = (c % 2 == 0 ? 1 : -1) * 100;
            problem.values[VIEW_RUNNING_VAR][c] = c == 1 ? 1e-4 : 1e3;
        }
        problem_complete(&problem);
        for (size_t c = 0; c < 3; c++)
            ck_assert(fabs(problem.values[VIEW_SAVE_D][c]) == RENORM_D_MAX &&
                      problem.values[VIEW_SAVE_R][c] == (c == 1 ? RENORM_R_MAX : 1 / RENORM_R_MAX));
        check_slope(&problem, inputs[i], gradients[i]);
        problem_free(&problem);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("renorm");
    TCase *cases = tcase_create("renorm");
    add_test_of_configs(cases, results_agree, ENGINE_CONFIGS);
    add_test_of_configs(cases, forwards_agree, ENGINE_CONFIGS);
    add_test_of_configs(cases, parameters_may_have_16_bits, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, it_begins_as_batch_norm, ENGINE_CONFIGS);
    add_test_of_configs(cases, without_bounds_it_is_inference, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, a_nan_stays_in_its_channel, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, a_factor_of_0_leaves_the_running_statistics, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, saved_statistics_are_optional, PLAIN_ENGINE_CONFIGS);
    tcase_add_test(cases, gradients_are_slopes);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
