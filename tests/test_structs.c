/* SPDX-License-Identifier: MIT */
/* Structs of callers who were compiled with a header that has fewer or more members. */
#include "compare.h"
#include "harness.h"
#include "run.h"

#include <stddef.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* ---- Each struct ---------------------------------------------------------------------------------------------------------- */

/* end: of the last member; more: something there would be padding, which older callers never set. */
#define STRUCT(which, type, last, initial)                                                                                     \
    {                                                                                                                          \
        which, sizeof(type), offsetof(type, last) + sizeof(((type *)0)->last), &(const type)initial                            \
    }

static const struct sized {
    clbn_struct which;
    size_t size, end;
    const void *initial;
} structs[] = {
    STRUCT(CLBN_STRUCT_ENGINE_OPTIONS, clbn_engine_options, flags, CLBN_ENGINE_OPTIONS_INIT),
    STRUCT(CLBN_STRUCT_PLAN_DESC, clbn_plan_desc, ghost_batch, CLBN_PLAN_DESC_INIT),
    STRUCT(CLBN_STRUCT_TUNE_ARGS, clbn_tune_args, seconds, CLBN_TUNE_ARGS_INIT),
    STRUCT(CLBN_STRUCT_TUNE_REPORT, clbn_tune_report, inference, CLBN_TUNE_REPORT_INIT),
    STRUCT(CLBN_STRUCT_FORWARD_TRAINING_ARGS, clbn_forward_training_args, workspace, CLBN_FORWARD_TRAINING_ARGS_INIT),
    STRUCT(CLBN_STRUCT_FORWARD_INFERENCE_ARGS, clbn_forward_inference_args, workspace, CLBN_FORWARD_INFERENCE_ARGS_INIT),
    STRUCT(CLBN_STRUCT_BACKWARD_ARGS, clbn_backward_args, workspace, CLBN_BACKWARD_ARGS_INIT),
    STRUCT(CLBN_STRUCT_BACKWARD_FROZEN_ARGS, clbn_backward_frozen_args, workspace, CLBN_BACKWARD_FROZEN_ARGS_INIT),
    STRUCT(CLBN_STRUCT_FOLD_ARGS, clbn_fold_args, workspace, CLBN_FOLD_ARGS_INIT),
    STRUCT(CLBN_STRUCT_STATISTICS_ARGS, clbn_statistics_args, workspace, CLBN_STATISTICS_ARGS_INIT),
    STRUCT(CLBN_STRUCT_MERGE_STATISTICS_ARGS, clbn_merge_statistics_args, update_factor, CLBN_MERGE_STATISTICS_ARGS_INIT),
    STRUCT(CLBN_STRUCT_NORMALIZE_ARGS, clbn_normalize_args, workspace, CLBN_NORMALIZE_ARGS_INIT),
    STRUCT(CLBN_STRUCT_BACKWARD_SUMS_ARGS, clbn_backward_sums_args, workspace, CLBN_BACKWARD_SUMS_ARGS_INIT),
    STRUCT(CLBN_STRUCT_BACKWARD_INPUT_ARGS, clbn_backward_input_args, workspace, CLBN_BACKWARD_INPUT_ARGS_INIT),
    STRUCT(CLBN_STRUCT_SECOND_BACKWARD_ARGS, clbn_second_backward_args, dgamma, CLBN_SECOND_BACKWARD_ARGS_INIT),
    STRUCT(CLBN_STRUCT_SECOND_BACKWARD_FROZEN_ARGS, clbn_second_backward_frozen_args, dgamma,
           CLBN_SECOND_BACKWARD_FROZEN_ARGS_INIT),
    STRUCT(CLBN_STRUCT_FORWARD_RENORM_ARGS, clbn_forward_renorm_args, workspace, CLBN_FORWARD_RENORM_ARGS_INIT),
    STRUCT(CLBN_STRUCT_BACKWARD_RENORM_ARGS, clbn_backward_renorm_args, workspace, CLBN_BACKWARD_RENORM_ARGS_INIT),
};

enum { ROOM = 4096, BEYOND = 64, UNTOUCHED = 0xa5 };

START_TEST(a_struct_does_not_end_in_padding)
{
    for (size_t i = 0; i < COUNT_OF(structs); i++)
        ck_assert_msg(structs[i].end == structs[i].size, "struct %u ends in padding", (unsigned)structs[i].which);
}
END_TEST

