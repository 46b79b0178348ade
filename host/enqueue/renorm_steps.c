/* SPDX-License-Identifier: MIT */
#include "enqueue/renorm_steps.h"

#include "base/view.h"
#include "schedule/renorm.h"

/* ---- Memory --------------------------------------------------------------------------------------------------------------- */

struct renorm_memory bn_place_renorm(clbn_plan plan, clbn_view workspace)
{
    const struct renorm_sections sections = bn_measure_renorm(&plan->problem);
    struct renorm_memory m = { workspace, workspace, workspace, workspace, workspace };
    clbn_view *const arrays[RENORM_ARRAYS] = { &m.gamma, &m.beta, &m.dgamma, &m.dbeta };
    const size_t first = workspace.offset + sections.record;
    m.record.offset = workspace.offset / bn_real_size(plan->desc.type);
    for (size_t i = 0; i < RENORM_ARRAYS; i++)
        arrays[i]->offset = (first + i * sections.array) / bn_type_size(plan->desc.parameter_type);
    return m;
}

/* ---- Steps ---------------------------------------------------------------------------------------------------------------- */

static void add_statistics_step(struct steps *steps, const clbn_forward_renorm_args *a, const struct renorm_memory *m)
{
    bn_add_channels_step(steps, KERNEL_RENORM_STATISTICS);
    bn_bind_ulong(steps, steps->plan->shape.channels);
    bn_bind_channels(steps, m->record);
    bn_bind_channels(steps, a->gamma);
    bn_bind_channels(steps, a->beta);
    bn_bind_channels(steps, a->running_mean);
    bn_bind_channels(steps, a->running_var);
    bn_bind_channels(steps, a->save_mean);
    bn_bind_channels(steps, a->save_invstd);
    bn_bind_channels(steps, a->save_var);
    bn_bind_real(steps, steps->plan->desc.epsilon);
    bn_bind_real(steps, a->update_factor);
    bn_bind_rounded(steps, a->r_max);
    bn_bind_rounded(steps, a->d_max);
    bn_bind_channels(steps, a->save_r);
    bn_bind_channels(steps, a->save_d);
    bn_bind_channels(steps, m->gamma);
    bn_bind_channels(steps, m->beta);
    bn_bind_uint(steps, a->running_variance == CLBN_BIASED ? FLAG_BIASED : 0);
}

void bn_add_renorm_forward_steps(struct operation *o, const clbn_forward_renorm_args *a, const struct renorm_memory *m)
{
    clbn_normalize_args normalize = CLBN_NORMALIZE_ARGS_INIT;
    normalize.x = a->x;
    normalize.z = a->z;
    normalize.y = a->y;
    normalize.mask = a->mask;
    normalize.gamma = m->gamma;
    normalize.beta = m->beta;
    normalize.statistics = m->record;
    bn_add_statistics_steps(o, a->x, m->record);
    add_statistics_step(&o->steps, a, m);
    bn_add_normalize_steps(o, &normalize);
}

static void add_parameters_step(struct steps *steps, const struct backward *b, const struct renorm_memory *m)
{
    bn_add_channels_step(steps, KERNEL_RENORM_PARAMETERS);
    bn_bind_channels(steps, b->gamma);
    bn_bind_channels(steps, b->beta);
    bn_bind_channels(steps, b->r);
    bn_bind_channels(steps, b->d);
    bn_bind_channels(steps, m->gamma);
    bn_bind_channels(steps, m->beta);
}

static void add_gradients_step(struct steps *steps, const struct backward *b, const struct renorm_memory *m)
{
    bn_add_channels_step(steps, KERNEL_RENORM_GRADIENTS);
    bn_bind_channels(steps, b->r);
    bn_bind_channels(steps, b->d);
    bn_bind_channels(steps, m->dgamma);
    bn_bind_channels(steps, m->dbeta);
    bn_bind_channels(steps, b->dgamma);
    bn_bind_rounded(steps, b->factors.dgamma);
    bn_bind_channels(steps, b->dbeta);
    bn_bind_rounded(steps, b->factors.dbeta);
}

/* dbeta is the ordinary one, unless dgamma takes it, too. */
void bn_add_renorm_backward_steps(struct operation *o, const struct backward *b, const struct renorm_memory *m)
{
    struct backward ordinary = *b;
    const bool has_dgamma = bn_is_present(b->dgamma);
    ordinary.gamma = m->gamma;
    ordinary.beta = m->beta;
    if (has_dgamma) {
        ordinary.dgamma = m->dgamma;
        ordinary.dbeta = m->dbeta;
        ordinary.factors.dgamma = ordinary.factors.dbeta = 0;
    }
    add_parameters_step(&o->steps, b, m);
    bn_add_backward_steps(o, &ordinary);
    if (has_dgamma)
        add_gradients_step(&o->steps, b, m);
}
