/* SPDX-License-Identifier: MIT */
/*
 * A layer's training step as a program has it that does more than this: the output of a convolution in NHWC and float16, a residual and
 * ReLU in the same kernels, a mask in place of x's activation, one out-of-order queue, events from end to end, a workspace of its own.
 * Two threads take a micro-batch each.
 */
#include "example.h"

#include <CL/cl_half.h>
#include <pthread.h>
#include <stdio.h>

enum { N = 4, H = 7, W = 7, C = 24, ROWS = N * H * W, ELEMENTS = ROWS * C, THREADS = 2 };

static const double epsilon = 1e-5;

struct step {
    const struct example *on;
    clbn_plan plan;
    cl_mem gamma, beta;                              /* shared: they are only read */
    const cl_half *x, *z, *dy;                       /* on the host */
    cl_half y[ELEMENTS], dx[ELEMENTS], dz[ELEMENTS]; /* results */
    float dgamma[C], dbeta[C];
};

/* Uploads, forward, backward, downloads: only events say what follows what. */
static void *run_step(void *argument)
{
    struct step *step = argument;
    const cl_context context = step->on->context;
    const cl_command_queue queue = step->on->queue;
    const size_t bytes = sizeof step->y, channel_bytes = sizeof step->dgamma;
    size_t workspace_size = 0, mask_size = 0;
    cl_event uploaded[2], dy_uploaded, forward_done, backward_wait[2], done;
    must(clbnGetPlanInfo(step->plan, CLBN_PLAN_WORKSPACE_SIZE, sizeof workspace_size, &workspace_size, NULL), "workspace");
    must(clbnGetPlanInfo(step->plan, CLBN_PLAN_MASK_SIZE, sizeof mask_size, &mask_size, NULL), "mask");

    cl_mem x = example_buffer(context, bytes, NULL), z = example_buffer(context, bytes, NULL);
    cl_mem dy = example_buffer(context, bytes, NULL), dx = example_buffer(context, bytes, NULL);
    cl_mem save_mean = example_buffer(context, channel_bytes, NULL), save_invstd = example_buffer(context, channel_bytes, NULL);
    cl_mem dgamma = example_buffer(context, channel_bytes, NULL), dbeta = example_buffer(context, channel_bytes, NULL);
    cl_mem mask = example_buffer(context, mask_size, NULL), workspace = example_buffer(context, workspace_size + 1, NULL);

    must(clEnqueueWriteBuffer(queue, x, CL_FALSE, 0, bytes, step->x, 0, NULL, &uploaded[0]), "x");
    must(clEnqueueWriteBuffer(queue, z, CL_FALSE, 0, bytes, step->z, 0, NULL, &uploaded[1]), "z");
    must(clEnqueueWriteBuffer(queue, dy, CL_FALSE, 0, bytes, step->dy, 0, NULL, &dy_uploaded), "dy");

    clbn_forward_training_args forward = CLBN_FORWARD_TRAINING_ARGS_INIT;
    forward.x.buffer = x;
    forward.z.buffer = forward.y.buffer = z; /* y over the residual, which nothing needs any more */
    forward.gamma.buffer = step->gamma;
    forward.beta.buffer = step->beta;
    forward.save_mean.buffer = save_mean;
    forward.save_invstd.buffer = save_invstd;
    forward.mask.buffer = mask;
    forward.workspace.buffer = workspace;
    must(clbnEnqueueForwardTraining(step->plan, queue, &forward, 2, uploaded, &forward_done), "forward");

    clbn_backward_args backward = CLBN_BACKWARD_ARGS_INIT;
    backward.x.buffer = x;
    backward.dy.buffer = backward.dz.buffer = dy; /* dz over dy */
    backward.dx.buffer = dx;
    backward.mask.buffer = mask;
    backward.gamma.buffer = step->gamma;
    backward.beta.buffer = step->beta;
    backward.save_mean.buffer = save_mean;
    backward.save_invstd.buffer = save_invstd;
    backward.dgamma.buffer = dgamma;
    backward.dbeta.buffer = dbeta;
    backward.workspace.buffer = workspace;
    backward_wait[0] = dy_uploaded;
    backward_wait[1] = forward_done;
    must(clbnEnqueueBackward(step->plan, queue, &backward, 2, backward_wait, &done), "backward");

    must(clEnqueueReadBuffer(queue, z, CL_TRUE, 0, bytes, step->y, 1, &forward_done, NULL), "y");
    must(clEnqueueReadBuffer(queue, dx, CL_TRUE, 0, bytes, step->dx, 1, &done, NULL), "dx");
    must(clEnqueueReadBuffer(queue, dy, CL_TRUE, 0, bytes, step->dz, 1, &done, NULL), "dz");
    must(clEnqueueReadBuffer(queue, dgamma, CL_TRUE, 0, channel_bytes, step->dgamma, 1, &done, NULL), "dgamma");
    must(clEnqueueReadBuffer(queue, dbeta, CL_TRUE, 0, channel_bytes, step->dbeta, 1, &done, NULL), "dbeta");

    cl_mem buffers[] = { x, z, dy, dx, save_mean, save_invstd, dgamma, dbeta, mask, workspace };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clReleaseMemObject(buffers[i]);
    cl_event events[] = { uploaded[0], uploaded[1], dy_uploaded, forward_done, done };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        clReleaseEvent(events[i]);
    return NULL;
}

