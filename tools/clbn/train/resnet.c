#include "train/resnet.h"

#include "io/random.h"
#include "train/resnet_norm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE = -1, NOTHING = -1 };

/* What a unit is made of, in the network's order. */
static const struct form {
    unsigned taps;
    unsigned stride;
    unsigned channels; /* times C */
    int input;         /* a unit, or IMAGE */
    int residual;      /* a unit, or NOTHING */
    bool relu;
} forms[RESNET_UNITS] = {
    { 3, 2, 1, IMAGE, NOTHING, true }, { 3, 1, 1, 0, NOTHING, true },  { 3, 1, 1, 1, 0, true },
    { 3, 2, 2, 2, NOTHING, true },     { 1, 2, 2, 2, NOTHING, false }, { 3, 1, 2, 3, 4, true },
    { 3, 2, 4, 5, NOTHING, true },     { 1, 2, 4, 5, NOTHING, false }, { 3, 1, 4, 6, 7, true },
};

/* Gradients of float16 would vanish below 6e-8, and those of a mean loss are about 1e-6. */
static const double half_scale = 1024.0;

static bool is_plain(const struct resnet *resnet)
{
    return resnet->options.type == CLBN_FLOAT32 && resnet->options.channels_last;
}

static double gradient_scale(const struct resnet *resnet)
{
    return resnet->options.type == CLBN_FLOAT16 ? half_scale : 1.0;
}

/* ---- Opening */

static void describe_unit(struct resnet *resnet, size_t index)
{
    const struct form *form = &forms[index];
    const struct resnet_options *options = &resnet->options;
    struct resnet_unit *unit = &resnet->units[index];
    const struct geometry *input = form->input != IMAGE ? &resnet->units[form->input].geometry : NULL;
    size_t side = input != NULL ? input->out_side : options->side;
    size_t channels = form->channels * options->channels;

    unit->geometry.images = (cl_uint)options->rows;
    unit->geometry.in_side = (cl_uint)side;
    unit->geometry.in_channels = input != NULL ? input->out_channels : 1;
    unit->geometry.out_side = (cl_uint)convolution_side(side, form->stride);
    unit->geometry.out_channels = (cl_uint)channels;
    unit->geometry.taps = form->taps;
    unit->geometry.stride = form->stride;
    unit->storage.is_half = options->type == CLBN_FLOAT16;
    unit->storage.images = unit->geometry.images;
    unit->storage.pixels = unit->geometry.out_side * unit->geometry.out_side;
    unit->storage.channels = unit->geometry.out_channels;
    unit->storage.pixel_step = options->channels_last ? unit->storage.channels : 1;
    unit->storage.channel_step = options->channels_last ? 1 : unit->storage.pixels;
    unit->weights = resnet->parameter_count;
    unit->gamma = unit->weights + convolution_weights(&unit->geometry);
    unit->beta = unit->gamma + channels;
    resnet->parameter_count = unit->beta + channels;
    unit->mean = resnet->statistic_count;
    unit->variance = unit->mean + channels;
    resnet->statistic_count = unit->variance + channels;
}

static void describe(struct resnet *resnet)
{
    for (size_t i = 0; i < RESNET_UNITS; i++)
        describe_unit(resnet, i);
    const struct geometry linear = { .images = (cl_uint)resnet->options.rows,
                                     .in_side = 1,
                                     .in_channels = resnet->units[RESNET_UNITS - 1].geometry.out_channels,
                                     .out_side = 1,
                                     .out_channels = (cl_uint)resnet->options.classes,
                                     .taps = 1,
                                     .stride = 1 };
    resnet->linear = linear;
    resnet->linear_weights = resnet->parameter_count;
    resnet->linear_bias = resnet->linear_weights + convolution_weights(&linear);
    resnet->parameter_count = resnet->linear_bias + resnet->options.classes;
}

/* The greatest of a size over all convolutions. */
static size_t greatest(const struct resnet *resnet, size_t (*size)(const struct geometry *geometry))
{
    size_t most = size(&resnet->linear);

    for (size_t i = 0; i < RESNET_UNITS; i++) {
        size_t one = size(&resnet->units[i].geometry);

        most = one > most ? one : most;
    }
    return most;
}

