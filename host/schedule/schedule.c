/* SPDX-License-Identifier: MIT */
#include "schedule/schedule.h"

#include "base/integers.h"
#include "schedule/divide.h"

#include <stdint.h>

struct merging bn_divide_merging(const struct variant *v, const struct device_facts *facts, size_t channels, size_t count)
{
    struct merging m = { .lanes = v->group / power_of_two(count, v->group) };
    m.groups = v->group > 1 ? divide_up(channels, m.lanes)
                            : least(divide_up(channels, bn_span(v)), facts->compute_units * GROUPS_PER_UNIT);
    return m;
}

/* Parts of a channel, or of a tile. */
static size_t count_parts(const struct problem *p, const struct schedule *s)
{
    return (size_t)(p->variant->group > 1 ? s->tiling.parts : s->division.parts);
}

/* What struct schedule's nontemporal_tensors is to be: results stay in the cache where all tensors of a pass fit in it. */
static unsigned choose_nontemporal(const struct problem *p, const struct choices *choices)
{
    const size_t elements = p->shape->elements, limit = p->facts->cache_size / bn_type_size(p->variant->type);
    if (p->variant->group > 1 || choices->nontemporal == CHOOSE_NO)
        return TENSORS_OF_NO_PASS;
    unsigned tensors = TENSORS_OF_ANY_PASS;
    while (choices->nontemporal != CHOOSE_YES && tensors < TENSORS_OF_NO_PASS && elements <= limit / tensors)
        tensors++;
    return tensors;
}

bool bn_is_nontemporal(const struct schedule *schedule, unsigned tensors)
{
    return tensors >= schedule->nontemporal_tensors;
}

unsigned bn_usual_tensors(enum pass pass)
{
    return pass == PASS_BACKWARD ? 3 : 2;
}

bool bn_has_mask(clbn_activation activation)
{
    return activation == CLBN_ACTIVATION_RELU || activation == CLBN_ACTIVATION_LEAKY_RELU ||
           activation == CLBN_ACTIVATION_RELU6;
}

static size_t padded(size_t count, const struct variant *v)
{
    return divide_up(count, v->vector) * v->vector;
}

/* Bytes to the bits of a vector. */
static size_t unit_size(const struct variant *v)
{
    return divide_up(v->vector, 8);
}

/* From the bits of a channel to those of the next, in bits. */
static size_t mask_pitch(const struct variant *v, const struct schedule *s)
{
    if (v->group > 1)
        return (size_t)s->tiling.pitch;
    return v->channels_last ? 1 : padded((size_t)s->division.columns, v);
}

size_t bn_mask_offset(const struct problem *p, const struct schedule *s, size_t first_channel)
{
    return first_channel * mask_pitch(p->variant, s) / p->variant->vector * unit_size(p->variant);
}

/* Units of a mask to a row as it is walked. */
static size_t row_units(const struct variant *v, const struct schedule *s)
{
    return v->group > 1 ? (size_t)s->tiling.vectors : divide_up((size_t)s->division.channels * mask_pitch(v, s), v->vector);
}

/* No more bytes than the tensor has, whose sizes are known to fit. */
static size_t mask_size(const struct variant *v, const struct schedule *s)
{
    const struct division *d = &s->division;
    const struct tiling *t = &s->tiling;
    const size_t rows = v->group > 1 ? (size_t)(t->rows + (t->remainder > 0)) : (size_t)d->rows;
    const size_t remainder = v->group > 1 ? 0 : divide_up((size_t)d->remainder, v->vector);
    return bn_has_mask(v->activation) ? (rows * row_units(v, s) + remainder) * unit_size(v) : 0;
}

enum strategy bn_strategy_in_place(enum strategy strategy)
{
    return strategy == STRATEGY_REPEATED ? STRATEGY_WHOLE : strategy;
}

void bn_find_groups(const struct schedule *s, enum grid grid, size_t groups[2])
{
    const struct division *d = &s->division;
    switch (grid) {
    case GRID_PARTS:
        groups[0] = (size_t)d->parts;
        groups[1] = s->tile_groups;
        break;
    case GRID_IMAGES:
        groups[0] = 1;
        groups[1] = divide_up((size_t)d->channels, (size_t)d->tile_channels);
        break;
    default:
        groups[0] = s->tiles;
        groups[1] = (size_t)s->tiling.parts;
    }
}

