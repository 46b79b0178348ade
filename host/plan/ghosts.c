/* SPDX-License-Identifier: MIT */
#include "plan/ghosts.h"

#include "base/integers.h"
#include "plan/plan.h"
#include "schedule/strides.h"

static void give_strides(clbn_plan_desc *desc, clbn_layout *layout, const size_t *strides)
{
    layout->has_strides = CL_TRUE;
    for (cl_uint i = 0; i < desc->rank; i++)
        layout->strides[i] = (ptrdiff_t)strides[i];
}

/* Tensors of a ghost batch lie as the whole batch's do, the packed ones too. */
static void give_all_strides(clbn_plan_desc *desc, const size_t strides[TENSORS][CLBN_MAX_RANK])
{
    give_strides(desc, &desc->x_layout, strides[TENSOR_X]);
    give_strides(desc, &desc->y_layout, strides[TENSOR_Y]);
    give_strides(desc, &desc->z_layout, strides[TENSOR_Z]);
    give_strides(desc, &desc->dy_layout, strides[TENSOR_DY]);
    give_strides(desc, &desc->dx_layout, strides[TENSOR_DX]);
    give_strides(desc, &desc->dz_layout, strides[TENSOR_DZ]);
}

static clbn_plan create_inner(clbn_plan plan, clbn_plan_desc *desc, size_t length, cl_int *status)
{
    desc->shape[0] = length;
    clbn_plan inner = bn_create_plan(plan->engine, desc, NULL, status);
    if (inner)
        plan->workspace_size = greater(plan->workspace_size, inner->workspace_size);
    return inner;
}

cl_int bn_create_ghosts(clbn_plan plan, size_t length)
{
    struct ghosts *g = &plan->ghosts;
    clbn_plan_desc desc = plan->desc;
    size_t strides[TENSORS][CLBN_MAX_RANK], reaches[TENSORS];
    const size_t batch = desc.shape[0], most = plan->engine->facts.address_limit / bn_type_size(desc.type);
    if (length == 0 || length >= batch || plan->shape.elements == 0)
        return CLBN_SUCCESS;
    cl_int status = bn_resolve_strides(&desc, most, strides, reaches);
    if (status != CLBN_SUCCESS)
        return status;
    give_all_strides(&desc, (const size_t(*)[CLBN_MAX_RANK])strides);
    for (enum tensor t = 0; t < TENSORS; t++)
        g->steps[t] = length * strides[t][0];
    g->whole = create_inner(plan, &desc, length, &status);
    if (status == CLBN_SUCCESS && batch % length > 0)
        g->last = create_inner(plan, &desc, batch % length, &status);
    if (status != CLBN_SUCCESS)
        return status;
    if (!g->last) {
        g->last = g->whole;
        clbnRetainPlan(g->last);
    }
    g->count = divide_up(batch, length);
    plan->mask_size = greater(plan->mask_size, (g->count - 1) * g->whole->mask_size + g->last->mask_size);
    return CLBN_SUCCESS;
}

void bn_release_ghosts(struct ghosts *g)
{
    clbnReleasePlan(g->whole);
    clbnReleasePlan(g->last);
}

clbn_plan bn_ghost_plan(const struct ghosts *g, size_t number)
{
    return number + 1 < g->count ? g->whole : g->last;
}

size_t bn_statistic_rows(clbn_plan plan)
{
    return greater(plan->ghosts.count, 1);
}

size_t bn_fewest_values(clbn_plan plan)
{
    return plan->ghosts.count > 0 ? plan->ghosts.last->shape.values_per_channel : plan->shape.values_per_channel;
}
