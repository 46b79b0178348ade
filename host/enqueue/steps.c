/* SPDX-License-Identifier: MIT */
#include "enqueue/steps.h"

#include "base/integers.h"
#include "base/status.h"
#include "base/svm.h"
#include "base/view.h"

void bn_begin_steps(struct steps *steps, const struct call *call, enum pass pass, enum strategy strategy)
{
    steps->plan = call->plan;
    steps->slice = bn_whole_slice(&call->plan->shape);
    steps->schedule = bn_schedule_by(&call->plan->schedules[pass], strategy);
    steps->status = CLBN_SUCCESS;
    steps->has_last = false;
    bn_begin_launch(&steps->launch, call);
}

static bool is_tiled(const struct steps *steps)
{
    return bn_kernel_set(&steps->plan->program->variant) == KERNELS_OF_TILES;
}

const struct recipe *bn_recipe_of(const struct steps *steps, enum pass pass)
{
    return bn_recipe(bn_kernel_set(&steps->plan->program->variant), steps->schedule.strategy, pass);
}

/* Enqueues the last step, if there is one and nothing has failed. is_last: no other will follow. */
static void launch_last(struct steps *steps, bool is_last)
{
    if (!steps->has_last)
        return;
    if (steps->status == CLBN_SUCCESS)
        steps->status = bn_launch_kernel(&steps->launch, steps->last.lent.kernel, steps->last.groups, is_last);
    bn_give_back_kernel(steps->plan->program, &steps->last.lent);
    steps->has_last = false;
}

cl_int bn_finish_steps(struct steps *steps)
{
    launch_last(steps, true);
    bn_end_launch(&steps->launch);
    return steps->status;
}

void bn_add_step(struct steps *steps, enum kernel_id id, size_t groups_0, size_t groups_1)
{
    const struct step step = { .groups = { groups_0, groups_1 } };
    launch_last(steps, false);
    if (steps->status != CLBN_SUCCESS)
        return;
    steps->last = step;
    /* A command buffer has its kernels to itself: PoCL 3.1 reads their arguments when it is run. */
    const bool is_recorded = steps->launch.call->recorder != NULL;
    steps->status = bn_lend_kernel(steps->plan->program, id, is_recorded, &steps->last.lent);
    steps->has_last = steps->status == CLBN_SUCCESS;
}

static void bind(struct steps *steps, size_t size, const void *value)
{
    if (steps->status != CLBN_SUCCESS)
        return;
    cl_int status = clSetKernelArg(steps->last.lent.kernel, steps->last.argument_count++, size, value);
    if (status != CL_SUCCESS)
        steps->status = bn_fail_call(status, "clSetKernelArg");
}

static void bind_memory(struct steps *steps, clbn_view view)
{
    if (!view.svm) {
        bind(steps, sizeof(view.buffer), view.buffer ? &view.buffer : NULL);
        return;
    }
    if (steps->status != CLBN_SUCCESS)
        return;
    cl_int status = bn_set_svm_argument(steps->last.lent.kernel, steps->last.argument_count++, view.svm);
    if (status != CL_SUCCESS)
        steps->status = bn_fail_call(status, "clSetKernelArgSVMPointer");
}

void bn_add_walking_step(struct steps *steps, enum kernel_id id, enum grid grid)
{
    size_t groups[2];
    bn_find_groups(&steps->schedule, grid, groups);
    bn_add_step(steps, id, groups[0], groups[1]);
}

cl_uint bn_nontemporal_flag(const struct steps *steps, unsigned tensors)
{
    return bn_is_nontemporal(&steps->schedule, tensors) ? FLAG_NONTEMPORAL : 0;
}

static struct merging divide_merging(const struct steps *steps, size_t count)
{
    return bn_divide_merging(&steps->plan->program->variant, &steps->plan->engine->facts, steps->slice.shape.channels, count);
}

