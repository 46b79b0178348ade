/* SPDX-License-Identifier: MIT */
#include "schedule/divide.h"

size_t bn_chosen(cl_uint choice, size_t usual)
{
    return choice != 0 ? choice : usual;
}

size_t bn_wanted_groups(const struct problem *p, const struct choices *choices)
{
    return p->facts->compute_units * bn_chosen(choices->groups_per_unit, GROUPS_PER_UNIT);
}

bool bn_choose_whole(const struct problem *p, const struct choices *choices, bool usual)
{
    if (p->engine_flags & CLBN_ENGINE_SPLIT)
        return false;
    if (p->engine_flags & CLBN_ENGINE_WHOLE)
        return true;
    return choices->divided != 0 ? choices->divided == CHOOSE_NO : usual;
}
