/* SPDX-License-Identifier: MIT */
/* In a command without MPI a process is alone. */
#include "train/peers.h"

bool peers_open(struct peers *peers, struct failure *failure)
{
    const struct peers alone = { 0, 1, false };

    *peers = alone;
    return !peers_are_launched() ||
           fail(failure,
                "this clbn was built without MPI, and each process would train for itself: build it with -DCLBN_MPI=ON");
}

void peers_close(struct peers *peers)
{
    (void)peers;
}

void peers_abort(const struct peers *peers, int exit_code)
{
    (void)peers;
    (void)exit_code;
}

bool peers_sum(const struct peers *peers, double *values, size_t count, struct failure *failure)
{
    (void)peers;
    (void)values;
    (void)count;
    (void)failure;
    return true;
}

bool peers_sum_floats(const struct peers *peers, float *values, size_t count, struct failure *failure)
{
    (void)peers;
    (void)values;
    (void)count;
    (void)failure;
    return true;
}

static bool without_mpi(struct failure *failure)
{
    return fail(failure, "this clbn was built without MPI");
}

bool peers_open_plan(const struct peers *peers, clbn_plan plan, void **shared, struct failure *failure)
{
    (void)peers;
    (void)plan;
    (void)shared;
    return without_mpi(failure);
}

void peers_close_plan(void *shared)
{
    (void)shared;
}

bool peers_start_forward(void *shared, cl_command_queue queue, const clbn_forward_training_args *args, struct failure *failure)
{
    (void)shared;
    (void)queue;
    (void)args;
    return without_mpi(failure);
}

bool peers_start_backward(void *shared, cl_command_queue queue, const clbn_backward_args *args, struct failure *failure)
{
    (void)shared;
    (void)queue;
    (void)args;
    return without_mpi(failure);
}

bool peers_finish(void *shared, struct failure *failure)
{
    (void)shared;
    return without_mpi(failure);
}
