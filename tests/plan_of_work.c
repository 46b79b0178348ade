/* SPDX-License-Identifier: MIT */
#include "plan_of_work.h"

#include "schedule/divide.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>

const struct choices usual_choices;

const struct device_facts cores = {
    .compute_units = 2, .max_group_size = 1024, .address_limit = SIZE_MAX / 2, .cache_size = (size_t)32 << 20
};

/* Check writes a note of each of its assertions, which is too slow for one to an element. */
void expect(const struct plan_of_work *work, bool condition, const char *what)
{
    if (!condition)
        ck_abort_msg("%s: not so: %s", work->text, what);
}

/* 1 to limit, small numbers as likely as large ones. */
static size_t random_length(struct random *random, size_t limit)
{
    unsigned bits = 1;
    while (bits < 63 && (limit >> bits) > 0)
        bits++;
    size_t range = (size_t)1 << random_below(random, bits);
    size_t length = 1 + random_below(random, 2 * range);
    return length < limit ? length : limit;
}

static struct device_facts random_facts(struct random *random)
{
    static const size_t group_sizes[] = { 1, 2, 32, 48, 64, 128, 256, 1024, 4096 };
    const struct device_facts facts = { .is_vector_cpu = random_below(random, 2) == 0,
                                        .has_double = random_below(random, 2) == 0,
                                        .compute_units = random_length(random, 256),
                                        .max_group_size = group_sizes[random_below(random, 9)],
                                        .cache_size = random_below(random, 3) * 100000,
                                        .address_limit = SIZE_MAX / 2 };
    return facts;
}

struct shape shape_of(size_t outer, size_t channels, size_t inner)
{
    struct shape s = { .outer = outer,
                       .channels = channels,
                       .inner = inner,
                       .values_per_channel = outer * inner,
                       .elements = outer * channels * inner,
                       .channels_last = inner == 1,
                       .row_axes = 1,
                       .channel_axes = 1,
                       .lengths = { outer, channels } };
    for (int t = 0; t < TENSORS; t++) {
        s.layouts[t].strides[0] = channels * inner;
        s.layouts[t].strides[1] = inner;
    }
    return s;
}

/* Channels are first, last, or in between. */
static struct shape random_shape(struct random *random, size_t limit)
{
    size_t outer = random_length(random, limit);
    size_t channels = random_length(random, limit / outer);
    size_t inner = random_below(random, 2) == 0 ? 1 : random_length(random, limit / outer / channels);
    return shape_of(outer, channels, inner);
}

cl_ulong parts_of(const struct plan_of_work *work)
{
    return work->variant.group > 1 ? work->schedule.tiling.parts : work->schedule.division.parts;
}

void describe(struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    snprintf(work->text, sizeof work->text,
             "(%zu, %zu, %zu) in groups of %u, vectors of %u, %zu units: %s, parts %llu, tiles %zu", work->shape.outer,
             work->shape.channels, work->shape.inner, work->variant.group, work->variant.vector, work->facts.compute_units,
             bn_is_split(s->strategy) ? "split" : "whole", (unsigned long long)parts_of(work), s->tiles);
}

struct problem problem_of(const struct plan_of_work *work)
{
    const struct problem problem = { &work->variant, &work->facts, work->flags, &work->shape };
    return problem;
}

void random_work(struct random *random, size_t limit, struct plan_of_work *work)
{
    static const cl_uint divisions[] = { 0, CLBN_ENGINE_SPLIT, CLBN_ENGINE_WHOLE };
    clbn_type type = CLBN_FLOAT32 + (clbn_type)random_below(random, 4);
    clbn_activation activation = random_below(random, 2) == 0 ? CLBN_ACTIVATION_NONE : CLBN_ACTIVATION_RELU;
    clbn_geometry geometry = random_below(random, 2) == 0 ? CLBN_GEOMETRY_VECTOR : CLBN_GEOMETRY_GROUP;
    work->facts = random_facts(random);
    work->pass = (enum pass)random_below(random, PASSES);
    work->flags = divisions[random_below(random, 3)] | (cl_uint)random_below(random, 4);
    work->shape = random_shape(random, limit);
    work->variant = bn_choose_variant(geometry, work->flags, &work->facts, type, activation, &work->shape);
    const struct problem problem = problem_of(work);
    bn_make_schedule(&problem, &usual_choices, work->pass, &work->schedule);
    describe(work);
}

struct plan_of_work work_of(clbn_geometry geometry, cl_uint flags, struct shape shape)
{
    struct plan_of_work work = { .facts = { .has_double = true,
                                            .compute_units = 16,
                                            .max_group_size = 1024,
                                            .cache_size = 1000000,
                                            .address_limit = SIZE_MAX / 2 },
                                 .flags = flags,
                                 .pass = PASS_FORWARD,
                                 .shape = shape };
    work.variant = bn_choose_variant(geometry, flags, &work.facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &shape);
    const struct problem problem = problem_of(&work);
    bn_make_schedule(&problem, &usual_choices, work.pass, &work.schedule);
    describe(&work);
    return work;
}

struct schedule pass_on(const struct device_facts *facts, enum pass pass, clbn_geometry geometry, clbn_type type,
                        struct shape shape)
{
    const struct variant variant = bn_choose_variant(geometry, 0, facts, type, CLBN_ACTIVATION_NONE, &shape);
    const struct problem problem = { &variant, facts, 0, &shape };
    struct schedule schedule;
    bn_make_schedule(&problem, &usual_choices, pass, &schedule);
    return schedule;
}

struct schedule schedule_on(const struct device_facts *facts, clbn_geometry geometry, clbn_type type, struct shape shape)
{
    return pass_on(facts, PASS_FORWARD, geometry, type, shape);
}

struct schedule schedule_on_cores(clbn_geometry geometry, clbn_type type, struct shape shape)
{
    return schedule_on(&cores, geometry, type, shape);
}
