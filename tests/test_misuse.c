/* SPDX-License-Identifier: MIT */
/* Engines and plans that are refused, and questions that have no answer. */
#include "attempt.h"
#include "halves.h"
#include "interpose.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static void expect_failure(cl_int status, cl_int expected, const char *word, const char *other_word)
{
    expect_status(status, expected, "the call");
    expect_sentence(word, other_word);
}

/* ---- Engines -------------------------------------------------------------------------------------------------------------- */

static void expect_no_engine(cl_context context, cl_device_id device, const clbn_engine_options *options, cl_int expected,
                             const char *word)
{
    cl_int status = CL_SUCCESS;
    struct live_objects before = count_live_objects();
    testing("an engine, %s", word);
    forget_last_error();
    ck_assert_ptr_null(clbnCreateEngine(context, device, options, &status));
    expect_failure(status, expected, word, "expected");
    forget_last_error();
    ck_assert_ptr_null(clbnCreateEngine(context, device, options, NULL));
    expect_sentence(word, "expected");
    expect_live_objects(&before);
}

START_TEST(an_engine_needs_context_and_device)
{
    expect_no_engine(NULL, test_device(), NULL, CL_INVALID_CONTEXT, "context");
    expect_no_engine(test_context(), NULL, NULL, CL_INVALID_DEVICE, "device");
}
END_TEST

static const struct {
    clbn_engine_options options;
    cl_int status;
    const char *word;
} bad_options[] = {
    { { 0, CLBN_GEOMETRY_AUTO, 0 }, CLBN_INVALID_STRUCT_SIZE, "struct_size 0" },
    { { sizeof(clbn_engine_options) - 1, CLBN_GEOMETRY_AUTO, 0 }, CLBN_INVALID_STRUCT_SIZE, "struct_size" },
    { { 1, CLBN_GEOMETRY_AUTO, 0 }, CLBN_INVALID_STRUCT_SIZE, "struct_size 1" },
    { { sizeof(clbn_engine_options) + 1, CLBN_GEOMETRY_AUTO, 0 }, CLBN_INVALID_STRUCT_SIZE, "struct_size" },
    { { SIZE_MAX, CLBN_GEOMETRY_AUTO, 0 }, CLBN_INVALID_STRUCT_SIZE, "struct_size" },
    { { sizeof(clbn_engine_options), 3, 0 }, CLBN_INVALID_ARGUMENT, "geometry is 3" },
    { { sizeof(clbn_engine_options), UINT32_MAX, 0 }, CLBN_INVALID_ARGUMENT, "geometry" },
    { { sizeof(clbn_engine_options), CLBN_GEOMETRY_AUTO, 1u << 5 }, CLBN_INVALID_ARGUMENT, "flags 0x20" },
    { { sizeof(clbn_engine_options), CLBN_GEOMETRY_AUTO, 1u << 31 }, CLBN_INVALID_ARGUMENT, "flags" },
    { { sizeof(clbn_engine_options), CLBN_GEOMETRY_AUTO, CLBN_ENGINE_SPLIT | CLBN_ENGINE_WHOLE },
      CLBN_INVALID_ARGUMENT,
      "CLBN_ENGINE_SPLIT" },
};

START_TEST(an_engine_needs_known_options)
{
    expect_no_engine(test_context(), test_device(), &bad_options[_i].options, bad_options[_i].status, bad_options[_i].word);
}
END_TEST

START_TEST(an_engine_needs_a_device_of_its_context)
{
    if (!divide_device("an engine for another context's device"))
        return;
    hide_parents(true);
    expect_no_engine(test_context(), halves[0], NULL, CLBN_WRONG_DEVICE, "device");
    hide_parents(false);
    join_device();
}
END_TEST

/* A context of sub-devices may list their parent in their place. */
START_TEST(an_engine_takes_a_part_of_its_contexts_device)
{
    cl_int status;
    if (!divide_device("an engine for a part of a device"))
        return;
    cl_context context = clCreateContext(NULL, 2, halves, NULL, NULL, &status);
    expect_success(status);
    clbn_engine engine = clbnCreateEngine(context, halves[1], NULL, &status);
    expect_success(status);
    expect_success(clbnReleaseEngine(engine));
    expect_success(clReleaseContext(context));
    join_device();
}
END_TEST

/* ---- Plans ---------------------------------------------------------------------------------------------------------------- */

