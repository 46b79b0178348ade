/* SPDX-License-Identifier: MIT */
/*
 * Processes that mpirun has started, and that train one network together: each has a share of every batch, and all have the same
 * parameters, bit for bit. A process alone is its only one, and exchanges nothing.
 *
 * In peers_mpi.c, or, in a command that was built without MPI, in peers_none.c.
 */
#ifndef CLBN_TOOL_PEERS_H
#define CLBN_TOOL_PEERS_H

#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

struct peers {
    int rank;
    int size;
    bool running; /* MPI, to be ended */
};

/* Begins MPI, where mpirun has started this process. Fails where it has, and the command was built without MPI. */
bool peers_open(struct peers *peers, struct failure *failure);
void peers_close(struct peers *peers);
/* Ends all processes, which would wait for this one, with this exit code; returns where there is none but this. */
void peers_abort(const struct peers *peers, int exit_code);

/* This process's share of so many rows: from *first, *count; shares differ by a row at most. */
void peers_share(const struct peers *peers, size_t rows, size_t *first, size_t *count);

/* The sums over all processes, the same bits on each: they are added by the first, and sent from there. */
bool peers_sum(const struct peers *peers, double *values, size_t count, struct failure *failure);
bool peers_sum_floats(const struct peers *peers, float *values, size_t count, struct failure *failure);

/* A plan of the share's, for batch norm over the batches of all; NULL: this process has none, and no process gets one. */
bool peers_open_plan(const struct peers *peers, clbn_plan plan, void **shared, struct failure *failure);
void peers_close_plan(void *shared);
/* What is enqueued between the start and the finish overlaps with the exchange. */
bool peers_start_forward(void *shared, cl_command_queue queue, const clbn_forward_training_args *args, struct failure *failure);
bool peers_start_backward(void *shared, cl_command_queue queue, const clbn_backward_args *args, struct failure *failure);
bool peers_finish(void *shared, struct failure *failure);

/* ---- For the two files ---------------------------------------------------------------------------------------------------- */

/* Whether mpirun, or what stands in its place, has started this process, so far as the environment tells. */
bool peers_are_launched(void);

#endif
