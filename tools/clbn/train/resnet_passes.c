/* SPDX-License-Identifier: MIT */
/* The residual network's forward and backward pass. */
#include "train/resnet.h"
#include "train/resnet_norm.h"

/* Gradients of float16 would vanish below 6e-8, and those of a mean loss are about 1e-6. */
static const double half_scale = 1024.0;

static double gradient_scale(const struct resnet *resnet)
{
    return resnet->options.type == CLBN_FLOAT16 ? half_scale : 1.0;
}

/* Stored images as convolutions take them: themselves, or a copy in the buffer. NULL on failure. */
static cl_mem plain(struct resnet *resnet, const struct resnet_unit *unit, cl_mem images, enum resnet_buffer buffer,
                    struct failure *failure)
{
    if (resnet->is_plain)
        return images;
    return enqueue_unpack(resnet->arithmetic, &unit->storage, images, resnet->buffers[buffer], failure)
               ? resnet->buffers[buffer]
               : NULL;
}

/* What a unit's convolution takes. NULL on failure. */
static cl_mem input_of(struct resnet *resnet, size_t index, cl_mem x, struct failure *failure)
{
    int input = resnet->units[index].input;

    return input == RESNET_IMAGE ? x : plain(resnet, &resnet->units[input], resnet->units[input].y, RESNET_PLAIN_X, failure);
}

/* The unit's z; folded: its y. */
static bool convolve(struct resnet *resnet, size_t index, cl_mem input, cl_mem residual, bool folded, struct failure *failure)
{
    struct resnet_unit *unit = &resnet->units[index];
    cl_mem target = folded ? unit->y : unit->z;
    cl_mem weights = resnet->buffers[folded ? RESNET_FOLDED_PARAMETERS : RESNET_PARAMETERS];
    cl_mem zeros = resnet->buffers[RESNET_ZEROS];
    struct epilogue epilogue = { 0 };

    if (folded) {
        epilogue.bias = weights;
        epilogue.bias_offset = unit->beta;
    }
    if (resnet->is_plain) {
        epilogue.addend = folded ? residual : NULL;
        epilogue.relu = folded && unit->relu;
        return enqueue_convolve(resnet->arithmetic, &unit->geometry, input, weights, unit->weights, zeros, epilogue, target,
                                failure);
    }
    return enqueue_convolve(resnet->arithmetic, &unit->geometry, input, weights, unit->weights, zeros, epilogue,
                            resnet->buffers[RESNET_PLAIN_Y], failure) &&
           enqueue_pack(resnet->arithmetic, &unit->storage, resnet->buffers[RESNET_PLAIN_Y], folded ? residual : NULL,
                        folded && unit->relu, target, failure);
}

static bool forward_unit(struct resnet *resnet, size_t index, cl_mem x, enum resnet_mode mode, struct failure *failure)
{
    int from = resnet->units[index].residual;
    cl_mem residual = from != RESNET_NOTHING ? resnet->units[from].y : NULL;
    cl_mem input = input_of(resnet, index, x, failure);

    return input != NULL && convolve(resnet, index, input, residual, mode == RESNET_FOLDED, failure) &&
           resnet_normalize(resnet, index, residual, mode, failure);
}

bool resnet_forward(struct resnet *resnet, cl_mem x, enum resnet_mode mode, struct failure *failure)
{
    const struct resnet_unit *last = &resnet->units[RESNET_UNITS - 1];
    cl_mem weights = resnet->buffers[mode == RESNET_FOLDED ? RESNET_FOLDED_PARAMETERS : RESNET_PARAMETERS];
    const struct epilogue epilogue = { weights, resnet->linear_bias, NULL, false };

    for (size_t i = 0; i < RESNET_UNITS; i++)
        if (!forward_unit(resnet, i, x, mode, failure))
            return false;
    cl_mem images = plain(resnet, last, last->y, RESNET_PLAIN_X, failure);
    return images != NULL &&
           enqueue_pool(resnet->arithmetic, images, resnet->options.rows, last->storage.pixels, last->storage.channels,
                        resnet->buffers[RESNET_FEATURES], failure) &&
           enqueue_convolve(resnet->arithmetic, &resnet->linear, resnet->buffers[RESNET_FEATURES], weights,
                            resnet->linear_weights, resnet->buffers[RESNET_ZEROS], epilogue, resnet->buffers[RESNET_LOGITS],
                            failure);
}

/* ---- Backward */