static void expect_no_plan(clbn_engine engine, const clbn_plan_desc *desc, cl_int expected, const char *word)
{
    cl_int status = CL_SUCCESS;
    struct live_objects before = count_live_objects();
    forget_last_error();
    ck_assert_msg(clbnCreatePlan(engine, desc, &status) == NULL, "%s: there is a plan", what_is_tested());
    expect_failure(status, expected, word, "expected");
    forget_last_error();
    ck_assert_ptr_null(clbnCreatePlan(engine, desc, NULL));
    expect_sentence(word, "expected");
    expect_live_objects(&before);
}

static clbn_plan_desc good_desc(void)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 2;
    desc.shape[0] = 4;
    desc.shape[1] = 3;
    return desc;
}

START_TEST(a_plan_needs_an_engine_and_a_description)
{
    const clbn_plan_desc desc = good_desc();
    testing("a plan without engine");
    expect_no_plan(NULL, &desc, CLBN_INVALID_ENGINE, "engine");
    testing("a plan without description");
    expect_no_plan(test_engine(0), NULL, CLBN_INVALID_ARGUMENT, "desc");
}
END_TEST

static void use_small_struct(clbn_plan_desc *desc)
{
    desc->struct_size--;
}

static void use_large_struct(clbn_plan_desc *desc)
{
    desc->struct_size += 1;
}

static void use_huge_struct(clbn_plan_desc *desc)
{
    desc->struct_size = SIZE_MAX & ~(sizeof(size_t) - 1);
}

static void use_no_type(clbn_plan_desc *desc)
{
    desc->type = 0;
}

static void use_unknown_type(clbn_plan_desc *desc)
{
    desc->type = CLBN_BFLOAT16 + 1;
}

static void use_unknown_parameters(clbn_plan_desc *desc)
{
    desc->parameter_type = 5;
}

static void use_float64_parameters(clbn_plan_desc *desc)
{
    desc->parameter_type = CLBN_FLOAT64;
}

static void use_rank_0(clbn_plan_desc *desc)
{
    desc->rank = 0;
    desc->channel_axes = 0;
}

static void use_rank_9(clbn_plan_desc *desc)
{
    desc->rank = 9;
}

static void use_axis_of_rank(clbn_plan_desc *desc)
{
    desc->channel_axes = CLBN_AXIS(0) | CLBN_AXIS(2);
}

static void use_huge_axis(clbn_plan_desc *desc)
{
    desc->channel_axes = CLBN_AXIS(31);
}

static void use_negative_epsilon(clbn_plan_desc *desc)
{
    desc->epsilon = -DBL_MIN;
}

static void use_nan_epsilon(clbn_plan_desc *desc)
{
    desc->epsilon = (double)NAN;
}

static void use_infinite_epsilon(clbn_plan_desc *desc)
{
    desc->epsilon = (double)INFINITY;
}

static void use_epsilon_beyond_float32(clbn_plan_desc *desc)
{
    desc->epsilon = 2 * (double)FLT_MAX;
}

static void use_unknown_operation(clbn_plan_desc *desc)
{
    desc->operations = CLBN_OPERATION_INFERENCE << 1;
}

static void use_ghosts_along_channels(clbn_plan_desc *desc)
{
    desc->channel_axes = CLBN_AXIS(0);
    desc->ghost_batch = 2;
}

static void use_unknown_activation(clbn_plan_desc *desc)
{
    desc->activation = CLBN_ACTIVATION_ELU + 1;
}

static void use_slope_beyond_float32(clbn_plan_desc *desc)
{
    desc->activation = CLBN_ACTIVATION_LEAKY_RELU;
    desc->leaky_slope = -2 * (double)FLT_MAX;
}

static void use_nan_slope(clbn_plan_desc *desc)
{
    desc->activation = CLBN_ACTIVATION_LEAKY_RELU;
    desc->leaky_slope = (double)NAN;
}

static void use_infinite_alpha(clbn_plan_desc *desc)
{
    desc->activation = CLBN_ACTIVATION_ELU;
    desc->elu_alpha = (double)INFINITY;
}

/* Of 4 x 3 elements. */
static void use_strides(clbn_layout *layout, ptrdiff_t rows, ptrdiff_t columns)
{
    layout->has_strides = CL_TRUE;
    layout->strides[0] = rows;
    layout->strides[1] = columns;
}

static void repeat_y(clbn_plan_desc *desc)
{
    use_strides(&desc->y_layout, 0, 1);
}

static void overlap_rows_of_dx(clbn_plan_desc *desc)
{
    use_strides(&desc->dx_layout, 2, 1);
}

static void overlap_columns_of_dz(clbn_plan_desc *desc)
{
    use_strides(&desc->dz_layout, 1, 3);
}

static void repeat_dx(clbn_plan_desc *desc)
{
    use_strides(&desc->dx_layout, 0, 0);
}

