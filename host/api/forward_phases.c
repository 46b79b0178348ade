/* SPDX-License-Identifier: MIT */
#include "api/call_checks.h"
#include "api/entries.h"
#include "api/operands.h"
#include "base/status.h"

static size_t record_count(clbn_plan plan)
{
    return CLBN_STATISTICS_ROWS * plan->shape.channels;
}

static cl_int check_statistics(struct request *r)
{
    const clbn_statistics_args *a = &r->args.statistics;
    const struct operand operands[] = {
        { "x", TENSOR_X, a->x, r->plan->shape.elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "statistics", OPERAND_STATISTIC, a->statistics, record_count(r->plan), OPERAND_WRITTEN, OPERAND_REQUIRED, NULL },
    };
    r->workspace = a->workspace;
    r->has_work = r->plan->shape.channels > 0;
    r->strategy = bn_is_empty(r->plan) ? STRATEGY_NONE : STRATEGY_SPLIT;
    return bn_check_operands(r->plan, operands, COUNT_OF(operands), a->workspace, NULL);
}

static void add_statistics(struct operation *operation, struct request *r)
{
    if (bn_is_empty(r->plan))
        bn_add_empty_statistics_step(operation, r->args.statistics.statistics);
    else
        bn_add_statistics_steps(operation, r->args.statistics.x, r->args.statistics.statistics);
}

const struct entry bn_statistics_entry = { CLBN_STRUCT_STATISTICS_ARGS, PASS_FORWARD, check_statistics, add_statistics,
                                           .ignores_ghosts = false };

cl_int clbnEnqueueStatistics(clbn_plan plan, cl_command_queue queue, const clbn_statistics_args *args,
                             cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_statistics_entry, &call, args);
}

static cl_int check_merge(struct request *r)
{
    const clbn_merge_statistics_args *a = &r->args.merge;
    const size_t channels = r->plan->shape.channels;
    const size_t record = record_count(r->plan);
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
    status = bn_check_running(a->running_mean, a->running_var, a->update_factor, a->running_variance);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(r->plan, operands, COUNT_OF(operands), r->workspace, NULL);
    r->has_work = channels > 0;
    r->strategy = STRATEGY_NONE;
    return status;
}

static void add_merge(struct operation *operation, struct request *r)
{
    bn_add_merge_step(operation, &r->args.merge);
}

const struct entry bn_merge_statistics_entry = { CLBN_STRUCT_MERGE_STATISTICS_ARGS, PASS_FORWARD, check_merge, add_merge,
                                                 .ignores_ghosts = false };

cl_int clbnEnqueueMergeStatistics(clbn_plan plan, cl_command_queue queue, const clbn_merge_statistics_args *args,
                                  cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_merge_statistics_entry, &call, args);
}

static cl_int check_normalize(struct request *r)
{
    const clbn_normalize_args *a = &r->args.normalize;
    const struct shape *shape = &r->plan->shape;
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const size_t record = shape->elements > 0 ? record_count(r->plan) : 0;
    const struct operand operands[] = {
        { "x", TENSOR_X, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "z", TENSOR_Z, a->z, shape->elements, OPERAND_READ, OPERAND_OPTIONAL, "y" },
        { "y", TENSOR_Y, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "statistics", OPERAND_STATISTIC, a->statistics, record, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "mask", OPERAND_BYTES, a->mask, r->plan->mask_size, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = bn_check_mask(r->plan, a->mask);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(r->plan, operands, COUNT_OF(operands), a->workspace, NULL);
    r->workspace = a->workspace;
    r->has_work = !bn_is_empty(r->plan);
    r->strategy = STRATEGY_SPLIT;
    return status;
}

static void add_normalization(struct operation *operation, struct request *r)
{
    bn_add_normalize_steps(operation, &r->args.normalize);
}

const struct entry bn_normalize_entry = { CLBN_STRUCT_NORMALIZE_ARGS, PASS_FORWARD, check_normalize, add_normalization,
                                          .ignores_ghosts = false };

cl_int clbnEnqueueNormalize(clbn_plan plan, cl_command_queue queue, const clbn_normalize_args *args,
                            cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event, NULL };
    return bn_enqueue(&bn_normalize_entry, &call, args);
}
