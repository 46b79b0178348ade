/* SPDX-License-Identifier: MIT */
/*
 * A training step of ten layers of batch norm, recorded once in a command buffer of cl_khr_command_buffer and replayed: what the
 * enqueue calls do in each step, without their checks and without setting arguments. Prints the time of a step of both kinds.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "example.h"

#include <CL/cl_ext.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LAYERS = 10, BATCH = 32, FEATURES = 96, STEPS = 1000, SKIPPED = 77 };

/* The functions of the extension, which a loader does not export. */
struct extension {
    clCreateCommandBufferKHR_fn create;
    clFinalizeCommandBufferKHR_fn finalize;
    clEnqueueCommandBufferKHR_fn enqueue;
    clReleaseCommandBufferKHR_fn release;
};

struct layer {
    cl_mem x, y, dy, dx, gamma, beta, dgamma, dbeta, running_mean, running_var, mean, invstd;
};

/* Each layer's y is the next one's x, its dx the dy of the one before. */
struct net {
    struct layer layers[LAYERS];
    cl_mem workspace;
};

static int find_extension(cl_device_id device, struct extension *extension)
{
    cl_platform_id platform = NULL;
    must(clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL), "clGetDeviceInfo");
    void *const found[] = {
        clGetExtensionFunctionAddressForPlatform(platform, "clCreateCommandBufferKHR"),
        clGetExtensionFunctionAddressForPlatform(platform, "clFinalizeCommandBufferKHR"),
        clGetExtensionFunctionAddressForPlatform(platform, "clEnqueueCommandBufferKHR"),
        clGetExtensionFunctionAddressForPlatform(platform, "clReleaseCommandBufferKHR"),
    };
    memcpy(extension, found, sizeof *extension);
    return found[0] && found[1] && found[2] && found[3];
}

/* Two nets have the same data. */
static float x[BATCH * FEATURES], dy[BATCH * FEATURES];

static struct net create_net(cl_context context, clbn_plan plan)
{
    static float ones[FEATURES], zeros[FEATURES];
    struct net net;
    size_t bytes = 0;
    for (int c = 0; c < FEATURES; c++)
        ones[c] = 1.0f;
    must(clbnGetPlanInfo(plan, CLBN_PLAN_WORKSPACE_SIZE, sizeof bytes, &bytes, NULL), "clbnGetPlanInfo");
    net.workspace = example_buffer(context, bytes > 0 ? bytes : 1, NULL);
    for (int i = 0; i < LAYERS; i++) {
        struct layer *l = &net.layers[i];
        l->x = i == 0 ? example_buffer(context, sizeof x, x) : net.layers[i - 1].y;
        l->y = example_buffer(context, sizeof x, NULL);
        l->dx = example_buffer(context, sizeof x, NULL);
        l->gamma = example_buffer(context, sizeof ones, ones);
        l->beta = example_buffer(context, sizeof zeros, zeros);
        l->dgamma = example_buffer(context, sizeof zeros, zeros);
        l->dbeta = example_buffer(context, sizeof zeros, zeros);
        l->running_mean = example_buffer(context, sizeof zeros, zeros);
        l->running_var = example_buffer(context, sizeof ones, ones);
        l->mean = example_buffer(context, sizeof zeros, NULL);
        l->invstd = example_buffer(context, sizeof zeros, NULL);
    }
    for (int i = 0; i < LAYERS; i++)
        net.layers[i].dy = i == LAYERS - 1 ? example_buffer(context, sizeof dy, dy) : net.layers[i + 1].dx;
    return net;
}

static void release_net(struct net *net)
{
    for (int i = 0; i < LAYERS; i++) {
        struct layer *l = &net->layers[i];
        const cl_mem own[] = { l->y,     l->dx,   l->gamma,        l->beta,        l->dgamma,
                               l->dbeta, l->mean, l->running_mean, l->running_var, l->invstd };
        for (size_t b = 0; b < sizeof own / sizeof *own; b++)
            clReleaseMemObject(own[b]);
    }
    clReleaseMemObject(net->layers[0].x);
    clReleaseMemObject(net->layers[LAYERS - 1].dy);
    clReleaseMemObject(net->workspace);
}

static clbn_forward_training_args forward_of(const struct net *net, int i)
{
    const struct layer *l = &net->layers[i];
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x.buffer = l->x;
    args.y.buffer = l->y;
    args.gamma.buffer = l->gamma;
    args.beta.buffer = l->beta;
    args.running_mean.buffer = l->running_mean;
    args.running_var.buffer = l->running_var;
    args.save_mean.buffer = l->mean;
    args.save_invstd.buffer = l->invstd;
    args.workspace.buffer = net->workspace;
    return args;
}

