/* SPDX-License-Identifier: MIT */
/* The calls of OpenCL that the library makes, and no others: one that it comes to make is missing here when this is linked. */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 200
#include "made_up_opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS = 64, NAME_SIZE = 64 };

/* cl_intel_device_attribute_query: what architecture the device has; an Arc's is 12.55. */
#define DEVICE_IP_VERSION 0x4250

struct _cl_mem {
    const char *name;
    size_t size;
    cl_mem next; /* of all that there are */
};

struct _cl_program {
    char *source;
    char name[17];
};

struct _cl_kernel {
    cl_program program;
    char name[NAME_SIZE];
    cl_mem arguments[ARGUMENTS]; /* NULL where it is no buffer */
};

static cl_mem buffers;
static char device_handle, context_handle, queue_handle, event_handle;

cl_context made_up_context(void)
{
    return (cl_context)(void *)&context_handle;
}

cl_device_id made_up_device_id(void)
{
    return (cl_device_id)(void *)&device_handle;
}

cl_command_queue made_up_queue(void)
{
    return (cl_command_queue)(void *)&queue_handle;
}

static cl_event made_up_event(void)
{
    return (cl_event)(void *)&event_handle;
}

/* ---- Questions ------------------------------------------------------------------------------------------------------------ */

static cl_int give(const void *value, size_t value_size, size_t size, void *place, size_t *size_ret)
{
    if (size_ret)
        *size_ret = value_size;
    if (place && size < value_size)
        return CL_INVALID_VALUE;
    if (place)
        memcpy(place, value, value_size);
    return CL_SUCCESS;
}

static cl_int give_text(const char *text, size_t size, void *place, size_t *size_ret)
{
    return give(text, strlen(text) + 1, size, place, size_ret);
}

static cl_int give_uint(cl_uint value, size_t size, void *place, size_t *size_ret)
{
    return give(&value, sizeof(value), size, place, size_ret);
}

static cl_int give_ulong(cl_ulong value, size_t size, void *place, size_t *size_ret)
{
    return give(&value, sizeof(value), size, place, size_ret);
}

static cl_int give_size(size_t value, size_t size, void *place, size_t *size_ret)
{
    return give(&value, sizeof(value), size, place, size_ret);
}

static cl_int give_pointer(const void *value, size_t size, void *place, size_t *size_ret)
{
    return give(&value, sizeof(value), size, place, size_ret);
}

cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret)
{
    const struct made_up_device *d = &made_up_device;
    (void)device;
    switch (name) {
    case CL_DEVICE_TYPE:
        return give_ulong(d->type, size, value, size_ret);
    case CL_DEVICE_VENDOR_ID:
        return give_uint(d->vendor, size, value, size_ret);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return give_uint(d->compute_units, size, value, size_ret);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return give_size(d->group, size, value, size_ret);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return give_ulong(d->local_memory, size, value, size_ret);
    case CL_DEVICE_GLOBAL_MEM_CACHE_SIZE:
        return give_ulong(d->cache, size, value, size_ret);
    case CL_DEVICE_DOUBLE_FP_CONFIG:
        return give_ulong(d->has_double ? CL_FP_FMA | CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN | CL_FP_DENORM : 0, size, value,
                          size_ret);
    case CL_DEVICE_SINGLE_FP_CONFIG:
        return give_ulong(CL_FP_FMA | CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN | CL_FP_DENORM, size, value, size_ret);
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
        return give_uint(1, size, value, size_ret);
    case CL_DEVICE_ADDRESS_BITS:
        return give_uint(64, size, value, size_ret);
    case CL_DEVICE_NAME:
        return give_text(d->name, size, value, size_ret);
    case CL_DEVICE_VENDOR:
        return give_text(d->vendor == 0x10de   ? "NVIDIA Corporation"
                         : d->vendor == 0x1002 ? "Advanced Micro Devices, Inc."
                         : d->vendor == 0x8086 ? "Intel(R) Corporation"
                                               : "",
                         size, value, size_ret);
    case DEVICE_IP_VERSION:
        return d->vendor == 0x8086 ? give_uint(12u << 22 | 55u << 14, size, value, size_ret) : CL_INVALID_VALUE;
    case CL_DEVICE_VERSION:
    case CL_DRIVER_VERSION:
    case CL_DEVICE_EXTENSIONS:
        return give_text("", size, value, size_ret);
    case CL_DEVICE_PLATFORM:
    case CL_DEVICE_PARENT_DEVICE:
        return give_pointer(NULL, size, value, size_ret);
    default:
        return CL_INVALID_VALUE; /* as of a device of OpenCL 1.2: no shared memory */
    }
}

cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info name, size_t size, void *value, size_t *size_ret)
{
    (void)platform, (void)name;
    return give_text("", size, value, size_ret);
}

cl_int CL_API_CALL clGetContextInfo(cl_context context, cl_context_info name, size_t size, void *value, size_t *size_ret)
{
    (void)context;
    if (name == CL_CONTEXT_NUM_DEVICES)
        return give_uint(1, size, value, size_ret);
    return name == CL_CONTEXT_DEVICES ? give_pointer(&device_handle, size, value, size_ret) : CL_INVALID_VALUE;
}

cl_int CL_API_CALL clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info name, size_t size, void *value,
                                         size_t *size_ret)
{
    (void)queue;
    switch (name) {
    case CL_QUEUE_CONTEXT:
        return give_pointer(&context_handle, size, value, size_ret);
    case CL_QUEUE_DEVICE:
        return give_pointer(&device_handle, size, value, size_ret);
    case CL_QUEUE_PROPERTIES:
        return give_ulong(0, size, value, size_ret);
    default:
        return CL_INVALID_VALUE;
    }
}

cl_int CL_API_CALL clGetMemObjectInfo(cl_mem buffer, cl_mem_info name, size_t size, void *value, size_t *size_ret)
{
    switch (name) {
    case CL_MEM_TYPE:
        return give_uint(CL_MEM_OBJECT_BUFFER, size, value, size_ret);
    case CL_MEM_FLAGS:
        return give_ulong(CL_MEM_READ_WRITE, size, value, size_ret);
    case CL_MEM_CONTEXT:
        return give_pointer(&context_handle, size, value, size_ret);
    case CL_MEM_ASSOCIATED_MEMOBJECT:
    case CL_MEM_HOST_PTR:
        return give_pointer(NULL, size, value, size_ret);
    case CL_MEM_SIZE:
        return give_size(buffer->size, size, value, size_ret);
    case CL_MEM_OFFSET:
        return give_size(0, size, value, size_ret);
    case CL_MEM_MAP_COUNT:
        return give_uint(0, size, value, size_ret);
    case CL_MEM_REFERENCE_COUNT:
        return give_uint(1, size, value, size_ret);
#ifdef CL_VERSION_2_0
    case CL_MEM_USES_SVM_POINTER:
        return give_uint(CL_FALSE, size, value, size_ret);
#endif
    default:
        return CL_INVALID_VALUE;
    }
}

/* ---- Buffers -------------------------------------------------------------------------------------------------------------- */

cl_mem made_up_buffer(const char *name, size_t size)
{
    cl_mem buffer = calloc(1, sizeof(*buffer));
    if (!buffer)
        return NULL;
    buffer->name = name;
    buffer->size = size;
    buffer->next = buffers;
    buffers = buffer;
    return buffer;
}

cl_mem CL_API_CALL clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *status)
{
    (void)context, (void)flags, (void)host;
    cl_mem buffer = made_up_buffer("workspace", size);
    if (status)
        *status = buffer ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return buffer;
}

cl_int CL_API_CALL clReleaseMemObject(cl_mem buffer)
{
    cl_mem *place = &buffers;
    while (*place && *place != buffer)
        place = &(*place)->next;
    if (!*place)
        return CL_INVALID_MEM_OBJECT;
    *place = buffer->next;
    free(buffer);
    return CL_SUCCESS;
}

