/* SPDX-License-Identifier: MIT */
/* How the clbnGet...Info functions answer. */
#ifndef CLBN_INFORMATION_H
#define CLBN_INFORMATION_H

#include "clbn.h"

/* What a caller asks with, as with clGetDeviceInfo: any may be 0 or NULL. */
struct question {
    size_t size;
    void *value;
    size_t *size_ret;
};

/* Gives the caller size bytes at value, by the rules of clGetDeviceInfo. */
cl_int bn_answer(const struct question *question, const void *value, size_t size);

#endif
