#include "forward_training.h"

#include "launch.h"
#include "operands.h"
#include "status.h"

static bool updates_running(const clbn_forward_training_args *args)
{
    return args->running_mean.buffer && args->update_factor > 0;
}

static cl_int check_training(clbn_plan plan, const clbn_forward_training_args *a)
{
    const struct shape *shape = bn_plan_shape(plan);
    /* Nothing but the tensors is looked at for an empty batch, and they have no elements. */
    const size_t channels = shape->elements > 0 ? shape->channels : 0;
    const struct operand operands[] = {
        { "x", OPERAND_TENSOR, a->x, shape->elements, OPERAND_READ, OPERAND_REQUIRED, NULL },
        { "y", OPERAND_TENSOR, a->y, shape->elements, OPERAND_WRITTEN, OPERAND_REQUIRED, "x" },
        { "gamma", OPERAND_PARAMETER, a->gamma, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "beta", OPERAND_PARAMETER, a->beta, channels, OPERAND_READ, OPERAND_OPTIONAL, NULL },
        { "running_mean", OPERAND_PARAMETER, a->running_mean, channels, OPERAND_UPDATED, OPERAND_OPTIONAL, NULL },
        { "running_var", OPERAND_PARAMETER, a->running_var, channels, OPERAND_UPDATED, OPERAND_OPTIONAL, NULL },
        { "save_mean", OPERAND_PARAMETER, a->save_mean, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
        { "save_invstd", OPERAND_PARAMETER, a->save_invstd, channels, OPERAND_WRITTEN, OPERAND_OPTIONAL, NULL },
    };
    cl_int status = bn_check_factor(a->update_factor);
    if (status == CLBN_SUCCESS && a->running_variance > CLBN_BIASED)
        status = bn_fail(CLBN_INVALID_ARGUMENT, "running_variance is %u, expected CLBN_UNBIASED or CLBN_BIASED.",
                         (unsigned)a->running_variance);
    if (status == CLBN_SUCCESS)
        status = bn_check_pair("running_mean", a->running_mean, "running_var", a->running_var);
    if (status == CLBN_SUCCESS && shape->values_per_channel == 1 && updates_running(a) && a->running_variance == CLBN_UNBIASED)
        status = bn_fail(CLBN_TOO_FEW_VALUES, "one value per channel has no unbiased variance, expected two or more, "
                                              "CLBN_BIASED, or no running statistics.");
    if (status == CLBN_SUCCESS)
        status = bn_check_operands(plan, operands, sizeof(operands) / sizeof(operands[0]), a->workspace);
    return status;
}

/* The arguments that all kernels which finish statistics take in this order. */
static void bind_statistics(struct step_list *steps, const clbn_forward_training_args *a)
{
    const clbn_view none = CLBN_NO_VIEW;
    bool update = updates_running(a);
    bn_bind_view(steps, a->gamma);
    bn_bind_view(steps, a->beta);
    bn_bind_view(steps, update ? a->running_mean : none);
    bn_bind_view(steps, update ? a->running_var : none);
    bn_bind_view(steps, a->save_mean);
    bn_bind_view(steps, a->save_invstd);
    bn_bind_real(steps, bn_plan_desc(steps->plan)->epsilon);
    bn_bind_real(steps, a->update_factor);
    bn_bind_uint(steps, a->running_variance == CLBN_BIASED);
}

static void add_whole_forward(struct operation *o, const clbn_forward_training_args *a)
{
    const struct schedule *s = bn_plan_schedule(o->call->plan);
    bn_add_step(&o->steps, KERNEL_FORWARD, 1, s->tiles);
    bn_bind_division(&o->steps);
    bn_bind_view(&o->steps, a->x);
    bn_bind_view(&o->steps, a->y);
    bind_statistics(&o->steps, a);
    bn_bind_uint(&o->steps, s->stream);
    if (bn_is_channels_last(o->call->plan)) {
        bn_bind_view(&o->steps, o->workspace.partials);
        bn_bind_view(&o->steps, o->workspace.coefficients);
    }
}

static void add_split_forward(struct operation *o, const clbn_forward_training_args *a)
{
    const struct schedule *s = bn_plan_schedule(o->call->plan);
    bn_add_step(&o->steps, KERNEL_STATISTICS, (size_t)s->division.parts, s->tiles);
    bn_bind_division(&o->steps);
    bn_bind_view(&o->steps, a->x);
    bn_bind_view(&o->steps, o->workspace.partials);
    if (bn_is_channels_last(o->call->plan))
        bn_bind_view(&o->steps, o->workspace.coefficients);

    bn_add_channel_step(&o->steps, KERNEL_FINISH_STATISTICS);
    bn_bind_ulong(&o->steps, s->partials);
    bn_bind_view(&o->steps, o->workspace.partials);
    bind_statistics(&o->steps, a);
    bn_bind_view(&o->steps, o->workspace.coefficients);

    if (!a->y.buffer)
        return;
    bn_add_step(&o->steps, KERNEL_NORMALIZE, (size_t)s->division.parts, s->tiles);
    bn_bind_division(&o->steps);
    bn_bind_view(&o->steps, a->x);
    bn_bind_view(&o->steps, a->y);
    bn_bind_view(&o->steps, o->workspace.coefficients);
    bn_bind_uint(&o->steps, s->stream);
}

bool bn_forward_needs_workspace(clbn_plan plan)
{
    return bn_is_channels_last(plan) || !bn_plan_schedule(plan)->whole;
}

void bn_add_forward_steps(struct operation *o, const clbn_forward_training_args *a)
{
    if (bn_plan_schedule(o->call->plan)->whole)
        add_whole_forward(o, a);
    else
        add_split_forward(o, a);
}

cl_int clbnEnqueueForwardTraining(clbn_plan plan, cl_command_queue queue, const clbn_forward_training_args *args,
                                  cl_uint num_events_in_wait_list, const cl_event *event_wait_list, cl_event *event)
{
    const struct call call = { plan, queue, num_events_in_wait_list, event_wait_list, event };
    cl_int status = bn_check_call(&call, args, sizeof(*args), "clbn_forward_training_args");
    if (status == CLBN_SUCCESS)
        status = check_training(plan, args);
    if (status != CLBN_SUCCESS)
        return status;
    if (bn_plan_shape(plan)->elements == 0)
        return bn_launch_nothing(&call);

    struct operation operation;
    bn_begin_operation(&operation, &call, args->workspace, bn_forward_needs_workspace(plan));
    bn_add_forward_steps(&operation, args);
    return bn_finish_operation(&operation);
}