static cl_mem find_buffer(const void *handle)
{
    cl_mem buffer = buffers;
    while (buffer && buffer != handle)
        buffer = buffer->next;
    return buffer;
}

/* ---- Programs and kernels ------------------------------------------------------------------------------------------------- */

static char *join(cl_uint count, const char **strings, const size_t *lengths)
{
    size_t size = 1;
    for (cl_uint i = 0; i < count; i++)
        size += lengths[i];
    char *text = calloc(size, 1), *end = text;
    for (cl_uint i = 0; text && i < count; end += lengths[i++])
        memcpy(end, strings[i], lengths[i]);
    return text;
}

cl_program CL_API_CALL clCreateProgramWithSource(cl_context context, cl_uint count, const char **strings, const size_t *lengths,
                                                 cl_int *status)
{
    (void)context;
    cl_program program = calloc(1, sizeof(*program));
    if (program)
        program->source = join(count, strings, lengths);
    *status = program && program->source ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return program;
}

/* FNV-1a. */
static cl_ulong hash(cl_ulong start, const char *text)
{
    for (; *text != '\0'; text++)
        start = (start ^ (unsigned char)*text) * 0x100000001b3u;
    return start;
}

cl_int CL_API_CALL clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                                  void(CL_CALLBACK *notify)(cl_program, void *), void *user_data)
{
    (void)count, (void)devices, (void)notify, (void)user_data;
    snprintf(program->name, sizeof(program->name), "%016llx",
             (unsigned long long)hash(hash(0xcbf29ce484222325u, program->source), options));
    note_program(program->name, program->source, options);
    return CL_SUCCESS;
}

cl_program CL_API_CALL clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id *devices,
                                                 const size_t *lengths, const unsigned char **binaries, cl_int *binary_status,
                                                 cl_int *status)
{
    (void)context, (void)count, (void)devices, (void)lengths, (void)binaries, (void)binary_status;
    *status = CL_INVALID_BINARY;
    return NULL;
}

cl_int CL_API_CALL clGetProgramInfo(cl_program program, cl_program_info name, size_t size, void *value, size_t *size_ret)
{
    (void)program, (void)name, (void)size, (void)value, (void)size_ret;
    return CL_INVALID_VALUE;
}

cl_int CL_API_CALL clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info name, size_t size,
                                         void *value, size_t *size_ret)
{
    (void)program, (void)device, (void)name;
    return give_text("", size, value, size_ret);
}

cl_int CL_API_CALL clReleaseProgram(cl_program program)
{
    free(program->source);
    free(program);
    return CL_SUCCESS;
}

cl_kernel CL_API_CALL clCreateKernel(cl_program program, const char *name, cl_int *status)
{
    cl_kernel kernel = calloc(1, sizeof(*kernel));
    *status = kernel ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    if (kernel) {
        kernel->program = program;
        snprintf(kernel->name, sizeof(kernel->name), "%s", name);
    }
    return kernel;
}

cl_int CL_API_CALL clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info name, size_t size,
                                            void *value, size_t *size_ret)
{
    const struct made_up_device *d = &made_up_device;
    (void)kernel, (void)device;
    switch (name) {
    case CL_KERNEL_WORK_GROUP_SIZE:
        return give_size(d->kernel_group > 0 ? d->kernel_group : d->group, size, value, size_ret);
    case CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE:
        return give_size(d->wave, size, value, size_ret);
    case CL_KERNEL_LOCAL_MEM_SIZE:
    case CL_KERNEL_PRIVATE_MEM_SIZE:
        return give_ulong(0, size, value, size_ret);
    default:
        return CL_INVALID_VALUE;
    }
}

cl_int CL_API_CALL clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    const void *handle = NULL;
    if (index >= ARGUMENTS)
        return CL_INVALID_ARG_INDEX;
    if (size == sizeof(handle) && value)
        memcpy(&handle, value, size);
    kernel->arguments[index] = find_buffer(handle);
    return CL_SUCCESS;
}

