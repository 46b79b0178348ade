/* SPDX-License-Identifier: MIT */
#include "train/resnet.h"

#include "io/random.h"
#include "train/resnet_norm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a unit is made of, in the network's order. */
static const struct form {
    unsigned taps;
    unsigned stride;
    unsigned channels; /* times C */
    int input;         /* as in struct resnet_unit */
    int residual;
    bool relu;
} forms[RESNET_UNITS] = {
    { 3, 2, 1, RESNET_IMAGE, RESNET_NOTHING, true },
    { 3, 1, 1, 0, RESNET_NOTHING, true },
    { 3, 1, 1, 1, 0, true },
    { 3, 2, 2, 2, RESNET_NOTHING, true },
    { 1, 2, 2, 2, RESNET_NOTHING, false },
    { 3, 1, 2, 3, 4, true },
    { 3, 2, 4, 5, RESNET_NOTHING, true },
    { 1, 2, 4, 5, RESNET_NOTHING, false },
    { 3, 1, 4, 6, 7, true },
};

static void describe_unit(struct resnet *resnet, size_t index)
{
    const struct form *form = &forms[index];
    const struct resnet_options *options = &resnet->options;
    struct resnet_unit *unit = &resnet->units[index];
    const struct geometry *input = form->input != RESNET_IMAGE ? &resnet->units[form->input].geometry : NULL;
    size_t side = input != NULL ? input->out_side : options->side;
    size_t channels = form->channels * options->channels;

    unit->input = form->input;
    unit->residual = form->residual;
    unit->relu = form->relu;
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
    case RESNET_CORRECTIONS:
        return resnet->statistic_count;
    case RESNET_SAVED:
        return resnet->statistic_count * method_rows(&resnet->options.method, resnet->options.rows);
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
        return resnet->is_plain ? 0 : greatest(resnet, convolution_outputs);
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
    return resnet_norm_open(resnet, engine, index, failure);
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
    resnet->is_plain = options->type == CLBN_FLOAT32 && options->channels_last;
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