static void turn_x_round(clbn_plan_desc *desc)
{
    use_strides(&desc->x_layout, 3, -1);
}

static void turn_dz_round(clbn_plan_desc *desc)
{
    use_strides(&desc->dz_layout, PTRDIFF_MIN, 1);
}

static void forget_that_dy_has_strides(clbn_plan_desc *desc)
{
    use_strides(&desc->dy_layout, 3, 1);
    desc->dy_layout.has_strides = CL_FALSE;
}

static const struct {
    void (*break_it)(clbn_plan_desc *);
    cl_int status;
    const char *word;
} bad_descs[] = {
    { use_small_struct, CLBN_INVALID_STRUCT_SIZE, "clbn_plan_desc" },
    { use_large_struct, CLBN_INVALID_STRUCT_SIZE, "struct_size" },
    { use_huge_struct, CLBN_INVALID_STRUCT_SIZE, "struct_size" },
    { use_no_type, CLBN_UNSUPPORTED_TYPE, "type is 0" },
    { use_unknown_type, CLBN_UNSUPPORTED_TYPE, "type is 5" },
    { use_unknown_parameters, CLBN_UNSUPPORTED_TYPE, "parameter_type is 5" },
    { use_float64_parameters, CLBN_UNSUPPORTED_TYPE, "parameter_type is 2" },
    { use_rank_0, CLBN_INVALID_SHAPE, "rank is 0" },
    { use_rank_9, CLBN_INVALID_SHAPE, "rank is 9" },
    { use_axis_of_rank, CLBN_INVALID_SHAPE, "channel_axes are 0x5" },
    { use_huge_axis, CLBN_INVALID_SHAPE, "channel_axes are 0x80000000" },
    { use_negative_epsilon, CLBN_INVALID_EPSILON, "epsilon is -" },
    { use_nan_epsilon, CLBN_INVALID_EPSILON, "epsilon" },
    { use_infinite_epsilon, CLBN_INVALID_EPSILON, "epsilon is inf" },
    { use_epsilon_beyond_float32, CLBN_INVALID_EPSILON, "epsilon is 6.8" },
    { use_unknown_operation, CLBN_WRONG_OPERATION, "operations is 0x8" },
    { use_ghosts_along_channels, CLBN_INVALID_SHAPE, "ghost_batch is 2, but axis 0 is a channel axis" },
    { use_unknown_activation, CLBN_INVALID_ACTIVATION, "activation is 8" },
    { use_slope_beyond_float32, CLBN_INVALID_ACTIVATION, "leaky_slope is -6.8" },
    { use_nan_slope, CLBN_INVALID_ACTIVATION, "leaky_slope" },
    { use_infinite_alpha, CLBN_INVALID_ACTIVATION, "elu_alpha is inf" },
    { repeat_y, CLBN_INVALID_STRIDES, "y's" },
    { repeat_dx, CLBN_INVALID_STRIDES, "dx's" },
    { overlap_rows_of_dx, CLBN_INVALID_STRIDES, "dx's" },
    { overlap_columns_of_dz, CLBN_INVALID_STRIDES, "dz's" },
    { turn_x_round, CLBN_INVALID_STRIDES, "x_layout.strides[1] is -1: negative" },
    { turn_dz_round, CLBN_INVALID_STRIDES, "dz_layout.strides[0] is -" },
    { forget_that_dy_has_strides, CLBN_INVALID_STRIDES, "dy_layout.strides[0] is 3, but has_strides" },
};

START_TEST(a_plan_needs_a_good_description)
{
    clbn_plan_desc desc = good_desc();
    bad_descs[_i].break_it(&desc);
    testing("a plan, %s", bad_descs[_i].word);
    expect_no_plan(test_engine(0), &desc, bad_descs[_i].status, bad_descs[_i].word);
}
END_TEST

/* A quarter of what size_t counts is, times four bytes, one too many. */
#define QUARTER (SIZE_MAX / 4 + 1)
#define ROOT    ((size_t)1 << (4 * sizeof(size_t)))

static const struct shape overflowing[] = {
    { 1, 0, { SIZE_MAX } },
    { 1, 0, { QUARTER } },
    { 2, 1, { QUARTER, 1 } },
    { 2, 1, { 1, QUARTER } },
    { 2, 0, { 3, SIZE_MAX / 3 } },
    { 2, 1, { ROOT, ROOT } },
    { 3, 1, { ROOT, 1, ROOT } },
    { 8, 4, { 256, 256, 256, 256, 256, 256, 256, 256 } },
    { 8, 0, { SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX } },
    { 3, 1, { 0, SIZE_MAX, 3 } },
    { 3, 1, { ROOT, 0, ROOT } },
    { 3, 0, { 0, ROOT, ROOT } },
    { 3, 2, { 0, ROOT, ROOT } },
    { 3, 2, { ROOT, 0, ROOT } },
    { 3, 2, { ROOT, ROOT, 0 } },
};

