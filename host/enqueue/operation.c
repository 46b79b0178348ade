#include "enqueue/operation.h"

void bn_begin_operation(struct operation *o, const struct call *call, enum pass pass, enum strategy strategy,
                        clbn_view workspace, bool keeps_statistics)
{
    bn_begin_steps(&o->steps, call, pass, strategy);
    const bool needed = keeps_statistics || bn_takes_workspace(bn_recipe_of(&o->steps, pass));
    o->steps.status = bn_open_workspace(&o->workspace, call->plan, pass, workspace, needed);
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
    struct partials p = { .values = o->steps.plan->shape.values_per_channel, .view = o->workspace.partials };
    if (walked)
        p.count = o->steps.schedule.partials;
    return p;
}

cl_int bn_finish_operation(struct operation *o)
{
    cl_int status = bn_finish_steps(&o->steps);
    bn_close_workspace(&o->workspace);
    return status;
}
