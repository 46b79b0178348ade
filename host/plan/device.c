/* SPDX-License-Identifier: MIT */
#include "plan/device.h"

#include "base/integers.h"
#include "base/status.h"
#include "base/svm.h"
#include "plan/quirks.h"

#include <stdint.h>
#include <string.h>

enum { TEXT_SIZE = 256 };

/* One value of clGetDeviceInfo. */
static cl_int query(cl_device_id device, cl_device_info name, size_t size, void *value)
{
    cl_int status = clGetDeviceInfo(device, name, size, value, NULL);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clGetDeviceInfo");
}

/* A text that does not fit is left empty: quirks know none so long. */
static cl_int query_text(cl_device_id device, cl_device_info name, char text[TEXT_SIZE])
{
    size_t size = 0;
    cl_int status = clGetDeviceInfo(device, name, 0, NULL, &size);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetDeviceInfo");
    text[0] = '\0';
    return size > TEXT_SIZE ? CL_SUCCESS : query(device, name, size, text);
}

/* cl_intel_device_attribute_query: the device's architecture, as major << 22 | minor << 14 | revision. */
#define DEVICE_IP_VERSION          0x4250
#define FIRST_WITH_LARGE_REGISTERS (12u << 22 | 50u << 14) /* Xe-HP, and Arc after it */

/* A driver that does not tell the architecture, or in another way, says no: its compiler need not know the option. */
static bool has_large_registers(cl_device_id device, const struct device_identity *identity)
{
    cl_uint version = 0;
    return (identity->type & CL_DEVICE_TYPE_GPU) != 0 && strstr(identity->vendor, "Intel") != NULL &&
           clGetDeviceInfo(device, DEVICE_IP_VERSION, sizeof(version), &version, NULL) == CL_SUCCESS &&
           version >= FIRST_WITH_LARGE_REGISTERS;
}

cl_int bn_query_device(cl_device_id device, struct device_facts *facts)
{
    char vendor[TEXT_SIZE] = "", name[TEXT_SIZE] = "", version[TEXT_SIZE] = "", driver[TEXT_SIZE] = "";
    struct device_identity identity = { .vendor = vendor, .name = name, .version = version, .driver = driver };
    cl_device_fp_config double_config = 0;
    cl_uint compute_units = 0, vector_width = 0, address_bits = 0;
    cl_ulong cache_size = 0;
    size_t group_size = 0;
    const struct {
        cl_device_info name;
        size_t size;
        void *value;
    } asked[] = {
        { CL_DEVICE_TYPE, sizeof(identity.type), &identity.type },
        { CL_DEVICE_DOUBLE_FP_CONFIG, sizeof(double_config), &double_config },
        { CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(compute_units), &compute_units },
        { CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof(vector_width), &vector_width },
        { CL_DEVICE_ADDRESS_BITS, sizeof(address_bits), &address_bits },
        { CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof(cache_size), &cache_size },
        { CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(group_size), &group_size },
    };
    const struct {
        cl_device_info name;
        char *text;
    } texts[] = {
        { CL_DEVICE_VENDOR, vendor }, { CL_DEVICE_NAME, name }, { CL_DEVICE_VERSION, version }, { CL_DRIVER_VERSION, driver }
    };
    cl_int status = CL_SUCCESS;
    for (size_t i = 0; i < COUNT_OF(texts) && status == CL_SUCCESS; i++)
        status = query_text(device, texts[i].name, texts[i].text);
    for (size_t i = 0; i < COUNT_OF(asked) && status == CL_SUCCESS; i++)
        status = query(device, asked[i].name, asked[i].size, asked[i].value);
    if (status != CL_SUCCESS)
        return status;
    status = bn_query_svm(device, &facts->has_svm);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetDeviceInfo");

    facts->is_cpu = (identity.type & CL_DEVICE_TYPE_CPU) != 0;
    facts->is_vector_cpu = facts->is_cpu && vector_width > 1;
    facts->can_fetch = facts->is_cpu;
    facts->has_double = double_config != 0;
    facts->has_large_registers = has_large_registers(device, &identity);
    facts->compute_units = compute_units > 0 ? compute_units : 1;
    facts->max_group_size = group_size;
    facts->cache_size = cache_size < SIZE_MAX ? (size_t)cache_size : SIZE_MAX;
    facts->address_limit = address_bits == 32 && UINT32_MAX < SIZE_MAX ? UINT32_MAX : SIZE_MAX / 2;
    bn_apply_quirks(&identity, facts);
    return CLBN_SUCCESS;
}
