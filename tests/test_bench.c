/* SPDX-License-Identifier: MIT */
/* What 'clbn bench' computes without a device: shapes, bytes, medians, turns and ratios. */
#include "bench/case.h"
#include "bench/measure.h"
#include "bench/run.h"
#include "bench/shapes.h"
#include "io/failure.h"
#include "suite_runner.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct failure failure;

static struct bench_shape_list parse(const char *text)
{
    struct bench_shape_list list;

    ck_assert_msg(bench_shapes_parse(text, &list, &failure), "%s: %s", text, failure.sentence);
    return list;
}

static void refuse(const char *text, const char *part)
{
    struct bench_shape_list list;

    ck_assert_msg(!bench_shapes_parse(text, &list, &failure), "%s was taken", text);
    ck_assert_ptr_null(list.shapes);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_msg(strstr(failure.sentence, part) != NULL, "no '%s' in: %s", part, failure.sentence);
}

static void expect_shape(const struct bench_shape *shape, const char *expected)
{
    char text[BENCH_SHAPE_TEXT];

    bench_shape_format(shape, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(one_shape)
{
    struct bench_shape_list list = parse("2,3,5,7");

    ck_assert_uint_eq(list.count, 1);
    ck_assert_uint_eq(list.shapes[0].rank, 4);
    ck_assert_uint_eq(bench_shape_elements(&list.shapes[0]), 210);
    expect_shape(&list.shapes[0], "2x3x5x7");
    bench_shapes_free(&list);
    ck_assert_ptr_null(list.shapes);
}
END_TEST

START_TEST(ranks)
{
    struct bench_shape_list list = parse("60,100+4,1,1,1,1,1,1,2+1,3,4");

    ck_assert_uint_eq(list.count, 3);
    expect_shape(&list.shapes[0], "60x100");
    expect_shape(&list.shapes[1], "4x1x1x1x1x1x1x2");
    expect_shape(&list.shapes[2], "1x3x4");
    bench_shapes_free(&list);
}
END_TEST

START_TEST(lists)
{
    static const struct {
        const char *name;
        size_t count;
        const char *first, *last;
    } cases[] = {
        { "resnet50", 9, "32x64x112x112", "32x2048x7x7" },  { "googlenet", 41, "96x64x112x112", "96x448x8x8" },
        { "densenet", 16, "32x64x112x112", "32x1024x7x7" }, { "mlp", 4, "4096x4096", "256x784" },
        { "mlp+2,3,5", 5, "4096x4096", "2x3x5" },           { "2,3,5+mlp+resnet50", 14, "2x3x5", "32x2048x7x7" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench_shape_list list = parse(cases[i].name);

        ck_assert_uint_eq(list.count, cases[i].count);
        expect_shape(&list.shapes[0], cases[i].first);
        expect_shape(&list.shapes[list.count - 1], cases[i].last);
        bench_shapes_free(&list);
    }
}
END_TEST

/* No list has a shape twice, or one that would not be taken from a user. */
START_TEST(lists_are_sound)
{
    static const char *const names[] = { "resnet50", "googlenet", "densenet", "mlp" };

    for (size_t name = 0; name < sizeof(names) / sizeof(names[0]); name++) {
        struct bench_shape_list list = parse(names[name]);

        for (size_t i = 0; i < list.count; i++) {
            ck_assert_uint_ge(bench_shape_elements(&list.shapes[i]) / list.shapes[i].sizes[1], 2);
            for (size_t j = 0; j < i; j++)
                ck_assert_int_ne(memcmp(&list.shapes[i], &list.shapes[j], sizeof(list.shapes[i])), 0);
        }
        bench_shapes_free(&list);
    }
}
END_TEST

START_TEST(wrong_shapes)
{
    static const char *const neither[] = { "",     "x",     "resnet",   "resnet50 ", "RESNET50", "2,3,",  ",2,3",
                                           "2,,3", "2,3,0", "0,3,5",    "2,-3,5",    "2,+3,5x",  "2, 3",  "2x3",
                                           "mlp+", "+mlp",  "mlp++mlp", "2,3+",      "0x2,3",    "1e3,4", "mlp+nothing" };

    for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++)
        refuse(neither[i], "is neither a list of shapes nor positive sizes");
    refuse("5", "fewer than two values");
    refuse("1,5", "fewer than two values");
    refuse("1,5,1,1", "fewer than two values");
    refuse("2,1,1,1,1,1,1,1,2", "more than 8 sizes");
}
END_TEST

START_TEST(large_shapes)
{
    char text[128];

    refuse("4294967296,4294967296", "more bytes than");
    refuse("18446744073709551616,2", "neither"); /* does not fit in size_t */
    refuse("99999999999999999999999999,2", "neither");
    snprintf(text, sizeof(text), "%zu,1", SIZE_MAX / 48);
    struct bench_shape_list list = parse(text);
    ck_assert_uint_eq(bench_shape_elements(&list.shapes[0]), SIZE_MAX / 48);
    bench_shapes_free(&list);
    snprintf(text, sizeof(text), "%zu,1", SIZE_MAX / 48 + 1);
    refuse(text, "more bytes than");
}
END_TEST

START_TEST(a_long_text_is_no_shape)
{
    char text[4096];

    memset(text, '1', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    refuse(text, "is none");
}
END_TEST

START_TEST(choices)
{
    struct bench_choice choice;

    ck_assert(bench_choice_parse("backward", bench_op_names, BENCH_OPS, &choice));
    ck_assert(!choice.wanted[BENCH_FORWARD] && choice.wanted[BENCH_BACKWARD] && !choice.wanted[BENCH_INFERENCE]);
    ck_assert(bench_choice_parse("inference,forward,forward", bench_op_names, BENCH_OPS, &choice));
    ck_assert(choice.wanted[BENCH_FORWARD] && !choice.wanted[BENCH_BACKWARD] && choice.wanted[BENCH_INFERENCE]);
    ck_assert(bench_choice_parse("nchw,nhwc", bench_layout_names, BENCH_NC, &choice));
    ck_assert(!bench_choice_parse("nc", bench_layout_names, BENCH_NC, &choice));
    ck_assert(!bench_choice_parse("", bench_op_names, BENCH_OPS, &choice));
    ck_assert(!bench_choice_parse("forward,", bench_op_names, BENCH_OPS, &choice));
    ck_assert(!bench_choice_parse("forwards", bench_op_names, BENCH_OPS, &choice));
    ck_assert(!bench_choice_parse("forward, backward", bench_op_names, BENCH_OPS, &choice));
    ck_assert(bench_choice_parse("bfloat16,float32", bench_type_names, BENCH_TYPES, &choice));
    ck_assert(choice.wanted[BENCH_FLOAT32] && !choice.wanted[BENCH_FLOAT64] && !choice.wanted[BENCH_FLOAT16] &&
              choice.wanted[BENCH_BFLOAT16]);
    ck_assert(!bench_choice_parse("uint8", bench_type_names, BENCH_TYPES, &choice));
}
END_TEST

START_TEST(bytes)
{
    struct bench_case what = { .shape = { 4, { 2, 3, 5, 7 } }, .op = BENCH_FORWARD, .type = BENCH_FLOAT32 };

    ck_assert_uint_eq(bench_tensor_bytes(&what), 840);
    ck_assert_uint_eq(bench_moved_bytes(&what), 1680);
    what.op = BENCH_INFERENCE;
    ck_assert_uint_eq(bench_moved_bytes(&what), 1680);
    what.op = BENCH_BACKWARD;
    ck_assert_uint_eq(bench_moved_bytes(&what), 2520);
    what.type = BENCH_FLOAT64;
    ck_assert_uint_eq(bench_moved_bytes(&what), 5040);
    what.type = BENCH_FLOAT16;
    ck_assert_uint_eq(bench_moved_bytes(&what), 1260);
    what.type = BENCH_BFLOAT16;
    ck_assert_uint_eq(bench_moved_bytes(&what), 1260);
}
END_TEST

/* Bytes with an activation and a residual, of 420 to a tensor, in the order of the operations. */
START_TEST(bytes_of_fused_operations)
{
    static const struct {
        clbn_activation activation;
        bool residual;
        size_t tensors[BENCH_OPS];
        bool mask[BENCH_OPS];
    } rows[] = {
        { CLBN_ACTIVATION_RELU, false, { 2, 3, 2 }, { false, false, false } }, /* the slope comes from x */
        { CLBN_ACTIVATION_SILU, false, { 2, 3, 2 }, { false, false, false } },
        { CLBN_ACTIVATION_NONE, true, { 3, 4, 3 }, { false, false, false } }, /* z or dz */
        { CLBN_ACTIVATION_RELU, true, { 3, 4, 3 }, { true, true, false } },
        { CLBN_ACTIVATION_SILU, true, { 3, 5, 3 }, { false, false, false } }, /* dz, and z for the slope */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int op = 0; op < BENCH_OPS; op++) {
            struct bench_case what = { .shape = { 4, { 2, 3, 5, 7 } }, .type = BENCH_FLOAT16 };

            what.op = (enum bench_op)op;
            what.activation = rows[i].activation;
            what.residual = rows[i].residual;
            ck_assert(bench_has_mask(&what) == rows[i].mask[op]);
            ck_assert_uint_eq(bench_moved_bytes(&what), rows[i].tensors[op] * 420 + (rows[i].mask[op] ? 210 / 8 : 0));
        }
    }
}
END_TEST

START_TEST(bytes_of_the_limit)
{
    struct bench_case what = { .shape = { 4, { 2, 3, 5, 7 } }, .op = BENCH_FORWARD, .type = BENCH_FLOAT32 };

    ck_assert_int_eq(bench_limit_first(&what), BENCH_COPY_PLAIN);
    ck_assert_uint_eq(bench_limit_bytes(BENCH_COPY_PLAIN, &what), 1680);
    ck_assert_uint_eq(bench_limit_bytes(BENCH_COPY_NONTEMPORAL, &what), 1680);
    ck_assert_uint_eq(bench_limit_bytes(BENCH_TRIAD_NONTEMPORAL, &what), 2520);
    what.residual = true;
    ck_assert_int_eq(bench_limit_first(&what), BENCH_TRIAD_PLAIN);
    what.residual = false;
    what.op = BENCH_BACKWARD;
    ck_assert_int_eq(bench_limit_first(&what), BENCH_TRIAD_PLAIN);
}
END_TEST

START_TEST(medians)
{
    double one[] = { 3.0 };
    double even[] = { 4.0, 1.0, 3.0, 2.0 };
    double ten[] = { 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0 };
    double eleven[] = { 11.0, 1.0, 10.0, 2.0, 9.0, 3.0, 8.0, 4.0, 7.0, 5.0, 6.0 };
    struct bench_summary summary = bench_summarize(one, 1);

    ck_assert(summary.median == 3.0 && summary.minimum == 3.0 && summary.percentile_90 == 3.0);
    ck_assert_uint_eq(summary.samples, 1);
    summary = bench_summarize(even, 4);
    ck_assert(summary.median == 2.5 && summary.minimum == 1.0 && summary.percentile_90 == 4.0);
    summary = bench_summarize(ten, 10);
    ck_assert(summary.median == 5.5 && summary.minimum == 1.0 && summary.percentile_90 == 9.0);
    summary = bench_summarize(eleven, 11);
    ck_assert(summary.median == 6.0 && summary.minimum == 1.0 && summary.percentile_90 == 10.0);
    ck_assert_uint_eq(summary.samples, 11);
}
END_TEST

/* The order in which contestants were called, as letters; the same letter only once in a row. */
static char order[64];
static size_t calls[2];

static bool note_call(void *context, struct failure *unused)
{
    const char *name = context;
    size_t length = strlen(order);

    (void)unused;
    calls[*name - 'A']++;
    if ((length == 0 || order[length - 1] != *name) && length + 1 < sizeof(order))
        order[length] = *name;
    return true;
}

static bool fail_call(void *context, struct failure *reason)
{
    (void)context;
    snprintf(reason->sentence, sizeof(reason->sentence), "on purpose");
    return false;
}

START_TEST(turns)
{
    char names[] = { 'A', 'B' };
    const struct bench_effort effort = { .turns = 3, .calls_minimum = 2, .calls_maximum = 2 };
    struct bench_contestant contestants[] = { { .call = note_call, .context = &names[0] },
                                              { .call = note_call, .context = &names[1] } };

    ck_assert(bench_measure(contestants, 2, &effort, &failure));
    ck_assert_str_eq(order, "ABABA"); /* AB, BA, BA */
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(calls[i], 3 * (1 + 2)); /* one that is not timed, and two that are */
        ck_assert_uint_eq(contestants[i].summary.samples, 3 * 2);
        ck_assert(contestants[i].summary.minimum >= 0.0);
    }
}
END_TEST

START_TEST(each_contestant_follows_each_other_as_often)
{
    for (size_t count = 1; count <= 7; count++) {
        const size_t rounds = count % 2 == 0 ? count : 2 * count;
        size_t after[7][7] = { { 0 } };

        for (size_t turn = 0; turn < rounds; turn++) {
            size_t seen = 0;

            for (size_t position = 0; position < count; position++) {
                const size_t i = bench_turn_order(turn, position, count);

                ck_assert_uint_lt(i, count);
                seen |= (size_t)1 << i;
                if (position > 0)
                    after[bench_turn_order(turn, position - 1, count)][i]++;
            }
            ck_assert_uint_eq(seen, ((size_t)1 << count) - 1);
        }
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++)
                ck_assert_uint_eq(after[i][j], i == j ? 0 : rounds / count);
    }
}
END_TEST

