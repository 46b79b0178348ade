/* SPDX-License-Identifier: MIT */
#include "plan/plan.h"

#include "base/information.h"
#include "base/integers.h"
#include "base/sized.h"
#include "base/status.h"
#include "base/view.h"
#include "schedule/candidates.h"
#include "schedule/renorm.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cl_int check_desc(clbn_engine engine, const clbn_plan_desc *desc)
{
    if (bn_type_size(desc->type) == 0)
        return bn_fail(CLBN_UNSUPPORTED_TYPE, "type is %u, expected CLBN_FLOAT32, FLOAT64, FLOAT16 or BFLOAT16.",
                       (unsigned)desc->type);
    if (desc->type == CLBN_FLOAT64 && !engine->facts.has_double)
        return bn_fail(CLBN_UNSUPPORTED_TYPE, "type is CLBN_FLOAT64, but the device has no cl_khr_fp64.");
    const bool has_16_bits = desc->parameter_type == CLBN_FLOAT16 || desc->parameter_type == CLBN_BFLOAT16;
    if (desc->parameter_type != bn_real_type(desc->type) && (desc->type == CLBN_FLOAT64 || !has_16_bits))
        return bn_fail(CLBN_UNSUPPORTED_TYPE, "parameter_type is %u, expected 0 or CLBN_FLOAT%s.",
                       (unsigned)desc->parameter_type, desc->type == CLBN_FLOAT64 ? "64" : "32, FLOAT16 or BFLOAT16");
    const double greatest = desc->type == CLBN_FLOAT64 ? DBL_MAX : (double)FLT_MAX;
    if (!(desc->epsilon >= 0 && desc->epsilon <= greatest))
        return bn_fail(CLBN_INVALID_EPSILON, "epsilon is %g, expected a number from 0 to %g.", desc->epsilon, greatest);
    if (desc->activation > CLBN_ACTIVATION_ELU)
        return bn_fail(CLBN_INVALID_ACTIVATION, "activation is %u, expected CLBN_ACTIVATION_NONE to CLBN_ACTIVATION_ELU.",
                       (unsigned)desc->activation);
    if (desc->activation == CLBN_ACTIVATION_LEAKY_RELU && !(desc->leaky_slope >= -greatest && desc->leaky_slope <= greatest))
        return bn_fail(CLBN_INVALID_ACTIVATION, "leaky_slope is %g, expected a number from %g to %g.", desc->leaky_slope,
                       -greatest, greatest);
    if (desc->activation == CLBN_ACTIVATION_ELU && !(desc->elu_alpha >= 0 && desc->elu_alpha <= greatest))
        return bn_fail(CLBN_INVALID_ACTIVATION, "elu_alpha is %g, expected a number from 0 to %g.", desc->elu_alpha, greatest);
    if (desc->ghost_batch > 0 && (desc->channel_axes & CLBN_AXIS(0)))
        return bn_fail(CLBN_INVALID_SHAPE, "ghost_batch is %zu, but axis 0 is a channel axis, expected 0, or the batch there.",
                       desc->ghost_batch);
    if (desc->operations & ~(clbn_operations)ALL_OPERATIONS)
        return bn_fail(CLBN_WRONG_OPERATION, "operations is 0x%x, expected 0 or some of CLBN_OPERATION_*.",
                       (unsigned)desc->operations);
    return CLBN_SUCCESS;
}

static cl_int take_desc(clbn_engine engine, const clbn_plan_desc *given, clbn_plan_desc *known)
{
    if (!engine)
        return bn_fail(CLBN_INVALID_ENGINE, "the engine is NULL, expected one from clbnCreateEngine.");
    cl_int status = bn_take_struct(CLBN_STRUCT_PLAN_DESC, given, known);
    if (status == CLBN_SUCCESS && known->parameter_type == 0)
        known->parameter_type = bn_real_type(known->type);
    if (status == CLBN_SUCCESS && known->operations == 0)
        known->operations = ALL_OPERATIONS;
    return status == CLBN_SUCCESS ? check_desc(engine, known) : status;
}

/* Replaces the usual schedules by the ones that the caller or tuning chose. */
static void choose_schedules(clbn_plan plan, const struct choices *given)
{
    const uint64_t hash = bn_hash_problem(&plan->problem);
    for (enum pass pass = 0; pass < PASSES; pass++) {
        struct choices known;
        if (given)
            known = *given;
        else if (!bn_recall_tuned(plan->program, bn_hash_pass(hash, pass), &known))
            continue;
        bn_make_chosen_schedule(&plan->problem, &known, pass, &plan->schedules[pass]);
    }
}

