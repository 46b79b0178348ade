/* SPDX-License-Identifier: MIT */
#include "api/call_checks.h"
#include "api/entries.h"
#include "api/ghost_calls.h"
#include "api/operands.h"
#include "base/status.h"

static cl_int check(struct request *r)
{
    const clbn_forward_training_args *a = &r->args.training;
    const struct shape *shape = &r->plan->shape;
    /* An empty batch changes nothing: its parameters and statistics are not looked at. */
    const size_t channels = shape->elements > 0 ? shape->channels : 0, saved = bn_statistic_rows(r->plan) * channels;
    const struct operand operands[] = {
        { "x", TENSOR_X, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "z", TENSOR_Z, a->z, shape->elements, OPERAND_READ, OPERAND_OPTIONAL, "y" },
        { "y", TENSOR_Y, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_UPDATED, OPERAND_OPTIONAL, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_UPDATED, OPERAND_OPTIONAL, NULL },
        { "save_mean", OPERAND_STATISTIC, a->save_mean, saved, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_invstd", OPERAND_STATISTIC, a->save_invstd, saved, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_var", OPERAND_STATISTIC, a->save_var, saved, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "mask", OPERAND_BYTES, a->mask, r->plan->mask_size, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = bn_check_update(r->plan, a->running_mean, a->running_var, a->update_factor, a->running_variance);
    if (status == CLBN_SUCCESS)
        status = bn_check_mask(r->plan, a->mask);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(r->plan, operands, COUNT_OF(operands), a->workspace, &r->in_place);
    r->workspace = a->workspace;
    r->has_work = !bn_is_empty(r->plan);
    return status;
}

static void add_steps(struct operation *operation, struct request *r)
{
    bn_add_forward_steps(operation, &r->args.training);
}

static void take_ghost(struct request *r, const struct ghosts *ghosts, size_t number)
{
    clbn_forward_training_args *a = &r->args.training;
    bn_move_tensor(&a->x, ghosts, TENSOR_X, number);
    bn_move_tensor(&a->z, ghosts, TENSOR_Z, number);
    bn_move_tensor(&a->y, ghosts, TENSOR_Y, number);
    bn_move_mask(&a->mask, ghosts, number);
    bn_move_statistics(&a->save_mean, ghosts, number);
    bn_move_statistics(&a->save_invstd, ghosts, number);
    bn_move_statistics(&a->save_var, ghosts, number);
}

const struct entry bn_forward_training_entry = { CLBN_STRUCT_FORWARD_TRAINING_ARGS, PASS_FORWARD, check, add_steps,
                                                 .take_ghost = take_ghost };

cl_int clbnEnqueueForwardTraining(clbn_plan plan, cl_command_queue queue, const clbn_forward_training_args *args,
                                  cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_forward_training_entry, &call, args);
}
