/* SPDX-License-Identifier: MIT */
/* Tensors that do not go together, or with their plan: sources of slopes, strides, shared virtual memory. */
#include "attempt.h"
#include "harness.h"
#include "interpose.h"
#include "svm.h"

#include <stdint.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct shape small = { 3, 1, { 4, 3, 5 } };
static struct problem problem;

static void set_up(void)
{
    problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 1);
}

static void tear_down(void)
{
    hide_svm(false);
    problem_free(&problem);
}

/* ---- Sources -------------------------------------------------------------------------------------------------------------- */

static const enum operation backwards[] = { BACKWARD, BACKWARD_FROZEN, BACKWARD_SUMS, BACKWARD_INPUT };

/* What a backward is given, in place of what it needs: a set of views. */
static void expect_source_refused(clbn_activation function, unsigned views, cl_int status, const char *word)
{
    for (size_t i = 0; i < COUNT_OF(backwards); i++) {
        problem.activation = activation_of(function);
        struct attempt attempt = attempt_prepare(&problem, backwards[i]);
        const struct guarded any = attempt.valid.views[VIEW_DY];
        testing("%s, %s, views %#x", operation_name(backwards[i]), activation_name(function), views);
        attempt.run.call.source = ANY_SOURCE;
        attempt.run.call.views = (WITH_ALL & ~(WITH(VIEW_X) | WITH(VIEW_Z) | WITH(VIEW_Y) | WITH(VIEW_MASK))) | views;
        attempt.run.views[VIEW_X] = attempt.run.views[VIEW_Z] = attempt.run.views[VIEW_Y] = any;
        attempt.run.views[VIEW_MASK] = any;
        expect_refusal(&attempt, status, word, "expected");
        attempt_release(&attempt);
    }
}

START_TEST(a_slope_has_one_source)
{
    const unsigned x = WITH(VIEW_X), y = WITH(VIEW_Y), z = WITH(VIEW_Z), mask = WITH(VIEW_MASK);
    expect_source_refused(CLBN_ACTIVATION_RELU, x | z | y, CLBN_INVALID_ARGUMENT, "more than one of z, y and mask");
    expect_source_refused(CLBN_ACTIVATION_RELU, x | z | mask, CLBN_INVALID_ARGUMENT, "more than one of z, y and mask");
    expect_source_refused(CLBN_ACTIVATION_RELU, x | y | mask, CLBN_INVALID_ARGUMENT, "more than one of z, y and mask");
    expect_source_refused(CLBN_ACTIVATION_SILU, x | z | y, CLBN_INVALID_ARGUMENT, "more than one of z, y and mask");
}
END_TEST

START_TEST(a_source_must_have_the_slope)
{
    static const clbn_activation without_mask[] = { CLBN_ACTIVATION_SILU, CLBN_ACTIVATION_SIGMOID, CLBN_ACTIVATION_TANH,
                                                    CLBN_ACTIVATION_ELU };
    for (size_t i = 0; i < COUNT_OF(without_mask); i++)
        expect_source_refused(without_mask[i], WITH(VIEW_X) | WITH(VIEW_MASK), CLBN_NOT_INVERTIBLE, "mask");
    expect_source_refused(CLBN_ACTIVATION_SILU, WITH(VIEW_X) | WITH(VIEW_Y), CLBN_NOT_INVERTIBLE, "y was given");
}
END_TEST

START_TEST(y_alone_must_have_x)
{
    static const clbn_activation lossy[] = { CLBN_ACTIVATION_RELU, CLBN_ACTIVATION_RELU6, CLBN_ACTIVATION_SIGMOID,
                                             CLBN_ACTIVATION_TANH };
    for (size_t i = 0; i < COUNT_OF(lossy); i++)
        expect_source_refused(lossy[i], WITH(VIEW_Y), CLBN_NOT_INVERTIBLE, "x is absent");
}
END_TEST

START_TEST(without_x_there_must_be_y)
{
    for (clbn_activation function = 0; function < ACTIVATIONS; function++)
        expect_source_refused(function, 0, CLBN_MISSING_VIEW, "x is absent");
    expect_source_refused(CLBN_ACTIVATION_RELU, WITH(VIEW_MASK), CLBN_MISSING_VIEW, "x is absent");
    expect_source_refused(CLBN_ACTIVATION_LEAKY_RELU, WITH(VIEW_Z), CLBN_MISSING_VIEW, "x is absent");
}
END_TEST

