#include "steps.h"

#include "integers.h"
#include "status.h"
#include "svm.h"
#include "view.h"

#include <string.h>

void bn_init_steps(struct step_list *list, clbn_plan plan, enum pass pass)
{
    list->plan = plan;
    list->schedule = bn_plan_schedule(plan, pass);
    list->status = CLBN_SUCCESS;
    list->count = 0;
}

void bn_walk_in_place(struct step_list *list)
{
    list->in_place = bn_schedule_in_place(list->schedule);
    list->schedule = &list->in_place;
}

void bn_clear_steps(struct step_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        bn_give_back_kernel(bn_plan_program(list->plan), &list->steps[i].lent);
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
    list->status = bn_lend_kernel(program, id, &step->lent);
    if (list->status != CLBN_SUCCESS)
        return;
    step->argument_count = 0;
    step->value_bytes = 0;
    step->global[0] = groups_0 * bn_program_variant(program)->group;
    step->global[1] = groups_1;
    list->count++;
}

static void note_value(struct argument_values *values, size_t begin, size_t size, const void *value)
{
    memcpy(&values->bytes[begin], value, size);
    if (values->known < begin + size)
        values->known = begin + size;
}

/* Sets an argument, unless the kernel object has that value from a call before: a small problem takes less time than its
 * arguments do. One that could not be set may have lost what it had (OpenCL 3.0, clSetKernelArg). */
static void bind(struct step_list *list, size_t size, const void *value)
{
    if (list->status != CLBN_SUCCESS)
        return;
    struct step *step = &list->steps[list->count - 1];
    struct argument_values *values = step->lent.values;
    const cl_uint index = step->argument_count++;
    const size_t begin = step->value_bytes, end = begin + size;
    if (end > MAX_ARGUMENT_BYTES) {
        list->status = bn_fail(CLBN_INTERNAL_ERROR, "a kernel has more than %d bytes of arguments.", MAX_ARGUMENT_BYTES);
        return;
    }
    step->value_bytes = end;
    if (values && end <= values->known && memcmp(&values->bytes[begin], value, size) == 0)
        return;
    cl_int status = clSetKernelArg(step->lent.kernel, index, size, value);
    if (status != CL_SUCCESS)
        list->status = bn_fail_call(status, "clSetKernelArg");
    if (values && status == CL_SUCCESS)
        note_value(values, begin, size, value);
    else if (values)
        values->known = begin;
}

/* A buffer is set for each call: another one may have come to have its handle. */
static void bind_memory(struct step_list *list, clbn_view view)
{
    if (list->status != CLBN_SUCCESS)
        return;
    struct step *step = &list->steps[list->count - 1];
    const cl_uint index = step->argument_count++;
    const cl_mem *buffer = view.buffer ? &view.buffer : NULL;
    cl_int status = view.svm ? bn_set_svm_argument(step->lent.kernel, index, view.svm)
                             : clSetKernelArg(step->lent.kernel, index, sizeof(view.buffer), buffer);
    if (status != CL_SUCCESS)
        list->status = bn_fail_call(status, view.svm ? "clSetKernelArgSVMPointer" : "clSetKernelArg");
}

void bn_add_parted_step(struct step_list *list, enum kernel_id id)
{
    const struct schedule *s = list->schedule;
    bn_add_step(list, id, (size_t)s->division.parts, s->tiles);
}

void bn_add_images_step(struct step_list *list, enum kernel_id id)
{
    const struct division *d = &list->schedule->division;
    bn_add_step(list, id, 1, divide_up((size_t)d->channels, (size_t)d->tile_channels));
}

cl_uint bn_stream_flag(const struct step_list *list, unsigned tensors)
{
    return bn_streams(list->schedule, tensors) ? FLAG_STREAM : 0;
}

void bn_add_merging_step(struct step_list *list, enum kernel_id id, size_t count)
{
    const size_t channels = bn_plan_shape(list->plan)->channels;
    const struct merging merging = bn_divide_merging(bn_program_variant(bn_plan_program(list->plan)),
                                                     bn_engine_facts(bn_plan_engine(list->plan)), channels, count);
    bn_add_step(list, id, merging.groups, 1);
    bn_bind_ulong(list, channels);
    bn_bind_uint(list, (cl_uint)merging.lanes);
}

/* Axes in the arrays at the ends of the kernels' struct division and layout. */
static size_t axis_count(const struct step_list *list)
{
    const struct variant *variant = bn_program_variant(bn_plan_program(list->plan));
    return variant->row_axes + variant->channel_axes;
}

void bn_bind_division(struct step_list *list)
{
    const size_t size = offsetof(struct division, lengths) + axis_count(list) * sizeof(cl_ulong);
    bind(list, size, &list->schedule->division);
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
    bind_memory(list, view);
    bn_bind_ulong(list, bn_is_present(view) ? view.offset : 0);
}

void bn_bind_tensor(struct step_list *list, clbn_view view, enum tensor tensor)
{
    const cl_ulong folded = list->schedule->division.folded;
    struct layout layout = { 0 };
    if (bn_is_present(view)) {
        layout = bn_plan_shape(list->plan)->layouts[tensor];
        layout.offset = view.offset;
        if (folded > 1)
            bn_fold_layout(&layout, folded);
    }
    bind_memory(list, view);
    bind(list, offsetof(struct layout, strides) + axis_count(list) * sizeof(cl_ulong), &layout);
}

void bn_bind_alpha(struct step_list *list)
{
    const cl_double alpha = bn_plan_alpha(list->plan);
    const cl_float rounded = (cl_float)alpha;
    if (bn_plan_desc(list->plan)->type == CLBN_FLOAT64)
        bind(list, sizeof(alpha), &alpha);
    else
        bind(list, sizeof(rounded), &rounded);
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
