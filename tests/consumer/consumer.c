/* SPDX-License-Identifier: MIT */
/* What a user of the installed library writes: batch normalization of (0, 2, 4, 6) in one channel. C99 and C++98 at once. */
#define CL_TARGET_OPENCL_VERSION 120
#include <clbn.h>

#include <stdio.h>

#define COUNT 4

static cl_device_id first_device(void)
{
    cl_platform_id platforms[8];
    cl_device_id device = NULL;
    cl_uint count = 0, i;
    clGetPlatformIDs(8, platforms, &count);
    for (i = 0; i < count && i < 8 && device == NULL; i++)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL) != CL_SUCCESS)
            device = NULL;
    return device;
}

static cl_int normalize(clbn_plan plan, cl_command_queue queue, cl_mem x, float *y)
{
    cl_event event = NULL;
    cl_int status;
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x.buffer = x;
    args.y.buffer = x;
    status = clbnEnqueueForwardTraining(plan, queue, &args, 0, NULL, &event);
    if (status != CLBN_SUCCESS)
        return status;
    status = clEnqueueReadBuffer(queue, x, CL_TRUE, 0, COUNT * sizeof(float), y, 1, &event, NULL);
    clReleaseEvent(event);
    return status;
}

static cl_int run(cl_context context, cl_device_id device, float *values)
{
    cl_int status = CL_SUCCESS;
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, NULL);
    cl_mem x = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, COUNT * sizeof(float), values, NULL);
    clbn_engine engine = clbnCreateEngine(context, device, NULL, &status);
    clbn_plan plan = NULL;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 2;
    desc.shape[0] = COUNT;
    desc.shape[1] = 1;
    desc.epsilon = 4; /* the variance is 5: deviations are divided by 3 */
    if (status == CLBN_SUCCESS)
        plan = clbnCreatePlan(engine, &desc, &status);
    if (status == CLBN_SUCCESS)
        status = normalize(plan, queue, x, values);
    clbnReleasePlan(plan);
    clbnReleaseEngine(engine);
    clReleaseMemObject(x);
    clReleaseCommandQueue(queue);
    return status;
}

int main(void)
{
    static const float expected[COUNT] = { -1.0f, -1.0f / 3, 1.0f / 3, 1.0f };
    float values[COUNT] = { 0, 2, 4, 6 };
    cl_device_id device = first_device();
    cl_context context;
    cl_int status;
    int i, wrong = 0;
    if (device == NULL) {
        printf("no OpenCL device\n");
        return 1;
    }
    context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    status = run(context, device, values);
    clReleaseContext(context);
    if (status != CLBN_SUCCESS) {
        printf("%s: %s\n", clbnStatusName(status), clbnLastError());
        return 1;
    }
    for (i = 0; i < COUNT; i++)
        wrong += values[i] - expected[i] > 1e-6f || expected[i] - values[i] > 1e-6f;
    printf("clbn %s: %s\n", clbnVersion(), wrong == 0 ? "ok" : "wrong values");
    return wrong != 0;
}
