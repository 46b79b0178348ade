#include "api/call_checks.h"
#include "api/operands.h"
#include "enqueue/forward_steps.h"
#include "enqueue/launch.h"

static cl_int check_inference(clbn_plan plan, const clbn_forward_inference_args *a)
{
    const struct shape *shape = &plan->shape;
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const struct operand operands[] = {
        { "x", TENSOR_X, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "z", TENSOR_Z, a->z, shape->elements, OPERAND_READ, OPERAND_OPTIONAL, "y" },
        { "y", TENSOR_Y, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "mask", OPERAND_BYTES, a->mask, plan->mask_size, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = bn_check_mask(plan, a->mask);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), a->workspace, NULL);
    return status;
}

cl_int clbnEnqueueForwardInference(clbn_plan plan, cl_command_queue queue, const clbn_forward_inference_args *args,
                                   cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    clbn_forward_inference_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_FORWARD_INFERENCE_ARGS, args, &known);
    args = &known;
    if (status == CLBN_SUCCESS)
        status = check_inference(plan, args);
    if (status != CLBN_SUCCESS)
        return status;
    if (plan->shape.elements == 0)
        return bn_launch_nothing(&call);

    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_INFERENCE, plan->schedules[PASS_INFERENCE].strategy, args->workspace, false);
    bn_add_inference_step(&operation, args);
    return bn_finish_operation(&operation);
}
