/* SPDX-License-Identifier: MIT */
#include "api/call_checks.h"
#include "api/entries.h"
#include "api/operands.h"

static cl_int check(struct request *r)
{
    const clbn_forward_inference_args *a = &r->args.inference;
    const struct shape *shape = &r->plan->shape;
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const struct operand operands[] = {
        { "x", TENSOR_X, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "z", TENSOR_Z, a->z, shape->elements, OPERAND_READ, OPERAND_OPTIONAL, "y" },
        { "y", TENSOR_Y, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "mask", OPERAND_BYTES, a->mask, r->plan->mask_size, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = bn_check_mask(r->plan, a->mask);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(r->plan, operands, COUNT_OF(operands), a->workspace, NULL);
    r->workspace = a->workspace;
    r->has_work = !bn_is_empty(r->plan);
    return status;
}

static void add_steps(struct operation *operation, struct request *r)
{
    bn_add_inference_step(operation, &r->args.inference);
}

const struct entry bn_forward_inference_entry = { CLBN_STRUCT_FORWARD_INFERENCE_ARGS, PASS_INFERENCE, check, add_steps,
                                                  .ignores_ghosts = true };

cl_int clbnEnqueueForwardInference(clbn_plan plan, cl_command_queue queue, const clbn_forward_inference_args *args,
                                   cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_forward_inference_entry, &call, args);
}
