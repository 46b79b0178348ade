/* SPDX-License-Identifier: MIT */
/*
 * clbn_mpi: synchronised batch norm over the processes of an MPI communicator.
 *
 * Each process has a part of the batch on a device of its own: any number of values, also none, and the same channels. Statistics,
 * running statistics, dgamma and dbeta are those of the whole batch, and the same on all processes, bit for bit, where their devices
 * are of one kind and their engines have the same options. A library of its own, above clbn's phases (clbn.h), which it calls and
 * which have the mathematics; libclbn itself knows no MPI.
 *
 *     MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
 *     clbn_plan plan = clbnCreatePlan(engine, &desc, &status);              // of this process's part: desc.shape[0] may differ
 *     clbn_mpi_plan part = clbnMpiCreatePlan(MPI_COMM_WORLD, plan, &status); // all processes; plan may be NULL: then it fails on all
 *
 *     clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;     // as for clbnEnqueueForwardTraining
 *     args.x.buffer = x;
 *     args.y.buffer = y;
 *     args.save_mean.buffer = mean;
 *     args.save_invstd.buffer = invstd;
 *     status = clbnMpiForwardTraining(part, queue, &args, 0, NULL, &event);
 *
 * How it is done. Each process computes a record of its part: CLBN_STATISTICS_ROWS numbers to a channel in a forward,
 * CLBN_SUMS_ROWS in a backward, float64 for float64 plans and float32 for all others. One MPI_Allgather each way brings all
 * records to all processes, and each merges them in the order of ranks. (A reduction would send less, but MPI leaves it to its
 * implementations in which order and where they combine, and only recommends that the result be the same each time.) A call of
 * P processes and C channels brings P * 24 * C bytes to each in a forward, P * 32 * C in a backward; twice that for float64.
 * Records travel from and to pinned memory (CL_MEM_ALLOC_HOST_PTR, mapped once). MPI takes pointers: a cl_mem has none, and
 * shared virtual memory that a host may read while it is not mapped lies in the host's reach already, so there is nothing that
 * could be passed to a GPU-aware MPI by means of OpenCL 1.2 to 3.0 alone.
 *
 * Overlap. A call in two halves lets the device work while the records travel, on all that needs no result of the call: in a backward
 * the gradient of the weights of the layer above, in a forward another branch of the network.
 *
 *     clbnMpiStartBackward(part, queue, &args, 0, NULL);   // enqueues the sums, and returns
 *     ...                                                  // enqueue here what needs neither dx nor dgamma nor dbeta
 *     status = clbnMpiFinish(part, &event);                // waits for the record and for MPI; enqueues the rest, and returns
 *
 * Failures. What a process finds wrong with its arguments, and whatever OpenCL fails with before the exchange, goes along with the
 * exchange, also from a process that has no record to give: clbnMpiFinish() fails on all processes with the same status and the
 * same sentence, "rank 2: y is absent, expected a view of 64 elements."; no process hangs, and nothing was written on any. What
 * OpenCL fails with after the exchange, as it enqueues the last kernels, only that process can know: its own clbnMpiFinish()
 * fails, and the next call of this plan on all. What MPI fails with is CLBN_MPI_FAILED where MPI says so. A process that ends, or
 * does not make a call that the others make, is waited for by MPI: let it call MPI_Abort().
 *
 * Threads: a plan is used by one thread at a time, which is allowed to call MPI. Calls of plans on the same communicator are finished
 * in the same order on all processes.
 */
#ifndef CLBN_MPI_H
#define CLBN_MPI_H

#include "clbn.h"

#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A process's part of a batch-norm problem: a plan, a communicator, and memory for the records. */
typedef struct clbn_mpi_plan_object *clbn_mpi_plan;

/* Creates one; collective: all processes of the communicator call it. It duplicates the communicator (so that no message meets the
 * caller's), retains the plan, and takes (P + 1) * 64 * C bytes of pinned and P * 32 * C bytes of the device's memory (float64: twice).
 * Fails on all processes if on any, with one status and sentence; returns NULL then and sets *errcode_ret (may be NULL).
 * comm: an intracommunicator. plan: of this process's part; NULL: it could not be created, and the call fails on all.
 * CLBN_UNEQUAL_PARTS: plans differ in channels, in the type of statistics, or in epsilon. CLBN_INVALID_ARGUMENT: there is no MPI, or
 * the communicator is MPI_COMM_NULL or an intercommunicator; only this is told without the others. */
CLBN_API clbn_mpi_plan clbnMpiCreatePlan(MPI_Comm comm, clbn_plan plan, cl_int *errcode_ret);

/* Collective, as MPI_Comm_free() is; so it is not counted. Takes NULL, and then does nothing. Waits for what it still has to read;
 * enqueued work is not affected. */
CLBN_API cl_int clbnMpiReleasePlan(clbn_mpi_plan plan);

/* Starts a forward training: enqueues the statistics of this part, after the wait list, and returns; clbnMpiFinish() must follow, on
 * every process. args: as clbnEnqueueForwardTraining() has them, x, y, z and mask this part's, all others the whole batch's; they are
 * copied, the buffers must live until the call is finished. As of merged statistics, one value of the whole batch leaves an unbiased
 * running variance as it is. The workspace may be used in between by work that follows on the same in-order queue.
 * CLBN_INVALID_PLAN for NULL, CLBN_WRONG_ORDER if the plan's last call is not finished: then there is nothing to finish.
 * All other failures clbnMpiFinish() tells. */
CLBN_API cl_int clbnMpiStartForwardTraining(clbn_mpi_plan plan, cl_command_queue queue, const clbn_forward_training_args *args,
                                            cl_uint num_events_in_wait_list, const cl_event *event_wait_list);

/* Likewise a backward, from the sums of this part. args: as clbnEnqueueBackward() has them; save_mean and save_invstd must be there.
 * dgamma and dbeta are of the whole batch, on every process: not to be added over the processes again. */
CLBN_API cl_int clbnMpiStartBackward(clbn_mpi_plan plan, cl_command_queue queue, const clbn_backward_args *args,
                                     cl_uint num_events_in_wait_list, const cl_event *event_wait_list);

/* Waits until this part's record has arrived, exchanges it, enqueues the rest of the call on the queue it was started with, and
 * returns; *event (event may be NULL) is the last kernel's. Work that was enqueued after the start goes on meanwhile. On failure *event
 * is not set. */
CLBN_API cl_int clbnMpiFinish(clbn_mpi_plan plan, cl_event *event);

/* Both halves in one call. */
CLBN_API cl_int clbnMpiForwardTraining(clbn_mpi_plan plan, cl_command_queue queue, const clbn_forward_training_args *args,
                                       cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);
CLBN_API cl_int clbnMpiBackward(clbn_mpi_plan plan, cl_command_queue queue, const clbn_backward_args *args,
                                cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event);

#ifdef __cplusplus
}
#endif

#endif
