/* SPDX-License-Identifier: MIT */
/* Views that a call cannot work on: absent, of the wrong kind, elsewhere, too small, or over one another. */
#include "attempt.h"
#include "harness.h"

#include <stdint.h>
#include <stdio.h>

static const struct shape small = { 3, 1, { 4, 3, 5 } };
static struct problem problem;

/* What tests create beside the valid call. */
static cl_context other_context;
static cl_mem objects[4];
static unsigned object_count;

static void release_objects(void)
{
    while (object_count > 0)
        clReleaseMemObject(objects[--object_count]);
}

static void set_up(void)
{
    problem = problem_random(&small, CLBN_FLOAT32, 1e-5, 1);
    problem.activation = activation_of(CLBN_ACTIVATION_RELU);
}

static void tear_down(void)
{
    release_objects();
    if (other_context != NULL)
        clReleaseContext(other_context);
    other_context = NULL;
    problem_free(&problem);
}

static cl_mem keep(cl_mem object, cl_int status)
{
    expect_status(status, CL_SUCCESS, "the creation of a memory object");
    objects[object_count++] = object;
    return object;
}

static cl_mem buffer_of(cl_context context, cl_mem_flags flags, size_t bytes)
{
    cl_int status = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(context, flags, bytes, NULL, &status);
    return keep(buffer, status);
}

static cl_mem sub_buffer_of(cl_mem parent, size_t origin, size_t bytes)
{
    cl_int status = CL_SUCCESS;
    const cl_buffer_region region = { origin, bytes };
    cl_mem buffer = clCreateSubBuffer(parent, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &status);
    return keep(buffer, status);
}

static size_t element_of(enum view view)
{
    return element_size(view_type(&problem, view));
}

/* Bytes. */
static size_t view_size(const struct attempt *attempt, enum view view)
{
    return attempt->valid.views[view].count * element_of(view);
}

static void put(struct attempt *attempt, enum view view, cl_mem buffer, size_t offset)
{
    attempt->run.views[view].view.buffer = buffer;
    attempt->run.views[view].view.offset = offset;
}

/* ---- One view at a time: each test is run for every operation and view ---------------------------------------------------- */

typedef void breaking(struct attempt *attempt, enum view view);

static void for_each_argument(breaking *break_it, const char *how)
{
    for (enum operation operation = 0; operation < OPERATIONS; operation++)
        for (enum view view = 0; view < VIEWS; view++) {
            struct attempt attempt = attempt_prepare(&problem, operation);
            testing("%s, %s %s", operation_name(operation), argument_name(&attempt.run, view), how);
            if (run_has(&attempt.valid, view))
                break_it(&attempt, view);
            attempt_release(&attempt);
            release_objects();
        }
}

static void leave_out(struct attempt *attempt, enum view view)
{
    put(attempt, view, NULL, 0);
    if (is_required(attempt->run.call.operation, view))
        expect_refusal(attempt, CLBN_MISSING_VIEW, argument_name(&attempt->run, view), "expected");
    else
        expect_acceptance(attempt);
}

START_TEST(what_is_required_must_be_there)
{
    for_each_argument(leave_out, "absent");
}
END_TEST

static void end_one_element_early(struct attempt *attempt, enum view view)
{
    put(attempt, view, buffer_of(test_context(), CL_MEM_READ_WRITE, view_size(attempt, view) - 1), 0);
    expect_refusal(attempt, CLBN_BUFFER_TOO_SMALL, argument_name(&attempt->run, view), "elements");
    put(attempt, view, buffer_of(test_context(), CL_MEM_READ_WRITE, view_size(attempt, view)), 1);
    expect_refusal(attempt, CLBN_BUFFER_TOO_SMALL, argument_name(&attempt->run, view), "offset 1");
    put(attempt, view, objects[object_count - 1], 0);
    expect_acceptance(attempt);
}

START_TEST(a_view_ends_within_its_buffer)
{
    for_each_argument(end_one_element_early, "one element too long");
}
END_TEST

