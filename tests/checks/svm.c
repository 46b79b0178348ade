/* SPDX-License-Identifier: MIT */
/* The one file of the tests that needs more than OpenCL 1.2. */
#undef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 200
#include "svm.h"

#include "engines.h"
#include "failing.h"

#include <stdio.h>

#ifdef CL_VERSION_2_0

/* A loader of OpenCL 1.2 has none of them. */
#pragma weak clSVMAlloc
#pragma weak clSVMFree
#pragma weak clEnqueueSVMMemcpy

bool device_has_svm(void)
{
    static bool said = false;
    cl_device_svm_capabilities capabilities = 0;
    cl_int status = clGetDeviceInfo(test_device(), CL_DEVICE_SVM_CAPABILITIES, sizeof capabilities, &capabilities, NULL);
    bool has_svm = clSVMAlloc != NULL && status == CL_SUCCESS && (capabilities & CL_DEVICE_SVM_COARSE_GRAIN_BUFFER) != 0;
    if (!has_svm && !said)
        printf("shared virtual memory is not tested: the device does not have it\n");
    said = true;
    return has_svm;
}

void *svm_create(size_t bytes)
{
    void *svm = clSVMAlloc(test_context(), CL_MEM_READ_WRITE, bytes, 0);
    expect_that(svm != NULL, "%zu bytes of shared virtual memory", bytes);
    return svm;
}

void svm_read(void *svm, unsigned char *contents, size_t bytes)
{
    expect_success(clEnqueueSVMMemcpy(in_order_queue(), CL_TRUE, contents, svm, bytes, 0, NULL, NULL));
}

void svm_write(void *svm, const unsigned char *contents, size_t bytes)
{
    expect_success(clEnqueueSVMMemcpy(in_order_queue(), CL_TRUE, svm, contents, bytes, 0, NULL, NULL));
}

void svm_release(void *svm)
{
    clSVMFree(test_context(), svm);
}

#else

bool device_has_svm(void)
{
    printf("shared virtual memory is not tested: OpenCL's headers do not have it\n");
    return false;
}

void *svm_create(size_t bytes)
{
    (void)bytes;
    fail_check("no shared virtual memory");
}

void svm_read(void *svm, unsigned char *contents, size_t bytes)
{
    (void)svm, (void)contents, (void)bytes;
}

void svm_write(void *svm, const unsigned char *contents, size_t bytes)
{
    (void)svm, (void)contents, (void)bytes;
}

void svm_release(void *svm)
{
    (void)svm;
}

#endif
