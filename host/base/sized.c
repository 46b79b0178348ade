/* SPDX-License-Identifier: MIT */
#include "base/sized.h"

#include "base/integers.h"
#include "base/status.h"

#include <stdbool.h>
#include <string.h>

/* No version's structs have more bytes: a greater struct_size is garbage. */
#define MOST_BYTES 4096

static const clbn_engine_options engine_options = CLBN_ENGINE_OPTIONS_INIT;
static const clbn_plan_desc plan_desc = CLBN_PLAN_DESC_INIT;
static const clbn_tune_args tune_args = CLBN_TUNE_ARGS_INIT;
static const clbn_tune_report tune_report = CLBN_TUNE_REPORT_INIT;
static const clbn_forward_training_args forward_training_args = CLBN_FORWARD_TRAINING_ARGS_INIT;
static const clbn_forward_inference_args forward_inference_args = CLBN_FORWARD_INFERENCE_ARGS_INIT;
static const clbn_backward_args backward_args = CLBN_BACKWARD_ARGS_INIT;
static const clbn_backward_frozen_args backward_frozen_args = CLBN_BACKWARD_FROZEN_ARGS_INIT;
static const clbn_fold_args fold_args = CLBN_FOLD_ARGS_INIT;
static const clbn_statistics_args statistics_args = CLBN_STATISTICS_ARGS_INIT;
static const clbn_merge_statistics_args merge_statistics_args = CLBN_MERGE_STATISTICS_ARGS_INIT;
static const clbn_normalize_args normalize_args = CLBN_NORMALIZE_ARGS_INIT;
static const clbn_backward_sums_args backward_sums_args = CLBN_BACKWARD_SUMS_ARGS_INIT;
static const clbn_backward_input_args backward_input_args = CLBN_BACKWARD_INPUT_ARGS_INIT;
static const clbn_second_backward_args second_backward_args = CLBN_SECOND_BACKWARD_ARGS_INIT;
static const clbn_second_backward_frozen_args second_backward_frozen_args = CLBN_SECOND_BACKWARD_FROZEN_ARGS_INIT;
static const clbn_forward_renorm_args forward_renorm_args = CLBN_FORWARD_RENORM_ARGS_INIT;
static const clbn_backward_renorm_args backward_renorm_args = CLBN_BACKWARD_RENORM_ARGS_INIT;

#define KIND(name)                                                                                                             \
    {                                                                                                                          \
        "clbn_" #name, sizeof(name), &(name)                                                                                   \
    }

static const struct kind {
    const char *name;
    size_t size;
    const void *defaults;
} kinds[] = {
    [CLBN_STRUCT_ENGINE_OPTIONS] = KIND(engine_options),
    [CLBN_STRUCT_PLAN_DESC] = KIND(plan_desc),
    [CLBN_STRUCT_TUNE_ARGS] = KIND(tune_args),
    [CLBN_STRUCT_TUNE_REPORT] = KIND(tune_report),
    [CLBN_STRUCT_FORWARD_TRAINING_ARGS] = KIND(forward_training_args),
    [CLBN_STRUCT_FORWARD_INFERENCE_ARGS] = KIND(forward_inference_args),
    [CLBN_STRUCT_BACKWARD_ARGS] = KIND(backward_args),
    [CLBN_STRUCT_BACKWARD_FROZEN_ARGS] = KIND(backward_frozen_args),
    [CLBN_STRUCT_FOLD_ARGS] = KIND(fold_args),
    [CLBN_STRUCT_STATISTICS_ARGS] = KIND(statistics_args),
    [CLBN_STRUCT_MERGE_STATISTICS_ARGS] = KIND(merge_statistics_args),
    [CLBN_STRUCT_NORMALIZE_ARGS] = KIND(normalize_args),
    [CLBN_STRUCT_BACKWARD_SUMS_ARGS] = KIND(backward_sums_args),
    [CLBN_STRUCT_BACKWARD_INPUT_ARGS] = KIND(backward_input_args),
    [CLBN_STRUCT_SECOND_BACKWARD_ARGS] = KIND(second_backward_args),
    [CLBN_STRUCT_SECOND_BACKWARD_FROZEN_ARGS] = KIND(second_backward_frozen_args),
    [CLBN_STRUCT_FORWARD_RENORM_ARGS] = KIND(forward_renorm_args),
    [CLBN_STRUCT_BACKWARD_RENORM_ARGS] = KIND(backward_renorm_args),
};

static bool is_zero(const unsigned char *bytes, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

cl_int bn_take_struct(clbn_struct which, const void *given, void *taken)
{
    const struct kind *kind = &kinds[which];
    size_t size = 0;
    if (!given)
        return bn_fail(CLBN_INVALID_ARGUMENT, "the %s is NULL, expected one.", kind->name);
    memcpy(&size, given, sizeof(size));
    if (size < sizeof(size) || size > MOST_BYTES || size % sizeof(size) != 0)
        return bn_fail(CLBN_INVALID_STRUCT_SIZE,
                       "%s has struct_size %zu, expected %zu: start from its initialiser macro or clbnGetDefaults.", kind->name,
                       size, kind->size);
    if (!is_zero(given, kind->size, size))
        return bn_fail(CLBN_INVALID_STRUCT_SIZE,
                       "%s has struct_size %zu, and uses members beyond the %zu bytes that clbn %s knows, expected 0 there.",
                       kind->name, size, kind->size, clbnVersion());
    memcpy(taken, kind->defaults, kind->size);
    memcpy((unsigned char *)taken + sizeof(size), (const unsigned char *)given + sizeof(size),
           least(size, kind->size) - sizeof(size));
    return CLBN_SUCCESS;
}

void bn_give_struct(clbn_struct which, const void *filled, void *given)
{
    size_t size;
    memcpy(&size, given, sizeof(size));
    memcpy((unsigned char *)given + sizeof(size), (const unsigned char *)filled + sizeof(size),
           least(size, kinds[which].size) - sizeof(size));
}

cl_int clbnGetDefaults(clbn_struct which, size_t size, void *value, size_t *size_ret)
{
    if (which < 1 || which >= COUNT_OF(kinds))
        return bn_fail(CLBN_INVALID_ARGUMENT, "struct %u is unknown, expected CLBN_STRUCT_*.", (unsigned)which);
    const struct kind *kind = &kinds[which];
    if (value && (size < sizeof(size) || size > MOST_BYTES || size % sizeof(size) != 0))
        return bn_fail(CLBN_INVALID_ARGUMENT, "%zu bytes were given for a %s, expected its size, which is %zu.", size,
                       kind->name, kind->size);
    if (value) {
        memset(value, 0, size);
        memcpy(value, kind->defaults, least(size, kind->size));
        memcpy(value, &size, sizeof(size));
    }
    if (size_ret)
        *size_ret = kind->size;
    return CLBN_SUCCESS;
}
