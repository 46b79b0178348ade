#include "plan.h"

#include "information.h"
#include "lock.h"
#include "status.h"
#include "view.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct clbn_plan_object {
    reference_count references;
    clbn_engine engine;
    clbn_plan_desc desc;
    struct shape shape;
    struct schedule schedule;
    struct program *program; /* the engine's */
};

static cl_int check_desc(clbn_engine engine, const clbn_plan_desc *desc)
{
    if (!engine)
        return bn_fail(CLBN_INVALID_ENGINE, "the engine is NULL, expected one from clbnCreateEngine.");
    if (!desc)
        return bn_fail(CLBN_INVALID_ARGUMENT, "desc is NULL, expected a clbn_plan_desc.");
    if (desc->struct_size != sizeof(*desc))
        return bn_fail(CLBN_INVALID_STRUCT_SIZE,
                       "clbn_plan_desc has struct_size %zu, expected %zu: start from CLBN_PLAN_DESC_INIT.", desc->struct_size,
                       sizeof(*desc));
    if (bn_type_size(desc->type) == 0)
        return bn_fail(CLBN_UNSUPPORTED_TYPE, "type is %u, expected CLBN_FLOAT32, FLOAT64, FLOAT16 or BFLOAT16.",
                       (unsigned)desc->type);
    if (desc->type == CLBN_FLOAT64 && !bn_engine_facts(engine)->has_double)
        return bn_fail(CLBN_UNSUPPORTED_TYPE, "type is CLBN_FLOAT64, but the device has no cl_khr_fp64.");
    const double greatest = desc->type == CLBN_FLOAT64 ? DBL_MAX : (double)FLT_MAX;
    if (!(desc->epsilon >= 0 && desc->epsilon <= greatest))
        return bn_fail(CLBN_INVALID_EPSILON, "epsilon is %g, expected a number from 0 to %g.", desc->epsilon, greatest);
    if (desc->mode > CLBN_PER_ACTIVATION)
        return bn_fail(CLBN_INVALID_ARGUMENT, "mode is %u, expected CLBN_PER_CHANNEL or CLBN_PER_ACTIVATION.",
                       (unsigned)desc->mode);
    if (desc->activation > CLBN_ACTIVATION_ELU)
        return bn_fail(CLBN_INVALID_ACTIVATION, "activation is %u, expected CLBN_ACTIVATION_NONE to CLBN_ACTIVATION_ELU.",
                       (unsigned)desc->activation);
    if (desc->activation == CLBN_ACTIVATION_LEAKY_RELU && !(desc->leaky_slope >= 0 && desc->leaky_slope <= greatest))
        return bn_fail(CLBN_INVALID_ACTIVATION, "leaky_slope is %g, expected a number from 0 to %g.", desc->leaky_slope,
                       greatest);
    if (desc->activation == CLBN_ACTIVATION_ELU && !(desc->elu_alpha >= 0 && desc->elu_alpha <= greatest))
        return bn_fail(CLBN_INVALID_ACTIVATION, "elu_alpha is %g, expected a number from 0 to %g.", desc->elu_alpha, greatest);
    return CLBN_SUCCESS;
}

/* Shape, schedule and program of a plan whose engine and desc are set. */
static cl_int complete_plan(clbn_plan plan)
{
    const struct device_facts *facts = bn_engine_facts(plan->engine);
    const cl_uint flags = bn_engine_flags(plan->engine);
    cl_int status = bn_collapse_shape(&plan->desc, facts->address_limit, &plan->shape);
    if (status != CLBN_SUCCESS)
        return status;
    struct variant variant =
        bn_choose_variant(bn_engine_geometry(plan->engine), flags, facts, plan->desc.type, plan->desc.activation, &plan->shape);
    if (plan->shape.channels > 0 && !bn_make_schedule(&variant, facts, flags, &plan->shape, &plan->schedule))
        return bn_fail(CLBN_SIZE_OVERFLOW, "the workspace for %zu channels has more bytes than size_t can count.",
                       plan->shape.channels);
    plan->program = bn_engine_program(plan->engine, &variant, &status);
    return status;
}

