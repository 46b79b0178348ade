/* SPDX-License-Identifier: MIT */
#include "api/entry.h"
#include "api/ghost_calls.h"
#include "api/operands.h"
#include "base/status.h"
#include "enqueue/launch.h"
#include "enqueue/second_backward_steps.h"

static cl_int check(clbn_plan plan, const struct second_backward *b, const char *mean_name, const char *deviation_name)
{
    const struct shape *shape = &plan->shape;
    const clbn_view no_workspace = CLBN_NO_VIEW;
    const size_t elements = shape->elements, channels = elements > 0 ? shape->channels : 0;
    const int statistics = b->frozen ? OPERAND_PARAMETER : OPERAND_STATISTIC;
    const struct operand operands[] = {
        { "x", TENSOR_X, b->x, elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "dy", TENSOR_DY, b->dy, elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "ddx", TENSOR_DX, b->ddx, elements, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "gamma", OPERAND_PARAMETER, b->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { mean_name, statistics, b->mean, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { deviation_name, statistics, b->deviation, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "ddgamma", OPERAND_PARAMETER, b->ddgamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "ddbeta", OPERAND_PARAMETER, b->ddbeta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "dx", TENSOR_DX, b->dx, elements, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "ddy", TENSOR_Y, b->ddy, elements, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "dgamma", OPERAND_PARAMETER, b->dgamma, shape->channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    if (plan->desc.activation != CLBN_ACTIVATION_NONE)
        return bn_fail(CLBN_INVALID_ACTIVATION,
                       "the plan of a second backward has an activation, expected none: its own second "
                       "derivative is the caller's.");
    if (elements > 0 && !bn_is_present(b->dx) && !bn_is_present(b->ddy) && !bn_is_present(b->dgamma))
        return bn_fail(CLBN_MISSING_VIEW, "dx, ddy and dgamma are absent, expected at least one of them.");
    return bn_check_operands(plan, operands, COUNT_OF(operands), no_workspace, NULL);
}

static cl_int enqueue(const struct call *call, const struct second_backward *b)
{
    const struct shape *shape = &call->plan->shape;
    if (shape->channels == 0 || (shape->elements == 0 && !bn_is_present(b->dgamma)))
        return bn_launch_nothing(call);
    return bn_enqueue_second_backward(call, b);
}

cl_int clbnEnqueueSecondBackward(clbn_plan plan, cl_command_queue queue, const clbn_second_backward_args *args,
                                 cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    clbn_second_backward_args known;
    cl_int status = bn_check_call(&call, CLBN_OPERATION_BACKWARD, CLBN_STRUCT_SECOND_BACKWARD_ARGS, args, &known);
    if (status == CLBN_SUCCESS)
        status = bn_refuse_ghosts(plan);
    if (status != CLBN_SUCCESS)
        return status;
    const struct second_backward b = { .x = known.x,
                                       .dy = known.dy,
                                       .ddx = known.ddx,
                                       .gamma = known.gamma,
                                       .mean = known.save_mean,
                                       .deviation = known.save_invstd,
                                       .ddgamma = known.ddgamma,
                                       .ddbeta = known.ddbeta,
                                       .dx = known.dx,
                                       .ddy = known.ddy,
                                       .dgamma = known.dgamma };
    status = check(plan, &b, "save_mean", "save_invstd");
    return status == CLBN_SUCCESS ? enqueue(&call, &b) : status;
}

cl_int clbnEnqueueSecondBackwardFrozen(clbn_plan plan, cl_command_queue queue, const clbn_second_backward_frozen_args *args,
                                       cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    clbn_second_backward_frozen_args known;
    cl_int status = bn_check_call(&call, CLBN_OPERATION_BACKWARD, CLBN_STRUCT_SECOND_BACKWARD_FROZEN_ARGS, args, &known);
    if (status != CLBN_SUCCESS)
        return status;
    const struct second_backward b = { .x = known.x,
                                       .dy = known.dy,
                                       .ddx = known.ddx,
                                       .gamma = known.gamma,
                                       .mean = known.running_mean,
                                       .deviation = known.running_var,
                                       .ddgamma = known.ddgamma,
                                       .ddbeta = known.ddbeta,
                                       .dx = known.dx,
                                       .ddy = known.ddy,
                                       .dgamma = known.dgamma,
                                       .frozen = true };
    status = check(plan, &b, "running_mean", "running_var");
    return status == CLBN_SUCCESS ? enqueue(&call, &b) : status;
}
