/* SPDX-License-Identifier: MIT */
/* Candidates for tuning, and choices that anybody may have written: each schedule is sound, and meets every element once. */
#include "schedule/candidates.h"
#include "schedule_checks.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS = 1000, WALKS = 1000, CHOICES = 400000 };

static bool same_schedule(const struct schedule *a, const struct schedule *b)
{
    return a->strategy == b->strategy && a->nontemporal_tensors == b->nontemporal_tensors && a->tiles == b->tiles &&
           memcmp(&a->division, &b->division, sizeof a->division) == 0 && memcmp(&a->tiling, &b->tiling, sizeof a->tiling) == 0;
}

static bool same_schedules(const struct candidate *a, const struct candidate *b)
{
    for (enum pass pass = 0; pass < PASSES; pass++)
        if (!same_schedule(&a->schedules[pass], &b->schedules[pass]))
            return false;
    return true;
}

static size_t list_candidates(const struct plan_of_work *work, struct candidate *list)
{
    const struct problem problem = problem_of(work);
    return bn_list_candidates(&problem, list);
}

static bool make_chosen(struct plan_of_work *work, const struct choices *choices)
{
    const struct problem problem = problem_of(work);
    bool made = bn_make_chosen_schedule(&problem, choices, work->pass, &work->schedule);
    describe(work);
    return made;
}

/* Not more than a tensor, or than it takes anyway. */
static void check_workspace(const struct plan_of_work *work, size_t usual_size)
{
    const size_t size = work->schedule.workspace_size;
    expect(work, size <= usual_size || size <= work->shape.elements * bn_type_size(work->variant.type), "a frugal workspace");
}

/* The usual one first, none twice, and each is had again from its choices. */
static void check_list(const struct plan_of_work *work, const struct candidate *list, size_t count)
{
    expect(work, count >= 1 && count < MAX_CANDIDATES, "there are candidates, and room for more");
    expect(work, memcmp(&list[0].choices, &usual_choices, sizeof usual_choices) == 0, "nothing is chosen for the first");
    expect(work, same_schedule(&list[0].schedules[work->pass], &work->schedule), "the first is the usual one");
    for (size_t i = 0; i < count; i++) {
        const struct schedule *made = &list[i].schedules[work->pass];
        struct plan_of_work again = *work;
        for (size_t j = 0; j < i; j++)
            expect(work, !same_schedules(&list[i], &list[j]), "no candidate is there twice");
        expect(work, make_chosen(&again, &list[i].choices), "the choices are legal");
        expect(work, memcmp(&again.schedule, made, sizeof again.schedule) == 0, "they make the same schedule");
        expect(work, made->mask_size == work->schedule.mask_size, "the mask stays as it is");
        expect(work, !bn_has_mask(work->variant.activation) || made->division.folded == work->schedule.division.folded,
               "rows are folded, or not, as the mask has them");
    }
}

START_TEST(candidates_of_any_size_are_sound)
{
    struct random random = { 3 };
    for (int i = 0; i < PROBLEMS; i++) {
        struct plan_of_work work;
        struct candidate list[MAX_CANDIDATES];
        random_work(&random, SIZE_MAX / 16, &work);
        size_t count = list_candidates(&work, list);
        check_list(&work, list, count);
        for (size_t c = 0; c < count; c++) {
            struct plan_of_work candidate = work;
            candidate.schedule = list[c].schedules[work.pass];
            describe(&candidate);
            check_division(&candidate);
            check_sizes(&candidate);
            check_workspace(&candidate, work.schedule.workspace_size);
        }
    }
}
END_TEST

START_TEST(every_candidate_meets_every_element_once)
{
    struct random random = { 4 };
    size_t candidates = 0;
    for (int i = 0; i < WALKS; i++) {
        struct plan_of_work work;
        struct candidate list[MAX_CANDIDATES];
        random_work(&random, i % 100 == 0 ? 50000 : 3000, &work);
        size_t count = list_candidates(&work, list);
        for (size_t c = 0; c < count; c++) {
            work.schedule = list[c].schedules[work.pass];
            describe(&work);
            check_walk(&work, c % 2 == 0);
        }
        candidates += count;
    }
    ck_assert_uint_gt(candidates, 4 * WALKS);
}
END_TEST

