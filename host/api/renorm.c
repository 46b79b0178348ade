/* SPDX-License-Identifier: MIT */
#include "schedule/renorm.h"
#include "api/backward_checks.h"
#include "api/call_checks.h"
#include "api/entries.h"
#include "api/operands.h"
#include "base/status.h"
#include "enqueue/launch.h"

/* ---- Checks --------------------------------------------------------------------------------------------------------------- */

static cl_int check_bounds(clbn_plan plan, const clbn_forward_renorm_args *a)
{
    if (!(a->r_max >= 1))
        return bn_fail(CLBN_INVALID_FACTOR, "r_max is %g, expected a number from 1 on, or infinity.", a->r_max);
    if (!(a->d_max >= 0))
        return bn_fail(CLBN_INVALID_FACTOR, "d_max is %g, expected a number from 0 on, or infinity.", a->d_max);
    return bn_check_update(plan, a->running_mean, a->running_var, a->update_factor, a->running_variance);
}

static cl_int check_forward(struct request *r)
{
    const clbn_forward_renorm_args *a = &r->args.forward_renorm;
    const struct shape *shape = &r->plan->shape;
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const struct operand operands[] = {
        { "x", TENSOR_X, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "z", TENSOR_Z, a->z, shape->elements, OPERAND_READ, OPERAND_OPTIONAL, "y" },
        { "y", TENSOR_Y, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_UPDATED, OPERAND_REQUIRED, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_UPDATED, OPERAND_REQUIRED, NULL },
        { "save_mean", OPERAND_STATISTIC, a->save_mean, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_invstd", OPERAND_STATISTIC, a->save_invstd, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_var", OPERAND_STATISTIC, a->save_var, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_r", OPERAND_STATISTIC, a->save_r, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_d", OPERAND_STATISTIC, a->save_d, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "mask", OPERAND_BYTES, a->mask, r->plan->mask_size, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = check_bounds(r->plan, a);
    if (status == CLBN_SUCCESS)
        status = bn_check_mask(r->plan, a->mask);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands_with(r->plan, operands, COUNT_OF(operands), a->workspace, r->plan->renorm_workspace_size,
                                        &r->in_place);
    r->workspace = a->workspace;
    r->has_work = !bn_is_empty(r->plan);
    r->strategy = STRATEGY_SPLIT;
    return status;
}

static cl_int check_backward(struct request *r)
{
    const clbn_backward_renorm_args *a = &r->args.backward_renorm;
    const struct backward b = { a->x,
                                a->dy,
                                a->z,
                                a->y,
                                a->mask,
                                a->gamma,
                                a->beta,
                                a->save_mean,
                                a->save_invstd,
                                a->dx,
                                a->dz,
                                a->dgamma,
                                a->dbeta,
                                .factors = { a->dx_factor, a->dgamma_factor, a->dbeta_factor },
                                .is_renorm = true,
                                .r = a->save_r,
                                .d = a->save_d };
    r->backward = b;
    return bn_check_whole_backward(r, a->workspace);
}

/* ---- Steps ---------------------------------------------------------------------------------------------------------------- */

static void add_forward_steps(struct operation *operation, struct request *r)
{
    bn_add_renorm_forward_steps(operation, &r->args.forward_renorm, &r->renorm);
}

static void add_backward_steps(struct operation *operation, struct request *r)
{
    if (bn_is_empty(r->plan))
        bn_add_empty_backward_step(operation, &r->backward);
    else
        bn_add_renorm_backward_steps(operation, &r->backward, &r->renorm);
}

/* The workspace begins with what is renormalization's alone. */
static cl_int enqueue(const struct entry *entry, const struct call *call, const void *args)
{
    struct request r = { .call = *call };
    struct workspace memory;
    cl_int status = bn_check_request(entry, &r, args);
    if (status != CLBN_SUCCESS)
        return status;
    if (!r.has_work)
        return bn_launch_nothing(call);
    const size_t own = bn_measure_renorm(&call->plan->problem).all;
    const enum strategy strategy = bn_strategy_of(entry, &r, call->plan);
    status =
        bn_open_workspace(&memory, call, r.workspace, own + bn_measure_operation(call->plan, entry->pass, strategy, false));
    if (status != CLBN_SUCCESS)
        return status;
    r.renorm = bn_place_renorm(call->plan, memory.partials);
    r.workspace = memory.partials;
    r.workspace.offset += own;
    status = bn_enqueue_request(entry, &r);
    bn_close_workspace(&memory);
    return status;
}

const struct entry bn_forward_renorm_entry = { CLBN_STRUCT_FORWARD_RENORM_ARGS, PASS_FORWARD, check_forward, add_forward_steps,
                                               .ignores_ghosts = false };

cl_int clbnEnqueueForwardRenorm(clbn_plan plan, cl_command_queue queue, const clbn_forward_renorm_args *args,
                                cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return enqueue(&bn_forward_renorm_entry, &call, args);
}

const struct entry bn_backward_renorm_entry = { CLBN_STRUCT_BACKWARD_RENORM_ARGS, PASS_BACKWARD, check_backward,
                                                add_backward_steps, .ignores_ghosts = false };

cl_int clbnEnqueueBackwardRenorm(clbn_plan plan, cl_command_queue queue, const clbn_backward_renorm_args *args,
                                 cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return enqueue(&bn_backward_renorm_entry, &call, args);
}
