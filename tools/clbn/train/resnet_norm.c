/* SPDX-License-Identifier: MIT */
#include "train/resnet_norm.h"

#include "system/clock.h"

static const double epsilon = 1e-5;

/* The place of each of a unit's parameters or statistics. */
static clbn_view view_of(const struct resnet *resnet, enum resnet_buffer buffer, size_t offset)
{
    clbn_view view = { resnet->buffers[buffer], offset, NULL };

    return view;
}

/* Of the batch's statistics, which have a row for each ghost batch. */
static clbn_view saved_of(const struct resnet *resnet, size_t place)
{
    return view_of(resnet, RESNET_SAVED, place * method_rows(&resnet->options.method, resnet->options.rows));
}

static clbn_view whole(cl_mem buffer)
{
    clbn_view view = { buffer, 0, NULL };

    return view;
}

static clbn_plan create_plan(clbn_engine engine, const clbn_plan_desc *desc, struct failure *failure)
{
    cl_int status;
    clbn_plan plan = clbnCreatePlan(engine, desc, &status);

    if (plan == NULL)
        fail_clbn(failure, "clbnCreatePlan", status);
    return plan;
}

static clbn_plan create_image_plan(const struct resnet *resnet, clbn_engine engine, const struct resnet_unit *unit,
                                   struct failure *failure)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    bool last = resnet->options.channels_last;

    desc.type = resnet->options.type;
    desc.rank = 4;
    desc.channel_axes = last ? CLBN_AXIS(3) : CLBN_AXIS(1);
    desc.activation = unit->relu ? CLBN_ACTIVATION_RELU : CLBN_ACTIVATION_NONE;
    desc.epsilon = epsilon;
    desc.shape[0] = unit->geometry.images;
    desc.shape[1] = desc.shape[2] = desc.shape[3] = unit->geometry.out_side;
    desc.shape[last ? 3 : 1] = unit->geometry.out_channels;
    desc.ghost_batch = resnet->options.method.ghost_batch;
    return create_plan(engine, &desc, failure);
}

static clbn_plan create_weight_plan(clbn_engine engine, const struct resnet_unit *unit, struct failure *failure)
{
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;

    desc.rank = 3;
    desc.channel_axes = CLBN_AXIS(2);
    desc.epsilon = epsilon;
    desc.shape[0] = (size_t)unit->geometry.taps * unit->geometry.taps;
    desc.shape[1] = unit->geometry.in_channels;
    desc.shape[2] = unit->geometry.out_channels;
    return create_plan(engine, &desc, failure);
}

bool resnet_norm_open(struct resnet *resnet, clbn_engine engine, size_t index, struct failure *failure)
{
    struct resnet_unit *unit = &resnet->units[index];
    size_t size;

    unit->plan = create_image_plan(resnet, engine, unit, failure);
    if (unit->plan != NULL)
        unit->fold = create_weight_plan(engine, unit, failure);
    if (unit->fold == NULL)
        return false;
    if (!unit->relu)
        return true;
    cl_int status = clbnGetPlanInfo(unit->plan, CLBN_PLAN_MASK_SIZE, sizeof size, &size, NULL);
    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "clbnGetPlanInfo", status);
    unit->mask = arithmetic_buffer(resnet->arithmetic, size / sizeof(cl_uint) + 1, failure);
    return unit->mask != NULL;
}

void resnet_norm_close(struct resnet_unit *unit)
{
    if (unit->mask != NULL)
        clReleaseMemObject(unit->mask);
    clbnReleasePlan(unit->plan);
    clbnReleasePlan(unit->fold);
}

bool resnet_norm_workspace(const struct resnet *resnet, size_t *size, struct failure *failure)
{
    const bool is_renorm = resnet->options.method.kind == METHOD_RENORM;

    *size = 0;
    for (size_t i = 0; i < RESNET_UNITS; i++) {
        const clbn_plan plans[] = { resnet->units[i].plan, resnet->units[i].fold };

        for (size_t j = 0; j < sizeof plans / sizeof *plans; j++) {
            size_t needed;
            cl_int status = clbnGetPlanInfo(plans[j], is_renorm ? CLBN_PLAN_RENORM_WORKSPACE : CLBN_PLAN_WORKSPACE_SIZE,
                                            sizeof needed, &needed, NULL);

            if (status != CLBN_SUCCESS)
                return fail_clbn(failure, "clbnGetPlanInfo", status);
            *size = needed > *size ? needed : *size;
        }
    }
    return true;
}

