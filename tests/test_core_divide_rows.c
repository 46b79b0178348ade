/* Schedules, channels first: how work is divided in some special problems. */
#include "plan_of_work.h"
#include "schedule/divide.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>

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

/* Packed, or with a gap after each channel. */
START_TEST(a_long_row_is_cut_into_four)
{
    static const struct {
        clbn_geometry geometry;
        clbn_type type;
        size_t rows, columns;
        unsigned alignment; /* of the rows of a packed one; 0: it is not cut */
    } cases[] = {
        { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, 1, 12544, 64 },
        { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, 1, 8192, 2048 }, /* 32 KiB */
        { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, 1, 8128, 0 },    /* less */
        { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, 1, 12560, 0 },   /* not four times whole vectors */
        { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, 2, 12544, 0 },   /* rows */
        { CLBN_GEOMETRY_VECTOR, CLBN_BFLOAT16, 1, 12544, 0 },
        { CLBN_GEOMETRY_VECTOR, CLBN_BFLOAT16, 1, 16384, 4096 }, /* 32 KiB */
        { CLBN_GEOMETRY_GROUP, CLBN_FLOAT32, 1, 12544, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t gap = 0; gap <= 8; gap += 8) {
            const bool is_cut = cases[i].alignment > 0;
            const size_t pitch = cases[i].columns + gap;
            struct shape shape = shape_of(cases[i].rows, 64, cases[i].columns);
            for (enum tensor t = 0; t < TENSORS; t++) {
                shape.layouts[t].strides[0] = 64 * pitch;
                shape.layouts[t].strides[1] = pitch;
            }
            const struct variant v =
                bn_choose_variant(cases[i].geometry, 0, &cores, cases[i].type, CLBN_ACTIVATION_NONE, &shape);
            bn_cut_long_row(&v, &shape);
            ck_assert_uint_eq(shape.outer, is_cut ? 4 : cases[i].rows);
            ck_assert_uint_eq(shape.inner, is_cut ? cases[i].columns / 4 : cases[i].columns);
            ck_assert_uint_eq(shape.lengths[0], shape.outer);
            for (enum tensor t = 0; t < TENSORS && is_cut; t++) {
                ck_assert_uint_eq(shape.layouts[t].strides[0], cases[i].columns / 4);
                ck_assert_uint_eq(shape.layouts[t].strides[1], pitch);
                ck_assert_uint_eq(shape.layouts[t].alignment, gap > 0 ? gap : cases[i].alignment);
            }
            if (is_cut)
                ck_assert_uint_eq(run_on_cores(CLBN_GEOMETRY_VECTOR, shape), 1);
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

/* A core's own cache is 16 MiB, half of what both have; two channels of x, in the backward of dy, too, fill it. */
START_TEST(the_next_channel_is_fetched_where_it_fits)
{
    static const struct {
        clbn_type type;
        size_t rows, channels, columns;
        cl_ulong fetches[PASSES];
    } cases[] = {
        { CLBN_FLOAT32, 32, 64, 32768, { [PASS_FORWARD] = 1, [PASS_BACKWARD] = 1 } },
        { CLBN_FLOAT32, 32, 64, 32769, { [PASS_FORWARD] = 1 } },
        { CLBN_FLOAT32, 32, 64, 65536, { [PASS_FORWARD] = 1 } },
        { CLBN_FLOAT32, 32, 64, 65537, { 0 } },
        { CLBN_FLOAT64, 32, 64, 32768, { [PASS_FORWARD] = 1 } },
        { CLBN_FLOAT32, 32, 512, 49, { [PASS_FORWARD] = 1, [PASS_BACKWARD] = 1 } },    /* images of 41 channels */
        { CLBN_FLOAT32, 512, 4096, 196, { [PASS_FORWARD] = 1, [PASS_BACKWARD] = 1 } }, /* of 8 channels: 3.2 MB */
        { CLBN_FLOAT32, 1024, 4096, 196, { [PASS_FORWARD] = 1 } },
        { CLBN_FLOAT32, 2048, 4096, 196, { 0 } },
        { CLBN_FLOAT16, 32, 64, 1024, { 0 } }, /* half a line to a vector */
        { CLBN_FLOAT32, 1, 3, 50176, { 0 } },  /* few channels, which are divided */
    };
    for (int i = 0; i < 8; i++) {
        struct device_facts facts = cores;
        facts.can_fetch = i % 2 != 0;
        facts.reads_streams = i / 2 % 2 != 0;
        const clbn_geometry geometry = i / 4 == 0 ? CLBN_GEOMETRY_VECTOR : CLBN_GEOMETRY_GROUP;
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
            for (enum pass pass = 0; pass < PASSES; pass++) {
                const struct shape shape = shape_of(cases[c].rows, cases[c].channels, cases[c].columns);
                const struct schedule s = pass_on(&facts, pass, geometry, cases[c].type, shape);
                ck_assert_msg(s.division.fetches_next == (i == 3 ? cases[c].fetches[pass] : 0), "device %d, case %zu, pass %d",
                              i, c, (int)pass);
                ck_assert(s.division.fetches_next == 0 || s.division.far == NEAR);
            }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: divisions of rows");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, few_columns_in_many_rows_are_images);
    tcase_add_test(cases, a_long_row_is_cut_into_four);
    tcase_add_test(cases, channels_make_long_runs);
    tcase_add_test(cases, the_next_channel_is_fetched_where_it_fits);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
