/* SPDX-License-Identifier: MIT */
/* From inside: compiled with the library's own headers, and linked with its objects. */
#include "divisions.h"

#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

static size_t list(clbn_plan plan, struct candidate *candidates)
{
    return bn_list_candidates(&plan->problem, candidates);
}

static bool remember(clbn_plan plan, enum pass pass, const struct choices *choices)
{
    const struct tuned tuned = { bn_hash_pass(bn_hash_problem(&plan->problem), pass), *choices };
    bool stored = false;
    if (!bn_remember_tuned(plan->program, &tuned, 1, &stored))
        abort();
    return stored;
}

size_t count_divisions(clbn_plan plan)
{
    struct candidate candidates[MAX_CANDIDATES];
    return list(plan, candidates);
}

void choose_division_of_pass(clbn_plan plan, unsigned pass, size_t number)
{
    struct candidate candidates[MAX_CANDIDATES];
    if (number >= list(plan, candidates))
        abort();
    remember(plan, (enum pass)pass, &candidates[number].choices);
}

void choose_division(clbn_plan plan, size_t number)
{
    for (unsigned pass = 0; pass < PASSES; pass++)
        choose_division_of_pass(plan, pass, number);
}

bool forge_division(clbn_plan plan, const cl_uint numbers[DIVISION_NUMBERS])
{
    struct choices choices;
    bool stored = true;
    memcpy(&choices, numbers, sizeof choices);
    for (enum pass pass = 0; pass < PASSES; pass++)
        stored = remember(plan, pass, &choices) && stored;
    return stored;
}