/* The elements of a buffer; 0 for one that the network does not need. */
static size_t buffer_elements(const struct resnet *resnet, enum resnet_buffer buffer, size_t workspace)
{
    const struct geometry *linear = &resnet->linear;

    switch (buffer) {
    case RESNET_PARAMETERS:
    case RESNET_GRADIENTS:
    case RESNET_VELOCITIES:
    case RESNET_FOLDED_PARAMETERS:
        return resnet->parameter_count;
    case RESNET_STATISTICS:
    case RESNET_SAVED:
        return resnet->statistic_count;
    case RESNET_TEXTBOOK_SUMS:
        return 2 * resnet->statistic_count;
    case RESNET_ZEROS:
        return linear->in_channels > linear->out_channels ? linear->in_channels : linear->out_channels;
    case RESNET_TRANSPOSED:
        return greatest(resnet, convolution_weights);
    case RESNET_PARTIALS:
        return greatest(resnet, convolution_partials);
    case RESNET_PLAIN_X:
    case RESNET_PLAIN_DY:
    case RESNET_PLAIN_Y:
        return is_plain(resnet) ? 0 : greatest(resnet, convolution_outputs);
    case RESNET_FEATURES:
    case RESNET_DFEATURES:
        return convolution_inputs(linear);
    case RESNET_LOGITS:
    case RESNET_DLOGITS:
        return convolution_outputs(linear);
    case RESNET_WORKSPACE:
        return workspace / sizeof(cl_float) + 1;
    case RESNET_BUFFERS:
        break;
    }
    return 0;
}

static bool create_buffers(struct resnet *resnet, struct failure *failure)
{
    size_t workspace;

    if (!resnet_norm_workspace(resnet, &workspace, failure))
        return false;
    for (size_t i = 0; i < RESNET_BUFFERS; i++) {
        size_t count = buffer_elements(resnet, (enum resnet_buffer)i, workspace);

        if (count > 0) {
            resnet->buffers[i] = arithmetic_buffer(resnet->arithmetic, count, failure);
            if (resnet->buffers[i] == NULL)
                return false;
        }
    }
    return true;
}

static bool open_unit(struct resnet *resnet, clbn_engine engine, size_t index, struct failure *failure)
{
    struct resnet_unit *unit = &resnet->units[index];
    cl_mem *tensors[] = { &unit->z, &unit->y, &unit->dy };

    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        *tensors[i] = arithmetic_buffer(resnet->arithmetic, convolution_outputs(&unit->geometry), failure);
        if (*tensors[i] == NULL)
            return false;
    }
    return resnet_norm_open(resnet, engine, index, forms[index].relu, failure);
}

/* Gaussians whose variance keeps the size of what passes a convolution and a ReLU (He et al. 2015). */
static void draw_weights(float *weights, const struct geometry *geometry, double gain, struct random *random)
{
    double inputs = (double)geometry->taps * geometry->taps * geometry->in_channels;

    for (size_t i = 0; i < convolution_weights(geometry); i++)
        weights[i] = (float)(sqrt(gain / inputs) * random_gaussian(random));
}

static void draw_parameters(const struct resnet *resnet, float *parameters, float *statistics)
{
    struct random random = { resnet->options.seed };

    for (size_t i = 0; i < RESNET_UNITS; i++) {
        const struct resnet_unit *unit = &resnet->units[i];

        draw_weights(parameters + unit->weights, &unit->geometry, 2.0, &random);
        for (size_t c = 0; c < unit->storage.channels; c++) {
            parameters[unit->gamma + c] = 1.0f;
            statistics[unit->variance + c] = 1.0f;
        }
    }
    draw_weights(parameters + resnet->linear_weights, &resnet->linear, 1.0, &random);
}

static bool write_parameters(struct resnet *resnet, struct failure *failure)
{
    cl_command_queue queue = resnet->arithmetic->queue;
    float *parameters = calloc(resnet->parameter_count, sizeof *parameters);
    float *statistics = calloc(resnet->statistic_count, sizeof *statistics);
    cl_int status = CL_OUT_OF_HOST_MEMORY;

    if (parameters != NULL && statistics != NULL) {
        draw_parameters(resnet, parameters, statistics);
        status = clEnqueueWriteBuffer(queue, resnet->buffers[RESNET_PARAMETERS], CL_TRUE, 0,
                                      resnet->parameter_count * sizeof *parameters, parameters, 0, NULL, NULL);
        if (status == CL_SUCCESS)
            status = clEnqueueWriteBuffer(queue, resnet->buffers[RESNET_STATISTICS], CL_TRUE, 0,
                                          resnet->statistic_count * sizeof *statistics, statistics, 0, NULL, NULL);
    }
    free(parameters);
    free(statistics);
    return status == CL_SUCCESS || fail_opencl(failure, "writing the first weights", status);
}

