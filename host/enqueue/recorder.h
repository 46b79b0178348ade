/* SPDX-License-Identifier: MIT */
/* A command buffer of cl_khr_command_buffer, to which a call adds its kernels in place of a queue. */
#ifndef CLBN_RECORDER_H
#define CLBN_RECORDER_H

#include "clbn.h"

/* clCommandNDRangeKernelKHR, whose types older headers do not have: a command's properties and its handle are not used. */
typedef cl_int(CL_API_CALL *record_kernel)(clbn_command_buffer commands, cl_command_queue queue, const void *properties,
                                           cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
                                           const size_t *local, cl_uint wait_count, const cl_uint *wait_list,
                                           cl_uint *sync_point, void *handle);

struct recorder {
    clbn_command_buffer commands;
    record_kernel record;
    cl_command_queue queue; /* which of several the kernels are for; NULL where there is one */
    cl_uint wait_count;
    const cl_uint *wait_list;
    cl_uint *sync_point; /* out, or NULL */
};

/* Looks up what recording for a queue needs. */
cl_int bn_open_recorder(struct recorder *recorder, cl_device_id device, cl_command_queue queue);

#endif
