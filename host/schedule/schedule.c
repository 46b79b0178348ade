#include "schedule/schedule.h"

#include "base/integers.h"
#include "schedule/divide.h"

#include <stdint.h>

struct merging bn_divide_merging(const struct variant *v, const struct device_facts *facts, size_t channels, size_t count)
{
    struct merging m = { .lanes = v->group / power_of_two(count, v->group) };
    m.groups = v->group > 1 ? divide_up(channels, m.lanes)
                            : least(divide_up(channels, bn_span(v)), facts->compute_units * GROUPS_PER_UNIT_ALONE);
    return m;
}

/* What struct schedule's stream_tensors is to be: results stay in the cache where all tensors of a pass fit in it. */
static unsigned choose_stream(const struct problem *p, const struct choices *choices)
{
    const size_t elements = p->shape->elements, limit = p->facts->cache_size / bn_type_size(p->variant->type);
    if (p->variant->group > 1 || choices->streamed == CHOOSE_NO)
        return TENSORS_OF_NO_PASS;
    unsigned tensors = TENSORS_OF_ANY_PASS;
    while (choices->streamed != CHOOSE_YES && tensors < TENSORS_OF_NO_PASS && elements <= limit / tensors)
        tensors++;
    return tensors;
}

bool bn_streams(const struct schedule *schedule, unsigned tensors)
{
    return tensors >= schedule->stream_tensors;
}

unsigned bn_usual_tensors(enum pass pass)
{
    return pass == PASS_BACKWARD ? 3 : 2;
}

/* *end += bytes x count x channels, rounded up to the workspace's alignment. */
static bool add_section(size_t *section, size_t bytes, size_t count, size_t channels, size_t *end)
{
    if (channels > SIZE_MAX / 4 / bytes || count > SIZE_MAX / 4 / (bytes * channels))
        return false;
    *section = divide_up(bytes * count * channels, CLBN_WORKSPACE_ALIGNMENT) * CLBN_WORKSPACE_ALIGNMENT;
    *end += *section;
    return *end < SIZE_MAX / 4;
}

bool bn_has_mask(clbn_activation activation)
{
    return activation == CLBN_ACTIVATION_RELU || activation == CLBN_ACTIVATION_LEAKY_RELU ||
           activation == CLBN_ACTIVATION_RELU6;
}

/* A unit of bits for each vector of a row; no more bytes than the tensor has, whose sizes are known to fit. */
static size_t mask_size(const struct variant *v, const struct division *d, const struct tiling *t)
{
    const size_t unit = divide_up(v->vector, 8), rows = (size_t)d->rows, channels = (size_t)d->channels;
    if (!bn_has_mask(v->activation))
        return 0;
    if (v->group > 1)
        return (size_t)(t->rows + (t->rest > 0)) * (size_t)t->vectors * unit;
    if (v->channels_last)
        return (rows * divide_up(channels, v->vector) + divide_up((size_t)d->rest, v->vector)) * unit;
    return rows * channels * divide_up((size_t)d->columns, v->vector) * unit;
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
        groups[1] = s->tiles;
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
    if (strategy != STRATEGY_WHOLE || s.tile_in_place == 0)
        return s;
    s.tiles = divide_up((size_t)s.division.tile_vectors, s.tile_in_place);
    s.division.tile_vectors = s.tile_in_place;
    s.division.parts = 1;
    s.tile_in_place = 0;
    return s;
}

/* The sections of the workspace; false if its size overflows. */
static bool measure_workspace(const struct problem *p, struct schedule *s)
{
    const struct variant *v = p->variant;
    const size_t element = bn_real_size(v->type), parts = (size_t)s->division.parts;
    const size_t width = (size_t)s->division.channels, padded = divide_up(width, v->vector) * v->vector;
    const bool has_shuffled = v->type == CLBN_BFLOAT16 && bn_span(v) > 1;
    /* Of coefficients, twice where there are tables of shuffled vectors. */
    const size_t tables = greater(s->slots, 1) * (has_shuffled ? 2 : 1);
    const bool tiled = v->group > 1;
    const size_t partials = tiled ? (size_t)s->tiling.parts * (size_t)s->tiling.slots : parts, tiles = greater(s->tiles, 1);
    size_t *end = &s->workspace_size;
    return add_section(&s->partials_size, bn_partial_size(v), greater(partials, 1), tiled ? tiles : width, end) &&
           add_section(&s->statistics_size, 2 * element, 1, p->shape->channels, end) &&
           add_section(&s->coefficients_size, BACKWARD_ROWS * element, tables, padded, end) &&
           add_section(&s->accumulators_size, ACCUMULATORS * bn_wide_size(v), s->slots, padded, end);
}

bool bn_make_schedule(const struct problem *p, const struct choices *choices, enum pass pass, struct schedule *schedule)
{
    const struct shape *shape = p->shape;
    struct schedule s = {
        .division = { .rows = shape->outer, .channels = shape->channels, .columns = shape->inner, .folded = 1 },
        .tiling = { .channels = shape->channels, .folded = 1 },
        .partials = 1,
    };
    s.stream_tensors = choose_stream(p, choices);
    for (unsigned i = 0; i < shape->row_axes + shape->channel_axes; i++)
        s.division.lengths[i] = shape->lengths[i];
    if (shape->elements == 0)
        s.strategy = STRATEGY_NONE;
    else if (p->variant->group > 1)
        bn_tile(p, choices, pass, &s);
    else if (p->variant->channels_last)
        bn_divide_columns(p, choices, pass, &s);
    else
        bn_divide_rows(p, choices, pass, &s);
    if (shape->elements > 0)
        s.mask_size = mask_size(p->variant, &s.division, &s.tiling);
    bool fits = measure_workspace(p, &s);
    *schedule = s;
    return fits;
}
