#include "forward_training.h"
#include "launch.h"
#include "operands.h"
#include "status.h"

/* Both backwards in one form. */
struct backward {
    clbn_view x, dy, gamma;
    clbn_view mean;      /* the saved mean, or the running mean if frozen */
    clbn_view deviation; /* the saved invstd, or the running variance if frozen */
    clbn_view dx, dgamma, dbeta;
    bool frozen;
};

static bool needs_sums(const struct backward *b)
{
    return !b->frozen || b->dgamma.buffer || b->dbeta.buffer;
}

static void bind_deviations(struct operation *o, const struct backward *b)
{
    bn_bind_view(&o->steps, b->mean);
    bn_bind_view(&o->steps, b->deviation);
}

static void bind_epsilon(struct operation *o, const struct backward *b)
{
    bn_bind_real(&o->steps, bn_plan_desc(o->call->plan)->epsilon);
    bn_bind_uint(&o->steps, b->frozen);
}

static void add_whole_backward(struct operation *o, const struct backward *b)
{
    const struct schedule *s = bn_plan_schedule(o->call->plan);
    bn_add_step(&o->steps, KERNEL_BACKWARD, 1, s->tiles);
    bn_bind_division(&o->steps);
    bn_bind_view(&o->steps, b->x);
    bn_bind_view(&o->steps, b->dy);
    bn_bind_view(&o->steps, b->gamma);
    bind_deviations(o, b);
    bn_bind_view(&o->steps, b->dx);
    bn_bind_view(&o->steps, b->dgamma);
    bn_bind_view(&o->steps, b->dbeta);
    bind_epsilon(o, b);
    bn_bind_uint(&o->steps, s->stream);
    if (bn_is_channels_last(o->call->plan)) {
        bn_bind_view(&o->steps, o->workspace.partials);
        bn_bind_view(&o->steps, o->workspace.coefficients);
    }
}

static void add_sums_step(struct operation *o, const struct backward *b)
{
    const struct schedule *s = bn_plan_schedule(o->call->plan);
    bn_add_step(&o->steps, KERNEL_SUMS, (size_t)s->division.parts, s->tiles);
    bn_bind_division(&o->steps);
    bn_bind_view(&o->steps, b->x);
    bn_bind_view(&o->steps, b->dy);
    bind_deviations(o, b);
    bind_epsilon(o, b);
    bn_bind_view(&o->steps, o->workspace.partials);
    if (bn_is_channels_last(o->call->plan))
        bn_bind_view(&o->steps, o->workspace.coefficients);
}

/* partials: how many there are to add; with none, the sums are 0. */
static void add_finish_step(struct operation *o, const struct backward *b, size_t partials)
{
    bn_add_channel_step(&o->steps, KERNEL_FINISH_GRADIENTS);
    bn_bind_ulong(&o->steps, bn_plan_shape(o->call->plan)->values_per_channel);
    bn_bind_ulong(&o->steps, partials);
    bn_bind_view(&o->steps, o->workspace.partials);
    bn_bind_view(&o->steps, b->gamma);
    bind_deviations(o, b);
    bn_bind_view(&o->steps, b->dgamma);
    bn_bind_view(&o->steps, b->dbeta);
    bind_epsilon(o, b);
    bn_bind_view(&o->steps, o->workspace.coefficients);
}

static void add_input_step(struct operation *o, const struct backward *b)
{
    const struct schedule *s = bn_plan_schedule(o->call->plan);
    bn_add_step(&o->steps, KERNEL_INPUT, (size_t)s->division.parts, s->tiles);
    bn_bind_division(&o->steps);
    bn_bind_view(&o->steps, b->x);
    bn_bind_view(&o->steps, b->dy);
    bn_bind_view(&o->steps, b->dx);
    bn_bind_view(&o->steps, o->workspace.coefficients);
    bn_bind_uint(&o->steps, b->frozen);
    bn_bind_uint(&o->steps, s->stream);
}

static void add_backward_steps(struct operation *o, const struct backward *b)
{
    const struct schedule *s = bn_plan_schedule(o->call->plan);
    if (s->whole) {
        add_whole_backward(o, b);
        return;
    }
    if (needs_sums(b))
        add_sums_step(o, b);
    add_finish_step(o, b, needs_sums(b) ? s->partials : 0);
    if (b->dx.buffer)
        add_input_step(o, b);
}

/* An empty batch has nothing to give, and no buffers to give it in. */
static cl_int check_outputs(const struct shape *shape, const struct backward *b)
{
    if (shape->elements > 0 && !b->dx.buffer && !b->dgamma.buffer && !b->dbeta.buffer)
        return bn_fail(CLBN_MISSING_VIEW, "dx, dgamma and dbeta are absent, expected at least one of them.");
    return CLBN_SUCCESS;
}

