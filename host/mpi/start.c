/* SPDX-License-Identifier: MIT */
/* The first half of a call: this part's record, on its way to the host. Checks what the second half will need, so that nothing is left
 * to fail but OpenCL. */
#include "mpi/arguments.h"
#include "mpi/failing.h"

static clbn_view view_of(cl_mem buffer)
{
    const clbn_view view = { buffer, 0, NULL };
    return view;
}

/* Opens a call. What the last one failed with too late is this one's failure. */
static cl_int open_call(clbn_mpi_plan part, cl_command_queue queue, enum started started)
{
    if (!part)
        return part_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnMpiCreatePlan.");
    if (part->started != NOTHING)
        return part_fail(CLBN_WRONG_ORDER, "the plan's last call is not finished, expected clbnMpiFinish.");
    part->started = started;
    part->trouble = part->late;
    part->late.status = CLBN_SUCCESS;
    part->queue = NULL;
    if (queue && clRetainCommandQueue(queue) == CL_SUCCESS)
        part->queue = queue;
    return CLBN_SUCCESS;
}

/* Reads the record once its last kernel is done. Takes the kernel's event. */
static cl_int read_record(clbn_mpi_plan part, cl_event computed)
{
    const size_t bytes = record_rows(part) * part->channels * part->number_bytes;
    cl_int status = CL_SUCCESS;
    if (bytes > 0)
        status =
            clEnqueueReadBuffer(part->queue, part->record, CL_FALSE, 0, bytes, part->outgoing, 1, &computed, &part->arrived);
    clReleaseEvent(computed);
    status = part_check_call(status, "clEnqueueReadBuffer");
    return status == CLBN_SUCCESS ? part_check_call(clFlush(part->queue), "clFlush") : status;
}

static void fill_forward(clbn_mpi_plan part, const clbn_forward_training_args *args)
{
    const clbn_merge_statistics_args merge = CLBN_MERGE_STATISTICS_ARGS_INIT;
    const clbn_normalize_args normalize = CLBN_NORMALIZE_ARGS_INIT;
    part->merge = merge;
    part->merge.parts = (size_t)part->size;
    part->merge.records = view_of(part->records);
    part->merge.statistics = view_of(part->merged);
    part->merge.running_mean = args->running_mean;
    part->merge.running_var = args->running_var;
    part->merge.save_mean = args->save_mean;
    part->merge.save_invstd = args->save_invstd;
    part->merge.save_var = args->save_var;
    part->merge.running_variance = args->running_variance;
    part->merge.update_factor = args->update_factor;
    part->normalize = normalize;
    part->normalize.x = args->x;
    part->normalize.z = args->z;
    part->normalize.y = args->y;
    part->normalize.gamma = args->gamma;
    part->normalize.beta = args->beta;
    part->normalize.statistics = view_of(part->merged);
    part->normalize.mask = args->mask;
    part->normalize.workspace = args->workspace;
}

static cl_int start_forward(clbn_mpi_plan part, cl_command_queue queue, const void *given, cl_uint count, const cl_event *list)
{
    clbn_forward_training_args args;
    clbn_statistics_args statistics = CLBN_STATISTICS_ARGS_INIT;
    cl_event computed = NULL;
    cl_int status = part_take_arguments(CLBN_STRUCT_FORWARD_TRAINING_ARGS, given, &args, sizeof(args));
    if (status != CLBN_SUCCESS)
        return status;
    fill_forward(part, &args);
    statistics.x = args.x;
    statistics.statistics = view_of(part->record);
    statistics.workspace = args.workspace;
    status = clbnCheckArgs(part->plan, queue, CLBN_STRUCT_MERGE_STATISTICS_ARGS, &part->merge);
    if (status == CLBN_SUCCESS)
        status = clbnCheckArgs(part->plan, queue, CLBN_STRUCT_NORMALIZE_ARGS, &part->normalize);
    if (status == CLBN_SUCCESS)
        status = clbnEnqueueStatistics(part->plan, queue, &statistics, count, list, &computed);
    return status == CLBN_SUCCESS ? read_record(part, computed) : status;
}

static void fill_backward(clbn_mpi_plan part, const clbn_backward_args *args)
{
    const clbn_backward_input_args input = CLBN_BACKWARD_INPUT_ARGS_INIT;
    part->input = input;
    part->input.x = args->x;
    part->input.dy = args->dy;
    part->input.z = args->z;
    part->input.y = args->y;
    part->input.mask = args->mask;
    part->input.gamma = args->gamma;
    part->input.beta = args->beta;
    part->input.save_mean = args->save_mean;
    part->input.save_invstd = args->save_invstd;
    part->input.parts = (size_t)part->size;
    part->input.records = view_of(part->records);
    part->input.dx = args->dx;
    part->input.dz = args->dz;
    part->input.dgamma = args->dgamma;
    part->input.dbeta = args->dbeta;
    part->input.dx_factor = args->dx_factor;
    part->input.dgamma_factor = args->dgamma_factor;
    part->input.dbeta_factor = args->dbeta_factor;
    part->input.workspace = args->workspace;
}

static cl_int start_backward(clbn_mpi_plan part, cl_command_queue queue, const void *given, cl_uint count, const cl_event *list)
{
    clbn_backward_args args;
    clbn_backward_sums_args sums = CLBN_BACKWARD_SUMS_ARGS_INIT;
    cl_event computed = NULL;
    cl_int status = part_take_arguments(CLBN_STRUCT_BACKWARD_ARGS, given, &args, sizeof(args));
    if (status != CLBN_SUCCESS)
        return status;
    fill_backward(part, &args);
    sums.x = args.x;
    sums.dy = args.dy;
    sums.z = args.z;
    sums.y = args.y;
    sums.mask = args.mask;
    sums.gamma = args.gamma;
    sums.beta = args.beta;
    sums.save_mean = args.save_mean;
    sums.save_invstd = args.save_invstd;
    sums.sums = view_of(part->record);
    sums.workspace = args.workspace;
    status = clbnCheckArgs(part->plan, queue, CLBN_STRUCT_BACKWARD_INPUT_ARGS, &part->input);
    if (status == CLBN_SUCCESS)
        status = clbnEnqueueBackwardSums(part->plan, queue, &sums, count, list, &computed);
    return status == CLBN_SUCCESS ? read_record(part, computed) : status;
}

cl_int clbnMpiStartForwardTraining(clbn_mpi_plan part, cl_command_queue queue, const clbn_forward_training_args *args,
                                   cl_uint num_events_in_wait_list, const cl_event *event_wait_list)
{
    cl_int status = open_call(part, queue, FORWARD);
    if (status == CLBN_SUCCESS && part->trouble.status == CLBN_SUCCESS)
        part_note(&part->trouble, start_forward(part, queue, args, num_events_in_wait_list, event_wait_list));
    return status;
}

cl_int clbnMpiStartBackward(clbn_mpi_plan part, cl_command_queue queue, const clbn_backward_args *args,
                            cl_uint num_events_in_wait_list, const cl_event *event_wait_list)
{
    cl_int status = open_call(part, queue, BACKWARD);
    if (status == CLBN_SUCCESS && part->trouble.status == CLBN_SUCCESS)
        part_note(&part->trouble, start_backward(part, queue, args, num_events_in_wait_list, event_wait_list));
    return status;
}
