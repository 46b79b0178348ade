/* SPDX-License-Identifier: MIT */
/* The kinds of programs that the suites run. */
#include "activation.h"
#include "kinds.h"
#include "suite_runner.h"

/* The factors of a kind, each a number from 0. */
enum factor { TYPE, ACTIVATION, LAYOUT, GEOMETRY, INDEX, MERGE, FACTORS };
static const int values[FACTORS] = { 4, ACTIVATIONS, 2, 2, 2, 2 };
enum { MERGE_DOUBLE, MERGE_PAIR };

static int value_of(struct kind kind, enum factor factor)
{
    const struct engine_config *config = &engine_configs[kind.config];
    switch (factor) {
    case TYPE:
        return (int)(kind.type - CLBN_FLOAT32);
    case ACTIVATION:
        return (int)kind.activation;
    case LAYOUT:
        return kind.channels_last;
    case GEOMETRY:
        return config->geometry == CLBN_GEOMETRY_GROUP;
    case INDEX:
        return (config->flags & CLBN_ENGINE_INDEX_64) != 0;
    default:
        return kind.type == CLBN_FLOAT64 || (config->flags & CLBN_ENGINE_NO_DOUBLE) != 0 ? MERGE_PAIR : MERGE_DOUBLE;
    }
}

/* number: of ENGINE_CONFIGS * 4 * ACTIVATIONS * 2. */
static struct kind kind_number(int number)
{
    struct kind kind;
    kind.channels_last = number % 2 != 0;
    kind.activation = (clbn_activation)(number / 2 % ACTIVATIONS);
    kind.type = CLBN_FLOAT32 + (clbn_type)(number / 2 / ACTIVATIONS % 4);
    kind.config = number / 2 / ACTIVATIONS / 4;
    return kind;
}
enum { KINDS = ENGINE_CONFIGS * 4 * ACTIVATIONS * 2 };

static bool occur_together(enum factor a, int value_a, enum factor b, int value_b)
{
    for (int i = 0; i < KINDS; i++) {
        const struct kind kind = kind_number(i);
        if (extent_of_kind(kind, false) != NOT_TESTED && value_of(kind, a) == value_a && value_of(kind, b) == value_b)
            return true;
    }
    return false;
}

START_TEST(the_short_run_has_every_pair_of_values)
{
    for (enum factor a = 0; a < FACTORS; a++)
        for (enum factor b = a + 1; b < FACTORS; b++)
            for (int value_a = 0; value_a < values[a]; value_a++)
                for (int value_b = 0; value_b < values[b]; value_b++) {
                    const bool exists = a != TYPE || value_a != 1 || b != MERGE || value_b != MERGE_DOUBLE;
                    ck_assert_msg(occur_together(a, value_a, b, value_b) == exists, "factors %d = %d and %d = %d", (int)a,
                                  value_a, (int)b, value_b);
                }
}
END_TEST

/* Each type in each layout, geometry and width of an index at once. */
START_TEST(every_type_is_in_every_layout_geometry_and_index)
{
    bool occurs[4][8] = { { false } };
    for (int i = 0; i < KINDS; i++) {
        const struct kind kind = kind_number(i);
        if (extent_of_kind(kind, false) != NOT_TESTED)
            occurs[value_of(kind, TYPE)][4 * value_of(kind, LAYOUT) + 2 * value_of(kind, GEOMETRY) + value_of(kind, INDEX)] =
                true;
    }
    for (int type = 0; type < 4; type++)
        for (int i = 0; i < 8; i++)
            ck_assert_msg(occurs[type][i], "type %d, layout, geometry and index %d", type, i);
}
END_TEST

START_TEST(the_full_run_has_what_the_short_one_has)
{
    int more = 0;
    for (int i = 0; i < KINDS; i++) {
        const struct kind kind = kind_number(i);
        ck_assert_int_ge(extent_of_kind(kind, true), extent_of_kind(kind, false));
        more += extent_of_kind(kind, true) > extent_of_kind(kind, false);
    }
    ck_assert_int_gt(more, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kinds");
    TCase *cases = tcase_create("of programs");
    tcase_add_test(cases, the_short_run_has_every_pair_of_values);
    tcase_add_test(cases, every_type_is_in_every_layout_geometry_and_index);
    tcase_add_test(cases, the_full_run_has_what_the_short_one_has);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
