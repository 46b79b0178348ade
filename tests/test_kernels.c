/* SPDX-License-Identifier: MIT */
/*
 * Every kernel on tensors so small that a simulator, which looks for data races, is done in minutes (platforms.sh): all operations, with
 * whole channels and with channels that groups share. No kernel may be left out.
 */
#include "harness.h"
#include "next_function.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Their names, from the sources: CMakeLists.txt. */
static const char *const names[] = { CLBN_KERNEL_NAMES };
static bool has_run[COUNT_OF(names)];

/* In the place of OpenCL's: whatever the device has, it has two units, so that work is divided in the same way everywhere. */
cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info name, size_t size, void *value, size_t *size_ret)
{
    cl_int(CL_API_CALL * ask)(cl_device_id, cl_device_info, size_t, void *, size_t *);
    find_next_function("clGetDeviceInfo", &ask);
    const cl_int status = ask(device, name, size, value, size_ret);
    if (status == CL_SUCCESS && name == CL_DEVICE_MAX_COMPUTE_UNITS && value != NULL)
        *(cl_uint *)value = 2;
    return status;
}

/* Likewise: notes which kernel it is. */
cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                          const size_t *global_size, const size_t *local_size, cl_uint waits,
                                          const cl_event *wait_list, cl_event *event)
{
    cl_int(CL_API_CALL * enqueue)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *, cl_uint,
                                  const cl_event *, cl_event *);
    char name[64] = "";
    find_next_function("clEnqueueNDRangeKernel", &enqueue);
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        has_run[i] = has_run[i] || strcmp(name, names[i]) == 0;
    return enqueue(queue, kernel, dimensions, offset, global_size, local_size, waits, wait_list, event);
}

/* Rows of whole vectors, rows with tails, few columns, channels last with a tail, more rows than a group has work-items. */
static const struct shape shapes[] = {
    { 3, 1, { 3, 2, 32 } }, { 3, 1, { 2, 3, 37 } }, { 3, 1, { 9, 4, 16 } }, { 2, 1, { 9, 35 } }, { 2, 1, { 150, 3 } }
};

START_TEST(operations_agree)
{
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, s);
        problem.activation = activation_of(CLBN_ACTIVATION_RELU);
        for (enum operation operation = 0; operation < OPERATIONS; operation++) {
            const struct call call = call_of(operation);
            verify_call(_i, &problem, &call);
        }
        problem_free(&problem);
    }
}
END_TEST

START_TEST(no_kernel_is_left_out)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        ck_assert_msg(has_run[i], "%s was not run", names[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernels");
    TCase *cases = tcase_create("kernels");
    tcase_set_timeout(cases, 0);
    add_test_of_configs(cases, operations_agree, ENGINE_CONFIGS);
    if (getenv("CLBN_TEST_GEOMETRY") == NULL)
        tcase_add_test(cases, no_kernel_is_left_out);
    suite_add_tcase(suite, cases);
    return run_suite_unoptimized(suite);
}
