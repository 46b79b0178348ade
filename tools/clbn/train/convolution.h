/* SPDX-License-Identifier: MIT */
/* The kernels of convolution.cl and storage.cl, one function for each. */
#ifndef CLBN_TOOL_CONVOLUTION_H
#define CLBN_TOOL_CONVOLUTION_H

#include "io/failure.h"
#include "train/arithmetic.h"
#include "train/geometry.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

/* What a convolution adds to its results, and what it does to them. All zero: nothing. */
struct epilogue {
    cl_mem bias; /* a value to an output channel, from an offset on, or NULL */
    size_t bias_offset;
    cl_mem addend; /* of the results' shape, or NULL; may be where they go */
    bool relu;
};

/* (side - 1) / stride + 1: kernels have as many zeros about the image as keep its size. */
size_t convolution_side(size_t side, size_t stride);

/* Elements of a convolution's weights, (taps x taps, in_channels, out_channels), of its input and of its output. */
size_t convolution_weights(const struct geometry *geometry);
size_t convolution_inputs(const struct geometry *geometry);
size_t convolution_outputs(const struct geometry *geometry);

/* Elements of the partial sums that enqueue_weight_gradient() needs. */
size_t convolution_partials(const struct geometry *geometry);

/* y = x convolved with the weights from an offset on. zeros: as many as x has channels. */
bool enqueue_convolve(struct arithmetic *arithmetic, const struct geometry *geometry, cl_mem x, cl_mem weights, size_t offset,
                      cl_mem zeros, struct epilogue epilogue, cl_mem y, struct failure *failure);

/* dx = the gradient of x. transposed: room for the weights' transpose. */
bool enqueue_convolve_backward(struct arithmetic *arithmetic, const struct geometry *geometry, cl_mem dy, cl_mem weights,
                               size_t offset, cl_mem zeros, cl_mem transposed, struct epilogue epilogue, cl_mem dx,
                               struct failure *failure);

/* gradients, from an offset on, = the gradient of the weights. */
bool enqueue_weight_gradient(struct arithmetic *arithmetic, const struct geometry *geometry, cl_mem x, cl_mem dy,
                             cl_mem partials, cl_mem gradients, size_t offset, struct failure *failure);

/* y, from an offset on, = the sum of the rows of x (rows, columns). */
bool enqueue_sum_rows(struct arithmetic *arithmetic, cl_mem x, size_t rows, size_t columns, cl_mem y, size_t offset,
                      struct failure *failure);

/* y (images, channels) = the mean of each image's pixels; and back. */
bool enqueue_pool(struct arithmetic *arithmetic, cl_mem x, size_t images, size_t pixels, size_t channels, cl_mem y,
                  struct failure *failure);
bool enqueue_pool_gradient(struct arithmetic *arithmetic, cl_mem dy, size_t images, size_t pixels, size_t channels, cl_mem dx,
                           struct failure *failure);

/* A step of gradient descent. */
struct descent {
    double rate;
    double momentum; /* what is left of the velocity */
    double decay;    /* of the weights, added to their gradient */
    double scale;    /* that the gradients have */
};

bool enqueue_descend_with_momentum(struct arithmetic *arithmetic, cl_mem parameters, cl_mem gradients, cl_mem velocities,
                                   struct descent descent, size_t count, struct failure *failure);

/* y, float and channels last, = the stored x. */
bool enqueue_unpack(struct arithmetic *arithmetic, const struct storage *storage, cl_mem x, cl_mem y, struct failure *failure);

/* The stored y = x, float and channels last, + the stored addend, or NULL, which may be y. */
bool enqueue_pack(struct arithmetic *arithmetic, const struct storage *storage, cl_mem x, cl_mem addend, bool relu, cl_mem y,
                  struct failure *failure);

#endif
