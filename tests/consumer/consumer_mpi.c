/* SPDX-License-Identifier: MIT */
/* A program of the installed clbn_mpi: that it links, and refuses a plan that is none on all processes. */
#include <clbn_mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    cl_int status = CLBN_SUCCESS;
    MPI_Init(&argc, &argv);
    clbn_mpi_plan plan = clbnMpiCreatePlan(MPI_COMM_WORLD, NULL, &status);
    printf("%s: %s%s\n", clbnStatusName(status), clbnLastError(), plan == NULL && status == CLBN_INVALID_PLAN ? ": ok" : "");
    clbnMpiReleasePlan(plan);
    MPI_Finalize();
    return 0;
}
