/* SPDX-License-Identifier: MIT */
/* Shared virtual memory, which came with OpenCL 2.0: the only call beyond 1.2. It is looked up when it is needed, so that the library
 * runs with a loader of OpenCL 1.2. Where loader or headers lack it, no device has any. */
#ifndef CLBN_SVM_H
#define CLBN_SVM_H

#include "clbn.h"

#include <stdbool.h>

/* Whether a device has any. */
cl_int bn_query_svm(cl_device_id device, bool *has_svm);

/* clSetKernelArgSVMPointer; CLBN_UNSUPPORTED_SVM where there is none. */
cl_int bn_set_svm_argument(cl_kernel kernel, cl_uint index, const void *pointer);

#endif
