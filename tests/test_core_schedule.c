/* Schedules, for thousands of random problems and for some special ones. */
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
            expect(&work, work.schedule.whole, "nothing is divided");
        }
}
END_TEST

START_TEST(one_image_of_few_channels_is_divided)
{
    const struct shape first = shape_of(1, 3, 1000000), last = shape_of(1000000, 3, 1);
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++) {
        struct plan_of_work rows = work_of(geometry, 0, first), columns = work_of(geometry, 0, last);
        expect(&rows, rows.schedule.division.parts * rows.schedule.tiles >= 16, "every unit has a group");
        expect(&columns, columns.schedule.division.parts * columns.schedule.tiles >= 16, "every unit has a group");
        expect(&rows, work_of(geometry, CLBN_ENGINE_WHOLE, first).schedule.whole, "whole if asked");
    }
}
END_TEST

/* On a CPU with vectors of 16, and on a GPU with vectors of 4. */
START_TEST(rows_of_odd_or_few_channels_are_walked_several_as_one)
{
    static const struct {
        size_t rows, channels, folded[2], rest[2];
    } cases[] = {
        { 100005, 35, { 16, 4 }, { 5 * 35, 1 * 35 } },
        { 100005, 72, { 2, 1 }, { 1 * 72, 0 } },
        /* Rows of one to four vectors of 16 become such of 15 or 16, where that leaves many. */
        { 100005, 3, { 16 * 5, 4 }, { 5 * 3, 1 * 3 } },
        { 100005, 16, { 16, 1 }, { 5 * 16, 0 } },
        { 100005, 24, { 2 * 5, 1 }, { 5 * 24, 0 } },
        { 100005, 64, { 4, 1 }, { 1 * 64, 0 } },
        { 4096, 64, { 4, 1 }, { 0, 0 } },
        { 4095, 64, { 1, 1 }, { 0, 0 } },
        { 10239, 24, { 2, 1 }, { 1 * 24, 0 } },
        { 100005, 80, { 1, 1 }, { 0, 0 } },
        { 200, 3, { 1, 1 }, { 0, 0 } },
        { 100005, 8191, { 1, 1 }, { 0, 0 } },
    };
    for (cl_uint geometry = 0; geometry < 2; geometry++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
            struct plan_of_work work = work_of(CLBN_GEOMETRY_VECTOR + geometry, 0, shape);
            expect(&work, work.schedule.division.folded == cases[i].folded[geometry], "so many rows");
            expect(&work, work.schedule.division.rest == cases[i].rest[geometry], "so many elements are left");
            shape.layouts[TENSOR_Y].strides[0]++;
            work = work_of(CLBN_GEOMETRY_VECTOR + geometry, 0, shape);
            expect(&work, work.schedule.division.folded == 1, "none where there are gaps");
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
        expect(&rows, rows.schedule.whole, "rows are not divided");
        expect(&columns, columns.schedule.whole, "columns are not divided");
    }
}
END_TEST

/* Two cores with 32 MiB of cache. */
static const struct device_facts cores = {
    .compute_units = 2, .max_group_size = 1024, .address_limit = SIZE_MAX / 2, .cache_size = (size_t)32 << 20
};

static struct schedule pass_on(const struct device_facts *facts, enum pass pass, clbn_geometry geometry, clbn_type type,
                               struct shape shape)
{
    const struct variant variant = bn_choose_variant(geometry, 0, facts, type, CLBN_ACTIVATION_NONE, &shape);
    struct schedule schedule;
    ck_assert(bn_make_schedule(&variant, facts, 0, &usual_choices, pass, &shape, &schedule));
    return schedule;
}

static struct schedule schedule_on(const struct device_facts *facts, clbn_geometry geometry, clbn_type type, struct shape shape)
{
    return pass_on(facts, PASS_FORWARD, geometry, type, shape);
}

static struct schedule schedule_on_cores(clbn_geometry geometry, clbn_type type, struct shape shape)
{
    return schedule_on(&cores, geometry, type, shape);
}

