#include "enqueue/workspace.h"

#include "base/status.h"
#include "base/view.h"

cl_int bn_open_workspace(struct workspace *w, clbn_plan plan, enum pass pass, clbn_view given, bool needed)
{
    const struct workspace nothing = { NULL, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW };
    const struct schedule *schedule = &plan->schedules[pass];
    const size_t element = bn_real_size(plan->desc.type);
    *w = nothing;
    if (!needed)
        return CLBN_SUCCESS;
    if (!bn_is_present(given)) {
        cl_int status = CL_SUCCESS;
        given.offset = 0;
        given.buffer = clCreateBuffer(plan->engine->context, CL_MEM_READ_WRITE, schedule->workspace_size, NULL, &status);
        if (status != CL_SUCCESS)
            return bn_fail(status, "clCreateBuffer failed with %s (%d) for a workspace of %zu bytes.", clbnStatusName(status),
                           (int)status, schedule->workspace_size);
        w->owned = given.buffer;
    }
    const size_t statistics = given.offset + schedule->partials_size;
    w->partials = given;
    w->mean = w->invstd = w->coefficients = w->accumulators = given;
    w->mean.offset = statistics / element;
    w->invstd.offset = statistics / element + plan->shape.channels;
    w->coefficients.offset = statistics + schedule->statistics_size;
    w->accumulators.offset = w->coefficients.offset + schedule->coefficients_size;
    return CLBN_SUCCESS;
}

void bn_close_workspace(struct workspace *w)
{
    if (w->owned)
        clReleaseMemObject(w->owned);
    w->owned = NULL;
}
