/* SPDX-License-Identifier: MIT */
/* The core that needs no device: how descriptions collapse, and which kind of program they need. */
#include "base/status.h"
#include "schedule/variant.h"
#include "suite_runner.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static clbn_plan_desc describe(cl_uint rank, cl_uint axis, const size_t *lengths)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = rank;
    desc.channel_axes = CLBN_AXIS(axis);
    for (cl_uint i = 0; i < rank && i < CLBN_MAX_RANK; i++)
        desc.shape[i] = lengths[i];
    return desc;
}

/* ---- Collapsing ----------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *layout;
    cl_uint rank, axis;
    size_t lengths[CLBN_MAX_RANK];
    size_t outer, channels, inner;
} layouts[] = {
    { "(c)", 1, 0, { 7 }, 1, 7, 1 },
    { "(m, d)", 2, 1, { 60, 100 }, 60, 100, 1 },
    { "(d, m)", 2, 0, { 5, 77 }, 1, 5, 77 },
    { "(m, 1)", 2, 1, { 60, 1 }, 1, 1, 60 },
    { "NCL", 3, 1, { 4, 6, 65 }, 4, 6, 65 },
    { "NLC", 3, 2, { 4, 65, 6 }, 260, 6, 1 },
    { "NCHW", 4, 1, { 2, 3, 5, 7 }, 2, 3, 35 },
    { "NHWC", 4, 3, { 2, 5, 7, 3 }, 70, 3, 1 },
    { "one channel", 4, 1, { 2, 1, 5, 7 }, 1, 1, 70 },
    { "NCDHW", 5, 1, { 2, 3, 4, 5, 6 }, 2, 3, 120 },
    { "NDHWC", 5, 4, { 2, 4, 5, 6, 3 }, 240, 3, 1 },
    { "NC11", 4, 1, { 9, 3, 1, 1 }, 9, 3, 1 },
    { "channels in the midst of 8", 8, 4, { 2, 1, 3, 2, 5, 1, 2, 3 }, 12, 5, 6 },
    { "empty batch", 4, 1, { 0, 3, 5, 7 }, 0, 3, 1 },
    { "empty image", 4, 1, { 2, 3, 0, 7 }, 0, 3, 1 },
    { "no channels", 4, 1, { 2, 0, 5, 7 }, 70, 0, 1 },
    { "nothing at all", 3, 1, { 0, 0, 0 }, 0, 0, 1 },
};

START_TEST(every_layout_collapses_to_three_axes)
{
    struct shape s;
    const size_t m = layouts[_i].outer * layouts[_i].inner;
    clbn_plan_desc desc = describe(layouts[_i].rank, layouts[_i].axis, layouts[_i].lengths);
    ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &s), CLBN_SUCCESS);
    ck_assert_msg(s.outer == layouts[_i].outer && s.channels == layouts[_i].channels && s.inner == layouts[_i].inner,
                  "%s: (%zu, %zu, %zu)", layouts[_i].layout, s.outer, s.channels, s.inner);
    ck_assert_msg(s.values_per_channel == m && s.elements == m * s.channels, "%s: m = %zu, %zu elements", layouts[_i].layout,
                  s.values_per_channel, s.elements);
    ck_assert_msg(s.channels_last == (s.inner == 1), "%s: channels last", layouts[_i].layout);
    ck_assert_uint_eq(s.row_axes, 1);
    ck_assert_uint_eq(s.channel_axes, 1);
}
END_TEST

/* Of packed tensors. */
static const struct {
    const char *what;
    cl_uint rank, axes;
    size_t lengths[CLBN_MAX_RANK];
    size_t outer, channels, inner;
    bool channels_last;
    unsigned row_axes, channel_axes;
} sets[] = {
    { "per activation", 4, 0xe, { 9, 3, 5, 7 }, 9, 105, 1, true, 1, 1 },
    { "frequencies", 4, 0x6, { 2, 3, 5, 7 }, 2, 15, 7, false, 1, 1 },
    { "instance norm", 4, 0x3, { 2, 3, 5, 7 }, 1, 6, 35, false, 1, 1 },
    { "instance norm, channels last", 4, 0x9, { 2, 5, 7, 3 }, 35, 6, 1, false, 1, 7 },
    { "nChw8c", 5, 0x12, { 2, 4, 5, 7, 8 }, 70, 32, 1, false, 6, 2 },
    { "one block of 8", 5, 0x12, { 2, 1, 5, 7, 8 }, 70, 8, 1, true, 1, 1 },
    { "grouped, transposed", 5, 0x5, { 2, 3, 4, 3, 3 }, 3, 8, 9, false, 1, 7 },
    { "every second axis", 8, 0xaa, { 2, 2, 2, 2, 2, 2, 2, 2 }, 16, 16, 1, false, 4, 4 },
    { "every other second axis", 8, 0x55, { 2, 2, 2, 2, 2, 2, 2, 2 }, 8, 16, 2, false, 4, 4 },
    { "no axis", 3, 0, { 3, 5, 7 }, 1, 1, 105, false, 1, 1 },
    { "all axes", 3, 7, { 3, 5, 7 }, 1, 105, 1, true, 1, 1 },
    { "no axis of an empty batch", 3, 0, { 0, 5, 7 }, 0, 1, 1, true, 1, 1 },
};

