/* SPDX-License-Identifier: MIT */
#include "enqueue/forward_steps.h"

#include "base/view.h"

static const clbn_view none = CLBN_NO_VIEW;

bool bn_updates_running(clbn_view running_mean, double update_factor)
{
    return bn_is_present(running_mean) && update_factor > 0;
}

/* What finalizing statistics takes and gives, besides the moments. */
struct finalization {
    clbn_view gamma, beta;
    clbn_view running_mean, running_var, save_mean, save_invstd, save_var;
    double update_factor;
    bool biased;
};

static struct finalization finalization_of(const clbn_forward_training_args *a)
{
    const struct finalization f = { a->gamma,       a->beta,          a->running_mean,
                                    a->running_var, a->save_mean,     a->save_invstd,
                                    a->save_var,    a->update_factor, a->running_variance == CLBN_BIASED };
    return f;
}

/* The arguments that all kernels which finalize statistics take in this order. */
static void bind_finalization(struct steps *steps, const struct finalization *f)
{
    bool update = bn_updates_running(f->running_mean, f->update_factor);
    bn_bind_channels(steps, f->gamma);
    bn_bind_channels(steps, f->beta);
    bn_bind_channels(steps, update ? f->running_mean : none);
    bn_bind_channels(steps, update ? f->running_var : none);
    bn_bind_channels(steps, f->save_mean);
    bn_bind_channels(steps, f->save_invstd);
    bn_bind_channels(steps, f->save_var);
    bn_bind_real(steps, steps->plan->desc.epsilon);
    bn_bind_real(steps, f->update_factor);
}

static cl_uint nontemporal_flag(const struct steps *steps, clbn_view z)
{
    return bn_nontemporal_flag(steps, bn_is_present(z) ? 3 : 2);
}

/* The arguments that all kernels which normalise begin with. */
static void bind_tensors(struct steps *steps, clbn_view x, clbn_view z, clbn_view y, clbn_view mask)
{
    bn_bind_division(steps);
    bn_bind_tensor(steps, x, TENSOR_X);
    bn_bind_tensor(steps, z, TENSOR_Z);
    bn_bind_tensor(steps, y, TENSOR_Y);
    bn_bind_mask(steps, mask);
}

static void add_whole_forward(struct operation *o, const struct recipe *r, const clbn_forward_training_args *a)
{
    const struct finalization f = finalization_of(a);
    bn_add_walking_step(&o->steps, r->last.kernel, r->grid);
    bind_tensors(&o->steps, a->x, a->z, a->y, a->mask);
    bind_finalization(&o->steps, &f);
    bn_bind_alpha(&o->steps);
    bn_bind_uint(&o->steps, nontemporal_flag(&o->steps, a->z) | (f.biased ? FLAG_BIASED : 0u));
    bn_bind_sections(o, r->last.sections);
}

static void add_moments_step(struct operation *o, const struct recipe *r, clbn_view x)
{
    bn_add_walking_step(&o->steps, r->first.kernel, r->grid);
    bn_bind_division(&o->steps);
    bn_bind_tensor(&o->steps, x, TENSOR_X);
    bn_bind_sections(o, r->first.sections);
}

/* The arguments that all kernels which merge take in this order. */
static void bind_merged(struct steps *steps, struct partials partials, const struct finalization *f)
{
    bn_bind_ulong(steps, partials.count);
    bn_bind_partials(steps, partials);
    bind_finalization(steps, f);
}

static cl_uint merging_flags(struct partials partials, const struct finalization *f)
{
    return (partials.records ? FLAG_RECORDS : 0u) | (f->biased ? FLAG_BIASED : 0u);
}

/* record, coefficients: what it gives, or absent. */
static void add_finalize_step(struct operation *o, struct partials partials, const struct finalization *f, clbn_view record,
                              clbn_view coefficients)
{
    bn_add_merging_step(&o->steps, bn_recipe_of(&o->steps, PASS_FORWARD)->merge.kernel, partials.count);
    bind_merged(&o->steps, partials, f);
    bn_bind_channels(&o->steps, record);
    bn_bind_view(&o->steps, coefficients);
    bn_bind_uint(&o->steps, merging_flags(partials, f));
}