/* Bytes of padding may be anything in what the compiler made; the library's are 0. */
static void expect_defaults(const struct sized *s, const unsigned char *bytes, size_t size)
{
    size_t set_size;
    memcpy(&set_size, bytes, sizeof set_size);
    ck_assert_uint_eq(set_size, size);
    for (size_t i = sizeof size; i < size; i++)
        ck_assert_msg(bytes[i] == (i < s->size ? ((const unsigned char *)s->initial)[i] : 0), "struct %u, byte %zu",
                      (unsigned)s->which, i);
    ck_assert_msg(bytes[size] == UNTOUCHED, "struct %u is written beyond %zu bytes", (unsigned)s->which, size);
}

START_TEST(defaults_are_those_of_the_macros)
{
    static unsigned char bytes[ROOM];
    for (size_t i = 0; i < COUNT_OF(structs); i++) {
        size_t size = 0;
        expect_success(clbnGetDefaults(structs[i].which, 0, NULL, &size));
        ck_assert_uint_eq(size, structs[i].size);
        for (size = sizeof size; size <= structs[i].size + BEYOND; size += sizeof size) {
            memset(bytes, UNTOUCHED, sizeof bytes);
            expect_success(clbnGetDefaults(structs[i].which, size, bytes, NULL));
            expect_defaults(&structs[i], bytes, size);
        }
    }
}
END_TEST

START_TEST(defaults_of_nothing_known_are_refused)
{
    static const size_t sizes[] = { 0, 1, 7, sizeof(clbn_plan_desc) + 1, 1u << 20, SIZE_MAX };
    unsigned char byte = UNTOUCHED;
    size_t size = 1;
    expect_status(clbnGetDefaults(0, 0, NULL, &size), CLBN_INVALID_ARGUMENT, "struct 0");
    expect_status(clbnGetDefaults(COUNT_OF(structs) + 1, 0, NULL, &size), CLBN_INVALID_ARGUMENT, "a struct too many");
    expect_status(clbnGetDefaults(CL_UINT_MAX, 0, NULL, &size), CLBN_INVALID_ARGUMENT, "the last number");
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        expect_status(clbnGetDefaults(CLBN_STRUCT_PLAN_DESC, sizes[i], &byte, &size), CLBN_INVALID_ARGUMENT, "a bad size");
    ck_assert(size == 1 && byte == UNTOUCHED);
}
END_TEST

/* ---- Shorter and longer ones ---------------------------------------------------------------------------------------------- */

/* The first bytes of a struct, and behind them what a caller has there who knows no more: anything. */
static union {
    double aligned;
    unsigned char bytes[ROOM];
} copy;

static void *cut(const void *whole, size_t size)
{
    memset(copy.bytes, UNTOUCHED, sizeof copy);
    memcpy(copy.bytes, whole, size);
    memcpy(copy.bytes, &size, sizeof size);
    return copy.bytes;
}

/* What the library is to see: from there on, defaults. */
static void reset_from(const struct sized *s, void *whole, size_t size)
{
    memcpy((unsigned char *)whole + size, (const unsigned char *)s->initial + size, s->size - size);
}

static size_t plan_number(clbn_plan plan, clbn_plan_info name)
{
    size_t number = 0;
    expect_success(clbnGetPlanInfo(plan, name, sizeof number, &number, NULL));
    return number;
}

static void expect_same_plans(const clbn_plan_desc *given, const clbn_plan_desc *meant)
{
    static const clbn_plan_info numbers[] = { CLBN_PLAN_CHANNELS, CLBN_PLAN_VALUES_PER_CHANNEL, CLBN_PLAN_WORKSPACE_SIZE,
                                              CLBN_PLAN_MASK_SIZE };
    cl_int status, meant_status;
    clbn_plan plan = clbnCreatePlan(test_engine(0), given, &status);
    clbn_plan meant_plan = clbnCreatePlan(test_engine(0), meant, &meant_status);
    expect_status(status, meant_status, what_is_tested());
    for (size_t i = 0; i < COUNT_OF(numbers) && plan != NULL; i++)
        ck_assert_uint_eq(plan_number(plan, numbers[i]), plan_number(meant_plan, numbers[i]));
    clbnReleasePlan(plan);
    clbnReleasePlan(meant_plan);
}

START_TEST(a_description_may_lack_its_last_members)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT, meant;
    desc.type = CLBN_FLOAT16;
    desc.rank = 2;
    desc.shape[0] = 6;
    desc.shape[1] = 10;
    desc.activation = CLBN_ACTIVATION_RELU;
    desc.dz_layout.has_strides = CL_TRUE;
    desc.dz_layout.strides[0] = 20;
    desc.dz_layout.strides[1] = 2;
    for (size_t size = sizeof size; size <= sizeof desc; size += sizeof size) {
        testing("a description of %zu bytes", size);
        meant = desc;
        reset_from(&structs[1], &meant, size);
        expect_same_plans(cut(&desc, size), &meant);
    }
}
END_TEST