START_TEST(channels_are_numbered_along_any_set_of_axes)
{
    struct shape s;
    clbn_plan_desc desc = describe(sets[_i].rank, 0, sets[_i].lengths);
    desc.channel_axes = sets[_i].axes;
    ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &s), CLBN_SUCCESS);
    ck_assert_msg(s.outer == sets[_i].outer && s.channels == sets[_i].channels && s.inner == sets[_i].inner,
                  "%s: (%zu, %zu, %zu)", sets[_i].what, s.outer, s.channels, s.inner);
    ck_assert_msg(s.channels_last == sets[_i].channels_last, "%s: channels last", sets[_i].what);
    ck_assert_msg(s.row_axes == sets[_i].row_axes && s.channel_axes == sets[_i].channel_axes,
                  "%s: %u row axes, %u channel axes", sets[_i].what, s.row_axes, s.channel_axes);
}
END_TEST

START_TEST(rank_and_axis_are_checked)
{
    static const size_t ones[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    struct shape shape;
    for (cl_uint rank = 0; rank <= CLBN_MAX_RANK + 2; rank++)
        for (cl_uint axis = 0; axis <= CLBN_MAX_RANK + 2; axis++) {
            clbn_plan_desc desc = describe(rank, axis, ones);
            bool good = rank >= 1 && rank <= CLBN_MAX_RANK && axis < rank;
            cl_int status = bn_collapse_shape(&desc, SIZE_MAX, &shape);
            ck_assert_msg(status == (good ? CLBN_SUCCESS : CLBN_INVALID_SHAPE), "rank %u, axis %u: %s", (unsigned)rank,
                          (unsigned)axis, clbnStatusName(status));
        }
}
END_TEST

/* The greatest tensor that fits, and one with one element more. */
START_TEST(a_tensor_has_at_most_the_bytes_that_the_limit_says)
{
    static const size_t limits[] = { 4000, 4003, SIZE_MAX, SIZE_MAX / 2, UINT32_MAX };
    struct shape shape;
    for (int i = 0; i < COUNT_OF(limits); i++)
        for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++)
            for (cl_uint axis = 0; axis < 3; axis++) {
                size_t lengths[3] = { 1, 1, 1 };
                lengths[(axis + 1) % 3] = limits[i] / bn_type_size(type);
                clbn_plan_desc desc = describe(3, axis, lengths);
                desc.type = type;
                ck_assert_int_eq(bn_collapse_shape(&desc, limits[i], &shape), CLBN_SUCCESS);
                desc.shape[(axis + 1) % 3]++;
                ck_assert_int_eq(bn_collapse_shape(&desc, limits[i], &shape), CLBN_SIZE_OVERFLOW);
            }
}
END_TEST