START_TEST(a_slope_that_is_not_positive_cannot_be_had_back)
{
    static const struct {
        struct activation activation;
        const char *word;
    } lossy[] = { { { CLBN_ACTIVATION_LEAKY_RELU, 0, 1 }, "x is absent" },
                  { { CLBN_ACTIVATION_LEAKY_RELU, -0.1, 1 }, "y was given" },
                  { { CLBN_ACTIVATION_ELU, 0.01, 0 }, "x is absent" } };
    for (size_t i = 0; i < COUNT_OF(lossy); i++) {
        struct call call = call_of(BACKWARD);
        problem.activation = lossy[i].activation;
        call.source = FROM_Y_ALONE;
        struct run run = run_prepare(test_engine(0), &problem, &call);
        testing("y alone, %s", activation_name(lossy[i].activation.function));
        forget_last_error();
        expect_status(run_enqueue(&run, in_order_queue(), 0, NULL, NULL), CLBN_NOT_INVERTIBLE, "clbnEnqueueBackward");
        expect_sentence(lossy[i].word, "expected");
        run_release(&run);
    }
}
END_TEST

START_TEST(a_forward_writes_no_mask_that_does_not_exist)
{
    static const enum operation forwards[] = { FORWARD_TRAINING, FORWARD_INFERENCE, NORMALIZE };
    static const clbn_activation without_mask[] = { CLBN_ACTIVATION_NONE, CLBN_ACTIVATION_SILU };
    for (size_t i = 0; i < COUNT_OF(forwards) * COUNT_OF(without_mask); i++) {
        size_t bytes = 77;
        problem.activation = activation_of(CLBN_ACTIVATION_RELU);
        struct problem other = problem;
        other.activation = activation_of(without_mask[i % 2]);
        struct attempt attempt = attempt_prepare(&problem, forwards[i / 2]), without = attempt_prepare(&other, forwards[i / 2]);
        testing("%s, a mask of %s", operation_name(forwards[i / 2]), activation_name(without_mask[i % 2]));
        expect_success(clbnGetPlanInfo(without.run.plan, CLBN_PLAN_MASK_SIZE, sizeof bytes, &bytes, NULL));
        ck_assert_uint_eq(bytes, 0);
        attempt.run.plan = without.run.plan;
        expect_refusal(&attempt, CLBN_NOT_INVERTIBLE, "mask", "expected");
        attempt_release(&attempt);
        attempt_release(&without);
    }
}
END_TEST

START_TEST(weights_have_no_activation)
{
    problem.activation = activation_of(CLBN_ACTIVATION_RELU);
    struct attempt attempt = attempt_prepare(&problem, FOLD), activated = attempt_prepare(&problem, FORWARD_TRAINING);
    testing("folding on a plan with ReLU");
    attempt.run.plan = activated.run.plan;
    expect_refusal(&attempt, CLBN_INVALID_ACTIVATION, "has an activation", "expected none");
    attempt_release(&attempt);
    attempt_release(&activated);
}
END_TEST

/* ---- Strides -------------------------------------------------------------------------------------------------------------- */

/* Rows of 5 elements, in 4 x 3 of them, begin so many elements from each other. */
static void set_strides(struct layout *layout, enum view view, size_t images, size_t rows, size_t columns)
{
    const size_t strides[] = { images, rows, columns };
    layout_give(layout, view, strides, 3);
}

static struct run strided_run(struct layout *layout, enum operation operation)
{
    struct call call = call_of(operation);
    call.layout = layout;
    return run_prepare(test_engine(0), &problem, &call);
}

static void expect_run_refused(struct run *run, cl_int status, const char *word, const char *other_word)
{
    unsigned long enqueued = calls_of("clEnqueue");
    forget_last_error();
    expect_status(run_enqueue(run, in_order_queue(), 0, NULL, NULL), status, "the call");
    expect_sentence(word, other_word);
    ck_assert_msg(calls_of("clEnqueue") == enqueued, "%s: something was enqueued", what_is_tested());
}

static void expect_run_accepted(struct run *run)
{
    cl_event event = NULL;
    expect_success(run_enqueue(run, in_order_queue(), 0, NULL, &event));
    run_wait(event);
}

START_TEST(a_strided_view_ends_within_its_buffer)
{
    static const enum view tensors[] = { VIEW_X, VIEW_Y };
    struct layout layout = { .given = 0 };
    set_strides(&layout, VIEW_X, 100, 20, 2);
    set_strides(&layout, VIEW_Y, 1, 4, 12);
    for (size_t i = 0; i < COUNT_OF(tensors); i++) {
        struct run run = strided_run(&layout, FORWARD_TRAINING);
        const size_t *strides = layout.strides[tensors[i]];
        size_t reach = 1 + 3 * strides[0] + 2 * strides[1] + 4 * strides[2];
        testing("%s with strides", argument_name(&run, tensors[i]));
        run.views[tensors[i]].view.offset = run.views[tensors[i]].bytes / sizeof(float) - reach + 1;
        expect_run_refused(&run, CLBN_BUFFER_TOO_SMALL, argument_name(&run, tensors[i]), "elements");
        run.views[tensors[i]].view.offset--;
        expect_run_accepted(&run);
        run_release(&run);
    }
}
END_TEST

