/* SPDX-License-Identifier: MIT */
/*
 * Data that repeat, whose roundings in a sum all go the same way, and data of heavy tails: the worst errors of each kind, which
 * are printed, within the bounds of the arithmetic.
 */
#include "compare.h"
#include "hard_data.h"
#include "harness.h"
#include "verify.h"

#include <stdio.h>

/* Both layouts, of many rows and few; a row too short for a vector, and a single channel. */
static const struct shape shapes[] = { { 3, 1, { 32, 3, 3136 } }, { 3, 1, { 64, 34, 49 } }, { 2, 0, { 2, 100000 } },
                                       { 2, 1, { 100000, 3 } },   { 2, 1, { 60000, 32 } },  { 2, 1, { 250, 512 } } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void check_kind(size_t kind, clbn_type type)
{
    struct call forward = call_of(FORWARD_TRAINING);
    forward.update_factor = 1;
    forward.running_variance = CLBN_BIASED;
    const struct call backward = call_of(BACKWARD);
    for (size_t s = 0; s < SHAPES; s++) {
        struct problem problem = problem_hard(&shapes[s], type, kind);
        for (int config = 0; config < PLAIN_ENGINE_CONFIGS; config++) {
            verify_call(config, &problem, &forward);
            verify_call(config, &problem, &backward);
        }
        problem_free(&problem);
    }
}

START_TEST(errors_stay_within_bounds)
{
    clbn_type types[MAX_TYPES];
    const int type_count = device_types(types);
    for (int t = 0; t < type_count; t++)
        check_kind((size_t)_i, types[t]);
    printf("%s:\n", hard_data_name((size_t)_i));
    print_worst_errors();
    forget_worst_errors();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hard data");
    TCase *tcase = tcase_create("hard data");
    tcase_add_loop_test(tcase, errors_stay_within_bounds, 0, HARD_DATA_KINDS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
