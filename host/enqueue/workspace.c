/* SPDX-License-Identifier: MIT */
#include "enqueue/workspace.h"

#include "base/status.h"
#include "base/view.h"

cl_int bn_open_workspace(struct workspace *w, const struct call *call, clbn_view given, size_t size)
{
    const struct workspace nothing = { NULL, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW, CLBN_NO_VIEW };
    cl_int status = CL_SUCCESS;
    *w = nothing;
    if (size == 0)
        return CLBN_SUCCESS;
    if (!bn_is_present(given) && call->recorder)
        return bn_fail(CLBN_INVALID_WORKSPACE,
                       "the workspace is absent, expected one of %zu bytes, which lives as long as the "
                       "command buffer.",
                       size);
    if (!bn_is_present(given)) {
        given.offset = 0;
        given.buffer = clCreateBuffer(call->plan->engine->context, CL_MEM_READ_WRITE, size, NULL, &status);
        if (status != CL_SUCCESS)
            return bn_fail(status, "clCreateBuffer failed with %s (%d) for a workspace of %zu bytes.", clbnStatusName(status),
                           (int)status, size);
        w->owned = given.buffer;
    }
    w->partials = w->mean = w->invstd = w->coefficients = w->accumulators = given;
    return CLBN_SUCCESS;
}

void bn_place_sections(struct workspace *w, const struct sections *s, size_t channels, size_t element)
{
    const size_t statistics = w->partials.offset + s->partials;
    w->mean.offset = statistics / element;
    w->invstd.offset = statistics / element + channels;
    w->coefficients.offset = statistics + s->statistics;
    w->accumulators.offset = w->coefficients.offset + s->coefficients;
}

void bn_close_workspace(struct workspace *w)
{
    if (w->owned)
        clReleaseMemObject(w->owned);
    w->owned = NULL;
}
