/* SPDX-License-Identifier: MIT */
/* Contests, on machines that are made up: what is clearly faster wins, and noise does not. */
#include "random_numbers.h"
#include "schedule/contest.h"
#include "suite_runner.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_WAYS = 64 };

/* A machine on which each way takes its time, and more when it is disturbed. */
struct machine {
    struct random random;
    size_t count;
    double seconds[MAX_WAYS];
    double jitter;     /* up to so much more, of any call */
    double disturbed;  /* of so many calls ... */
    double disturbing; /* ... each takes so many times as long */
    double second;     /* every other call takes so many times as long; 0: as any */
    double first;      /* seconds that the first call of each way takes besides */
    unsigned calls[MAX_WAYS];
    unsigned all_calls;
    unsigned failing_call; /* 0: none fails */
};

static bool time_way(void *context, size_t way, double *seconds)
{
    struct machine *m = context;
    ck_assert_uint_lt(way, m->count);
    *seconds = m->seconds[way] * (1 + m->jitter * random_uniform(&m->random));
    if (random_uniform(&m->random) < m->disturbed)
        *seconds *= m->disturbing;
    if (m->all_calls % 2 == 1 && m->second > 0)
        *seconds *= m->second;
    if (m->calls[way]++ == 0)
        *seconds += m->first;
    return ++m->all_calls != m->failing_call;
}

/* Of count ways that all take a millisecond. */
static struct machine machine_of(size_t count, uint64_t seed)
{
    struct machine m = { .random = { seed }, .count = count };
    for (size_t i = 0; i < count; i++)
        m.seconds[i] = 1e-3;
    return m;
}

static struct verdict hold(struct machine *m, double seconds)
{
    const struct contest contest = { m->count, seconds, time_way, m };
    struct verdict verdict = { 99, 0, 0, 0 };
    ck_assert(bn_hold_contest(&contest, &verdict));
    ck_assert_uint_lt(verdict.way, verdict.timed);
    ck_assert_uint_le(verdict.timed, m->count);
    ck_assert(verdict.best_seconds > 0 && verdict.best_seconds <= verdict.usual_seconds);
    return verdict;
}

START_TEST(the_fastest_is_found)
{
    struct machine m = machine_of(20, 1);
    m.seconds[7] = 0.8e-3;
    m.seconds[13] = 0.5e-3;
    m.seconds[19] = 0.6e-3;
    struct verdict verdict = hold(&m, 10);
    ck_assert_uint_eq(verdict.way, 13);
    ck_assert_uint_eq(verdict.timed, 20);
    ck_assert_double_eq_tol(verdict.usual_seconds, 1e-3, 1e-12);
    ck_assert_double_eq_tol(verdict.best_seconds, 0.5e-3, 1e-12);
}
END_TEST

START_TEST(a_small_gain_is_left)
{
    struct machine m = machine_of(3, 1);
    m.seconds[1] = 1e-3 / 1.049;
    ck_assert_uint_eq(hold(&m, 10).way, 0);
    m.seconds[1] = 1e-3 / 1.051;
    ck_assert_uint_eq(hold(&m, 10).way, 1);
}
END_TEST

/* Two ways on a machine whose speed changes: the other way is faster in 15 of 20 pairs, most of them slow ones, and much slower in
 * the rest. */
static bool time_on_changing_machine(void *context, size_t way, double *seconds)
{
    enum { TRIALS = 8 }; /* before pairs begin */
    static const struct {
        unsigned pairs;
        double usual, other;
    } phases[] = { { 5, 0.5, 20 }, { 6, 1, 0.9 }, { 9, 10, 9 } };
    unsigned *calls = context, pair = *calls < TRIALS ? 5 : (*calls - TRIALS) / 2, phase = 0;
    ++*calls;
    while (phase < 2 && pair >= phases[phase].pairs)
        pair -= phases[phase++].pairs;
    *seconds = way == 0 ? phases[phase].usual : phases[phase].other;
    return true;
}

START_TEST(a_way_whose_median_is_slower_is_left)
{
    unsigned calls = 0;
    const struct contest contest = { 2, 1e6, time_on_changing_machine, &calls };
    struct verdict verdict = { 99, 0, 0, 0 };
    ck_assert(bn_hold_contest(&contest, &verdict));
    ck_assert_uint_eq(calls, 8 + 2 * CONTEST_PAIRS);
    ck_assert_uint_eq(verdict.way, 0);
    ck_assert_double_eq(verdict.best_seconds, verdict.usual_seconds);
}
END_TEST

START_TEST(one_way_has_nobody_to_meet)
{
    struct machine m = machine_of(1, 1);
    ck_assert_uint_eq(hold(&m, 1e-9).way, 0);
    ck_assert_uint_eq(m.all_calls, 4);
}
END_TEST

