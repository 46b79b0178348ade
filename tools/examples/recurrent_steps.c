/* SPDX-License-Identifier: MIT */
/*
 * Recurrent batch normalization (Cooijmans et al. 2016, arXiv 1603.09025): an LSTM's pre-activations are normalised with statistics
 * of each time step, over the batch; gamma, which the steps share, starts at 0.1.
 *   - What the input gives (W_x x_t) is known for all steps: one call, of a plan with channels along T and F of (T, N, F).
 *   - What the state gives (W_h h_t) is known one step after another: a call to a step, of a plan of (N, F), at the step's offsets.
 * Both have running statistics (T, F). A sequence longer than T, at inference, uses the last step's for what comes after it.
 */
#include "example.h"

#include <string.h>

enum { T = 5, N = 8, F = 7, STEP = N * F, COUNT = T * STEP, LONGER = T + 3, BATCHES = 3 };

static const double epsilon = 1e-5;

struct layer {
    clbn_plan steps, rows;              /* of (T, N, F), and of (N, F) */
    cl_mem gamma, beta;                 /* (T, F): the F values of each, T times over; a call to a step takes the first F */
    cl_mem running_mean, running_var;   /* (T, F) */
    cl_mem save_mean, save_invstd;      /* (T, F) */
    cl_mem x, y, dy, dx, dgamma, dbeta; /* (LONGER, N, F), of which training has T steps; and (F) */
};

static clbn_plan plan_of(clbn_engine engine, cl_uint channel_axes, cl_uint rank, const size_t *shape)
{
    cl_int status;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = rank;
    desc.channel_axes = channel_axes;
    memcpy(desc.shape, shape, rank * sizeof *shape);
    desc.epsilon = epsilon;
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    must(status, "plan");
    return plan;
}

/* Of the input: all steps of batch k at once. Running statistics become the plain average over the batches. */
static void train_at_once(const struct example *on, const struct layer *layer, int k)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x.buffer = layer->x;
    args.y.buffer = layer->y;
    args.gamma.buffer = layer->gamma;
    args.beta.buffer = layer->beta;
    args.running_mean.buffer = layer->running_mean;
    args.running_var.buffer = layer->running_var;
    args.update_factor = 1.0 / (k + 1);
    must(clbnEnqueueForwardTraining(layer->steps, on->queue, &args, 0, NULL, NULL), "forward of all steps");
}

static clbn_view at(cl_mem buffer, size_t offset)
{
    const clbn_view view = { .buffer = buffer, .offset = offset };
    return view;
}

/* Of the state: step t of a batch. */
static void train_step(const struct example *on, const struct layer *layer, size_t t)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x = at(layer->x, t * STEP);
    args.y = at(layer->y, t * STEP);
    args.gamma = at(layer->gamma, 0);
    args.beta = at(layer->beta, 0);
    args.running_mean = at(layer->running_mean, t * F);
    args.running_var = at(layer->running_var, t * F);
    args.save_mean = at(layer->save_mean, t * F);
    args.save_invstd = at(layer->save_invstd, t * F);
    args.update_factor = 1;
    must(clbnEnqueueForwardTraining(layer->rows, on->queue, &args, 0, NULL, NULL), "forward of a step");
}

/* Back through time: the gradients of what the steps share add up from the last step on. */
static void train_step_backward(const struct example *on, const struct layer *layer, size_t t)
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;
    args.x = at(layer->x, t * STEP);
    args.dy = at(layer->dy, t * STEP);
    args.gamma = at(layer->gamma, 0);
    args.save_mean = at(layer->save_mean, t * F);
    args.save_invstd = at(layer->save_invstd, t * F);
    args.dx = at(layer->dx, t * STEP);
    args.dgamma = at(layer->dgamma, 0);
    args.dbeta = at(layer->dbeta, 0);
    args.dgamma_factor = args.dbeta_factor = t == T - 1 ? 0 : 1;
    must(clbnEnqueueBackward(layer->rows, on->queue, &args, 0, NULL, NULL), "backward of a step");
}

/* The first T steps at once; the others, one after another, by the statistics of the last. */
static void infer_longer(const struct example *on, const struct layer *layer)
{
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    args.x.buffer = layer->x;
    args.y.buffer = layer->y;
    args.gamma.buffer = layer->gamma;
    args.beta.buffer = layer->beta;
    args.running_mean.buffer = layer->running_mean;
    args.running_var.buffer = layer->running_var;
    must(clbnEnqueueForwardInference(layer->steps, on->queue, &args, 0, NULL, NULL), "inference of T steps");
    args.running_mean.offset = args.running_var.offset = (T - 1) * F;
    for (size_t t = T; t < LONGER; t++) {
        args.x.offset = args.y.offset = t * STEP;
        must(clbnEnqueueForwardInference(layer->rows, on->queue, &args, 0, NULL, NULL), "inference of a later step");
    }
}

static void write(const struct example *on, cl_mem buffer, const float *values, size_t count)
{
    must(clEnqueueWriteBuffer(on->queue, buffer, CL_TRUE, 0, count * sizeof *values, values, 0, NULL, NULL), "a write");
}

static void check(const struct example *on, const char *name, cl_mem buffer, const double *expected, size_t count)
{
    float actual[LONGER * STEP];
    example_read(on->queue, buffer, actual, count * sizeof *actual);
    expect_near(name, actual, expected, count, 1e-5);
}

/* Statistics differ from step to step. */
static void fill_steps(float *x, size_t steps)
{
    for (size_t t = 0; t < steps; t++)
        example_fill(x + t * STEP, STEP, 2 - 2 / (float)(t + 1));
}

