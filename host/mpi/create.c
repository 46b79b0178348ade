/* SPDX-License-Identifier: MIT */
/* Collective: creating and releasing. */
#include "mpi/failing.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

/* Those of a part's plan that all parts must have in common. */
struct problem {
    double channels;
    double number_bytes;
    double epsilon;
};

static cl_int ask_plan(clbn_mpi_plan part, clbn_plan plan, struct problem *problem)
{
    clbn_type type = 0;
    if (!plan)
        return part_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnCreatePlan.");
    cl_int status = clbnGetPlanInfo(plan, CLBN_PLAN_CHANNELS, sizeof(size_t), &part->channels, NULL);
    if (status == CLBN_SUCCESS)
        status = clbnGetPlanInfo(plan, CLBN_PLAN_EPSILON, sizeof(double), &problem->epsilon, NULL);
    if (status == CLBN_SUCCESS)
        status = clbnGetPlanInfo(plan, CLBN_PLAN_TYPE, sizeof(clbn_type), &type, NULL);
    if (status != CLBN_SUCCESS)
        return status;
    part->number = type == CLBN_FLOAT64 ? MPI_DOUBLE : MPI_FLOAT;
    part->number_bytes = type == CLBN_FLOAT64 ? sizeof(cl_double) : sizeof(cl_float);
    problem->channels = (double)part->channels;
    problem->number_bytes = (double)part->number_bytes;
    status = clbnRetainPlan(plan);
    if (status == CLBN_SUCCESS)
        part->plan = plan;
    return status;
}

/* Bytes of the greatest record; of a number at least, since a failure travels in the place of one. */
static cl_int record_bytes(const clbn_mpi_plan part, size_t *bytes)
{
    const size_t greatest = CLBN_SUMS_ROWS * sizeof(cl_double);
    const size_t ranks = (size_t)part->size + 1;
    const size_t number = part->number == MPI_DOUBLE ? sizeof(cl_double) : sizeof(cl_float);
    if (part->channels > INT_MAX / CLBN_SUMS_ROWS || part->channels > SIZE_MAX / greatest / ranks)
        return part_fail(CLBN_SIZE_OVERFLOW, "records of %zu channels are too large to be exchanged among %d processes.",
                         part->channels, part->size);
    *bytes = (part->channels > 0 ? CLBN_SUMS_ROWS * part->channels : 1) * number;
    return CLBN_SUCCESS;
}

static cl_int create_buffer(cl_context context, cl_mem_flags flags, size_t bytes, cl_mem *buffer)
{
    cl_int status;
    *buffer = clCreateBuffer(context, flags, bytes, NULL, &status);
    return part_check_call(status, "clCreateBuffer");
}

static cl_int map_pinned(clbn_mpi_plan part, size_t record, size_t bytes)
{
    cl_int status;
    unsigned char *mapped =
        clEnqueueMapBuffer(part->mapping, part->pinned, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, bytes, 0, NULL, NULL, &status);
    if (status != CL_SUCCESS)
        return part_check_call(status, "clEnqueueMapBuffer");
    part->outgoing = mapped;
    part->incoming = mapped + record;
    return CLBN_SUCCESS;
}

static cl_int create_memory(clbn_mpi_plan part)
{
    const size_t ranks = (size_t)part->size;
    clbn_engine engine = NULL;
    cl_context context = NULL;
    cl_device_id device = NULL;
    size_t record = 0;
    cl_int status = record_bytes(part, &record);
    if (status == CLBN_SUCCESS)
        status = clbnGetPlanInfo(part->plan, CLBN_PLAN_ENGINE, sizeof(clbn_engine), &engine, NULL);
    if (status == CLBN_SUCCESS)
        status = clbnGetEngineInfo(engine, CLBN_ENGINE_CONTEXT, sizeof(cl_context), &context, NULL);
    if (status == CLBN_SUCCESS)
        status = clbnGetEngineInfo(engine, CLBN_ENGINE_DEVICE, sizeof(cl_device_id), &device, NULL);
    if (status != CLBN_SUCCESS)
        return status;
    part->refusal = calloc(1, record);
    if (!part->refusal)
        return part_fail(CL_OUT_OF_HOST_MEMORY, "there is no memory for a record of %zu bytes.", record);
    part->mapping = clCreateCommandQueue(context, device, 0, &status);
    status = part_check_call(status, "clCreateCommandQueue");
    if (status == CLBN_SUCCESS)
        status = create_buffer(context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, (ranks + 1) * record, &part->pinned);
    if (status == CLBN_SUCCESS)
        status = map_pinned(part, record, (ranks + 1) * record);
    if (status == CLBN_SUCCESS && part->channels > 0)
        status = create_buffer(context, CL_MEM_READ_WRITE, record, &part->record);
    if (status == CLBN_SUCCESS && part->channels > 0)
        status = create_buffer(context, CL_MEM_READ_WRITE, ranks * record, &part->records);
    if (status == CLBN_SUCCESS && part->channels > 0)
        status = create_buffer(context, CL_MEM_READ_WRITE, record, &part->merged);
    return status;
}

/* Releases what this process has, all but the communicator. */
static void destroy(clbn_mpi_plan part)
{
    cl_mem buffers[] = { part->record, part->records, part->merged, part->pinned };
    cl_event pending[] = { part->arrived, part->uploaded };
    for (size_t i = 0; i < sizeof(pending) / sizeof(*pending); i++)
        if (pending[i])
            clWaitForEvents(1, &pending[i]);
    if (part->outgoing) {
        clEnqueueUnmapMemObject(part->mapping, part->pinned, part->outgoing, 0, NULL, NULL);
        clFinish(part->mapping);
    }
    release_event(&part->arrived);
    release_event(&part->uploaded);
    release_event(&part->last);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    if (part->mapping)
        clReleaseCommandQueue(part->mapping);
    if (part->queue)
        clReleaseCommandQueue(part->queue);
    clbnReleasePlan(part->plan);
    free(part->refusal);
    free(part);
}

