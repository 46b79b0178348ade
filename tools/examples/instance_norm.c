/* SPDX-License-Identifier: MIT */
/*
 * Instance norm (Ulyanov et al. 2016, arXiv 1607.08022): statistics of each channel of each image. No call of its own: a plan whose
 * channels are numbered along N and C. To clbn they are N * C channels, and gamma and beta have a value for each.
 * So the usual ones, of C values, are given N times over, and their gradients are sums over N of what the backward gives. Without
 * gamma and beta (PyTorch's affine=False) nothing is repeated. There are no running statistics: inference is the same forward.
 */
#include "example.h"

#include <string.h>

enum { N = 3, C = 5, H = 7, W = 7, IMAGE = C * H * W, COUNT = N * IMAGE };

enum { X, Y, DY, DX, GAMMA, BETA, DGAMMA, DBETA, SAVE_MEAN, SAVE_INVSTD, BUFFERS };

static clbn_plan instance_norm_plan(clbn_engine engine)
{
    cl_int status;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 4;
    desc.channel_axes = CLBN_AXIS(0) | CLBN_AXIS(1);
    desc.shape[0] = N, desc.shape[1] = C, desc.shape[2] = H, desc.shape[3] = W;
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    must(status, "plan");
    return plan;
}

/* [C] to [N][C]. In training, this follows each step of the optimizer. */
static void write_repeated(const struct example *on, cl_mem buffer, const float *values)
{
    float repeated[N * C];
    for (int n = 0; n < N; n++)
        memcpy(repeated + n * C, values, C * sizeof *values);
    must(clEnqueueWriteBuffer(on->queue, buffer, CL_TRUE, 0, sizeof repeated, repeated, 0, NULL, NULL), "a write");
}

/* [N][C] to [C]: the gradient of a value that was repeated. */
static void read_summed(const struct example *on, cl_mem buffer, float *sums)
{
    float gradients[N * C];
    example_read(on->queue, buffer, gradients, sizeof gradients);
    memset(sums, 0, C * sizeof *sums);
    for (int i = 0; i < N * C; i++)
        sums[i % C] += gradients[i];
}

static void forward_and_backward(const struct example *on, clbn_plan plan, const cl_mem *buffers)
{
    clbn_forward_training_args forward = CLBN_FORWARD_TRAINING_ARGS_INIT;
    clbn_backward_args backward = CLBN_BACKWARD_ARGS_INIT;
    forward.x.buffer = backward.x.buffer = buffers[X];
    forward.y.buffer = buffers[Y];
    forward.gamma.buffer = backward.gamma.buffer = buffers[GAMMA];
    forward.beta.buffer = buffers[BETA];
    forward.save_mean.buffer = backward.save_mean.buffer = buffers[SAVE_MEAN];
    forward.save_invstd.buffer = backward.save_invstd.buffer = buffers[SAVE_INVSTD];
    must(clbnEnqueueForwardTraining(plan, on->queue, &forward, 0, NULL, NULL), "forward");
    backward.dy.buffer = buffers[DY];
    backward.dx.buffer = buffers[DX];
    backward.dgamma.buffer = buffers[DGAMMA];
    backward.dbeta.buffer = buffers[DBETA];
    must(clbnEnqueueBackward(plan, on->queue, &backward, 0, NULL, NULL), "backward");
}

/* What is expected, image by image, of the C gammas and betas. */
static void check(const struct example *on, const cl_mem *buffers, const float *x, const float *dy, const float *gamma,
                  const float *beta)
{
    static double y[COUNT], g[COUNT], dx[COUNT];
    static float result[COUNT];
    double dgamma[C] = { 0 }, dbeta[C] = { 0 };
    float gradient[C];
    for (int i = 0; i < COUNT; i++)
        g[i] = dy[i];
    for (int n = 0; n < N; n++) {
        const int at = n * IMAGE;
        double mean[C], variance[C], image_dgamma[C], image_dbeta[C];
        host_statistics(x + at, 1, C, H * W, mean, variance);
        host_normalize(x + at, 1, C, H * W, mean, variance, 1e-5, gamma, beta, y + at);
        host_gradients(x + at, g + at, 1, C, H * W, mean, variance, 1e-5, gamma, dx + at, image_dgamma, image_dbeta);
        for (int c = 0; c < C; c++) {
            dgamma[c] += image_dgamma[c];
            dbeta[c] += image_dbeta[c];
        }
    }
    example_read(on->queue, buffers[Y], result, sizeof result);
    expect_near("y", result, y, COUNT, 1e-5);
    example_read(on->queue, buffers[DX], result, sizeof result);
    expect_near("dx", result, dx, COUNT, 1e-5);
    read_summed(on, buffers[DGAMMA], gradient);
    expect_near("dgamma", gradient, dgamma, C, 1e-5);
    read_summed(on, buffers[DBETA], gradient);
    expect_near("dbeta", gradient, dbeta, C, 1e-5);
}

int main(void)
{
    static float x[COUNT], dy[COUNT];
    const float gamma[C] = { 1, 2, -1, 0.5f, 1.5f }, beta[C] = { 0, 1, 2, -1, 0.25f };
    struct example on = example_open(0);
    cl_mem buffers[BUFFERS];
    for (int n = 0; n < N; n++)
        example_fill(x + n * IMAGE, IMAGE, (float)n);
    example_fill(dy, COUNT, 0.5f);
    for (int i = 0; i < BUFFERS; i++)
        buffers[i] = example_buffer(on.context, (i < GAMMA ? COUNT : N * C) * sizeof(float), i == X ? x : i == DY ? dy : NULL);
    clbn_plan plan = instance_norm_plan(on.engine);
    write_repeated(&on, buffers[GAMMA], gamma);
    write_repeated(&on, buffers[BETA], beta);
    forward_and_backward(&on, plan, buffers);
    check(&on, buffers, x, dy, gamma, beta);
    for (int i = 0; i < BUFFERS; i++)
        clReleaseMemObject(buffers[i]);
    clbnReleasePlan(plan);
    example_close(&on);
    return 0;
}
