/* SPDX-License-Identifier: MIT */
/* Schedules, channels last: how work is divided in some special problems. */
#include "schedule_checks.h"
#include "suite_runner.h"

#include <check.h>

/* With vectors of 16. */
START_TEST(rows_of_odd_or_few_channels_are_walked_several_as_one)
{
    static const struct {
        size_t rows, channels, folded, remainder;
    } cases[] = {
        { 100005, 35, 16, 5 * 35 },
        { 100005, 72, 2, 1 * 72 },
        /* Rows of one to four vectors of 16 become such of 15 or 16, where that leaves many. */
        { 100005, 3, 16 * 5, 5 * 3 },
        { 100005, 16, 16, 5 * 16 },
        { 100005, 24, 2 * 5, 5 * 24 },
        { 100005, 64, 4, 1 * 64 },
        { 4096, 64, 4, 0 },
        { 4095, 64, 1, 0 },
        { 10239, 24, 2, 1 * 24 },
        { 100005, 80, 1, 0 },
        { 200, 3, 1, 0 },
        { 100005, 8191, 1, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
        struct plan_of_work work = work_of(CLBN_GEOMETRY_VECTOR, 0, shape);
        expect(&work, work.schedule.division.folded == cases[i].folded, "so many rows");
        expect(&work, work.schedule.division.remainder == cases[i].remainder, "so many elements are left");
        shape.layouts[TENSOR_Y].strides[0]++;
        work = work_of(CLBN_GEOMETRY_VECTOR, 0, shape);
        expect(&work, work.schedule.division.folded == 1, "none where there are gaps");
    }
}
END_TEST

/* Two units with vectors of 16: 768 spans, and eight more to each channel's, take as long as a launch. */
START_TEST(second_walks_merge_what_takes_less_than_a_launch)
{
    static const struct {
        size_t rows, channels, columns;
        bool merges[2]; /* forward and backward */
    } cases[] = {
        { 12544, 64, 1, { true, true } }, /* folded: four spans; two parts of 1568 rows, and eight of 392: 2 + 8 <= 192, 8 + 8 <= 48 */
        { 1568, 512, 1, { true, true } },  /* 32 spans; two parts, and four: 2 + 8 <= 24, 4 + 8 <= 12 */
        { 1568, 528, 1, { true, false } }, /* 33 spans: 4 + 8 > 11 */
        { 6272, 384, 1, { true, false } }, /* 24 spans; two parts, and eight: 8 + 8 > 8 */
        { 1000, 1216, 1, { true, true } }, /* 76 spans; two parts: 2 + 8 <= 10 */
        { 1000, 1232, 1, { false, false } }, { 60, 96, 1, { false, false } }, /* two tiles of all rows */
        { 1, 3, 50176, { false, false } },                                    /* channels first */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum pass pass = PASS_FORWARD; pass <= PASS_BACKWARD; pass++) {
            const struct shape shape = shape_of(cases[i].rows, cases[i].channels, cases[i].columns);
            const struct schedule alone = pass_on(&cores, pass, CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, shape);
            const struct schedule grouped = pass_on(&cores, pass, CLBN_GEOMETRY_GROUP, CLBN_FLOAT32, shape);
            ck_assert_msg((alone.strategy == STRATEGY_MERGING) == cases[i].merges[pass], "case %zu, pass %d", i, (int)pass);
            ck_assert(grouped.strategy != STRATEGY_MERGING);
        }
}
END_TEST

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
        ck_assert(!bn_is_split(s.strategy));
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
        const struct schedule in_place = bn_schedule_by(&s, bn_strategy_in_place(s.strategy));
        const size_t vectors = (size_t)divided_up(cases[i].channels, 16);
        ck_assert(!bn_is_split(s.strategy));
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
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
        const struct variant variant =
            bn_choose_variant(cases[i].geometry, 0, &cores, CLBN_FLOAT32, cases[i].activation, &shape);
        const struct problem problem = { &variant, &cores, 0, &shape };
        for (enum pass pass = 0; pass < PASSES; pass++) {
            struct schedule s;
            bn_make_schedule(&problem, &usual_choices, pass, &s);
            ck_assert(bn_is_split(s.strategy) && s.tile_in_place == 0);
        }
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
        unsigned nontemporal; /* tensors of a pass, from which on its results go past the cache, of 32 MiB */
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
        { 25088, 256, CLBN_FLOAT16, 8, 1, 6, 3 },  /* 12 MiB */
        { 12544, 256, CLBN_FLOAT16, 8, 8, 2, 6 },  /* 6 MiB: eight rows are a page */
        { 12544, 272, CLBN_FLOAT16, 8, 4, 2, 5 },  /* a little more */
        { 12544, 512, CLBN_FLOAT16, 8, 1, 2, 3 },  /* 12 MiB: eight are two pages */
        { 12544, 528, CLBN_FLOAT16, 4, 1, 2, 3 },  /* eight are more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
        const struct schedule s = schedule_on_cores(CLBN_GEOMETRY_VECTOR, cases[i].type, shape);
        ck_assert_uint_eq(s.division.band_rows, cases[i].band);
        ck_assert_uint_eq(s.division.result_rows, cases[i].result_band);
        ck_assert_uint_eq(s.division.parts, cases[i].parts);
        for (unsigned tensors = 2; tensors <= 5; tensors++)
            ck_assert_uint_eq(bn_is_nontemporal(&s, tensors), tensors >= cases[i].nontemporal);
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
                const size_t parts = (size_t)s.division.parts, units = facts.compute_units, usual = 4 * units;
                ck_assert_uint_eq(parts % units, 0);
                ck_assert(parts == units || rows / parts >= part_rows[pass]);
                ck_assert(parts == usual || rows / (parts + units) < part_rows[pass]);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: divisions of columns");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, rows_of_odd_or_few_channels_are_walked_several_as_one);
    tcase_add_test(cases, second_walks_merge_what_takes_less_than_a_launch);
    tcase_add_test(cases, tiles_of_all_rows_go_by_their_number);
    tcase_add_test(cases, statistics_are_repeated_where_that_is_little);
    tcase_add_test(cases, more_rows_are_walked_in_two_launches);
    tcase_add_test(cases, bands_and_stores_go_by_where_tensors_lie);
    tcase_add_test(cases, units_have_equally_many_parts);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
