/* SPDX-License-Identifier: MIT */
/* The OpenCL functions that libclbn and the tests of its failures call, each handed on to the ICD loader's. */
#include "interpose.h"

/* Of OpenCL 2.0. */
#ifndef CL_DEVICE_SVM_CAPABILITIES
#define CL_DEVICE_SVM_CAPABILITIES 0x1053
#endif
cl_int CL_API_CALL clSetKernelArgSVMPointer(cl_kernel kernel, cl_uint index, const void *value);

#define REAL(function) ((__typeof__(&function))function##_entry.real)

#define INTERPOSE(function) static struct interposed function##_entry = { #function, NULL, 0, NULL };

/* A function that only gives a status. */
#define INTERPOSE_CALL(function, parameters, arguments)                                                                        \
    INTERPOSE(function)                                                                                                        \
    cl_int CL_API_CALL function parameters                                                                                     \
    {                                                                                                                          \
        return interposed_fails(&function##_entry) ? INJECTED_STATUS : REAL(function) arguments;                               \
    }

/* A function that gives an object, and a status through its last parameter, errcode_ret. */
#define INTERPOSE_CREATION(type, function, kind, parameters, arguments)                                                        \
    INTERPOSE(function)                                                                                                        \
    type CL_API_CALL function parameters                                                                                       \
    {                                                                                                                          \
        if (interposed_fails(&function##_entry)) {                                                                             \
            if (errcode_ret != NULL)                                                                                           \
                *errcode_ret = INJECTED_STATUS;                                                                                \
            return NULL;                                                                                                       \
        }                                                                                                                      \
        type object = REAL(function) arguments;                                                                                \
        count_object(kind, object != NULL);                                                                                    \
        return object;                                                                                                         \
    }

/* A command, which gives an event through its last parameter, event, if it is asked to. */
#define INTERPOSE_COMMAND(function, parameters, arguments)                                                                     \
    INTERPOSE(function)                                                                                                        \
    cl_int CL_API_CALL function parameters                                                                                     \
    {                                                                                                                          \
        if (interposed_fails(&function##_entry))                                                                               \
            return INJECTED_STATUS;                                                                                            \
        cl_int status = REAL(function) arguments;                                                                              \
        count_object(OBJECT_EVENT, status == CL_SUCCESS && event != NULL);                                                     \
        return status;                                                                                                         \
    }

#define INTERPOSE_RETAIN(type, function, kind)                                                                                 \
    INTERPOSE(function)                                                                                                        \
    cl_int CL_API_CALL function(type object)                                                                                   \
    {                                                                                                                          \
        if (interposed_fails(&function##_entry))                                                                               \
            return INJECTED_STATUS;                                                                                            \
        cl_int status = REAL(function)(object);                                                                                \
        count_object(kind, status == CL_SUCCESS);                                                                              \
        return status;                                                                                                         \
    }

/* A release never fails: nobody could do anything about it. */
#define INTERPOSE_RELEASE(type, function, kind)                                                                                \
    INTERPOSE(function)                                                                                                        \
    cl_int CL_API_CALL function(type object)                                                                                   \
    {                                                                                                                          \
        interposed_succeeds(&function##_entry);                                                                                \
        cl_int status = REAL(function)(object);                                                                                \
        count_object(kind, -(status == CL_SUCCESS));                                                                           \
        return status;                                                                                                         \
    }

INTERPOSE_CREATION(cl_context, clCreateContext, OBJECT_CONTEXT,
                   (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
                    void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user_data,
                    cl_int *errcode_ret),
                   (properties, count, devices, notify, user_data, errcode_ret))
INTERPOSE_RETAIN(cl_context, clRetainContext, OBJECT_CONTEXT)
INTERPOSE_RELEASE(cl_context, clReleaseContext, OBJECT_CONTEXT)
INTERPOSE_CALL(clGetContextInfo, (cl_context context, cl_context_info name, size_t size, void *value, size_t *size_ret),
               (context, name, size, value, size_ret))

INTERPOSE_CALL(clGetPlatformInfo, (cl_platform_id platform, cl_platform_info name, size_t size, void *value, size_t *size_ret),
               (platform, name, size, value, size_ret))

INTERPOSE_RETAIN(cl_device_id, clRetainDevice, OBJECT_DEVICE)
INTERPOSE_RELEASE(cl_device_id, clReleaseDevice, OBJECT_DEVICE)

INTERPOSE(clCreateSubDevices)
cl_int CL_API_CALL clCreateSubDevices(cl_device_id device, const cl_device_partition_property *properties, cl_uint count,
                                      cl_device_id *devices, cl_uint *count_ret)
{
    interposed_succeeds(&clCreateSubDevices_entry);
    cl_uint created = 0;
    cl_int status = REAL(clCreateSubDevices)(device, properties, count, devices, &created);
    count_object(OBJECT_DEVICE, status == CL_SUCCESS && devices != NULL ? (long)created : 0);
    if (count_ret != NULL)
        *count_ret = created;
    return status;
}

INTERPOSE(clGetDeviceInfo)
cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret)
{
    if (interposed_fails(&clGetDeviceInfo_entry))
        return INJECTED_STATUS;
    cl_int status = REAL(clGetDeviceInfo)(device, name, size, value, size_ret);
    if (name == CL_DEVICE_DOUBLE_FP_CONFIG && value != NULL && float64_is_hidden())
        *(cl_device_fp_config *)value = 0;
    if (name == CL_DEVICE_SVM_CAPABILITIES && value != NULL && svm_is_hidden())
        *(cl_bitfield *)value = 0;
    if (name == CL_DEVICE_PARENT_DEVICE && value != NULL && parents_are_hidden())
        *(cl_device_id *)value = NULL;
    if (name == CL_DEVICE_NAME && value != NULL && device_name_is_hidden())
        *(char *)value = '?';
    return status;
}

INTERPOSE_CREATION(cl_command_queue, clCreateCommandQueue, OBJECT_QUEUE,
                   (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *errcode_ret),
                   (context, device, properties, errcode_ret))
INTERPOSE_RELEASE(cl_command_queue, clReleaseCommandQueue, OBJECT_QUEUE)
INTERPOSE_CALL(clGetCommandQueueInfo,
               (cl_command_queue queue, cl_command_queue_info name, size_t size, void *value, size_t *size_ret),
               (queue, name, size, value, size_ret))

INTERPOSE_CREATION(cl_mem, clCreateBuffer, OBJECT_MEMORY,
                   (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *errcode_ret),
                   (context, flags, size, host, errcode_ret))
INTERPOSE_CREATION(cl_mem, clCreateSubBuffer, OBJECT_MEMORY,
                   (cl_mem buffer, cl_mem_flags flags, cl_buffer_create_type type, const void *info, cl_int *errcode_ret),
                   (buffer, flags, type, info, errcode_ret))
INTERPOSE_CREATION(cl_mem, clCreateImage, OBJECT_MEMORY,
                   (cl_context context, cl_mem_flags flags, const cl_image_format *format, const cl_image_desc *desc,
                    void *host, cl_int *errcode_ret),
                   (context, flags, format, desc, host, errcode_ret))
INTERPOSE_RETAIN(cl_mem, clRetainMemObject, OBJECT_MEMORY)
INTERPOSE_RELEASE(cl_mem, clReleaseMemObject, OBJECT_MEMORY)
INTERPOSE_CALL(clGetMemObjectInfo, (cl_mem object, cl_mem_info name, size_t size, void *value, size_t *size_ret),
               (object, name, size, value, size_ret))

INTERPOSE_CREATION(cl_program, clCreateProgramWithSource, OBJECT_PROGRAM,
                   (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *errcode_ret),
                   (context, count, texts, lengths, errcode_ret))
INTERPOSE_CREATION(cl_program, clCreateProgramWithBinary, OBJECT_PROGRAM,
                   (cl_context context, cl_uint count, const cl_device_id *devices, const size_t *sizes,
                    const unsigned char **binaries, cl_int *binary_status, cl_int *errcode_ret),
                   (context, count, devices, sizes, binaries, binary_status, errcode_ret))
INTERPOSE_RELEASE(cl_program, clReleaseProgram, OBJECT_PROGRAM)
INTERPOSE_CALL(clGetProgramInfo, (cl_program program, cl_program_info name, size_t size, void *value, size_t *size_ret),
               (program, name, size, value, size_ret))
INTERPOSE(clBuildProgram)
cl_int CL_API_CALL clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                                  void(CL_CALLBACK *notify)(cl_program, void *), void *user_data)
{
    if (interposed_fails(&clBuildProgram_entry))
        return INJECTED_STATUS;
    wait_for_builds();
    return REAL(clBuildProgram)(program, count, devices, options, notify, user_data);
}
INTERPOSE_CALL(clGetProgramBuildInfo,
               (cl_program program, cl_device_id device, cl_program_build_info name, size_t size, void *value,
                size_t *size_ret),
               (program, device, name, size, value, size_ret))

INTERPOSE_CREATION(cl_kernel, clCreateKernel, OBJECT_KERNEL, (cl_program program, const char *name, cl_int *errcode_ret),
                   (program, name, errcode_ret))
INTERPOSE_RELEASE(cl_kernel, clReleaseKernel, OBJECT_KERNEL)
INTERPOSE_CALL(clGetKernelWorkGroupInfo,
               (cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info name, size_t size, void *value,
                size_t *size_ret),
               (kernel, device, name, size, value, size_ret))
INTERPOSE_CALL(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value), (kernel, index, size, value))

INTERPOSE_CALL(clSetKernelArgSVMPointer, (cl_kernel kernel, cl_uint index, const void *value), (kernel, index, value))

INTERPOSE_CREATION(cl_event, clCreateUserEvent, OBJECT_EVENT, (cl_context context, cl_int *errcode_ret), (context, errcode_ret))
INTERPOSE_RELEASE(cl_event, clReleaseEvent, OBJECT_EVENT)

INTERPOSE_RETAIN(cl_command_queue, clRetainCommandQueue, OBJECT_QUEUE)
INTERPOSE_RETAIN(cl_event, clRetainEvent, OBJECT_EVENT)
INTERPOSE_CALL(clGetEventInfo, (cl_event event, cl_event_info name, size_t size, void *value, size_t *size_ret),
               (event, name, size, value, size_ret))
INTERPOSE_CALL(clFlush, (cl_command_queue queue), (queue))
INTERPOSE_CALL(clFinish, (cl_command_queue queue), (queue))
INTERPOSE_CALL(clWaitForEvents, (cl_uint count, const cl_event *events), (count, events))

INTERPOSE_COMMAND(clEnqueueNDRangeKernel,
                  (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
                   const size_t *local, cl_uint wait_count, const cl_event *wait_list, cl_event *event),
                  (queue, kernel, dimensions, offset, global, local, wait_count, wait_list, event))
INTERPOSE_COMMAND(clEnqueueMarkerWithWaitList,
                  (cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list, cl_event *event),
                  (queue, wait_count, wait_list, event))
INTERPOSE_COMMAND(clEnqueueFillBuffer,
                  (cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size, size_t offset, size_t size,
                   cl_uint wait_count, const cl_event *wait_list, cl_event *event),
                  (queue, buffer, pattern, pattern_size, offset, size, wait_count, wait_list, event))
INTERPOSE_COMMAND(clEnqueueReadBuffer,
                  (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, void *host,
                   cl_uint wait_count, const cl_event *wait_list, cl_event *event),
                  (queue, buffer, blocking, offset, size, host, wait_count, wait_list, event))
INTERPOSE_COMMAND(clEnqueueWriteBuffer,
                  (cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, const void *host,
                   cl_uint wait_count, const cl_event *wait_list, cl_event *event),
                  (queue, buffer, blocking, offset, size, host, wait_count, wait_list, event))

INTERPOSE(clEnqueueMapBuffer)
void *CL_API_CALL clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags, size_t offset,
                                     size_t size, cl_uint wait_count, const cl_event *wait_list, cl_event *event,
                                     cl_int *errcode_ret)
{
    if (interposed_fails(&clEnqueueMapBuffer_entry)) {
        *errcode_ret = INJECTED_STATUS;
        return NULL;
    }
    void *mapped =
        REAL(clEnqueueMapBuffer)(queue, buffer, blocking, flags, offset, size, wait_count, wait_list, event, errcode_ret);
    count_object(OBJECT_EVENT, mapped != NULL && event != NULL);
    return mapped;
}
