/* SPDX-License-Identifier: MIT */
#include "ranks.h"

#include "allocate.h"
#include "engines.h"
#include "failing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void end_all(const char *sentence)
{
    fprintf(stderr, "[rank %d] %s\n", team_of(MPI_COMM_WORLD).rank, sentence);
    fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    exit(EXIT_FAILURE);
}

struct team team_of(MPI_Comm comm)
{
    struct team team = { comm, 0, 0 };
    MPI_Comm_rank(comm, &team.rank);
    MPI_Comm_size(comm, &team.size);
    return team;
}

struct team ranks_begin(int *argc, char ***argv)
{
    int provided;
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    on_failed_check(end_all);
    spare_compilation(SPARE_ALL_PROGRAMS);
    return team_of(MPI_COMM_WORLD);
}

int ranks_end(const char *suite, size_t checks)
{
    const struct team team = team_of(MPI_COMM_WORLD);
    release_engines_and_queues();
    if (team.rank == 0)
        printf("%s on %d processes: %zu checks passed\n", suite, team.size, checks);
    MPI_Finalize();
    return EXIT_SUCCESS;
}

void expect_same_on_all(const struct team *team, const char *name, const void *bytes, size_t size)
{
    void *first = allocate(size + 1, 1);
    memcpy(first, bytes, size);
    MPI_Bcast(first, (int)size, MPI_BYTE, 0, team->comm);
    expect_that(memcmp(first, bytes, size) == 0, "%s: %s of rank %d differs from that of rank 0", what_is_tested(), name,
                team->rank);
    free(first);
}

double *gather_values(const struct team *team, const double *values, size_t count)
{
    int own = (int)count, total = 0;
    int *counts = allocate((size_t)team->size, sizeof *counts), *begins = allocate((size_t)team->size, sizeof *begins);
    MPI_Allgather(&own, 1, MPI_INT, counts, 1, MPI_INT, team->comm);
    for (int i = 0; i < team->size; i++) {
        begins[i] = total;
        total += counts[i];
    }
    double *all = allocate((size_t)total + 1, sizeof *all);
    MPI_Allgatherv(values, own, MPI_DOUBLE, all, counts, begins, MPI_DOUBLE, team->comm);
    free(counts);
    free(begins);
    return all;
}

static union {
    clbn_forward_training_args forward;
    clbn_backward_args backward;
} kept;

/* Keeps the arguments, and lets the call fail that would have had them. */
static const void *keep(const void *args, size_t size)
{
    memcpy(&kept, args, size);
    return NULL;
}

static void keep_arguments(struct run *run)
{
    run->resize = keep;
    expect_status(run_enqueue(run, in_order_queue(), 0, NULL, NULL), CLBN_INVALID_ARGUMENT, "a call without arguments");
    run->resize = NULL;
}

const clbn_forward_training_args *forward_args_of(struct run *run)
{
    keep_arguments(run);
    return &kept.forward;
}

const clbn_backward_args *backward_args_of(struct run *run)
{
    keep_arguments(run);
    return &kept.backward;
}
