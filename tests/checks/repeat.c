/* SPDX-License-Identifier: MIT */
#include "repeat.h"

#include "compare.h"
#include "engines.h"
#include "failing.h"

void expect_same_outputs(struct run *run, struct run *first)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (run_writes(run, view))
            expect_same_bits(view_name(view), run_output(run, view), run_output(first, view), run_count(run, view));
}

/* A view that every call has one of. */
static enum view late_view(const struct run *run)
{
    return run_has(run, VIEW_DY) ? VIEW_DY : run_has(run, VIEW_X) ? VIEW_X : VIEW_STATISTICS_RECORDS;
}

static void make_wrong(const struct guarded *input, cl_command_queue queue)
{
    const cl_uint zero = 0;
    expect_success(clEnqueueFillBuffer(queue, input->view.buffer, &zero, sizeof zero, 0,
                                       input->bytes / sizeof zero * sizeof zero, 0, NULL, NULL));
    expect_success(clFinish(queue));
}

void run_with_late_input(struct run *run, const struct run *first, cl_command_queue queue)
{
    const enum view late = late_view(run);
    cl_event go = NULL, copied = NULL, done = NULL;
    cl_int progress = CL_COMPLETE;
    make_wrong(&run->views[late], queue);
    go = clCreateUserEvent(test_context(), NULL);
    const cl_int copy = clEnqueueCopyBuffer(queue, first->views[late].view.buffer, run->views[late].view.buffer, 0, 0,
                                            run->views[late].bytes, 1, &go, &copied);
    const cl_int call = copy == CL_SUCCESS ? run_enqueue(run, queue, 1, &copied, &done) : copy;
    if (call == CL_SUCCESS && clFlush(queue) == CL_SUCCESS)
        clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof progress, &progress, NULL);
    clSetUserEventStatus(go, CL_COMPLETE); /* whatever failed: the queue must not be left waiting */
    expect_success(copy);
    expect_success(call);
    run_wait(done);
    expect_that(progress != CL_COMPLETE, "%s: done before its wait list", what_is_tested());
    run_expect_inputs_unchanged(run);
    clReleaseEvent(copied);
    clReleaseEvent(go);
}
