/* SPDX-License-Identifier: MIT */
/* Parameters of 16 bits, against the reference: what is read is exact, what is written is rounded once more. */
#include "verify.h"

#include "harness.h"

/* Rows with a tail, and an odd number of channels side by side. */
static const struct shape shapes[] = { { 3, 1, { 6, 5, 37 } }, { 2, 1, { 96, 19 } } };

/* Each geometry has each type in tensors and in parameters; the short run takes the first ones. */
static const struct {
    clbn_type tensors, parameters;
    int config, shape;
} kinds[] = {
    { CLBN_FLOAT32, CLBN_FLOAT16, 0, 1 },   { CLBN_BFLOAT16, CLBN_BFLOAT16, 1, 0 }, { CLBN_FLOAT16, CLBN_FLOAT16, 0, 0 },
    { CLBN_BFLOAT16, CLBN_BFLOAT16, 0, 1 }, { CLBN_FLOAT32, CLBN_BFLOAT16, 1, 1 },  { CLBN_FLOAT16, CLBN_FLOAT16, 1, 0 },
};
enum { SHORT_KINDS = 2, KINDS = sizeof kinds / sizeof *kinds };

static void check(int kind, struct call call)
{
    struct problem problem = problem_random(&shapes[kinds[kind].shape], kinds[kind].tensors, 1e-5, (uint64_t)kind);
    problem_store_parameters(&problem, kinds[kind].parameters);
    call.offset = (size_t)kind;
    verify_call(kinds[kind].config, &problem, &call);
    problem_free(&problem);
}

START_TEST(calls_agree)
{
    static const enum operation operations[] = { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD, BACKWARD_FROZEN, FOLD,
                                                 MERGE_STATISTICS, BACKWARD_INPUT };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        check(_i, call_of(operations[i]));
}
END_TEST

START_TEST(gradients_are_added)
{
    struct call call = call_of(BACKWARD);
    accumulate(&call);
    check(_i, call);
}
END_TEST

/* With the weight 1 for the new batch, running statistics are the batch's, rounded; with 0 they keep their bits. */
START_TEST(running_statistics_are_replaced_or_kept)
{
    struct call call = call_of(FORWARD_TRAINING);
    call.update_factor = 1;
    check(_i, call);
    call.update_factor = 0;
    check(_i, call);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parameter types");
    const int count = is_full_run() ? KINDS : SHORT_KINDS;
    TCase *cases = tcase_create("against the reference");
    tcase_add_loop_test(cases, calls_agree, 0, count);
    tcase_add_loop_test(cases, gradients_are_added, 0, count);
    tcase_add_loop_test(cases, running_statistics_are_replaced_or_kept, 0, count);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
