/* SPDX-License-Identifier: MIT */
#include "halves.h"

#include <stdio.h>

cl_device_id halves[2];
cl_context halves_context;

bool divide_device(const char *for_what)
{
    const cl_device_partition_property one_each[] = { CL_DEVICE_PARTITION_BY_COUNTS, 1, 1,
                                                      CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0 };
    cl_uint most = 0;
    cl_int status = clGetDeviceInfo(test_device(), CL_DEVICE_PARTITION_MAX_SUB_DEVICES, sizeof most, &most, NULL);
    if (status == CL_SUCCESS) /* where it cannot be, the function may be missing, too */
        status = most >= 2 ? clCreateSubDevices(test_device(), one_each, 2, halves, NULL) : CL_DEVICE_PARTITION_FAILED;
    if (status != CL_SUCCESS) {
        printf("%s is not tested: the device cannot be divided: %s\n", for_what, clbnStatusName(status));
        return false;
    }
    halves_context = clCreateContext(NULL, 2, halves, NULL, NULL, &status);
    expect_success(status);
    return true;
}

void join_device(void)
{
    if (halves_context != NULL)
        clReleaseContext(halves_context);
    for (int i = 0; i < 2; i++)
        if (halves[i] != NULL)
            clReleaseDevice(halves[i]);
    halves_context = NULL;
    halves[0] = halves[1] = NULL;
}
