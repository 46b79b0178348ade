/* SPDX-License-Identifier: MIT */
/* Kernel objects: lent to one call at a time. */
#define _POSIX_C_SOURCE 200809L
#include "harness.h"
#include "interpose.h"
#include "lending.h"
#include "verify.h"

#include <stdlib.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* As in host/program/program.c. */
enum { KEPT = 16 };

static const struct shape rows = { 4, 1, { 4, 3, 9, 7 } };
static const struct shape other_rows = { 3, 1, { 5, 64, 201 } };
static const struct shape columns = { 2, 1, { 150, 5 } };
static const struct shape other_columns = { 4, 3, { 2, 7, 7, 35 } };

static clbn_engine new_engine(void)
{
    cl_int status = CL_SUCCESS;
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    expect_success(status);
    return engine;
}

START_TEST(each_lent_kernel_is_another)
{
    test_context();
    struct live_objects before = count_live_objects();
    clbn_engine engine = new_engine();
    clbn_plan plan = create_plan(engine, &rows, CLBN_FLOAT32, 1e-5);
    const long kernels = count_live_objects().count[OBJECT_KERNEL];
    for (size_t count = KEPT + 3; count > 0; count -= 6) {
        const struct lending lending = lend_kernels(plan, count);
        expect_success(lending.status);
        ck_assert_uint_eq(lending.distinct, count);
        ck_assert_uint_eq(lending.kept, count < KEPT ? count : KEPT);
        ck_assert_int_eq(count_live_objects().count[OBJECT_KERNEL], kernels + KEPT);
        if (count < 6)
            break;
    }
    expect_success(clbnReleasePlan(plan));
    expect_success(clbnReleaseEngine(engine));
    expect_live_objects(&before);
}
END_TEST

/* One that could not be created is created when it is lent again. */
START_TEST(a_kernel_that_failed_is_lent_again)
{
    test_context();
    struct live_objects before = count_live_objects();
    clbn_engine engine = new_engine();
    clbn_plan plan = create_plan(engine, &rows, CLBN_FLOAT32, 1e-5);
    fail_call_number(2, "clCreateKernel", FAILS_ONCE);
    ck_assert_int_eq(lend_kernels(plan, 3).status, INJECTED_STATUS);
    ck_assert_ptr_nonnull(stop_failing());
    const struct lending lending = lend_kernels(plan, KEPT);
    expect_success(lending.status);
    ck_assert_uint_eq(lending.distinct, KEPT);
    ck_assert_uint_eq(lending.kept, KEPT);
    expect_success(clbnReleasePlan(plan));
    expect_success(clbnReleaseEngine(engine));
    expect_live_objects(&before);
}
END_TEST

/* Calls whose arguments differ in the shape, the offsets, or a number only. */
START_TEST(calls_that_alternate_have_their_own_arguments)
{
    static const struct {
        const struct shape *shape;
        double epsilon, factor;
        size_t offset;
    } cases[] = { { &rows, 1e-5, 0.1, 0 },    { &other_rows, 1e-5, 0.1, 0 },   { &rows, 1e-2, 0.1, 0 },
                  { &rows, 1e-2, 0.75, 0 },   { &rows, 1e-2, 0.75, 5 },        { &columns, 1e-5, 0.1, 0 },
                  { &columns, 1e-2, 0.5, 3 }, { &other_columns, 1e-2, 0.5, 3 } };
    for (int i = 0; i < 3 * COUNT_OF(cases); i++)
        for (enum operation operation = FORWARD_TRAINING; operation <= BACKWARD_FROZEN; operation++) {
            const int number = i * 3 % COUNT_OF(cases); /* in another order than they are listed */
            struct problem problem = problem_random(cases[number].shape, CLBN_FLOAT32, cases[number].epsilon, (uint64_t)i);
            struct call call = call_of(operation);
            call.update_factor = cases[number].factor;
            call.offset = cases[number].offset;
            verify_call(0, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

int main(void)
{
    setenv("CLBN_CACHE_DIR", "", 1);
    Suite *suite = suite_create("kernel objects");
    TCase *cases = tcase_create("on a device");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, each_lent_kernel_is_another);
    tcase_add_test(cases, a_kernel_that_failed_is_lent_again);
    tcase_add_test(cases, calls_that_alternate_have_their_own_arguments);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
