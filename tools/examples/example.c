/* SPDX-License-Identifier: MIT */
#include "example.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PLATFORMS = 16 };

void must(cl_int status, const char *what)
{
    if (status == CL_SUCCESS)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, clbnStatusName(status), clbnLastError());
    exit(EXIT_FAILURE);
}

static cl_device_id first_device(void)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    cl_device_id device = NULL;
    clGetPlatformIDs(MAX_PLATFORMS, platforms, &count);
    for (cl_uint i = 0; i < count && i < MAX_PLATFORMS; i++)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL) == CL_SUCCESS)
            return device;
    must(CL_DEVICE_NOT_FOUND, "looking for a device");
    return NULL;
}

struct example example_open(cl_command_queue_properties properties)
{
    struct example example = { .device = first_device() };
    cl_int status;
    example.context = clCreateContext(NULL, 1, &example.device, NULL, NULL, &status);
    must(status, "a context");
    example.queue = clCreateCommandQueue(example.context, example.device, properties, &status);
    must(status, "a queue");
    example.engine = clbnCreateEngine(example.context, example.device, NULL, &status);
    must(status, "an engine");
    return example;
}

void example_close(struct example *example)
{
    clbnReleaseEngine(example->engine);
    clReleaseCommandQueue(example->queue);
    clReleaseContext(example->context);
}

cl_mem example_buffer(cl_context context, size_t bytes, const void *contents)
{
    cl_int status;
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (contents != NULL ? CL_MEM_COPY_HOST_PTR : 0);
    /* OpenCL takes a pointer that is not const, and reads from it. */
    cl_mem buffer = clCreateBuffer(context, flags, bytes, (void *)(size_t)contents, &status);
    must(status, "a buffer");
    return buffer;
}

void example_read(cl_command_queue queue, cl_mem buffer, void *contents, size_t bytes)
{
    must(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, bytes, contents, 0, NULL, NULL), "a read");
}

static double random_number(void)
{
    static unsigned state = 1;
    state = 1664525u * state + 1013904223u;
    return ((state >> 8) + 0.5) / 16777216;
}

void example_fill(float *values, size_t count, float mean)
{
    for (size_t i = 0; i < count; i++)
        values[i] = mean + (float)(sqrt(-2 * log(random_number())) * cos(6.283185307179586 * random_number()));
}

static size_t channel_of(size_t i, size_t channels, size_t inner)
{
    return i / inner % channels;
}

void host_statistics(const float *x, size_t outer, size_t channels, size_t inner, double *mean, double *variance)
{
    const size_t count = outer * channels * inner;
    const double m = (double)(outer * inner);
    for (size_t c = 0; c < channels; c++)
        mean[c] = variance[c] = 0;
    for (size_t i = 0; i < count; i++)
        mean[channel_of(i, channels, inner)] += x[i] / m;
    for (size_t i = 0; i < count; i++) {
        const double deviation = x[i] - mean[channel_of(i, channels, inner)];
        variance[channel_of(i, channels, inner)] += deviation * deviation / m;
    }
}

void host_normalize(const float *x, size_t outer, size_t channels, size_t inner, const double *mean, const double *variance,
                    double epsilon, const float *gamma, const float *beta, double *y)
{
    for (size_t i = 0; i < outer * channels * inner; i++) {
        const size_t c = channel_of(i, channels, inner);
        y[i] = gamma[c] * (x[i] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c];
    }
}

void host_gradients(const float *x, const double *g, size_t outer, size_t channels, size_t inner, const double *mean,
                    const double *variance, double epsilon, const float *gamma, double *dx, double *dgamma, double *dbeta)
{
    const size_t count = outer * channels * inner;
    const double m = (double)(outer * inner);
    for (size_t c = 0; c < channels; c++)
        dgamma[c] = dbeta[c] = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t c = channel_of(i, channels, inner);
        dbeta[c] += g[i];
        dgamma[c] += g[i] * (x[i] - mean[c]) / sqrt(variance[c] + epsilon);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t c = channel_of(i, channels, inner);
        const double invstd = 1 / sqrt(variance[c] + epsilon);
        dx[i] = gamma[c] * invstd * (g[i] - dbeta[c] / m - (x[i] - mean[c]) * invstd * dgamma[c] / m);
    }
}

void expect_near(const char *name, const float *actual, const double *expected, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(actual[i] - expected[i]) <= tolerance * (1 + fabs(expected[i])))) {
            fprintf(stderr, "%s[%zu] is %g, not %g\n", name, i, (double)actual[i], expected[i]);
            exit(EXIT_FAILURE);
        }
    printf("%s is right\n", name);
}
