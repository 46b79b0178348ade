/* SPDX-License-Identifier: MIT */
#include "enqueue/recorder.h"

#include "base/status.h"

/* cl_khr_command_buffer's number of a question. The next one, which queues, PoCL 3.1 answers wrong. */
enum { COMMAND_BUFFER_NUM_QUEUES = 0x1295 };

typedef cl_int(CL_API_CALL *get_info)(clbn_command_buffer commands, cl_uint name, size_t size, void *value, size_t *size_ret);

/* An object's address becomes a function's, as OpenCL's own extension functions are had. */
union found {
    void *address;
    record_kernel record;
    get_info info;
};

static cl_int find(cl_platform_id platform, const char *name, union found *found)
{
    found->address = clGetExtensionFunctionAddressForPlatform(platform, name);
    if (found->address)
        return CLBN_SUCCESS;
    return bn_fail(CLBN_UNSUPPORTED_COMMAND_BUFFER,
                   "the platform has no %s, expected one with the extension cl_khr_command_buffer.", name);
}

cl_int bn_open_recorder(struct recorder *recorder, cl_device_id device, cl_command_queue queue)
{
    cl_platform_id platform = NULL;
    cl_uint queues = 0;
    union found info, record;
    if (!recorder->commands)
        return bn_fail(CLBN_INVALID_ARGUMENT, "the command buffer is NULL, expected one from clCreateCommandBufferKHR.");
    cl_int status = clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof(platform), &platform, NULL);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetDeviceInfo");
    status = find(platform, "clGetCommandBufferInfoKHR", &info);
    if (status == CLBN_SUCCESS)
        status = find(platform, "clCommandNDRangeKernelKHR", &record);
    if (status != CLBN_SUCCESS)
        return status;
    recorder->record = record.record;
    status = info.info(recorder->commands, COMMAND_BUFFER_NUM_QUEUES, sizeof(queues), &queues, NULL);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetCommandBufferInfoKHR");
    recorder->queue = queues > 1 ? queue : NULL;
    return CLBN_SUCCESS;
}
