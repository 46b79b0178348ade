/* Shared virtual memory, which came with OpenCL 2.0: the only calls beyond 1.2. Where the headers lack them, no device has
 * any. */
#ifndef CLBN_SVM_H
#define CLBN_SVM_H

#include "clbn.h"

#include <stdbool.h>

/* Whether a device has any. */
cl_int bn_query_svm(cl_device_id device, bool *has_svm);

/* clSetKernelArgSVMPointer */
cl_int bn_set_svm_argument(cl_kernel kernel, cl_uint index, const void *pointer);

#endif
