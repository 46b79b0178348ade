/* SPDX-License-Identifier: MIT */
/* The second half of a call: the exchange, and what follows from all records. */
#include "mpi/failing.h"

#include <string.h>

/* A record begins with a count, which is never negative: a process that has failed sends its status, which always is, in that place.
 * It lies in memory of its own, since a command that failed may still write to the record's. */
static const void *refusal(clbn_mpi_plan part)
{
    const cl_float narrow = (cl_float)part->trouble.status;
    const cl_double wide = part->trouble.status;
    memcpy(part->refusal, part->number == MPI_DOUBLE ? (const void *)&wide : &narrow, part->number_bytes);
    return part->refusal;
}

static cl_int status_at(const clbn_mpi_plan part, size_t number)
{
    const unsigned char *place = (const unsigned char *)part->incoming + number * part->number_bytes;
    cl_float narrow;
    cl_double wide;
    if (part->number == MPI_DOUBLE) {
        memcpy(&wide, place, sizeof(wide));
    } else {
        memcpy(&narrow, place, sizeof(narrow));
        wide = (cl_double)narrow;
    }
    return wide < 0 ? (cl_int)wide : CLBN_SUCCESS;
}

/* Whether a command has failed as it ran: its status is negative then. */
static cl_int check_execution(cl_event event)
{
    cl_int executed = CL_COMPLETE;
    if (!event)
        return CLBN_SUCCESS;
    cl_int status = part_check_call(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(executed), &executed, NULL),
                                    "clGetEventInfo");
    return status == CLBN_SUCCESS && executed < 0 ? part_check_call(executed, "a command of this call or the last") : status;
}

static cl_int wait_for(cl_event event)
{
    cl_int status = event ? part_check_call(clWaitForEvents(1, &event), "clWaitForEvents") : CLBN_SUCCESS;
    return status == CLBN_SUCCESS ? check_execution(event) : status;
}

/* A failed event of the call before is told once, and forgotten. */
static void note_earlier(clbn_mpi_plan part, cl_int status, cl_event *event)
{
    part_note(&part->trouble, status);
    if (status != CLBN_SUCCESS)
        release_event(event);
}

/* All records at incoming. Fails on all processes if any has trouble. */
static cl_int exchange(clbn_mpi_plan part)
{
    const size_t numbers = part->channels > 0 ? record_rows(part) * part->channels : 1;
    part_note(&part->trouble, wait_for(part->arrived));
    note_earlier(part, wait_for(part->uploaded), &part->uploaded);
    note_earlier(part, check_execution(part->last), &part->last);
    /* Without channels there is no record, but a number that says so. */
    const void *outgoing = part->channels == 0 || part->trouble.status != CLBN_SUCCESS ? refusal(part) : part->outgoing;
    const int count = (int)numbers;
    cl_int status = part_check_mpi(
        MPI_Allgather(outgoing, count, part->number, part->incoming, count, part->number, part->comm), "MPI_Allgather");
    for (int rank = 0; rank < part->size && status == CLBN_SUCCESS; rank++) {
        const cl_int theirs = status_at(part, (size_t)rank * numbers);
        if (theirs != CLBN_SUCCESS)
            return part_tell(part->comm, part->rank, rank, theirs, &part->trouble);
    }
    return status;
}

/* Remembers the last event of what the plan's buffers are used by. */
static void set_last(clbn_mpi_plan part, cl_event event)
{
    release_event(&part->last);
    part->last = event;
}

static cl_int upload(clbn_mpi_plan part)
{
    const size_t bytes = (size_t)part->size * record_rows(part) * part->channels * part->number_bytes;
    cl_event uploaded = NULL;
    if (bytes == 0)
        return CLBN_SUCCESS;
    cl_int status = clEnqueueWriteBuffer(part->queue, part->records, CL_FALSE, 0, bytes, part->incoming, part->last ? 1 : 0,
                                         part->last ? &part->last : NULL, &uploaded);
    if (status != CL_SUCCESS)
        return part_check_call(status, "clEnqueueWriteBuffer");
    release_event(&part->uploaded);
    part->uploaded = uploaded;
    return CLBN_SUCCESS;
}

static cl_uint count_of(const cl_event event)
{
    return event ? 1 : 0;
}

static const cl_event *list_of(const cl_event *event)
{
    return *event ? event : NULL;
}

static cl_int enqueue_forward(clbn_mpi_plan part)
{
    cl_event merged = NULL, normalized = NULL;
    cl_int status = clbnEnqueueMergeStatistics(part->plan, part->queue, &part->merge, count_of(part->uploaded),
                                               list_of(&part->uploaded), &merged);
    if (status != CLBN_SUCCESS)
        return status;
    set_last(part, merged);
    status = clbnEnqueueNormalize(part->plan, part->queue, &part->normalize, 1, &merged, &normalized);
    if (status == CLBN_SUCCESS)
        set_last(part, normalized);
    return status;
}

static cl_int enqueue_backward(clbn_mpi_plan part)
{
    cl_event computed = NULL;
    cl_int status = clbnEnqueueBackwardInput(part->plan, part->queue, &part->input, count_of(part->uploaded),
                                             list_of(&part->uploaded), &computed);
    if (status == CLBN_SUCCESS)
        set_last(part, computed);
    return status;
}

/* After the exchange. What fails here the other processes learn with the next call. */
static cl_int follow(clbn_mpi_plan part, cl_event *event)
{
    cl_int status = upload(part);
    if (status == CLBN_SUCCESS)
        status = part->started == FORWARD ? enqueue_forward(part) : enqueue_backward(part);
    if (status == CLBN_SUCCESS)
        status = part_check_call(clFlush(part->queue), "clFlush");
    if (status == CLBN_SUCCESS && event)
        status = part_check_call(clRetainEvent(part->last), "clRetainEvent");
    if (status == CLBN_SUCCESS && event)
        *event = part->last;
    if (status == CLBN_SUCCESS)
        return status;
    part_note(&part->late, part_fail(status, "in the call before: %s", clbnLastError()));
    return part_fail(status, "after the exchange: %s", clbnLastError() + strlen("in the call before: "));
}

cl_int clbnMpiFinish(clbn_mpi_plan part, cl_event *event)
{
    if (!part)
        return part_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnMpiCreatePlan.");
    if (part->started == NOTHING)
        return part_fail(CLBN_WRONG_ORDER, "no call of the plan is started, expected clbnMpiStartForwardTraining or "
                                           "clbnMpiStartBackward before.");
    cl_int status = exchange(part);
    if (status == CLBN_SUCCESS)
        status = follow(part, event);
    release_event(&part->arrived);
    if (part->queue)
        clReleaseCommandQueue(part->queue);
    part->queue = NULL;
    part->started = NOTHING;
    return status;
}

cl_int clbnMpiForwardTraining(clbn_mpi_plan part, cl_command_queue queue, const clbn_forward_training_args *args,
                              cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    cl_int status = clbnMpiStartForwardTraining(part, queue, args, num_events_in_wait_list, event_wait_list);
    return status == CLBN_SUCCESS ? clbnMpiFinish(part, event) : status;
}

cl_int clbnMpiBackward(clbn_mpi_plan part, cl_command_queue queue, const clbn_backward_args *args,
                       cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    cl_int status = clbnMpiStartBackward(part, queue, args, num_events_in_wait_list, event_wait_list);
    return status == CLBN_SUCCESS ? clbnMpiFinish(part, event) : status;
}