/* Two units with vectors of 16. */
START_TEST(second_walks_merge_what_takes_less_than_a_launch)
{
    static const struct {
        size_t rows, channels, columns;
        size_t most[2]; /* partial results, forward and backward */
    } cases[] = {
        { 12544, 64, 1, { 768 / 4 - 8, 768 / 4 / 4 - 8 } },   /* folded: two parts, and eight */
        { 1568, 512, 1, { 768 / 32 - 8, 768 / 32 / 2 - 8 } }, /* two, and four */
        { 6272, 256, 1, { 768 / 16 - 8, 768 / 16 / 4 - 8 } }, /* two, and eight */
        { 6272, 384, 1, { 768 / 24 - 8, 0 } },                /* 768 / 24 / 4 = 8 */
        { 1000, 768, 1, { 768 / 48 - 8, 768 / 48 - 8 } },     /* two */
        { 1000, 1536, 1, { 0, 0 } },                          /* 768 / 96 = 8 */
        { 60, 96, 1, { 0, 0 } },                              /* two tiles of all rows */
        { 60, 100, 1, { 768 / 7 - 8, 768 / 7 - 8 } },         /* two parts */
        { 1, 3, 50176, { SIZE_MAX, SIZE_MAX } },              /* a group has one channel */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum pass pass = PASS_FORWARD; pass <= PASS_BACKWARD; pass++) {
            const struct shape shape = shape_of(cases[i].rows, cases[i].channels, cases[i].columns);
            const struct schedule alone = pass_on(&cores, pass, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, shape);
            const struct schedule grouped = pass_on(&cores, pass, CLBN_GEOMETRY_GROUP, CLBN_FLOAT32, shape);
            const size_t most = cases[i].most[pass];
            ck_assert_uint_eq(alone.merged_itself, most);
            ck_assert(bn_merges_itself(&alone, most) == (most > 0));
            ck_assert(most == SIZE_MAX || !bn_merges_itself(&alone, most + 1));
            ck_assert(bn_merges_itself(&alone, 0) == (most > 0));
            ck_assert(!bn_merges_itself(&grouped, 0) && !bn_merges_itself(&grouped, 1));
        }
}
END_TEST

/* Channels to a group in inference. */
static cl_ulong run_on_cores(clbn_geometry geometry, struct shape shape)
{
    ck_assert_uint_eq(schedule_on_cores(geometry, CLBN_FLOAT32, shape).division.run_channels, 1);
    return pass_on(&cores, PASS_INFERENCE, geometry, CLBN_FLOAT32, shape).division.run_channels;
}

