/* SPDX-License-Identifier: MIT */
#include "train/peers.h"

#include <clbn_mpi.h>
#include <limits.h>
#include <string.h>

/* MPI ends all processes where one of its functions fails, but clbn_mpi's, and these. */
static bool check(int error, const char *function, struct failure *failure)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;

    if (error == MPI_SUCCESS)
        return true;
    MPI_Error_string(error, text, &length);
    return fail(failure, "%s failed: %s", function, text);
}

bool peers_open(struct peers *peers, struct failure *failure)
{
    const struct peers alone = { 0, 1, false };
    int provided;

    *peers = alone;
    if (!peers_are_launched())
        return true;
    if (!check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread", failure))
        return false;
    peers->running = true;
    return check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", failure) &&
           check(MPI_Comm_rank(MPI_COMM_WORLD, &peers->rank), "MPI_Comm_rank", failure) &&
           check(MPI_Comm_size(MPI_COMM_WORLD, &peers->size), "MPI_Comm_size", failure);
}

void peers_close(struct peers *peers)
{
    if (peers->running)
        MPI_Finalize();
    memset(peers, 0, sizeof *peers);
}

void peers_abort(const struct peers *peers, int exit_code)
{
    if (peers->size > 1)
        MPI_Abort(MPI_COMM_WORLD, exit_code);
}

static bool sum(const struct peers *peers, void *values, size_t count, MPI_Datatype type, struct failure *failure)
{
    if (peers->size == 1)
        return true;
    if (count > INT_MAX)
        return fail(failure, "%zu values are too many to be exchanged", count);
    return check(MPI_Reduce(peers->rank == 0 ? MPI_IN_PLACE : values, values, (int)count, type, MPI_SUM, 0, MPI_COMM_WORLD),
                 "MPI_Reduce", failure) &&
           check(MPI_Bcast(values, (int)count, type, 0, MPI_COMM_WORLD), "MPI_Bcast", failure);
}

bool peers_sum(const struct peers *peers, double *values, size_t count, struct failure *failure)
{
    return sum(peers, values, count, MPI_DOUBLE, failure);
}

bool peers_sum_floats(const struct peers *peers, float *values, size_t count, struct failure *failure)
{
    return sum(peers, values, count, MPI_FLOAT, failure);
}

bool peers_open_plan(const struct peers *peers, clbn_plan plan, void **shared, struct failure *failure)
{
    cl_int status;

    (void)peers;
    *shared = clbnMpiCreatePlan(MPI_COMM_WORLD, plan, &status);
    return *shared != NULL || fail_clbn(failure, "clbnMpiCreatePlan", status);
}

void peers_close_plan(void *shared)
{
    clbnMpiReleasePlan(shared);
}

bool peers_start_forward(void *shared, cl_command_queue queue, const clbn_forward_training_args *args, struct failure *failure)
{
    cl_int status = clbnMpiStartForwardTraining(shared, queue, args, 0, NULL);

    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnMpiStartForwardTraining", status);
}

bool peers_start_backward(void *shared, cl_command_queue queue, const clbn_backward_args *args, struct failure *failure)
{
    cl_int status = clbnMpiStartBackward(shared, queue, args, 0, NULL);

    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnMpiStartBackward", status);
}

bool peers_finish(void *shared, struct failure *failure)
{
    cl_int status = clbnMpiFinish(shared, NULL);

    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnMpiFinish", status);
}
