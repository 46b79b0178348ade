/* SPDX-License-Identifier: MIT */
#include "train/network.h"

#include "io/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The floats of all layers' weights and biases. */
static size_t gradient_count(const struct network *network)
{
    size_t count = 0;

    for (size_t i = 0; i < NETWORK_LAYERS; i++)
        count += network->layers[i].inputs * network->layers[i].outputs + network->layers[i].outputs;
    return count;
}

static bool open_exchange(struct network *network, struct failure *failure)
{
    size_t rows;

    network->training.peers = network->options.peers;
    if (network->options.peers == NULL)
        return true;
    peers_share(network->options.peers, network->options.whole_rows, &network->first_row, &rows);
    network->exchanged = malloc(gradient_count(network) * sizeof *network->exchanged);
    return network->exchanged != NULL || fail(failure, "there is no memory for gradients");
}

/* The elements of a layer's buffer; 0 for one that the layer does not have. */
static size_t buffer_elements(const struct layer *layer, enum layer_buffer buffer, const struct network_options *options)
{
    size_t rows = options->training_rows > options->test_rows ? options->training_rows : options->test_rows;

    switch (buffer) {
    case LAYER_WEIGHTS:
    case LAYER_TRANSPOSED:
        return layer->inputs * layer->outputs;
    case LAYER_BIAS:
        return layer->batch_norm ? 0 : layer->outputs;
    case LAYER_Z:
        return layer->batch_norm ? rows * layer->outputs : 0;
    case LAYER_Y:
        return rows * layer->outputs;
    case LAYER_DROPPED:
        return layer->hidden && options->dropout > 0.0 ? options->training_rows * layer->outputs : 0;
    case LAYER_DY:
        return options->training_rows * layer->outputs;
    case LAYER_GRADIENT:
        return options->peers != NULL ? layer->inputs * layer->outputs : 0;
    case LAYER_BIAS_GRADIENT:
        return options->peers != NULL && !layer->batch_norm ? layer->outputs : 0;
    case LAYER_BUFFERS:
        break;
    }
    return 0;
}

/* Layers draw from streams of their own, so that networks of the same seed start with the same weights. */
static bool draw_weights(struct layer *layer, cl_command_queue queue, struct random *random, double deviation,
                         struct failure *failure)
{
    size_t count = layer->inputs * layer->outputs;
    cl_float *weights = malloc(count * sizeof *weights);

    if (weights == NULL)
        return fail(failure, "there is no memory for %zu weights", count);
    for (size_t i = 0; i < count; i++)
        weights[i] = (cl_float)(deviation * random_gaussian(random));
    cl_int status =
        clEnqueueWriteBuffer(queue, layer->buffers[LAYER_WEIGHTS], CL_TRUE, 0, count * sizeof *weights, weights, 0, NULL, NULL);
    free(weights);
    return status == CL_SUCCESS || fail_opencl(failure, "clEnqueueWriteBuffer", status);
}

static bool open_layer(struct network *network, size_t index, clbn_engine engine, struct random *random,
                       struct failure *failure)
{
    const struct network_options *options = &network->options;
    struct layer *layer = &network->layers[index];

    layer->hidden = index < NETWORK_HIDDEN;
    layer->batch_norm = layer->hidden && options->batch_norm;
    layer->inputs = index == 0 ? options->inputs : options->hidden;
    layer->outputs = layer->hidden ? options->hidden : options->classes;
    for (size_t i = 0; i < LAYER_BUFFERS; i++) {
        size_t count = buffer_elements(layer, (enum layer_buffer)i, options);

        if (count > 0) {
            layer->buffers[i] = arithmetic_buffer(network->arithmetic, count, failure);
            if (layer->buffers[i] == NULL)
                return false;
        }
    }
    const struct normalization_options normalization = { options->training_rows, options->test_rows, layer->outputs,
                                                         options->method, options->peers };
    if (layer->batch_norm && !normalization_open(&layer->normalization, network->arithmetic, engine, &normalization, failure))
        return false;
    return draw_weights(layer, network->arithmetic->queue, random, options->deviation, failure);
}

bool network_open(struct network *network, struct arithmetic *arithmetic, clbn_engine engine,
                  const struct network_options *options, struct failure *failure)
{
    struct random random = { options->seed };

    memset(network, 0, sizeof *network);
    network->arithmetic = arithmetic;
    network->options = *options;
    for (size_t i = 0; i < NETWORK_LAYERS; i++)
        if (!open_layer(network, i, engine, &random, failure))
            goto cleanup;
    /* The last batch is whole, too. */
    network->typical = arithmetic_buffer(arithmetic, options->test_samples + options->test_rows, failure);
    if (network->typical != NULL && tally_open(&network->training, arithmetic, options->training_rows, failure) &&
        tally_open(&network->test, arithmetic, options->test_rows, failure) && open_exchange(network, failure))
        return true;
cleanup:
    network_close(network);
    return false;
}

