/* SPDX-License-Identifier: MIT */
#include "api/tuning_data.h"

#include "base/integers.h"
#include "base/status.h"

#include <string.h>

/* Each vector of channels begins at a multiple of so many elements. */
#define VECTOR_ALIGNMENT 64

/* ---- Buffers -------------------------------------------------------------------------------------------------------------- */

/* All elements are 1: no kernel takes longer for other numbers. */
static const void *one_of(clbn_type type)
{
    static const cl_double of_64_bits = 1;
    static const cl_float of_32_bits = 1;
    static const cl_ushort half = 0x3c00, bfloat16 = 0x3f80;
    switch (type) {
    case CLBN_FLOAT64:
        return &of_64_bits;
    case CLBN_FLOAT32:
        return &of_32_bits;
    default:
        return type == CLBN_FLOAT16 ? &half : &bfloat16;
    }
}

static cl_int create_filled(clbn_plan plan, cl_command_queue queue, clbn_type type, size_t elements, cl_mem *buffer)
{
    const size_t bytes = elements * bn_type_size(type);
    cl_int status = CL_SUCCESS;
    *buffer = clCreateBuffer(plan->engine->context, CL_MEM_READ_WRITE, bytes, NULL, &status);
    if (status != CL_SUCCESS)
        return bn_fail(status, "clCreateBuffer failed with %s (%d) for %zu bytes to measure with.", clbnStatusName(status),
                       (int)status, bytes);
    status = clEnqueueFillBuffer(queue, *buffer, one_of(type), bn_type_size(type), 0, bytes, 0, NULL, NULL);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clEnqueueFillBuffer");
}

static cl_int create_tensors(struct tuning_data *data, clbn_plan plan, cl_command_queue queue)
{
    const clbn_type type = plan->desc.type;
    const size_t *reaches = plan->shape.reaches;
    cl_int status = create_filled(plan, queue, type, reaches[TENSOR_X], &data->x);
    if (status == CLBN_SUCCESS)
        status = create_filled(plan, queue, type, reaches[TENSOR_DY], &data->dy);
    if (status == CLBN_SUCCESS)
        status = create_filled(plan, queue, type, greater(reaches[TENSOR_Y], reaches[TENSOR_DX]), &data->out);
    return status;
}

/* All in one buffer. Its size does not overflow, since tensors of as many channels have been allocated. */
static cl_int create_vectors(struct tuning_data *data, clbn_plan plan, cl_command_queue queue)
{
    clbn_view *const views[] = { &data->gamma,     &data->beta,        &data->running_mean, &data->running_var,
                                 &data->save_mean, &data->save_invstd, &data->dgamma,       &data->dbeta };
    const size_t count = COUNT_OF(views);
    const size_t length = (plan->shape.channels / VECTOR_ALIGNMENT + 1) * VECTOR_ALIGNMENT;
    cl_int status = create_filled(plan, queue, bn_real_type(plan->desc.type), count * length, &data->vectors);
    if (status != CLBN_SUCCESS)
        return status;
    for (size_t i = 0; i < count; i++) {
        views[i]->buffer = data->vectors;
        views[i]->offset = i * length;
    }
    status = clFinish(queue);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clFinish");
}

cl_int bn_open_tuning_data(struct tuning_data *data, clbn_plan plan, cl_command_queue queue)
{
    memset(data, 0, sizeof(*data));
    cl_int status = create_tensors(data, plan, queue);
    if (status == CLBN_SUCCESS)
        status = create_vectors(data, plan, queue);
    if (status != CLBN_SUCCESS)
        bn_close_tuning_data(data);
    return status;
}

void bn_close_tuning_data(struct tuning_data *data)
{
    const cl_mem buffers[] = { data->x, data->dy, data->out, data->vectors };
    for (size_t i = 0; i < COUNT_OF(buffers); i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    memset(data, 0, sizeof(*data));
}

/* ---- Passes --------------------------------------------------------------------------------------------------------------- */

static cl_int enqueue_forward(const struct tuning_data *d, clbn_plan plan, cl_mem workspace, cl_command_queue queue,
                              cl_event *event)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x.buffer = d->x;
    args.y.buffer = d->out;
    args.gamma = d->gamma;
    args.beta = d->beta;
    args.running_mean = d->running_mean;
    args.running_var = d->running_var;
    args.running_variance = CLBN_BIASED; /* for one value to a channel, too */
    args.save_mean = d->save_mean;
    args.save_invstd = d->save_invstd;
    args.workspace.buffer = workspace;
    return clbnEnqueueForwardTraining(plan, queue, &args, 0, NULL, event);
}

static cl_int enqueue_backward(const struct tuning_data *d, clbn_plan plan, cl_mem workspace, cl_command_queue queue,
                               cl_event *event)
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;
    args.x.buffer = d->x;
    args.dy.buffer = d->dy;
    args.gamma = d->gamma;
    args.beta = d->beta;
    args.save_mean = d->save_mean;
    args.save_invstd = d->save_invstd;
    args.dx.buffer = d->out;
    args.dgamma = d->dgamma;
    args.dbeta = d->dbeta;
    args.workspace.buffer = workspace;
    return clbnEnqueueBackward(plan, queue, &args, 0, NULL, event);
}

static cl_int enqueue_inference(const struct tuning_data *d, clbn_plan plan, cl_mem workspace, cl_command_queue queue,
                                cl_event *event)
{
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    args.x.buffer = d->x;
    args.y.buffer = d->out;
    args.gamma = d->gamma;
    args.beta = d->beta;
    args.running_mean = d->running_mean;
    args.running_var = d->running_var;
    args.workspace.buffer = workspace;
    return clbnEnqueueForwardInference(plan, queue, &args, 0, NULL, event);
}

cl_int bn_enqueue_tuning_pass(const struct tuning_data *data, clbn_plan plan, enum pass pass, cl_mem workspace,
                              cl_command_queue queue, cl_event *event)
{
    switch (pass) {
    case PASS_FORWARD:
        return enqueue_forward(data, plan, workspace, queue, event);
    case PASS_BACKWARD:
        return enqueue_backward(data, plan, workspace, queue, event);
    default:
        return enqueue_inference(data, plan, workspace, queue, event);
    }
}