static void begin_past_the_end(struct attempt *attempt, enum view view)
{
    const size_t bytes = attempt->valid.views[view].bytes, element = element_of(view);
    const size_t offsets[] = { bytes / element,           bytes / element + 1, bytes,        SIZE_MAX / element,
                               SIZE_MAX / element + 1,    SIZE_MAX / 2,        SIZE_MAX - 1, SIZE_MAX,
                               SIZE_MAX - bytes / element };
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        if (offsets[i] < bytes / element) /* SIZE_MAX + 1 */
            continue;
        put(attempt, view, attempt->valid.views[view].view.buffer, offsets[i]);
        expect_refusal(attempt, CLBN_BUFFER_TOO_SMALL, argument_name(&attempt->run, view), "offset");
    }
}

START_TEST(an_offset_lies_within_its_buffer)
{
    for_each_argument(begin_past_the_end, "far away");
}
END_TEST

static void forbid_access(struct attempt *attempt, enum view view)
{
    put(attempt, view, buffer_of(test_context(), CL_MEM_READ_ONLY, view_size(attempt, view)), 0);
    if (run_writes(&attempt->valid, view))
        expect_refusal(attempt, CLBN_INVALID_BUFFER, argument_name(&attempt->run, view), "CL_MEM_READ_ONLY");
    else
        expect_acceptance(attempt);
    put(attempt, view, buffer_of(test_context(), CL_MEM_WRITE_ONLY, view_size(attempt, view)), 0);
    if (run_reads(&attempt->valid, view))
        expect_refusal(attempt, CLBN_INVALID_BUFFER, argument_name(&attempt->run, view), "CL_MEM_WRITE_ONLY");
    else
        expect_acceptance(attempt);
}

START_TEST(a_buffer_allows_its_access)
{
    for_each_argument(forbid_access, "in a buffer that may only be read or only be written");
}
END_TEST

/* A sub-buffer created without flags of its own has its parent's. */
static void forbid_access_to_parent(struct attempt *attempt, enum view view)
{
    cl_mem parent = buffer_of(test_context(), CL_MEM_READ_ONLY, view_size(attempt, view));
    put(attempt, view, sub_buffer_of(parent, 0, view_size(attempt, view)), 0);
    if (run_writes(&attempt->valid, view))
        expect_refusal(attempt, CLBN_INVALID_BUFFER, argument_name(&attempt->run, view), "CL_MEM_READ_ONLY");
    else
        expect_acceptance(attempt);
}

START_TEST(a_sub_buffer_allows_what_its_parent_does)
{
    for_each_argument(forbid_access_to_parent, "in a part of a buffer that may only be read");
}
END_TEST

static void replace_by_image(struct attempt *attempt, enum view view)
{
    cl_int status = CL_SUCCESS;
    const cl_image_format format = { CL_RGBA, CL_FLOAT };
    const cl_image_desc desc = { .image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = 16, .image_height = 16 };
    cl_mem image = clCreateImage(test_context(), CL_MEM_READ_WRITE, &format, &desc, NULL, &status);
    put(attempt, view, keep(image, status), 0);
    expect_refusal(attempt, CLBN_INVALID_BUFFER, argument_name(&attempt->run, view), "expected a buffer");
}

START_TEST(an_image_is_no_buffer)
{
    cl_bool has_images = CL_FALSE;
    expect_success(clGetDeviceInfo(test_device(), CL_DEVICE_IMAGE_SUPPORT, sizeof has_images, &has_images, NULL));
    if (has_images)
        for_each_argument(replace_by_image, "an image");
    else
        printf("images in place of buffers are not tested: the device has none\n");
}
END_TEST

static void move_elsewhere(struct attempt *attempt, enum view view)
{
    put(attempt, view, buffer_of(other_context, CL_MEM_READ_WRITE, view_size(attempt, view)), 0);
    expect_refusal(attempt, CLBN_WRONG_CONTEXT, argument_name(&attempt->run, view), "context");
}

START_TEST(a_buffer_belongs_to_the_engines_context)
{
    cl_device_id device = test_device();
    other_context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(other_context);
    for_each_argument(move_elsewhere, "of another context");
}
END_TEST

/* ---- Two views ------------------------------------------------------------------------------------------------------------ */

typedef void breaking_pair(struct attempt *attempt, enum view one, enum view other);

