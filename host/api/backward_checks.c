/* SPDX-License-Identifier: MIT */
#include "api/backward_checks.h"

#include "api/operands.h"
#include "base/status.h"

#include <float.h>

static const clbn_view none = CLBN_NO_VIEW;

/* ---- Sources -------------------------------------------------------------------------------------------------------------- */

/* Where a leaky slope is negative, y has the same sign on both sides of 0. */
static bool slope_follows_from_output(clbn_plan plan)
{
    const clbn_activation activation = plan->desc.activation;
    return activation != CLBN_ACTIVATION_SILU && !(activation == CLBN_ACTIVATION_LEAKY_RELU && plan->alpha < 0);
}

/* Whether xhat can be computed from y. */
static bool is_invertible(clbn_plan plan)
{
    switch (plan->desc.activation) {
    case CLBN_ACTIVATION_NONE:
        return true;
    case CLBN_ACTIVATION_LEAKY_RELU:
    case CLBN_ACTIVATION_ELU:
        return plan->alpha > 0;
    default:
        return false;
    }
}

/* Checks that one of z, y and mask at most is given, and that the activation's slope follows from it. */
static cl_int choose_slope_source(clbn_plan plan, struct backward *b)
{
    const clbn_activation activation = plan->desc.activation;
    if (bn_is_present(b->z) + bn_is_present(b->y) + bn_is_present(b->mask) > 1)
        return bn_fail(CLBN_INVALID_ARGUMENT,
                       "more than one of z, y and mask was given, expected one, from which the activation's "
                       "slope is computed.");
    if (bn_is_present(b->mask) && !bn_has_mask(activation))
        return bn_fail(CLBN_NOT_INVERTIBLE,
                       "a mask was given, but the slope of the plan's activation is more than a bit, expected "
                       "x, and z or y.");
    if (bn_is_present(b->y) && !slope_follows_from_output(plan))
        return bn_fail(CLBN_NOT_INVERTIBLE,
                       "y was given, but the slope of CLBN_ACTIVATION_SILU, or of CLBN_ACTIVATION_LEAKY_RELU with a negative "
                       "leaky_slope, does not follow from it, expected x, and z if there was one.");
    return CLBN_SUCCESS;
}

static cl_int choose_source(clbn_plan plan, struct backward *b, bool takes_xhat)
{
    bool has_activation = plan->desc.activation != CLBN_ACTIVATION_NONE;
    cl_int status = has_activation ? choose_slope_source(plan, b) : CLBN_SUCCESS;
    if (status != CLBN_SUCCESS)
        return status;
    if (!has_activation)
        b->z = b->mask = none;
    bool slope_takes_x = has_activation && !bn_is_present(b->y) && !bn_is_present(b->mask);
    bool takes_x = slope_takes_x || takes_xhat;
    if (!takes_x)
        b->x = none;
    b->alone = takes_x && !bn_is_present(b->x) && bn_is_present(b->y);
    if (b->alone && !is_invertible(plan))
        return bn_fail(CLBN_NOT_INVERTIBLE,
                       "x is absent, but the plan's activation cannot be had back from y alone, expected x.");
    if (!has_activation && !b->alone)
        b->y = none;
    if (takes_x && !bn_is_present(b->x) && !b->alone && plan->shape.elements > 0)
        return bn_fail(CLBN_MISSING_VIEW, "x is absent, expected it, or y if the activation can be had back from it.");
    return CLBN_SUCCESS;
}

/* ---- Views ---------------------------------------------------------------------------------------------------------------- */

static const char *mean_name(const struct backward *b)
{
    return b->frozen ? "running_mean" : "save_mean";
}

static const char *deviation_name(const struct backward *b)
{
    return b->frozen ? "running_var" : "save_invstd";
}

static enum operand_access access_by(double factor)
{
    return factor == 0 ? OPERAND_WRITTEN : OPERAND_UPDATED;
}

/* Of a parameter's gradient, to which each ghost batch adds its own. */
static enum operand_access access_by_all(size_t rows, double factor)
{
    return rows > 1 ? OPERAND_UPDATED : access_by(factor);
}

static cl_int check_factor(clbn_plan plan, const char *name, double factor)
{
    const double greatest = plan->desc.type == CLBN_FLOAT64 ? DBL_MAX : (double)FLT_MAX;
    if (factor >= -greatest && factor <= greatest)
        return CLBN_SUCCESS;
    return bn_fail(CLBN_INVALID_FACTOR, "%s is %g, expected a number from %g to %g.", name, factor, -greatest, greatest);
}

