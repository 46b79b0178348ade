/* SPDX-License-Identifier: MIT */
/*
 * What a test has that runs on several processes, under mpirun. There is no Check: a process whose check fails ends all, since the
 * others would wait for it.
 */
#ifndef CLBN_TESTS_RANKS_H
#define CLBN_TESTS_RANKS_H

#include "run.h"

#include <mpi.h>

/* A communicator, this process's place in it, and their number. */
struct team {
    MPI_Comm comm;
    int rank;
    int size;
};

struct team team_of(MPI_Comm comm);

/* Begins MPI; from now on a failed check ends all processes. */
struct team ranks_begin(int *argc, char ***argv);
/* Ends MPI. The first process says what was done. Gives main's status. */
int ranks_end(const char *suite, size_t checks);

/* Fails unless these bytes are the same on all processes. */
void expect_same_on_all(const struct team *team, const char *name, const void *bytes, size_t size);
/* The values of all processes in the order of ranks, on each; to be freed. */
double *gather_values(const struct team *team, const double *values, size_t count);

/* The arguments with which a run's forward training, or backward, would be called; of the last run that was asked. */
const clbn_forward_training_args *forward_args_of(struct run *run);
const clbn_backward_args *backward_args_of(struct run *run);

#endif