/* Every ordered pair of arguments, so that either comes first in memory. */
static void for_each_pair(breaking_pair *break_it)
{
    for (enum operation operation = 0; operation < OPERATIONS; operation++)
        for (enum view one = 0; one < VIEWS; one++)
            for (enum view other = 0; other < VIEWS; other++) {
                if (one == other)
                    continue;
                struct attempt attempt = attempt_prepare(&problem, operation);
                testing("%s, %s and %s", operation_name(operation), argument_name(&attempt.run, one),
                        argument_name(&attempt.run, other));
                if (run_has(&attempt.valid, one) && run_has(&attempt.valid, other))
                    break_it(&attempt, one, other);
                attempt_release(&attempt);
                release_objects();
            }
}

static bool any_written(const struct attempt *attempt, enum view one, enum view other)
{
    return run_writes(&attempt->valid, one) || run_writes(&attempt->valid, other);
}

static bool may_coincide(enum operation operation, enum view one, enum view other)
{
    if (operation == SECOND_BACKWARD || operation == SECOND_BACKWARD_FROZEN)
        return false;
    unsigned both = WITH(one) | WITH(other);
    return both == (WITH(VIEW_X) | WITH(VIEW_Y)) || both == (WITH(VIEW_Z) | WITH(VIEW_Y)) ||
           both == (WITH(VIEW_DY) | WITH(VIEW_DX)) || both == (WITH(VIEW_DY) | WITH(VIEW_DZ)) ||
           both == (WITH(VIEW_BIAS) | WITH(VIEW_FOLDED_BIAS));
}

static void expect_overlap_refused(struct attempt *attempt, enum view one, enum view other)
{
    if (!any_written(attempt, one, other)) {
        expect_acceptance(attempt);
        return;
    }
    expect_refusal(attempt, CLBN_INVALID_ALIAS, argument_name(&attempt->run, one), argument_name(&attempt->run, other));
    expect_refusal(attempt, CLBN_INVALID_ALIAS, "overlap", "expected");
}

/* The other begins in the last element of one, then after it. */
static void overlap_in_one_element(struct attempt *attempt, enum view one, enum view other)
{
    size_t end = view_size(attempt, one), element = element_of(other);
    cl_mem both = buffer_of(test_context(), CL_MEM_READ_WRITE, end + view_size(attempt, other) + element);
    put(attempt, one, both, 0);
    put(attempt, other, both, (end - 1) / element);
    expect_overlap_refused(attempt, one, other);
    put(attempt, other, both, (end - 1) / element + 1);
    expect_acceptance(attempt);
}

START_TEST(written_views_do_not_overlap_in_part)
{
    for_each_pair(overlap_in_one_element);
}
END_TEST

static void coincide(struct attempt *attempt, enum view one, enum view other)
{
    size_t bytes = view_size(attempt, one) > view_size(attempt, other) ? view_size(attempt, one) : view_size(attempt, other);
    cl_mem both = buffer_of(test_context(), CL_MEM_READ_WRITE, bytes);
    put(attempt, one, both, 0);
    put(attempt, other, both, 0);
    if (may_coincide(attempt->run.call.operation, one, other))
        expect_acceptance(attempt);
    else
        expect_overlap_refused(attempt, one, other);
}

START_TEST(only_what_may_be_in_place_coincides_with_another_view)
{
    for_each_pair(coincide);
}
END_TEST

/* The least distance of two sub-buffers' origins that holds `bytes`. */
static size_t aligned(size_t bytes)
{
    cl_uint bits = 0;
    expect_success(clGetDeviceInfo(test_device(), CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL));
    size_t alignment = bits > 8 ? bits / 8 : 1;
    return (bytes + alignment - 1) / alignment * alignment;
}

static void overlap_as_sub_buffers(struct attempt *attempt, enum view one, enum view other)
{
    size_t element = element_of(one), start = aligned(view_size(attempt, one));
    cl_mem parent = buffer_of(test_context(), CL_MEM_READ_WRITE, start + view_size(attempt, other));
    cl_mem first = sub_buffer_of(parent, 0, start + element);
    cl_mem second = sub_buffer_of(parent, start, view_size(attempt, other));
    put(attempt, one, first, (start - view_size(attempt, one)) / element + 1);
    put(attempt, other, second, 0);
    expect_overlap_refused(attempt, one, other);
    put(attempt, other, parent, start / element_of(other));
    expect_overlap_refused(attempt, one, other);
    put(attempt, one, first, (start - view_size(attempt, one)) / element);
    expect_acceptance(attempt);
    put(attempt, other, second, 0);
    expect_acceptance(attempt);
}

