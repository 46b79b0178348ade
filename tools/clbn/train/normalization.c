/* SPDX-License-Identifier: MIT */
#include "train/normalization.h"

#include <string.h>

static clbn_plan create_plan(clbn_engine engine, size_t rows, size_t width, struct failure *failure)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    cl_int status;

    desc.rank = 2;
    desc.shape[0] = rows;
    desc.shape[1] = width;
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
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        size_t needed;
        cl_int status = clbnGetPlanInfo(plans[i], CLBN_PLAN_WORKSPACE_SIZE, sizeof needed, &needed, NULL);

        if (status != CLBN_SUCCESS)
            return fail_clbn(failure, "clbnGetPlanInfo", status);
        *size = needed > *size ? needed : *size;
    }
    return true;
}

static bool create_buffers(struct normalization *layer, struct failure *failure)
{
    size_t workspace;

    if (!workspace_size(layer, &workspace, failure))
        return false;
    for (size_t i = 0; i < NORMALIZATION_BUFFERS; i++) {
        size_t count = i == NORMALIZATION_WORKSPACE ? workspace / sizeof(cl_float) + 1 : layer->width;

        layer->buffers[i] = arithmetic_buffer(layer->arithmetic, count, failure);
        if (layer->buffers[i] == NULL)
            return false;
    }
    return arithmetic_fill(layer->arithmetic, layer->buffers[NORMALIZATION_GAMMA], layer->width, 1.0, failure) &&
           arithmetic_fill(layer->arithmetic, layer->buffers[NORMALIZATION_RUNNING_VAR], layer->width, 1.0, failure);
}

bool normalization_open(struct normalization *layer, struct arithmetic *arithmetic, clbn_engine engine, size_t training_rows,
                        size_t test_rows, size_t width, const struct peers *peers, struct failure *failure)
{
    memset(layer, 0, sizeof *layer);
    layer->arithmetic = arithmetic;
    layer->width = width;
    layer->training = create_plan(engine, training_rows, width, failure);
    if (layer->training != NULL)
        layer->test = create_plan(engine, test_rows, width, failure);
    if (layer->test == NULL || !create_buffers(layer, failure) ||
        (peers != NULL && !peers_open_plan(peers, layer->training, &layer->shared, failure))) {
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

bool normalization_train(struct normalization *layer, cl_mem x, cl_mem y, struct failure *failure)
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

bool normalization_start_backward(struct normalization *layer, cl_mem x, cl_mem dy, struct failure *failure)
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
