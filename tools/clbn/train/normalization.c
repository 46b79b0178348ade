/* SPDX-License-Identifier: MIT */
#include "train/normalization.h"

#include <string.h>

static clbn_plan create_plan(clbn_engine engine, size_t rows, size_t width, size_t ghost_batch, struct failure *failure)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    cl_int status;

    desc.rank = 2;
    desc.shape[0] = rows;
    desc.shape[1] = width;
    desc.ghost_batch = ghost_batch;
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    if (plan == NULL)
        fail_clbn(failure, "clbnCreatePlan", status);
    return plan;
}

/* Bytes of workspace that are enough for both plans. */
static bool workspace_size(const struct normalization *layer, size_t *size, struct failure *failure)
{
    const clbn_plan plans[] = { layer->training, layer->test };

    *size = 0;
    const clbn_plan_info name = layer->method.kind == METHOD_RENORM ? CLBN_PLAN_RENORM_WORKSPACE : CLBN_PLAN_WORKSPACE_SIZE;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        size_t needed;
        cl_int status = clbnGetPlanInfo(plans[i], name, sizeof needed, &needed, NULL);

        if (status != CLBN_SUCCESS)
            return fail_clbn(failure, "clbnGetPlanInfo", status);
        *size = needed > *size ? needed : *size;
    }
    return true;
}

static size_t buffer_elements(const struct normalization *layer, size_t buffer, size_t workspace)
{
    if (buffer == NORMALIZATION_WORKSPACE)
        return workspace / sizeof(cl_float) + 1;
    if (buffer == NORMALIZATION_SAVE_MEAN || buffer == NORMALIZATION_SAVE_INVSTD)
        return layer->saved_rows * layer->width;
    return layer->width;
}

static bool create_buffers(struct normalization *layer, struct failure *failure)
{
    size_t workspace;

    if (!workspace_size(layer, &workspace, failure))
        return false;
    for (size_t i = 0; i < NORMALIZATION_BUFFERS; i++) {
        layer->buffers[i] = arithmetic_buffer(layer->arithmetic, buffer_elements(layer, i, workspace), failure);
        if (layer->buffers[i] == NULL)
            return false;
    }
    return arithmetic_fill(layer->arithmetic, layer->buffers[NORMALIZATION_GAMMA], layer->width, 1.0, failure) &&
           arithmetic_fill(layer->arithmetic, layer->buffers[NORMALIZATION_RUNNING_VAR], layer->width, 1.0, failure);
}

bool normalization_open(struct normalization *layer, struct arithmetic *arithmetic, clbn_engine engine,
                        const struct normalization_options *options, struct failure *failure)
{
    memset(layer, 0, sizeof *layer);
    layer->arithmetic = arithmetic;
    layer->width = options->width;
    layer->method = options->method;
    layer->saved_rows = method_rows(&options->method, options->training_rows);
    layer->training = create_plan(engine, options->training_rows, options->width, options->method.ghost_batch, failure);
    if (layer->training != NULL)
        layer->test = create_plan(engine, options->test_rows, options->width, 0, failure);
    if (layer->test == NULL || !create_buffers(layer, failure) ||
        (options->peers != NULL && !peers_open_plan(options->peers, layer->training, &layer->shared, failure))) {
        normalization_close(layer);
        return false;
    }
    return true;
}

void normalization_close(struct normalization *layer)
{
    for (size_t i = 0; i < NORMALIZATION_BUFFERS; i++)
        if (layer->buffers[i] != NULL)
            clReleaseMemObject(layer->buffers[i]);
    if (layer->shared != NULL)
        peers_close_plan(layer->shared);
    clbnReleasePlan(layer->training);
    clbnReleasePlan(layer->test);
    memset(layer, 0, sizeof *layer);
}

