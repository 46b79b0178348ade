/* SPDX-License-Identifier: MIT */
/* What a clbn_mpi_plan is. Only clbn's public functions are called here: this is a library of its own. */
#ifndef CLBN_MPI_PART_H
#define CLBN_MPI_PART_H

#include "clbn_mpi.h"

#include <stdbool.h>
#include <stddef.h>

enum { SENTENCE_BYTES = 512 };

enum started { NOTHING, FORWARD, BACKWARD };

/* What went wrong on this process so far; its sentence is kept because others follow in the same thread. */
struct trouble {
    cl_int status;
    char sentence[SENTENCE_BYTES];
};

struct clbn_mpi_plan_object {
    MPI_Comm comm; /* the caller's, duplicated; its errors return */
    int rank;
    int size;
    MPI_Datatype number; /* of records: MPI_FLOAT or MPI_DOUBLE */
    size_t number_bytes;
    size_t channels;
    clbn_plan plan;
    cl_command_queue mapping; /* maps and unmaps the pinned memory, and does nothing else */
    cl_mem record;            /* of this part; NULL without channels, as the next two */
    cl_mem records;           /* of all, in the order of ranks */
    cl_mem merged;            /* one record of statistics */
    cl_mem pinned;
    void *outgoing; /* pinned, this process's record; a number at least */
    void *incoming; /* pinned, all records */
    void *refusal;  /* what goes in the place of a record: zeros, and a status for the first number */
    /* Of the call that is started: */
    enum started started;
    cl_command_queue queue; /* retained */
    struct trouble trouble;
    cl_event arrived; /* the record is in pinned memory */
    clbn_merge_statistics_args merge;
    clbn_normalize_args normalize;
    clbn_backward_input_args input;
    /* Of the call before: */
    struct trouble late; /* what it failed with after the exchange, which the others do not know yet */
    cl_event uploaded;   /* incoming is free again */
    cl_event last;       /* records and merged are, too */
};

/* Rows of the record of what is started. */
static inline size_t record_rows(const clbn_mpi_plan plan)
{
    return plan->started == BACKWARD ? CLBN_SUMS_ROWS : CLBN_STATISTICS_ROWS;
}

static inline void release_event(cl_event *event)
{
    if (*event)
        clReleaseEvent(*event);
    *event = NULL;
}

#endif
