/* How the clbnGet...Info functions answer. */
#ifndef CLBN_INFORMATION_H
#define CLBN_INFORMATION_H

#include "clbn.h"

/* Gives the caller size bytes at value, by the rules of clGetDeviceInfo. */
cl_int bn_give_information(const void *value, size_t size, size_t param_value_size, void *param_value,
                           size_t *param_value_size_ret);

#endif
