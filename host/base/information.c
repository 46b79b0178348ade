/* SPDX-License-Identifier: MIT */
#include "base/information.h"

#include "base/status.h"

#include <string.h>

cl_int bn_answer(const struct question *q, const void *value, size_t size)
{
    if (q->value && q->size < size)
        return bn_fail(CLBN_INVALID_ARGUMENT, "param_value_size is %zu, but the value has %zu bytes.", q->size, size);
    if (q->value)
        memcpy(q->value, value, size);
    if (q->size_ret)
        *q->size_ret = size;
    return CLBN_SUCCESS;
}
