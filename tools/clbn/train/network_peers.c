/* SPDX-License-Identifier: MIT */
/*
 * The backward of a process that has a share of the batch. Gradients of weights and biases are summed over all shares, all at once, and
 * then take their step; those of gamma and beta are the whole batch's already. While a batch norm's sums travel, the device has the
 * gradient of the weights above it to compute.
 */
#include "train/network.h"

/* A layer's gradients in turn: its weights', and its bias's where it has one. */
static bool exchange_buffer(struct network *network, cl_mem gradient, size_t count, bool write, size_t *at,
                            struct failure *failure)
{
    cl_command_queue queue = network->arithmetic->queue;
    float *values = network->exchanged + *at;
    size_t size = count * sizeof *values;

    if (gradient == NULL)
        return true;
    *at += count;
    cl_int status = write ? clEnqueueWriteBuffer(queue, gradient, CL_FALSE, 0, size, values, 0, NULL, NULL)
                          : clEnqueueReadBuffer(queue, gradient, CL_FALSE, 0, size, values, 0, NULL, NULL);
    return status == CL_SUCCESS || fail_opencl(failure, write ? "clEnqueueWriteBuffer" : "clEnqueueReadBuffer", status);
}

/* Reads all gradients, or writes them, and waits. */
static bool exchange_buffers(struct network *network, bool write, size_t *count, struct failure *failure)
{
    bool done = true;

    *count = 0;
    for (size_t i = 0; i < NETWORK_LAYERS && done; i++) {
        struct layer *layer = &network->layers[i];

        done =
            exchange_buffer(network, layer->buffers[LAYER_GRADIENT], layer->inputs * layer->outputs, write, count, failure) &&
            exchange_buffer(network, layer->buffers[LAYER_BIAS_GRADIENT], layer->outputs, write, count, failure);
    }
    cl_int status = clFinish(network->arithmetic->queue); /* after a failure too: the memory may be written to */
    return done && (status == CL_SUCCESS || fail_opencl(failure, "clFinish", status));
}

static bool step_layer(struct network *network, struct layer *layer, struct failure *failure)
{
    cl_mem *buffers = layer->buffers;
    double rate = network->options.learning_rate;

    return enqueue_descend(network->arithmetic, buffers[LAYER_WEIGHTS], buffers[LAYER_GRADIENT], rate,
                           layer->inputs * layer->outputs, failure) &&
           (buffers[LAYER_BIAS] == NULL || enqueue_descend(network->arithmetic, buffers[LAYER_BIAS],
                                                           buffers[LAYER_BIAS_GRADIENT], rate, layer->outputs, failure));
}

static bool bias_gradient(struct arithmetic *arithmetic, struct layer *layer, size_t rows, struct failure *failure)
{
    cl_mem gradient = layer->buffers[LAYER_BIAS_GRADIENT];

    return arithmetic_fill(arithmetic, gradient, layer->outputs, 0.0, failure) &&
           enqueue_descend_bias(arithmetic, gradient, layer->buffers[LAYER_DY], -1.0, rows, layer->outputs, failure);
}

static bool weight_gradient(struct network *network, size_t index, cl_mem x, size_t rows, struct failure *failure)
{
    struct layer *layers = network->layers;

    return network_weight_gradient(network->arithmetic, &layers[index], network_layer_input(network, index, x), rows, 1.0, NULL,
                                   layers[index].buffers[LAYER_GRADIENT], failure);
}

static bool backward_layer(struct network *network, size_t index, cl_mem x, size_t rows, struct failure *failure)
{
    struct arithmetic *arithmetic = network->arithmetic;
    struct layer *layer = &network->layers[index];
    cl_mem *buffers = layer->buffers;
    cl_mem dx = index == 0 ? NULL : network->layers[index - 1].buffers[LAYER_DY];

    if (layer->hidden && !network_activation_gradient(network, index, rows, failure))
        return false;
    if (layer->batch_norm && !normalization_start_backward(&layer->normalization, buffers[LAYER_Z], buffers[LAYER_DY], failure))
        return false;
    if (layer->hidden && !weight_gradient(network, index + 1, x, rows, failure))
        return false;
    if (layer->batch_norm ? !normalization_finish_backward(&layer->normalization, network->options.learning_rate, failure)
                          : !bias_gradient(arithmetic, layer, rows, failure))
        return false;
    return dx == NULL || network_input_gradient(arithmetic, layer, dx, rows, failure);
}

bool network_backward_with_peers(struct network *network, cl_mem x, size_t rows, struct failure *failure)
{
    size_t count;

    for (size_t i = NETWORK_LAYERS; i-- > 0;)
        if (!backward_layer(network, i, x, rows, failure))
            return false;
    if (!weight_gradient(network, 0, x, rows, failure) || !exchange_buffers(network, false, &count, failure) ||
        !peers_sum_floats(network->options.peers, network->exchanged, count, failure) ||
        !exchange_buffers(network, true, &count, failure))
        return false;
    for (size_t i = 0; i < NETWORK_LAYERS; i++)
        if (!step_layer(network, &network->layers[i], failure))
            return false;
    return true;
}