void bn_add_channels_step(struct steps *steps, enum kernel_id id)
{
    bn_add_step(steps, id, divide_merging(steps, 1).groups, 1);
    bn_bind_ulong(steps, steps->slice.shape.channels);
}

void bn_add_merging_step(struct steps *steps, enum kernel_id id, size_t count)
{
    const struct merging merging = divide_merging(steps, count);
    bn_add_step(steps, id, merging.groups, 1);
    if (is_tiled(steps)) {
        bn_bind_division(steps);
        bn_bind_uint(steps, (cl_uint)merging.lanes);
    } else {
        bn_bind_ulong(steps, steps->slice.shape.channels);
        bn_bind_ulong(steps, (size_t)steps->schedule.division.folded);
    }
    bn_bind_ulong(steps, steps->plan->shape.channels);
}

/* Axes in the arrays at the ends of the kernels' struct division and layout. */
static size_t axis_count(const struct steps *steps)
{
    const struct variant *variant = &steps->plan->program->variant;
    return variant->row_axes + variant->channel_axes;
}

void bn_bind_division(struct steps *steps)
{
    const size_t lengths = axis_count(steps) * sizeof(cl_ulong);
    if (is_tiled(steps))
        bind(steps, offsetof(struct tiling, lengths) + lengths, &steps->schedule.tiling);
    else
        bind(steps, offsetof(struct division, lengths) + lengths, &steps->schedule.division);
}

void bn_bind_ulong(struct steps *steps, size_t value)
{
    const cl_ulong number = value;
    bind(steps, sizeof(number), &number);
}

void bn_bind_uint(struct steps *steps, cl_uint value)
{
    bind(steps, sizeof(value), &value);
}

void bn_bind_view(struct steps *steps, clbn_view view)
{
    bind_memory(steps, view);
    bn_bind_ulong(steps, bn_is_present(view) ? view.offset : 0);
}

void bn_bind_channels(struct steps *steps, clbn_view view)
{
    view.offset += steps->slice.first;
    bn_bind_view(steps, view);
}

void bn_bind_mask(struct steps *steps, clbn_view view)
{
    view.offset += bn_mask_offset(&steps->plan->problem, &steps->schedule, steps->slice.first);
    bn_bind_view(steps, view);
}

void bn_bind_tensor(struct steps *steps, clbn_view view, enum tensor tensor)
{
    const cl_ulong folded = steps->schedule.division.folded;
    struct layout layout = { 0 };
    if (bn_is_present(view)) {
        layout = steps->slice.shape.layouts[tensor];
        layout.offset = view.offset + steps->slice.offsets[tensor];
        if (is_tiled(steps))
            bn_tile_layout(&steps->slice.shape, &steps->schedule.tiling, &layout);
        else if (folded > 1)
            bn_fold_layout(&layout, 1, folded);
    }
    bind_memory(steps, view);
    bind(steps, offsetof(struct layout, strides) + axis_count(steps) * sizeof(cl_ulong), &layout);
}

void bn_bind_rounded(struct steps *steps, double value)
{
    const cl_float rounded = (cl_float)value;
    if (steps->plan->desc.type == CLBN_FLOAT64)
        bind(steps, sizeof(value), &value);
    else
        bind(steps, sizeof(rounded), &rounded);
}

void bn_bind_alpha(struct steps *steps)
{
    bn_bind_rounded(steps, steps->plan->alpha);
}

void bn_bind_real(struct steps *steps, double value)
{
    if (steps->plan->desc.type == CLBN_FLOAT64) {
        const cl_double parts[2] = { value, 0 };
        bind(steps, sizeof(parts[0]), &parts[0]);
        bind(steps, sizeof(parts[1]), &parts[1]);
    } else {
        const cl_float high = (cl_float)value;
        const cl_float low = (cl_float)(value - (double)high);
        bind(steps, sizeof(high), &high);
        bind(steps, sizeof(low), &low);
    }
}
