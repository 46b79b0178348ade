/* SPDX-License-Identifier: MIT */
/* Schedules, for thousands of random problems and for some special ones. */
#include "schedule/divide.h"
#include "schedule_checks.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

enum { WALKS = 20000, LARGE_PROBLEMS = 20000 };

/* Of three channel axes after one of rows. */
static size_t offset_of_channel(const struct shape *shape, enum tensor t, size_t channel)
{
    size_t offset = 0;
    for (unsigned axis = 3; axis >= 1; axis--) {
        offset += channel % shape->lengths[axis] * (size_t)shape->layouts[t].strides[axis];
        channel /= shape->lengths[axis];
    }
    return offset;
}

/* ---- Any problem ---------------------------------------------------------------------------------------------------------- */

START_TEST(schedules_of_any_size_are_sound)
{
    /* Tables of more than a quarter of the address space count as too large, whatever the tensor: with 32 bits some are. */
    const size_t most = SIZE_MAX > UINT32_MAX ? SIZE_MAX / 16 : SIZE_MAX / 256;
    struct random random = { 1 };
    for (int i = 0; i < LARGE_PROBLEMS; i++) {
        struct plan_of_work work;
        random_work(&random, most, &work);
        check_division(&work);
        check_sizes(&work);
    }
}
END_TEST

START_TEST(every_element_is_met_once)
{
    struct random random = { 2 };
    for (int i = 0; i < WALKS; i++) {
        struct plan_of_work work;
        random_work(&random, i % 100 == 0 ? 500000 : 5000, &work);
        check_division(&work);
        check_sizes(&work);
        check_walk(&work, true);
        check_walk(&work, false);
    }
}
END_TEST

/* ---- Special sizes -------------------------------------------------------------------------------------------------------- */

START_TEST(an_empty_batch_takes_no_workspace)
{
    const struct shape shapes[] = { shape_of(0, 7, 1), shape_of(0, 7, 5), shape_of(3, 7, 0), shape_of(0, SIZE_MAX / 16, 1) };
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            struct plan_of_work work = work_of(geometry, 0, shapes[i]);
            expect(&work, work.schedule.workspace_size == 0, "nothing is kept");
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

/* From one value to a channel to many, channels first, in between and last, of one axis and of two. */
START_TEST(a_workspace_is_no_larger_than_a_tensor_and_a_mebibyte)
{
    static const size_t outers[] = { 1, 2, 3, 7, 30, 256, 257, 5000 }, inners[] = { 1, 2, 7, 64 };
    static const size_t channels[] = { 1, 3, 1000, 4096, 8191, 16384, 100003, 1000000, 30000000 };
    static const cl_uint flags[] = { 0, CLBN_ENGINE_SPLIT, CLBN_ENGINE_WHOLE, CLBN_ENGINE_NO_DOUBLE };
    struct random random = { 6 };
    for (int i = 0; i < LARGE_PROBLEMS; i++) {
        struct plan_of_work work;
        random_work(&random, 100, &work);
        const struct problem problem = problem_of(&work);
        const size_t outer = outers[random_below(&random, 8)], inner = inners[random_below(&random, 4)];
        const clbn_type type = CLBN_FLOAT32 + (clbn_type)random_below(&random, 4);
        work.shape = shape_of(outer, channels[random_below(&random, 9)], inner);
        work.flags = flags[random_below(&random, 4)];
        work.variant = bn_choose_variant((clbn_geometry)(1 + random_below(&random, 2)), work.flags, &work.facts, type,
                                         CLBN_ACTIVATION_RELU, &work.shape);
        bn_make_schedule(&problem, &usual_choices, work.pass, &work.schedule);
        describe(&work);
        check_sizes(&work);
        check_slices(&work);
        expect(&work, work.variant.group == 1 || work.schedule.workspace_size <= (size_t)4 << 20, "at most 4 MiB on a GPU");
    }
}
END_TEST

START_TEST(slices_of_several_axes_are_boxes)
{
    struct shape shape = shape_of(2, 5 * 7 * 11, 1);
    shape.channel_axes = 3;
    const size_t axes[] = { 2, 5, 7, 11 };
    const cl_ulong strides[] = { 100000, 3, 1000, 20 };
    for (unsigned i = 0; i < 4; i++) {
        shape.lengths[i] = axes[i];
        for (enum tensor t = 0; t < TENSORS; t++)
            shape.layouts[t].strides[i] = strides[i] + t;
    }
    for (size_t most = 1; most < 400; most++) {
        size_t next = 0, slices = 0;
        for (; next < shape.channels; slices++) {
            const struct slice s = bn_slice(&shape, next, most);
            ck_assert(s.first == next && s.shape.channels >= 1 && s.shape.channels <= most);
            for (size_t c = 0; c < s.shape.channels; c++)
                for (enum tensor t = 0; t < TENSORS; t++)
                    ck_assert_uint_eq(s.offsets[t] + offset_of_channel(&s.shape, t, c), offset_of_channel(&shape, t, next + c));
            next += s.shape.channels;
        }
        ck_assert_uint_eq(next, shape.channels);
        ck_assert(most < 385 || slices == 1);
        ck_assert(most != 77 || slices == 5);
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
    tcase_add_test(cases, an_empty_batch_takes_no_workspace);
    tcase_add_test(cases, one_image_of_few_channels_is_divided);
    tcase_add_test(cases, partial_results_are_shared_among_lines);
    tcase_add_test(cases, a_small_problem_takes_one_kernel);
    tcase_add_test(cases, a_workspace_is_no_larger_than_a_tensor_and_a_mebibyte);
    tcase_add_test(cases, slices_of_several_axes_are_boxes);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