bool resnet_open(struct resnet *resnet, struct arithmetic *arithmetic, clbn_engine engine, const struct resnet_options *options,
                 struct failure *failure)
{
    memset(resnet, 0, sizeof *resnet);
    resnet->arithmetic = arithmetic;
    resnet->options = *options;
    describe(resnet);
    for (size_t i = 0; i < RESNET_UNITS; i++)
        if (!open_unit(resnet, engine, i, failure))
            goto cleanup;
    if (create_buffers(resnet, failure) && write_parameters(resnet, failure) &&
        tally_open(&resnet->training, arithmetic, options->rows, failure) &&
        tally_open(&resnet->test, arithmetic, options->rows, failure))
        return true;
cleanup:
    resnet_close(resnet);
    return false;
}

static void release_buffer(cl_mem buffer)
{
    if (buffer != NULL)
        clReleaseMemObject(buffer);
}

void resnet_close(struct resnet *resnet)
{
    for (size_t i = 0; i < RESNET_UNITS; i++) {
        struct resnet_unit *unit = &resnet->units[i];

        release_buffer(unit->z);
        release_buffer(unit->y);
        release_buffer(unit->dy);
        resnet_norm_close(unit);
    }
    for (size_t i = 0; i < RESNET_BUFFERS; i++)
        release_buffer(resnet->buffers[i]);
    tally_close(&resnet->training);
    tally_close(&resnet->test);
    memset(resnet, 0, sizeof *resnet);
}

/* ---- Forward */

/* Stored images as convolutions take them: themselves, or a copy in the buffer. NULL on failure. */
static cl_mem plain(struct resnet *resnet, const struct resnet_unit *unit, cl_mem images, enum resnet_buffer buffer,
                    struct failure *failure)
{
    if (is_plain(resnet))
        return images;
    return enqueue_unpack(resnet->arithmetic, &unit->storage, images, resnet->buffers[buffer], failure)
               ? resnet->buffers[buffer]
               : NULL;
}

/* What a unit's convolution takes. NULL on failure. */
static cl_mem input_of(struct resnet *resnet, size_t index, cl_mem x, struct failure *failure)
{
    int input = forms[index].input;

    return input == IMAGE ? x : plain(resnet, &resnet->units[input], resnet->units[input].y, RESNET_PLAIN_X, failure);
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
    if (is_plain(resnet)) {
        epilogue.addend = folded ? residual : NULL;
        epilogue.relu = folded && forms[index].relu;
        return enqueue_convolve(resnet->arithmetic, &unit->geometry, input, weights, unit->weights, zeros, epilogue, target,
                                failure);
    }
    return enqueue_convolve(resnet->arithmetic, &unit->geometry, input, weights, unit->weights, zeros, epilogue,
                            resnet->buffers[RESNET_PLAIN_Y], failure) &&
           enqueue_pack(resnet->arithmetic, &unit->storage, resnet->buffers[RESNET_PLAIN_Y], folded ? residual : NULL,
                        folded && forms[index].relu, target, failure);
}

static bool forward_unit(struct resnet *resnet, size_t index, cl_mem x, enum resnet_mode mode, struct failure *failure)
{
    int from = forms[index].residual;
    cl_mem residual = from != NOTHING ? resnet->units[from].y : NULL;
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
    cl_mem dy = is_plain(resnet) ? last->dy : buffers[RESNET_PLAIN_Y];

    return enqueue_sum_rows(arithmetic, buffers[RESNET_DLOGITS], resnet->options.rows, resnet->options.classes,
                            buffers[RESNET_GRADIENTS], resnet->linear_bias, failure) &&
           enqueue_weight_gradient(arithmetic, &resnet->linear, buffers[RESNET_FEATURES], buffers[RESNET_DLOGITS],
                                   buffers[RESNET_PARTIALS], buffers[RESNET_GRADIENTS], resnet->linear_weights, failure) &&
           enqueue_convolve_backward(arithmetic, &resnet->linear, buffers[RESNET_DLOGITS], buffers[RESNET_PARAMETERS],
                                     resnet->linear_weights, buffers[RESNET_ZEROS], buffers[RESNET_TRANSPOSED], nothing,
                                     buffers[RESNET_DFEATURES], failure) &&
           enqueue_pool_gradient(arithmetic, buffers[RESNET_DFEATURES], resnet->options.rows, last->storage.pixels,
                                 last->storage.channels, dy, failure) &&
           (is_plain(resnet) || enqueue_pack(arithmetic, &last->storage, dy, NULL, false, last->dy, failure));
}