/* Collective: whether no process has failed, and all parts are of one problem. One reduction of numbers whose minimum and, negated,
 * maximum tell both; it needs no memory that might be missing. */
static cl_int agree(MPI_Comm comm, int rank, const struct trouble *trouble, const struct problem *problem)
{
    enum { STATUS, LEAST, GREATEST = LEAST + 3, COUNT = GREATEST + 3 };
    const double own[COUNT] = { (double)trouble->status, problem->channels,      problem->number_bytes, problem->epsilon,
                                -problem->channels,      -problem->number_bytes, -problem->epsilon };
    double all[COUNT];
    int culprit, first;
    cl_int status = part_check_mpi(MPI_Allreduce(own, all, COUNT, MPI_DOUBLE, MPI_MIN, comm), "MPI_Allreduce");
    if (status != CLBN_SUCCESS)
        return status;
    if (all[STATUS] < 0) {
        culprit = trouble->status == (cl_int)all[STATUS] ? rank : INT_MAX;
        status = part_check_mpi(MPI_Allreduce(&culprit, &first, 1, MPI_INT, MPI_MIN, comm), "MPI_Allreduce");
        return status == CLBN_SUCCESS ? part_tell(comm, rank, first, (cl_int)all[STATUS], trouble) : status;
    }
    for (int i = 0; i < 3; i++)
        if (all[LEAST + i] != -all[GREATEST + i])
            return part_fail(
                CLBN_UNEQUAL_PARTS,
                "the processes' plans have from %.0f to %.0f channels, statistics of %.0f to %.0f bytes, and epsilons from "
                "%g to %g, expected the same everywhere.",
                all[LEAST], -all[GREATEST], all[LEAST + 1], -all[GREATEST + 1], all[LEAST + 2], -all[GREATEST + 2]);
    return CLBN_SUCCESS;
}

static cl_int check_communicator(MPI_Comm comm)
{
    int initialized = 0, finalized = 0, is_inter = 0;
    MPI_Initialized(&initialized);
    MPI_Finalized(&finalized);
    if (!initialized || finalized)
        return part_fail(CLBN_INVALID_ARGUMENT, "MPI is %s, expected it between MPI_Init and MPI_Finalize.",
                         finalized ? "finalized" : "not initialized");
    if (comm == MPI_COMM_NULL)
        return part_fail(CLBN_INVALID_ARGUMENT, "the communicator is MPI_COMM_NULL, expected one of this process.");
    cl_int status = part_check_mpi(MPI_Comm_test_inter(comm, &is_inter), "MPI_Comm_test_inter");
    if (status == CLBN_SUCCESS && is_inter)
        return part_fail(CLBN_INVALID_ARGUMENT, "the communicator is an intercommunicator, expected an intracommunicator.");
    return status;
}

static cl_int duplicate(MPI_Comm comm, MPI_Comm *copy)
{
    cl_int status = part_check_mpi(MPI_Comm_dup(comm, copy), "MPI_Comm_dup");
    if (status == CLBN_SUCCESS)
        status = part_check_mpi(MPI_Comm_set_errhandler(*copy, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    return status;
}

static clbn_mpi_plan create(MPI_Comm copy, clbn_plan plan, cl_int *status)
{
    struct trouble trouble = { 0 };
    struct problem problem = { 0 };
    int rank = 0, size = 0;
    clbn_mpi_plan part = calloc(1, sizeof(*part));
    MPI_Comm_rank(copy, &rank);
    MPI_Comm_size(copy, &size);
    if (part) {
        part->comm = copy;
        part->rank = rank;
        part->size = size;
        part_note(&trouble, ask_plan(part, plan, &problem));
        if (trouble.status == CLBN_SUCCESS)
            part_note(&trouble, create_memory(part));
    } else {
        part_note(&trouble, part_fail(CL_OUT_OF_HOST_MEMORY, "there is no memory for a plan of clbn_mpi."));
    }
    *status = agree(copy, rank, &trouble, &problem);
    if (*status == CLBN_SUCCESS)
        return part;
    if (part)
        destroy(part);
    return NULL;
}

clbn_mpi_plan clbnMpiCreatePlan(MPI_Comm comm, clbn_plan plan, cl_int *errcode_ret)
{
    MPI_Comm copy = MPI_COMM_NULL;
    clbn_mpi_plan part = NULL;
    cl_int status = check_communicator(comm);
    if (status == CLBN_SUCCESS)
        status = duplicate(comm, &copy);
    if (status == CLBN_SUCCESS)
        part = create(copy, plan, &status);
    if (!part && copy != MPI_COMM_NULL)
        MPI_Comm_free(&copy);
    if (errcode_ret)
        *errcode_ret = status;
    return part;
}

cl_int clbnMpiReleasePlan(clbn_mpi_plan part)
{
    int finalized = 0;
    if (!part)
        return CLBN_SUCCESS;
    MPI_Comm copy = part->comm;
    destroy(part);
    MPI_Finalized(&finalized);
    return finalized ? CLBN_SUCCESS : part_check_mpi(MPI_Comm_free(&copy), "MPI_Comm_free");
}
