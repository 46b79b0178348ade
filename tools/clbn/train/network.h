/* SPDX-License-Identifier: MIT */
/*
 * The network of the paper's section 4.1: linear layers with three hidden ones in front of a softmax, trained by
 * stochastic gradient descent.
 *
 *     hidden layer:                   y = sigmoid(x W + bias)
 *     hidden layer with batch norm:   y = sigmoid(BN(x W)), where beta takes the bias's place
 *     last layer:                     y = x W + bias
 *
 * In training, dropout (Srivastava et al. 2014) may drop values of each hidden y on their way to the next layer.
 *
 * All its work is enqueued on the arithmetic's queue; only opening it and reading a tally wait for the device.
 */
#ifndef CLBN_TOOL_NETWORK_H
#define CLBN_TOOL_NETWORK_H

#include "io/failure.h"
#include "train/arithmetic.h"
#include "train/checkpoint.h"
#include "train/normalization.h"
#include "train/tally.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETWORK_HIDDEN = 3, NETWORK_LAYERS = NETWORK_HIDDEN + 1 };

struct network_options {
    size_t inputs;        /* values of a sample */
    size_t hidden;        /* outputs of each hidden layer */
    size_t classes;       /* outputs of the last layer */
    size_t training_rows; /* samples of a training batch */
    size_t test_rows;     /* most samples of a test batch */
    size_t test_samples;  /* most samples that are tested between two readings of the tally */
    bool batch_norm;
    struct method method; /* of batch norm */
    double dropout;       /* the share of a hidden layer's values that training drops: at least 0, below 1 */
    double learning_rate;
    double deviation; /* standard deviation of the initial weights */
    uint64_t seed;    /* of the initial weights and the masks of dropout */
    /* Who have the rest of each training batch, of training_rows of whole_rows; NULL alone. */
    const struct peers *peers;
    size_t whole_rows;
};

enum layer_buffer {
    LAYER_WEIGHTS,    /* (inputs, outputs) */
    LAYER_TRANSPOSED, /* (outputs, inputs): the weights, for the gradient of the input */
    LAYER_BIAS,       /* (outputs); not in layers with batch norm */
    LAYER_Z,          /* (rows, outputs): the input of the batch norm; only there */
    LAYER_Y,          /* (rows, outputs) */
    LAYER_DROPPED,    /* (rows, outputs): y after dropout; only with it, in hidden layers */
    LAYER_DY,         /* (rows, outputs): gradients, from that of y, dropped or not, to that of x W */
    LAYER_GRADIENT,   /* (inputs, outputs): the weights', of this process's share; with peers only, as the next */
    LAYER_BIAS_GRADIENT,
    LAYER_BUFFERS
};

struct layer {
    size_t inputs;
    size_t outputs;
    bool hidden;
    bool batch_norm;
    cl_mem buffers[LAYER_BUFFERS];
    struct normalization normalization;
};

/* All zero: closed. */
struct network {
    struct arithmetic *arithmetic;
    struct network_options options;
    struct layer layers[NETWORK_LAYERS];
    struct tally training;
    struct tally test;
    /* float: of each sample of the tally of tests, what a typical sigmoid, the first of the last hidden layer, is given. */
    cl_mem typical;
    float *exchanged;            /* all layers' gradients, on their way to the peers; NULL alone */
    struct renorm_bounds bounds; /* of the next step's renormalization */
    size_t step;                 /* the next one's number, on which the masks of dropout depend */
    size_t first_row;            /* of the whole batch, here */
};

/* The arithmetic must outlive the network. engine may be NULL without batch norm. On failure the network is closed. */
bool network_open(struct network *network, struct arithmetic *arithmetic, clbn_engine engine,
                  const struct network_options *options, struct failure *failure);
void network_close(struct network *network);

/* One step of gradient descent on a batch of training_rows samples, whose gathered images are x. */
bool network_train(struct network *network, cl_mem x, const struct batch *batch, struct failure *failure);

/* For network_peers.c: what a layer was given in training, whose images are x; from the gradient of what a hidden layer gave to that before
 * its sigmoid, in place; the gradient of a layer's input from that of x W; and from x, start + scale * the gradient of the weights. */
cl_mem network_layer_input(const struct network *network, size_t index, cl_mem x);
bool network_activation_gradient(struct network *network, size_t index, size_t rows, struct failure *failure);
bool network_input_gradient(struct arithmetic *arithmetic, struct layer *layer, cl_mem dx, size_t rows,
                            struct failure *failure);
bool network_weight_gradient(struct arithmetic *arithmetic, struct layer *layer, cl_mem x, size_t rows, double scale,
                             cl_mem start, cl_mem gradient, struct failure *failure);
/* The backward and the step of a network with peers, from the gradient of the last layer's y. */
bool network_backward_with_peers(struct network *network, cl_mem x, size_t rows, struct failure *failure);

/* Classifies a batch of up to test_rows samples. x has test_rows rows, of which the first are the batch's images. */
bool network_test(struct network *network, cl_mem x, const struct batch *batch, struct failure *failure);

/* Waits for the device, and reads what the typical sigmoid was given for each of the samples in the tally of tests. */
bool network_read_typical(struct network *network, float *values, struct failure *failure);

/* Saves or restores all that training changes, but for the tallies. */
bool network_checkpoint(struct network *network, struct checkpoint *checkpoint, struct failure *failure);

#endif
