/* SPDX-License-Identifier: MIT */
/* Where mean and variance are representable, results are exact; constant channels are such. */
#include "allocate.h"
#include "compare.h"
#include "harness.h"
#include "random_numbers.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>

/* Everything given back, the running statistics being the batch's. */
static struct call exact_call(void)
{
    struct call call = call_of(FORWARD_TRAINING);
    call.update_factor = 1;
    call.running_variance = CLBN_BIASED;
    return call;
}

static void fill(double *values, size_t count, double value)
{
    for (size_t i = 0; i < count; i++)
        values[i] = value;
}

static double constant_of(clbn_type type, size_t channel)
{
    /* 1e34 / sqrt(1e-12) is beyond float32 */
    static const double constants[] = { 0.1, 1e34, -3, 1e-30, 0, -12345.678 };
    return rounded_to(type, constants[channel % (sizeof constants / sizeof *constants)]);
}

/* Channel c is constant_of(c) throughout. */
static struct problem constant_problem(const struct shape *shape, clbn_type type, double epsilon)
{
    struct problem problem = problem_random(shape, type, epsilon, 1);
    for (size_t i = 0; i < shape_elements(shape); i++)
        problem.values[VIEW_X][i] = constant_of(type, shape_channel_of(shape, i));
    problem_complete(&problem);
    return problem;
}

static void expect_every_y_to_be_beta(struct run *run)
{
    const struct problem *problem = run->problem;
    size_t elements = shape_elements(&problem->shape);
    double *betas = allocate(elements, sizeof *betas);
    for (size_t i = 0; i < elements; i++)
        betas[i] = problem->values[VIEW_BETA][shape_channel_of(&problem->shape, i)];
    expect_equal("y", run_output(run, VIEW_Y), betas, elements);
    free(betas);
}

static void check_constant_forward(int config, const struct problem *problem)
{
    size_t channels = shape_channels(&problem->shape);
    double *expected = allocate(channels, sizeof *expected);
    struct call call = exact_call();
    struct run run = run_prepare(test_engine(config), problem, &call);
    run_now(&run);
    expect_every_y_to_be_beta(&run);
    expect_equal("running variance", run_output(&run, VIEW_RUNNING_VAR), expected, channels);
    expect_equal("variance", run_output(&run, VIEW_SAVE_VAR), expected, channels);
    fill(expected, channels, problem->epsilon > 0 ? rounded_to(problem->type, (double)(1 / sqrtl(problem->epsilon))) : 0);
    expect_equal("invstd", run_output(&run, VIEW_SAVE_INVSTD), expected, channels);
    for (size_t c = 0; c < channels; c++)
        expected[c] = constant_of(problem->type, c);
    expect_equal("mean", run_output(&run, VIEW_SAVE_MEAN), expected, channels);
    run_release(&run);
    free(expected);
}

static void check_constant_backward(int config, const struct problem *problem)
{
    struct call call = call_of(BACKWARD);
    verify_call(config, problem, &call);
    double *zeros = allocate(shape_elements(&problem->shape), sizeof *zeros);
    struct run run = run_prepare(test_engine(config), problem, &call);
    run_now(&run);
    expect_equal("dgamma", run_output(&run, VIEW_DGAMMA), zeros, shape_channels(&problem->shape));
    if (problem->epsilon <= 0)
        expect_equal("dx", run_output(&run, VIEW_DX), zeros, shape_elements(&problem->shape));
    run_release(&run);
    free(zeros);
}

START_TEST(a_constant_channel_gives_beta)
{
    static const struct shape shapes[] = {
        { 3, 1, { 3, 7, 35 } }, { 2, 0, { 6, 5003 } }, { 2, 1, { 1000, 37 } }, { 4, 3, { 5, 7, 7, 6 } }, { 2, 1, { 16397, 16 } }
    };
    static const double epsilons[] = { 1e-5, 1e-12, 0 };
    clbn_type types[MAX_TYPES];
    int type_count = tested_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (size_t e = 0; e < sizeof epsilons / sizeof *epsilons; e++) {
                char text[SHAPE_TEXT_SIZE];
                struct problem problem = constant_problem(&shapes[s], types[t], epsilons[e]);
                testing("%s, constant %s %s, epsilon %g", engine_configs[_i].name, type_name(types[t]),
                        shape_text(&shapes[s], text), epsilons[e]);
                check_constant_forward(_i, &problem);
                check_constant_backward(_i, &problem);
                problem_free(&problem);
            }
}
END_TEST

