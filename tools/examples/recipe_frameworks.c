/* SPDX-License-Identifier: MIT */
/* What frameworks call batch norm, argument for argument: PyTorch's native_batch_norm, ONNX's BatchNormalization, oneDNN's flags. */
#include "example.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { N = 5, C = 4, HW = 21, ELEMENTS = N * C * HW };

static clbn_plan plan_of(clbn_engine engine, double epsilon, clbn_activation activation)
{
    cl_int status;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 3;
    desc.shape[0] = N, desc.shape[1] = C, desc.shape[2] = HW;
    desc.epsilon = epsilon;
    desc.activation = activation;
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    must(status, "plan"); /* a program keeps its plans: here each call makes its own, which costs microseconds */
    return plan;
}

/* ---- PyTorch: native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps) -------------------- */

static void native_batch_norm(const struct example *on, cl_mem input, cl_mem weight, cl_mem bias, cl_mem running_mean,
                              cl_mem running_var, bool training, double momentum, double eps, cl_mem output, cl_mem save_mean,
                              cl_mem save_invstd)
{
    clbn_plan plan = plan_of(on->engine, eps, CLBN_ACTIVATION_NONE);
    clbn_forward_training_args train = CLBN_FORWARD_TRAINING_ARGS_INIT;
    clbn_forward_inference_args infer = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    train.x.buffer = infer.x.buffer = input;
    train.y.buffer = infer.y.buffer = output;
    train.gamma.buffer = infer.gamma.buffer = weight; /* NULL where affine=False */
    train.beta.buffer = infer.beta.buffer = bias;
    train.running_mean.buffer = infer.running_mean.buffer = running_mean; /* NULL where track_running_stats=False */
    train.running_var.buffer = infer.running_var.buffer = running_var;
    train.save_mean.buffer = save_mean;
    train.save_invstd.buffer = save_invstd;
    train.update_factor = momentum; /* of the new batch; the variance unbiased: both clbn's defaults */
    if (training || running_mean == NULL)
        must(clbnEnqueueForwardTraining(plan, on->queue, &train, 0, NULL, NULL), "native_batch_norm");
    else
        must(clbnEnqueueForwardInference(plan, on->queue, &infer, 0, NULL, NULL), "native_batch_norm");
    clbnReleasePlan(plan);
}

/* grad_input, grad_weight and grad_bias: NULL where output_mask has false. */
static void native_batch_norm_backward(const struct example *on, cl_mem grad_out, cl_mem input, cl_mem weight,
                                       cl_mem running_mean, cl_mem running_var, cl_mem save_mean, cl_mem save_invstd,
                                       bool train, double eps, cl_mem grad_input, cl_mem grad_weight, cl_mem grad_bias)
{
    clbn_plan plan = plan_of(on->engine, eps, CLBN_ACTIVATION_NONE);
    clbn_backward_args batch = CLBN_BACKWARD_ARGS_INIT;
    clbn_backward_frozen_args frozen = CLBN_BACKWARD_FROZEN_ARGS_INIT;
    batch.x.buffer = frozen.x.buffer = input;
    batch.dy.buffer = frozen.dy.buffer = grad_out;
    batch.gamma.buffer = frozen.gamma.buffer = weight;
    batch.save_mean.buffer = save_mean;
    batch.save_invstd.buffer = save_invstd;
    frozen.running_mean.buffer = running_mean;
    frozen.running_var.buffer = running_var;
    batch.dx.buffer = frozen.dx.buffer = grad_input;
    batch.dgamma.buffer = frozen.dgamma.buffer = grad_weight;
    batch.dbeta.buffer = frozen.dbeta.buffer = grad_bias;
    if (train)
        must(clbnEnqueueBackward(plan, on->queue, &batch, 0, NULL, NULL), "native_batch_norm_backward");
    else
        must(clbnEnqueueBackwardFrozen(plan, on->queue, &frozen, 0, NULL, NULL), "native_batch_norm_backward");
    clbnReleasePlan(plan);
}

/* ---- ONNX: BatchNormalization-15, training_mode = 1 ------------------------------------------------------------------------ */

