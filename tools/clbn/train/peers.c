/* SPDX-License-Identifier: MIT */
#include "train/peers.h"

#include <stdlib.h>

bool peers_are_launched(void)
{
    /* Of Open MPI, of what speaks PMI (MPICH, Slurm) and PMIx. */
    static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]) != NULL)
            return true;
    return false;
}

void peers_share(const struct peers *peers, size_t rows, size_t *first, size_t *count)
{
    size_t rank = (size_t)peers->rank;
    size_t size = (size_t)peers->size;
    size_t end = (rank + 1) * rows / size;

    *first = rank * rows / size;
    *count = end - *first;
}
