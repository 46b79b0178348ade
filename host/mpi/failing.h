/* SPDX-License-Identifier: MIT */
/* Failures, on one process and on all. */
#ifndef CLBN_MPI_FAILING_H
#define CLBN_MPI_FAILING_H

#include "mpi/part.h"

/* Sets clbnLastError() and returns status. */
__attribute__((format(printf, 2, 3))) cl_int part_fail(cl_int status, const char *format, ...);

/* part_fail() for OpenCL's function that returned status; CL_SUCCESS is no failure. */
cl_int part_check_call(cl_int status, const char *function);

/* CLBN_MPI_FAILED if MPI's function returned an error. */
cl_int part_check_mpi(int error, const char *function);

#ifdef CLBN_ANALYZED /* tools/lint.sh: analyzers see one file at a time, and are told here which status comes back */
#define part_fail(status, ...) ((void)part_fail(status, __VA_ARGS__), (status))
#endif

/* Keeps a failure with the sentence of clbnLastError(); of several the first. A success changes nothing. */
void part_note(struct trouble *trouble, cl_int status);

/* Collective: tells all processes the sentence of the trouble that one of them, culprit, has; all know already that it does, with
 * which status. Sets clbnLastError() and returns the status. */
cl_int part_tell(MPI_Comm comm, int rank, int culprit, cl_int status, const struct trouble *trouble);

#endif
