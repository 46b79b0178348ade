/* SPDX-License-Identifier: MIT */
#include "enqueue/second_backward_steps.h"

#include "base/view.h"
#include "enqueue/steps.h"
#include "enqueue/workspace.h"
#include "schedule/second_order.h"

static const clbn_view none = CLBN_NO_VIEW;

/* What a call has beside its steps. */
struct second_call {
    const struct second_backward *views;
    struct second_order order;
    clbn_view partials, coefficients; /* offsets in bytes */
};

/* The arguments that both walks begin with. */
static void bind_inputs(struct steps *steps, const struct second_call *c)
{
    bn_bind_division(steps);
    bn_bind_uint(steps, c->order.lanes);
    bn_bind_tensor(steps, c->views->x, TENSOR_X);
    bn_bind_tensor(steps, c->views->dy, TENSOR_DY);
    bn_bind_tensor(steps, c->views->ddx, TENSOR_DX);
}

static void bind_parameters(struct steps *steps, const struct second_call *c)
{
    bn_bind_view(steps, c->views->gamma);
    bn_bind_view(steps, none); /* beta */
    bn_bind_view(steps, c->views->mean);
    bn_bind_view(steps, c->views->deviation);
}

static void bind_epsilon_and_flags(struct steps *steps, const struct second_call *c)
{
    bn_bind_real(steps, steps->plan->desc.epsilon);
    bn_bind_uint(steps, c->views->frozen ? FLAG_FROZEN : 0);
}

static void add_sums_step(struct steps *steps, const struct second_call *c)
{
    bn_add_step(steps, KERNEL_SECOND_SUMS, c->order.parts, c->order.tiles);
    bind_inputs(steps, c);
    bind_parameters(steps, c);
    bind_epsilon_and_flags(steps, c);
    bn_bind_view(steps, c->partials);
}

static void add_coefficients_step(struct steps *steps, const struct second_call *c)
{
    bn_add_channels_step(steps, KERNEL_SECOND_COEFFICIENTS);
    bn_bind_ulong(steps, c->order.parts);
    bn_bind_ulong(steps, steps->plan->shape.values_per_channel);
    bn_bind_view(steps, c->partials);
    bind_parameters(steps, c);
    bn_bind_view(steps, c->views->ddgamma);
    bn_bind_view(steps, c->views->ddbeta);
    bn_bind_view(steps, c->views->dgamma);
    bind_epsilon_and_flags(steps, c);
    bn_bind_view(steps, c->coefficients);
}

static void add_results_step(struct steps *steps, const struct second_call *c)
{
    bn_add_step(steps, KERNEL_SECOND_RESULTS, c->order.parts, c->order.tiles);
    bind_inputs(steps, c);
    bn_bind_tensor(steps, c->views->dx, TENSOR_DX);
    bn_bind_tensor(steps, c->views->ddy, TENSOR_Y);
    bn_bind_uint(steps, c->views->frozen ? FLAG_FROZEN : 0);
    bn_bind_view(steps, c->coefficients);
}

static void add_steps(struct steps *steps, struct second_call *c, clbn_view memory)
{
    steps->schedule = c->order.walk;
    c->partials = c->coefficients = memory;
    c->coefficients.offset += c->order.partials_size;
    add_sums_step(steps, c);
    add_coefficients_step(steps, c);
    if (bn_is_present(c->views->dx) || bn_is_present(c->views->ddy))
        add_results_step(steps, c);
}

cl_int bn_enqueue_second_backward(const struct call *call, const struct second_backward *second)
{
    const struct problem *problem = &call->plan->problem;
    struct second_call c = { .views = second };
    struct workspace workspace = { .owned = NULL };
    struct steps steps;
    bn_begin_steps(&steps, call, PASS_BACKWARD, STRATEGY_NONE);
    if (problem->shape->elements > 0) {
        c.order = bn_divide_second_order(problem);
        steps.status = bn_open_workspace(&workspace, call, none, c.order.workspace_size);
        add_steps(&steps, &c, workspace.partials);
    } else {
        const struct second_backward nothing_to_read = { .dgamma = second->dgamma, .frozen = second->frozen };
        c.views = &nothing_to_read;
        add_coefficients_step(&steps, &c);
    }
    cl_int status = bn_finish_steps(&steps);
    bn_close_workspace(&workspace);
    return status;
}
