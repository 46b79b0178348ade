/* SPDX-License-Identifier: MIT */
/* Batch renormalization (Ioffe 2017, arXiv 1702.03275) with the paper's schedule, in batches of 2 images: it begins as batch norm, and its
 * bounds grow until training computes what inference does. */
#include "example.h"

#include <math.h>
#include <stdio.h>

enum { BATCH = 2, CHANNELS = 5, PIXELS = 12, COUNT = BATCH * CHANNELS * PIXELS };

static const double epsilon = 1e-5;

struct bounds {
    double r_max, d_max;
};

static double grown(double from, double to, double step, double begin, double end)
{
    const double share = (step - begin) / (end - begin);
    return from + (to - from) * fmin(fmax(share, 0), 1);
}

/* 5,000 steps of batch norm, then r_max goes to 3 until step 40,000, d_max to 5 until step 25,000. */
static struct bounds schedule(size_t step)
{
    const struct bounds b = { grown(1, 3, (double)step, 5000, 40000), grown(0, 5, (double)step, 5000, 25000) };
    return b;
}

enum { X, Y, GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR, SAVE_MEAN, SAVE_INVSTD, SAVE_R, SAVE_D, DY, DX, DGAMMA, DBETA, BUFFERS };

/* A layer's training step: y, then the gradients of dy. */
static void train(const struct example *on, clbn_plan plan, const cl_mem *buffers, struct bounds bounds)
{
    clbn_forward_renorm_args forward = CLBN_FORWARD_RENORM_ARGS_INIT;
    clbn_backward_renorm_args backward = CLBN_BACKWARD_RENORM_ARGS_INIT;
    forward.x.buffer = backward.x.buffer = buffers[X];
    forward.y.buffer = buffers[Y];
    forward.gamma.buffer = backward.gamma.buffer = buffers[GAMMA];
    forward.beta.buffer = buffers[BETA];
    forward.running_mean.buffer = buffers[RUNNING_MEAN];
    forward.running_var.buffer = buffers[RUNNING_VAR];
    forward.save_mean.buffer = backward.save_mean.buffer = buffers[SAVE_MEAN];
    forward.save_invstd.buffer = backward.save_invstd.buffer = buffers[SAVE_INVSTD];
    forward.save_r.buffer = backward.save_r.buffer = buffers[SAVE_R];
    forward.save_d.buffer = backward.save_d.buffer = buffers[SAVE_D];
    forward.r_max = bounds.r_max;
    forward.d_max = bounds.d_max;
    must(clbnEnqueueForwardRenorm(plan, on->queue, &forward, 0, NULL, NULL), "forward");
    backward.dy.buffer = buffers[DY];
    backward.dx.buffer = buffers[DX];
    backward.dgamma.buffer = buffers[DGAMMA];
    backward.dbeta.buffer = buffers[DBETA];
    must(clbnEnqueueBackwardRenorm(plan, on->queue, &backward, 0, NULL, NULL), "backward");
}

/* What a step is to give, of the running statistics before it. */
struct expected {
    double r[CHANNELS], d[CHANNELS], y[COUNT], dx[COUNT], dgamma[CHANNELS], dbeta[CHANNELS];
};

static struct expected expect(const float *x, const float *dy, const float *gamma, const float *beta, const float *running_mean,
                              const float *running_var, struct bounds bounds)
{
    struct expected e;
    double mean[CHANNELS], variance[CHANNELS], g[COUNT];
    float scale[CHANNELS], shift[CHANNELS];
    host_statistics(x, BATCH, CHANNELS, PIXELS, mean, variance);
    for (int c = 0; c < CHANNELS; c++) {
        const double sigma = sqrt(running_var[c] + epsilon);
        e.r[c] = fmin(fmax(sqrt(variance[c] + epsilon) / sigma, 1 / bounds.r_max), bounds.r_max);
        e.d[c] = fmin(fmax((mean[c] - running_mean[c]) / sigma, -bounds.d_max), bounds.d_max);
        scale[c] = (float)(gamma[c] * e.r[c]);
        shift[c] = (float)(beta[c] + gamma[c] * e.d[c]);
    }
    for (int i = 0; i < COUNT; i++)
        g[i] = dy[i];
    host_normalize(x, BATCH, CHANNELS, PIXELS, mean, variance, epsilon, scale, shift, e.y);
    host_gradients(x, g, BATCH, CHANNELS, PIXELS, mean, variance, epsilon, scale, e.dx, e.dgamma, e.dbeta);
    for (int c = 0; c < CHANNELS; c++)
        e.dgamma[c] = e.r[c] * e.dgamma[c] + e.d[c] * e.dbeta[c];
    return e;
}

static void check(const struct example *on, const cl_mem *buffers, int which, const char *name, const double *expected,
                  size_t count)
{
    float actual[COUNT];
    example_read(on->queue, buffers[which], actual, count * sizeof(float));
    expect_near(name, actual, expected, count, 2e-5);
}

int main(void)
{
    static const size_t steps[] = { 0, 4999, 10000, 25000, 40000, 100000 };
    struct example on = example_open(0);
    float x[COUNT], dy[COUNT], gamma[CHANNELS] = { 1, 2, -1, 0.5f, 1 }, beta[CHANNELS] = { 0, 1, 2, -1, 0.25f };
    float running_mean[CHANNELS] = { 2, 3, 1, 2, 9 }, running_var[CHANNELS] = { 1, 0.05f, 2, 30, 1 };
    cl_mem buffers[BUFFERS];
    cl_int status;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 3;
    desc.shape[0] = BATCH, desc.shape[1] = CHANNELS, desc.shape[2] = PIXELS;
    desc.epsilon = epsilon;
    clbn_plan plan = clbnCreatePlan(on.engine, &desc, &status);
    must(status, "plan");
    example_fill(x, COUNT, 2);
    example_fill(dy, COUNT, 0.5f);
    for (int i = 0; i < BUFFERS; i++) {
        const void *contents = i == X              ? (const void *)x
                               : i == DY           ? dy
                               : i == GAMMA        ? gamma
                               : i == BETA         ? beta
                               : i == RUNNING_MEAN ? running_mean
                               : i == RUNNING_VAR  ? running_var
                                                   : NULL;
        const size_t count = i == X || i == Y || i == DY || i == DX ? COUNT : CHANNELS;
        buffers[i] = example_buffer(on.context, count * sizeof(float), contents);
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const struct bounds bounds = schedule(steps[i]);
        printf("step %6zu: r up to %.3f, d up to %.3f\n", steps[i], bounds.r_max, bounds.d_max);
        example_read(on.queue, buffers[RUNNING_MEAN], running_mean, sizeof running_mean);
        example_read(on.queue, buffers[RUNNING_VAR], running_var, sizeof running_var);
        const struct expected e = expect(x, dy, gamma, beta, running_mean, running_var, bounds);
        train(&on, plan, buffers, bounds);
        check(&on, buffers, SAVE_R, "r", e.r, CHANNELS);
        check(&on, buffers, SAVE_D, "d", e.d, CHANNELS);
        check(&on, buffers, Y, "y", e.y, COUNT);
        check(&on, buffers, DX, "dx", e.dx, COUNT);
        check(&on, buffers, DGAMMA, "dgamma", e.dgamma, CHANNELS);
        check(&on, buffers, DBETA, "dbeta", e.dbeta, CHANNELS);
    }
    for (int i = 0; i < BUFFERS; i++)
        clReleaseMemObject(buffers[i]);
    clbnReleasePlan(plan);
    example_close(&on);
    return 0;
}