cl_int bn_check_gradients(clbn_plan plan, const struct backward *b)
{
    cl_int status = check_factor(plan, "dx_factor", b->factors.dx);
    if (status == CLBN_SUCCESS)
        status = check_factor(plan, "dgamma_factor", b->factors.dgamma);
    if (status == CLBN_SUCCESS)
        status = check_factor(plan, "dbeta_factor", b->factors.dbeta);
    if (status != CLBN_SUCCESS)
        return status;
    bool has_any = bn_is_present(b->dx) || bn_is_present(b->dz) || bn_is_present(b->dgamma) || bn_is_present(b->dbeta);
    if (plan->shape.elements > 0 && !has_any)
        return bn_fail(CLBN_MISSING_VIEW, "dx, dz, dgamma and dbeta are absent, expected at least one of them.");
    return CLBN_SUCCESS;
}

static cl_int check_views(clbn_plan plan, struct backward *b, clbn_view workspace)
{
    const struct shape *shape = &plan->shape;
    const size_t elements = shape->elements;
    const size_t channels = elements > 0 ? shape->channels : 0;
    const size_t rows = b->frozen ? 1 : bn_statistic_rows(plan);
    const size_t record = CLBN_SUMS_ROWS * shape->channels;
    const bool is_phase = bn_is_present(b->records);
    const enum operand_need for_correction = b->is_renorm ? OPERAND_REQUIRED : OPERAND_OPTIONAL;
    const size_t workspace_size = b->is_renorm ? plan->renorm_workspace_size : plan->workspace_size;
    const int statistics = b->frozen ? OPERAND_PARAMETER : OPERAND_STATISTIC;
    const bool takes_given = b->frozen || is_phase || b->is_renorm;
    const enum operand_need for_xhat = bn_is_present(b->x) && takes_given ? OPERAND_REQUIRED : OPERAND_OPTIONAL;
    const enum operand_need for_dx = b->alone || takes_given ? OPERAND_REQUIRED : OPERAND_OPTIONAL;
    const struct operand operands[] = {
        { "x", TENSOR_X, b->x, elements, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "dy", TENSOR_DY, b->dy, elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "z", TENSOR_Z, b->z, elements, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "y", TENSOR_Y, b->y, elements, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "mask", OPERAND_BYTES, b->mask, plan->mask_size, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "gamma", OPERAND_PARAMETER, b->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, b->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { mean_name(b), statistics, b->mean, rows * channels, OPERAND_READ, for_xhat, NULL },
        { deviation_name(b), statistics, b->deviation, rows * channels, OPERAND_READ, for_dx, NULL },
        { "save_r", OPERAND_STATISTIC, b->r, channels, OPERAND_READ, for_correction, NULL },
        { "save_d", OPERAND_STATISTIC, b->d, channels, OPERAND_READ, for_correction, NULL },
        { "dx", TENSOR_DX, b->dx, elements, access_by(b->factors.dx), OPERAND_OPTIONAL, b->factors.dx == 0 ? "dy" : NULL },
        { "dz", TENSOR_DZ, b->dz, elements, OPERAND_WRITTEN, OPERAND_OPTIONAL, "dy" },
        { "dgamma", OPERAND_PARAMETER, b->dgamma, shape->channels, access_by_all(rows, b->factors.dgamma), OPERAND_OPTIONAL,
          NULL },
        { "dbeta", OPERAND_PARAMETER, b->dbeta, shape->channels, access_by_all(rows, b->factors.dbeta), OPERAND_OPTIONAL,
          NULL },
        { "sums", OPERAND_STATISTIC, b->records, b->parts == 0 ? record : 0, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "records", OPERAND_STATISTIC, b->records, b->parts * record, OPERAND_READ, OPERAND_OPTIONAL, NULL },
    };
    return bn_check_operands_with(plan, operands, COUNT_OF(operands), workspace, workspace_size, &b->in_place);
}

cl_int bn_check_backward(clbn_plan plan, struct backward *b, bool takes_xhat, clbn_view workspace)
{
    cl_int status = b->frozen ? CLBN_SUCCESS : bn_check_pair(mean_name(b), b->mean, deviation_name(b), b->deviation);
    if (status == CLBN_SUCCESS)
        status = choose_source(plan, b, takes_xhat);
    return status == CLBN_SUCCESS ? check_views(plan, b, workspace) : status;
}

cl_int bn_check_whole_backward(struct request *r, clbn_view workspace)
{
    struct backward *b = &r->backward;
    const bool takes_xhat = bn_is_present(b->dgamma) || (bn_is_present(b->dx) && !b->frozen);
    cl_int status = bn_check_gradients(r->plan, b);
    if (status == CLBN_SUCCESS)
        status = bn_check_backward(r->plan, b, takes_xhat, workspace);
    r->workspace = workspace;
    /* Of an empty batch the gradients of the parameters are 0, or stay as they are. */
    if (bn_is_empty(r->plan)) {
        r->has_work = r->plan->shape.channels > 0 && (bn_is_present(b->dgamma) || bn_is_present(b->dbeta));
        r->strategy = STRATEGY_NONE;
    }
    r->in_place = b->in_place;
    return status;
}
