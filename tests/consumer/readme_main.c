/* SPDX-License-Identifier: MIT */

/* Follows README's example in one file, and runs it: y of the first channel must have mean 0 and variance 1. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    const size_t image = 56 * 56, count = 32 * 64 * image;
    cl_platform_id platform;
    cl_device_id device;
    float *values = malloc(count * sizeof(float));
    double sum = 0, squares = 0;
    if (!values || clGetPlatformIDs(1, &platform, NULL) || clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL))
        return 1;
    for (size_t i = 0; i < count; i++)
        values[i] = 5 + (float)(i * 7919 % 1009);
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, NULL);
    cl_mem x = clCreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, count * sizeof(float), values, NULL);
    cl_mem y = clCreateBuffer(context, CL_MEM_WRITE_ONLY, count * sizeof(float), NULL, NULL);
    cl_int status = normalize(context, device, queue, x, y);
    if (status != CLBN_SUCCESS) {
        printf("%s: %s\n", clbnStatusName(status), clbnLastError());
        return 1;
    }
    clEnqueueReadBuffer(queue, y, CL_TRUE, 0, count * sizeof(float), values, 0, NULL, NULL);
    for (size_t n = 0; n < 32; n++)
        for (size_t i = 0; i < image; i++) {
            double value = (double)values[n * 64 * image + i];
            sum += value;
            squares += value * value;
        }
    double mean = sum / (32. * (double)image), variance = squares / (32. * (double)image) - mean * mean;
    printf("mean %g, variance %g: %s\n", mean, variance,
           mean * mean < 1e-10 && variance > 0.9999 && variance < 1.0001 ? "ok" : "wrong");
    clReleaseMemObject(x);
    clReleaseMemObject(y);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    free(values);
    return 0;
}