START_TEST(time_is_filled_with_calls)
{
    char name = 'A';
    struct bench_effort effort = { .turns = 1, .timed_seconds = 1000.0, .calls_minimum = 1, .calls_maximum = 5 };
    struct bench_contestant contestant = { .call = note_call, .context = &name };

    ck_assert(bench_measure(&contestant, 1, &effort, &failure));
    ck_assert_uint_eq(contestant.summary.samples, 5);
    effort.timed_seconds = 0.0;
    ck_assert(bench_measure(&contestant, 1, &effort, &failure));
    ck_assert_uint_eq(contestant.summary.samples, 1);
}
END_TEST

START_TEST(few_calls_settle_longer)
{
    char name = 'A';
    const size_t before = calls[0];
    const struct bench_effort effort = {
        .turns = 1, .settling = { .seconds_maximum = 1000.0, .calls = 5 }, .calls_minimum = 1, .calls_maximum = 1
    };
    struct bench_contestant contestant = { .call = note_call, .context = &name };

    ck_assert(bench_measure(&contestant, 1, &effort, &failure));
    ck_assert_uint_eq(calls[0] - before, 5 + 1);
    ck_assert_uint_eq(contestant.summary.samples, 1);
}
END_TEST

START_TEST(a_failing_call_ends_it)
{
    char name = 'A';
    const struct bench_effort effort = { .turns = 1, .calls_minimum = 1, .calls_maximum = 1 };
    struct bench_contestant contestants[] = { { .call = note_call, .context = &name }, { .call = fail_call } };

    ck_assert(!bench_measure(contestants, 2, &effort, &failure));
    ck_assert_str_eq(failure.sentence, "on purpose");
}
END_TEST

