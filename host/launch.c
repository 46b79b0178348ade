#include "launch.h"

#include "status.h"

static cl_int is_in_order(cl_command_queue queue, bool *in_order)
{
    cl_command_queue_properties properties = 0;
    cl_int status = clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetCommandQueueInfo");
    *in_order = !(properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    return CLBN_SUCCESS;
}

static cl_int enqueue_step(const struct step *step, size_t group, cl_command_queue queue, cl_uint wait_count,
                           const cl_event *wait_list, cl_event *event)
{
    const size_t local[2] = { group, 1 };
    cl_int status =
        clEnqueueNDRangeKernel(queue, step->lent.kernel, 2, NULL, step->global, local, wait_count, wait_list, event);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clEnqueueNDRangeKernel");
}

cl_int bn_launch_steps(const struct step_list *steps, const struct call *call)
{
    if (steps->status != CLBN_SUCCESS)
        return steps->status;
    bool in_order = false;
    cl_int status = is_in_order(call->queue, &in_order);
    const size_t group = bn_program_variant(bn_plan_program(steps->plan))->group;
    cl_event before = NULL; /* of the last step, where the queue does not keep the order itself */
    for (unsigned i = 0; i < steps->count && status == CLBN_SUCCESS; i++) {
        bool last = i + 1 == steps->count;
        cl_event done = NULL;
        cl_event *wanted = last ? call->event : (in_order ? NULL : &done);
        if (i == 0)
            status = enqueue_step(&steps->steps[i], group, call->queue, call->wait_count, call->wait_list, wanted);
        else
            status = enqueue_step(&steps->steps[i], group, call->queue, before ? 1 : 0, before ? &before : NULL, wanted);
        if (before)
            clReleaseEvent(before);
        before = done;
    }
    return status;
}

cl_int bn_launch_nothing(const struct call *call)
{
    if (!call->event && call->wait_count == 0)
        return CLBN_SUCCESS;
    cl_int status = clEnqueueMarkerWithWaitList(call->queue, call->wait_count, call->wait_list, call->event);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clEnqueueMarkerWithWaitList");
}
