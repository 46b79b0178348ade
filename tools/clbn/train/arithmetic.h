/* SPDX-License-Identifier: MIT */
/* The kernels of network.cl, which are enqueued from here, and of the files after it: one function for each, on buffers of packed float matrices. */
#ifndef CLBN_TOOL_ARITHMETIC_H
#define CLBN_TOOL_ARITHMETIC_H

#include "io/device.h"
#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum arithmetic_kernel {
    ARITHMETIC_GATHER,
    ARITHMETIC_MULTIPLY,
    ARITHMETIC_TRANSPOSE,
    ARITHMETIC_SIGMOID,
    ARITHMETIC_SIGMOID_GRADIENT,
    ARITHMETIC_DROP,
    ARITHMETIC_CLASSIFY,
    ARITHMETIC_DESCEND,
    ARITHMETIC_DESCEND_BIAS,
    ARITHMETIC_CONVOLVE, /* from here on those of convolution.cl, storage.cl and textbook.cl */
    ARITHMETIC_WEIGHT_GRADIENT,
    ARITHMETIC_SUM_ROWS,
    ARITHMETIC_TRANSPOSE_TAPS,
    ARITHMETIC_POOL,
    ARITHMETIC_POOL_GRADIENT,
    ARITHMETIC_DESCEND_WITH_MOMENTUM,
    ARITHMETIC_UNPACK,
    ARITHMETIC_PACK,
    ARITHMETIC_TEXTBOOK_STATISTICS,
    ARITHMETIC_TEXTBOOK_NORMALIZE,
    ARITHMETIC_TEXTBOOK_ACTIVATE,
    ARITHMETIC_TEXTBOOK_ACTIVATE_GRADIENT,
    ARITHMETIC_TEXTBOOK_SUMS,
    ARITHMETIC_TEXTBOOK_INPUT_GRADIENT,
    ARITHMETIC_KERNELS
};

/* All work goes to one in-order queue, and from one thread. */
struct arithmetic {
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernels[ARITHMETIC_KERNELS];
    cl_uint vector; /* floats to a vector */
    cl_uint rows;   /* rows of a product to a work-item */
    size_t group;   /* work-items to a group */
};

/* A kernel's argument. */
struct argument {
    size_t size;
    const void *value;
};

#define ARGUMENT(variable)                                                                                                     \
    {                                                                                                                          \
        sizeof(variable), &(variable)                                                                                          \
    }
#define ARGUMENT_COUNT(arguments) ((cl_uint)(sizeof(arguments) / sizeof(arguments)[0]))

/* Enqueues a kernel for at least so many work-items. */
bool arithmetic_enqueue(struct arithmetic *arithmetic, enum arithmetic_kernel id, size_t work_items,
                        const struct argument *arguments, cl_uint argument_count, struct failure *failure);

/* Compiles the kernels for the geometry of the session's engine. The session must outlive the arithmetic. On failure
 * the arithmetic is closed. */
bool arithmetic_open(struct arithmetic *arithmetic, const struct session *session, struct failure *failure);
void arithmetic_close(struct arithmetic *arithmetic);

/* A buffer for that many values of 4 bytes (float or uint), all zero, with the vector more that the kernels need;
 * NULL on failure. */
cl_mem arithmetic_buffer(const struct arithmetic *arithmetic, size_t count, struct failure *failure);

/* Sets that many floats of a buffer. */
bool arithmetic_fill(const struct arithmetic *arithmetic, cl_mem buffer, size_t count, double value, struct failure *failure);

/* Some samples of a data set on the device: sample i is order[first + i], or first + i where order is NULL. */
struct batch {
    cl_mem images; /* unsigned char, width to a sample */
    cl_mem labels; /* unsigned char */
    cl_mem order;  /* uint, or NULL */
    size_t width;
    size_t first;
    size_t rows;
};

/* x (rows, width) = the batch's images / 255 */
bool enqueue_gather(struct arithmetic *arithmetic, const struct batch *batch, cl_mem x, struct failure *failure);

/* A matrix product's left factor: a matrix (rows, columns), or its transpose. */
struct factor {
    cl_mem buffer;
    size_t rows;
    size_t columns;
    bool transposed;
};

/* c = start + scale * a b, where b and c have that many columns. start is one row for all of c's rows, c itself or
 * NULL. */
bool enqueue_multiply(struct arithmetic *arithmetic, struct factor a, cl_mem b, size_t columns, double scale, cl_mem start,
                      cl_mem c, struct failure *failure);

/* b (columns, rows) = the transpose of a (rows, columns) */
bool enqueue_transpose(struct arithmetic *arithmetic, cl_mem a, size_t rows, size_t columns, cl_mem b, struct failure *failure);

/* x = sigmoid(x) */
bool enqueue_sigmoid(struct arithmetic *arithmetic, cl_mem x, size_t count, struct failure *failure);

/* dy = dy * y * (1 - y) */
bool enqueue_sigmoid_gradient(struct arithmetic *arithmetic, cl_mem y, cl_mem dy, size_t count, struct failure *failure);

/* Which values dropout keeps; the same ones wherever the same mask is used. */
struct mask {
    double dropout; /* the share that is dropped: at least 0, below 1 */
    uint64_t key;
    size_t first; /* the index of the buffer's first value, where it holds the end of a larger matrix */
};

/* y = x / (1 - dropout) where the mask keeps it, else 0; y may be x. The kernel has dropout in steps of 2^-32. */
bool enqueue_drop(struct arithmetic *arithmetic, cl_mem x, size_t count, const struct mask *mask, cl_mem y,
                  struct failure *failure);

/* Adds the cross entropy of the softmax of each row of logits to losses, and 1 to hits where the greatest logit is the
 * label's. gradients, or NULL, becomes scale times the gradient of the batch's mean loss. */
bool enqueue_classify(struct arithmetic *arithmetic, cl_mem logits, const struct batch *batch, size_t classes, double scale,
                      cl_mem gradients, cl_mem losses, cl_mem hits, struct failure *failure);

/* parameters -= rate * gradient */
bool enqueue_descend(struct arithmetic *arithmetic, cl_mem parameters, cl_mem gradient, double rate, size_t count,
                     struct failure *failure);

/* bias -= rate * (sum of the rows of dy) */
bool enqueue_descend_bias(struct arithmetic *arithmetic, cl_mem bias, cl_mem dy, double rate, size_t rows, size_t columns,
                          struct failure *failure);

#endif