/* Both in one buffer that is large enough. */
static void check_together(size_t y_offset, const size_t x_strides[3], const size_t y_strides[3], bool is_allowed)
{
    struct layout layout = { .given = 0 };
    set_strides(&layout, VIEW_X, x_strides[0], x_strides[1], x_strides[2]);
    set_strides(&layout, VIEW_Y, y_strides[0], y_strides[1], y_strides[2]);
    struct run run = strided_run(&layout, FORWARD_TRAINING);
    struct guarded large = guarded_create(CLBN_FLOAT32, 4096, (struct placement){ .offset = 0 }, NULL);
    testing("x and y, %zu elements apart", y_offset);
    guarded_release(&run.views[VIEW_X]);
    guarded_release(&run.views[VIEW_Y]);
    run.views[VIEW_X] = guarded_absent();
    run.views[VIEW_Y] = guarded_absent();
    run.views[VIEW_X].view = run.views[VIEW_Y].view = large.view;
    run.views[VIEW_Y].view.offset += y_offset;
    if (is_allowed)
        expect_run_accepted(&run);
    else
        expect_run_refused(&run, CLBN_INVALID_ALIAS, "x and y overlap", "expected");
    run.views[VIEW_X] = guarded_absent();
    run.views[VIEW_Y] = guarded_absent();
    run_release(&run);
    guarded_release(&large);
}

START_TEST(strided_views_meet_or_pass)
{
    static const size_t packed[] = { 15, 5, 1 }, half[] = { 30, 5, 1 }, last[] = { 15, 1, 3 }, rows[] = { 30, 10, 1 };
    static const size_t second[] = { 30, 10, 2 };
    check_together(0, packed, packed, true);
    check_together(0, half, half, true);
    check_together(0, packed, last, false); /* the same elements in another order */
    check_together(0, half, packed, false);
    check_together(15, half, half, true); /* channels beside channels */
    check_together(14, half, half, false);
    check_together(16, half, half, false);
    check_together(5, rows, rows, true); /* rows beside rows */
    check_together(6, rows, rows, false);
    check_together(1, second, second, true); /* elements beside elements */
    check_together(2, second, second, false);
    check_together(4 * 30, half, packed, true); /* one after the other */
    check_together(3 * 30 + 14, half, packed, false);
}
END_TEST

/* ---- Shared virtual memory ------------------------------------------------------------------------------------------------ */

static struct attempt shared_attempt(void)
{
    struct attempt attempt = attempt_prepare(&problem, FORWARD_TRAINING);
    testing("shared virtual memory");
    return attempt;
}

START_TEST(a_view_is_in_a_buffer_or_in_shared_virtual_memory)
{
    if (!device_has_svm())
        return;
    char *svm = svm_create(512);
    struct attempt attempt = shared_attempt();
    clbn_view *x = &attempt.run.views[VIEW_X].view;
    x->svm = svm;
    expect_refusal(&attempt, CLBN_INVALID_BUFFER, "x names a buffer and shared virtual memory", "expected");
    x->buffer = NULL;
    x->offset = 0;
    expect_acceptance(&attempt);
    x->svm = svm + 2;
    expect_refusal(&attempt, CLBN_INVALID_BUFFER, "x is shared virtual memory", "expected a multiple of 4");
    x->svm = svm;
    x->offset = SIZE_MAX / sizeof(float);
    expect_refusal(&attempt, CLBN_BUFFER_TOO_SMALL, "x reaches beyond", NULL);
    attempt_release(&attempt);
    svm_release(svm);
}
END_TEST

/* Ends are not known, but beginnings are. */
START_TEST(views_in_shared_virtual_memory_do_not_overlap)
{
    if (!device_has_svm())
        return;
    char *svm = svm_create(1024);
    struct attempt attempt = shared_attempt();
    const clbn_view at_begin = { NULL, 0, svm };
    attempt.run.views[VIEW_X].view = attempt.run.views[VIEW_Y].view = at_begin;
    expect_acceptance(&attempt);
    attempt.run.views[VIEW_Y].view.offset = 59;
    expect_refusal(&attempt, CLBN_INVALID_ALIAS, "x and y overlap", "expected");
    attempt.run.views[VIEW_Y].view.offset = 60;
    expect_acceptance(&attempt);
    attempt.run.views[VIEW_GAMMA].view = attempt.run.views[VIEW_Y].view;
    expect_refusal(&attempt, CLBN_INVALID_ALIAS, "y and gamma overlap", "expected");
    attempt_release(&attempt);
    svm_release(svm);
}
END_TEST

