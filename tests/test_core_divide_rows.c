/* SPDX-License-Identifier: MIT */
/* Schedules, channels first: how work is divided in some special problems. */
#include "plan_of_work.h"
#include "suite_runner.h"

#include <check.h>

/* Channels to a group in inference. */
static cl_ulong run_on_cores(clbn_geometry geometry, struct shape shape)
{
    ck_assert_uint_eq(schedule_on_cores(geometry, CLBN_FLOAT32, shape).division.run_channels, 1);
    return pass_on(&cores, PASS_INFERENCE, geometry, CLBN_FLOAT32, shape).division.run_channels;
}

START_TEST(few_columns_in_many_rows_are_images)
{
    static const struct {
        size_t rows, channels, columns;
        unsigned tile; /* channels */
    } cases[] = {
        { 32, 512, 49, 32 },  /* 7 x 7: 32 channels are 98 whole vectors */
        { 32, 1024, 196, 8 }, /* 14 x 14 */
        { 32, 256, 784, 0 },  /* 28 x 28: rows are long enough */
        { 7, 512, 49, 0 },    /* few rows */
        { 32, 8, 49, 0 },     /* one tile would leave a core idle */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, cases[i].columns);
        const struct schedule alone = schedule_on_cores(CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, shape);
        const struct schedule grouped = schedule_on_cores(CLBN_GEOMETRY_GROUP, CLBN_FLOAT32, shape);
        struct shape padded = shape;
        padded.layouts[TENSOR_Y].strides[0]++;
        ck_assert_uint_eq(alone.division.tile_channels, cases[i].tile);
        ck_assert_uint_eq(grouped.division.tile_channels, 0);
        ck_assert_uint_eq(schedule_on_cores(CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, padded).division.tile_channels, 0);
    }
}
END_TEST

START_TEST(channels_make_long_runs)
{
    static const struct {
        size_t rows, channels, columns;
        unsigned run;
    } cases[] = {
        { 32, 256, 12544, 11 }, /* 112 x 112: 11 channels have 512 KiB */
        { 32, 256, 65536, 2 },  /* two have it */
        { 32, 64, 131072, 1 },  /* one has it */
        { 32, 64, 12544, 8 },   /* each of two cores has four groups */
        { 32, 16, 784, 2 },     /* likewise */
        { 32, 100, 3136, 10 },  /* of 12 channels there would be nine groups: each core has five */
        { 7, 2048, 49, 32 },    /* as many as there are places */
        { 1, 64, 4096, 8 },     /* one image, whose rows have no stride */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shape shape = shape_of(cases[i].rows, cases[i].channels, cases[i].columns);
        for (enum tensor t = 0; t < TENSORS && cases[i].rows == 1; t++)
            shape.layouts[t].strides[0] = 0;
        ck_assert_uint_eq(run_on_cores(CLBN_GEOMETRY_VECTOR, shape), cases[i].run);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: divisions of rows");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, few_columns_in_many_rows_are_images);
    tcase_add_test(cases, channels_make_long_runs);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
