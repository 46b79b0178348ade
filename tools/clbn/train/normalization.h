/* SPDX-License-Identifier: MIT */
/* A batch-norm layer of the network: clbn's calls, with the layer's parameters and statistics. */
#ifndef CLBN_TOOL_NORMALIZATION_H
#define CLBN_TOOL_NORMALIZATION_H

#include "io/failure.h"
#include "train/arithmetic.h"
#include "train/checkpoint.h"
#include "train/method.h"
#include "train/peers.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

enum normalization_buffer {
    NORMALIZATION_GAMMA,
    NORMALIZATION_BETA,
    NORMALIZATION_DGAMMA,
    NORMALIZATION_DBETA,
    NORMALIZATION_RUNNING_MEAN,
    NORMALIZATION_RUNNING_VAR,
    NORMALIZATION_SAVE_MEAN,
    NORMALIZATION_SAVE_INVSTD,
    NORMALIZATION_SAVE_R, /* of renormalization, as the next */
    NORMALIZATION_SAVE_D,
    NORMALIZATION_WORKSPACE,
    NORMALIZATION_BUFFERS
};

/* All zero: closed. */
struct normalization {
    struct arithmetic *arithmetic;
    clbn_plan training; /* (rows of a training batch, width) */
    clbn_plan test;     /* (rows of a test batch, width) */
    void *shared;       /* the training plan over all peers' batches; NULL alone */
    cl_mem buffers[NORMALIZATION_BUFFERS];
    size_t width;
    struct method method;
    size_t saved_rows; /* of saved statistics */
};

struct normalization_options {
    size_t training_rows;
    size_t test_rows;
    size_t width;
    struct method method;
    const struct peers *peers; /* who have the rest of each training batch; NULL alone. Then the method is of the batch. */
};

/* gamma = 1, beta = 0. The arithmetic must outlive the layer. On failure the layer is closed. */
bool normalization_open(struct normalization *layer, struct arithmetic *arithmetic, clbn_engine engine,
                        const struct normalization_options *options, struct failure *failure);
void normalization_close(struct normalization *layer);

/* y from the statistics of the batch x, which go into the running statistics. bounds: of this step's renormalization. */
bool normalization_train(struct normalization *layer, cl_mem x, cl_mem y, struct renorm_bounds bounds, struct failure *failure);

/* y from the running statistics. */
bool normalization_test(struct normalization *layer, cl_mem x, cl_mem y, struct failure *failure);

/* Saves or restores parameters and running statistics. */
bool normalization_checkpoint(struct normalization *layer, struct checkpoint *checkpoint, struct failure *failure);

/* Turns dy into dx in place, and steps gamma and beta down their gradients. In two halves: of peers, the exchange overlaps with what is
 * enqueued between them, which needs none of the results. */
bool normalization_start_backward(struct normalization *layer, cl_mem x, cl_mem dy, struct failure *failure);
bool normalization_finish_backward(struct normalization *layer, double learning_rate, struct failure *failure);

#endif