/* running = input * momentum + batch * (1 - momentum), of the biased variance. The outputs are buffers of their own. */
static void onnx_batch_normalization(const struct example *on, cl_mem x, cl_mem scale, cl_mem b, cl_mem input_mean,
                                     cl_mem input_var, double epsilon, double momentum, cl_mem y, cl_mem running_mean,
                                     cl_mem running_var)
{
    const size_t bytes = C * sizeof(float);
    clbn_plan plan = plan_of(on->engine, epsilon, CLBN_ACTIVATION_NONE);
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    must(clEnqueueCopyBuffer(on->queue, input_mean, running_mean, 0, 0, bytes, 0, NULL, NULL), "input_mean");
    must(clEnqueueCopyBuffer(on->queue, input_var, running_var, 0, 0, bytes, 0, NULL, NULL), "input_var");
    args.x.buffer = x;
    args.y.buffer = y;
    args.gamma.buffer = scale;
    args.beta.buffer = b;
    args.running_mean.buffer = running_mean;
    args.running_var.buffer = running_var;
    args.update_factor = 1 - momentum;
    args.running_variance = CLBN_BIASED;
    must(clbnEnqueueForwardTraining(plan, on->queue, &args, 0, NULL, NULL), "BatchNormalization");
    clbnReleasePlan(plan);
}

/* ---- oneDNN: dnnl_batch_normalization_forward with its flags ---------------------------------------------------------------- */

enum {
    USE_GLOBAL_STATS = 1,   /* mean and variance are inputs, else outputs */
    USE_SCALE = 2,          /* gamma */
    USE_SHIFT = 4,          /* beta */
    FUSE_NORM_RELU = 8,     /* the workspace of oneDNN's backward is clbn's mask */
    FUSE_NORM_ADD_RELU = 16 /* src_1 is clbn's z */
};

static void onednn_forward(const struct example *on, unsigned flags, double epsilon, cl_mem src, cl_mem src_1, cl_mem dst,
                           cl_mem mean, cl_mem variance, cl_mem scale, cl_mem shift)
{
    const bool has_relu = (flags & (FUSE_NORM_RELU | FUSE_NORM_ADD_RELU)) != 0;
    clbn_plan plan = plan_of(on->engine, epsilon, has_relu ? CLBN_ACTIVATION_RELU : CLBN_ACTIVATION_NONE);
    clbn_forward_training_args batch = CLBN_FORWARD_TRAINING_ARGS_INIT;
    clbn_forward_inference_args global = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    batch.x.buffer = global.x.buffer = src;
    batch.y.buffer = global.y.buffer = dst;
    batch.z.buffer = global.z.buffer = (flags & FUSE_NORM_ADD_RELU) != 0 ? src_1 : NULL;
    batch.gamma.buffer = global.gamma.buffer = (flags & USE_SCALE) != 0 ? scale : NULL;
    batch.beta.buffer = global.beta.buffer = (flags & USE_SHIFT) != 0 ? shift : NULL;
    batch.save_mean.buffer = global.running_mean.buffer = mean;
    batch.save_var.buffer = global.running_var.buffer = variance;
    if ((flags & USE_GLOBAL_STATS) != 0)
        must(clbnEnqueueForwardInference(plan, on->queue, &global, 0, NULL, NULL), "oneDNN's forward");
    else
        must(clbnEnqueueForwardTraining(plan, on->queue, &batch, 0, NULL, NULL), "oneDNN's forward");
    clbnReleasePlan(plan);
}

/* ---- Checks ----------------------------------------------------------------------------------------------------------------- */

static void check(const struct example *on, const char *name, cl_mem buffer, const double *expected, size_t count)
{
    static float actual[ELEMENTS];
    example_read(on->queue, buffer, actual, count * sizeof *actual);
    expect_near(name, actual, expected, count, 1e-5);
}

