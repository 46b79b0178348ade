/* SPDX-License-Identifier: MIT */
/* Hard data: results stay within the bounds of ordinary data where means, outliers, trends and scales are extreme. */
#include "allocate.h"
#include "compare.h"
#include "harness.h"
#include "random_numbers.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>

/* Both layouts; one channel in several rows, and in one long row. */
static const struct shape shapes[] = { { 3, 1, { 4, 3, 5003 } },
                                       { 3, 1, { 500, 18, 13 } },
                                       { 2, 0, { 2, 70001 } },
                                       { 2, 1, { 20001, 3 } },
                                       { 4, 3, { 7, 13, 17, 19 } } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* The i-th of m values of a channel, of deviation 1 or so but for what the series is named for. */
typedef double series(struct random *random, size_t i, size_t m, double size);

static double around_large_mean(struct random *random, size_t i, size_t m, double size)
{
    (void)i, (void)m;
    return size + random_normal(random);
}

static double outlier_first(struct random *random, size_t i, size_t m, double size)
{
    (void)m;
    return i == 0 ? size : random_normal(random);
}

static double outlier_last(struct random *random, size_t i, size_t m, double size)
{
    return i == m - 1 ? size : random_normal(random);
}

/* Whatever a chunk's length, some chunks of some shape begin with one. */
static double outlier_every_256(struct random *random, size_t i, size_t m, double size)
{
    (void)m;
    return i % 256 == 0 ? size : random_normal(random);
}

/* All values but outliers are this one: around a wrong pivot, the roundings of their sums add up. */
static const double common_value = 0.7;

/* Where the vector kernels on two cores take the samples for their pivots of 131072 rows of 16 channels, ... */
static double outlier_in_each_sampled_row(struct random *random, size_t i, size_t m, double size)
{
    (void)random, (void)m;
    return i % 1024 == 0 ? size : common_value;
}

/* ... of one row of 131072 columns: in a chunk of 4096, the number-th eighth of it, ... */
static double outlier_in_each_sampled_vector(struct random *random, size_t i, size_t m, double size)
{
    (void)random, (void)m;
    return i % 4096 / 16 == i / 4096 % 8 * 32 ? size : common_value;
}

/* ... and of 500 images of 13 columns: the first and the middle one. */
static double outlier_in_each_sampled_image(struct random *random, size_t i, size_t m, double size)
{
    (void)random, (void)m;
    return i / 13 % 250 == 0 ? size : common_value;
}

static double trend(struct random *random, size_t i, size_t m, double size)
{
    return size * (double)i / (double)m + random_normal(random);
}

static double step_in_the_middle(struct random *random, size_t i, size_t m, double size)
{
    return (i < m / 2 ? 0 : size) + random_normal(random);
}

static double scaled(struct random *random, size_t i, size_t m, double size)
{
    (void)i, (void)m;
    return size * (0.5 + random_normal(random));
}

static size_t problem_count; /* so far */

static struct problem problem_of_series(const struct shape *shape, clbn_type type, double epsilon, series *values, double size)
{
    struct problem problem = problem_random(shape, type, epsilon, 1);
    struct random random = { 2 };
    size_t m = shape_values_per_channel(shape);
    for (size_t c = 0; c < shape_channels(shape); c++)
        for (size_t i = 0; i < m; i++)
            problem.values[VIEW_X][shape_element_of(shape, c, i)] = values(&random, i, m, size);
    problem.drifting = values != around_large_mean && values != scaled;
    problem_complete(&problem);
    problem_count++;
    return problem;
}

/* Forward with the plain variance to be seen, backward from saved statistics and from none. */
static void check_problem(int config, const struct problem *problem)
{
    struct call forward = call_of(FORWARD_TRAINING);
    forward.update_factor = 1;
    forward.running_variance = CLBN_BIASED;
    verify_call(config, problem, &forward);
    struct call backward = call_of(BACKWARD);
    verify_call(config, problem, &backward);
    backward.views &= ~WITH_SAVED;
    verify_call(config, problem, &backward);
}

static bool takes_config(int config, clbn_type type)
{
    return is_tested(config, type, CLBN_ACTIVATION_NONE) && is_drawn_for(config, problem_count + (size_t)config, 3);
}

static void check_series(clbn_type type, series *values, double size)
{
    for (size_t s = 0; s < SHAPES; s++) {
        struct problem problem = problem_of_series(&shapes[s], type, 1e-5, values, size);
        for (int config = 0; config < ENGINE_CONFIGS; config++)
            if (takes_config(config, type))
                check_problem(config, &problem);
        problem_free(&problem);
    }
}

/* Where the rounding of the saved mean is large against the deviation, it moves elements over a kink, but no others. */
static void check_activated(int config, struct problem *problem)
{
    problem->activation = activation_of(tested_activation(config, problem->type, CLBN_ACTIVATION_RELU));
    for (enum source source = FROM_X; source <= FROM_MASK; source++) {
        struct call backward = call_of(BACKWARD);
        backward.views |= WITH_RESIDUAL;
        backward.source = source == FROM_MASK && !activation_has_mask(&problem->activation) ? FROM_X : source;
        if (activation_follows_from_output(&problem->activation) || source != FROM_Y)
            verify_call(config, problem, &backward);
    }
}

static void check_activated_series(clbn_type type, series *values, double size)
{
    for (size_t s = 0; s < SHAPES; s++) {
        struct problem problem = problem_of_series(&shapes[s], type, 1e-5, values, size);
        for (int config = 0; config < PLAIN_ENGINE_CONFIGS; config++)
            check_activated(config, &problem);
        problem_free(&problem);
    }
}

static void check_series_in_all_types(series *values, double size)
{
    clbn_type types[MAX_TYPES];
    int type_count = device_types(types);
    for (int t = 0; t < type_count; t++)
        check_series(types[t], values, size);
}

START_TEST(a_mean_of_many_deviations_is_no_harm)
{
    check_series_in_all_types(around_large_mean, 1e3);
    check_series_in_all_types(around_large_mean, -1e6);
}
END_TEST

START_TEST(slopes_are_those_of_the_forward)
{
    clbn_type types[MAX_TYPES];
    int type_count = device_types(types);
    for (int t = 0; t < type_count; t++) {
        check_activated_series(types[t], around_large_mean, 1e3);
        check_activated_series(types[t], around_large_mean, -1e5);
        check_activated_series(types[t], outlier_first, 1e6);
    }
}
END_TEST

START_TEST(an_outlier_is_no_harm)
{
    check_series_in_all_types(outlier_first, 1e6);
    check_series_in_all_types(outlier_first, -1e8);
    check_series_in_all_types(outlier_last, 1e8);
    check_series_in_all_types(outlier_every_256, 1e6);
}
END_TEST

/* The pivots are as far from the mean as samples can lead them. */
START_TEST(misleading_samples_are_no_harm)
{
    static const struct {
        struct shape shape;
        series *values;
    } rows[] = { { { 2, 1, { 131072, 16 } }, outlier_in_each_sampled_row },
                 { { 2, 0, { 2, 131072 } }, outlier_in_each_sampled_vector },
                 { { 3, 1, { 500, 18, 13 } }, outlier_in_each_sampled_image } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct problem problem = problem_of_series(&rows[i].shape, CLBN_FLOAT32, 1e-5, rows[i].values, 1e4);
        for (int config = 0; config < PLAIN_ENGINE_CONFIGS; config++)
            check_problem(config, &problem);
        problem_free(&problem);
    }
}
END_TEST

START_TEST(a_trend_is_no_harm)
{
    check_series_in_all_types(trend, 1e2);
    check_series_in_all_types(trend, -1e5);
    check_series_in_all_types(step_in_the_middle, 1e5);
}
END_TEST

static double power_of_ten(int power)
{
    double result = 1;
    for (int i = 0; i < abs(power); i++)
        result *= 10;
    return power < 0 ? 1 / result : result;
}

/* The same in phases, with merges of both kinds. */
enum { PHASE_CONFIGS = 4 };

static void check_phases(int config, const struct problem *problem)
{
    static const enum operation operations[] = { STATISTICS, MERGE_STATISTICS, NORMALIZE, BACKWARD_SUMS, BACKWARD_INPUT };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct call call = call_of(operations[i]);
        call.running_variance = CLBN_BIASED;
        verify_call(config, problem, &call);
    }
}

