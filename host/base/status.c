/* SPDX-License-Identifier: MIT */
#include "base/status.h"

#include "base/integers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __thread char last_error[1024];

cl_int(bn_fail)(cl_int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error, sizeof(last_error), format, arguments);
    va_end(arguments);
    return status;
}

cl_int(bn_fail_call)(cl_int status, const char *function)
{
    return bn_fail(status, "%s failed with %s (%d).", function, clbnStatusName(status), (int)status);
}

void bn_set_errcode(cl_int *errcode_ret, cl_int status)
{
    if (errcode_ret)
        *errcode_ret = status;
}

const char *clbnLastError(void)
{
    return last_error;
}

void clbnSetLastError(const char *sentence)
{
    const size_t length = sentence ? least(strlen(sentence), sizeof(last_error) - 1) : 0;
    if (length > 0)
        memmove(last_error, sentence, length); /* which may be clbnLastError()'s own */
    last_error[length] = '\0';
}

struct status_name {
    cl_int status;
    const char *name;
};

#define NAME(status)                                                                                                           \
    {                                                                                                                          \
        status, #status                                                                                                        \
    }

static const struct status_name status_names[] = {
    { CL_SUCCESS, "CL_SUCCESS" },
    NAME(CLBN_INVALID_ENGINE),
    NAME(CLBN_INVALID_PLAN),
    NAME(CLBN_INVALID_ARGUMENT),
    NAME(CLBN_INVALID_STRUCT_SIZE),
    NAME(CLBN_INVALID_SHAPE),
    NAME(CLBN_SIZE_OVERFLOW),
    NAME(CLBN_UNSUPPORTED_TYPE),
    NAME(CLBN_INVALID_EPSILON),
    NAME(CLBN_INVALID_FACTOR),
    NAME(CLBN_TOO_FEW_VALUES),
    NAME(CLBN_MISSING_VIEW),
    NAME(CLBN_INVALID_BUFFER),
    NAME(CLBN_BUFFER_TOO_SMALL),
    NAME(CLBN_INVALID_ALIAS),
    NAME(CLBN_INVALID_WORKSPACE),
    NAME(CLBN_WRONG_CONTEXT),
    NAME(CLBN_WRONG_DEVICE),
    NAME(CLBN_INTERNAL_ERROR),
    NAME(CLBN_INVALID_ACTIVATION),
    NAME(CLBN_INVALID_STRIDES),
    NAME(CLBN_NOT_INVERTIBLE),
    NAME(CLBN_UNSUPPORTED_SVM),
    NAME(CLBN_WRONG_OPERATION),
    NAME(CLBN_MPI_FAILED),
    NAME(CLBN_UNEQUAL_PARTS),
    NAME(CLBN_WRONG_ORDER),
    NAME(CLBN_UNSUPPORTED_COMMAND_BUFFER),
    NAME(CL_DEVICE_NOT_FOUND),
    NAME(CL_DEVICE_NOT_AVAILABLE),
    NAME(CL_COMPILER_NOT_AVAILABLE),
    NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    NAME(CL_OUT_OF_RESOURCES),
    NAME(CL_OUT_OF_HOST_MEMORY),
    NAME(CL_PROFILING_INFO_NOT_AVAILABLE),
    NAME(CL_MEM_COPY_OVERLAP),
    NAME(CL_IMAGE_FORMAT_MISMATCH),
    NAME(CL_IMAGE_FORMAT_NOT_SUPPORTED),
    NAME(CL_BUILD_PROGRAM_FAILURE),
    NAME(CL_MAP_FAILURE),
    NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET),
    NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    NAME(CL_COMPILE_PROGRAM_FAILURE),
    NAME(CL_LINKER_NOT_AVAILABLE),
    NAME(CL_LINK_PROGRAM_FAILURE),
    NAME(CL_DEVICE_PARTITION_FAILED),
    NAME(CL_KERNEL_ARG_INFO_NOT_AVAILABLE),
    NAME(CL_INVALID_VALUE),
    NAME(CL_INVALID_DEVICE_TYPE),
    NAME(CL_INVALID_PLATFORM),
    NAME(CL_INVALID_DEVICE),
    NAME(CL_INVALID_CONTEXT),
    NAME(CL_INVALID_QUEUE_PROPERTIES),
    NAME(CL_INVALID_COMMAND_QUEUE),
    NAME(CL_INVALID_HOST_PTR),
    NAME(CL_INVALID_MEM_OBJECT),
    NAME(CL_INVALID_IMAGE_FORMAT_DESCRIPTOR),
    NAME(CL_INVALID_IMAGE_SIZE),
    NAME(CL_INVALID_SAMPLER),
    NAME(CL_INVALID_BINARY),
    NAME(CL_INVALID_BUILD_OPTIONS),
    NAME(CL_INVALID_PROGRAM),
    NAME(CL_INVALID_PROGRAM_EXECUTABLE),
    NAME(CL_INVALID_KERNEL_NAME),
    NAME(CL_INVALID_KERNEL_DEFINITION),
    NAME(CL_INVALID_KERNEL),
    NAME(CL_INVALID_ARG_INDEX),
    NAME(CL_INVALID_ARG_VALUE),
    NAME(CL_INVALID_ARG_SIZE),
    NAME(CL_INVALID_KERNEL_ARGS),
    NAME(CL_INVALID_WORK_DIMENSION),
    NAME(CL_INVALID_WORK_GROUP_SIZE),
    NAME(CL_INVALID_WORK_ITEM_SIZE),
    NAME(CL_INVALID_GLOBAL_OFFSET),
    NAME(CL_INVALID_EVENT_WAIT_LIST),
    NAME(CL_INVALID_EVENT),
    NAME(CL_INVALID_OPERATION),
    NAME(CL_INVALID_GL_OBJECT),
    NAME(CL_INVALID_BUFFER_SIZE),
    NAME(CL_INVALID_MIP_LEVEL),
    NAME(CL_INVALID_GLOBAL_WORK_SIZE),
    NAME(CL_INVALID_PROPERTY),
    NAME(CL_INVALID_IMAGE_DESCRIPTOR),
    NAME(CL_INVALID_COMPILER_OPTIONS),
    NAME(CL_INVALID_LINKER_OPTIONS),
    NAME(CL_INVALID_DEVICE_PARTITION_COUNT),
};

const char *clbnStatusName(cl_int status)
{
    for (size_t i = 0; i < COUNT_OF(status_names); i++)
        if (status_names[i].status == status)
            return status_names[i].name;
    return "unknown status";
}

#define TEXT_(number) #number
#define TEXT(number)  TEXT_(number)

const char *clbnVersion(void)
{
    return TEXT(CLBN_VERSION_MAJOR) "." TEXT(CLBN_VERSION_MINOR) "." TEXT(CLBN_VERSION_PATCH);
}