/* Makes the usual schedules of a problem, and has its program built. The plan has its shape. */
static cl_int schedule_and_build(clbn_plan plan, const struct problem *problem)
{
    const struct choices usual = { 0 };
    cl_int status = CLBN_SUCCESS;
    for (enum pass pass = 0; pass < PASSES && plan->shape.channels > 0; pass++)
        bn_make_schedule(problem, &usual, pass, &plan->schedules[pass]);
    plan->program = bn_engine_program(plan->engine, problem->variant, &status);
    return status;
}

/* Finds shape, schedules and program of a plan whose engine and desc are set. A kernel that needs many registers may allow fewer
 * work-items than the groups have: then groups of half the size are tried. */
static cl_int complete_plan(clbn_plan plan, const struct choices *choices)
{
    struct device_facts facts = plan->engine->facts;
    const cl_uint flags = plan->engine->flags;
    struct variant variant;
    const struct problem problem = { &variant, &facts, flags, &plan->shape };
    cl_int status = bn_collapse_shape(&plan->desc, facts.address_limit, &plan->shape);
    bool fits = false;
    while (status == CLBN_SUCCESS && !fits) {
        variant =
            bn_choose_variant(plan->engine->geometry, flags, &facts, plan->desc.type, plan->desc.activation, &plan->shape);
        variant.parameter_type = plan->desc.parameter_type;
        variant.operations = plan->desc.operations;
        if (variant.operations == CLBN_OPERATION_INFERENCE)
            variant.kept = 0; /* so that plans of all sizes share a program */
        status = schedule_and_build(plan, &problem);
        fits = status == CLBN_SUCCESS && variant.group <= plan->program->group_limit;
        facts.max_group_size = variant.group / 2;
    }
    if (status != CLBN_SUCCESS)
        return status;
    const struct problem own = { &plan->program->variant, &plan->engine->facts, flags, &plan->shape };
    plan->problem = own;
    if (plan->shape.elements > 0)
        choose_schedules(plan, choices);
    for (enum pass pass = 0; pass < PASSES; pass++)
        plan->workspace_size = greater(plan->workspace_size, plan->schedules[pass].workspace_size);
    plan->renorm_workspace_size = bn_measure_renorm(&plan->problem).all + plan->workspace_size;
    plan->mask_size = plan->schedules[PASS_FORWARD].mask_size;
    return CLBN_SUCCESS;
}

clbn_plan bn_create_plan(clbn_engine engine, const clbn_plan_desc *desc, const struct choices *choices, cl_int *status)
{
    clbn_plan plan = calloc(1, sizeof(*plan));
    if (!plan) {
        *status = bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for a plan.");
        return NULL;
    }
    plan->references = 1;
    plan->engine = engine;
    plan->desc = *desc;
    plan->desc.ghost_batch = 0;
    if (desc->activation == CLBN_ACTIVATION_LEAKY_RELU)
        plan->alpha = desc->leaky_slope;
    if (desc->activation == CLBN_ACTIVATION_ELU)
        plan->alpha = desc->elu_alpha;
    *status = complete_plan(plan, choices);
    if (*status != CLBN_SUCCESS) {
        free(plan);
        return NULL;
    }
    clbnRetainEngine(engine);
    return plan;
}

clbn_plan clbnCreatePlan(clbn_engine engine, const clbn_plan_desc *desc, cl_int *errcode_ret)
{
    clbn_plan_desc known;
    cl_int status = take_desc(engine, desc, &known);
    clbn_plan plan = status == CLBN_SUCCESS ? bn_create_plan(engine, &known, NULL, &status) : NULL;
    if (plan)
        status = bn_create_ghosts(plan, known.ghost_batch);
    if (status != CLBN_SUCCESS) {
        clbnReleasePlan(plan);
        plan = NULL;
    }
    bn_set_errcode(errcode_ret, status);
    return plan;
}

cl_int clbnPrebuildPlan(clbn_engine engine, const clbn_plan_desc *desc)
{
    cl_int status = CLBN_SUCCESS;
    clbnReleasePlan(clbnCreatePlan(engine, desc, &status));
    return status;
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
    bn_release_ghosts(&plan->ghosts);
    clbnReleaseEngine(plan->engine);
    free(plan);
    return CLBN_SUCCESS;
}

/* The plan that does a pass: that of a ghost batch, where each has its own. */
static clbn_plan plan_of_pass(clbn_plan plan, enum pass pass)
{
    return plan->ghosts.count > 0 && pass != PASS_INFERENCE ? plan->ghosts.whole : plan;
}

