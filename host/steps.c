#include "steps.h"

#include "status.h"

void bn_init_steps(struct step_list *list, clbn_plan plan)
{
    list->plan = plan;
    list->status = CLBN_SUCCESS;
    list->count = 0;
}

void bn_clear_steps(struct step_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        bn_give_back_kernel(bn_plan_program(list->plan), list->steps[i].id, list->steps[i].kernel);
    list->count = 0;
}

void bn_add_step(struct step_list *list, enum kernel_id id, size_t groups_0, size_t groups_1)
{
    if (list->status != CLBN_SUCCESS)
        return;
    if (list->count == MAX_STEPS) {
        list->status = bn_fail(CLBN_INTERNAL_ERROR, "an operation has more than %d steps.", MAX_STEPS);
        return;
    }
    struct program *program = bn_plan_program(list->plan);
    struct step *step = &list->steps[list->count];
    step->kernel = bn_lend_kernel(program, id, &list->status);
    if (!step->kernel)
        return;
    step->id = id;
    step->argument_count = 0;
    step->global[0] = groups_0 * bn_program_variant(program)->group;
    step->global[1] = groups_1;
    list->count++;
}

static void bind(struct step_list *list, size_t size, const void *value)
{
    if (list->status != CLBN_SUCCESS)
        return;
    struct step *step = &list->steps[list->count - 1];
    cl_int status = clSetKernelArg(step->kernel, step->argument_count++, size, value);
    if (status != CL_SUCCESS)
        list->status = bn_fail_call(status, "clSetKernelArg");
}

void bn_add_channel_step(struct step_list *list, enum kernel_id id)
{
    const size_t group = bn_program_variant(bn_plan_program(list->plan))->group;
    bn_add_step(list, id, (bn_plan_schedule(list->plan)->channel_items + group - 1) / group, 1);
    bn_bind_ulong(list, bn_plan_shape(list->plan)->channels);
}

void bn_bind_division(struct step_list *list)
{
    bind(list, sizeof(struct division), &bn_plan_schedule(list->plan)->division);
}

void bn_bind_ulong(struct step_list *list, size_t value)
{
    const cl_ulong number = value;
    bind(list, sizeof(number), &number);
}

void bn_bind_uint(struct step_list *list, cl_uint value)
{
    bind(list, sizeof(value), &value);
}

void bn_bind_view(struct step_list *list, clbn_view view)
{
    bind(list, sizeof(view.buffer), view.buffer ? &view.buffer : NULL);
    bn_bind_ulong(list, view.buffer ? view.offset : 0);
}

void bn_bind_real(struct step_list *list, double value)
{
    if (bn_plan_desc(list->plan)->type == CLBN_FLOAT64) {
        const cl_double parts[2] = { value, 0 };
        bind(list, sizeof(parts[0]), &parts[0]);
        bind(list, sizeof(parts[1]), &parts[1]);
    } else {
        const cl_float high = (cl_float)value;
        const cl_float low = (cl_float)(value - (double)high);
        bind(list, sizeof(high), &high);
        bind(list, sizeof(low), &low);
    }
}