static bool train_renorm(struct normalization *layer, cl_mem x, cl_mem y, struct renorm_bounds bounds, struct failure *failure)
{
    clbn_forward_renorm_args args = CLBN_FORWARD_RENORM_ARGS_INIT;

    args.x.buffer = x;
    args.y.buffer = y;
    args.gamma.buffer = layer->buffers[NORMALIZATION_GAMMA];
    args.beta.buffer = layer->buffers[NORMALIZATION_BETA];
    args.running_mean.buffer = layer->buffers[NORMALIZATION_RUNNING_MEAN];
    args.running_var.buffer = layer->buffers[NORMALIZATION_RUNNING_VAR];
    args.save_mean.buffer = layer->buffers[NORMALIZATION_SAVE_MEAN];
    args.save_invstd.buffer = layer->buffers[NORMALIZATION_SAVE_INVSTD];
    args.save_r.buffer = layer->buffers[NORMALIZATION_SAVE_R];
    args.save_d.buffer = layer->buffers[NORMALIZATION_SAVE_D];
    args.r_max = bounds.r_max;
    args.d_max = bounds.d_max;
    args.workspace.buffer = layer->buffers[NORMALIZATION_WORKSPACE];
    cl_int status = clbnEnqueueForwardRenorm(layer->training, layer->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueForwardRenorm", status);
}

static bool train_batch(struct normalization *layer, cl_mem x, cl_mem y, struct failure *failure)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;

    args.x.buffer = x;
    args.y.buffer = y;
    args.gamma.buffer = layer->buffers[NORMALIZATION_GAMMA];
    args.beta.buffer = layer->buffers[NORMALIZATION_BETA];
    args.running_mean.buffer = layer->buffers[NORMALIZATION_RUNNING_MEAN];
    args.running_var.buffer = layer->buffers[NORMALIZATION_RUNNING_VAR];
    args.save_mean.buffer = layer->buffers[NORMALIZATION_SAVE_MEAN];
    args.save_invstd.buffer = layer->buffers[NORMALIZATION_SAVE_INVSTD];
    args.workspace.buffer = layer->buffers[NORMALIZATION_WORKSPACE];
    if (layer->shared != NULL)
        return peers_start_forward(layer->shared, layer->arithmetic->queue, &args, failure) &&
               peers_finish(layer->shared, failure);
    cl_int status = clbnEnqueueForwardTraining(layer->training, layer->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueForwardTraining", status);
}

bool normalization_train(struct normalization *layer, cl_mem x, cl_mem y, struct renorm_bounds bounds, struct failure *failure)
{
    return layer->method.kind == METHOD_RENORM ? train_renorm(layer, x, y, bounds, failure) : train_batch(layer, x, y, failure);
}

bool normalization_test(struct normalization *layer, cl_mem x, cl_mem y, struct failure *failure)
{
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;

    args.x.buffer = x;
    args.y.buffer = y;
    args.gamma.buffer = layer->buffers[NORMALIZATION_GAMMA];
    args.beta.buffer = layer->buffers[NORMALIZATION_BETA];
    args.running_mean.buffer = layer->buffers[NORMALIZATION_RUNNING_MEAN];
    args.running_var.buffer = layer->buffers[NORMALIZATION_RUNNING_VAR];
    args.workspace.buffer = layer->buffers[NORMALIZATION_WORKSPACE];
    cl_int status = clbnEnqueueForwardInference(layer->test, layer->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueForwardInference", status);
}

static bool backward_renorm(struct normalization *layer, cl_mem x, cl_mem dy, struct failure *failure)
{
    clbn_backward_renorm_args args = CLBN_BACKWARD_RENORM_ARGS_INIT;

    args.x.buffer = x;
    args.dy.buffer = dy;
    args.dx.buffer = dy;
    args.gamma.buffer = layer->buffers[NORMALIZATION_GAMMA];
    args.save_mean.buffer = layer->buffers[NORMALIZATION_SAVE_MEAN];
    args.save_invstd.buffer = layer->buffers[NORMALIZATION_SAVE_INVSTD];
    args.save_r.buffer = layer->buffers[NORMALIZATION_SAVE_R];
    args.save_d.buffer = layer->buffers[NORMALIZATION_SAVE_D];
    args.dgamma.buffer = layer->buffers[NORMALIZATION_DGAMMA];
    args.dbeta.buffer = layer->buffers[NORMALIZATION_DBETA];
    args.workspace.buffer = layer->buffers[NORMALIZATION_WORKSPACE];
    cl_int status = clbnEnqueueBackwardRenorm(layer->training, layer->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueBackwardRenorm", status);
}

static bool backward_batch(struct normalization *layer, cl_mem x, cl_mem dy, struct failure *failure)
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;

    args.x.buffer = x;
    args.dy.buffer = dy;
    args.dx.buffer = dy;
    args.gamma.buffer = layer->buffers[NORMALIZATION_GAMMA];
    args.save_mean.buffer = layer->buffers[NORMALIZATION_SAVE_MEAN];
    args.save_invstd.buffer = layer->buffers[NORMALIZATION_SAVE_INVSTD];
    args.dgamma.buffer = layer->buffers[NORMALIZATION_DGAMMA];
    args.dbeta.buffer = layer->buffers[NORMALIZATION_DBETA];
    args.workspace.buffer = layer->buffers[NORMALIZATION_WORKSPACE];
    if (layer->shared != NULL)
        return peers_start_backward(layer->shared, layer->arithmetic->queue, &args, failure);
    cl_int status = clbnEnqueueBackward(layer->training, layer->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueBackward", status);
}

bool normalization_start_backward(struct normalization *layer, cl_mem x, cl_mem dy, struct failure *failure)
{
    return layer->method.kind == METHOD_RENORM ? backward_renorm(layer, x, dy, failure) : backward_batch(layer, x, dy, failure);
}

bool normalization_finish_backward(struct normalization *layer, double learning_rate, struct failure *failure)
{
    if (layer->shared != NULL && !peers_finish(layer->shared, failure))
        return false;
    return enqueue_descend(layer->arithmetic, layer->buffers[NORMALIZATION_GAMMA], layer->buffers[NORMALIZATION_DGAMMA],
                           learning_rate, layer->width, failure) &&
           enqueue_descend(layer->arithmetic, layer->buffers[NORMALIZATION_BETA], layer->buffers[NORMALIZATION_DBETA],
                           learning_rate, layer->width, failure);
}

bool normalization_checkpoint(struct normalization *layer, struct checkpoint *checkpoint, struct failure *failure)
{
    static const enum normalization_buffer kept[] = { NORMALIZATION_GAMMA, NORMALIZATION_BETA, NORMALIZATION_RUNNING_MEAN,
                                                      NORMALIZATION_RUNNING_VAR };

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (!checkpoint_floats(checkpoint, layer->arithmetic, layer->buffers[kept[i]], layer->width, failure))
            return false;
    return true;
}