/* The greatest scales, as powers of ten: values are some deviations from 0, and their invstd, times a gamma that is not tiny, is no
 * subnormal number. Whatever is merged in, squares need not fit in an element. */
static int greatest_power(clbn_type type)
{
    return type == CLBN_FLOAT64 ? 300 : 35;
}

static void check_scale(clbn_type type, double epsilon, int power)
{
    static size_t number;
    for (size_t s = 0; s < SHAPES; s++) {
        if (!is_drawn(number++, 3))
            continue;
        struct problem problem = problem_of_series(&shapes[s], type, epsilon, scaled, power_of_ten(power));
        for (int config = 0; config < ENGINE_CONFIGS; config++)
            if (takes_config(config, type)) {
                check_problem(config, &problem);
                if (epsilon <= 0 && config < PHASE_CONFIGS)
                    check_phases(config, &problem);
            }
        problem_free(&problem);
    }
}

START_TEST(tiny_and_huge_scales_are_no_harm)
{
    clbn_type types[MAX_TYPES];
    const int type_count = device_types(types);
    for (int t = 0; t < type_count; t++) {
        const int greatest = greatest_power(types[t]);
        for (int power = -greatest; power <= greatest; power += greatest / 5 * 2) {
            check_scale(types[t], 1e-5, power);
            check_scale(types[t], 0, power);
        }
    }
}
END_TEST