/* 1/sqrt(0) is taken for 0: xhat is 0, and what follows from it, however large x and dy are. */
START_TEST(no_invstd_gives_no_gradients)
{
    static const struct shape shapes[] = { { 3, 1, { 3, 7, 35 } }, { 2, 1, { 1000, 37 } }, { 4, 1, { 9, 35, 7, 7 } } };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const size_t elements = shape_elements(&shapes[s]), channels = shape_channels(&shapes[s]);
        char text[SHAPE_TEXT_SIZE];
        struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 0, 1);
        struct call call = call_of(BACKWARD_FROZEN);
        testing("%s, no variance, %s", engine_configs[_i].name, shape_text(&shapes[s], text));
        for (size_t i = 0; i < elements; i++) {
            problem.values[VIEW_X][i] *= 1e30;
            problem.values[VIEW_DY][i] *= 1e30;
        }
        fill(problem.values[VIEW_RUNNING_VAR], channels, 0);
        problem_complete(&problem);
        double *zeros = allocate(elements, sizeof *zeros);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        run_now(&run);
        expect_equal("dgamma", run_output(&run, VIEW_DGAMMA), zeros, channels);
        expect_equal("dx", run_output(&run, VIEW_DX), zeros, elements);
        run_release(&run);
        free(zeros);
        problem_free(&problem);
    }
}
END_TEST

/*
 * Each channel holds, in random order, as many values mean - spread as mean + spread, and one mean if m is odd: the variance
 * is spread^2 (m - m % 2)/m, an integer, and with epsilon the square of a power of two.
 */
struct exact_row {
    struct shape shape;
    double spread, epsilon, invstd;
};

static const struct exact_row exact_rows[] = {
    { { 2, 1, { 3, 5 } }, 3, 10, 0.25 },               /* variance 6 */
    { { 2, 1, { 60, 19 } }, 1, 0, 1 },                 /* 1 */
    { { 2, 1, { 15, 100 } }, 15, 46, 0.0625 },         /* 210 */
    { { 4, 1, { 1, 35, 7, 7 } }, 49, 1744, 0.015625 }, /* 2352 */
    { { 4, 3, { 1, 7, 7, 35 } }, 49, 1744, 0.015625 }, /* 2352 */
    { { 3, 1, { 5, 3, 7 } }, 35, 2906, 0.015625 },     /* 1190 */
    { { 4, 1, { 6, 3, 17, 19 } }, 1, 3, 0.5 },         /* 1 */
    { { 4, 3, { 6, 17, 19, 3 } }, 2, 0, 0.5 },         /* 4 */
    { { 2, 0, { 3, 70000 } }, 4, 0, 0.25 },            /* 16 */
    { { 2, 1, { 70000, 3 } }, 4, 240, 0.0625 },        /* 16 */
};

static double exact_mean(size_t channel)
{
    static const double means[] = { 5, -7, 0, 1000, -64 };
    return means[channel % (sizeof means / sizeof *means)];
}

static void fill_exact_channel(struct problem *problem, const struct exact_row *row, size_t channel)
{
    size_t m = shape_values_per_channel(&row->shape);
    struct random random = { channel };
    double *values = allocate(m, sizeof *values);
    for (size_t i = 0; i < m; i++)
        values[i] = exact_mean(channel) + (i % 2 == 0 ? -row->spread : row->spread);
    if (m % 2 == 1)
        values[m - 1] = exact_mean(channel);
    random_shuffle(&random, values, m);
    for (size_t i = 0; i < m; i++)
        problem->values[VIEW_X][shape_element_of(&row->shape, channel, i)] = values[i];
    free(values);
}