struct schedule bn_schedule_by(const struct schedule *schedule, enum strategy strategy)
{
    struct schedule s = *schedule;
    s.strategy = strategy;
    if (bn_is_split(strategy))
        s.tile_groups = s.tiles;
    if (strategy != STRATEGY_WHOLE || s.tile_in_place == 0)
        return s;
    s.tiles = s.tile_groups = divide_up((size_t)s.division.tile_vectors, s.tile_in_place);
    s.division.tile_vectors = s.tile_in_place;
    s.division.parts = 1;
    s.tile_in_place = 0;
    return s;
}

/* Adds bytes x count x channels, rounded up to the workspace's alignment. */
static void add_section(struct sections *all, size_t *section, size_t bytes, size_t count, size_t channels)
{
    const size_t limit = SIZE_MAX / 4;
    if (all->all == SIZE_MAX || count == 0)
        return;
    if (channels > limit / bytes / count) {
        all->all = SIZE_MAX;
        return;
    }
    *section = divide_up(bytes * count * channels, CLBN_WORKSPACE_ALIGNMENT) * CLBN_WORKSPACE_ALIGNMENT;
    all->all = all->all < limit ? all->all + *section : SIZE_MAX;
}

struct sections bn_measure_sections(const struct problem *p, const struct schedule *s, enum pass pass, bool keeps_statistics)
{
    const struct variant *v = p->variant;
    const struct recipe *r = bn_recipe(bn_kernel_set(v), s->strategy, pass);
    const unsigned sections = r->first.sections | r->last.sections;
    const bool tiled = v->group > 1, has_shuffled = v->type == CLBN_BFLOAT16 && bn_span(v) > 1;
    const size_t element = bn_real_size(v->type), rows = pass == PASS_BACKWARD ? BACKWARD_ROWS : AFFINE_ROWS;
    const size_t parts = (size_t)s->division.parts, width = (size_t)s->division.channels;
    /* Work-items' own tables, each of a tile; and one of all channels, in the place of these, between two walks. */
    const size_t slots = bn_kernel_set(v) == KERNELS_OF_COLUMNS ? parts * s->tile_groups : 0;
    const size_t tile = (size_t)s->division.tile_vectors * v->vector, all = bn_is_split(s->strategy) ? padded(width, v) : 0;
    const size_t tables = greater(slots, divide_up(all, greater(tile, 1)));
    struct sections size = { 0 };
    if (sections & SECTION_PARTIALS)
        add_section(&size, &size.partials, bn_partial_size(v),
                    tiled ? (size_t)s->tiling.parts * (size_t)s->tiling.slots : parts, tiled ? s->tiles : width);
    if (keeps_statistics)
        add_section(&size, &size.statistics, 2 * element, 1, p->shape->channels);
    if (sections & SECTION_COEFFICIENTS)
        add_section(&size, &size.coefficients, rows * element * (has_shuffled ? 2 : 1), slots > 0 ? tables : 1,
                    slots > 0 ? tile : padded(width, v));
    if (sections & SECTION_ACCUMULATORS)
        add_section(&size, &size.accumulators, ACCUMULATORS * bn_wide_size(v), slots, tile);
    return size;
}

/* As large as a tensor, and a MiB. A GPU's memory is dear. */
#define WORKSPACE_BESIDE        ((size_t)1 << 20)
#define GROUPED_WORKSPACE_BYTES ((size_t)4 << 20)

size_t bn_workspace_limit(const struct problem *p)
{
    const size_t limit = p->shape->elements * bn_type_size(p->variant->type) + WORKSPACE_BESIDE;
    return p->variant->group > 1 ? least(limit, GROUPED_WORKSPACE_BYTES) : limit;
}

/* Bytes that a call takes which is done by a strategy. */
static size_t bytes_by(const struct problem *p, const struct schedule *s, enum pass pass, enum strategy strategy)
{
    const struct schedule by = bn_schedule_by(s, strategy);
    return bn_measure_sections(p, &by, pass, pass == PASS_BACKWARD).all;
}

