/* SPDX-License-Identifier: MIT */
/* What the examples share and what is no part of clbn: a device, buffers, and the formulas on the host, to check the results. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <clbn.h>

#include <stddef.h>

struct example {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    clbn_engine engine;
};

/* The first device of the first platform that has one. Like all below it ends the program, with a sentence, where that fails. */
struct example example_open(cl_command_queue_properties properties);
void example_close(struct example *example);

/* Ends the program unless a call of clbn's or OpenCL's has succeeded. */
void must(cl_int status, const char *what);

/* contents: as many bytes, or NULL. */
cl_mem example_buffer(cl_context context, size_t bytes, const void *contents);
void example_read(cl_command_queue queue, cl_mem buffer, void *contents, size_t bytes);

/* Normal numbers around a mean, the same in each run. */
void example_fill(float *values, size_t count, float mean);

/* Of a packed tensor [outer][channels][inner]: the mean and biased variance of each channel. */
void host_statistics(const float *x, size_t outer, size_t channels, size_t inner, double *mean, double *variance);
/* gamma (x - mean) / sqrt(variance + epsilon) + beta */
void host_normalize(const float *x, size_t outer, size_t channels, size_t inner, const double *mean, const double *variance,
                    double epsilon, const float *gamma, const float *beta, double *y);

/* Of gradients g of y (of the batch's statistics): dx, and dgamma and dbeta of each channel. */
void host_gradients(const float *x, const double *g, size_t outer, size_t channels, size_t inner, const double *mean,
                    const double *variance, double epsilon, const float *gamma, double *dx, double *dgamma, double *dbeta);

/* Ends the program where a value is further from what is expected than tolerance * (1 + |expected|). */
void expect_near(const char *name, const float *actual, const double *expected, size_t count, double tolerance);

#endif
