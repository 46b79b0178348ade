/* SPDX-License-Identifier: MIT */
#include "enqueue/backward_steps.h"

#include "base/integers.h"
#include "base/status.h"
#include "base/view.h"

static const clbn_view none = CLBN_NO_VIEW;

/* As in the kernels that take a whole channel. */
static bool needs_sums(const struct backward *b)
{
    return bn_is_present(b->dgamma) || bn_is_present(b->dbeta) || (bn_is_present(b->dx) && !b->frozen);
}

static unsigned count_tensors(const struct backward *b)
{
    const clbn_view tensors[] = { b->x, b->dy, b->z, b->y, b->dx, b->dz };
    unsigned count = 0;
    for (size_t i = 0; i < COUNT_OF(tensors); i++)
        count += bn_is_present(tensors[i]);
    return count;
}

static cl_uint flags_of(const struct operation *o, const struct backward *b)
{
    cl_uint flags = bn_nontemporal_flag(&o->steps, count_tensors(b));
    flags |= b->frozen ? FLAG_FROZEN : 0u;
    flags |= b->alone ? FLAG_ALONE : 0u;
    flags |= bn_is_present(b->y) && !b->alone ? FLAG_FROM_OUTPUT : 0u;
    return flags;
}

/* The arguments that all kernels which read the tensors begin with: x or what stands for it, dy, z or y, mask. */
static void bind_inputs(struct steps *steps, const struct backward *b)
{
    bool from_output = bn_is_present(b->y) && !b->alone;
    bn_bind_division(steps);
    bn_bind_tensor(steps, b->alone ? b->y : b->x, b->alone ? TENSOR_Y : TENSOR_X);
    bn_bind_tensor(steps, b->dy, TENSOR_DY);
    bn_bind_tensor(steps, from_output ? b->y : b->z, from_output ? TENSOR_Y : TENSOR_Z);
    bn_bind_mask(steps, b->mask);
}

static void bind_outputs(struct steps *steps, const struct backward *b)
{
    bn_bind_tensor(steps, b->dx, TENSOR_DX);
    bn_bind_rounded(steps, bn_is_present(b->dx) ? b->factors.dx : 0);
    bn_bind_tensor(steps, b->dz, TENSOR_DZ);
}

static void bind_parameters(struct steps *steps, const struct backward *b)
{
    bn_bind_channels(steps, b->gamma);
    bn_bind_channels(steps, b->beta);
    bn_bind_channels(steps, b->mean);
    bn_bind_channels(steps, b->deviation);
}

static void bind_parameter_gradients(struct steps *steps, const struct backward *b)
{
    bn_bind_channels(steps, b->dgamma);
    bn_bind_rounded(steps, b->factors.dgamma);
    bn_bind_channels(steps, b->dbeta);
    bn_bind_rounded(steps, b->factors.dbeta);
}

static void bind_epsilon(struct steps *steps)
{
    bn_bind_real(steps, steps->plan->desc.epsilon);
}

static void add_whole_step(struct operation *o, const struct recipe *r, const struct backward *b)
{
    bn_add_walking_step(&o->steps, r->last.kernel, r->grid);
    bind_inputs(&o->steps, b);
    bind_outputs(&o->steps, b);
    bind_parameters(&o->steps, b);
    bind_parameter_gradients(&o->steps, b);
    bind_epsilon(&o->steps);
    bn_bind_alpha(&o->steps);
    bn_bind_uint(&o->steps, flags_of(o, b));
    bn_bind_sections(o, r->last.sections);
}

static void add_sums_step(struct operation *o, const struct recipe *r, const struct backward *b)
{
    bn_add_walking_step(&o->steps, r->first.kernel, r->grid);
    bind_inputs(&o->steps, b);
    bind_parameters(&o->steps, b);
    bind_epsilon(&o->steps);
    bn_bind_alpha(&o->steps);
    bn_bind_uint(&o->steps, flags_of(o, b));
    bn_bind_sections(o, r->first.sections);
}

/* The arguments that all kernels which merge take in this order. */
static void bind_merged(struct steps *steps, const struct backward *b, struct partials partials)
{
    bn_bind_ulong(steps, partials.values);
    bn_bind_ulong(steps, partials.count);
    bn_bind_partials(steps, partials);
    bind_parameters(steps, b);
    bind_parameter_gradients(steps, b);
    bind_epsilon(steps);
}

static void add_finalize_step(struct operation *o, const struct backward *b, struct partials partials, clbn_view record,
                              clbn_view coefficients)
{
    bn_add_merging_step(&o->steps, bn_recipe_of(&o->steps, PASS_BACKWARD)->merge.kernel, partials.count);
    bind_merged(&o->steps, b, partials);
    bn_bind_channels(&o->steps, record);
    bn_bind_view(&o->steps, coefficients);
    bn_bind_uint(&o->steps, flags_of(o, b) | (partials.records ? FLAG_RECORDS : 0u));
}

/* What follows from partial results: gradients of parameters, and dx and dz where there are any elements. */
static void add_result_steps(struct operation *o, const struct backward *b, struct partials partials)
{
    const struct recipe *r = bn_recipe_of(&o->steps, PASS_BACKWARD);
    const bool has_results = r->last.kernel != KERNEL_NONE && (bn_is_present(b->dx) || bn_is_present(b->dz));
    if (!has_results || !r->last_merges)
        add_finalize_step(o, b, partials, none, has_results ? o->workspace.coefficients : none);
    if (!has_results)
        return;
    bn_add_walking_step(&o->steps, r->last.kernel, r->grid);
    bind_inputs(&o->steps, b);
    bind_outputs(&o->steps, b);
    if (r->last_merges)
        bind_merged(&o->steps, b, partials);
    bn_bind_alpha(&o->steps);
    bn_bind_uint(&o->steps, flags_of(o, b));
    bn_bind_sections(o, r->last.sections);
}

void bn_add_backward_steps(struct operation *o, const struct backward *b)
{
    const struct recipe *r = bn_recipe_of(&o->steps, PASS_BACKWARD);
    if (r->first.kernel == KERNEL_NONE) {
        add_whole_step(o, r, b);
        return;
    }
    if (needs_sums(b))
        add_sums_step(o, r, b);
    add_result_steps(o, b, bn_own_partials(o, needs_sums(b)));
}

void bn_add_empty_backward_step(struct operation *o, const struct backward *b)
{
    struct backward nothing_to_read = { .dgamma = b->dgamma, .dbeta = b->dbeta, .frozen = b->frozen, .factors = b->factors };
    const struct partials no_partials = { .count = 0 };
    add_finalize_step(o, &nothing_to_read, no_partials, b->records, none);
}

void bn_add_sums_steps(struct operation *o, const struct backward *b)
{
    add_sums_step(o, bn_recipe_of(&o->steps, PASS_BACKWARD), b);
    add_finalize_step(o, b, bn_own_partials(o, true), b->records, none);
}

void bn_add_input_steps(struct operation *o, const struct backward *b)
{
    const struct partials all = { .count = b->parts, .view = b->records, .records = true };
    add_result_steps(o, b, all);
}
