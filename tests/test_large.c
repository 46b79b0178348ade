/* SPDX-License-Identifier: MIT */
/*
 * Tensors whose elements 32 bits cannot count. They take gigabytes or many seconds, and are tested with CLBN_TEST_LARGE=1 in
 * the environment.
 */
#include "allocate.h"
#include "compare.h"
#include "harness.h"
#include "random_numbers.h"
#include "verify.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_wanted(const char *what)
{
    bool wanted = getenv("CLBN_TEST_LARGE") != NULL;
    if (!wanted)
        printf("%s is not tested: CLBN_TEST_LARGE is not set\n", what);
    return wanted;
}

/* ---- Many elements, few of them in memory --------------------------------------------------------------------------------- */

/* Images that are all the same one have its statistics: m is 5e9. */
static const struct shape image = { 3, 1, { 1, 2, 50000 } };
enum { IMAGES = 100000 };

static clbn_plan create_repeating_plan(int config)
{
    clbn_plan_desc desc = plan_description(&image, CLBN_FLOAT32, 1e-5);
    desc.shape[0] = IMAGES;
    desc.x_layout.has_strides = CL_TRUE;
    desc.x_layout.strides[1] = (ptrdiff_t)image.lengths[2];
    desc.x_layout.strides[2] = 1;
    return create_described_plan(test_engine(config), &desc);
}

static void check_repeated_statistics(struct run *run)
{
    const struct problem *problem = run->problem;
    size_t channels = shape_channels(&problem->shape);
    const double *record = run_output(run, VIEW_STATISTICS);
    struct expected mean = problem->statistics.mean, variance = problem->statistics.variance;
    double m = (double)IMAGES * (double)shape_values_per_channel(&problem->shape);
    for (size_t c = 0; c < channels; c++) {
        double m2 = record[4 * channels + c] + record[5 * channels + c];
        double computed[] = { record[2 * channels + c] + record[3 * channels + c], m2 / m };
        ck_assert_msg(record[c] + record[channels + c] >= m && record[c] + record[channels + c] <= m, "%s: count is %g",
                      what_is_tested(), record[c] + record[channels + c]);
        struct expected one = { 1, mean.value + c, mean.magnitude + c, mean.bound + c };
        expect_within_bounds(QUANTITY_MEAN, CLBN_FLOAT32, &computed[0], &one);
        struct expected other = { 1, variance.value + c, variance.magnitude + c, variance.bound + c };
        expect_within_bounds(QUANTITY_VARIANCE, CLBN_FLOAT32, &computed[1], &other);
    }
}

START_TEST(five_thousand_million_values_are_counted)
{
    if (!is_wanted("a channel of 5e9 values"))
        return;
    struct problem problem = problem_random(&image, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(STATISTICS);
    struct run run = run_prepare(test_engine(_i), &problem, &call);
    testing("%s, a channel of 5e9 values", engine_configs[_i].name);
    expect_success(clbnReleasePlan(run.plan));
    run.plan = create_repeating_plan(_i);
    run_now(&run);
    check_repeated_statistics(&run);
    run_release(&run);
    problem_free(&problem);
}
END_TEST

/* ---- Many elements in memory ---------------------------------------------------------------------------------------------- */

enum { CHANNELS = 4, COLUMNS = 65536, PATTERN = 64, SAMPLES = 2000 };

/* As many as the device can have in one buffer, up to some more than 2^31; 0 if those are too few to be large. */
static size_t large_batch(void)
{
    const size_t row = CHANNELS * COLUMNS, wanted = ((size_t)1 << 31) / row + 3;
    cl_ulong bytes = 0;
    expect_success(clGetDeviceInfo(test_device(), CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof bytes, &bytes, NULL));
    size_t most = (size_t)(bytes / 2 / row);
    size_t batch = most < wanted ? most : wanted;
    return batch * row > INT32_MAX ? batch : 0;
}

static double pattern_value(size_t element)
{
    return ((double)(element % PATTERN) - 20) / 8;
}

static cl_mem create_pattern(size_t elements)
{
    cl_int status = CL_SUCCESS;
    unsigned char pattern[PATTERN * 2];
    for (size_t i = 0; i < PATTERN; i++)
        encode_element(CLBN_FLOAT16, pattern_value(i), pattern + 2 * i);
    cl_mem buffer = clCreateBuffer(test_context(), CL_MEM_READ_WRITE, 2 * elements, NULL, &status);
    if (status == CL_SUCCESS)
        status = clEnqueueFillBuffer(in_order_queue(), buffer, pattern, sizeof pattern, 0, 2 * elements, 0, NULL, NULL);
    expect_success(status);
    return buffer;
}

/* gamma is a power of two, and the variance 1: products are exact. */
static void check_element(cl_mem buffer, size_t element, const double *gamma)
{
    unsigned char bytes[2];
    expect_success(clEnqueueReadBuffer(in_order_queue(), buffer, CL_TRUE, 2 * element, 2, bytes, 0, NULL, NULL));
    double expected = pattern_value(element) * gamma[element / COLUMNS % CHANNELS],
           actual = decode_element(CLBN_FLOAT16, bytes);
    ck_assert_msg(actual >= expected && actual <= expected, "%s: dx[%zu] is %g, not %g", what_is_tested(), element, actual,
                  expected);
}

static struct guarded parameters(const double *values)
{
    const struct placement placement = { .offset = 0 };
    return guarded_create(CLBN_FLOAT32, CHANNELS, placement, values);
}

/* dx = gamma dy, over dy. */
static void multiply_in_place(int config, cl_mem buffer, size_t batch, const double *gamma_values)
{
    static const double ones[CHANNELS] = { 1, 1, 1, 1 };
    const struct shape shape = { 3, 1, { batch, CHANNELS, COLUMNS } };
    clbn_plan plan = create_plan(test_engine(config), &shape, CLBN_FLOAT16, 0);
    struct guarded gamma = parameters(gamma_values), variance = parameters(ones);
    clbn_backward_frozen_args args = CLBN_BACKWARD_FROZEN_ARGS_INIT;
    cl_event event = NULL;
    args.dy.buffer = args.dx.buffer = buffer;
    args.gamma = gamma.view;
    args.running_var = variance.view;
    expect_success(clbnEnqueueBackwardFrozen(plan, in_order_queue(), &args, 0, NULL, &event));
    run_wait(event);
    guarded_release(&gamma);
    guarded_release(&variance);
    expect_success(clbnReleasePlan(plan));
}

START_TEST(each_of_two_thousand_million_elements_is_found)
{
    static const double gamma[CHANNELS] = { 2, -1, 0.5, 4 };
    size_t batch = large_batch();
    struct random random = { 1 };
    if (!is_wanted("a tensor of 2^31 elements"))
        return;
    if (batch == 0) {
        printf("a tensor of 2^31 elements is not tested: the device has no buffers of that size\n");
        return;
    }
    size_t elements = batch * CHANNELS * COLUMNS;
    cl_mem buffer = create_pattern(elements);
    testing("%s, %zu elements", engine_configs[_i].name, elements);
    multiply_in_place(_i, buffer, batch, gamma);
    for (size_t i = 0; i < SAMPLES; i++) {
        check_element(buffer, i, gamma);
        check_element(buffer, elements - 1 - i, gamma);
        check_element(buffer, random_below(&random, elements), gamma);
    }
    clReleaseMemObject(buffer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("large");
    TCase *cases = tcase_create("64-bit indices");
    add_test_of_configs(cases, five_thousand_million_values_are_counted, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, each_of_two_thousand_million_elements_is_found, PLAIN_ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
