/* SPDX-License-Identifier: MIT */
/*
 * A library to be loaded before OpenCL's (LD_PRELOAD), which lets devices be smaller than they are.
 *
 * Each limit is a number in the environment; without it, devices have what they have:
 *
 *   LIMITED_GROUP   work-items to a group
 *   LIMITED_LOCAL   bytes of local memory to a group
 *   LIMITED_DOUBLE  0: no float64
 *
 * A device says so when it is asked, and refuses kernels that go beyond it as a real one does.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include "next_function.h"

#include <CL/cl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t limit(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? SIZE_MAX : (size_t)strtoull(text, NULL, 10);
}

cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret)
{
    cl_int(CL_API_CALL * ask)(cl_device_id, cl_device_info, size_t, void *, size_t *);
    find_next_function("clGetDeviceInfo", &ask);
    cl_int status = ask(device, name, size, value, size_ret);
    if (status != CL_SUCCESS || value == NULL)
        return status;
    size_t *items = value;
    cl_ulong *number = value;
    if (name == CL_DEVICE_MAX_WORK_GROUP_SIZE && *items > limit("LIMITED_GROUP"))
        *items = limit("LIMITED_GROUP");
    if (name == CL_DEVICE_LOCAL_MEM_SIZE && *number > limit("LIMITED_LOCAL"))
        *number = limit("LIMITED_LOCAL");
    if (name == CL_DEVICE_DOUBLE_FP_CONFIG && limit("LIMITED_DOUBLE") == 0)
        memset(value, 0, size);
    return status;
}

/* CL_SUCCESS if the kernel keeps to the limits. */
static cl_int check_kernel(cl_kernel kernel, cl_uint dimensions, const size_t *local_size)
{
    size_t items = 1;
    for (cl_uint i = 0; local_size != NULL && i < dimensions; i++)
        items *= local_size[i];
    if (items > limit("LIMITED_GROUP"))
        return CL_INVALID_WORK_GROUP_SIZE;
    cl_device_id device = NULL;
    cl_context context = NULL;
    cl_ulong local_bytes = 0;
    clGetKernelInfo(kernel, CL_KERNEL_CONTEXT, sizeof context, &context, NULL);
    clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof device, &device, NULL);
    clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local_bytes, &local_bytes, NULL);
    if (local_bytes <= limit("LIMITED_LOCAL"))
        return CL_SUCCESS;
    char function[128] = "";
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof function - 1, function, NULL);
    fprintf(stderr, "limited_device: %s needs %llu bytes of local memory\n", function, (unsigned long long)local_bytes);
    return CL_OUT_OF_RESOURCES;
}

cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                          const size_t *global_size, const size_t *local_size, cl_uint waits,
                                          const cl_event *wait_list, cl_event *event)
{
    cl_int(CL_API_CALL * enqueue)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *, cl_uint,
                                  const cl_event *, cl_event *);
    cl_int status = check_kernel(kernel, dimensions, local_size);
    if (status != CL_SUCCESS)
        return status;
    find_next_function("clEnqueueNDRangeKernel", &enqueue);
    return enqueue(queue, kernel, dimensions, offset, global_size, local_size, waits, wait_list, event);
}
