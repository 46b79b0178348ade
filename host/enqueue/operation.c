/* SPDX-License-Identifier: MIT */
#include "enqueue/operation.h"

#include "base/integers.h"

/* Places the sections of what the steps are of. */
static void place_sections(struct operation *o)
{
    struct problem problem = o->steps.plan->problem;
    problem.shape = &o->steps.slice.shape;
    const struct sections s = bn_measure_sections(&problem, &o->steps.schedule, o->pass, o->keeps_statistics);
    bn_place_sections(&o->workspace, &s, problem.shape->channels, bn_real_size(problem.variant->type));
}

static void take_slice(struct operation *o, size_t first)
{
    const struct problem *problem = &o->steps.plan->problem;
    o->steps.slice = bn_slice(problem->shape, first, o->steps.plan->schedules[o->pass].slice_channels);
    o->steps.schedule = bn_schedule_slice(problem, &o->steps.slice, o->pass);
    place_sections(o);
}

/* For all channels at once. */
static size_t measure_undivided(clbn_plan plan, const struct schedule *schedule, enum pass pass, bool keeps_statistics)
{
    return bn_measure_sections(&plan->problem, schedule, pass, keeps_statistics).all;
}

size_t bn_measure_operation(clbn_plan plan, enum pass pass, enum strategy strategy, bool keeps_statistics)
{
    const struct schedule schedule = bn_schedule_by(&plan->schedules[pass], strategy);
    return least(measure_undivided(plan, &schedule, pass, keeps_statistics), plan->schedules[pass].workspace_size);
}

void bn_begin_operation(struct operation *o, const struct call *call, enum pass pass, enum strategy strategy,
                        clbn_view workspace, bool keeps_statistics)
{
    const size_t most = call->plan->schedules[pass].workspace_size;
    bn_begin_steps(&o->steps, call, pass, strategy);
    o->pass = pass;
    o->keeps_statistics = keeps_statistics;
    const size_t bytes = measure_undivided(call->plan, &o->steps.schedule, pass, keeps_statistics);
    o->steps.status = bn_open_workspace(&o->workspace, call, workspace, least(bytes, most));
    if (bytes <= most)
        place_sections(o);
    else
        take_slice(o, 0);
}

bool bn_next_slice(struct operation *o)
{
    const size_t end = o->steps.slice.first + o->steps.slice.shape.channels;
    if (end >= o->steps.plan->shape.channels || o->steps.status != CLBN_SUCCESS)
        return false;
    take_slice(o, end);
    return true;
}

void bn_bind_sections(struct operation *o, unsigned sections)
{
    if (sections & SECTION_PARTIALS)
        bn_bind_view(&o->steps, o->workspace.partials);
    if (sections & SECTION_COEFFICIENTS)
        bn_bind_view(&o->steps, o->workspace.coefficients);
    if (sections & SECTION_ACCUMULATORS)
        bn_bind_view(&o->steps, o->workspace.accumulators);
}

struct partials bn_own_partials(const struct operation *o, bool walked)
{
    struct partials p = { .values = o->steps.slice.shape.values_per_channel, .view = o->workspace.partials };
    if (walked)
        p.count = o->steps.schedule.partials;
    return p;
}

void bn_bind_partials(struct steps *steps, struct partials p)
{
    if (p.records)
        bn_bind_channels(steps, p.view);
    else
        bn_bind_view(steps, p.view);
}

cl_int bn_finish_operation(struct operation *o)
{
    cl_int status = bn_finish_steps(&o->steps);
    bn_close_workspace(&o->workspace);
    return status;
}
