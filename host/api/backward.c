#include "api/backward_checks.h"
#include "api/call_checks.h"
#include "api/operands.h"
#include "base/status.h"
#include "enqueue/backward_steps.h"
#include "enqueue/forward_steps.h"
#include "enqueue/launch.h"

static cl_int check(clbn_plan plan, struct backward *b, const char *mean_name, const char *deviation_name, clbn_view workspace)
{
    bool takes_xhat = bn_is_present(b->dgamma) || (bn_is_present(b->dx) && !b->frozen);
    cl_int status = bn_check_gradients(plan, b);
    if (status == CLBN_SUCCESS && !b->frozen)
        status = bn_check_pair(mean_name, b->mean, deviation_name, b->deviation);
    if (status == CLBN_SUCCESS)
        status = bn_choose_source(plan, b, takes_xhat);
    if (status == CLBN_SUCCESS)
        status = bn_check_backward_views(plan, b, mean_name, deviation_name, workspace);
    return status;
}

/* Of an empty batch the gradients of the parameters are 0, or stay as they are. */
static cl_int launch_empty(const struct call *call, const struct backward *b)
{
    const clbn_view none = CLBN_NO_VIEW;
    bool has_gradients = bn_is_present(b->dgamma) || bn_is_present(b->dbeta);
    if (call->plan->shape.channels == 0 || !has_gradients)
        return bn_launch_nothing(call);
    struct operation operation;
    bn_begin_operation(&operation, call, PASS_BACKWARD, STRATEGY_NONE, none, false);
    bn_add_empty_backward_step(&operation, b);
    return bn_finish_operation(&operation);
}

/* The statistics that the caller did not give, into the workspace. */
static void add_missing_statistics(struct operation *o, struct backward *b)
{
    clbn_forward_training_args statistics = CLBN_FORWARD_TRAINING_ARGS_INIT;
    statistics.x = b->x;
    statistics.save_mean = b->mean = o->workspace.mean;
    statistics.save_invstd = b->deviation = o->workspace.invstd;
    bn_add_forward_steps(o, &statistics);
}

cl_int clbnEnqueueBackward(clbn_plan plan, cl_command_queue queue, const clbn_backward_args *args,
                           cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    clbn_backward_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_BACKWARD_ARGS, args, &known);
    args = &known;
    if (status != CLBN_SUCCESS)
        return status;
    struct backward b = { .x = args->x,
                          .dy = args->dy,
                          .z = args->z,
                          .y = args->y,
                          .mask = args->mask,
                          .gamma = args->gamma,
                          .beta = args->beta,
                          .mean = args->save_mean,
                          .deviation = args->save_invstd,
                          .dx = args->dx,
                          .dz = args->dz,
                          .dgamma = args->dgamma,
                          .dbeta = args->dbeta,
                          .factors = { args->dx_factor, args->dgamma_factor, args->dbeta_factor } };
    status = check(plan, &b, "save_mean", "save_invstd", args->workspace);
    if (status != CLBN_SUCCESS)
        return status;
    if (plan->shape.elements == 0)
        return launch_empty(&call, &b);

    const bool lacks_statistics = bn_is_present(b.x) && !bn_is_present(b.mean);
    if (lacks_statistics)
        status = bn_check_operations(plan, CLBN_OPERATION_FORWARD);
    if (status != CLBN_SUCCESS)
        return status;
    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_BACKWARD, bn_call_strategy(&plan->schedules[PASS_BACKWARD], b.in_place),
                       args->workspace, lacks_statistics);
    if (lacks_statistics)
        add_missing_statistics(&operation, &b);
    bn_add_backward_steps(&operation, &b);
    return bn_finish_operation(&operation);
}

cl_int clbnEnqueueBackwardFrozen(clbn_plan plan, cl_command_queue queue, const clbn_backward_frozen_args *args,
                                 cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    clbn_backward_frozen_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_BACKWARD_FROZEN_ARGS, args, &known);
    args = &known;
    if (status != CLBN_SUCCESS)
        return status;
    struct backward b = { .x = args->x,
                          .dy = args->dy,
                          .z = args->z,
                          .y = args->y,
                          .mask = args->mask,
                          .gamma = args->gamma,
                          .beta = args->beta,
                          .mean = args->running_mean,
                          .deviation = args->running_var,
                          .dx = args->dx,
                          .dz = args->dz,
                          .dgamma = args->dgamma,
                          .dbeta = args->dbeta,
                          .frozen = true,
                          .factors = { args->dx_factor, args->dgamma_factor, args->dbeta_factor } };
    status = check(plan, &b, "running_mean", "running_var", args->workspace);
    if (status != CLBN_SUCCESS)
        return status;
    if (plan->shape.elements == 0)
        return launch_empty(&call, &b);

    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_BACKWARD, bn_call_strategy(&plan->schedules[PASS_BACKWARD], b.in_place),
                       args->workspace, false);
    bn_add_backward_steps(&operation, &b);
    return bn_finish_operation(&operation);
}
