/* SPDX-License-Identifier: MIT */
/* Structs of callers who know fewer or more of their members. */
#ifndef CLBN_MPI_ARGUMENTS_H
#define CLBN_MPI_ARGUMENTS_H

#include "mpi/part.h"

/* A caller's struct as this library knows it, which has so many bytes of it. */
cl_int part_take_arguments(clbn_struct which, const void *given, void *taken, size_t size);

#endif