static cl_uint random_choice(struct random *random)
{
    static const cl_uint choices[] = { 0, 1, 2, 3, 4, 8, 16, 32, 64, 65536, 65, CL_UINT_MAX };
    return choices[random_below(random, sizeof choices / sizeof *choices)];
}

/* Of numbers that anybody may have written: refused, or sound. */
START_TEST(chosen_numbers_are_refused_or_sound)
{
    struct random random = { 5 };
    unsigned taken = 0;
    for (int i = 0; i < CHOICES; i++) {
        struct plan_of_work work;
        const struct choices choices = { random_choice(&random), random_choice(&random), random_choice(&random),
                                         random_choice(&random), random_choice(&random), random_choice(&random) };
        random_work(&random, 500, &work);
        const size_t usual_size = work.schedule.workspace_size;
        if (!make_chosen(&work, &choices))
            continue;
        taken++;
        check_workspace(&work, usual_size);
        check_division(&work);
        check_sizes(&work);
        check_walk(&work, true);
    }
    ck_assert_uint_gt(taken, 100);
}
END_TEST

START_TEST(one_number_that_is_never_tried_is_refused)
{
    static const cl_uint untried[] = { 3, 5, 63, 65535, 65537, CL_UINT_MAX };
    enum { MEMBERS = sizeof(struct choices) / sizeof(cl_uint) };
    const struct shape shapes[] = { shape_of(300, 35, 1), shape_of(30, 35, 20) };
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
        for (int s = 0; s < 2; s++)
            for (size_t i = 0; i < MEMBERS * (sizeof untried / sizeof *untried); i++) {
                struct plan_of_work work = work_of(geometry, 0, shapes[s]);
                const struct schedule before = work.schedule;
                cl_uint numbers[MEMBERS] = { 0 };
                struct choices choices;
                numbers[i % MEMBERS] = untried[i / MEMBERS];
                memcpy(&choices, numbers, sizeof choices);
                expect(&work, !make_chosen(&work, &choices), "the number is refused");
                expect(&work, memcmp(&before, &work.schedule, sizeof before) == 0, "the schedule stays as it is");
            }
}
END_TEST

START_TEST(whole_and_split_are_among_the_candidates)
{
    /* Two tensors of the last fit in the cache, three do not, and its sums are taken in other bands than its results: its usual
     * schedule is none of the others. */
    const struct shape shapes[] = { shape_of(900, 35, 1), shape_of(300, 35, 2000), shape_of(3000, 35, 1) };
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
        for (int s = 0; s < 3; s++) {
            struct plan_of_work work = work_of(geometry, 0, shapes[s]);
            struct candidate list[MAX_CANDIDATES];
            unsigned whole = 0, split = 0, stream = 0, plain = 0;
            for (size_t i = 0, count = list_candidates(&work, list); i < count; i++) {
                const struct schedule *forward = &list[i].schedules[PASS_FORWARD];
                const bool is_split =
                    geometry == CLBN_GEOMETRY_GROUP ? forward->tiling.parts > 1 : bn_is_split(forward->strategy);
                whole += !is_split;
                split += is_split;
                stream += bn_is_nontemporal(&list[i].schedules[PASS_FORWARD], 2);
                plain += !bn_is_nontemporal(&list[i].schedules[PASS_FORWARD], 2);
            }
            expect(&work, whole > 0 && split > 1, "whole, and split in several ways");
            expect(&work, geometry == CLBN_GEOMETRY_GROUP ? stream == 0 : stream + (s == 2) == plain,
                   "past the cache, and through it");
        }
}
END_TEST

START_TEST(an_empty_batch_has_no_candidates)
{
    struct plan_of_work work = work_of(CLBN_GEOMETRY_VECTOR, 0, shape_of(0, 7, 5));
    struct candidate list[MAX_CANDIDATES];
    ck_assert_uint_eq(list_candidates(&work, list), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: candidates");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, candidates_of_any_size_are_sound);
    tcase_add_test(cases, every_candidate_meets_every_element_once);
    tcase_add_test(cases, chosen_numbers_are_refused_or_sound);
    tcase_add_test(cases, one_number_that_is_never_tried_is_refused);
    tcase_add_test(cases, whole_and_split_are_among_the_candidates);
    tcase_add_test(cases, an_empty_batch_has_no_candidates);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
