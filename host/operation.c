#include "operation.h"

#include "launch.h"

void begin_operation(struct operation *o, const struct call *call, clbn_view workspace, bool needs_workspace)
{
    o->call = call;
    init_steps(&o->steps, call->plan);
    o->steps.status = open_workspace(&o->workspace, call->plan, workspace, needs_workspace);
}

cl_int finish_operation(struct operation *o)
{
    cl_int status = launch_steps(&o->steps, o->call);
    clear_steps(&o->steps);
    close_workspace(&o->workspace);
    return status;
}
