#include "api/call_checks.h"

#include "api/operands.h"
#include "base/sized.h"
#include "base/status.h"
#include "base/view.h"

#include <stdint.h>

static cl_int check_queue(clbn_engine engine, cl_command_queue queue)
{
    cl_context context = NULL;
    cl_device_id device = NULL;
    if (!queue)
        return bn_fail(CL_INVALID_COMMAND_QUEUE, "the queue is NULL, expected a command queue of the engine's device.");
    cl_int status = clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &context, NULL);
    if (status == CL_SUCCESS)
        status = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(cl_device_id), &device, NULL);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetCommandQueueInfo");
    if (context != engine->context)
        return bn_fail(CLBN_WRONG_CONTEXT, "the queue belongs to another context than the engine, expected the same.");
    if (device != engine->device)
        return bn_fail(CLBN_WRONG_DEVICE, "the queue belongs to another device than the engine, expected the same.");
    return CLBN_SUCCESS;
}

static cl_int check_wait_list(const struct call *call)
{
    if ((call->wait_count == 0) != (call->wait_list == NULL))
        return bn_fail(CL_INVALID_EVENT_WAIT_LIST, "num_events_in_wait_list is %u, but event_wait_list is %sNULL.",
                       (unsigned)call->wait_count, call->wait_list ? "not " : "");
    for (cl_uint i = 0; i < call->wait_count; i++)
        if (!call->wait_list[i])
            return bn_fail(CL_INVALID_EVENT_WAIT_LIST, "event_wait_list[%u] is NULL, expected an event.", (unsigned)i);
    return CLBN_SUCCESS;
}

/* Operations that the plan must be for, at least one of them, for a call with arguments of this kind. */
static const clbn_operations operations_of[] = {
    [CLBN_STRUCT_TUNE_ARGS] = ALL_OPERATIONS,
    [CLBN_STRUCT_FORWARD_TRAINING_ARGS] = CLBN_OPERATION_FORWARD,
    [CLBN_STRUCT_FORWARD_INFERENCE_ARGS] = CLBN_OPERATION_INFERENCE,
    [CLBN_STRUCT_BACKWARD_ARGS] = CLBN_OPERATION_BACKWARD,
    [CLBN_STRUCT_BACKWARD_FROZEN_ARGS] = CLBN_OPERATION_BACKWARD,
    [CLBN_STRUCT_FOLD_ARGS] = CLBN_OPERATION_INFERENCE,
    [CLBN_STRUCT_STATISTICS_ARGS] = CLBN_OPERATION_FORWARD,
    [CLBN_STRUCT_MERGE_STATISTICS_ARGS] = CLBN_OPERATION_FORWARD,
    [CLBN_STRUCT_NORMALIZE_ARGS] = CLBN_OPERATION_FORWARD,
    [CLBN_STRUCT_BACKWARD_SUMS_ARGS] = CLBN_OPERATION_BACKWARD,
    [CLBN_STRUCT_BACKWARD_INPUT_ARGS] = CLBN_OPERATION_BACKWARD,
};

cl_int bn_check_operations(clbn_plan plan, clbn_operations any)
{
    const clbn_operations operations = plan->desc.operations;
    if (operations & any)
        return CLBN_SUCCESS;
    return bn_fail(CLBN_WRONG_OPERATION, "the plan is for the operations 0x%x, expected some of 0x%x (CLBN_OPERATION_*).",
                   (unsigned)operations, (unsigned)any);
}

cl_int bn_check_call(const struct call *call, clbn_struct which, const void *args, void *known)
{
    if (!call->plan)
        return bn_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnCreatePlan.");
    cl_int status = bn_check_operations(call->plan, operations_of[which]);
    if (status == CLBN_SUCCESS)
        status = bn_take_struct(which, args, known);
    if (status == CLBN_SUCCESS)
        status = check_queue(call->plan->engine, call->queue);
    return status == CLBN_SUCCESS ? check_wait_list(call) : status;
}

cl_int bn_check_running(clbn_view running_mean, clbn_view running_var, double update_factor,
                        clbn_running_variance running_variance)
{
    if (!(update_factor >= 0 && update_factor <= 1))
        return bn_fail(CLBN_INVALID_FACTOR,
                       "update_factor is %g, expected 0 to 1: beyond, a running variance could become negative.",
                       update_factor);
    if (running_variance > CLBN_BIASED)
        return bn_fail(CLBN_INVALID_ARGUMENT, "running_variance is %u, expected CLBN_UNBIASED or CLBN_BIASED.",
                       (unsigned)running_variance);
    return bn_check_pair("running_mean", running_mean, "running_var", running_var);
}

cl_int bn_check_parts(size_t parts, size_t record)
{
    if (parts == 0)
        return bn_fail(CLBN_INVALID_ARGUMENT, "parts is 0, expected at least 1.");
    if (record > 0 && parts > SIZE_MAX / sizeof(cl_double) / record)
        return bn_fail(CLBN_SIZE_OVERFLOW, "%zu records of %zu numbers have more bytes than size_t can count.", parts, record);
    return CLBN_SUCCESS;
}

cl_int bn_check_mask(clbn_plan plan, clbn_view mask)
{
    if (bn_is_present(mask) && !bn_has_mask(plan->desc.activation))
        return bn_fail(CLBN_NOT_INVERTIBLE,
                       "a mask was given, but the slope of the plan's activation is more than a bit, expected "
                       "one for CLBN_ACTIVATION_RELU, LEAKY_RELU or RELU6.");
    return CLBN_SUCCESS;
}
