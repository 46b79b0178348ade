/* SPDX-License-Identifier: MIT */
/* The types that are only stored: every number of theirs is read as it is, and results are rounded as IEEE 754 says. */
#include "harness.h"
#include "run.h"

#include "compare.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const clbn_type stored_only[] = { CLBN_FLOAT16, CLBN_BFLOAT16 };
enum { STORED_ONLY = 2, BIT_PATTERNS = 1 << 16 };

/* Inference with mean 0, variance 1 and epsilon 0 is y = gamma x + beta. Half of the numbers to a channel, on axis 0 or 1. */
static struct problem problem_of_all_numbers(clbn_type type, unsigned channel_axis, double gamma, double beta)
{
    struct shape shape = { 2, channel_axis, { BIT_PATTERNS / 2, BIT_PATTERNS / 2 } };
    shape.lengths[channel_axis] = 2;
    struct problem problem = problem_random(&shape, type, 0, 1);
    for (unsigned i = 0; i < BIT_PATTERNS; i++) {
        uint16_t bits = (uint16_t)i;
        unsigned char bytes[sizeof bits];
        memcpy(bytes, &bits, sizeof bits);
        problem.values[VIEW_X][i] = decode_element(type, bytes);
    }
    for (int c = 0; c < 2; c++) {
        problem.values[VIEW_RUNNING_MEAN][c] = 0;
        problem.values[VIEW_RUNNING_VAR][c] = 1;
        problem.values[VIEW_GAMMA][c] = gamma;
        problem.values[VIEW_BETA][c] = beta;
    }
    return problem;
}

/* gamma and beta are such that gamma x + beta, as one fused multiply-add, is exact in double. */
static void check_all_numbers(int config, clbn_type type, unsigned channel_axis, double gamma, double beta)
{
    struct problem problem = problem_of_all_numbers(type, channel_axis, gamma, beta);
    struct call call = call_of(FORWARD_INFERENCE);
    double *expected = malloc(BIT_PATTERNS * sizeof *expected);
    ck_assert_ptr_nonnull(expected);
    for (unsigned i = 0; i < BIT_PATTERNS; i++)
        expected[i] = rounded_to(type, rounded_to(CLBN_FLOAT32, gamma * problem.values[VIEW_X][i] + beta));
    testing("%s, %s, channels on axis %u, %g x + %g", engine_configs[config].name, type_name(type), channel_axis, gamma, beta);
    struct run run = run_prepare(test_engine(config), &problem, &call);
    run_now(&run);
    expect_equal("y", run_output(&run, VIEW_Y), expected, BIT_PATTERNS);
    run_release(&run);
    problem_free(&problem);
    free(expected);
}

static void check_both_axes(int config, double gamma, double beta)
{
    for (int t = 0; t < STORED_ONLY; t++)
        for (unsigned channel_axis = 0; channel_axis < 2; channel_axis++)
            check_all_numbers(config, stored_only[t], channel_axis, gamma, beta);
}

START_TEST(every_number_is_read_and_written_as_it_is)
{
    check_both_axes(_i, 1, 0);
}
END_TEST

START_TEST(results_are_rounded_to_the_nearest_and_ties_to_even)
{
    check_both_axes(_i, 1, 1);
    check_both_axes(_i, 1.5, 0);
    check_both_axes(_i, -1.25, 0);
}
END_TEST

START_TEST(overflow_becomes_infinity)
{
    check_both_axes(_i, 0x1p+20, 0);
    check_both_axes(_i, -0x1p+100, 0);
}
END_TEST

static double nan_of(uint32_t bits)
{
    unsigned char bytes[sizeof bits];
    memcpy(bytes, &bits, sizeof bits);
    return decode_element(CLBN_FLOAT32, bytes);
}

/* Of those that carry into other bits when they are rounded. */
START_TEST(nan_stays_nan_whatever_its_bits)
{
    static const uint32_t bits[] = { 0x7fffffff, 0xffffffff, 0x7fc00001 };
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        check_both_axes(_i, 1, nan_of(bits[i]));
}
END_TEST