START_TEST(sub_buffers_overlap_where_their_parent_does)
{
    for_each_pair(overlap_as_sub_buffers);
}
END_TEST

/* The same memory under two names is still the same view. */
START_TEST(y_over_x_by_sub_buffers_is_in_place)
{
    struct attempt attempt = attempt_prepare(&problem, FORWARD_TRAINING);
    size_t start = aligned(view_size(&attempt, VIEW_X));
    cl_mem parent = buffer_of(test_context(), CL_MEM_READ_WRITE, start + view_size(&attempt, VIEW_X));
    cl_mem part = sub_buffer_of(parent, start, view_size(&attempt, VIEW_X));
    put(&attempt, VIEW_X, part, 0);
    put(&attempt, VIEW_Y, parent, start / element_size(problem.type));
    expect_acceptance(&attempt);
    put(&attempt, VIEW_Y, parent, start / element_size(problem.type) - 1);
    expect_refusal(&attempt, CLBN_INVALID_ALIAS, "overlap in part", "expected");
    attempt_release(&attempt);
}
END_TEST

/* ---- Three views ---------------------------------------------------------------------------------------------------------- */

START_TEST(dx_is_not_x_even_when_dy_is)
{
    for (enum operation operation = BACKWARD; operation <= BACKWARD_FROZEN; operation++) {
        struct attempt attempt = attempt_prepare(&problem, operation);
        attempt.run.views[VIEW_DY] = attempt.run.views[VIEW_X];
        expect_acceptance(&attempt);
        attempt_release(&attempt);
        attempt = attempt_prepare(&problem, operation);
        attempt.run.views[VIEW_DY] = attempt.run.views[VIEW_X];
        attempt.run.views[VIEW_DX] = attempt.run.views[VIEW_X];
        expect_refusal(&attempt, CLBN_INVALID_ALIAS, "x and dx", "expected");
        attempt_release(&attempt);
    }
}
END_TEST

START_TEST(a_backward_gives_something)
{
    for (enum operation operation = BACKWARD; operation <= BACKWARD_FROZEN; operation++) {
        struct attempt attempt = attempt_prepare(&problem, operation);
        put(&attempt, VIEW_DX, NULL, 0);
        put(&attempt, VIEW_DZ, NULL, 0);
        put(&attempt, VIEW_DGAMMA, NULL, 0);
        put(&attempt, VIEW_DBETA, NULL, 0);
        expect_refusal(&attempt, CLBN_MISSING_VIEW, "dgamma and dbeta", "expected");
        attempt_release(&attempt);
    }
}
END_TEST

START_TEST(a_frozen_backward_needs_x_and_mean_for_dgamma_only)
{
    problem.activation = activation_of(CLBN_ACTIVATION_NONE);
    struct attempt attempt = attempt_prepare(&problem, BACKWARD_FROZEN);
    put(&attempt, VIEW_DGAMMA, NULL, 0);
    put(&attempt, VIEW_X, NULL, 0);
    put(&attempt, VIEW_RUNNING_MEAN, NULL, 0);
    expect_acceptance(&attempt);
    attempt_release(&attempt);
}
END_TEST

/* ---- Workspace ------------------------------------------------------------------------------------------------------------ */

static size_t workspace_size(const struct attempt *attempt)
{
    return workspace_bytes(attempt->valid.plan, attempt->valid.call.operation);
}

static void put_workspace(struct attempt *attempt, cl_mem buffer, size_t offset)
{
    attempt->run.workspace.view.buffer = buffer;
    attempt->run.workspace.view.offset = offset / sizeof(float);
}

static void break_workspace(struct attempt *attempt)
{
    const size_t size = workspace_size(attempt);
    put_workspace(attempt, buffer_of(test_context(), CL_MEM_READ_WRITE, size - 1), 0);
    expect_refusal(attempt, CLBN_INVALID_WORKSPACE, "workspace", "bytes");
    cl_mem large = buffer_of(test_context(), CL_MEM_READ_WRITE, size + CLBN_WORKSPACE_ALIGNMENT);
    put_workspace(attempt, large, 4);
    expect_refusal(attempt, CLBN_INVALID_WORKSPACE, "workspace", "expected a multiple of 64");
    put_workspace(attempt, large, 2 * CLBN_WORKSPACE_ALIGNMENT);
    expect_refusal(attempt, CLBN_INVALID_WORKSPACE, "workspace", "bytes");
    put_workspace(attempt, large, SIZE_MAX / CLBN_WORKSPACE_ALIGNMENT * CLBN_WORKSPACE_ALIGNMENT);
    expect_refusal(attempt, CLBN_INVALID_WORKSPACE, "workspace", "bytes");
    put_workspace(attempt, large, CLBN_WORKSPACE_ALIGNMENT);
    expect_acceptance(attempt);
}