/* Whatever the order of the axes: huge ones do not fit, even where a 0 makes their product 0. */
START_TEST(overflow_does_not_depend_on_the_order_of_the_axes)
{
    static const size_t root = (size_t)1 << (4 * sizeof(size_t));
    struct shape shape;
    for (unsigned zero = 0; zero < 3; zero++)
        for (cl_uint axis = 0; axis < 3; axis++) {
            size_t lengths[3] = { root, root, root };
            lengths[zero] = 0;
            clbn_plan_desc desc = describe(3, axis, lengths);
            ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &shape), CLBN_SIZE_OVERFLOW);
            lengths[zero] = 1;
            desc = describe(3, axis, lengths);
            ck_assert_int_eq(bn_collapse_shape(&desc, SIZE_MAX, &shape), CLBN_SIZE_OVERFLOW);
        }
}
END_TEST

START_TEST(types_have_their_sizes)
{
    ck_assert_uint_eq(bn_type_size(CLBN_FLOAT32), 4);
    ck_assert_uint_eq(bn_type_size(CLBN_FLOAT64), 8);
    ck_assert_uint_eq(bn_type_size(0), 0);
    ck_assert_uint_eq(bn_type_size(UINT32_MAX), 0);
}
END_TEST

/* ---- Variants ------------------------------------------------------------------------------------------------------------- */

static struct device_facts some_facts(void)
{
    const struct device_facts facts = {
        .is_vector_cpu = true, .has_double = true, .compute_units = 8, .max_group_size = 1024, .address_limit = SIZE_MAX
    };
    return facts;
}

static const struct shape columns_shape = {
    .outer = 60, .channels = 100, .inner = 1, .elements = 6000, .channels_last = true, .row_axes = 1, .channel_axes = 1
};
static const struct shape rows_shape = {
    .outer = 2, .channels = 3, .inner = 35, .elements = 210, .row_axes = 1, .channel_axes = 1
};

static struct variant variant_of(clbn_geometry geometry, cl_uint flags, clbn_type type, const struct shape *shape)
{
    const struct device_facts facts = some_facts();
    return bn_choose_variant(geometry, flags, &facts, type, CLBN_ACTIVATION_NONE, shape);
}

START_TEST(a_geometry_is_chosen_by_the_device_unless_it_is_forced)
{
    struct device_facts facts = some_facts();
    ck_assert_uint_eq(bn_choose_geometry(CLBN_GEOMETRY_AUTO, &facts), CLBN_GEOMETRY_VECTOR);
    ck_assert_uint_eq(bn_choose_geometry(CLBN_GEOMETRY_GROUP, &facts), CLBN_GEOMETRY_GROUP);
    facts.is_vector_cpu = false;
    ck_assert_uint_eq(bn_choose_geometry(CLBN_GEOMETRY_AUTO, &facts), CLBN_GEOMETRY_GROUP);
    ck_assert_uint_eq(bn_choose_geometry(CLBN_GEOMETRY_VECTOR, &facts), CLBN_GEOMETRY_VECTOR);
}
END_TEST

START_TEST(a_group_is_a_power_of_two_that_the_device_allows)
{
    for (size_t most = 1; most <= 300; most++) {
        struct device_facts facts = some_facts();
        facts.max_group_size = most;
        struct variant v = bn_choose_variant(CLBN_GEOMETRY_GROUP, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape);
        ck_assert_msg(v.group >= 1 && v.group <= most && (v.group & (v.group - 1)) == 0, "%u of %zu", v.group, most);
        ck_assert_uint_eq(
            bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape).group, 1);
    }
}
END_TEST

START_TEST(indices_have_64_bits_where_a_tensor_needs_them)
{
    struct shape shape = { .outer = 1, .channels = 1, .inner = INT32_MAX, .elements = INT32_MAX };
    ck_assert_uint_eq(variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &shape).index, 32);
    ck_assert_uint_eq(variant_of(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_INDEX_64, CLBN_FLOAT32, &shape).index, 64);
    shape.elements++;
    ck_assert_uint_eq(variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &shape).index, 64);
    shape.elements--;
    shape.reaches[TENSOR_DZ] = (size_t)INT32_MAX + 1;
    ck_assert_uint_eq(variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &shape).index, 64);
}
END_TEST

