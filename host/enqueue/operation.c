#include "enqueue/operation.h"

void bn_begin_operation(struct operation *o, const struct call *call, enum pass pass, clbn_view workspace, bool needs_workspace)
{
    bn_begin_steps(&o->steps, call, pass);
    o->steps.status = bn_open_workspace(&o->workspace, call->plan, pass, workspace, needs_workspace);
}

struct partials bn_own_partials(const struct operation *o, bool walked)
{
    struct partials p = { .values = bn_plan_shape(o->steps.plan)->values_per_channel, .view = o->workspace.partials };
    if (walked)
        p.count = o->steps.schedule->partials;
    return p;
}

cl_int bn_finish_operation(struct operation *o)
{
    cl_int status = bn_finish_steps(&o->steps);
    bn_close_workspace(&o->workspace);
    return status;
}