/* y of `count` indices of the first axis, from `first`. */
static void check_slice(struct run *run, size_t first, size_t count)
{
    const struct problem *problem = run->problem;
    struct shape slice = problem->shape;
    slice.lengths[0] = count;
    size_t begin = first * (shape_elements(&problem->shape) / problem->shape.lengths[0]);
    const double *gamma = problem->values[VIEW_GAMMA], *beta = problem->values[VIEW_BETA];
    struct expected y = reference_output(&slice, problem->values[VIEW_X] + begin, &problem->statistics, gamma, beta, NULL);
    bound_output(problem_arithmetic(problem), &slice, &problem->statistics, gamma, beta, NULL, &y);
    expect_within_bounds(QUANTITY_Y, problem->type, run_output(run, VIEW_Y) + begin, &y);
    expected_free(&y);
}

static void check_large(const struct shape *shape, int config)
{
    char text[SHAPE_TEXT_SIZE];
    testing("%s, %s", engine_configs[config].name, shape_text(shape, text));
    struct problem problem = problem_random(shape, CLBN_FLOAT32, 1e-5, 3);
    struct call call = call_of(FORWARD_TRAINING);
    struct run run = run_prepare(test_engine(config), &problem, &call);
    run_now(&run);
    expect_within_bounds(QUANTITY_MEAN, problem.type, run_output(&run, VIEW_SAVE_MEAN), &problem.statistics.mean);
    expect_within_bounds(QUANTITY_INVSTD, problem.type, run_output(&run, VIEW_SAVE_INVSTD), &problem.statistics.invstd);
    check_slice(&run, 0, 1);
    check_slice(&run, shape->lengths[0] - 1, 1);
    run_release(&run);
    problem_free(&problem);
}

/* 5 million values to a channel. */
START_TEST(long_channels_keep_their_accuracy)
{
    static const struct shape long_shapes[] = { { 3, 1, { 1000, 2, 5000 } }, { 4, 3, { 1250, 80, 50, 2 } } };
    for (size_t s = 0; s < 2; s++)
        check_large(&long_shapes[s], _i);
}
END_TEST

START_TEST(a_channel_of_100_million_values_keeps_its_accuracy)
{
    static const struct shape shape = { 3, 1, { 1000, 1, 100000 } };
    if (getenv("CLBN_TEST_LARGE") == NULL) {
        printf("%s: a channel of 1e8 values is not tested: CLBN_TEST_LARGE is not set\n", engine_configs[_i].name);
        return;
    }
    check_large(&shape, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numerics");
    TCase *cases = tcase_create("hard data");
    tcase_add_test(cases, a_mean_of_many_deviations_is_no_harm);
    tcase_add_test(cases, slopes_are_those_of_the_forward);
    tcase_add_test(cases, an_outlier_is_no_harm);
    tcase_add_test(cases, misleading_samples_are_no_harm);
    tcase_add_test(cases, a_trend_is_no_harm);
    tcase_add_test(cases, tiny_and_huge_scales_are_no_harm);
    add_test_of_configs(cases, long_channels_keep_their_accuracy, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, a_channel_of_100_million_values_keeps_its_accuracy, PLAIN_ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
