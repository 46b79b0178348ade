#define CL_TARGET_OPENCL_VERSION 200
#include "base/svm.h"

#ifdef CL_VERSION_2_0

cl_int bn_query_svm(cl_device_id device, bool *has_svm)
{
    cl_device_svm_capabilities capabilities = 0;
    cl_int status = clGetDeviceInfo(device, CL_DEVICE_SVM_CAPABILITIES, sizeof(capabilities), &capabilities, NULL);
    *has_svm = (capabilities & (CL_DEVICE_SVM_COARSE_GRAIN_BUFFER | CL_DEVICE_SVM_FINE_GRAIN_BUFFER)) != 0;
    /* A device of OpenCL 1.2 does not know the question. */
    return status == CL_INVALID_VALUE ? CL_SUCCESS : status;
}

cl_int bn_set_svm_argument(cl_kernel kernel, cl_uint index, const void *pointer)
{
    return clSetKernelArgSVMPointer(kernel, index, pointer);
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