START_TEST(a_shape_that_overflows_is_refused_wherever_its_zeros_are)
{
    char text[SHAPE_TEXT_SIZE];
    clbn_plan_desc desc = good_desc();
    desc.rank = overflowing[_i].rank;
    desc.channel_axes = CLBN_AXIS(overflowing[_i].channel_axis);
    memcpy(desc.shape, overflowing[_i].lengths, sizeof desc.shape);
    testing("a plan of %s", shape_text(&overflowing[_i], text));
    clbn_type types[MAX_TYPES];
    int type_count = device_types(types);
    for (int t = 0; t < type_count; t++) {
        desc.type = types[t];
        struct live_objects before = count_live_objects();
        cl_int status = CL_SUCCESS;
        forget_last_error();
        ck_assert_msg(clbnCreatePlan(test_engine(0), &desc, &status) == NULL, "%s: there is one", what_is_tested());
        expect_failure(status, CLBN_SIZE_OVERFLOW, "tensor", "bytes");
        expect_live_objects(&before);
    }
}
END_TEST

START_TEST(strides_stay_within_the_address_space)
{
    static const ptrdiff_t strides[] = { PTRDIFF_MAX / 8, PTRDIFF_MAX / 4, PTRDIFF_MAX / 3, PTRDIFF_MAX / 2, PTRDIFF_MAX };
    for (int i = 0; i < COUNT_OF(strides); i++) {
        clbn_plan_desc desc = good_desc();
        cl_int status = CL_SUCCESS;
        use_strides(&desc.z_layout, strides[i], 1);
        testing("a stride of %td", strides[i]);
        forget_last_error();
        ck_assert_msg(clbnCreatePlan(test_engine(0), &desc, &status) == NULL, "%s: there is a plan", what_is_tested());
        expect_failure(status, CLBN_INVALID_STRIDES, "z's strides reach too far, expected", "elements");
    }
}
END_TEST

START_TEST(float64_tensors_have_float64_parameters)
{
    clbn_type types[MAX_TYPES];
    clbn_plan_desc desc = good_desc();
    if (device_types(types) == 1)
        return;
    desc.type = CLBN_FLOAT64;
    for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++) {
        desc.parameter_type = type;
        if (type != CLBN_FLOAT64)
            expect_no_plan(test_engine(0), &desc, CLBN_UNSUPPORTED_TYPE, "expected 0 or CLBN_FLOAT64");
    }
}
END_TEST

START_TEST(a_device_without_float64_refuses_float64)
{
    cl_int status = CL_SUCCESS;
    cl_bool has_float64 = CL_TRUE;
    char merge_type[16];
    clbn_plan_desc desc = good_desc();
    hide_float64(true);
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    hide_float64(false);
    expect_success(status);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_HAS_FLOAT64, sizeof has_float64, &has_float64, NULL));
    ck_assert(!has_float64);
    expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_MERGE_TYPE, sizeof merge_type, merge_type, NULL));
    ck_assert_str_eq(merge_type, "float-float");
    testing("a float64 plan on a device without");
    desc.type = CLBN_FLOAT64;
    forget_last_error();
    ck_assert_ptr_null(clbnCreatePlan(engine, &desc, &status));
    expect_failure(status, CLBN_UNSUPPORTED_TYPE, "CLBN_FLOAT64", "cl_khr_fp64");
    desc.type = CLBN_FLOAT32;
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    expect_success(status);
    clbnReleasePlan(plan);
    clbnReleaseEngine(engine);
}
END_TEST

/* ---- Questions ------------------------------------------------------------------------------------------------------------ */

START_TEST(null_objects_have_no_references_and_no_information)
{
    size_t size = 0;
    testing("NULL objects");
    forget_last_error();
    expect_failure(clbnRetainEngine(NULL), CLBN_INVALID_ENGINE, "engine", "expected");
    expect_failure(clbnRetainPlan(NULL), CLBN_INVALID_PLAN, "plan", "expected");
    forget_last_error();
    expect_failure(clbnGetEngineInfo(NULL, CLBN_ENGINE_DEVICE, 0, NULL, &size), CLBN_INVALID_ENGINE, "engine", NULL);
    expect_failure(clbnGetPlanInfo(NULL, CLBN_PLAN_CHANNELS, 0, NULL, &size), CLBN_INVALID_PLAN, "plan", "expected");
    ck_assert_uint_eq(size, 0);
}
END_TEST

