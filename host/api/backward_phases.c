#include "api/backward_checks.h"
#include "api/call_checks.h"
#include "api/operands.h"
#include "base/status.h"
#include "enqueue/backward_steps.h"
#include "enqueue/forward_steps.h"
#include "enqueue/launch.h"

static cl_int check_views(clbn_plan plan, struct backward *b, clbn_view workspace)
{
    bool takes_xhat = b->parts == 0 || bn_is_present(b->dx);
    cl_int status = bn_check_pair("save_mean", b->mean, "save_invstd", b->deviation);
    if (status == CLBN_SUCCESS)
        status = bn_choose_source(plan, b, takes_xhat);
    if (status == CLBN_SUCCESS)
        status = bn_check_backward_views(plan, b, "save_mean", "save_invstd", workspace);
    return status;
}

static cl_int check_sums(clbn_plan plan, struct backward *b, clbn_view workspace)
{
    if (plan->shape.channels > 0 && !bn_is_present(b->records))
        return bn_fail(CLBN_MISSING_VIEW, "sums is absent, expected a view of %zu elements.",
                       CLBN_SUMS_ROWS * plan->shape.channels);
    return check_views(plan, b, workspace);
}

cl_int clbnEnqueueBackwardSums(clbn_plan plan, cl_command_queue queue, const clbn_backward_sums_args *args,
                               cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    clbn_backward_sums_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_BACKWARD_SUMS_ARGS, args, &known);
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
                          .records = args->sums };
    status = check_sums(plan, &b, args->workspace);
    if (status != CLBN_SUCCESS)
        return status;
    if (plan->shape.channels == 0)
        return bn_launch_nothing(&call);

    bool is_empty = plan->shape.elements == 0;
    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_BACKWARD, is_empty ? STRATEGY_NONE : STRATEGY_SPLIT, args->workspace, false);
    if (is_empty)
        bn_add_empty_backward_step(&operation, &b);
    else
        bn_add_sums_steps(&operation, &b);
    return bn_finish_operation(&operation);
}

static cl_int check_input(clbn_plan plan, struct backward *b, clbn_view workspace)
{
    const size_t record = CLBN_SUMS_ROWS * plan->shape.channels;
    cl_int status = bn_check_parts(b->parts, record);
    if (status != CLBN_SUCCESS)
        return status;
    if (record > 0 && !bn_is_present(b->records))
        return bn_fail(CLBN_MISSING_VIEW, "records is absent, expected a view of %zu elements.", b->parts * record);
    status = bn_check_gradients(plan, b);
    return status == CLBN_SUCCESS ? check_views(plan, b, workspace) : status;
}

cl_int clbnEnqueueBackwardInput(clbn_plan plan, cl_command_queue queue, const clbn_backward_input_args *args,
                                cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    clbn_backward_input_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_BACKWARD_INPUT_ARGS, args, &known);
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
                          .factors = { args->dx_factor, args->dgamma_factor, args->dbeta_factor },
                          .records = args->records,
                          .parts = args->parts };
    status = check_input(plan, &b, args->workspace);
    if (status != CLBN_SUCCESS)
        return status;
    bool is_empty = plan->shape.elements == 0;
    if (plan->shape.channels == 0 || (is_empty && !bn_is_present(b.dgamma) && !bn_is_present(b.dbeta)))
        return bn_launch_nothing(&call);

    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_BACKWARD, is_empty ? STRATEGY_NONE : STRATEGY_SPLIT, args->workspace, false);
    bn_add_input_steps(&operation, &b);
    return bn_finish_operation(&operation);
}
