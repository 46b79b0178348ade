/* SPDX-License-Identifier: MIT */
#include "api/entries.h"
#include "base/integers.h"
#include "base/status.h"

static const struct entry *const entries[] = {
    &bn_forward_training_entry,
    &bn_forward_inference_entry,
    &bn_backward_entry,
    &bn_backward_frozen_entry,
    &bn_fold_entry,
    &bn_statistics_entry,
    &bn_merge_statistics_entry,
    &bn_normalize_entry,
    &bn_backward_sums_entry,
    &bn_backward_input_entry,
    &bn_forward_renorm_entry,
    &bn_backward_renorm_entry,
};

cl_int clbnCheckArgs(clbn_plan plan, cl_command_queue queue, clbn_struct which, const void *args)
{
    const struct call call = { .plan = plan, .queue = queue };
    struct request request = { .call = call };
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        if (entries[i]->which == which)
            return bn_check_request(entries[i], &request, args);
    return bn_fail(CLBN_INVALID_ARGUMENT,
                   "struct %u is not what an enqueue call of first order takes, expected CLBN_STRUCT_*_ARGS.", (unsigned)which);
}
