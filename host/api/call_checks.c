/* SPDX-License-Identifier: MIT */
#include "api/call_checks.h"

#include "api/operands.h"
#include "base/status.h"
#include "base/view.h"
#include "enqueue/forward_steps.h"

#include <stdint.h>

cl_int bn_check_running(clbn_view running_mean, clbn_view running_var, double update_factor,
                        clbn_running_variance running_variance)
{
    if (!(update_factor >= 0 && update_factor <= 1))
        return bn_fail(CLBN_INVALID_FACTOR,
                       "update_factor is %g, expected 0 to 1: beyond, a running variance could become negative.",
                       update_factor);
    if (running_variance > CLBN_BIASED)
        return bn_fail(CLBN_INVALID_ARGUMENT, "running_variance is %u, expected CLBN_UNBIASED or CLBN_BIASED.",
                       (unsigned)running_variance);
    return bn_check_pair("running_mean", running_mean, "running_var", running_var);
}

cl_int bn_check_update(clbn_plan plan, clbn_view running_mean, clbn_view running_var, double update_factor,
                       clbn_running_variance running_variance)
{
    cl_int status = bn_check_running(running_mean, running_var, update_factor, running_variance);
    if (status != CLBN_SUCCESS)
        return status;
    if (bn_fewest_values(plan) != 1 || running_variance != CLBN_UNBIASED || !bn_updates_running(running_mean, update_factor))
        return CLBN_SUCCESS;
    return bn_fail(CLBN_TOO_FEW_VALUES,
                   "one value per channel%s has no unbiased variance, expected two or more, CLBN_BIASED, or no running "
                   "statistics.",
                   plan->ghosts.count > 0 ? ", as the last ghost batch has," : "");
}

cl_int bn_check_parts(size_t parts, size_t record)
{
    if (parts == 0)
        return bn_fail(CLBN_INVALID_ARGUMENT, "parts is 0, expected at least 1.");
    if (record > 0 && parts > SIZE_MAX / sizeof(cl_double) / record)
        return bn_fail(CLBN_SIZE_OVERFLOW, "%zu records of %zu numbers have more bytes than size_t can count.", parts, record);
    return CLBN_SUCCESS;
}

cl_int bn_check_mask(clbn_plan plan, clbn_view mask)
{
    if (bn_is_present(mask) && !bn_has_mask(plan->desc.activation))
        return bn_fail(CLBN_NOT_INVERTIBLE,
                       "a mask was given, but the slope of the plan's activation is more than a bit, expected "
                       "one for CLBN_ACTIVATION_RELU, LEAKY_RELU or RELU6.");
    return CLBN_SUCCESS;
}