START_TEST(options_may_lack_their_last_members)
{
    clbn_engine_options options = CLBN_ENGINE_OPTIONS_INIT;
    for (int has_geometry = 0; has_geometry < 2; has_geometry++) {
        clbn_geometry geometry = CLBN_GEOMETRY_AUTO, by_default = CLBN_GEOMETRY_AUTO;
        cl_int status;
        options.geometry = CLBN_GEOMETRY_GROUP;
        clbn_engine usual = clbnCreateEngine(test_context(), test_device(), NULL, NULL);
        clbn_engine engine = clbnCreateEngine(test_context(), test_device(),
                                              cut(&options, has_geometry ? sizeof options : sizeof(size_t)), &status);
        expect_success(status);
        expect_success(clbnGetEngineInfo(engine, CLBN_ENGINE_GEOMETRY, sizeof geometry, &geometry, NULL));
        expect_success(clbnGetEngineInfo(usual, CLBN_ENGINE_GEOMETRY, sizeof by_default, &by_default, NULL));
        ck_assert_uint_eq(geometry, has_geometry ? CLBN_GEOMETRY_GROUP : by_default);
        clbnReleaseEngine(engine);
        clbnReleaseEngine(usual);
    }
}
END_TEST

/* Of a report, what the caller knows is filled. */
START_TEST(a_report_may_lack_its_last_members)
{
    static const struct shape empty = { 2, 1, { 0, 5 } };
    clbn_plan plan = create_plan(test_engine(0), &empty, CLBN_FLOAT32, 1e-5);
    clbn_tune_report whole = CLBN_TUNE_REPORT_INIT;
    const size_t known = offsetof(clbn_tune_report, backward);
    whole.forward.measured = whole.backward.measured = 5;
    clbn_tune_report *report = cut(&whole, known);
    const clbn_tune_args args = CLBN_TUNE_ARGS_INIT;
    expect_success(clbnTunePlan(plan, in_order_queue(), NULL, report));
    ck_assert_uint_eq(report->struct_size, known);
    ck_assert_uint_eq(report->forward.measured, 0);
    for (size_t i = known; i < sizeof whole; i++)
        ck_assert_msg(((unsigned char *)report)[i] == UNTOUCHED, "byte %zu is written", i);
    expect_success(clbnTunePlan(plan, in_order_queue(), cut(&args, offsetof(clbn_tune_args, seconds)), NULL));
    clbnReleasePlan(plan);
}
END_TEST

static const clbn_struct structs_of[OPERATIONS] = {
    [FORWARD_TRAINING] = CLBN_STRUCT_FORWARD_TRAINING_ARGS,
    [FORWARD_INFERENCE] = CLBN_STRUCT_FORWARD_INFERENCE_ARGS,
    [BACKWARD] = CLBN_STRUCT_BACKWARD_ARGS,
    [BACKWARD_FROZEN] = CLBN_STRUCT_BACKWARD_FROZEN_ARGS,
    [FOLD] = CLBN_STRUCT_FOLD_ARGS,
    [SECOND_BACKWARD] = CLBN_STRUCT_SECOND_BACKWARD_ARGS,
    [SECOND_BACKWARD_FROZEN] = CLBN_STRUCT_SECOND_BACKWARD_FROZEN_ARGS,
    [FORWARD_RENORM] = CLBN_STRUCT_FORWARD_RENORM_ARGS,
    [BACKWARD_RENORM] = CLBN_STRUCT_BACKWARD_RENORM_ARGS,
    [STATISTICS] = CLBN_STRUCT_STATISTICS_ARGS,
    [MERGE_STATISTICS] = CLBN_STRUCT_MERGE_STATISTICS_ARGS,
    [NORMALIZE] = CLBN_STRUCT_NORMALIZE_ARGS,
    [BACKWARD_SUMS] = CLBN_STRUCT_BACKWARD_SUMS_ARGS,
    [BACKWARD_INPUT] = CLBN_STRUCT_BACKWARD_INPUT_ARGS,
};

static const struct shape small = { 3, 1, { 4, 3, 5 } };

/* Of the calls' arguments: what they are, and how many bytes of them there are. */
static const struct sized *resized_struct;
static size_t resized_size;
static unsigned char last_byte;

static const struct run *resized_run;

static bool is_buffer(const unsigned char *handle)
{
    bool found = memcmp(handle, &resized_run->workspace.view.buffer, sizeof(cl_mem)) == 0;
    for (enum view v = 0; v < VIEWS && !found; v++) {
        const clbn_view view = run_view(resized_run, v);
        found = memcmp(handle, &view.buffer, sizeof(cl_mem)) == 0;
    }
    return found;
}