/* What results are made from, and where they go. */
struct normalized {
    clbn_view x, z, y, mask;
};

/* What follows from partial results: statistics, and y if there is one. */
static void add_result_steps(struct operation *o, struct partials partials, const struct finalization *f,
                             const struct normalized *n)
{
    const struct recipe *r = bn_recipe_of(&o->steps, PASS_FORWARD);
    const bool has_y = bn_is_present(n->y);
    if (!has_y || !r->last_merges)
        add_finalize_step(o, partials, f, none, has_y ? o->workspace.coefficients : none);
    if (!has_y)
        return;
    bn_add_walking_step(&o->steps, r->last.kernel, r->grid);
    bind_tensors(&o->steps, n->x, n->z, n->y, n->mask);
    if (r->last_merges)
        bind_merged(&o->steps, partials, f);
    bn_bind_alpha(&o->steps);
    bn_bind_uint(&o->steps, nontemporal_flag(&o->steps, n->z) | (r->last_merges && f->biased ? FLAG_BIASED : 0u));
    bn_bind_sections(o, r->last.sections);
}

void bn_add_forward_steps(struct operation *o, const clbn_forward_training_args *a)
{
    const struct recipe *r = bn_recipe_of(&o->steps, PASS_FORWARD);
    const struct finalization f = finalization_of(a);
    const struct normalized n = { a->x, a->z, a->y, a->mask };
    if (r->first.kernel == KERNEL_NONE) {
        add_whole_forward(o, r, a);
        return;
    }
    add_moments_step(o, r, a->x);
    add_result_steps(o, bn_own_partials(o, true), &f, &n);
}

void bn_add_inference_step(struct operation *o, const clbn_forward_inference_args *a)
{
    const struct recipe *r = bn_recipe_of(&o->steps, PASS_INFERENCE);
    bn_add_walking_step(&o->steps, r->last.kernel, r->grid);
    bind_tensors(&o->steps, a->x, a->z, a->y, a->mask);
    bn_bind_channels(&o->steps, a->gamma);
    bn_bind_channels(&o->steps, a->beta);
    bn_bind_channels(&o->steps, a->running_mean);
    bn_bind_channels(&o->steps, a->running_var);
    bn_bind_real(&o->steps, o->steps.plan->desc.epsilon);
    bn_bind_alpha(&o->steps);
    bn_bind_uint(&o->steps, nontemporal_flag(&o->steps, a->z));
    bn_bind_sections(o, r->last.sections);
}

void bn_add_statistics_steps(struct operation *o, clbn_view x, clbn_view record)
{
    const struct finalization nothing_else = { .update_factor = 0 };
    add_moments_step(o, bn_recipe_of(&o->steps, PASS_FORWARD), x);
    add_finalize_step(o, bn_own_partials(o, true), &nothing_else, record, none);
}

void bn_add_empty_statistics_step(struct operation *o, clbn_view record)
{
    const struct finalization nothing_else = { .update_factor = 0 };
    const struct partials no_partials = { .count = 0 };
    add_finalize_step(o, no_partials, &nothing_else, record, none);
}

void bn_add_merge_step(struct operation *o, const clbn_merge_statistics_args *a)
{
    const struct finalization f = { none,
                                    none,
                                    a->running_mean,
                                    a->running_var,
                                    a->save_mean,
                                    a->save_invstd,
                                    a->save_var,
                                    a->update_factor,
                                    a->running_variance == CLBN_BIASED };
    const struct partials all = { .count = a->parts, .view = a->records, .records = true };
    add_finalize_step(o, all, &f, a->statistics, none);
}

void bn_add_normalize_steps(struct operation *o, const clbn_normalize_args *a)
{
    const struct finalization f = { .gamma = a->gamma, .beta = a->beta };
    const struct partials merged = { .count = 1, .view = a->statistics, .records = true };
    const struct normalized n = { a->x, a->z, a->y, a->mask };
    add_result_steps(o, merged, &f, &n);
}