/* Whose groups are a GPU's may be computed by anything. */
START_TEST(nan_is_trusted_to_be_short_only_where_a_cpu_computes_vectors)
{
    struct device_facts facts = some_facts();
    ck_assert(!bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_BFLOAT16, CLBN_ACTIVATION_NONE, &rows_shape).short_nan);
    facts.is_cpu = true;
    ck_assert(bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_BFLOAT16, CLBN_ACTIVATION_NONE, &rows_shape).short_nan);
    ck_assert(!bn_choose_variant(CLBN_GEOMETRY_GROUP, 0, &facts, CLBN_BFLOAT16, CLBN_ACTIVATION_NONE, &rows_shape).short_nan);
}
END_TEST

START_TEST(single_work_items_prefetch_where_the_compiler_can)
{
    struct device_facts facts = some_facts();
    for (int i = 0; i < 4; i++) {
        facts.can_fetch = i % 2 != 0;
        const clbn_geometry geometry = i / 2 == 0 ? CLBN_GEOMETRY_VECTOR : CLBN_GEOMETRY_GROUP;
        const struct variant v = bn_choose_variant(geometry, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape);
        ck_assert(v.fetches == (i == 1));
    }
}
END_TEST

START_TEST(merges_are_in_double_only_for_float32_on_a_device_that_has_it)
{
    struct device_facts facts = some_facts();
    ck_assert(bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape).wide_double);
    ck_assert(!bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_FLOAT64, CLBN_ACTIVATION_NONE, &rows_shape).wide_double);
    ck_assert(
        !bn_choose_variant(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_NO_DOUBLE, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape)
             .wide_double);
    facts.has_double = false;
    ck_assert(!bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape).wide_double);
}
END_TEST

/* Kinds of program that differ in one thing have different options, and are not taken for each other. */
START_TEST(different_variants_have_different_options)
{
    const struct device_facts facts = some_facts();
    struct device_facts short_nan = facts, fetching = facts;
    short_nan.is_cpu = true;
    fetching.can_fetch = true;
    const struct shape pieces_of_rows = { .elements = 210, .row_axes = 7, .channel_axes = 1 };
    const struct shape pieces_of_channels = { .elements = 210, .row_axes = 1, .channel_axes = 7 };
    const struct variant base = variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &rows_shape);
    const struct variant others[] = {
        variant_of(CLBN_GEOMETRY_GROUP, 0, CLBN_FLOAT32, &rows_shape),
        variant_of(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_NO_DOUBLE, CLBN_FLOAT32, &rows_shape),
        variant_of(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_INDEX_64, CLBN_FLOAT32, &rows_shape),
        variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT64, &rows_shape),
        variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &pieces_of_rows),
        variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &pieces_of_channels),
        bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_RELU, &rows_shape),
        bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &short_nan, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape),
        bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &fetching, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape),
    };
    const struct variant last = variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &columns_shape);
    char text[512], other_text[512];
    ck_assert(bn_variant_options(&base, text, sizeof text));
    ck_assert(bn_is_variant(&base, &base));
    ck_assert(!bn_is_variant(&base, &last)); /* other sources, the same options */
    for (int i = 0; i < COUNT_OF(others); i++) {
        ck_assert(!bn_is_variant(&base, &others[i]));
        ck_assert(bn_variant_options(&others[i], other_text, sizeof other_text));
        ck_assert_str_ne(text, other_text);
    }
}
END_TEST