static void check_at_once(const struct example *on, const struct layer *layer, const float *gamma, const float *beta)
{
    static float x[LONGER * STEP];
    static double y[LONGER * STEP];
    double running_mean[T * F] = { 0 }, running_var[T * F] = { 0 };
    for (int k = 0; k < BATCHES; k++) {
        fill_steps(x, T);
        write(on, layer->x, x, COUNT);
        train_at_once(on, layer, k);
        for (size_t t = 0; t < T; t++) {
            double mean[F], variance[F];
            host_statistics(x + t * STEP, N, F, 1, mean, variance);
            host_normalize(x + t * STEP, N, F, 1, mean, variance, epsilon, gamma, beta, y + t * STEP);
            for (size_t f = 0; f < F; f++) {
                running_mean[t * F + f] += mean[f] / BATCHES;
                running_var[t * F + f] += variance[f] * N / (N - 1) / BATCHES;
            }
        }
        check(on, "y of all steps", layer->y, y, COUNT);
    }
    check(on, "each step's running mean", layer->running_mean, running_mean, T * F);
    check(on, "each step's running variance", layer->running_var, running_var, T * F);

    fill_steps(x, LONGER);
    write(on, layer->x, x, LONGER * STEP);
    infer_longer(on, layer);
    for (size_t t = 0; t < LONGER; t++) {
        const size_t known = t < T ? t : T - 1;
        host_normalize(x + t * STEP, N, F, 1, running_mean + known * F, running_var + known * F, epsilon, gamma, beta,
                       y + t * STEP);
    }
    check(on, "y of a longer sequence", layer->y, y, LONGER * STEP);
}

static void check_step_by_step(const struct example *on, const struct layer *layer, const float *gamma, const float *beta)
{
    static float x[COUNT], dy[COUNT];
    static double g[COUNT], y[COUNT], dx[COUNT];
    double mean[T * F], variance[T * F], unbiased[T * F], dgamma[F] = { 0 }, dbeta[F] = { 0 };
    fill_steps(x, T);
    fill_steps(dy, T);
    write(on, layer->x, x, COUNT);
    write(on, layer->dy, dy, COUNT);
    for (size_t t = 0; t < T; t++)
        train_step(on, layer, t);
    for (size_t t = T; t-- > 0;)
        train_step_backward(on, layer, t);

    for (size_t i = 0; i < COUNT; i++)
        g[i] = dy[i];
    for (size_t t = 0; t < T; t++) {
        const size_t s = t * STEP, c = t * F;
        double step_dgamma[F], step_dbeta[F];
        host_statistics(x + s, N, F, 1, mean + c, variance + c);
        host_normalize(x + s, N, F, 1, mean + c, variance + c, epsilon, gamma, beta, y + s);
        host_gradients(x + s, g + s, N, F, 1, mean + c, variance + c, epsilon, gamma, dx + s, step_dgamma, step_dbeta);
        for (size_t f = 0; f < F; f++) {
            unbiased[c + f] = variance[c + f] * N / (N - 1);
            dgamma[f] += step_dgamma[f];
            dbeta[f] += step_dbeta[f];
        }
    }
    check(on, "y, step by step", layer->y, y, COUNT);
    check(on, "running mean, step by step", layer->running_mean, mean, T * F);
    check(on, "running variance, step by step", layer->running_var, unbiased, T * F);
    check(on, "dx", layer->dx, dx, COUNT);
    check(on, "dgamma of all steps", layer->dgamma, dgamma, F);
    check(on, "dbeta of all steps", layer->dbeta, dbeta, F);
}

int main(void)
{
    static const size_t shape[] = { T, N, F };
    struct example on = example_open(0);
    float gamma[T * F], beta[T * F];
    struct layer layer = { .steps = plan_of(on.engine, CLBN_AXIS(0) | CLBN_AXIS(2), 3, shape),
                           .rows = plan_of(on.engine, CLBN_AXIS(1), 2, shape + 1) };
    for (size_t i = 0; i < T * F; i++) {
        gamma[i] = 0.1f;
        beta[i] = (float)(i % F); /* 0 in the paper, where one bias serves both parts; here, to be seen */
    }
    layer.gamma = example_buffer(on.context, sizeof gamma, gamma);
    layer.beta = example_buffer(on.context, sizeof beta, beta);
    cl_mem *statistics[] = { &layer.running_mean, &layer.running_var, &layer.save_mean, &layer.save_invstd };
    cl_mem *tensors[] = { &layer.x, &layer.y, &layer.dy, &layer.dx };
    cl_mem *gradients[] = { &layer.dgamma, &layer.dbeta };
    for (int i = 0; i < 4; i++) {
        *statistics[i] = example_buffer(on.context, T * F * sizeof(float), NULL);
        *tensors[i] = example_buffer(on.context, LONGER * STEP * sizeof(float), NULL);
    }
    for (int i = 0; i < 2; i++)
        *gradients[i] = example_buffer(on.context, F * sizeof(float), NULL);

    check_at_once(&on, &layer, gamma, beta);
    check_step_by_step(&on, &layer, gamma, beta);

    for (int i = 0; i < 4; i++) {
        clReleaseMemObject(*statistics[i]);
        clReleaseMemObject(*tensors[i]);
    }
    for (int i = 0; i < 2; i++)
        clReleaseMemObject(*gradients[i]);
    clReleaseMemObject(layer.gamma);
    clReleaseMemObject(layer.beta);
    clbnReleasePlan(layer.steps);
    clbnReleasePlan(layer.rows);
    example_close(&on);
    return 0;
}