#ifdef CL_VERSION_2_0
cl_int CL_API_CALL clSetKernelArgSVMPointer(cl_kernel kernel, cl_uint index, const void *value)
{
    (void)kernel, (void)index, (void)value;
    return CL_INVALID_OPERATION;
}
#endif

cl_int CL_API_CALL clReleaseKernel(cl_kernel kernel)
{
    free(kernel);
    return CL_SUCCESS;
}

/* ---- Commands ------------------------------------------------------------------------------------------------------------- */

static void note_buffer(struct made_up_launch *launch, cl_mem buffer)
{
    for (size_t i = 0; i < launch->buffer_count; i++)
        if (launch->buffers[i] == buffer->name)
            return;
    if (launch->buffer_count < MADE_UP_BUFFERS)
        launch->buffers[launch->buffer_count++] = buffer->name;
}

cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                          const size_t *global, const size_t *local, cl_uint wait_count,
                                          const cl_event *wait_list, cl_event *event)
{
    struct made_up_launch launch = {
        .program = kernel->program->name, .kernel = kernel->name, .groups = { 1, 1, 1 }, .items = 1
    };
    (void)queue, (void)offset, (void)wait_count, (void)wait_list;
    for (cl_uint i = 0; i < dimensions; i++) {
        if (local[i] == 0 || global[i] == 0 || global[i] % local[i] != 0)
            return CL_INVALID_WORK_GROUP_SIZE;
        launch.groups[i] = global[i] / local[i];
        launch.items *= local[i];
    }
    if (launch.items > (made_up_device.kernel_group > 0 ? made_up_device.kernel_group : made_up_device.group))
        return CL_INVALID_WORK_GROUP_SIZE;
    for (unsigned i = 0; i < ARGUMENTS; i++)
        if (find_buffer(kernel->arguments[i]))
            note_buffer(&launch, kernel->arguments[i]);
    note_launch(&launch);
    if (event)
        *event = made_up_event();
    return CL_SUCCESS;
}

cl_int CL_API_CALL clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                                               cl_event *event)
{
    (void)queue, (void)wait_count, (void)wait_list;
    if (event)
        *event = made_up_event();
    return CL_SUCCESS;
}

cl_int CL_API_CALL clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size,
                                       size_t offset, size_t size, cl_uint wait_count, const cl_event *wait_list,
                                       cl_event *event)
{
    (void)buffer, (void)pattern, (void)pattern_size, (void)offset, (void)size;
    return clEnqueueMarkerWithWaitList(queue, wait_count, wait_list, event);
}

cl_int CL_API_CALL clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool waits, size_t offset, size_t size,
                                        const void *data, cl_uint wait_count, const cl_event *wait_list, cl_event *event)
{
    (void)buffer, (void)waits, (void)offset, (void)size, (void)data;
    return clEnqueueMarkerWithWaitList(queue, wait_count, wait_list, event);
}

cl_int CL_API_CALL clFinish(cl_command_queue queue)
{
    (void)queue;
    return CL_SUCCESS;
}

cl_int CL_API_CALL clWaitForEvents(cl_uint count, const cl_event *events)
{
    (void)count, (void)events;
    return CL_SUCCESS;
}

cl_int CL_API_CALL clReleaseEvent(cl_event event)
{
    (void)event;
    return CL_SUCCESS;
}

cl_int CL_API_CALL clRetainContext(cl_context context)
{
    (void)context;
    return CL_SUCCESS;
}

cl_int CL_API_CALL clReleaseContext(cl_context context)
{
    (void)context;
    return CL_SUCCESS;
}

cl_int CL_API_CALL clRetainDevice(cl_device_id device)
{
    (void)device;
    return CL_SUCCESS;
}

cl_int CL_API_CALL clReleaseDevice(cl_device_id device)
{
    (void)device;
    return CL_SUCCESS;
}

void *CL_API_CALL clGetExtensionFunctionAddressForPlatform(cl_platform_id platform, const char *name)
{
    (void)platform, (void)name;
    return NULL;
}
