/* Schedules, for thousands of random problems and for some special ones. */
#include "schedule/divide.h"
#include "schedule_checks.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

enum { WALKS = 20000, LARGE_PROBLEMS = 20000 };

/* ---- Any problem ---------------------------------------------------------------------------------------------------------- */

START_TEST(schedules_of_any_size_are_sound)
{
    struct random random = { 1 };
    unsigned scheduled = 0;
    for (int i = 0; i < LARGE_PROBLEMS; i++) {
        struct plan_of_work work;
        if (!random_work(&random, SIZE_MAX / 16, &work)) {
            ck_assert_msg(work.shape.channels > SIZE_MAX / 1024 / 128, "%s: no schedule", work.text);
            continue;
        }
        scheduled++;
        check_division(&work);
        check_sizes(&work);
    }
    ck_assert_uint_gt(scheduled, LARGE_PROBLEMS / 2);
}
END_TEST

START_TEST(every_element_is_met_once)
{
    struct random random = { 2 };
    for (int i = 0; i < WALKS; i++) {
        struct plan_of_work work;
        ck_assert(random_work(&random, i % 100 == 0 ? 500000 : 5000, &work));
        check_division(&work);
        check_sizes(&work);
        check_walk(&work, true);
        check_walk(&work, false);
    }
}
END_TEST

/* ---- Special sizes -------------------------------------------------------------------------------------------------------- */

START_TEST(an_empty_batch_has_a_workspace_for_its_channels)
{
    const struct shape shapes[] = { shape_of(0, 7, 1), shape_of(0, 7, 5), shape_of(3, 7, 0) };
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
        for (int i = 0; i < 3; i++) {
            struct plan_of_work work = work_of(geometry, 0, shapes[i]);
            check_sizes(&work);
            expect(&work, !bn_is_split(work.schedule.strategy), "nothing is divided");
        }
}
END_TEST

START_TEST(one_image_of_few_channels_is_divided)
{
    const struct shape first = shape_of(1, 3, 1000000), last = shape_of(1000000, 3, 1);
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++) {
        struct plan_of_work rows = work_of(geometry, 0, first), columns = work_of(geometry, 0, last);
        expect(&rows, parts_of(&rows) * rows.schedule.tiles >= 16, "every unit has a group");
        expect(&columns, parts_of(&columns) * columns.schedule.tiles >= 16, "every unit has a group");
        const struct plan_of_work whole = work_of(geometry, CLBN_ENGINE_WHOLE, first);
        expect(&whole, parts_of(&whole) == 1, "whole if asked");
    }
}
END_TEST

START_TEST(partial_results_are_shared_among_lines)
{
    const struct plan_of_work cpu = work_of(CLBN_GEOMETRY_VECTOR, 0, shape_of(100000, 64, 1));
    const struct plan_of_work gpu = work_of(CLBN_GEOMETRY_GROUP, 0, shape_of(100000, 64, 1));
    const struct plan_of_work rows = work_of(CLBN_GEOMETRY_VECTOR, 0, shape_of(1000, 64, 100));
    ck_assert_uint_eq(bn_span(&cpu.variant), cpu.variant.vector);
    ck_assert_uint_eq(bn_span(&gpu.variant), 1);
    ck_assert_uint_eq(bn_span(&rows.variant), 1);
    for (size_t channels = 1; channels < 1000; channels += 7)
        for (size_t count = 0; count < 600; count += 37) {
            const struct merging alone = bn_divide_merging(&cpu.variant, &cpu.facts, channels, count);
            const struct merging grouped = bn_divide_merging(&gpu.variant, &gpu.facts, channels, count);
            ck_assert_uint_eq(alone.lanes, 1);
            ck_assert_uint_ge(alone.groups, 1);
            ck_assert_uint_le((alone.groups - 1) * bn_span(&cpu.variant), channels - 1);
            ck_assert_uint_eq(gpu.variant.group % grouped.lanes, 0);
            ck_assert_uint_ge(grouped.lanes * grouped.groups, channels);
            ck_assert_uint_lt(grouped.lanes * (grouped.groups - 1), channels);
            /* No line is idle that another could have spared work. */
            ck_assert_msg(count < 2 || gpu.variant.group / grouped.lanes < 2 * count, "%zu results, %zu lanes", count,
                          grouped.lanes);
            ck_assert_msg(gpu.variant.group / grouped.lanes >= count || grouped.lanes == 1, "%zu results, %zu lanes", count,
                          grouped.lanes);
        }
}
END_TEST

START_TEST(a_small_problem_takes_one_kernel)
{
    const struct shape first = shape_of(60, 10, 2), last = shape_of(60, 100, 1);
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++) {
        struct plan_of_work rows = work_of(geometry, 0, first), columns = work_of(geometry, 0, last);
        expect(&rows, !bn_is_split(rows.schedule.strategy), "rows are not divided");
        expect(&columns, !bn_is_split(columns.schedule.strategy), "columns are not divided");
    }
}
END_TEST

START_TEST(a_workspace_that_overflows_has_no_schedule)
{
    const struct shape shape = shape_of(1, SIZE_MAX / 16, 1);
    const struct device_facts facts = { .compute_units = 16, .max_group_size = 1024, .address_limit = SIZE_MAX / 2 };
    struct schedule schedule;
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++) {
        struct variant variant = bn_choose_variant(geometry, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &shape);
        const struct problem problem = { &variant, &facts, 0, &shape };
        ck_assert(!bn_make_schedule(&problem, &usual_choices, PASS_FORWARD, &schedule));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: schedules");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, schedules_of_any_size_are_sound);
    tcase_add_test(cases, every_element_is_met_once);
    tcase_add_test(cases, an_empty_batch_has_a_workspace_for_its_channels);
    tcase_add_test(cases, one_image_of_few_channels_is_divided);
    tcase_add_test(cases, partial_results_are_shared_among_lines);
    tcase_add_test(cases, a_small_problem_takes_one_kernel);
    tcase_add_test(cases, a_workspace_that_overflows_has_no_schedule);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
