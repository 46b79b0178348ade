#include "api/tuning_data.h"

#include "base/integers.h"
#include "base/status.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Elements of the random values that are repeated: a prime number, so that channels do not all have the same ones. */
#define BLOCK_ELEMENTS 65521

/* Vectors begin at multiples of so many elements. */
#define VECTOR_ALIGNMENT 64

/* ---- Random values -------------------------------------------------------------------------------------------------------- */

/* xorshift64 (Marsaglia 2003). */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Of an IEEE format: a number of magnitude 0.5 to 2 from random bits. bias: of the exponent. */
static uint64_t number_of(uint64_t random, unsigned fraction_bits, unsigned exponent_bits, uint64_t bias)
{
    uint64_t fraction = random & ((UINT64_C(1) << fraction_bits) - 1);
    uint64_t exponent = bias - (random >> 62 & 1);
    return random >> 63 << (fraction_bits + exponent_bits) | exponent << fraction_bits | fraction;
}

static void put_number(clbn_type type, uint64_t random, unsigned char *bytes)
{
    const uint64_t of_64_bits = number_of(random, 52, 11, 1023);
    const uint32_t of_32_bits = (uint32_t)number_of(random, 23, 8, 127);
    const uint16_t of_16_bits = (uint16_t)(type == CLBN_FLOAT16 ? number_of(random, 10, 5, 15) : number_of(random, 7, 8, 127));
    if (type == CLBN_FLOAT64)
        memcpy(bytes, &of_64_bits, sizeof(of_64_bits));
    else if (type == CLBN_FLOAT32)
        memcpy(bytes, &of_32_bits, sizeof(of_32_bits));
    else
        memcpy(bytes, &of_16_bits, sizeof(of_16_bits));
}

/* BLOCK_ELEMENTS random values, for the caller to free. */
static unsigned char *create_block(clbn_type type)
{
    const size_t size = bn_type_size(type);
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    unsigned char *block = malloc(BLOCK_ELEMENTS * size);
    for (size_t i = 0; i < BLOCK_ELEMENTS && block; i++)
        put_number(type, next_random(&state), block + i * size);
    return block;
}

/* ---- Buffers -------------------------------------------------------------------------------------------------------------- */

static cl_int create_buffer(clbn_plan plan, size_t bytes, cl_mem *buffer)
{
    cl_int status = CL_SUCCESS;
    *buffer = clCreateBuffer(plan->engine->context, CL_MEM_READ_WRITE, bytes, NULL, &status);
    if (status != CL_SUCCESS)
        return bn_fail(status, "clCreateBuffer failed with %s (%d) for %zu bytes to measure with.", clbnStatusName(status),
                       (int)status, bytes);
    return CLBN_SUCCESS;
}

static cl_int write_tensor(cl_command_queue queue, cl_mem buffer, size_t bytes, const unsigned char *block, size_t block_bytes)
{
    for (size_t offset = 0; offset < bytes; offset += block_bytes) {
        size_t count = bytes - offset < block_bytes ? bytes - offset : block_bytes;
        cl_int status = clEnqueueWriteBuffer(queue, buffer, CL_TRUE, offset, count, block, 0, NULL, NULL);
        if (status != CL_SUCCESS)
            return bn_fail_call(status, "clEnqueueWriteBuffer");
    }
    return CLBN_SUCCESS;
}

static cl_int create_tensors(struct tuning_data *data, clbn_plan plan, cl_command_queue queue)
{
    const clbn_type type = plan->desc.type;
    const size_t *reaches = plan->shape.reaches;
    const size_t size = bn_type_size(type);
    const size_t written = reaches[TENSOR_Y] > reaches[TENSOR_DX] ? reaches[TENSOR_Y] : reaches[TENSOR_DX];
    unsigned char *block = create_block(type);
    if (!block)
        return bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for values to measure with.");
    cl_int status = create_buffer(plan, reaches[TENSOR_X] * size, &data->x);
    if (status == CLBN_SUCCESS)
        status = create_buffer(plan, reaches[TENSOR_DY] * size, &data->dy);
    if (status == CLBN_SUCCESS)
        status = create_buffer(plan, written * size, &data->out);
    if (status == CLBN_SUCCESS)
        status = write_tensor(queue, data->x, reaches[TENSOR_X] * size, block, BLOCK_ELEMENTS * size);
    if (status == CLBN_SUCCESS)
        status = write_tensor(queue, data->dy, reaches[TENSOR_DY] * size, block, BLOCK_ELEMENTS * size);
    free(block);
    return status;
}

static cl_int fill_with_ones(cl_command_queue queue, cl_mem buffer, size_t bytes, clbn_type type)
{
    const cl_double one_double = 1;
    const cl_float one_float = 1;
    const void *one = type == CLBN_FLOAT64 ? (const void *)&one_double : (const void *)&one_float;
    cl_int status = clEnqueueFillBuffer(queue, buffer, one, bn_real_size(type), 0, bytes, 0, NULL, NULL);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clEnqueueFillBuffer");
    status = clFinish(queue);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clFinish");
}

/* All in one buffer. The tensors are there: so many channels do not overflow. */
static cl_int create_vectors(struct tuning_data *data, clbn_plan plan, cl_command_queue queue)
{
    clbn_view *const views[] = { &data->gamma,     &data->beta,        &data->running_mean, &data->running_var,
                                 &data->save_mean, &data->save_invstd, &data->dgamma,       &data->dbeta };
    const size_t count = COUNT_OF(views);
    const clbn_type type = plan->desc.type;
    const size_t length = (plan->shape.channels / VECTOR_ALIGNMENT + 1) * VECTOR_ALIGNMENT;
    const size_t bytes = count * length * bn_real_size(type);
    cl_int status = create_buffer(plan, bytes, &data->vectors);
    if (status != CLBN_SUCCESS)
        return status;
    for (size_t i = 0; i < count; i++) {
        views[i]->buffer = data->vectors;
        views[i]->offset = i * length;
    }
    return fill_with_ones(queue, data->vectors, bytes, type);
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