static void to_floats(const cl_half *halves, float *values)
{
    for (size_t i = 0; i < ELEMENTS; i++)
        values[i] = cl_half_to_float(halves[i]);
}

/* A half has 11 bits: 2^-11 of a result is its rounding. */
static void check_step(const struct step *step, const float *gamma, const float *beta)
{
    static float x[ELEMENTS], z[ELEMENTS], dy[ELEMENTS], result[ELEMENTS];
    static double y[ELEMENTS], g[ELEMENTS], dx[ELEMENTS];
    double mean[C], variance[C], dgamma[C], dbeta[C];
    to_floats(step->x, x);
    to_floats(step->z, z);
    to_floats(step->dy, dy);
    host_statistics(x, ROWS, C, 1, mean, variance);
    host_normalize(x, ROWS, C, 1, mean, variance, epsilon, gamma, beta, y);
    for (size_t i = 0; i < ELEMENTS; i++) {
        y[i] += z[i];
        g[i] = y[i] > 0 ? dy[i] : 0;
        y[i] = y[i] > 0 ? y[i] : 0;
    }
    host_gradients(x, g, ROWS, C, 1, mean, variance, epsilon, gamma, dx, dgamma, dbeta);
    to_floats(step->y, result);
    expect_near("y", result, y, ELEMENTS, 1e-3);
    to_floats(step->dz, result);
    expect_near("dz", result, g, ELEMENTS, 1e-3);
    to_floats(step->dx, result);
    expect_near("dx", result, dx, ELEMENTS, 1e-3);
    expect_near("dgamma", step->dgamma, dgamma, C, 1e-4);
    expect_near("dbeta", step->dbeta, dbeta, C, 1e-4);
}

static void fill(cl_half *halves, float mean)
{
    static float values[ELEMENTS];
    example_fill(values, ELEMENTS, mean);
    for (size_t i = 0; i < ELEMENTS; i++)
        halves[i] = cl_half_from_float(values[i], CL_HALF_RTE);
}

int main(void)
{
    struct example example = example_open(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    static struct step steps[THREADS];
    static cl_half x[THREADS][ELEMENTS], z[THREADS][ELEMENTS], dy[THREADS][ELEMENTS];
    pthread_t threads[THREADS];
    float gamma[C], beta[C];
    cl_int status;
    example_fill(gamma, C, 1);
    example_fill(beta, C, 0);

    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.type = CLBN_FLOAT16;
    desc.activation = CLBN_ACTIVATION_RELU;
    desc.epsilon = epsilon;
    desc.rank = 4;
    desc.channel_axes = CLBN_AXIS(3);
    desc.shape[0] = N, desc.shape[1] = H, desc.shape[2] = W, desc.shape[3] = C;
    clbn_plan plan = clbnCreatePlan(example.engine, &desc, &status);
    must(status, "plan");

    cl_mem gamma_buffer = example_buffer(example.context, sizeof gamma, gamma);
    cl_mem beta_buffer = example_buffer(example.context, sizeof beta, beta);
    for (int i = 0; i < THREADS; i++) {
        fill(x[i], 2);
        fill(z[i], 0);
        fill(dy[i], 0);
        steps[i].on = &example;
        steps[i].plan = plan;
        steps[i].gamma = gamma_buffer;
        steps[i].beta = beta_buffer;
        steps[i].x = x[i];
        steps[i].z = z[i];
        steps[i].dy = dy[i];
        must(pthread_create(&threads[i], NULL, run_step, &steps[i]) == 0 ? CL_SUCCESS : CL_OUT_OF_RESOURCES, "a thread");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        check_step(&steps[i], gamma, beta);
    }
    clReleaseMemObject(gamma_buffer);
    clReleaseMemObject(beta_buffer);
    clbnReleasePlan(plan);
    example_close(&example);
    return 0;
}