/* Of equal ways, each of three finalists is taken if 15 of 20 pairs are for it: at even odds, 2 % of the time. */
START_TEST(noise_does_not_choose)
{
    enum { CONTESTS = 1000 };
    static const struct {
        double jitter, disturbed, disturbing;
    } noises[] = { { 0.02, 0, 1 }, { 0.3, 0, 1 }, { 0.05, 0.3, 3 }, { 0.5, 0.5, 10 } };
    for (size_t i = 0; i < sizeof noises / sizeof *noises; i++) {
        unsigned chosen = 0;
        for (unsigned seed = 0; seed < CONTESTS; seed++) {
            struct machine m = machine_of(30, seed);
            m.jitter = noises[i].jitter;
            m.disturbed = noises[i].disturbed;
            m.disturbing = noises[i].disturbing;
            chosen += hold(&m, 10).way != 0;
        }
        printf("noise %zu: %u of %d contests chose\n", i, chosen, CONTESTS);
        ck_assert_uint_lt(chosen, CONTESTS * 6 / 100);
    }
}
END_TEST

START_TEST(a_real_gain_is_found_on_a_busy_machine)
{
    enum { CONTESTS = 500 };
    unsigned found = 0;
    for (unsigned seed = 0; seed < CONTESTS; seed++) {
        struct machine m = machine_of(30, seed);
        m.jitter = 0.1;
        m.disturbed = 0.1;
        m.disturbing = 3;
        m.seconds[17] = 0.7e-3;
        found += hold(&m, 10).way == 17;
    }
    printf("%u of %d contests found it\n", found, CONTESTS);
    ck_assert_uint_gt(found, CONTESTS * 9 / 10);
}
END_TEST

/* The second call of each pair finds in the caches what the first has left there. */
START_TEST(the_order_of_a_pair_does_not_choose)
{
    struct machine m = machine_of(2, 1);
    m.second = 0.8;
    m.seconds[1] = 0.999e-3;
    ck_assert_uint_eq(hold(&m, 10).way, 0);
    m.seconds[1] = 0.7e-3;
    ck_assert_uint_eq(hold(&m, 10).way, 1);
}
END_TEST

START_TEST(compilation_does_not_count)
{
    struct machine m = machine_of(10, 1);
    m.first = 5;
    m.seconds[9] = 0.5e-3;
    ck_assert_uint_eq(hold(&m, 1).way, 9);
}
END_TEST

/* 60 ways of 10 ms, 3 times each, in half a second: 17 are tried, and the best of them wins. */
START_TEST(the_time_is_kept)
{
    struct machine m = machine_of(60, 1);
    for (size_t i = 0; i < m.count; i++)
        m.seconds[i] = 10e-3;
    m.seconds[5] = 5e-3;
    m.seconds[40] = 1e-3;
    struct verdict verdict = hold(&m, 1);
    ck_assert_uint_eq(verdict.way, 5);
    ck_assert_uint_ge(verdict.timed, 15);
    ck_assert_uint_le(verdict.timed, 20);
    ck_assert_uint_eq(m.calls[40], 0);
}
END_TEST

START_TEST(the_usual_way_is_timed_in_no_time)
{
    struct machine m = machine_of(10, 1);
    struct verdict verdict = hold(&m, 0);
    ck_assert_uint_eq(verdict.way, 0);
    ck_assert_uint_eq(verdict.timed, 1);
}
END_TEST

START_TEST(each_failure_ends_the_contest)
{
    struct machine whole = machine_of(5, 1);
    whole.seconds[3] = 0.5e-3;
    hold(&whole, 1);
    for (unsigned call = 1; call <= whole.all_calls; call++) {
        struct machine m = machine_of(5, 1);
        const struct contest contest = { m.count, 1, time_way, &m };
        struct verdict verdict;
        m.seconds[3] = 0.5e-3;
        m.failing_call = call;
        ck_assert(!bn_hold_contest(&contest, &verdict));
        ck_assert_uint_eq(m.all_calls, call);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: contests");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, the_fastest_is_found);
    tcase_add_test(cases, a_small_gain_is_left);
    tcase_add_test(cases, a_way_whose_median_is_slower_is_left);
    tcase_add_test(cases, one_way_has_nobody_to_meet);
    tcase_add_test(cases, noise_does_not_choose);
    tcase_add_test(cases, a_real_gain_is_found_on_a_busy_machine);
    tcase_add_test(cases, the_order_of_a_pair_does_not_choose);
    tcase_add_test(cases, compilation_does_not_count);
    tcase_add_test(cases, the_time_is_kept);
    tcase_add_test(cases, the_usual_way_is_timed_in_no_time);
    tcase_add_test(cases, each_failure_ends_the_contest);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