/* All of an input, parameters or a record, is a NaN, and so are all results. */
static void check_input(int config, const struct shape *shape, enum operation operation, enum view input, uint32_t bits)
{
    const enum view result = is_backward(operation) ? VIEW_DX : VIEW_Y;
    struct problem problem = problem_random(shape, CLBN_BFLOAT16, 1e-5, 1);
    struct call call = call_of(operation);
    const size_t count = view_count(&problem, input);
    if (!problem.values[input])
        problem.values[input] = malloc(count * sizeof *problem.values[input]);
    ck_assert_ptr_nonnull(problem.values[input]);
    for (size_t i = 0; i < count; i++)
        problem.values[input][i] = nan_of(bits);
    testing("%s, %s, %s is %#x", engine_configs[config].name, operation_name(operation), view_name(input), bits);
    struct run run = run_prepare(test_engine(config), &problem, &call);
    run_now(&run);
    const double *values = run_output(&run, result);
    for (size_t i = 0; i < run_count(&run, result); i++)
        ck_assert_msg(isnan(values[i]), "%s: %s[%zu] is %g", what_is_tested(), view_name(result), i, values[i]);
    run_release(&run);
    problem_free(&problem);
}

/* Rows, images and columns, of whole vectors and what is left. */
START_TEST(an_inputs_nan_stays_nan_whatever_its_bits)
{
    static const struct shape shapes[] = { { 3, 1, { 3, 5, 103 } }, { 3, 1, { 9, 35, 7 } }, { 2, 1, { 37, 35 } } };
    static const struct {
        enum operation operation;
        enum view input;
    } cases[] = { { FORWARD_TRAINING, VIEW_GAMMA },
                  { FORWARD_TRAINING, VIEW_BETA },
                  { FORWARD_INFERENCE, VIEW_GAMMA },
                  { FORWARD_INFERENCE, VIEW_BETA },
                  { FORWARD_INFERENCE, VIEW_RUNNING_MEAN },
                  { FORWARD_INFERENCE, VIEW_RUNNING_VAR },
                  { BACKWARD, VIEW_GAMMA },
                  { BACKWARD, VIEW_SAVE_MEAN },
                  { BACKWARD, VIEW_SAVE_INVSTD },
                  { BACKWARD_FROZEN, VIEW_GAMMA },
                  { BACKWARD_FROZEN, VIEW_RUNNING_VAR },
                  { NORMALIZE, VIEW_STATISTICS },
                  { BACKWARD_INPUT, VIEW_SUMS_RECORDS } };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            check_input(_i, &shapes[s], cases[i].operation, cases[i].input, 0x7fffffff);
            check_input(_i, &shapes[s], cases[i].operation, cases[i].input, 0xffffffff);
        }
}
END_TEST

/* Vectors of bfloat16 need not be in order, where there are no tensors but x and y, or x, dy and dx: what is computed with them must
 * be in the same order. */
START_TEST(elements_meet_the_coefficients_of_their_channels)
{
    static const struct shape shapes[] = {
        { 3, 1, { 3, 5, 103 } }, { 4, 1, { 9, 35, 7, 7 } }, { 2, 1, { 37, 35 } }, { 2, 1, { 16397, 16 } }
    };
    static const enum operation operations[] = { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
            struct problem problem = problem_random(&shapes[s], CLBN_BFLOAT16, 1e-5, 1);
            struct call call = call_of(operations[i]);
            call.views &= ~(WITH(VIEW_Z) | WITH(VIEW_MASK) | WITH(VIEW_DZ));
            verify_call(_i, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage");
    TCase *cases = tcase_create("16-bit types");
    add_test_of_configs(cases, every_number_is_read_and_written_as_it_is, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, results_are_rounded_to_the_nearest_and_ties_to_even, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, overflow_becomes_infinity, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, nan_stays_nan_whatever_its_bits, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, an_inputs_nan_stays_nan_whatever_its_bits, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, elements_meet_the_coefficients_of_their_channels, PLAIN_ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
