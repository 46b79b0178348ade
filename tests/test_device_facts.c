/* SPDX-License-Identifier: MIT */
/* What follows from what a device says of itself. No device is needed: what OpenCL says of one comes from here. */
#include "plan/device.h"
#include "suite_runner.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define DEVICE_IP_VERSION 0x4250 /* of cl_intel_device_attribute_query */

static struct {
    cl_device_type type;
    const char *vendor;
    cl_uint ip_version; /* 0: the driver does not know the question */
    const char *version, *driver;
} device;

cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info name, size_t size, void *value, size_t *size_ret);

static cl_int answer(const void *from, size_t bytes, size_t size, void *value, size_t *size_ret)
{
    if (size_ret)
        *size_ret = bytes;
    if (!value)
        return CL_SUCCESS;
    if (size < bytes)
        return CL_INVALID_VALUE;
    memcpy(value, from, bytes);
    return CL_SUCCESS;
}

/* All other numbers are 0. */
cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info name, size_t size, void *value, size_t *size_ret)
{
    static const char zeros[16];
    (void)id;
    switch (name) {
    case CL_DEVICE_TYPE:
        return answer(&device.type, sizeof device.type, size, value, size_ret);
    case CL_DEVICE_VENDOR:
    case CL_DEVICE_NAME:
        return answer(device.vendor, strlen(device.vendor) + 1, size, value, size_ret);
    case CL_DEVICE_VERSION:
        return answer(device.version, strlen(device.version) + 1, size, value, size_ret);
    case CL_DRIVER_VERSION:
        return answer(device.driver, strlen(device.driver) + 1, size, value, size_ret);
    case DEVICE_IP_VERSION:
        return device.ip_version > 0 ? answer(&device.ip_version, sizeof device.ip_version, size, value, size_ret)
                                     : CL_INVALID_VALUE;
    default:
        return answer(zeros, size, size, value, size_ret);
    }
}

/* Architectures as Intel's drivers give them: major << 22 | minor << 14 | revision. */
START_TEST(large_registers_are_those_of_intels_gpus_since_xe_hp)
{
    static const struct {
        cl_device_type type;
        const char *vendor;
        cl_uint ip_version;
        bool expected;
    } rows[] = {
        { CL_DEVICE_TYPE_GPU, "Intel(R) Corporation", 0x030dc008, true },  /* 12.55.8, an Arc */
        { CL_DEVICE_TYPE_GPU, "Intel(R) Corporation", 0x030c8000, true },  /* 12.50, Xe-HP */
        { CL_DEVICE_TYPE_GPU, "Intel(R) Corporation", 0x05004000, true },  /* 20.1 */
        { CL_DEVICE_TYPE_GPU, "Intel(R) Corporation", 0x03000000, false }, /* 12.0, Tiger Lake */
        { CL_DEVICE_TYPE_GPU, "Intel(R) Corporation", 0x02400009, false }, /* 9.0.9, Skylake */
        { CL_DEVICE_TYPE_GPU, "Intel(R) Corporation", 0, false },
        { CL_DEVICE_TYPE_CPU, "Intel(R) Corporation", 0x030dc008, false },
        { CL_DEVICE_TYPE_GPU, "Another", 0x030dc008, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct device_facts facts = { 0 };
        device.type = rows[i].type;
        device.vendor = rows[i].vendor;
        device.ip_version = rows[i].ip_version;
        device.version = device.driver = "";
        ck_assert_int_eq(bn_query_device(NULL, &facts), CLBN_SUCCESS);
        ck_assert_msg(facts.has_large_registers == rows[i].expected, "%s, %x", rows[i].vendor, (unsigned)rows[i].ip_version);
    }
}
END_TEST

START_TEST(pocl_optimizes_where_it_gets_that_right)
{
    static const struct {
        cl_device_type type;
        const char *version, *driver;
        bool groups, unoptimized;
    } rows[] = {
        { CL_DEVICE_TYPE_CPU, "OpenCL 3.0 PoCL HSTR: cpu-x86_64-pc-linux-gnu-skylake-avx512", "5.0+debian", true, false },
        { CL_DEVICE_TYPE_CPU, "OpenCL 3.0 PoCL HSTR: cpu-x86_64-pc-linux-gnu-skylake-avx512", "6.0+debian", true, false },
        { CL_DEVICE_TYPE_CPU, "OpenCL 3.0 PoCL HSTR: cpu-x86_64-pc-linux-gnu-skylake-avx512", "7.1+debian", false, true },
        { CL_DEVICE_TYPE_CPU, "OpenCL 3.0 PoCL HSTR: cpu-x86_64-pc-linux-gnu-skylake-avx512", "10.0", false, true },
        { CL_DEVICE_TYPE_CPU, "OpenCL 3.0 PoCL HSTR: cpu-x86_64-pc-linux-gnu-skylake-avx512", "31.0", false, true },
        { CL_DEVICE_TYPE_CPU, "OpenCL 3.0 PoCL HSTR: pthread-x86_64-pc-linux-gnu-skylake-avx512", "3.1+debian", false, false },
        { CL_DEVICE_TYPE_GPU, "OpenCL 3.0 PoCL HSTR: CUDA-sm_90", "6.0", false, false },
        { CL_DEVICE_TYPE_CPU, "OpenCL 3.0 (Build 0)", "2023.16.12", false, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct device_facts facts = { 0 };
        device.type = rows[i].type;
        device.vendor = "";
        device.version = rows[i].version;
        device.driver = rows[i].driver;
        ck_assert_int_eq(bn_query_device(NULL, &facts), CLBN_SUCCESS);
        ck_assert_msg(facts.miscompiles_groups == rows[i].groups, "%s, %s", rows[i].version, rows[i].driver);
        ck_assert_msg(facts.miscompiles_unoptimized == rows[i].unoptimized, "%s, %s", rows[i].version, rows[i].driver);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("device facts");
    TCase *cases = tcase_create("facts");
    tcase_add_test(cases, large_registers_are_those_of_intels_gpus_since_xe_hp);
    tcase_add_test(cases, pocl_optimizes_where_it_gets_that_right);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
