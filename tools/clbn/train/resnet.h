/* SPDX-License-Identifier: MIT */
/*
 * A small residual network (He et al. 2016) that classifies square images, wholly on the device:
 *
 *     unit 0          3x3 convolution of stride 2 to C channels, batch norm, ReLU
 *     units 1, 2      a block: two 3x3 convolutions, each with batch norm; the block's input is added before the last ReLU
 *     units 3, 4, 5   a block to 2 C channels, of stride 2; what is added goes through unit 4, a 1x1 convolution with batch norm
 *     units 6, 7, 8   the same to 4 C channels
 *     then            the mean of the pixels, and a linear layer
 *
 * Batch norm, the residual and the ReLU are one call of clbn's, with a mask for the backward. Images are stored between the
 * convolutions as float32 or float16, channels first or last; convolutions compute in float, channels last (convolution.h).
 *
 * All its work is enqueued on the arithmetic's queue; only opening it, checkpoints, and a stopwatch wait for the device.
 */
#ifndef CLBN_TOOL_RESNET_H
#define CLBN_TOOL_RESNET_H

#include "io/failure.h"
#include "train/arithmetic.h"
#include "train/checkpoint.h"
#include "train/convolution.h"
#include "train/method.h"
#include "train/tally.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESNET_UNITS = 9 };

struct resnet_options {
    size_t side;     /* pixels to a side of an image, which has one channel */
    size_t channels; /* C */
    size_t classes;
    size_t rows; /* images to a batch; of a smaller one, in a test, the rest is computed, too */
    clbn_type type;
    bool channels_last;
    struct method method; /* of batch norm */
    uint64_t seed;        /* of the initial weights */
};

/* From what statistics batch norm normalises, and by what. */
enum resnet_mode {
    RESNET_TRAINING,  /* the batch's; they go into the running statistics */
    RESNET_FROZEN,    /* the running statistics, which stay as they are; for a backward, too */
    RESNET_INFERENCE, /* the running statistics */
    RESNET_FOLDED,    /* what resnet_fold() made of them: convolutions alone */
    RESNET_TEXTBOOK   /* the batch's, by the kernels of textbook.cl; nothing goes into the running statistics */
};

enum { RESNET_IMAGE = -1, RESNET_NOTHING = -1 };

/* A convolution with its batch norm. */
struct resnet_unit {
    int input;    /* the unit whose y it takes, or RESNET_IMAGE */
    int residual; /* the unit whose y is added, or RESNET_NOTHING */
    bool relu;
    struct geometry geometry;
    struct storage storage; /* of its output */
    size_t weights;         /* in the parameters */
    size_t gamma;
    size_t beta;
    size_t mean; /* in the statistics */
    size_t variance;
    cl_mem z;    /* the convolution's result */
    cl_mem y;    /* act(BN(z) + residual) */
    cl_mem dy;   /* the gradient of y, then that of z */
    cl_mem mask; /* or NULL without ReLU */
    clbn_plan plan;
    clbn_plan fold;
};

enum resnet_buffer {
    RESNET_PARAMETERS, /* weights, gammas and betas of all units, then of the linear layer its weights and bias */
    RESNET_GRADIENTS,
    RESNET_VELOCITIES,
    RESNET_FOLDED_PARAMETERS, /* biases stand in the place of betas */
    RESNET_STATISTICS,        /* running mean and variance of all units */
    RESNET_SAVED,             /* mean and invstd of the batch, in the same places, times the ghost batches */
    RESNET_CORRECTIONS,       /* r and d of renormalization, in the same places */
    RESNET_TEXTBOOK_SUMS,
    RESNET_ZEROS,
    RESNET_TRANSPOSED, /* of one convolution's weights */
    RESNET_PARTIALS,   /* of one convolution's gradient */
    RESNET_PLAIN_X,    /* one unit's images as convolutions take them; none of these three where they are stored so */
    RESNET_PLAIN_DY,
    RESNET_PLAIN_Y,
    RESNET_FEATURES, /* (rows, 4 C) */
    RESNET_DFEATURES,
    RESNET_LOGITS, /* (rows, classes) */
    RESNET_DLOGITS,
    RESNET_WORKSPACE,
    RESNET_BUFFERS
};

/* Time that batch norm takes, with a wait before and after each call. */
struct stopwatch {
    bool runs;
    double seconds;
};

/* All zero: closed. */
struct resnet {
    struct arithmetic *arithmetic;
    struct resnet_options options;
    struct resnet_unit units[RESNET_UNITS];
    struct geometry linear; /* a convolution of images of one pixel */
    size_t linear_weights;
    size_t linear_bias;
    bool is_plain; /* images are stored as convolutions take them */
    size_t parameter_count;
    size_t statistic_count;
    cl_mem buffers[RESNET_BUFFERS];
    struct tally training;
    struct tally test;
    struct stopwatch stopwatch;
    struct renorm_bounds bounds; /* of the next step's renormalization */
};

/* The arithmetic must outlive the network. On failure the network is closed. */
bool resnet_open(struct resnet *resnet, struct arithmetic *arithmetic, clbn_engine engine, const struct resnet_options *options,
                 struct failure *failure);
void resnet_close(struct resnet *resnet);

/* The logits of a batch of gathered images x, at RESNET_LOGITS. */
bool resnet_forward(struct resnet *resnet, cl_mem x, enum resnet_mode mode, struct failure *failure);

/* Forward, backward and a step of gradient descent on a whole batch. mode: RESNET_TRAINING, RESNET_FROZEN or RESNET_TEXTBOOK. */
bool resnet_train(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode, struct descent descent,
                  struct failure *failure);

/* Classifies a batch. mode: RESNET_INFERENCE or RESNET_FOLDED. */
bool resnet_test(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode, struct failure *failure);

/* Folds every batch norm into the convolution before it. */
bool resnet_fold(struct resnet *resnet, struct failure *failure);

/* Saves or restores parameters, velocities and running statistics. */
bool resnet_checkpoint(struct resnet *resnet, struct checkpoint *checkpoint, struct failure *failure);

#endif