static bool normalize_training(struct resnet *resnet, struct resnet_unit *unit, cl_mem residual, struct failure *failure)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;

    args.x = whole(unit->z);
    args.z = whole(residual);
    args.y = whole(unit->y);
    args.mask = whole(unit->mask);
    args.gamma = view_of(resnet, RESNET_PARAMETERS, unit->gamma);
    args.beta = view_of(resnet, RESNET_PARAMETERS, unit->beta);
    args.running_mean = view_of(resnet, RESNET_STATISTICS, unit->mean);
    args.running_var = view_of(resnet, RESNET_STATISTICS, unit->variance);
    args.save_mean = saved_of(resnet, unit->mean);
    args.save_invstd = saved_of(resnet, unit->variance);
    args.workspace = view_of(resnet, RESNET_WORKSPACE, 0);
    cl_int status = clbnEnqueueForwardTraining(unit->plan, resnet->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueForwardTraining", status);
}

static bool renormalize(struct resnet *resnet, struct resnet_unit *unit, cl_mem residual, struct failure *failure)
{
    clbn_forward_renorm_args args = CLBN_FORWARD_RENORM_ARGS_INIT;

    args.x = whole(unit->z);
    args.z = whole(residual);
    args.y = whole(unit->y);
    args.mask = whole(unit->mask);
    args.gamma = view_of(resnet, RESNET_PARAMETERS, unit->gamma);
    args.beta = view_of(resnet, RESNET_PARAMETERS, unit->beta);
    args.running_mean = view_of(resnet, RESNET_STATISTICS, unit->mean);
    args.running_var = view_of(resnet, RESNET_STATISTICS, unit->variance);
    args.save_mean = saved_of(resnet, unit->mean);
    args.save_invstd = saved_of(resnet, unit->variance);
    args.save_r = view_of(resnet, RESNET_CORRECTIONS, unit->mean);
    args.save_d = view_of(resnet, RESNET_CORRECTIONS, unit->variance);
    args.r_max = resnet->bounds.r_max;
    args.d_max = resnet->bounds.d_max;
    args.workspace = view_of(resnet, RESNET_WORKSPACE, 0);
    cl_int status = clbnEnqueueForwardRenorm(unit->plan, resnet->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueForwardRenorm", status);
}

static bool renormalize_backward(struct resnet *resnet, struct resnet_unit *unit, cl_mem dresidual, struct failure *failure)
{
    clbn_backward_renorm_args args = CLBN_BACKWARD_RENORM_ARGS_INIT;

    args.x = whole(unit->z);
    args.dy = args.dx = whole(unit->dy);
    args.dz = whole(dresidual);
    args.mask = whole(unit->mask);
    args.gamma = view_of(resnet, RESNET_PARAMETERS, unit->gamma);
    args.beta = view_of(resnet, RESNET_PARAMETERS, unit->beta);
    args.save_mean = saved_of(resnet, unit->mean);
    args.save_invstd = saved_of(resnet, unit->variance);
    args.save_r = view_of(resnet, RESNET_CORRECTIONS, unit->mean);
    args.save_d = view_of(resnet, RESNET_CORRECTIONS, unit->variance);
    args.dgamma = view_of(resnet, RESNET_GRADIENTS, unit->gamma);
    args.dbeta = view_of(resnet, RESNET_GRADIENTS, unit->beta);
    args.workspace = view_of(resnet, RESNET_WORKSPACE, 0);
    cl_int status = clbnEnqueueBackwardRenorm(unit->plan, resnet->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueBackwardRenorm", status);
}

/* With the mask, which a frozen backward takes. */
static bool normalize_inference(struct resnet *resnet, struct resnet_unit *unit, cl_mem residual, bool with_mask,
                                struct failure *failure)
{
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;

    args.x = whole(unit->z);
    args.z = whole(residual);
    args.y = whole(unit->y);
    args.mask = whole(with_mask ? unit->mask : NULL);
    args.gamma = view_of(resnet, RESNET_PARAMETERS, unit->gamma);
    args.beta = view_of(resnet, RESNET_PARAMETERS, unit->beta);
    args.running_mean = view_of(resnet, RESNET_STATISTICS, unit->mean);
    args.running_var = view_of(resnet, RESNET_STATISTICS, unit->variance);
    args.workspace = view_of(resnet, RESNET_WORKSPACE, 0);
    cl_int status = clbnEnqueueForwardInference(unit->plan, resnet->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueForwardInference", status);
}

static bool backward_training(struct resnet *resnet, struct resnet_unit *unit, cl_mem dresidual, struct failure *failure)
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;

    args.x = whole(unit->z);
    args.dy = args.dx = whole(unit->dy);
    args.dz = whole(dresidual);
    args.mask = whole(unit->mask);
    args.gamma = view_of(resnet, RESNET_PARAMETERS, unit->gamma);
    args.beta = view_of(resnet, RESNET_PARAMETERS, unit->beta);
    args.save_mean = saved_of(resnet, unit->mean);
    args.save_invstd = saved_of(resnet, unit->variance);
    args.dgamma = view_of(resnet, RESNET_GRADIENTS, unit->gamma);
    args.dbeta = view_of(resnet, RESNET_GRADIENTS, unit->beta);
    args.workspace = view_of(resnet, RESNET_WORKSPACE, 0);
    cl_int status = clbnEnqueueBackward(unit->plan, resnet->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueBackward", status);
}

static bool backward_frozen(struct resnet *resnet, struct resnet_unit *unit, cl_mem dresidual, struct failure *failure)
{
    clbn_backward_frozen_args args = CLBN_BACKWARD_FROZEN_ARGS_INIT;

    args.x = whole(unit->z);
    args.dy = args.dx = whole(unit->dy);
    args.dz = whole(dresidual);
    args.mask = whole(unit->mask);
    args.gamma = view_of(resnet, RESNET_PARAMETERS, unit->gamma);
    args.beta = view_of(resnet, RESNET_PARAMETERS, unit->beta);
    args.running_mean = view_of(resnet, RESNET_STATISTICS, unit->mean);
    args.running_var = view_of(resnet, RESNET_STATISTICS, unit->variance);
    args.dgamma = view_of(resnet, RESNET_GRADIENTS, unit->gamma);
    args.dbeta = view_of(resnet, RESNET_GRADIENTS, unit->beta);
    args.workspace = view_of(resnet, RESNET_WORKSPACE, 0);
    cl_int status = clbnEnqueueBackwardFrozen(unit->plan, resnet->arithmetic->queue, &args, 0, NULL, NULL);
    return status == CLBN_SUCCESS || fail_clbn(failure, "clbnEnqueueBackwardFrozen", status);
}

static bool textbook(struct resnet *resnet, enum arithmetic_kernel kernel, size_t work_items, const struct argument *arguments,
                     cl_uint count, struct failure *failure)
{
    return arithmetic_enqueue(resnet->arithmetic, kernel, work_items, arguments, count, failure);
}

static bool textbook_forward(struct resnet *resnet, struct resnet_unit *unit, cl_mem residual, struct failure *failure)
{
    cl_mem sums = resnet->buffers[RESNET_TEXTBOOK_SUMS];
    cl_uint sums_offset = (cl_uint)(2 * unit->mean);
    cl_uint places[] = { (cl_uint)unit->gamma, (cl_uint)unit->beta };
    cl_float small = (cl_float)epsilon;
    cl_uint relu = unit->relu;
    size_t channels = unit->storage.channels;
    size_t count = convolution_outputs(&unit->geometry);
    const struct argument statistics[] = { ARGUMENT(unit->z), ARGUMENT(unit->storage), ARGUMENT(sums_offset), ARGUMENT(sums) };
    const struct argument normalize[] = { ARGUMENT(unit->z),
                                          ARGUMENT(unit->storage),
                                          ARGUMENT(sums_offset),
                                          ARGUMENT(sums),
                                          ARGUMENT(resnet->buffers[RESNET_PARAMETERS]),
                                          ARGUMENT(places[0]),
                                          ARGUMENT(places[1]),
                                          ARGUMENT(small),
                                          ARGUMENT(unit->y) };
    const struct argument activate[] = { ARGUMENT(residual), ARGUMENT(unit->storage), ARGUMENT(relu), ARGUMENT(unit->y) };

    return textbook(resnet, ARITHMETIC_TEXTBOOK_STATISTICS, channels, statistics, ARGUMENT_COUNT(statistics), failure) &&
           textbook(resnet, ARITHMETIC_TEXTBOOK_NORMALIZE, count, normalize, ARGUMENT_COUNT(normalize), failure) &&
           (!(relu || residual != NULL) ||
            textbook(resnet, ARITHMETIC_TEXTBOOK_ACTIVATE, count, activate, ARGUMENT_COUNT(activate), failure));
}

static bool textbook_backward(struct resnet *resnet, struct resnet_unit *unit, cl_mem dresidual, struct failure *failure)
{
    cl_mem sums = resnet->buffers[RESNET_TEXTBOOK_SUMS];
    cl_uint sums_offset = (cl_uint)(2 * unit->mean);
    cl_uint places[] = { (cl_uint)unit->gamma, (cl_uint)unit->beta };
    cl_float small = (cl_float)epsilon;
    cl_uint relu = unit->relu;
    size_t count = convolution_outputs(&unit->geometry);
    const struct argument activate[] = { ARGUMENT(unit->y), ARGUMENT(unit->storage), ARGUMENT(relu), ARGUMENT(unit->dy),
                                         ARGUMENT(dresidual) };
    const struct argument add[] = { ARGUMENT(unit->z),     ARGUMENT(unit->dy),  ARGUMENT(unit->storage),
                                    ARGUMENT(places[0]),   ARGUMENT(places[1]), ARGUMENT(small),
                                    ARGUMENT(sums_offset), ARGUMENT(sums),      ARGUMENT(resnet->buffers[RESNET_GRADIENTS]) };
    const struct argument input[] = { ARGUMENT(unit->z),
                                      ARGUMENT(unit->storage),
                                      ARGUMENT(sums_offset),
                                      ARGUMENT(sums),
                                      ARGUMENT(resnet->buffers[RESNET_PARAMETERS]),
                                      ARGUMENT(places[0]),
                                      ARGUMENT(small),
                                      ARGUMENT(unit->dy) };

    return (!(relu || dresidual != NULL) ||
            textbook(resnet, ARITHMETIC_TEXTBOOK_ACTIVATE_GRADIENT, count, activate, ARGUMENT_COUNT(activate), failure)) &&
           textbook(resnet, ARITHMETIC_TEXTBOOK_SUMS, unit->storage.channels, add, ARGUMENT_COUNT(add), failure) &&
           textbook(resnet, ARITHMETIC_TEXTBOOK_INPUT_GRADIENT, count, input, ARGUMENT_COUNT(input), failure);
}

static bool start_watch(struct resnet *resnet, struct failure *failure)
{
    cl_int status = resnet->stopwatch.runs ? clFinish(resnet->arithmetic->queue) : CL_SUCCESS;

    resnet->stopwatch.seconds -= resnet->stopwatch.runs ? clock_seconds() : 0.0;
    return status == CL_SUCCESS || fail_opencl(failure, "clFinish", status);
}

static bool stop_watch(struct resnet *resnet, struct failure *failure)
{
    cl_int status = resnet->stopwatch.runs ? clFinish(resnet->arithmetic->queue) : CL_SUCCESS;

    resnet->stopwatch.seconds += resnet->stopwatch.runs ? clock_seconds() : 0.0;
    return status == CL_SUCCESS || fail_opencl(failure, "clFinish", status);
}

static bool forward(struct resnet *resnet, struct resnet_unit *unit, cl_mem residual, enum resnet_mode mode,
                    struct failure *failure)
{
    switch (mode) {
    case RESNET_TRAINING:
        return resnet->options.method.kind == METHOD_RENORM ? renormalize(resnet, unit, residual, failure)
                                                            : normalize_training(resnet, unit, residual, failure);
    case RESNET_FROZEN:
        return normalize_inference(resnet, unit, residual, true, failure);
    case RESNET_INFERENCE:
        return normalize_inference(resnet, unit, residual, false, failure);
    case RESNET_TEXTBOOK:
        return textbook_forward(resnet, unit, residual, failure);
    case RESNET_FOLDED:
        break; /* the convolution has done it */
    }
    return true;
}

bool resnet_normalize(struct resnet *resnet, size_t unit, cl_mem residual, enum resnet_mode mode, struct failure *failure)
{
    return start_watch(resnet, failure) && forward(resnet, &resnet->units[unit], residual, mode, failure) &&
           stop_watch(resnet, failure);
}

static bool backward(struct resnet *resnet, struct resnet_unit *unit, cl_mem dresidual, enum resnet_mode mode,
                     struct failure *failure)
{
    if (mode == RESNET_FROZEN)
        return backward_frozen(resnet, unit, dresidual, failure);
    if (mode == RESNET_TEXTBOOK)
        return textbook_backward(resnet, unit, dresidual, failure);
    return resnet->options.method.kind == METHOD_RENORM ? renormalize_backward(resnet, unit, dresidual, failure)
                                                        : backward_training(resnet, unit, dresidual, failure);
}

bool resnet_normalize_backward(struct resnet *resnet, size_t unit, cl_mem dresidual, enum resnet_mode mode,
                               struct failure *failure)
{
    return start_watch(resnet, failure) && backward(resnet, &resnet->units[unit], dresidual, mode, failure) &&
           stop_watch(resnet, failure);
}
