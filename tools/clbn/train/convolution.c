/* SPDX-License-Identifier: MIT */
#include "train/convolution.h"

/* Images whose x and dy fit in a core's cache. */
enum { CHUNK_IMAGES = 8 };

size_t convolution_side(size_t side, size_t stride)
{
    return (side - 1) / stride + 1;
}

size_t convolution_weights(const struct geometry *geometry)
{
    return (size_t)geometry->taps * geometry->taps * geometry->in_channels * geometry->out_channels;
}

size_t convolution_inputs(const struct geometry *geometry)
{
    return (size_t)geometry->images * geometry->in_side * geometry->in_side * geometry->in_channels;
}

size_t convolution_outputs(const struct geometry *geometry)
{
    return (size_t)geometry->images * geometry->out_side * geometry->out_side * geometry->out_channels;
}

static size_t divide_up(size_t count, size_t piece)
{
    return (count + piece - 1) / piece;
}

size_t convolution_partials(const struct geometry *geometry)
{
    return divide_up(geometry->images, CHUNK_IMAGES) * convolution_weights(geometry);
}

static bool convolve(struct arithmetic *arithmetic, const struct geometry *geometry, bool backward, cl_mem x, cl_mem weights,
                     size_t offset, cl_mem zeros, struct epilogue epilogue, cl_mem y, struct failure *failure)
{
    struct geometry g = *geometry;
    cl_uint weights_offset = (cl_uint)offset;
    cl_uint bias_offset = (cl_uint)epilogue.bias_offset;
    cl_uint is_backward = backward;
    cl_uint relu = epilogue.relu;
    const struct argument arguments[] = { ARGUMENT(x),
                                          ARGUMENT(weights),
                                          ARGUMENT(weights_offset),
                                          ARGUMENT(epilogue.bias),
                                          ARGUMENT(bias_offset),
                                          ARGUMENT(epilogue.addend),
                                          ARGUMENT(zeros),
                                          ARGUMENT(g),
                                          ARGUMENT(is_backward),
                                          ARGUMENT(relu),
                                          ARGUMENT(y) };
    size_t channels = backward ? g.in_channels : g.out_channels;
    size_t pixels = (backward ? convolution_inputs(&g) : convolution_outputs(&g)) / channels;

    return arithmetic_enqueue(arithmetic, ARITHMETIC_CONVOLVE,
                              divide_up(pixels, arithmetic->rows) * divide_up(channels, arithmetic->vector), arguments,
                              ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_convolve(struct arithmetic *arithmetic, const struct geometry *geometry, cl_mem x, cl_mem weights, size_t offset,
                      cl_mem zeros, struct epilogue epilogue, cl_mem y, struct failure *failure)
{
    return convolve(arithmetic, geometry, false, x, weights, offset, zeros, epilogue, y, failure);
}

bool enqueue_convolve_backward(struct arithmetic *arithmetic, const struct geometry *geometry, cl_mem dy, cl_mem weights,
                               size_t offset, cl_mem zeros, cl_mem transposed, struct epilogue epilogue, cl_mem dx,
                               struct failure *failure)
{
    cl_uint first = (cl_uint)offset;
    cl_uint taps = geometry->taps * geometry->taps;
    const struct argument arguments[] = {
        ARGUMENT(weights),   ARGUMENT(first), ARGUMENT(taps), ARGUMENT(geometry->in_channels), ARGUMENT(geometry->out_channels),
        ARGUMENT(transposed)
    };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_TRANSPOSE_TAPS, convolution_weights(geometry), arguments,
                              ARGUMENT_COUNT(arguments), failure) &&
           convolve(arithmetic, geometry, true, dy, transposed, 0, zeros, epilogue, dx, failure);
}

bool enqueue_weight_gradient(struct arithmetic *arithmetic, const struct geometry *geometry, cl_mem x, cl_mem dy,
                             cl_mem partials, cl_mem gradients, size_t offset, struct failure *failure)
{
    struct geometry g = *geometry;
    cl_uint chunk_images = CHUNK_IMAGES;
    size_t chunks = divide_up(g.images, CHUNK_IMAGES);
    size_t tiles = divide_up(g.in_channels, arithmetic->rows) * divide_up(g.out_channels, arithmetic->vector);
    const struct argument arguments[] = { ARGUMENT(x), ARGUMENT(dy), ARGUMENT(g), ARGUMENT(chunk_images), ARGUMENT(partials) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_WEIGHT_GRADIENT, chunks * g.taps * g.taps * tiles, arguments,
                              ARGUMENT_COUNT(arguments), failure) &&
           enqueue_sum_rows(arithmetic, partials, chunks, convolution_weights(&g), gradients, offset, failure);
}

bool enqueue_sum_rows(struct arithmetic *arithmetic, cl_mem x, size_t rows, size_t columns, cl_mem y, size_t offset,
                      struct failure *failure)
{
    cl_uint height = (cl_uint)rows;
    cl_uint width = (cl_uint)columns;
    cl_uint first = (cl_uint)offset;
    const struct argument arguments[] = { ARGUMENT(x), ARGUMENT(height), ARGUMENT(width), ARGUMENT(first), ARGUMENT(y) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_SUM_ROWS, columns, arguments, ARGUMENT_COUNT(arguments), failure);
}

static bool pool(struct arithmetic *arithmetic, enum arithmetic_kernel kernel, cl_mem x, size_t images, size_t pixels,
                 size_t channels, size_t work_items, cl_mem y, struct failure *failure)
{
    cl_uint counts[] = { (cl_uint)images, (cl_uint)pixels, (cl_uint)channels };
    const struct argument arguments[] = { ARGUMENT(x), ARGUMENT(counts[0]), ARGUMENT(counts[1]), ARGUMENT(counts[2]),
                                          ARGUMENT(y) };

    return arithmetic_enqueue(arithmetic, kernel, work_items, arguments, ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_pool(struct arithmetic *arithmetic, cl_mem x, size_t images, size_t pixels, size_t channels, cl_mem y,
                  struct failure *failure)
{
    return pool(arithmetic, ARITHMETIC_POOL, x, images, pixels, channels, images * channels, y, failure);
}

bool enqueue_pool_gradient(struct arithmetic *arithmetic, cl_mem dy, size_t images, size_t pixels, size_t channels, cl_mem dx,
                           struct failure *failure)
{
    return pool(arithmetic, ARITHMETIC_POOL_GRADIENT, dy, images, pixels, channels, images * pixels * channels, dx, failure);
}

bool enqueue_descend_with_momentum(struct arithmetic *arithmetic, cl_mem parameters, cl_mem gradients, cl_mem velocities,
                                   struct descent descent, size_t count, struct failure *failure)
{
    cl_float factors[] = { (cl_float)descent.rate, (cl_float)descent.momentum, (cl_float)descent.decay,
                           (cl_float)descent.scale };
    cl_uint values = (cl_uint)count;
    const struct argument arguments[] = { ARGUMENT(parameters), ARGUMENT(gradients),  ARGUMENT(velocities),
                                          ARGUMENT(factors[0]), ARGUMENT(factors[1]), ARGUMENT(factors[2]),
                                          ARGUMENT(factors[3]), ARGUMENT(values) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_DESCEND_WITH_MOMENTUM, count, arguments, ARGUMENT_COUNT(arguments),
                              failure);
}

bool enqueue_unpack(struct arithmetic *arithmetic, const struct storage *storage, cl_mem x, cl_mem y, struct failure *failure)
{
    const struct argument arguments[] = { ARGUMENT(x), ARGUMENT(*storage), ARGUMENT(y) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_UNPACK, (size_t)storage->images * storage->pixels, arguments,
                              ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_pack(struct arithmetic *arithmetic, const struct storage *storage, cl_mem x, cl_mem addend, bool relu, cl_mem y,
                  struct failure *failure)
{
    cl_uint is_relu = relu;
    const struct argument arguments[] = { ARGUMENT(x), ARGUMENT(addend), ARGUMENT(*storage), ARGUMENT(is_relu), ARGUMENT(y) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_PACK, (size_t)storage->images * storage->pixels, arguments,
                              ARGUMENT_COUNT(arguments), failure);
}
