/* SPDX-License-Identifier: MIT */
#include "schedule/renorm.h"

#include "base/integers.h"

static size_t aligned(size_t bytes)
{
    return divide_up(bytes, CLBN_WORKSPACE_ALIGNMENT) * CLBN_WORKSPACE_ALIGNMENT;
}

struct renorm_sections bn_measure_renorm(const struct problem *p)
{
    const size_t channels = p->shape->channels;
    struct renorm_sections s = { .record = aligned(CLBN_STATISTICS_ROWS * channels * bn_real_size(p->variant->type)),
                                 .array = aligned(channels * bn_type_size(p->variant->parameter_type)) };
    s.all = s.record + RENORM_ARRAYS * s.array;
    return s;
}
