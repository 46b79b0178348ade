/* SPDX-License-Identifier: MIT */
#include "enqueue/launch.h"

#include "base/status.h"

cl_int bn_is_in_order(cl_command_queue queue, bool *in_order)
{
    cl_command_queue_properties properties = 0;
    cl_int status = clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetCommandQueueInfo");
    *in_order = !(properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    return CLBN_SUCCESS;
}

void bn_begin_launch(struct launch *launch, const struct call *call)
{
    const struct launch none = { .call = call };
    *launch = none;
}

/* After the kernel before, or the call's wait list. */
static cl_int enqueue(const struct launch *launch, cl_kernel kernel, const size_t groups[2], cl_event *event)
{
    const struct call *call = launch->call;
    const size_t local[2] = { call->plan->program->variant.group, 1 };
    const size_t global[2] = { groups[0] * local[0], groups[1] };
    const cl_event *wait_list = launch->before ? &launch->before : NULL;
    cl_uint wait_count = launch->before ? 1 : 0;
    if (launch->count == 0) {
        wait_count = call->wait_count;
        wait_list = call->wait_list;
    }
    cl_int status = clEnqueueNDRangeKernel(call->queue, kernel, 2, NULL, global, local, wait_count, wait_list, event);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clEnqueueNDRangeKernel");
}

cl_int bn_launch_kernel(struct launch *launch, cl_kernel kernel, const size_t groups[2], bool is_last)
{
    cl_event done = NULL;
    cl_int status = CL_SUCCESS;
    if (launch->count == 0 && !is_last)
        status = bn_is_in_order(launch->call->queue, &launch->in_order);
    cl_event *wanted = is_last ? launch->call->event : (launch->in_order ? NULL : &done);
    if (status == CL_SUCCESS)
        status = enqueue(launch, kernel, groups, wanted);
    bn_end_launch(launch);
    launch->before = done;
    launch->count++;
    return status;
}

void bn_end_launch(struct launch *launch)
{
    if (launch->before)
        clReleaseEvent(launch->before);
    launch->before = NULL;
}

cl_int bn_launch_nothing(const struct call *call)
{
    if (!call->event && call->wait_count == 0)
        return CLBN_SUCCESS;
    cl_int status = clEnqueueMarkerWithWaitList(call->queue, call->wait_count, call->wait_list, call->event);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clEnqueueMarkerWithWaitList");
}
