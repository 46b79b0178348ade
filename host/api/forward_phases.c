#include "api/call_checks.h"
#include "api/operands.h"
#include "base/status.h"
#include "enqueue/forward_steps.h"
#include "enqueue/launch.h"

static size_t record_count(clbn_plan plan)
{
    return CLBN_STATISTICS_ROWS * plan->shape.channels;
}

cl_int clbnEnqueueStatistics(clbn_plan plan, cl_command_queue queue, const clbn_statistics_args *args,
                             cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    clbn_statistics_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_STATISTICS_ARGS, args, &known);
    args = &known;
    if (status != CLBN_SUCCESS)
        return status;
    const struct shape *shape = &plan->shape;
    const struct operand operands[] = {
        { "x", TENSOR_X, args->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "statistics", OPERAND_STATISTIC, args->statistics, record_count(plan), OPERAND_WRITTEN, OPERAND_REQUIRED, NULL },
    };
    status = bn_check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), args->workspace, NULL);
    if (status != CLBN_SUCCESS)
        return status;
    if (shape->channels == 0)
        return bn_launch_nothing(&call);

    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_FORWARD, shape->elements > 0 ? STRATEGY_SPLIT : STRATEGY_NONE, args->workspace,
                       false);
    if (shape->elements > 0)
        bn_add_statistics_steps(&operation, args->x, args->statistics);
    else
        bn_add_empty_statistics_step(&operation, args->statistics);
    return bn_finish_operation(&operation);
}

static cl_int check_merge(clbn_plan plan, const clbn_merge_statistics_args *a)
{
    const size_t channels = plan->shape.channels;
    const size_t record = record_count(plan);
    cl_int status = bn_check_parts(a->parts, record);
    if (status != CLBN_SUCCESS)
        return status;
    if (channels > 0 && !bn_is_present(a->statistics) && !bn_is_present(a->running_mean) && !bn_is_present(a->save_mean) &&
        !bn_is_present(a->save_invstd) && !bn_is_present(a->save_var))
        return bn_fail(CLBN_MISSING_VIEW,
                       "statistics, running_mean, save_mean, save_invstd and save_var are absent, expected one of them.");
    const struct operand operands[] = {
        { "records", OPERAND_STATISTIC, a->records, a->parts * record, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "statistics", OPERAND_STATISTIC, a->statistics, record, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_UPDATED, OPERAND_OPTIONAL, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_UPDATED, OPERAND_OPTIONAL, NULL },
        { "save_mean", OPERAND_STATISTIC, a->save_mean, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_invstd", OPERAND_STATISTIC, a->save_invstd, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_var", OPERAND_STATISTIC, a->save_var, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    const clbn_view no_workspace = CLBN_NO_VIEW;
    status = bn_check_running(a->running_mean, a->running_var, a->update_factor, a->running_variance);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), no_workspace, NULL);
    return status;
}

cl_int clbnEnqueueMergeStatistics(clbn_plan plan, cl_command_queue queue, const clbn_merge_statistics_args *args,
                                  cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    const clbn_view no_workspace = CLBN_NO_VIEW;
    clbn_merge_statistics_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_MERGE_STATISTICS_ARGS, args, &known);
    args = &known;
    if (status == CLBN_SUCCESS)
        status = check_merge(plan, args);
    if (status != CLBN_SUCCESS)
        return status;
    if (plan->shape.channels == 0)
        return bn_launch_nothing(&call);

    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_FORWARD, STRATEGY_NONE, no_workspace, false);
    bn_add_merge_step(&operation, args);
    return bn_finish_operation(&operation);
}

static cl_int check_normalize(clbn_plan plan, const clbn_normalize_args *a)
{
    const struct shape *shape = &plan->shape;
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const size_t record = shape->elements > 0 ? record_count(plan) : 0;
    const struct operand operands[] = {
        { "x", TENSOR_X, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "z", TENSOR_Z, a->z, shape->elements, OPERAND_READ, OPERAND_OPTIONAL, "y" },
        { "y", TENSOR_Y, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "statistics", OPERAND_STATISTIC, a->statistics, record, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "mask", OPERAND_BYTES, a->mask, plan->mask_size, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = bn_check_mask(plan, a->mask);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), a->workspace, NULL);
    return status;
}

cl_int clbnEnqueueNormalize(clbn_plan plan, cl_command_queue queue, const clbn_normalize_args *args,
                            cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    clbn_normalize_args known;
    cl_int status = bn_check_call(&call, CLBN_STRUCT_NORMALIZE_ARGS, args, &known);
    args = &known;
    if (status == CLBN_SUCCESS)
        status = check_normalize(plan, args);
    if (status != CLBN_SUCCESS)
        return status;
    if (plan->shape.elements == 0)
        return bn_launch_nothing(&call);

    struct operation operation;
    bn_begin_operation(&operation, &call, PASS_FORWARD, STRATEGY_SPLIT, args->workspace, false);
    bn_add_normalize_steps(&operation, args);
    return bn_finish_operation(&operation);
}