static void release_buffer(cl_mem buffer)
{
    if (buffer != NULL)
        clReleaseMemObject(buffer);
}

void network_close(struct network *network)
{
    for (size_t i = 0; i < NETWORK_LAYERS; i++) {
        struct layer *layer = &network->layers[i];

        for (size_t j = 0; j < LAYER_BUFFERS; j++)
            release_buffer(layer->buffers[j]);
        normalization_close(&layer->normalization);
    }
    tally_close(&network->training);
    tally_close(&network->test);
    release_buffer(network->typical);
    free(network->exchanged);
    memset(network, 0, sizeof *network);
}

/* The linear map of a layer, and its batch norm. */
static bool forward_layer(struct network *network, struct layer *layer, cl_mem x, size_t rows, bool training,
                          struct failure *failure)
{
    const struct factor factor = { x, rows, layer->inputs, false };
    cl_mem *buffers = layer->buffers;
    cl_mem y = buffers[LAYER_Y];
    cl_mem product = layer->batch_norm ? buffers[LAYER_Z] : y;

    if (!enqueue_multiply(network->arithmetic, factor, buffers[LAYER_WEIGHTS], layer->outputs, 1.0, buffers[LAYER_BIAS],
                          product, failure))
        return false;
    return !layer->batch_norm || (training ? normalization_train(&layer->normalization, product, y, network->bounds, failure)
                                           : normalization_test(&layer->normalization, product, y, failure));
}

/* Takes the first column of y behind what is there of the tally's samples. */
static bool keep_typical(struct network *network, const struct layer *layer, size_t rows, struct failure *failure)
{
    size_t row_pitch = layer->outputs * sizeof(cl_float);
    const size_t from[3] = { 0, 0, 0 };
    const size_t to[3] = { network->test.samples * sizeof(cl_float), 0, 0 };
    const size_t region[3] = { sizeof(cl_float), rows, 1 };
    cl_int status = clEnqueueCopyBufferRect(network->arithmetic->queue, layer->buffers[LAYER_Y], network->typical, from, to,
                                            region, row_pitch, 0, sizeof(cl_float), 0, 0, NULL, NULL);

    return status == CL_SUCCESS || fail_opencl(failure, "clEnqueueCopyBufferRect", status);
}

/* The mask of a hidden layer in this step, by indices in the whole batch. Networks of the same seed have the same masks. */
static struct mask mask_of(const struct network *network, size_t index)
{
    struct random random = { network->options.seed };

    random.state = random_word(&random) ^ network->step;
    random.state = random_word(&random) ^ index;
    const struct mask mask = { network->options.dropout, random_word(&random),
                               network->first_row * network->layers[index].outputs };
    return mask;
}

static bool enqueue_dropout(struct network *network, size_t index, cl_mem x, size_t rows, cl_mem y, struct failure *failure)
{
    const struct mask mask = mask_of(network, index);

    return enqueue_drop(network->arithmetic, x, rows * network->layers[index].outputs, &mask, y, failure);
}

cl_mem network_layer_input(const struct network *network, size_t index, cl_mem x)
{
    if (index == 0)
        return x;
    const struct layer *below = &network->layers[index - 1];
    return below->buffers[below->buffers[LAYER_DROPPED] != NULL ? LAYER_DROPPED : LAYER_Y];
}

/* The outputs of the last layer, at its LAYER_Y. */
static bool forward(struct network *network, cl_mem x, size_t rows, bool training, struct failure *failure)
{
    for (size_t i = 0; i < NETWORK_LAYERS; i++) {
        struct layer *layer = &network->layers[i];

        if (!forward_layer(network, layer, x, rows, training, failure))
            return false;
        x = layer->buffers[LAYER_Y];
        if (!training && i == NETWORK_HIDDEN - 1 && !keep_typical(network, layer, rows, failure))
            return false;
        if (layer->hidden && !enqueue_sigmoid(network->arithmetic, x, rows * layer->outputs, failure))
            return false;
        if (training && layer->buffers[LAYER_DROPPED] != NULL) {
            if (!enqueue_dropout(network, i, x, rows, layer->buffers[LAYER_DROPPED], failure))
                return false;
            x = layer->buffers[LAYER_DROPPED];
        }
    }
    return true;
}

bool network_activation_gradient(struct network *network, size_t index, size_t rows, struct failure *failure)
{
    const struct layer *layer = &network->layers[index];
    cl_mem dy = layer->buffers[LAYER_DY];

    return (layer->buffers[LAYER_DROPPED] == NULL || enqueue_dropout(network, index, dy, rows, dy, failure)) &&
           enqueue_sigmoid_gradient(network->arithmetic, layer->buffers[LAYER_Y], dy, rows * layer->outputs, failure);
}

