/* SPDX-License-Identifier: MIT */
/*
 * Memory of the caller's that begins anywhere: OpenCL aligns what it allocates to its largest type, but a buffer over the host's
 * memory begins where the caller's pointer says, a part of it likewise, and a view of shared virtual memory, too. Every operation,
 * type and layout, with vectors and with groups, at every alignment that an element may have.
 */
#include "harness.h"
#include "svm.h"
#include "verify.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/*
 * Of both layouts: what the kernels that keep channels on chip take in whole vectors, in halves and not at all (channels last, in
 * whole vectors or not at all); images; rows of several vectors; rows of channels walked several as one.
 */
static const struct shape shapes[] = {
    { 4, 1, { 3, 5, 4, 16 } }, { 4, 1, { 9, 5, 2, 6 } }, { 4, 1, { 3, 20, 7, 7 } }, { 3, 1, { 2, 3, 200 } },
    { 4, 3, { 2, 5, 3, 16 } }, { 2, 1, { 9, 112 } },     { 4, 3, { 2, 3, 5, 17 } }, { 2, 1, { 101, 8 } },
};

/* Bytes of the vectors that groups access; alignments beyond it are tried by doubling. */
enum { GROUP_VECTOR = 16, GREATEST_SHIFT = 64 };

static size_t next_shift(size_t shift, size_t element)
{
    return (shift + 1) * element <= GROUP_VECTOR ? shift + 1 : 2 * shift;
}

enum { KINDS_OF_MEMORY = 3 };

static void put_views(struct call *call, size_t kind, unsigned views)
{
    call->svm = kind == 0 && device_has_svm() ? views : 0;
    call->host = call->svm != 0 ? 0 : views;
    call->sub_buffers = kind == 1;
}

static enum source last_source(enum operation operation, const struct problem *problem)
{
    return is_backward(operation) && activation_has_mask(&problem->activation) ? FROM_MASK : FROM_X;
}

/* The rest of a call varies, so that all of it meets each alignment. */
static struct call varied_operation(enum operation operation, const struct problem *problem, size_t variation)
{
    struct call call = call_of(operation);
    call.views |= variation % 3 == 0 ? 0 : WITH_EXTRAS;
    call.views &= operation == BACKWARD && variation % 4 < 2 ? ~WITH_SAVED : WITH_ALL;
    call.in_place = variation % 5 == 0;
    call.own_workspace = variation % 2 == 0;
    call.shifts_differ = variation % 4 == 3;
    call.offset = variation % 7 == 6 ? 1 : 0;
    call.source = (enum source)(variation % (last_source(operation, problem) + 1u));
    return call;
}

static void check_shifts(int config, const struct problem *problem, size_t number)
{
    const size_t element = element_size(problem->type);
    size_t variation = 0;
    for (size_t shift = 1; shift * element <= GREATEST_SHIFT; shift = next_shift(shift, element))
        for (size_t kind = 0; kind < KINDS_OF_MEMORY; kind++)
            for (enum operation operation = 0; operation < OPERATIONS; operation++) {
                struct call call = varied_operation(operation, problem, variation);
                if (!is_drawn(number + variation++, 5))
                    continue;
                call.shift = shift;
                put_views(&call, kind, WITH_ALL | WITH_WORKSPACE);
                verify_call(config, problem, &call);
            }
}

/* One view is unaligned and the others are not: none may be left out where kernels are chosen. */
static void check_single_views(int config, const struct problem *problem, size_t number)
{
    size_t variation = 0;
    for (enum operation operation = 0; operation < OPERATIONS; operation++)
        for (enum view view = 0; view < VIEWS; view++)
            for (enum source source = FROM_X; source <= last_source(operation, problem); source++) {
                struct call call = call_of(operation);
                call.views |= WITH_EXTRAS;
                call.views &= operation == BACKWARD && variation % 2 == 0 ? ~WITH_SAVED : WITH_ALL;
                call.source = source;
                call.shift = 1;
                put_views(&call, variation % KINDS_OF_MEMORY, WITH(view));
                if (is_drawn(number + variation++, 5))
                    verify_call(config, problem, &call);
            }
}

/* Of each configuration, all types in turn. */
static void check_types(int config, void (*check)(int config, const struct problem *problem, size_t number))
{
    clbn_type types[MAX_STORED_TYPES];
    const int count = stored_types(config, types);
    for (int t = 0; t < count; t++)
        for (size_t s = 0; s < COUNT_OF(shapes); s++) {
            struct problem problem = problem_random(&shapes[s], types[t], 1e-5, s);
            problem.activation = activation_of(tested_activation(config, types[t], CLBN_ACTIVATION_RELU));
            check(config, &problem, s + COUNT_OF(shapes) * (size_t)t + (size_t)config);
            problem_free(&problem);
        }
}

/* What differs in the others is arithmetic and indices. */
static bool knows_all_types(int config)
{
    return config < PLAIN_ENGINE_CONFIGS || (is_full_run() && engine_configs[config].flags == CLBN_ENGINE_SPLIT);
}

START_TEST(memory_may_begin_at_any_element)
{
    if (knows_all_types(_i))
        check_types(_i, check_shifts);
}
END_TEST

START_TEST(a_single_view_may_begin_at_any_element)
{
    check_types(_i, check_single_views);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alignment");
    TCase *cases = tcase_create("alignment");
    tcase_set_timeout(cases, 0);
    add_test_of_configs(cases, memory_may_begin_at_any_element, ENGINE_CONFIGS);
    add_test_of_configs(cases, a_single_view_may_begin_at_any_element, PLAIN_ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