int main(void)
{
    struct example example = example_open(0);
    const cl_context context = example.context;
    static float x[ELEMENTS], dy[ELEMENTS];
    static double y[ELEMENTS], g[ELEMENTS], dx[ELEMENTS];
    float gamma[C], beta[C];
    const float zeros[C] = { 0 }, ones[C] = { 1, 1, 1, 1 };
    double mean[C], variance[C], dgamma[C], dbeta[C], running_mean[C], running_var[C];
    const double m = N * HW;
    example_fill(x, ELEMENTS, 1);
    example_fill(dy, ELEMENTS, 0);
    example_fill(gamma, C, 1);
    example_fill(beta, C, 0);
    host_statistics(x, N, C, HW, mean, variance);
    host_normalize(x, N, C, HW, mean, variance, 1e-5, gamma, beta, y);
    for (size_t i = 0; i < ELEMENTS; i++)
        g[i] = dy[i];
    host_gradients(x, g, N, C, HW, mean, variance, 1e-5, gamma, dx, dgamma, dbeta);

    enum { X, DY, Y, DX, GAMMA, BETA, MEAN, VAR, SAVE_MEAN, SAVE_INVSTD, DGAMMA, DBETA, OUT_MEAN, OUT_VAR, BUFFERS };
    cl_mem b[BUFFERS];
    b[X] = example_buffer(context, sizeof x, x);
    b[DY] = example_buffer(context, sizeof x, dy);
    b[Y] = example_buffer(context, sizeof x, NULL);
    b[DX] = example_buffer(context, sizeof x, NULL);
    for (int i = GAMMA; i < BUFFERS; i++)
        b[i] = example_buffer(context, sizeof gamma, i == GAMMA ? gamma : i == BETA ? beta : i == VAR ? ones : zeros);

    native_batch_norm(&example, b[X], b[GAMMA], b[BETA], b[MEAN], b[VAR], true, 0.1, 1e-5, b[Y], b[SAVE_MEAN], b[SAVE_INVSTD]);
    native_batch_norm_backward(&example, b[DY], b[X], b[GAMMA], b[MEAN], b[VAR], b[SAVE_MEAN], b[SAVE_INVSTD], true, 1e-5,
                               b[DX], b[DGAMMA], b[DBETA]);
    for (size_t c = 0; c < C; c++) {
        running_mean[c] = 0.1 * mean[c];
        running_var[c] = 0.9 + 0.1 * variance[c] * m / (m - 1);
    }
    check(&example, "PyTorch's output", b[Y], y, ELEMENTS);
    check(&example, "PyTorch's running_mean", b[MEAN], running_mean, C);
    check(&example, "PyTorch's running_var", b[VAR], running_var, C);
    check(&example, "PyTorch's grad_input", b[DX], dx, ELEMENTS);
    check(&example, "PyTorch's grad_weight", b[DGAMMA], dgamma, C);
    check(&example, "PyTorch's grad_bias", b[DBETA], dbeta, C);

    onnx_batch_normalization(&example, b[X], b[GAMMA], b[BETA], b[MEAN], b[VAR], 1e-5, 0.9, b[Y], b[OUT_MEAN], b[OUT_VAR]);
    for (size_t c = 0; c < C; c++) {
        running_mean[c] = 0.9 * running_mean[c] + 0.1 * mean[c];
        running_var[c] = 0.9 * running_var[c] + 0.1 * variance[c];
    }
    check(&example, "ONNX's Y", b[Y], y, ELEMENTS);
    check(&example, "ONNX's running_mean", b[OUT_MEAN], running_mean, C);
    check(&example, "ONNX's running_var", b[OUT_VAR], running_var, C);

    onednn_forward(&example, USE_SCALE | USE_SHIFT | FUSE_NORM_ADD_RELU, 1e-5, b[X], b[DY], b[Y], b[OUT_MEAN], b[OUT_VAR],
                   b[GAMMA], b[BETA]);
    for (size_t i = 0; i < ELEMENTS; i++)
        g[i] = fmax(y[i] + dy[i], 0);
    check(&example, "oneDNN's dst", b[Y], g, ELEMENTS);
    check(&example, "oneDNN's variance", b[OUT_VAR], variance, C);
    onednn_forward(&example, USE_GLOBAL_STATS | USE_SCALE | USE_SHIFT, 1e-5, b[X], NULL, b[Y], b[OUT_MEAN], b[OUT_VAR],
                   b[GAMMA], b[BETA]);
    check(&example, "oneDNN's dst of global statistics", b[Y], y, ELEMENTS);

    for (int i = 0; i < BUFFERS; i++)
        clReleaseMemObject(b[i]);
    example_close(&example);
    return 0;
}