/* Whether the end lies in a view that is given: no version's struct ends so. */
static bool ends_in_a_view(const void *args)
{
    static const clbn_view absent = CLBN_NO_VIEW;
    for (size_t begin = resized_size - sizeof(size_t); begin > 0 && begin + sizeof absent > resized_size;
         begin -= sizeof(size_t)) {
        const unsigned char *handle = (const unsigned char *)args + begin;
        if (memcmp(handle, &absent.buffer, sizeof absent.buffer) != 0 && is_buffer(handle))
            return true;
    }
    return false;
}

static const void *cut_args(const void *args, size_t size)
{
    (void)size;
    return ends_in_a_view(args) ? NULL : cut(args, resized_size);
}

static const void *reset_args(const void *args, size_t size)
{
    if (ends_in_a_view(args))
        return NULL;
    cut(args, size);
    reset_from(resized_struct, copy.bytes, resized_size);
    return copy.bytes;
}

static const void *lengthen_args(const void *args, size_t size)
{
    memset(copy.bytes, UNTOUCHED, sizeof copy);
    memset(copy.bytes, 0, resized_size);
    memcpy(copy.bytes, args, size);
    memcpy(copy.bytes, &resized_size, sizeof resized_size);
    copy.bytes[resized_size - 1] = last_byte;
    return copy.bytes;
}

static cl_int status_of(struct run *run)
{
    cl_event event = NULL;
    cl_int status = run_enqueue(run, in_order_queue(), 0, NULL, &event);
    if (status == CLBN_SUCCESS)
        run_wait(event);
    return status;
}

static void check_cut(const struct problem *problem, const struct call *call)
{
    struct run run = run_prepare(test_engine(0), problem, call), whole = run_prepare(test_engine(0), problem, call);
    testing("%s, of %zu bytes", operation_name(call->operation), resized_size);
    run.resize = cut_args;
    whole.resize = reset_args;
    resized_run = &run;
    cl_int status = status_of(&run);
    resized_run = &whole;
    cl_int expected = status_of(&whole);
    expect_status(status, expected, "the call");
    for (enum view view = 0; view < VIEWS && status == CLBN_SUCCESS; view++)
        if (run_writes(&run, view))
            expect_same_bits(view_name(view), run_output(&run, view), run_output(&whole, view), run_count(&run, view));
    run_release(&run);
    run_release(&whole);
}

START_TEST(arguments_may_lack_their_last_members)
{
    struct problem problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of((enum operation)_i);
    resized_struct = &structs[structs_of[_i] - 1];
    call.views |= WITH_RESIDUAL;
    call.own_workspace = true;
    call.update_factor = 0.5;
    call.running_variance = CLBN_BIASED;
    for (resized_size = sizeof(size_t); resized_size <= resized_struct->size; resized_size += sizeof(size_t))
        check_cut(&problem, &call);
    problem_free(&problem);
}
END_TEST

/* The bytes beyond those that the library knows are 0, or ask for something. */
START_TEST(arguments_may_have_more_members_that_ask_for_nothing)
{
    const struct sized *s = &structs[structs_of[_i] - 1];
    struct problem problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of((enum operation)_i);
    struct run run = run_prepare(test_engine(0), &problem, &call);
    testing("%s with members that are not known", operation_name(call.operation));
    run.resize = lengthen_args;
    for (resized_size = s->size + sizeof(size_t); resized_size <= s->size + BEYOND; resized_size += sizeof(size_t)) {
        last_byte = 0;
        expect_status(status_of(&run), CLBN_SUCCESS, "zeros");
        last_byte = 1;
        expect_status(status_of(&run), CLBN_INVALID_STRUCT_SIZE, "a member that is used");
    }
    run_release(&run);
    problem_free(&problem);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("structs");
    TCase *cases = tcase_create("sizes");
    tcase_add_test(cases, a_struct_does_not_end_in_padding);
    tcase_add_test(cases, defaults_are_those_of_the_macros);
    tcase_add_test(cases, defaults_of_nothing_known_are_refused);
    tcase_add_test(cases, a_description_may_lack_its_last_members);
    tcase_add_test(cases, options_may_lack_their_last_members);
    tcase_add_test(cases, a_report_may_lack_its_last_members);
    tcase_add_loop_test(cases, arguments_may_lack_their_last_members, 0, OPERATIONS);
    tcase_add_loop_test(cases, arguments_may_have_more_members_that_ask_for_nothing, 0, OPERATIONS);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
