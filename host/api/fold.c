/* SPDX-License-Identifier: MIT */
#include "api/entries.h"
#include "api/operands.h"
#include "base/status.h"

static cl_int check(struct request *r)
{
    const clbn_fold_args *a = &r->args.fold;
    const struct shape *shape = &r->plan->shape;
    const size_t channels = shape->channels;
    const struct operand operands[] = {
        { "weights", TENSOR_X, a->weights, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "folded_weights", TENSOR_Y, a->folded_weights, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "weights" },
        { "bias", OPERAND_PARAMETER, a->bias, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "folded_bias", OPERAND_PARAMETER, a->folded_bias, channels, OPERAND_WRITTEN, OPERAND_REQUIRED, "bias" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
    };
    if (r->plan->desc.activation != CLBN_ACTIVATION_NONE)
        return bn_fail(CLBN_INVALID_ACTIVATION,
                       "the plan of a layer's weights has an activation, expected none: it stays behind "
                       "the layer.");
    r->workspace = a->workspace;
    r->has_work = channels > 0;
    return bn_check_operands(r->plan, operands, COUNT_OF(operands), a->workspace, NULL);
}

static void add_bias_step(struct steps *steps, const clbn_fold_args *a)
{
    bn_add_channels_step(steps, KERNEL_FOLD_BIAS);
    bn_bind_channels(steps, a->bias);
    bn_bind_channels(steps, a->gamma);
    bn_bind_channels(steps, a->beta);
    bn_bind_channels(steps, a->running_mean);
    bn_bind_channels(steps, a->running_var);
    bn_bind_real(steps, steps->plan->desc.epsilon);
    bn_bind_channels(steps, a->folded_bias);
}

static void add_steps(struct operation *operation, struct request *r)
{
    const clbn_fold_args *a = &r->args.fold;
    clbn_forward_inference_args scaling = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    scaling.x = a->weights;
    scaling.y = a->folded_weights;
    scaling.gamma = a->gamma;
    scaling.running_var = a->running_var;
    if (!bn_is_empty(r->plan))
        bn_add_inference_step(operation, &scaling);
    add_bias_step(&operation->steps, a);
}

const struct entry bn_fold_entry = { CLBN_STRUCT_FOLD_ARGS, PASS_INFERENCE, check, add_steps, .ignores_ghosts = true };

cl_int clbnEnqueueFold(clbn_plan plan, cl_command_queue queue, const clbn_fold_args *args, cl_uint num_events_in_wait_list,
                       const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_fold_entry, &call, args);
}