clbn_plan clbnCreatePlan(clbn_engine engine, const clbn_plan_desc *desc, cl_int *errcode_ret)
{
    cl_int status = check_desc(engine, desc);
    if (status != CLBN_SUCCESS) {
        bn_set_errcode(errcode_ret, status);
        return NULL;
    }
    clbn_plan plan = calloc(1, sizeof(*plan));
    if (!plan) {
        bn_set_errcode(errcode_ret, bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for a plan."));
        return NULL;
    }
    plan->references = 1;
    plan->engine = engine;
    plan->desc = *desc;
    status = complete_plan(plan);
    bn_set_errcode(errcode_ret, status);
    if (status != CLBN_SUCCESS) {
        free(plan);
        return NULL;
    }
    clbnRetainEngine(engine);
    return plan;
}

cl_int clbnRetainPlan(clbn_plan plan)
{
    if (!plan)
        return bn_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnCreatePlan.");
    reference_add(&plan->references);
    return CLBN_SUCCESS;
}

cl_int clbnReleasePlan(clbn_plan plan)
{
    if (!plan || !reference_drop(&plan->references))
        return CLBN_SUCCESS;
    clbnReleaseEngine(plan->engine);
    free(plan);
    return CLBN_SUCCESS;
}

clbn_engine bn_plan_engine(clbn_plan plan)
{
    return plan->engine;
}

const clbn_plan_desc *bn_plan_desc(clbn_plan plan)
{
    return &plan->desc;
}

const struct shape *bn_plan_shape(clbn_plan plan)
{
    return &plan->shape;
}

const struct schedule *bn_plan_schedule(clbn_plan plan)
{
    return &plan->schedule;
}

struct program *bn_plan_program(clbn_plan plan)
{
    return plan->program;
}

bool bn_is_channels_last(clbn_plan plan)
{
    return bn_program_variant(plan->program)->channels_last;
}

bool bn_lies_in_pieces(clbn_plan plan, clbn_view view, enum tensor tensor, unsigned piece)
{
    const struct shape *shape = &plan->shape;
    const size_t bytes = piece * bn_type_size(plan->desc.type);
    const size_t run = shape->channels_last ? shape->channels : shape->inner;
    if (!bn_is_present(view))
        return true;
    /* Buffers, and parts of them, begin at multiples of a device's largest type; shared memory begins anywhere. */
    return view.offset % piece == 0 && (uintptr_t)view.svm % bytes == 0 && run % piece == 0 &&
           shape->layouts[tensor].alignment % piece == 0;
}

double bn_plan_alpha(clbn_plan plan)
{
    switch (plan->desc.activation) {
    case CLBN_ACTIVATION_LEAKY_RELU:
        return plan->desc.leaky_slope;
    case CLBN_ACTIVATION_ELU:
        return plan->desc.elu_alpha;
    default:
        return 0;
    }
}

/* Names of kernels with spaces between. */
static void name_kernels(char *text, size_t size, clbn_plan plan, const enum kernel_id *ids, unsigned count)
{
    text[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        size_t length = strlen(text);
        snprintf(text + length, size - length, "%s%s", i > 0 ? " " : "",
                 bn_kernel_name(bn_program_variant(plan->program), ids[i]));
    }
}

static void describe_kernels(char *text, size_t size, clbn_plan plan, clbn_plan_info operation)
{
    static const enum kernel_id forward[] = { KERNEL_STATISTICS, KERNEL_FINISH_STATISTICS, KERNEL_NORMALIZE };
    static const enum kernel_id backward[] = { KERNEL_SUMS, KERNEL_FINISH_GRADIENTS, KERNEL_INPUT };
    static const enum kernel_id forward_whole[] = { KERNEL_FORWARD };
    static const enum kernel_id backward_whole[] = { KERNEL_BACKWARD };
    static const enum kernel_id inference[] = { KERNEL_INFERENCE };
    static const enum kernel_id forward_kept[] = { KERNEL_RESIDENT_FORWARD };
    static const enum kernel_id backward_kept[] = { KERNEL_RESIDENT_BACKWARD };
    bool whole = plan->schedule.whole;
    if (plan->shape.elements == 0)
        name_kernels(text, size, plan, NULL, 0);
    else if (operation == CLBN_PLAN_INFERENCE_KERNELS)
        name_kernels(text, size, plan, inference, 1);
    else if (operation == CLBN_PLAN_FORWARD_KERNELS && plan->schedule.keeps_forward)
        name_kernels(text, size, plan, forward_kept, 1);
    else if (operation == CLBN_PLAN_BACKWARD_KERNELS && plan->schedule.keeps_backward)
        name_kernels(text, size, plan, backward_kept, 1);
    else if (operation == CLBN_PLAN_FORWARD_KERNELS)
        name_kernels(text, size, plan, whole ? forward_whole : forward, whole ? 1 : 3);
    else
        name_kernels(text, size, plan, whole ? backward_whole : backward, whole ? 1 : 3);
}

cl_int clbnGetPlanInfo(clbn_plan plan, clbn_plan_info param_name, size_t param_value_size, void *param_value,
                       size_t *param_value_size_ret)
{
    if (!plan)
        return bn_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnCreatePlan.");
    char kernels[128];

    switch (param_name) {
    case CLBN_PLAN_ENGINE:
        return bn_give_information(&plan->engine, sizeof(plan->engine), param_value_size, param_value, param_value_size_ret);
    case CLBN_PLAN_CHANNELS:
        return bn_give_information(&plan->shape.channels, sizeof(size_t), param_value_size, param_value, param_value_size_ret);
    case CLBN_PLAN_VALUES_PER_CHANNEL:
        return bn_give_information(&plan->shape.values_per_channel, sizeof(size_t), param_value_size, param_value,
                                   param_value_size_ret);
    case CLBN_PLAN_WORKSPACE_SIZE:
        return bn_give_information(&plan->schedule.workspace_size, sizeof(size_t), param_value_size, param_value,
                                   param_value_size_ret);
    case CLBN_PLAN_MASK_SIZE:
        return bn_give_information(&plan->schedule.mask_size, sizeof(size_t), param_value_size, param_value,
                                   param_value_size_ret);
    case CLBN_PLAN_FORWARD_KERNELS:
    case CLBN_PLAN_INFERENCE_KERNELS:
    case CLBN_PLAN_BACKWARD_KERNELS:
        describe_kernels(kernels, sizeof(kernels), plan, param_name);
        return bn_give_information(kernels, strlen(kernels) + 1, param_value_size, param_value, param_value_size_ret);
    default:
        return bn_fail(CLBN_INVALID_ARGUMENT, "plan information %u is unknown, expected CLBN_PLAN_*.", (unsigned)param_name);
    }
}