/* The gradient of a unit's input from dy, that of its z; added to what the input's dy has from other units. */
static bool convolve_backward(struct resnet *resnet, size_t index, cl_mem dy, bool add, struct failure *failure)
{
    const struct resnet_unit *unit = &resnet->units[index];
    const struct resnet_unit *input = &resnet->units[forms[index].input];
    cl_mem *buffers = resnet->buffers;
    cl_mem addend = add ? input->dy : NULL;
    cl_mem dx = is_plain(resnet) ? input->dy : buffers[RESNET_PLAIN_Y];
    struct epilogue epilogue = { .addend = is_plain(resnet) ? addend : NULL };

    return enqueue_convolve_backward(resnet->arithmetic, &unit->geometry, dy, buffers[RESNET_PARAMETERS], unit->weights,
                                     buffers[RESNET_ZEROS], buffers[RESNET_TRANSPOSED], epilogue, dx, failure) &&
           (is_plain(resnet) || enqueue_pack(resnet->arithmetic, &input->storage, dx, addend, false, input->dy, failure));
}

static bool backward_unit(struct resnet *resnet, size_t index, cl_mem x, enum resnet_mode mode, bool *has_dy,
                          struct failure *failure)
{
    const struct resnet_unit *unit = &resnet->units[index];
    const struct form *form = &forms[index];
    cl_mem *buffers = resnet->buffers;

    if (!resnet_normalize_backward(resnet, index, form->residual != NOTHING ? resnet->units[form->residual].dy : NULL, mode,
                                   failure))
        return false;
    cl_mem input = input_of(resnet, index, x, failure);
    cl_mem dy = input != NULL ? plain(resnet, unit, unit->dy, RESNET_PLAIN_DY, failure) : NULL;
    if (dy == NULL || !enqueue_weight_gradient(resnet->arithmetic, &unit->geometry, input, dy, buffers[RESNET_PARTIALS],
                                               buffers[RESNET_GRADIENTS], unit->weights, failure))
        return false;
    if (form->residual != NOTHING)
        has_dy[form->residual] = true;
    if (form->input == IMAGE)
        return true;
    if (!convolve_backward(resnet, index, dy, has_dy[form->input], failure))
        return false;
    has_dy[form->input] = true;
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

/* ---- The rest */

bool resnet_test(struct resnet *resnet, cl_mem x, const struct batch *batch, enum resnet_mode mode, struct failure *failure)
{
    resnet->test.samples += batch->rows;
    return resnet_forward(resnet, x, mode, failure) &&
           enqueue_classify(resnet->arithmetic, resnet->buffers[RESNET_LOGITS], batch, resnet->options.classes, 1.0, NULL,
                            resnet->test.losses, resnet->test.hits, failure);
}

static bool fold_unit(struct resnet *resnet, const struct resnet_unit *unit, struct failure *failure)
{
    cl_mem parameters = resnet->buffers[RESNET_PARAMETERS];
    cl_mem folded = resnet->buffers[RESNET_FOLDED_PARAMETERS];
    cl_mem statistics = resnet->buffers[RESNET_STATISTICS];
    clbn_fold_args args = CLBN_FOLD_ARGS_INIT;

    args.weights = (clbn_view){ parameters, unit->weights, NULL };
    args.gamma = (clbn_view){ parameters, unit->gamma, NULL };
    args.beta = (clbn_view){ parameters, unit->beta, NULL };
    args.running_mean = (clbn_view){ statistics, unit->mean, NULL };
    args.running_var = (clbn_view){ statistics, unit->variance, NULL };
    args.folded_weights = (clbn_view){ folded, unit->weights, NULL };
    args.folded_bias = (clbn_view){ folded, unit->beta, NULL };
    args.workspace = (clbn_view){ resnet->buffers[RESNET_WORKSPACE], 0, NULL };
    cl_int status = clbnEnqueueFold(unit->fold, resnet->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueFold", status);
}

bool resnet_fold(struct resnet *resnet, struct failure *failure)
{
    cl_int status = clEnqueueCopyBuffer(resnet->arithmetic->queue, resnet->buffers[RESNET_PARAMETERS],
                                        resnet->buffers[RESNET_FOLDED_PARAMETERS], 0, 0,
                                        resnet->parameter_count * sizeof(cl_float), 0, NULL, NULL);

    if (status != CL_SUCCESS)
        return fail_opencl(failure, "clEnqueueCopyBuffer", status);
    for (size_t i = 0; i < RESNET_UNITS; i++)
        if (!fold_unit(resnet, &resnet->units[i], failure))
            return false;
    return true;
}

bool resnet_checkpoint(struct resnet *resnet, struct checkpoint *checkpoint, struct failure *failure)
{
    cl_mem *buffers = resnet->buffers;

    return checkpoint_floats(checkpoint, resnet->arithmetic, buffers[RESNET_PARAMETERS], resnet->parameter_count, failure) &&
           checkpoint_floats(checkpoint, resnet->arithmetic, buffers[RESNET_VELOCITIES], resnet->parameter_count, failure) &&
           checkpoint_floats(checkpoint, resnet->arithmetic, buffers[RESNET_STATISTICS], resnet->statistic_count, failure);
}