/* A schedule of at most so many parts, but for the workspace. */
static void divide(const struct problem *p, const struct choices *choices, enum pass pass, size_t most_parts,
                   struct schedule *s)
{
    const struct shape *shape = p->shape;
    const struct schedule undivided = {
        .division = { .rows = shape->outer, .channels = shape->channels, .columns = shape->inner, .folded = 1, .parts = 1 },
        .tiling = { .channels = shape->channels, .folded = 1 },
        .nontemporal_tensors = choose_nontemporal(p, choices),
        .partials = 1,
        .slice_channels = shape->channels,
    };
    *s = undivided;
    for (unsigned i = 0; i < shape->row_axes + shape->channel_axes; i++)
        s->division.lengths[i] = shape->lengths[i];
    if (p->variant->group > 1)
        bn_tile(p, choices, pass, most_parts, s);
    else if (p->variant->channels_last)
        bn_divide_columns(p, choices, pass, most_parts, s);
    else
        bn_divide_rows(p, choices, pass, most_parts, s);
    s->division.row_units = s->tiling.row_units = row_units(p->variant, s);
}

/* The same of as many parts as the limit of workspaces allows. */
static void divide_within(const struct problem *p, size_t limit, const struct choices *choices, enum pass pass,
                          struct schedule *s)
{
    divide(p, choices, pass, SIZE_MAX, s);
    while (count_parts(p, s) > 1 && greater(bytes_by(p, s, pass, s->strategy), bytes_by(p, s, pass, STRATEGY_SPLIT)) > limit)
        divide(p, choices, pass, count_parts(p, s) / 2, s);
}

struct schedule bn_schedule_slice(const struct problem *whole, const struct slice *slice, enum pass pass)
{
    const struct choices none = { 0 };
    const struct problem p = { whole->variant, whole->facts, whole->engine_flags, &slice->shape };
    struct schedule all, s;
    divide(whole, &none, pass, 1, &all);
    divide_within(&p, bn_workspace_limit(whole), &none, pass, &s);
    s.division.row_units = all.division.row_units;
    s.tiling.row_units = all.tiling.row_units;
    return bn_schedule_by(&s, STRATEGY_SPLIT);
}

/* Bytes of a slice of the first channels, of so many or fewer. */
static size_t bytes_of_slice(const struct problem *p, enum pass pass, size_t channels)
{
    const struct slice slice = bn_slice(p->shape, 0, channels);
    const struct schedule s = bn_schedule_slice(p, &slice, pass);
    const struct problem own = { p->variant, p->facts, p->engine_flags, &slice.shape };
    return bn_measure_sections(&own, &s, pass, pass == PASS_BACKWARD).all;
}

/* The workspace of calls, which may be done by several strategies, of which phases take the last; and of slices where one of these takes
 * too much. */
static void choose_workspace(const struct problem *p, enum pass pass, struct schedule *s)
{
    const enum strategy strategies[] = { s->strategy, bn_strategy_in_place(s->strategy), STRATEGY_SPLIT };
    const size_t limit = bn_workspace_limit(p), count = pass == PASS_INFERENCE ? 1 : sizeof(strategies) / sizeof(strategies[0]);
    for (size_t i = 0; i < count; i++)
        s->workspace_size = greater(s->workspace_size, bytes_by(p, s, pass, strategies[i]));
    while (s->workspace_size > limit && s->slice_channels > p->variant->vector) {
        s->slice_channels = padded(s->slice_channels / 2, p->variant);
        s->workspace_size = greater(bytes_of_slice(p, pass, s->slice_channels), limit); /* some slices may need all */
    }
}

void bn_make_schedule(const struct problem *p, const struct choices *choices, enum pass pass, struct schedule *schedule)
{
    const struct schedule nothing = { .strategy = STRATEGY_NONE,
                                      .division = { .folded = 1 },
                                      .tiling = { .channels = p->shape->channels, .folded = 1 } };
    *schedule = nothing;
    if (p->shape->elements == 0)
        return;
    divide_within(p, bn_workspace_limit(p), choices, pass, schedule);
    schedule->mask_size = mask_size(p->variant, schedule);
    choose_workspace(p, pass, schedule);
}
