/* SPDX-License-Identifier: MIT */
/* Results that go past the cache, of calls with all that they can have, against the reference. */
#define _POSIX_C_SOURCE 200809L
#include "divisions.h"
#include "harness.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

enum { TEXT_SIZE = 200, DIVISIONS = 2 };

/* Aligned, so that all of it can go there from the start of a buffer: images, some of them pages apart; long rows; rows of channels,
 * of less than a page and more, and several walked as one. And images that are not. */
static const struct shape shapes[] = { { 3, 1, { 9, 48, 7 } },     { 3, 1, { 11, 64, 16 } }, { 4, 1, { 3, 5, 32, 16 } },
                                       { 4, 3, { 2, 5, 7, 304 } }, { 2, 1, { 13, 1040 } },   { 2, 1, { 41, 1024 } },
                                       { 2, 1, { 1001, 24 } },     { 3, 1, { 9, 35, 7 } } };

static const clbn_type types[] = { CLBN_FLOAT32, CLBN_BFLOAT16 };

static void check_calls(const struct problem *problem)
{
    static const enum operation operations[] = { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD, BACKWARD_FROZEN };
    static const unsigned extras[] = { 0, WITH_RESIDUAL, WITH(VIEW_MASK), WITH_EXTRAS };
    static const size_t offsets[] = { 16, 14, 10, 15, 12 }; /* with each, some views are aligned and others not */
    for (int i = 0; i < COUNT_OF(operations); i++)
        for (int j = 0; j < COUNT_OF(extras); j++)
            for (enum source source = FROM_X; source <= (is_backward(operations[i]) ? FROM_MASK : FROM_X); source++) {
                struct call call = call_of(operations[i]);
                call.views |= extras[j];
                call.source = source;
                verify_call(0, problem, &call);
                for (int k = 0; k < COUNT_OF(offsets) && extras[j] == WITH_EXTRAS && problem->type == CLBN_FLOAT32; k++) {
                    call.host = k % 2 == 1 ? WITH_ALL : 0;
                    call.shift = k % 2 == 1 ? offsets[k] : 0;
                    call.shifts_differ = k % 2 == 1;
                    call.offset = k % 2 == 0 ? offsets[k] : 0;
                    verify_call(0, problem, &call);
                }
            }
}

/* Whether plans that are created now write their results past the cache. */
static bool goes_past_cache(const struct problem *problem)
{
    const struct call call = call_of(FORWARD_TRAINING);
    struct run run = run_prepare(test_engine(0), problem, &call);
    char text[TEXT_SIZE];
    expect_success(clbnGetPlanInfo(run.plan, CLBN_PLAN_FORWARD_DIVISION, sizeof text, text, NULL));
    run_release(&run);
    return strstr(text, "past the cache") != NULL;
}

static int check_divisions(const struct problem *problem)
{
    const struct call call = call_of(FORWARD_TRAINING);
    struct run usual = run_prepare(test_engine(0), problem, &call);
    const size_t count = count_divisions(usual.plan);
    int checked = 0;
    for (size_t number = 0; number < count && checked < DIVISIONS; number++) {
        choose_division(usual.plan, number);
        if (!goes_past_cache(problem))
            continue;
        check_calls(problem);
        checked++;
    }
    choose_division(usual.plan, 0);
    run_release(&usual);
    return checked;
}

START_TEST(all_results_are_as_near)
{
    for (int t = 0; t < COUNT_OF(types); t++) {
        struct problem problem = problem_random(&shapes[_i], types[t], 1e-5, (uint64_t)_i);
        problem.activation = activation_of(CLBN_ACTIVATION_RELU);
        ck_assert_int_gt(check_divisions(&problem), 0);
        problem_free(&problem);
    }
}
END_TEST

int main(void)
{
    setenv("CLBN_CACHE_DIR", "", 1);
    Suite *suite = suite_create("past the cache");
    TCase *cases = tcase_create("ReLU");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, all_results_are_as_near, 0, COUNT_OF(shapes));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
