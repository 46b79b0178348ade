/* SPDX-License-Identifier: MIT */
/* Tiles of groups of several work-items: for known GPUs and shapes, what is kept on chip, how many groups there are, and how much
 * workspace; for thousands of random problems, that tiles are sound and meet every element once. */
#include "schedule_checks.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>

enum { WALKS = 4000 };

/* As of an H100: 132 multiprocessors. */
static const struct device_facts large_gpu = {
    .has_double = true, .compute_units = 132, .max_group_size = 1024, .register_size = 256 << 10, .address_limit = SIZE_MAX / 2
};

static struct plan_of_work work_on(const struct device_facts *facts, cl_uint flags, enum pass pass, clbn_type type,
                                   struct shape shape)
{
    struct plan_of_work work = { .facts = *facts, .flags = flags, .pass = pass, .shape = shape };
    work.variant = bn_choose_variant(CLBN_GEOMETRY_GROUP, flags, facts, type, CLBN_ACTIVATION_NONE, &shape);
    const struct problem problem = problem_of(&work);
    bn_make_schedule(&problem, &usual_choices, pass, &work.schedule);
    describe(&work);
    return work;
}

/* Which of the forward (1) and the backward (2) keep a channel. */
static unsigned kept_on(const struct device_facts *facts, cl_uint flags, clbn_type type, struct shape shape)
{
    return (work_on(facts, flags, PASS_FORWARD, type, shape).schedule.strategy == STRATEGY_ON_CHIP ? 1u : 0u) |
           (work_on(facts, flags, PASS_BACKWARD, type, shape).schedule.strategy == STRATEGY_ON_CHIP ? 2u : 0u);
}

static unsigned kept(clbn_type type, struct shape shape)
{
    return kept_on(&large_gpu, 0, type, shape);
}

START_TEST(channels_that_fit_a_large_gpu_are_kept)
{
    /* 16 vectors to each of 256 work-items are 16384 float32; of the backward half as many. */
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(32, 1024, 196)), 3);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(32, 1024, 256)), 3);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(32, 1024, 260)), 1);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(32, 1024, 512)), 1);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(32, 1024, 516)), 0);
    ck_assert_uint_eq(kept(CLBN_FLOAT16, shape_of(32, 1024, 520)), 1);
    /* Tiles of several channels: 4 of 7 x 7 are 49 vectors, and so are 8 of 14 x 14 in float16. */
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(32, 2048, 49)), 3);
    ck_assert_uint_eq(kept(CLBN_FLOAT16, shape_of(32, 4096, 49)), 3);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(256, 2048, 49)), 0);
    /* Channels last: two vectors of a row to a tile, 128 rows to a vector that a work-item keeps. */
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(1568, 2048, 1)), 1);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(1024, 2112, 1)), 3);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(2048, 2112, 1)), 1);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(2049, 2112, 1)), 0);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(60, 100, 1)), 3);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(1000, 35, 1)), 0); /* 35 vectors of four rows: 36 steps */
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(80, 35, 1)), 1);
}
END_TEST

START_TEST(few_channels_are_divided_unless_they_are_small)
{
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(1, 3, 16000)), 0);
    ck_assert_uint_eq(kept(CLBN_FLOAT32, shape_of(1, 3, 2048)), 3);
    ck_assert_uint_eq(kept_on(&large_gpu, CLBN_ENGINE_WHOLE, CLBN_FLOAT32, shape_of(1, 3, 16000)), 1);
    ck_assert_uint_eq(kept_on(&large_gpu, CLBN_ENGINE_SPLIT, CLBN_FLOAT32, shape_of(1, 3, 2048)), 0);
}
END_TEST

START_TEST(a_device_that_tells_little_keeps_little)
{
    struct device_facts small = large_gpu;
    small.register_size = 64 << 10;
    ck_assert_uint_eq(kept_on(&small, 0, CLBN_FLOAT32, shape_of(32, 64, 64)), 3);
    ck_assert_uint_eq(kept_on(&small, 0, CLBN_FLOAT32, shape_of(32, 512, 196)), 0);
}
END_TEST

START_TEST(a_new_shape_of_a_size_needs_no_new_program)
{
    const struct shape one = shape_of(32, 1024, 196), other = shape_of(16, 512, 400);
    const struct variant a = work_on(&large_gpu, 0, PASS_FORWARD, CLBN_FLOAT32, one).variant;
    const struct variant b = work_on(&large_gpu, 0, PASS_FORWARD, CLBN_FLOAT32, other).variant;
    ck_assert_uint_gt(a.kept, 0);
    ck_assert(bn_is_variant(&a, &b));
}
END_TEST