/* Of an empty batch the gradients of the parameters are 0. */
static cl_int launch_empty(const struct call *call, struct backward *b, clbn_view workspace)
{
    const clbn_view none = CLBN_NO_VIEW;
    if (bn_plan_shape(call->plan)->channels == 0 || (!b->dgamma.buffer && !b->dbeta.buffer))
        return bn_launch_nothing(call);
    b->gamma = b->mean = b->deviation = none;
    struct operation operation;
    bn_begin_operation(&operation, call, workspace, true);
    add_finish_step(&operation, b, 0);
    return bn_finish_operation(&operation);
}

static cl_int check_backward(clbn_plan plan, const clbn_backward_args *a, const struct backward *b)
{
    const struct shape *shape = bn_plan_shape(plan);
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const struct operand operands[] = {
        { "x", OPERAND_TENSOR, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "dy", OPERAND_TENSOR, a->dy, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "save_mean", OPERAND_PARAMETER, a->save_mean, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "save_invstd", OPERAND_PARAMETER, a->save_invstd, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "dx", OPERAND_TENSOR, a->dx, shape->elements, OPERAND_WRITTEN, OPERAND_OPTIONAL, "dy" },
        { "dgamma", OPERAND_PARAMETER, a->dgamma, shape->channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "dbeta", OPERAND_PARAMETER, a->dbeta, shape->channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = check_outputs(shape, b);
    if (status == CLBN_SUCCESS)
        status = bn_check_pair("save_mean", a->save_mean, "save_invstd", a->save_invstd);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), a->workspace);
    return status;
}

/* The statistics that the caller did not give, into the workspace. */
static void add_missing_statistics(struct operation *o, struct backward *b)
{
    clbn_forward_training_args statistics = CLBN_FORWARD_TRAINING_ARGS_INIT;
    statistics.x = b->x;
    statistics.save_mean = b->mean = o->workspace.mean;
    statistics.save_invstd = b->deviation = o->workspace.invstd;
    bn_add_forward_steps(o, &statistics);
}

cl_int clbnEnqueueBackward(clbn_plan plan, cl_command_queue queue, const clbn_backward_args *args,
                           cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    cl_int status = bn_check_call(&call, args, sizeof(*args), "clbn_backward_args");
    if (status != CLBN_SUCCESS)
        return status;
    struct backward b = { .x = args->x,
                          .dy = args->dy,
                          .gamma = args->gamma,
                          .mean = args->save_mean,
                          .deviation = args->save_invstd,
                          .dx = args->dx,
                          .dgamma = args->dgamma,
                          .dbeta = args->dbeta };
    status = check_backward(plan, args, &b);
    if (status != CLBN_SUCCESS)
        return status;
    if (bn_plan_shape(plan)->elements == 0)
        return launch_empty(&call, &b, args->workspace);

    struct operation operation;
    bn_begin_operation(&operation, &call, args->workspace, bn_forward_needs_workspace(plan) || !args->save_mean.buffer);
    if (!args->save_mean.buffer)
        add_missing_statistics(&operation, &b);
    add_backward_steps(&operation, &b);
    return bn_finish_operation(&operation);
}

static cl_int check_frozen(clbn_plan plan, const clbn_backward_frozen_args *a, const struct backward *b)
{
    const struct shape *shape = bn_plan_shape(plan);
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const enum operand_need for_dgamma = a->dgamma.buffer ? OPERAND_REQUIRED : OPERAND_OPTIONAL;
    const struct operand operands[] = {
        { "x", OPERAND_TENSOR, a->x, shape->elements, OPERAND_READ, for_dgamma, NULL },
        { "dy", OPERAND_TENSOR, a->dy, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_READ, for_dgamma, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "dx", OPERAND_TENSOR, a->dx, shape->elements, OPERAND_WRITTEN, OPERAND_OPTIONAL, "dy" },
        { "dgamma", OPERAND_PARAMETER, a->dgamma, shape->channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "dbeta", OPERAND_PARAMETER, a->dbeta, shape->channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = check_outputs(shape, b);
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), a->workspace);
    return status;
}

cl_int clbnEnqueueBackwardFrozen(clbn_plan plan, cl_command_queue queue, const clbn_backward_frozen_args *args,
                                 cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    cl_int status = bn_check_call(&call, args, sizeof(*args), "clbn_backward_frozen_args");
    if (status != CLBN_SUCCESS)
        return status;
    struct backward b = { .x = args->x,
                          .dy = args->dy,
                          .gamma = args->gamma,
                          .mean = args->running_mean,
                          .deviation = args->running_var,
                          .dx = args->dx,
                          .dgamma = args->dgamma,
                          .dbeta = args->dbeta,
                          .frozen = true };
    status = check_frozen(plan, args, &b);
    if (status != CLBN_SUCCESS)
        return status;
    if (bn_plan_shape(plan)->elements == 0)
        return launch_empty(&call, &b, args->workspace);

    /* Without dgamma nothing of x reaches a result, and the kernels may read dy in its place. */
    if (!b.x.buffer)
        b.x = b.dy;
    struct operation operation;
    bn_begin_operation(&operation, &call, args->workspace, bn_forward_needs_workspace(plan));
    add_backward_steps(&operation, &b);
    return bn_finish_operation(&operation);
}