static struct problem exact_problem(const struct exact_row *row, clbn_type type)
{
    struct problem problem = problem_random(&row->shape, type, row->epsilon, 1);
    struct random random = { 2 };
    for (size_t c = 0; c < shape_channels(&row->shape); c++) {
        fill_exact_channel(&problem, row, c);
        problem.values[VIEW_GAMMA][c] = (double)random_below(&random, 16) - 8;
        problem.values[VIEW_BETA][c] = (double)random_below(&random, 16) - 8;
    }
    for (size_t i = 0; i < shape_elements(&row->shape); i++)
        problem.values[VIEW_DY][i] = (double)random_below(&random, 16) - 8;
    problem_complete(&problem);
    return problem;
}

static void check_exact_forward(int config, const struct problem *problem, const struct exact_row *row)
{
    size_t m = shape_values_per_channel(&row->shape), channels = shape_channels(&row->shape);
    double *means = allocate(channels, sizeof *means), *others = allocate(channels, sizeof *others);
    struct call call = exact_call();
    struct run run = run_prepare(test_engine(config), problem, &call);
    run_now(&run);
    for (size_t c = 0; c < channels; c++)
        means[c] = exact_mean(c);
    expect_equal("mean", run_output(&run, VIEW_SAVE_MEAN), means, channels);
    expect_equal("running mean", run_output(&run, VIEW_RUNNING_MEAN), means, channels);
    fill(others, channels, row->spread * row->spread * (double)(m - m % 2) / (double)m);
    expect_equal("running variance", run_output(&run, VIEW_RUNNING_VAR), others, channels);
    expect_equal("variance", run_output(&run, VIEW_SAVE_VAR), others, channels);
    fill(others, channels, row->invstd);
    expect_equal("invstd", run_output(&run, VIEW_SAVE_INVSTD), others, channels);
    double *y = allocate(shape_elements(&row->shape), sizeof *y);
    for (size_t i = 0; i < shape_elements(&row->shape); i++) {
        size_t c = shape_channel_of(&row->shape, i);
        double xhat = (problem->values[VIEW_X][i] - means[c]) * row->invstd;
        y[i] = xhat * problem->values[VIEW_GAMMA][c] + problem->values[VIEW_BETA][c];
    }
    expect_equal("y", run_output(&run, VIEW_Y), y, shape_elements(&row->shape));
    run_release(&run);
    free(y);
    free(others);
    free(means);
}

/* Sums of integers over a power of two, small enough for every partial sum to be exact. */
static void check_exact_sums(int config, const struct problem *problem, const struct exact_row *row)
{
    size_t channels = shape_channels(&row->shape);
    double *dgamma = allocate(channels, sizeof *dgamma), *dbeta = allocate(channels, sizeof *dbeta);
    for (size_t i = 0; i < shape_elements(&row->shape); i++) {
        size_t c = shape_channel_of(&row->shape, i);
        dbeta[c] += problem->values[VIEW_DY][i];
        dgamma[c] += problem->values[VIEW_DY][i] * (problem->values[VIEW_X][i] - exact_mean(c)) * row->invstd;
    }
    struct call call = call_of(BACKWARD);
    struct run run = run_prepare(test_engine(config), problem, &call);
    run_now(&run);
    expect_equal("dgamma", run_output(&run, VIEW_DGAMMA), dgamma, channels);
    expect_equal("dbeta", run_output(&run, VIEW_DBETA), dbeta, channels);
    run_release(&run);
    free(dgamma);
    free(dbeta);
}

START_TEST(representable_statistics_are_exact)
{
    clbn_type types[MAX_TYPES];
    int type_count = tested_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t r = 0; r < sizeof exact_rows / sizeof *exact_rows; r++) {
            const struct exact_row *row = &exact_rows[r];
            char text[SHAPE_TEXT_SIZE];
            struct problem problem = exact_problem(row, types[t]);
            testing("%s, exact %s %s", engine_configs[_i].name, type_name(types[t]), shape_text(&row->shape, text));
            check_exact_forward(_i, &problem, row);
            check_exact_sums(_i, &problem, row);
            problem_free(&problem);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exact");
    TCase *cases = tcase_create("exact data");
    add_test_of_configs(cases, a_constant_channel_gives_beta, ENGINE_CONFIGS);
    add_test_of_configs(cases, no_invstd_gives_no_gradients, ENGINE_CONFIGS);
    add_test_of_configs(cases, representable_statistics_are_exact, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