/* Asks with one byte too few and with a name that does not exist, into memory that must stay as it is. */
#define EXPECT_NO_ANSWER(ask, object, least, greatest)                                                                         \
    for (cl_uint name = (least); name <= (greatest); name++) {                                                                 \
        char answer[128];                                                                                                      \
        size_t size = 0, size_of_failure = 77;                                                                                 \
        expect_success(ask(object, name, 0, NULL, &size));                                                                     \
        memset(answer, 42, sizeof answer);                                                                                     \
        forget_last_error();                                                                                                   \
        expect_failure(ask(object, name, size - 1, answer, &size_of_failure), CLBN_INVALID_ARGUMENT, "param_value_size",       \
                       "bytes");                                                                                               \
        ck_assert(answer[0] == 42 && size_of_failure == 77);                                                                   \
    }

START_TEST(an_answer_must_fit)
{
    static const struct shape shape = { 2, 1, { 4, 3 } };
    clbn_plan plan = create_plan(test_engine(0), &shape, CLBN_FLOAT32, 1e-5);
    testing("information that does not fit");
    EXPECT_NO_ANSWER(clbnGetEngineInfo, test_engine(0), CLBN_ENGINE_CONTEXT, CLBN_ENGINE_CACHE_FOLDER)
    EXPECT_NO_ANSWER(clbnGetPlanInfo, plan, CLBN_PLAN_ENGINE, CLBN_PLAN_RENORM_WORKSPACE)
    clbnReleasePlan(plan);
}
END_TEST

START_TEST(an_unknown_question_has_no_answer)
{
    static const struct shape shape = { 2, 1, { 4, 3 } };
    static const cl_uint names[] = { 0, 16, UINT32_MAX };
    clbn_plan plan = create_plan(test_engine(0), &shape, CLBN_FLOAT32, 1e-5);
    for (int i = 0; i < COUNT_OF(names); i++) {
        char answer[128];
        testing("information %u", (unsigned)names[i]);
        forget_last_error();
        expect_failure(clbnGetEngineInfo(test_engine(0), names[i], sizeof answer, answer, NULL), CLBN_INVALID_ARGUMENT,
                       "engine information", "expected");
        expect_failure(clbnGetPlanInfo(plan, names[i], sizeof answer, answer, NULL), CLBN_INVALID_ARGUMENT, "plan information",
                       "expected");
    }
    clbnReleasePlan(plan);
}
END_TEST

START_TEST(a_library_above_can_set_the_sentence)
{
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    clbnSetLastError("the part is missing, expected one.");
    ck_assert_str_eq(clbnLastError(), "the part is missing, expected one.");
    clbnSetLastError(clbnLastError() + 4);
    ck_assert_str_eq(clbnLastError(), "part is missing, expected one.");
    clbnSetLastError(longer);
    ck_assert_uint_eq(strlen(clbnLastError()), 1023);
    clbnSetLastError(NULL);
    ck_assert_str_eq(clbnLastError(), "");
}
END_TEST

static TCase *cases_of_creation(void)
{
    TCase *cases = tcase_create("engines and plans");
    tcase_add_test(cases, an_engine_needs_context_and_device);
    tcase_add_loop_test(cases, an_engine_needs_known_options, 0, COUNT_OF(bad_options));
    tcase_add_test(cases, an_engine_needs_a_device_of_its_context);
    tcase_add_test(cases, an_engine_takes_a_part_of_its_contexts_device);
    tcase_add_test(cases, a_plan_needs_an_engine_and_a_description);
    tcase_add_loop_test(cases, a_plan_needs_a_good_description, 0, COUNT_OF(bad_descs));
    tcase_add_loop_test(cases, a_shape_that_overflows_is_refused_wherever_its_zeros_are, 0, COUNT_OF(overflowing));
    tcase_add_test(cases, strides_stay_within_the_address_space);
    tcase_add_test(cases, float64_tensors_have_float64_parameters);
    tcase_add_test(cases, a_device_without_float64_refuses_float64);
    tcase_add_test(cases, null_objects_have_no_references_and_no_information);
    tcase_add_test(cases, an_answer_must_fit);
    tcase_add_test(cases, a_library_above_can_set_the_sentence);
    tcase_add_test(cases, an_unknown_question_has_no_answer);
    return cases;
}

int main(void)
{
    Suite *suite = suite_create("misuse of engines and plans");
    suite_add_tcase(suite, cases_of_creation());
    return run_suite_unoptimized(suite);
}
