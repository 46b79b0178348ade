/* SPDX-License-Identifier: MIT */
/* From inside: compiled with the library's own headers, and linked with its objects. */
#include "lending.h"

#include "plan/plan.h"

struct lending lend_kernels(clbn_plan plan, size_t count)
{
    struct lent_kernel lent[MOST_LENT];
    struct lending result = { .status = CLBN_SUCCESS };
    size_t number = 0;
    for (; number < count; number++) {
        size_t same = 0;
        result.status =
            bn_lend_kernel(plan->program, plan->program->variant.channels_last ? KERNEL_COLUMNS_FORWARD : KERNEL_ROWS_FORWARD,
                           false, &lent[number]);
        if (result.status != CLBN_SUCCESS)
            break;
        while (lent[same].kernel != lent[number].kernel)
            same++;
        result.distinct += same == number;
        result.kept += lent[number].kept != NULL;
    }
    for (size_t i = 0; i < number; i++)
        bn_give_back_kernel(plan->program, &lent[i]);
    return result;
}
