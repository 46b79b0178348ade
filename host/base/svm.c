/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 200
#include "base/svm.h"

#ifdef CL_VERSION_2_0

#ifdef _WIN32
#include <stdint.h>
#include <windows.h>
#else
#include <dlfcn.h>
#endif

typedef cl_int(CL_API_CALL *set_svm_argument)(cl_kernel kernel, cl_uint index, const void *pointer);

/* Of OpenCL's loader, which is there already; NULL where it has no function of this name. */
static void *find_function(const char *name)
{
#ifdef _WIN32
    return (void *)(uintptr_t)GetProcAddress(GetModuleHandleA("OpenCL.dll"), name);
#else
    return dlsym(RTLD_DEFAULT, name);
#endif
}

/* NULL where OpenCL's loader is one of 1.2. An object's address becomes a function's, as POSIX allows. */
static set_svm_argument find_set_svm_argument(void)
{
    const union {
        void *address;
        set_svm_argument function;
    } found = { find_function("clSetKernelArgSVMPointer") };
    return found.function;
}

cl_int bn_query_svm(cl_device_id device, bool *has_svm)
{
    cl_device_svm_capabilities capabilities = 0;
    cl_int status = clGetDeviceInfo(device, CL_DEVICE_SVM_CAPABILITIES, sizeof(capabilities), &capabilities, NULL);
    *has_svm = (capabilities & (CL_DEVICE_SVM_COARSE_GRAIN_BUFFER | CL_DEVICE_SVM_FINE_GRAIN_BUFFER)) != 0 &&
               find_set_svm_argument() != NULL;
    /* A device of OpenCL 1.2 does not know the question. */
    return status == CL_INVALID_VALUE ? CL_SUCCESS : status;
}

cl_int bn_set_svm_argument(cl_kernel kernel, cl_uint index, const void *pointer)
{
    const set_svm_argument set = find_set_svm_argument();
    return set ? set(kernel, index, pointer) : CLBN_UNSUPPORTED_SVM;
}

#else

cl_int bn_query_svm(cl_device_id device, bool *has_svm)
{
    (void)device;
    *has_svm = false;
    return CL_SUCCESS;
}

cl_int bn_set_svm_argument(cl_kernel kernel, cl_uint index, const void *pointer)
{
    (void)kernel;
    (void)index;
    (void)pointer;
    return CLBN_UNSUPPORTED_SVM;
}

#endif
