/* SPDX-License-Identifier: MIT */
/* Makes forward inference wrong, as CLBN_WRONG in the environment says: so that it is seen what 'clbn verify' makes of that. */
#define _POSIX_C_SOURCE 200809L
#include "clbn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

cl_int __real_clbnEnqueueForwardInference(clbn_plan plan, cl_command_queue queue, const clbn_forward_inference_args *args,
                                          cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);
cl_int __wrap_clbnEnqueueForwardInference(clbn_plan plan, cl_command_queue queue, const clbn_forward_inference_args *args,
                                          cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

static int is_wrong(const char *how)
{
    const char *wanted = getenv("CLBN_WRONG");
    return wanted != NULL && strcmp(wanted, how) == 0;
}

cl_int __wrap_clbnEnqueueForwardInference(clbn_plan plan, cl_command_queue queue, const clbn_forward_inference_args *args,
                                          cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    static unsigned calls;
    clbn_forward_inference_args changed = *args;
    calls++;
    if (is_wrong("dies"))
        abort();
    if (is_wrong("hangs"))
        pause();
    if (is_wrong("result"))
        changed.beta.buffer = NULL;
    if (is_wrong("repeated") && calls % 3 == 2)
        changed.beta.buffer = NULL;
    if (is_wrong("guard")) {
        const cl_uint zero = 0; /* the element before y */
        clEnqueueFillBuffer(queue, args->y.buffer, &zero, sizeof zero, (args->y.offset - 1) * sizeof zero, sizeof zero, 0, NULL,
                            NULL);
    }
    if (is_wrong("late"))
        num_events_in_wait_list = 0;
    return __real_clbnEnqueueForwardInference(plan, queue, &changed, num_events_in_wait_list,
                                              num_events_in_wait_list > 0 ? event_wait_list : NULL, event);
}