/* ResNet-50's shapes and others: channels, columns, batches of 32 and 256. */
static const struct {
    size_t channels, columns;
} shapes[] = { { 64, 12544 }, { 64, 3136 }, { 256, 3136 }, { 128, 784 }, { 512, 784 }, { 256, 196 }, { 1024, 196 },
               { 512, 49 },   { 2048, 49 }, { 128, 49 },   { 35, 3136 }, { 3, 16641 }, { 7, 225 },   { 1001, 1 } };

static void check_groups(enum pass pass, clbn_type type, struct shape shape)
{
    const struct plan_of_work work = work_on(&large_gpu, 0, pass, type, shape);
    const size_t bytes = shape.elements * bn_type_size(type), groups = work.schedule.tiles * (size_t)work.schedule.tiling.parts;
    const size_t busy = 2 * large_gpu.compute_units, enough = bytes >= (size_t)2 << 20 ? busy : bytes / 4096;
    check_tiling(&work);
    expect(&work, work.schedule.strategy == STRATEGY_ON_CHIP || groups >= (enough < busy ? enough : busy), "units have groups");
    expect(&work, work.schedule.workspace_size <= (size_t)4 << 20, "a small workspace");
}

START_TEST(groups_are_enough_and_the_workspace_is_small)
{
    static const size_t batches[] = { 1, 32, 256, 4096 };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
            for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++)
                for (enum pass pass = 0; pass < PASSES; pass++) {
                    const size_t rows = batches[b], channels = shapes[i].channels, columns = shapes[i].columns;
                    check_groups(pass, type, shape_of(rows, channels, columns));
                    check_groups(pass, type, shape_of(rows * columns, channels, 1));
                }
}
END_TEST

/* With gaps after rows or channels, too. */
START_TEST(every_element_is_met_once)
{
    struct random random = { 6 };
    unsigned single = 0, several = 0, whole = 0;
    for (int i = 0; i < WALKS; i++) {
        struct plan_of_work work;
        do
            random_work(&random, i % 50 == 0 ? 200000 : 5000, &work);
        while (work.variant.group == 1);
        for (enum tensor t = 0; t < TENSORS && i % 4 > 1; t++)
            work.shape.layouts[t].strides[i % 4 - 2] += 8;
        const struct problem problem = problem_of(&work);
        work.variant = bn_choose_variant(CLBN_GEOMETRY_GROUP, work.flags, &work.facts, work.variant.type,
                                         work.variant.activation, &work.shape);
        bn_make_schedule(&problem, &usual_choices, work.pass, &work.schedule);
        describe(&work);
        check_tiling(&work);
        check_sizes(&work);
        check_tile_walk(&work);
        single += work.variant.single;
        several += !work.variant.single;
        whole += work.schedule.strategy == STRATEGY_ON_CHIP;
    }
    ck_assert(single > WALKS / 100 && several > WALKS / 100 && whole > WALKS / 100);
}
END_TEST

START_TEST(few_work_items_to_a_group_are_one)
{
    struct device_facts facts = large_gpu;
    const struct shape shape = shape_of(32, 64, 64);
    for (facts.max_group_size = 1; facts.max_group_size < 16; facts.max_group_size++)
        ck_assert_uint_eq(work_on(&facts, 0, PASS_FORWARD, CLBN_FLOAT16, shape).variant.group, 1);
    ck_assert_uint_eq(work_on(&facts, 0, PASS_FORWARD, CLBN_FLOAT16, shape).variant.group, 16);
}
END_TEST

/* As clbnGetEngineInfo asks. */
START_TEST(a_variant_of_no_shape_has_a_group)
{
    const struct shape any = { .elements = 1 };
    const struct variant v = bn_choose_variant(CLBN_GEOMETRY_GROUP, 0, &large_gpu, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &any);
    ck_assert_uint_eq(v.group, 128);
    ck_assert_uint_eq(v.kept, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: tilings");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, channels_that_fit_a_large_gpu_are_kept);
    tcase_add_test(cases, few_channels_are_divided_unless_they_are_small);
    tcase_add_test(cases, a_device_that_tells_little_keeps_little);
    tcase_add_test(cases, a_new_shape_of_a_size_needs_no_new_program);
    tcase_add_test(cases, groups_are_enough_and_the_workspace_is_small);
    tcase_add_test(cases, every_element_is_met_once);
    tcase_add_test(cases, few_work_items_to_a_group_are_one);
    tcase_add_test(cases, a_variant_of_no_shape_has_a_group);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
