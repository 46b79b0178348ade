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

/* A kernel's work-items, in all and in a group. */
struct range {
    size_t global[2], local[2];
};

/* After the kernel before, or the call's wait list. */
static cl_int enqueue(const struct launch *launch, cl_kernel kernel, const struct range *range, cl_event *event)
{
    const struct call *call = launch->call;
    const cl_event *wait_list = launch->before ? &launch->before : NULL;
    cl_uint wait_count = launch->before ? 1 : 0;
    if (launch->count == 0) {
        wait_count = call->wait_count;
        wait_list = call->wait_list;
    }
    cl_int status =
        clEnqueueNDRangeKernel(call->queue, kernel, 2, NULL, range->global, range->local, wait_count, wait_list, event);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clEnqueueNDRangeKernel");
}

static cl_int launch_in_queue(struct launch *launch, cl_kernel kernel, const struct range *range, bool is_last)
{
    cl_event done = NULL;
    cl_int status = CL_SUCCESS;
    if (launch->count == 0 && !is_last)
        status = bn_is_in_order(launch->call->queue, &launch->in_order);
    cl_event *wanted = is_last ? launch->call->event : (launch->in_order ? NULL : &done);
    if (status == CL_SUCCESS)
        status = enqueue(launch, kernel, range, wanted);
    bn_end_launch(launch);
    launch->before = done;
    return status;
}

/* Each kernel waits for the one before, whatever the order of the queue that will run them. */
static cl_int record(struct launch *launch, cl_kernel kernel, const struct range *range, bool is_last)
{
    const struct recorder *recorder = launch->call->recorder;
    const bool is_first = launch->count == 0;
    cl_uint done = 0;
    cl_int status = recorder->record(recorder->commands, recorder->queue, NULL, kernel, 2, NULL, range->global, range->local,
                                     is_first ? recorder->wait_count : 1, is_first ? recorder->wait_list : &launch->sync_point,
                                     &done, NULL);
    launch->sync_point = done;
    if (status == CL_SUCCESS && is_last && recorder->sync_point)
        *recorder->sync_point = done;
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clCommandNDRangeKernelKHR");
}

cl_int bn_launch_kernel(struct launch *launch, cl_kernel kernel, const size_t groups[2], bool is_last)
{
    const size_t group = launch->call->plan->program->variant.group;
    const struct range range = { { groups[0] * group, groups[1] }, { group, 1 } };
    cl_int status =
        launch->call->recorder ? record(launch, kernel, &range, is_last) : launch_in_queue(launch, kernel, &range, is_last);
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
    if (call->recorder && call->recorder->sync_point)
        return bn_fail(CLBN_UNSUPPORTED_COMMAND_BUFFER,
                       "the call has nothing to do and records no command, expected no sync point to be asked for.");
    if (!call->event && call->wait_count == 0)
        return CLBN_SUCCESS;
    cl_int status = clEnqueueMarkerWithWaitList(call->queue, call->wait_count, call->wait_list, call->event);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clEnqueueMarkerWithWaitList");
}
