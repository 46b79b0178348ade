/* SPDX-License-Identifier: MIT */
/* The calls that are recorded in command buffers: those of the queues' entries. */
#include "api/entries.h"
#include "base/status.h"

static cl_int check_sync_points(const struct recorder *recorder)
{
    if ((recorder->wait_count == 0) == (recorder->wait_list == NULL))
        return CLBN_SUCCESS;
    return bn_fail(CLBN_INVALID_ARGUMENT, "num_sync_points_in_wait_list is %u, but sync_point_wait_list is %sNULL.",
                   (unsigned)recorder->wait_count, recorder->wait_list ? "not " : "");
}

static cl_int record(const struct entry *entry, clbn_plan plan, cl_command_queue queue, clbn_command_buffer commands,
                     const void *args, cl_uint wait_count, const cl_uint *wait_list, cl_uint *sync_point)
{
    struct recorder recorder = { commands, NULL, NULL, wait_count, wait_list, sync_point };
    const struct call call = { .plan = plan, .queue = queue, .recorder = &recorder };
    cl_int status = check_sync_points(&recorder);
    if (status == CLBN_SUCCESS && plan)
        status = bn_open_recorder(&recorder, plan->engine->device, queue);
    return status == CLBN_SUCCESS ? bn_enqueue(entry, &call, args) : status;
}

cl_int clbnCommandForwardTraining(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                                  const clbn_forward_training_args *args, cl_uint num_sync_points_in_wait_list,
                                  const cl_uint *sync_point_wait_list, cl_uint *sync_point)
{
    return record(&bn_forward_training_entry, plan, queue, command_buffer, args, num_sync_points_in_wait_list,
                  sync_point_wait_list, sync_point);
}

cl_int clbnCommandForwardInference(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                                   const clbn_forward_inference_args *args, cl_uint num_sync_points_in_wait_list,
                                   const cl_uint *sync_point_wait_list, cl_uint *sync_point)
{
    return record(&bn_forward_inference_entry, plan, queue, command_buffer, args, num_sync_points_in_wait_list,
                  sync_point_wait_list, sync_point);
}

cl_int clbnCommandBackward(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                           const clbn_backward_args *args, cl_uint num_sync_points_in_wait_list,
                           const cl_uint *sync_point_wait_list, cl_uint *sync_point)
{
    return record(&bn_backward_entry, plan, queue, command_buffer, args, num_sync_points_in_wait_list, sync_point_wait_list,
                  sync_point);
}

cl_int clbnCommandBackwardFrozen(clbn_plan plan, cl_command_queue queue, clbn_command_buffer command_buffer,
                                 const clbn_backward_frozen_args *args, cl_uint num_sync_points_in_wait_list,
                                 const cl_uint *sync_point_wait_list, cl_uint *sync_point)
{
    return record(&bn_backward_frozen_entry, plan, queue, command_buffer, args, num_sync_points_in_wait_list,
                  sync_point_wait_list, sync_point);
}