bool network_input_gradient(struct arithmetic *arithmetic, struct layer *layer, cl_mem dx, size_t rows, struct failure *failure)
{
    cl_mem *buffers = layer->buffers;
    const struct factor outer = { buffers[LAYER_DY], rows, layer->outputs, false };

    return enqueue_transpose(arithmetic, buffers[LAYER_WEIGHTS], layer->inputs, layer->outputs, buffers[LAYER_TRANSPOSED],
                             failure) &&
           enqueue_multiply(arithmetic, outer, buffers[LAYER_TRANSPOSED], layer->inputs, 1.0, NULL, dx, failure);
}

bool network_weight_gradient(struct arithmetic *arithmetic, struct layer *layer, cl_mem x, size_t rows, double scale,
                             cl_mem start, cl_mem gradient, struct failure *failure)
{
    const struct factor x_transposed = { x, rows, layer->inputs, true };

    return enqueue_multiply(arithmetic, x_transposed, layer->buffers[LAYER_DY], layer->outputs, scale, start, gradient,
                            failure);
}

/* From the gradient of y, at LAYER_DY, to those of the parameters, which take their step, and of the layer's input. */
static bool backward_layer(struct network *network, size_t index, cl_mem x, size_t rows, struct failure *failure)
{
    struct arithmetic *arithmetic = network->arithmetic;
    struct layer *layer = &network->layers[index];
    cl_mem *buffers = layer->buffers;
    cl_mem dx = index == 0 ? NULL : network->layers[index - 1].buffers[LAYER_DY];
    cl_mem dy = buffers[LAYER_DY];
    double learning_rate = network->options.learning_rate;

    if (layer->hidden && !network_activation_gradient(network, index, rows, failure))
        return false;
    if (layer->batch_norm
            ? !normalization_start_backward(&layer->normalization, buffers[LAYER_Z], dy, failure) ||
                  !normalization_finish_backward(&layer->normalization, learning_rate, failure)
            : !enqueue_descend_bias(arithmetic, buffers[LAYER_BIAS], dy, learning_rate, rows, layer->outputs, failure))
        return false;
    return (dx == NULL || network_input_gradient(arithmetic, layer, dx, rows, failure)) &&
           network_weight_gradient(arithmetic, layer, network_layer_input(network, index, x), rows, -learning_rate,
                                   buffers[LAYER_WEIGHTS], buffers[LAYER_WEIGHTS], failure);
}

/* scale: of the gradients, or of no matter without them. */
static bool classify(struct network *network, const struct batch *batch, struct tally *tally, double scale, cl_mem gradients,
                     struct failure *failure)
{
    cl_mem outputs = network->layers[NETWORK_HIDDEN].buffers[LAYER_Y];

    tally->samples += batch->rows;
    return enqueue_classify(network->arithmetic, outputs, batch, network->options.classes, scale, gradients, tally->losses,
                            tally->hits, failure);
}

bool network_train(struct network *network, cl_mem x, const struct batch *batch, struct failure *failure)
{
    struct layer *layers = network->layers;
    /* The gradient is that of the mean over all peers' rows. */
    double share = network->options.peers != NULL ? (double)batch->rows / (double)network->options.whole_rows : 1.0;

    if (!forward(network, x, batch->rows, true, failure) ||
        !classify(network, batch, &network->training, share, layers[NETWORK_HIDDEN].buffers[LAYER_DY], failure))
        return false;
    if (network->options.peers != NULL)
        return network_backward_with_peers(network, x, batch->rows, failure);
    for (size_t i = NETWORK_LAYERS; i-- > 0;)
        if (!backward_layer(network, i, x, batch->rows, failure))
            return false;
    return true;
}

bool network_test(struct network *network, cl_mem x, const struct batch *batch, struct failure *failure)
{
    /* The plan's batch is whole: the rows after a smaller batch are computed, too, and then left out. */
    return forward(network, x, network->options.test_rows, false, failure) &&
           classify(network, batch, &network->test, 1.0, NULL, failure);
}

bool network_read_typical(struct network *network, float *values, struct failure *failure)
{
    cl_int status = clEnqueueReadBuffer(network->arithmetic->queue, network->typical, CL_TRUE, 0,
                                        network->test.samples * sizeof *values, values, 0, NULL, NULL);

    return status == CL_SUCCESS || fail_opencl(failure, "clEnqueueReadBuffer", status);
}

bool network_checkpoint(struct network *network, struct checkpoint *checkpoint, struct failure *failure)
{
    for (size_t i = 0; i < NETWORK_LAYERS; i++) {
        struct layer *layer = &network->layers[i];
        cl_mem bias = layer->buffers[LAYER_BIAS];

        if (!checkpoint_floats(checkpoint, network->arithmetic, layer->buffers[LAYER_WEIGHTS], layer->inputs * layer->outputs,
                               failure) ||
            (bias != NULL && !checkpoint_floats(checkpoint, network->arithmetic, bias, layer->outputs, failure)) ||
            (layer->batch_norm && !normalization_checkpoint(&layer->normalization, checkpoint, failure)))
            return false;
    }
    return true;
}