START_TEST(a_device_without_shared_virtual_memory_refuses_it)
{
    static float memory[1024];
    cl_int status = CL_SUCCESS;
    struct call call = call_of(FORWARD_TRAINING);
    hide_svm(true);
    clbn_engine engine = clbnCreateEngine(test_context(), test_device(), NULL, &status);
    hide_svm(false);
    expect_success(status);
    struct run run = run_prepare(engine, &problem, &call);
    testing("shared virtual memory on a device without");
    clReleaseMemObject(run.views[VIEW_X].view.buffer);
    run.views[VIEW_X].view = (clbn_view){ NULL, 0, memory };
    expect_run_refused(&run, CLBN_UNSUPPORTED_SVM, "x is shared virtual memory", "expected");
    run.views[VIEW_X].view.svm = NULL;
    run_release(&run);
    expect_success(clbnReleaseEngine(engine));
}
END_TEST

/* ---- Memory of the host --------------------------------------------------------------------------------------------------- */

static cl_mem host_buffer(char *memory, size_t bytes)
{
    cl_int status = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(test_context(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes, memory, &status);
    expect_success(status);
    return buffer;
}

/* OpenCL leaves it to the caller that elements are aligned to their size. */
START_TEST(memory_of_the_host_is_aligned_to_an_element)
{
    static union {
        double aligned;
        char bytes[512];
    } memory;
    const enum view views[] = { VIEW_X, VIEW_Y, VIEW_GAMMA, VIEW_RUNNING_VAR };
    for (size_t i = 0; i < COUNT_OF(views); i++)
        for (size_t shift = 0; shift < 8; shift++) {
            struct attempt attempt = attempt_prepare(&problem, FORWARD_TRAINING);
            testing("%s in memory of the host at %zu", view_name(views[i]), shift);
            clbn_view *view = &attempt.run.views[views[i]].view;
            view->buffer = host_buffer(memory.bytes + shift, sizeof memory - shift);
            view->offset = 0;
            if (shift % sizeof(float) == 0)
                expect_acceptance(&attempt);
            else
                expect_refusal(&attempt, CLBN_INVALID_BUFFER, "is memory of the host at", "expected a multiple of 4");
            clReleaseMemObject(view->buffer);
            attempt_release(&attempt);
        }
}
END_TEST

START_TEST(a_workspace_in_memory_of_the_host_is_aligned)
{
    struct attempt attempt = attempt_prepare(&problem, BACKWARD);
    testing("a workspace in memory of the host");
    const size_t bytes = attempt.run.workspace.bytes;
    char *memory = malloc(bytes + 2 * CLBN_WORKSPACE_ALIGNMENT);
    ck_assert_ptr_nonnull(memory);
    char *aligned = memory + CLBN_WORKSPACE_ALIGNMENT - (uintptr_t)memory % CLBN_WORKSPACE_ALIGNMENT;
    attempt.run.workspace.view.offset = 0;
    for (size_t shift = 0; shift <= CLBN_WORKSPACE_ALIGNMENT; shift += 16) {
        attempt.run.workspace.view.buffer = host_buffer(aligned + shift, bytes);
        if (shift % CLBN_WORKSPACE_ALIGNMENT == 0)
            expect_acceptance(&attempt);
        else
            expect_refusal(&attempt, CLBN_INVALID_WORKSPACE, "the workspace is memory of the host",
                           "expected a multiple of 64");
        clReleaseMemObject(attempt.run.workspace.view.buffer);
    }
    attempt_release(&attempt);
    free(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("misuse of tensors");
    TCase *cases = tcase_create("refused");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_slope_has_one_source);
    tcase_add_test(cases, a_source_must_have_the_slope);
    tcase_add_test(cases, y_alone_must_have_x);
    tcase_add_test(cases, without_x_there_must_be_y);
    tcase_add_test(cases, a_slope_that_is_not_positive_cannot_be_had_back);
    tcase_add_test(cases, a_forward_writes_no_mask_that_does_not_exist);
    tcase_add_test(cases, weights_have_no_activation);
    tcase_add_test(cases, a_strided_view_ends_within_its_buffer);
    tcase_add_test(cases, strided_views_meet_or_pass);
    tcase_add_test(cases, a_view_is_in_a_buffer_or_in_shared_virtual_memory);
    tcase_add_test(cases, views_in_shared_virtual_memory_do_not_overlap);
    tcase_add_test(cases, a_device_without_shared_virtual_memory_refuses_it);
    tcase_add_test(cases, memory_of_the_host_is_aligned_to_an_element);
    tcase_add_test(cases, a_workspace_in_memory_of_the_host_is_aligned);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