START_TEST(tiles_of_all_rows_go_by_their_number)
{
    static const struct {
        size_t rows, channels;
        unsigned tile; /* vectors of 16 channels to a group */
        size_t groups;
    } cases[] = {
        { 60, 96, 3, 2 },    /* six vectors: each of two cores has a tile */
        { 256, 16, 1, 1 },   /* one */
        { 256, 128, 4, 2 },  /* eight: the most that two tiles have */
        { 256, 144, 1, 9 },  /* nine: groups even out what cores do */
        { 256, 784, 4, 13 }, /* 49, enough for four tiles to a core and more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct schedule s =
            schedule_on_cores(CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, shape_of(cases[i].rows, cases[i].channels, 1));
        ck_assert(s.whole);
        ck_assert_uint_eq(s.division.tile_vectors, cases[i].tile);
        ck_assert_uint_eq(s.tiles, cases[i].groups);
    }
}
END_TEST

/* Two units with vectors of 16. What is left after them counts as four. */
START_TEST(statistics_are_repeated_where_that_is_little)
{
    static const struct {
        enum pass pass;
        size_t rows, channels;
        size_t parts;
    } cases[] = {
        { PASS_FORWARD, 60, 100, 2 },     { PASS_BACKWARD, 60, 100, 2 },
        { PASS_INFERENCE, 60, 100, 2 },   { PASS_BACKWARD, 60, 96, 1 }, /* tiles share no line */
        { PASS_INFERENCE, 128, 96, 2 },                                 /* but nothing is repeated */
        { PASS_FORWARD, 127, 10, 1 },                                   /* two parts of 254 vectors */
        { PASS_FORWARD, 128, 10, 2 },                                   /* of 256 */
        { PASS_FORWARD, 60, 121, 1 },                                   /* more than twice as many channels as rows */
        { PASS_FORWARD, 60, 119, 2 },                                   /* fewer */
        { PASS_INFERENCE, 15, 1000, 1 },                                /* no two bands of eight rows */
        { PASS_INFERENCE, 16, 1000, 2 },                                /* two */
        { PASS_FORWARD, 256, 273, 1 },                                  /* half of the vectors are 2688 */
        { PASS_FORWARD, 256, 257, 2 },                                  /* 2560 */
        { PASS_INFERENCE, 256, 1027, 1 },                               /* 513 channels of the other half */
        { PASS_INFERENCE, 256, 1023, 2 },                               /* fewer */
        { PASS_FORWARD, 1280, 64, 2 },                                  /* 2560; in one launch, so they may share no line */
        { PASS_BACKWARD, 300, 10, 2 },                                  /* likewise, though folded in two launches */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
        const struct schedule s = pass_on(&cores, cases[i].pass, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, shape);
        const struct schedule in_place = bn_schedule_in_place(&s);
        const size_t vectors = (size_t)divided_up(cases[i].channels, 16);
        ck_assert(s.whole);
        ck_assert_uint_eq(s.division.parts, cases[i].parts);
        ck_assert(cases[i].parts == 1 || (s.tiles == 1 && s.division.tile_vectors == vectors));
        ck_assert_uint_eq(in_place.division.parts, 1);
        ck_assert_uint_eq(in_place.tiles, (size_t)divided_up(vectors, in_place.division.tile_vectors));
        ck_assert(vectors == 1 || in_place.tiles > 1);
    }
}
END_TEST

START_TEST(more_rows_are_walked_in_two_launches)
{
    static const struct {
        size_t rows, channels;
        clbn_activation activation;
        clbn_geometry geometry;
    } cases[] = {
        { 1281, 64, CLBN_ACTIVATION_NONE, CLBN_GEOMETRY_VECTOR }, /* half of the vectors are 2562 */
        { 300, 10, CLBN_ACTIVATION_RELU, CLBN_GEOMETRY_VECTOR },  /* a mask of folded rows, as inference writes it */
        { 512, 64, CLBN_ACTIVATION_NONE, CLBN_GEOMETRY_GROUP },   /* what a group repeats costs more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
        const struct variant variant =
            bn_choose_variant(cases[i].geometry, 0, &cores, CLBN_FLOAT32, cases[i].activation, &shape);
        for (enum pass pass = 0; pass < PASSES; pass++) {
            struct schedule s;
            ck_assert(bn_make_schedule(&variant, &cores, 0, &usual_choices, pass, &shape, &s));
            ck_assert(!s.whole && s.tile_in_place == 0);
        }
    }
}
END_TEST

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
        ck_assert_uint_eq(run_on_cores(CLBN_GEOMETRY_GROUP, shape), 1);
    }
}
END_TEST

START_TEST(bands_and_stores_go_by_where_tensors_lie)
{
    static const struct {
        size_t rows, channels;
        clbn_type type;
        unsigned band, result_band; /* rows */
        unsigned parts;
        unsigned streamed; /* tensors of a pass, from which on its results go past the cache, of 32 MiB */
    } cases[] = {
        { 401408, 64, CLBN_FLOAT32, 1, 1, 8, 2 },  /* 98 MiB in rows of 256 bytes: from memory, in their order */
        { 25088, 512, CLBN_FLOAT32, 1, 1, 6, 2 },  /* 49 MiB in rows of 2 KiB */
        { 25088, 1024, CLBN_FLOAT32, 4, 4, 6, 2 }, /* rows of a page each: several are fetched ahead at once */
        { 25088, 128, CLBN_FLOAT32, 8, 1, 6, 3 },  /* 12 MiB: sums from the cache; two tensors fit in the cache, three do not */
        { 8192, 256, CLBN_FLOAT32, 8, 4, 2, 5 },   /* 8 MiB: four fit; eight rows are two pages */
        { 8192, 264, CLBN_FLOAT32, 4, 1, 2, 4 },   /* a little more */
        { 6272, 256, CLBN_FLOAT32, 8, 4, 2, 6 },   /* 6 MiB: all five of a backward with its residual's gradient */
        { 6272, 128, CLBN_FLOAT32, 8, 8, 2, 6 },   /* eight rows are a page */
        { 25088, 1024, CLBN_FLOAT16, 1, 1, 6, 2 }, /* rows of 2 KiB */
        { 25088, 256, CLBN_FLOAT16, 8, 8, 6, 3 },  /* 12 MiB: eight rows are a page */
        { 25088, 272, CLBN_FLOAT16, 8, 4, 6, 3 },  /* a little more: four are less than one */
        { 12544, 512, CLBN_FLOAT16, 8, 4, 2, 3 },  /* four are a page */
        { 12544, 528, CLBN_FLOAT16, 4, 1, 2, 3 },  /* four are more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
        const struct schedule s = schedule_on_cores(CLBN_GEOMETRY_VECTOR, cases[i].type, shape);
        ck_assert_uint_eq(s.division.band_rows, cases[i].band);
        ck_assert_uint_eq(s.division.result_rows, cases[i].result_band);
        ck_assert_uint_eq(s.division.parts, cases[i].parts);
        for (unsigned tensors = 2; tensors <= 5; tensors++)
            ck_assert_uint_eq(bn_streams(&s, tensors), tensors >= cases[i].streamed);
    }
}
END_TEST

/* Where kernels ask for what comes next, sums from memory are taken in bands, too, if a vector of 64 bytes takes several registers or
 * the device reads streams; results are written in bands of what has no more than half of the cache, if only the former is so. Rows of
 * a page or more are walked in bands, but if the device reads streams, results of float32 not before rows have two. */
START_TEST(bands_where_kernels_fetch_go_by_the_device)
{
    const struct shape half = shape_of(65536, 64, 1), more = shape_of(65540, 64, 1); /* of 32 MiB */
    struct shape packed = shape_of(401408, 64, 1), padded = packed;
    padded.layouts[TENSOR_X].strides[0] = 65;
    for (int i = 0; i < 6; i++) {
        struct device_facts facts = cores;
        facts.can_fetch = true;
        facts.register_width = (size_t)16 << i / 2;
        facts.reads_streams = i % 2 != 0;
        const bool is_narrow = facts.register_width < 64;
        const bool sums_pay = is_narrow || facts.reads_streams, results_pay = is_narrow && !facts.reads_streams;
        const struct schedule s = schedule_on(&facts, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, packed);
        ck_assert_uint_eq(s.division.band_rows, sums_pay ? 4 : 1);
        ck_assert_uint_eq(s.division.result_rows, 1);
        ck_assert_uint_eq(schedule_on(&facts, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, padded).division.band_rows, 1);
        ck_assert_uint_eq(schedule_on(&facts, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, half).division.result_rows,
                          results_pay ? 4 : 1);
        ck_assert_uint_eq(schedule_on(&facts, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, more).division.result_rows, 1);
        const struct schedule of_shorts = schedule_on(&facts, CLBN_GEOMETRY_VECTOR, CLBN_BFLOAT16, packed);
        ck_assert_uint_eq(of_shorts.division.band_rows, sums_pay ? 8 : 1);
        ck_assert_uint_eq(of_shorts.division.result_rows, results_pay ? 8 : 1);
        for (size_t channels = 1024; channels <= 2048; channels += 512) {
            const struct shape paged = shape_of(25088, channels, 1), halves = shape_of(25088, 2 * channels, 1);
            const struct schedule of_pages = schedule_on(&facts, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, paged);
            ck_assert_uint_eq(of_pages.division.band_rows, 4);
            ck_assert_uint_eq(of_pages.division.result_rows, facts.reads_streams && channels < 2048 ? 1 : 4);
            ck_assert_uint_eq(schedule_on(&facts, CLBN_GEOMETRY_VECTOR, CLBN_BFLOAT16, halves).division.result_rows, 4);
        }
    }
}
END_TEST

/* Where the device reads streams and kernels can ask for what comes next. */
START_TEST(tensors_are_near_or_far)
{
    const size_t near = ((size_t)256 << 20) / 4; /* elements of float32 in eight caches of 32 MiB */
    const struct {
        size_t rows;
        clbn_type type;
        cl_ulong far;
    } cases[] = {
        { near / 64, CLBN_FLOAT32, NEAR },      { near / 64 + 1, CLBN_FLOAT32, FAR },
        { near / 32, CLBN_FLOAT32, FAR },       { near / 32 + 1, CLBN_FLOAT32, FARTHEST },
        { near / 64 + 1, CLBN_BFLOAT16, NEAR }, { near / 32 + 1, CLBN_BFLOAT16, FAR },
    };
    for (int i = 0; i < 8; i++) {
        struct device_facts facts = cores;
        facts.can_fetch = i % 2 != 0;
        facts.reads_streams = i / 2 % 2 != 0;
        const clbn_geometry geometry = i / 4 == 0 ? CLBN_GEOMETRY_VECTOR : CLBN_GEOMETRY_GROUP;
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            const cl_ulong far = i == 3 ? cases[c].far : NEAR;
            const struct shape first = shape_of(1, 64, cases[c].rows), last = shape_of(cases[c].rows, 64, 1);
            ck_assert_uint_eq(schedule_on(&facts, geometry, cases[c].type, first).division.far, far);
            ck_assert_uint_eq(schedule_on(&facts, geometry, cases[c].type, last).division.far, far);
        }
    }
}
END_TEST

/* Channels last, where a part of so many rows or more is worth its results. */
START_TEST(units_have_equally_many_parts)
{
    static const size_t part_rows[PASSES] = { [PASS_FORWARD] = 4096, [PASS_BACKWARD] = 384, [PASS_INFERENCE] = 4096 };
    struct device_facts facts = cores;
    for (facts.compute_units = 1; facts.compute_units <= 12; facts.compute_units++)
        for (size_t rows = 300; rows < 1000000; rows += rows / 3)
            for (enum pass pass = 0; pass < PASSES; pass++) {
                const struct schedule s = pass_on(&facts, pass, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, shape_of(rows, 256, 1));
                const size_t parts = s.division.parts, units = facts.compute_units, usual = 4 * units;
                ck_assert_uint_eq(parts % units, 0);
                ck_assert(parts == units || rows / parts >= part_rows[pass]);
                ck_assert(parts == usual || rows / (parts + units) < part_rows[pass]);
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
        ck_assert(!bn_make_schedule(&variant, &facts, 0, &usual_choices, PASS_FORWARD, &shape, &schedule));
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
    tcase_add_test(cases, rows_of_odd_or_few_channels_are_walked_several_as_one);
    tcase_add_test(cases, partial_results_are_shared_among_lines);
    tcase_add_test(cases, a_small_problem_takes_one_kernel);
    tcase_add_test(cases, second_walks_merge_what_takes_less_than_a_launch);
    tcase_add_test(cases, tiles_of_all_rows_go_by_their_number);
    tcase_add_test(cases, statistics_are_repeated_where_that_is_little);
    tcase_add_test(cases, more_rows_are_walked_in_two_launches);
    tcase_add_test(cases, few_columns_in_many_rows_are_images);
    tcase_add_test(cases, a_long_row_is_cut_into_four);
    tcase_add_test(cases, channels_make_long_runs);
    tcase_add_test(cases, bands_and_stores_go_by_where_tensors_lie);
    tcase_add_test(cases, bands_where_kernels_fetch_go_by_the_device);
    tcase_add_test(cases, tensors_are_near_or_far);
    tcase_add_test(cases, units_have_equally_many_parts);
    tcase_add_test(cases, a_workspace_that_overflows_has_no_schedule);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