START_TEST(groups_take_large_registers_where_there_are_some)
{
    static const char *const option = " -cl-intel-256-GRF-per-thread";
    const struct device_facts facts = some_facts();
    struct device_facts large = facts;
    large.has_large_registers = true;
    const struct variant usual = variant_of(CLBN_GEOMETRY_GROUP, 0, CLBN_FLOAT32, &rows_shape);
    const struct variant v = bn_choose_variant(CLBN_GEOMETRY_GROUP, 0, &large, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape);
    char text[512];
    ck_assert(bn_variant_options(&usual, text, sizeof text));
    ck_assert_ptr_null(strstr(text, option));
    ck_assert(bn_variant_options(&v, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, option));
    ck_assert(!bn_is_variant(&usual, &v));
}
END_TEST

START_TEST(groups_are_not_optimized_where_that_goes_wrong)
{
    static const char *const option = "-cl-opt-disable";
    struct device_facts facts = some_facts();
    facts.miscompiles_groups = true;
    const struct variant group =
        bn_choose_variant(CLBN_GEOMETRY_GROUP, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape);
    const struct variant vector =
        bn_choose_variant(CLBN_GEOMETRY_VECTOR, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &rows_shape);
    char text[512];
    ck_assert(bn_variant_options(&group, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, option));
    ck_assert(bn_variant_options(&vector, text, sizeof text));
    ck_assert_ptr_null(strstr(text, option));
}
END_TEST

START_TEST(programs_are_optimized_where_they_are_wrong_without)
{
    static const char *const option = "-cl-opt-disable";
    struct device_facts facts = some_facts();
    for (int i = 0; i < 2; i++) {
        facts.miscompiles_unoptimized = i > 0;
        const struct variant v = bn_choose_variant(CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_UNOPTIMIZED, &facts, CLBN_FLOAT32,
                                                   CLBN_ACTIVATION_NONE, &rows_shape);
        char text[512];
        ck_assert(bn_variant_options(&v, text, sizeof text));
        ck_assert((strstr(text, option) == NULL) == facts.miscompiles_unoptimized);
    }
}
END_TEST

START_TEST(options_that_do_not_fit_are_not_given)
{
    const struct variant v = variant_of(CLBN_GEOMETRY_VECTOR, 0, CLBN_FLOAT32, &rows_shape);
    char text[512];
    ck_assert(bn_variant_options(&v, text, sizeof text));
    size_t length = strlen(text);
    ck_assert(bn_variant_options(&v, text, length + 1));
    ck_assert(!bn_variant_options(&v, text, length));
    ck_assert(!bn_variant_options(&v, text, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: shapes and variants");
    TCase *cases = tcase_create("pure");
    tcase_add_loop_test(cases, every_layout_collapses_to_three_axes, 0, COUNT_OF(layouts));
    tcase_add_loop_test(cases, channels_are_numbered_along_any_set_of_axes, 0, COUNT_OF(sets));
    tcase_add_test(cases, rank_and_axis_are_checked);
    tcase_add_test(cases, a_tensor_has_at_most_the_bytes_that_the_limit_says);
    tcase_add_test(cases, overflow_does_not_depend_on_the_order_of_the_axes);
    tcase_add_test(cases, types_have_their_sizes);
    tcase_add_test(cases, a_geometry_is_chosen_by_the_device_unless_it_is_forced);
    tcase_add_test(cases, a_group_is_a_power_of_two_that_the_device_allows);
    tcase_add_test(cases, indices_have_64_bits_where_a_tensor_needs_them);
    tcase_add_test(cases, nan_is_trusted_to_be_short_only_where_a_cpu_computes_vectors);
    tcase_add_test(cases, single_work_items_prefetch_where_the_compiler_can);
    tcase_add_test(cases, merges_are_in_double_only_for_float32_on_a_device_that_has_it);
    tcase_add_test(cases, different_variants_have_different_options);
    tcase_add_test(cases, groups_take_large_registers_where_there_are_some);
    tcase_add_test(cases, groups_are_not_optimized_where_that_goes_wrong);
    tcase_add_test(cases, programs_are_optimized_where_they_are_wrong_without);
    tcase_add_test(cases, options_that_do_not_fit_are_not_given);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