static bool is_done(clbn_plan plan, enum pass pass)
{
    return plan->shape.elements > 0 && (plan->desc.operations >> pass & 1);
}

/* The kernels' names with spaces between them, for calls without residual and mask. */
static void describe_kernels(char *text, size_t size, clbn_plan given, clbn_plan_info operation)
{
    const enum pass pass = operation == CLBN_PLAN_FORWARD_KERNELS    ? PASS_FORWARD
                           : operation == CLBN_PLAN_BACKWARD_KERNELS ? PASS_BACKWARD
                                                                     : PASS_INFERENCE;
    const clbn_plan plan = plan_of_pass(given, pass);
    const struct recipe *r = bn_recipe(bn_kernel_set(&plan->program->variant), plan->schedules[pass].strategy, pass);
    const enum kernel_id ids[] = { r->first.kernel, r->last_merges ? KERNEL_NONE : r->merge.kernel, r->last.kernel };
    text[0] = '\0';
    for (unsigned i = 0; i < 3 && is_done(plan, pass); i++) {
        const size_t length = strlen(text);
        if (ids[i] != KERNEL_NONE)
            snprintf(text + length, size - length, "%s%s", length > 0 ? " " : "", bn_kernel_name(ids[i]));
    }
}

static void describe_division(char *text, size_t size, clbn_plan given, clbn_plan_info operation)
{
    enum pass pass = operation == CLBN_PLAN_FORWARD_DIVISION    ? PASS_FORWARD
                     : operation == CLBN_PLAN_BACKWARD_DIVISION ? PASS_BACKWARD
                                                                : PASS_INFERENCE;
    const clbn_plan plan = plan_of_pass(given, pass);
    text[0] = '\0';
    if (is_done(plan, pass))
        bn_describe_schedule(&plan->schedules[pass], pass, text, size);
}

cl_int clbnGetPlanInfo(clbn_plan plan, clbn_plan_info param_name, size_t param_value_size, void *param_value,
                       size_t *param_value_size_ret)
{
    const struct question asked = { param_value_size, param_value, param_value_size_ret };
    if (!plan)
        return bn_fail(CLBN_INVALID_PLAN, "the plan is NULL, expected one from clbnCreatePlan.");
    const size_t ghosts = bn_statistic_rows(plan);
    char text[128];

    switch (param_name) {
    case CLBN_PLAN_ENGINE:
        return bn_answer(&asked, &plan->engine, sizeof(plan->engine));
    case CLBN_PLAN_CHANNELS:
        return bn_answer(&asked, &plan->shape.channels, sizeof(size_t));
    case CLBN_PLAN_VALUES_PER_CHANNEL:
        return bn_answer(&asked, &plan->shape.values_per_channel, sizeof(size_t));
    case CLBN_PLAN_WORKSPACE_SIZE:
        return bn_answer(&asked, &plan->workspace_size, sizeof(size_t));
    case CLBN_PLAN_MASK_SIZE:
        return bn_answer(&asked, &plan->mask_size, sizeof(size_t));
    case CLBN_PLAN_RENORM_WORKSPACE:
        return bn_answer(&asked, &plan->renorm_workspace_size, sizeof(size_t));
    case CLBN_PLAN_GHOST_BATCHES:
        return bn_answer(&asked, &ghosts, sizeof(size_t));
    case CLBN_PLAN_TYPE:
        return bn_answer(&asked, &plan->desc.type, sizeof(clbn_type));
    case CLBN_PLAN_EPSILON:
        return bn_answer(&asked, &plan->desc.epsilon, sizeof(double));
    case CLBN_PLAN_FORWARD_KERNELS:
    case CLBN_PLAN_INFERENCE_KERNELS:
    case CLBN_PLAN_BACKWARD_KERNELS:
        describe_kernels(text, sizeof(text), plan, param_name);
        return bn_answer(&asked, text, strlen(text) + 1);
    case CLBN_PLAN_FORWARD_DIVISION:
    case CLBN_PLAN_INFERENCE_DIVISION:
    case CLBN_PLAN_BACKWARD_DIVISION:
        describe_division(text, sizeof(text), plan, param_name);
        return bn_answer(&asked, text, strlen(text) + 1);
    default:
        return bn_fail(CLBN_INVALID_ARGUMENT, "plan information %u is unknown, expected CLBN_PLAN_*.", (unsigned)param_name);
    }
}