START_TEST(rates)
{
    struct bench_row row = { .what = { .shape = { 2, { 1000, 1000 } }, .op = BENCH_BACKWARD, .layout = BENCH_NC } };

    row.limits[0].wall.median = 0.002;
    row.limits[1].wall.median = 0.001;
    ck_assert_double_eq_tol(bench_row_rate(&row, 0.012), 1.0, 1e-12); /* 12 MB in 12 ms */
    ck_assert_double_eq_tol(bench_row_limit_rate(&row), 12.0, 1e-12);
    row.what.residual = true; /* dz is written as well; the limit stays a triad's */
    ck_assert_double_eq_tol(bench_row_rate(&row, 0.016), 1.0, 1e-12);
    ck_assert_double_eq_tol(bench_row_limit_rate(&row), 12.0, 1e-12);
}
END_TEST

/* Words to a group, groups, and passes of launches, of a tensor in float32 on two units. */
START_TEST(slabs_of_the_floor)
{
    enum { BOTH = PASS_READ | PASS_WRITE };
    static const struct {
        size_t sizes[4];
        enum bench_layout layout;
        enum bench_op op;
        struct bench_floor_slabs slabs;
    } rows[] = {
        /* a channel to a group, a page or more, one channel for two units */
        { { 32, 64, 56, 56 }, BENCH_NCHW, BENCH_FORWARD, { 32, 64 * 3136, 3136, 64, { BOTH, 0 } } },
        { { 32, 512, 7, 7 }, BENCH_NCHW, BENCH_BACKWARD, { 32, 512 * 49, 21 * 49, 25, { BOTH | PASS_TWO, 0 } } },
        { { 32, 1, 56, 56 }, BENCH_NCHW, BENCH_FORWARD, { 1, 32 * 3136, 4096, 25, { PASS_READ, PASS_WRITE } } },
        { { 32, 64, 56, 56 }, BENCH_NHWC, BENCH_FORWARD, { 1, 32 * 64 * 3136, 4096, 1568, { PASS_READ, PASS_WRITE } } },
        { { 1, 1, 1, 1 }, BENCH_NCHW, BENCH_BACKWARD, { 1, 1, 4096, 1, { PASS_READ | PASS_TWO, PASS_WRITE | PASS_TWO } } },
        { { 32, 64, 56, 56 }, BENCH_NCHW, BENCH_INFERENCE, { 1, 32 * 64 * 3136, 4096, 1568, { PASS_WRITE, 0 } } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_case what = { .shape = { .rank = 4 }, .layout = rows[i].layout, .op = rows[i].op };
        struct bench_floor_slabs slabs;

        memcpy(what.shape.sizes, rows[i].sizes, sizeof(rows[i].sizes));
        slabs = bench_floor_divide(&what, 2, 4096);
        ck_assert_uint_eq(slabs.rows, rows[i].slabs.rows);
        ck_assert_uint_eq(slabs.pitch, rows[i].slabs.pitch);
        ck_assert_uint_eq(slabs.run, rows[i].slabs.run);
        ck_assert_uint_eq(slabs.groups, rows[i].slabs.groups);
        ck_assert_uint_eq(slabs.launches[0], rows[i].slabs.launches[0]);
        ck_assert_uint_eq(slabs.launches[1], rows[i].slabs.launches[1]);
    }
}
END_TEST

START_TEST(floors)
{
    struct bench_row row = { .what = { .shape = { 2, { 1000, 1000 } }, .op = BENCH_BACKWARD, .layout = BENCH_NC } };
    struct bench_limit limit = { .group = 1 };

    ck_assert(bench_floor_applies(&row.what, &limit));
    ck_assert(isnan(bench_row_floor(&row)));
    row.has_floor = true;
    row.limits[0].wall.median = 0.002;
    row.limits[1].wall.median = 0.001;
    row.floors[0].wall.median = 0.003;
    row.floors[1].wall.median = 0.004;
    ck_assert_double_eq_tol(bench_row_floor(&row), 0.003, 1e-12);
    row.what.op = BENCH_INFERENCE; /* walks once */
    ck_assert_double_eq_tol(bench_row_floor(&row), 0.001, 1e-12);
    row.what.type = BENCH_BFLOAT16; /* and converts */
    ck_assert_double_eq_tol(bench_row_floor(&row), 0.003, 1e-12);
    row.what.type = BENCH_FLOAT64;
    ck_assert(!bench_floor_applies(&row.what, &limit));
    row.what.type = BENCH_FLOAT32;
    limit.group = 64;
    ck_assert(!bench_floor_applies(&row.what, &limit));
    limit.group = 1;
    row.what.residual = true;
    ck_assert(!bench_floor_applies(&row.what, &limit));
}
END_TEST

/* oneDNN's threads wait for each other: on a busy machine one call takes a thousand times as long as another. */
START_TEST(no_ratio_of_times_that_spread)
{
    const struct bench_summary steady = { 1.0, 0.5, 1.4, 9 }, spread = { 400.0, 0.5, 761.0, 9 }, late = { 1.0, 0.5, 1.6, 9 };
    struct bench_row row = { .clbn = { .wall = { 0.5, 0.5, 0.5, 9 } }, .has_peer = true, .peer = steady };

    ck_assert(bench_row_peer_ratio(&row) == 2.0);
    row.peer = spread;
    ck_assert(bench_row_is_unsteady(&row) && isnan(bench_row_peer_ratio(&row)));
    row.peer = late;
    ck_assert(bench_row_is_unsteady(&row) && isnan(bench_row_peer_ratio(&row)));
    row.peer = steady;
    row.busy = true;
    ck_assert(bench_row_is_unsteady(&row) && isnan(bench_row_peer_ratio(&row)));
    row.has_peer = false;
    ck_assert(!bench_row_is_unsteady(&row) && isnan(bench_row_peer_ratio(&row)));
}
END_TEST

static void forget_calls(void)
{
    memset(order, 0, sizeof(order));
    memset(calls, 0, sizeof(calls));
}

int main(void)
{
    Suite *suite = suite_create("bench");
    TCase *shapes = tcase_create("shapes");
    TCase *times = tcase_create("times");

    tcase_add_test(shapes, one_shape);
    tcase_add_test(shapes, ranks);
    tcase_add_test(shapes, lists);
    tcase_add_test(shapes, lists_are_sound);
    tcase_add_test(shapes, wrong_shapes);
    tcase_add_test(shapes, large_shapes);
    tcase_add_test(shapes, a_long_text_is_no_shape);
    tcase_add_test(shapes, choices);
    tcase_add_test(shapes, bytes);
    tcase_add_test(shapes, bytes_of_fused_operations);
    tcase_add_test(shapes, bytes_of_the_limit);
    tcase_add_test(shapes, slabs_of_the_floor);
    tcase_add_checked_fixture(times, forget_calls, NULL);
    tcase_add_test(times, medians);
    tcase_add_test(times, turns);
    tcase_add_test(times, each_contestant_follows_each_other_as_often);
    tcase_add_test(times, time_is_filled_with_calls);
    tcase_add_test(times, few_calls_settle_longer);
    tcase_add_test(times, a_failing_call_ends_it);
    tcase_add_test(times, rates);
    tcase_add_test(times, floors);
    tcase_add_test(times, no_ratio_of_times_that_spread);
    suite_add_tcase(suite, shapes);
    suite_add_tcase(suite, times);
    return run_in_one_process(suite);
}