static void break_workspaces_buffer(struct attempt *attempt)
{
    const size_t size = workspace_size(attempt);
    put_workspace(attempt, buffer_of(test_context(), CL_MEM_READ_ONLY, size), 0);
    expect_refusal(attempt, CLBN_INVALID_BUFFER, "workspace", "CL_MEM_READ_ONLY");
    put_workspace(attempt, buffer_of(test_context(), CL_MEM_WRITE_ONLY, size), 0);
    expect_refusal(attempt, CLBN_INVALID_BUFFER, "workspace", "CL_MEM_WRITE_ONLY");
    put_workspace(attempt, buffer_of(other_context, CL_MEM_READ_WRITE, size), 0);
    expect_refusal(attempt, CLBN_WRONG_CONTEXT, "workspace", "context");
}

static void put_workspace_over_views(struct attempt *attempt)
{
    const size_t size = workspace_size(attempt);
    for (enum view view = 0; view < VIEWS; view++) {
        const size_t element = element_of(view);
        if (!run_has(&attempt->valid, view))
            continue;
        cl_mem both = buffer_of(test_context(), CL_MEM_READ_WRITE, size + view_size(attempt, view));
        put_workspace(attempt, both, 0);
        put(attempt, view, both, size / element - 1);
        expect_refusal(attempt, CLBN_INVALID_ALIAS, argument_name(&attempt->run, view), "workspace");
        put(attempt, view, both, size / element);
        expect_acceptance(attempt);
        attempt->run = attempt->valid;
        release_objects();
    }
}

static void for_each_operation(void (*break_it)(struct attempt *), const char *how)
{
    for (enum operation operation = 0; operation < OPERATIONS; operation++) {
        struct attempt attempt = attempt_prepare(&problem, operation);
        testing("%s, %s", operation_name(operation), how);
        if (has_workspace(operation))
            break_it(&attempt);
        attempt_release(&attempt);
        release_objects();
    }
}

START_TEST(a_workspace_is_long_enough_and_aligned)
{
    for_each_operation(break_workspace, "a bad workspace");
}
END_TEST

START_TEST(a_workspace_is_read_and_written)
{
    cl_device_id device = test_device();
    other_context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(other_context);
    for_each_operation(break_workspaces_buffer, "a workspace in a bad buffer");
}
END_TEST

START_TEST(a_workspace_overlaps_no_view)
{
    for_each_operation(put_workspace_over_views, "a workspace over a view");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("misuse of views");
    TCase *cases = tcase_create("refused");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_is_required_must_be_there);
    tcase_add_test(cases, a_view_ends_within_its_buffer);
    tcase_add_test(cases, an_offset_lies_within_its_buffer);
    tcase_add_test(cases, a_buffer_allows_its_access);
    tcase_add_test(cases, a_sub_buffer_allows_what_its_parent_does);
    tcase_add_test(cases, an_image_is_no_buffer);
    tcase_add_test(cases, a_buffer_belongs_to_the_engines_context);
    tcase_add_test(cases, written_views_do_not_overlap_in_part);
    tcase_add_test(cases, only_what_may_be_in_place_coincides_with_another_view);
    tcase_add_test(cases, sub_buffers_overlap_where_their_parent_does);
    tcase_add_test(cases, y_over_x_by_sub_buffers_is_in_place);
    tcase_add_test(cases, dx_is_not_x_even_when_dy_is);
    tcase_add_test(cases, a_backward_gives_something);
    tcase_add_test(cases, a_frozen_backward_needs_x_and_mean_for_dgamma_only);
    tcase_add_test(cases, a_workspace_is_long_enough_and_aligned);
    tcase_add_test(cases, a_workspace_is_read_and_written);
    tcase_add_test(cases, a_workspace_overlaps_no_view);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
