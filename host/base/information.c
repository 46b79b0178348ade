#include "base/information.h"

#include "base/status.h"

#include <string.h>

cl_int bn_give_information(const void *value, size_t size, size_t param_value_size, void *param_value,
                           size_t *param_value_size_ret)
{
    if (param_value && param_value_size < size)
        return bn_fail(CLBN_INVALID_ARGUMENT, "param_value_size is %zu, but the value has %zu bytes.", param_value_size, size);
    if (param_value)
        memcpy(param_value, value, size);
    if (param_value_size_ret)
        *param_value_size_ret = size;
    return CLBN_SUCCESS;
}
