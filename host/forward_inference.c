#include "launch.h"
#include "operands.h"
#include "operation.h"

static cl_int check_inference(clbn_plan plan, const clbn_forward_inference_args *a)
{
    const struct shape *shape = plan_shape(plan);
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const struct operand operands[] = {
        { "x", OPERAND_TENSOR, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "y", OPERAND_TENSOR, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
    };
    return check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), a->workspace);
}

static void add_inference_step(struct operation *o, const clbn_forward_inference_args *a)
{
    const struct schedule *s = plan_schedule(o->call->plan);
    add_step(&o->steps, KERNEL_INFERENCE, (size_t)s->division.parts, s->tiles);
    bind_division(&o->steps);
    bind_view(&o->steps, a->x);
    bind_view(&o->steps, a->y);
    bind_view(&o->steps, a->gamma);
    bind_view(&o->steps, a->beta);
    bind_view(&o->steps, a->running_mean);
    bind_view(&o->steps, a->running_var);
    bind_real(&o->steps, plan_desc(o->call->plan)->epsilon);
    bind_uint(&o->steps, s->stream);
    if (is_channels_last(o->call->plan))
        bind_view(&o->steps, o->workspace.coefficients);
}

cl_int clbnEnqueueForwardInference(clbn_plan plan, cl_command_queue queue, const clbn_forward_inference_args *args,
                                   cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    cl_int status = check_call(&call, args, sizeof(*args), "clbn_forward_inference_args");
    if (status == CLBN_SUCCESS)
        status = check_inference(plan, args);
    if (status != CLBN_SUCCESS)
        return status;
    if (plan_shape(plan)->elements == 0)
        return launch_nothing(&call);

    struct operation operation;
    begin_operation(&operation, &call, args->workspace, is_channels_last(plan));
    add_inference_step(&operation, args);
    return finish_operation(&operation);
}
