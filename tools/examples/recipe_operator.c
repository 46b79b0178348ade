/* SPDX-License-Identifier: MIT */
/*
 * The operator of a framework that has statistics and normalisation as calls of their own, as dlprimitives' does: mean and variance of a
 * batch, which the framework keeps and updates by itself; y from any mean and variance; the backward from the variance, not invstd.
 */
#include "example.h"

#include <math.h>
#include <stdio.h>

enum { N = 8, C = 6, HW = 49, ELEMENTS = N * C * HW };

struct operation {
    struct example on;
    clbn_plan plan;
};

/* 1. mean and biased variance of x. */
static void calculate_statistics(const struct operation *op, cl_mem x, cl_mem mean, cl_mem variance, cl_mem y)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x.buffer = x;
    args.y.buffer = y; /* the batch's own y comes with it: a forward of training is this call alone */
    args.save_mean.buffer = mean;
    args.save_var.buffer = variance;
    must(clbnEnqueueForwardTraining(op->plan, op->on.queue, &args, 0, NULL, NULL), "statistics");
}

/* 2. y from a mean and a variance, of the batch or running ones. */
static void forward(const struct operation *op, cl_mem x, cl_mem mean, cl_mem variance, cl_mem gamma, cl_mem beta, cl_mem y)
{
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    args.x.buffer = x;
    args.running_mean.buffer = mean;
    args.running_var.buffer = variance;
    args.gamma.buffer = gamma;
    args.beta.buffer = beta;
    args.y.buffer = y;
    must(clbnEnqueueForwardInference(op->plan, op->on.queue, &args, 0, NULL, NULL), "forward");
}

/* 3. All gradients; factor: what the framework adds to what dx, dgamma and dbeta hold. The statistics are taken of x again. */
static void backward(const struct operation *op, cl_mem x, cl_mem dy, cl_mem gamma, cl_mem dx, cl_mem dgamma, cl_mem dbeta,
                     double factor)
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;
    args.x.buffer = x;
    args.dy.buffer = dy;
    args.gamma.buffer = gamma;
    args.dx.buffer = dx;
    args.dgamma.buffer = dgamma;
    args.dbeta.buffer = dbeta;
    args.dx_factor = args.dgamma_factor = args.dbeta_factor = factor;
    must(clbnEnqueueBackward(op->plan, op->on.queue, &args, 0, NULL, NULL), "backward");
}

int main(void)
{
    struct operation op = { .on = example_open(0) };
    const cl_context context = op.on.context;
    static float x[ELEMENTS], dy[ELEMENTS], result[ELEMENTS];
    static double y[ELEMENTS], g[ELEMENTS], dx[ELEMENTS];
    float gamma[C], beta[C], small[C];
    double mean[C], variance[C], dgamma[C], dbeta[C];
    cl_int status;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 3;
    desc.shape[0] = N, desc.shape[1] = C, desc.shape[2] = HW;
    op.plan = clbnCreatePlan(op.on.engine, &desc, &status);
    must(status, "plan");
    example_fill(x, ELEMENTS, 1);
    example_fill(dy, ELEMENTS, 0);
    example_fill(gamma, C, 1);
    example_fill(beta, C, 0);
    cl_mem x_b = example_buffer(context, sizeof x, x), dy_b = example_buffer(context, sizeof dy, dy);
    cl_mem y_b = example_buffer(context, sizeof x, NULL), dx_b = example_buffer(context, sizeof dy, dy);
    cl_mem gamma_b = example_buffer(context, sizeof gamma, gamma), beta_b = example_buffer(context, sizeof beta, beta);
    cl_mem mean_b = example_buffer(context, sizeof gamma, NULL), variance_b = example_buffer(context, sizeof gamma, NULL);
    cl_mem dgamma_b = example_buffer(context, sizeof gamma, gamma), dbeta_b = example_buffer(context, sizeof beta, beta);

    calculate_statistics(&op, x_b, mean_b, variance_b, y_b);
    forward(&op, x_b, mean_b, variance_b, gamma_b, beta_b, y_b);
    backward(&op, x_b, dy_b, gamma_b, dx_b, dgamma_b, dbeta_b, 0.5);

    host_statistics(x, N, C, HW, mean, variance);
    host_normalize(x, N, C, HW, mean, variance, 1e-5, gamma, beta, y);
    for (size_t i = 0; i < ELEMENTS; i++)
        g[i] = dy[i];
    host_gradients(x, g, N, C, HW, mean, variance, 1e-5, gamma, dx, dgamma, dbeta);
    for (size_t i = 0; i < ELEMENTS; i++)
        dx[i] += 0.5 * dy[i];
    for (size_t c = 0; c < C; c++) {
        dgamma[c] += 0.5 * gamma[c];
        dbeta[c] += 0.5 * beta[c];
    }
    example_read(op.on.queue, mean_b, small, sizeof small);
    expect_near("mean", small, mean, C, 1e-6);
    example_read(op.on.queue, variance_b, small, sizeof small);
    expect_near("variance", small, variance, C, 1e-6);
    example_read(op.on.queue, y_b, result, sizeof result);
    expect_near("y", result, y, ELEMENTS, 1e-5);
    example_read(op.on.queue, dx_b, result, sizeof result);
    expect_near("dx", result, dx, ELEMENTS, 1e-5);
    example_read(op.on.queue, dgamma_b, small, sizeof small);
    expect_near("dgamma", small, dgamma, C, 1e-5);
    example_read(op.on.queue, dbeta_b, small, sizeof small);
    expect_near("dbeta", small, dbeta, C, 1e-5);

    cl_mem buffers[] = { x_b, dy_b, y_b, dx_b, gamma_b, beta_b, mean_b, variance_b, dgamma_b, dbeta_b };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clReleaseMemObject(buffers[i]);
    clbnReleasePlan(op.plan);
    example_close(&op.on);
    return 0;
}