static clbn_backward_args backward_of(const struct net *net, int i)
{
    const struct layer *l = &net->layers[i];
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;
    args.x.buffer = l->x;
    args.dy.buffer = l->dy;
    args.dx.buffer = l->dx;
    args.gamma.buffer = l->gamma;
    args.beta.buffer = l->beta;
    args.save_mean.buffer = l->mean;
    args.save_invstd.buffer = l->invstd;
    args.dgamma.buffer = l->dgamma;
    args.dbeta.buffer = l->dbeta;
    args.workspace.buffer = net->workspace;
    return args;
}

static void enqueue_step(clbn_plan plan, cl_command_queue queue, const struct net *net)
{
    for (int i = 0; i < LAYERS; i++) {
        const clbn_forward_training_args args = forward_of(net, i);
        must(clbnEnqueueForwardTraining(plan, queue, &args, 0, NULL, NULL), "clbnEnqueueForwardTraining");
    }
    for (int i = LAYERS - 1; i >= 0; i--) {
        const clbn_backward_args args = backward_of(net, i);
        must(clbnEnqueueBackward(plan, queue, &args, 0, NULL, NULL), "clbnEnqueueBackward");
    }
}

/* Each call waits for the sync point of the one before. */
static void record_step(clbn_plan plan, cl_command_queue queue, cl_command_buffer_khr commands, const struct net *net)
{
    cl_sync_point_khr before = 0;
    for (int i = 0; i < LAYERS; i++) {
        const clbn_forward_training_args args = forward_of(net, i);
        must(clbnCommandForwardTraining(plan, queue, commands, &args, i > 0, i > 0 ? &before : NULL, &before),
             "clbnCommandForwardTraining");
    }
    for (int i = LAYERS - 1; i >= 0; i--) {
        const clbn_backward_args args = backward_of(net, i);
        must(clbnCommandBackward(plan, queue, commands, &args, 1, &before, &before), "clbnCommandBackward");
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void expect_same(cl_command_queue queue, const char *name, cl_mem replayed, cl_mem enqueued, size_t bytes)
{
    static float a[BATCH * FEATURES], b[BATCH * FEATURES];
    example_read(queue, replayed, a, bytes);
    example_read(queue, enqueued, b, bytes);
    must(memcmp(a, b, bytes) == 0 ? CL_SUCCESS : CL_INVALID_VALUE, name);
}

int main(void)
{
    struct example e = example_open(0);
    struct extension extension;
    cl_int status = CL_SUCCESS;
    if (!find_extension(e.device, &extension)) {
        printf("The device has no cl_khr_command_buffer.\n");
        example_close(&e);
        return SKIPPED;
    }
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 2;
    desc.shape[0] = BATCH;
    desc.shape[1] = FEATURES;
    clbn_plan plan = clbnCreatePlan(e.engine, &desc, &status);
    must(status, "clbnCreatePlan");
    example_fill(x, BATCH * FEATURES, 3.0f);
    example_fill(dy, BATCH * FEATURES, 0.0f);
    struct net replayed = create_net(e.context, plan), enqueued = create_net(e.context, plan);

    cl_command_buffer_khr commands = extension.create(1, &e.queue, NULL, &status);
    must(status, "clCreateCommandBufferKHR");
    record_step(plan, e.queue, commands, &replayed);
    must(extension.finalize(commands), "clFinalizeCommandBufferKHR");

    /* The first of each is not timed: it may compile. */
    double times[2] = { 0, 0 };
    for (int step = 0; step <= STEPS; step++) {
        const double begin = seconds();
        enqueue_step(plan, e.queue, &enqueued);
        must(clFinish(e.queue), "clFinish");
        const double middle = seconds();
        must(extension.enqueue(0, NULL, commands, 0, NULL, NULL), "clEnqueueCommandBufferKHR");
        must(clFinish(e.queue), "clFinish");
        if (step > 0) {
            times[0] += middle - begin;
            times[1] += seconds() - middle;
        }
    }
    for (int i = 0; i < LAYERS; i++) {
        const struct layer *r = &replayed.layers[i], *q = &enqueued.layers[i];
        expect_same(e.queue, "y", r->y, q->y, sizeof(float) * BATCH * FEATURES);
        expect_same(e.queue, "dx", r->dx, q->dx, sizeof(float) * BATCH * FEATURES);
        expect_same(e.queue, "dgamma", r->dgamma, q->dgamma, sizeof(float) * FEATURES);
        expect_same(e.queue, "running_var", r->running_var, q->running_var, sizeof(float) * FEATURES);
    }
    printf("A step of %d layers, forward and backward: %.1f us enqueued, %.1f us replayed; the same bits after %d steps.\n",
           LAYERS, 1e6 * times[0] / STEPS, 1e6 * times[1] / STEPS, STEPS + 1);
    release_net(&replayed);
    release_net(&enqueued);
    must(extension.release(commands), "clReleaseCommandBufferKHR");
    must(clbnReleasePlan(plan), "clbnReleasePlan");
    example_close(&e);
    return 0;
}