/* From the gradient of the logits to those of the linear layer and of the last unit's y. */
static bool backward_linear(struct resnet *resnet, struct failure *failure)
{
    struct arithmetic *arithmetic = resnet->arithmetic;
    const struct resnet_unit *last = &resnet->units[RESNET_UNITS - 1];
    const struct epilogue nothing = { 0 };
    cl_mem *buffers = resnet->buffers;
    cl_mem dy = resnet->is_plain ? last->dy : buffers[RESNET_PLAIN_Y];

    return enqueue_sum_rows(arithmetic, buffers[RESNET_DLOGITS], resnet->options.rows, resnet->options.classes,
                            buffers[RESNET_GRADIENTS], resnet->linear_bias, failure) &&
           enqueue_weight_gradient(arithmetic, &resnet->linear, buffers[RESNET_FEATURES], buffers[RESNET_DLOGITS],
                                   buffers[RESNET_PARTIALS], buffers[RESNET_GRADIENTS], resnet->linear_weights, failure) &&
           enqueue_convolve_backward(arithmetic, &resnet->linear, buffers[RESNET_DLOGITS], buffers[RESNET_PARAMETERS],
                                     resnet->linear_weights, buffers[RESNET_ZEROS], buffers[RESNET_TRANSPOSED], nothing,
                                     buffers[RESNET_DFEATURES], failure) &&
           enqueue_pool_gradient(arithmetic, buffers[RESNET_DFEATURES], resnet->options.rows, last->storage.pixels,
                                 last->storage.channels, dy, failure) &&
           (resnet->is_plain || enqueue_pack(arithmetic, &last->storage, dy, NULL, false, last->dy, failure));
}

/* The gradient of a unit's input from dy, that of its z; added to what the input's dy has from other units. */
static bool convolve_backward(struct resnet *resnet, size_t index, cl_mem dy, bool add, struct failure *failure)
{
    const struct resnet_unit *unit = &resnet->units[index];
    const struct resnet_unit *input = &resnet->units[resnet->units[index].input];
    cl_mem *buffers = resnet->buffers;
    cl_mem addend = add ? input->dy : NULL;
    cl_mem dx = resnet->is_plain ? input->dy : buffers[RESNET_PLAIN_Y];
    struct epilogue epilogue = { .addend = resnet->is_plain ? addend : NULL };

    return enqueue_convolve_backward(resnet->arithmetic, &unit->geometry, dy, buffers[RESNET_PARAMETERS], unit->weights,
                                     buffers[RESNET_ZEROS], buffers[RESNET_TRANSPOSED], epilogue, dx, failure) &&
           (resnet->is_plain || enqueue_pack(resnet->arithmetic, &input->storage, dx, addend, false, input->dy, failure));
}

static bool backward_unit(struct resnet *resnet, size_t index, cl_mem x, enum resnet_mode mode, bool *has_dy,
                          struct failure *failure)
{
    const struct resnet_unit *unit = &resnet->units[index];
    cl_mem *buffers = resnet->buffers;

    if (!resnet_normalize_backward(resnet, index, unit->residual != RESNET_NOTHING ? resnet->units[unit->residual].dy : NULL,
                                   mode, failure))
        return false;
    cl_mem input = input_of(resnet, index, x, failure);
    cl_mem dy = input != NULL ? plain(resnet, unit, unit->dy, RESNET_PLAIN_DY, failure) : NULL;
    if (dy == NULL || !enqueue_weight_gradient(resnet->arithmetic, &unit->geometry, input, dy, buffers[RESNET_PARTIALS],
                                               buffers[RESNET_GRADIENTS], unit->weights, failure))
        return false;
    if (unit->residual != RESNET_NOTHING)
        has_dy[unit->residual] = true;
    if (unit->input == RESNET_IMAGE)
        return true;
    if (!convolve_backward(resnet, index, dy, has_dy[unit->input], failure))
        return false;
    has_dy[unit->input] = true;
    return true;
}

bool resnet_train(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode, struct descent descent,
                  struct failure *failure)
{
    cl_mem *buffers = resnet->buffers;
    bool has_dy[RESNET_UNITS] = { false };

    descent.scale = gradient_scale(resnet);
    resnet->training.samples += batch->rows;
    if (!resnet_forward(resnet, x, mode, failure) ||
        !enqueue_classify(resnet->arithmetic, buffers[RESNET_LOGITS], batch, resnet->options.classes, descent.scale,
                          buffers[RESNET_DLOGITS], resnet->training.losses, resnet->training.hits, failure) ||
        !backward_linear(resnet, failure))
        return false;
    for (size_t i = RESNET_UNITS; i-- > 0;)
        if (!backward_unit(resnet, i, x, mode, has_dy, failure))
            return false;
    return enqueue_descend_with_momentum(resnet->arithmetic, buffers[RESNET_PARAMETERS], buffers[RESNET_GRADIENTS],
                                         buffers[RESNET_VELOCITIES], descent, resnet->parameter_count, failure);
}

bool resnet_test(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode, struct failure *failure)
{
    resnet->test.samples += batch->rows;
    return resnet_forward(resnet, x, mode, failure) &&
           enqueue_classify(resnet->arithmetic, resnet->buffers[RESNET_LOGITS], batch, resnet->options.classes, 1.0, NULL,
                            resnet->test.losses, resnet->test.hits, failure);
}
