#include "schedule.h"

#include <stdint.h>

/* Additions in a row, at most, before a work-item merges: longer chains round more, shorter ones merge more often. */
#define CHUNK_STEPS 64

/* Channels last: rows of a band to a work-item. In a group, neighbours read the rest of a row. */
#define BAND_ROWS_ALONE    8
#define BAND_ROWS_IN_GROUP CHUNK_STEPS

/* Groups to a compute unit that even out what the units do, and below which channels are divided. */
#define GROUPS_PER_UNIT_ALONE 4
#define GROUPS_PER_UNIT       8

/* Channels first: a channel of so few chunks is not worth dividing. */
#define WHOLE_CHUNKS 4

/* Channels last: up to so many rows, a group walks all rows of a tile of so many vectors. */
#define WHOLE_ROWS         256
#define WHOLE_TILE_VECTORS 4

/* Coefficients of a channel, at most (kernels/coefficients.cl). */
#define COEFFICIENTS 7

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t greater(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t divide_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

/* The least power of two that is not below count, but at most limit, a power of two. */
static size_t power_of_two(size_t count, size_t limit)
{
    size_t power = 1;
    while (power < count && power < limit)
        power *= 2;
    return power;
}

static size_t wanted_groups(const struct variant *v, const struct device_facts *facts)
{
    return facts->compute_units * (v->group == 1 ? GROUPS_PER_UNIT_ALONE : GROUPS_PER_UNIT);
}

static bool choose_whole(cl_uint engine_flags, bool otherwise)
{
    if (engine_flags & CLBN_ENGINE_SPLIT)
        return false;
    return (engine_flags & CLBN_ENGINE_WHOLE) || otherwise;
}

/* Channels first: groups x channels, chunks as in kernels/rows.cl. */
static void divide_rows(struct schedule *s, const struct variant *v, const struct device_facts *facts, cl_uint engine_flags)
{
    struct division *d = &s->division;
    d->lanes = power_of_two(divide_up((size_t)d->columns, v->vector), v->group);
    size_t lines = v->group / (size_t)d->lanes;
    /* Elements to a step that are sure: what lies unaligned in a group, or is shorter than a vector, is taken one by one. */
    size_t step = v->group == 1 && d->columns >= v->vector ? v->vector : 1;
    size_t line = (size_t)d->lanes * step;
    size_t steps = divide_up((size_t)d->columns, line);
    d->chunk_rows = lines * greater(CHUNK_STEPS / steps, 1);
    d->chunk_columns = least(steps, CHUNK_STEPS) * line;
    size_t chunks = divide_up((size_t)d->rows, (size_t)d->chunk_rows) * divide_up((size_t)d->columns, (size_t)d->chunk_columns);
    size_t groups = wanted_groups(v, facts);
    s->tiles = (size_t)d->channels;
    s->whole = choose_whole(engine_flags, s->tiles >= groups || chunks <= WHOLE_CHUNKS);
    d->parts = s->whole ? 1 : least(chunks, divide_up(groups, s->tiles));
    s->partials = (size_t)d->parts;
}

/* Channels last: parts of the rows x tiles of channels, shares as in kernels/columns.cl. */
static void divide_columns(struct schedule *s, const struct variant *v, const struct device_facts *facts, cl_uint engine_flags)
{
    struct division *d = &s->division;
    size_t vectors = divide_up((size_t)d->channels, v->vector);
    size_t groups = wanted_groups(v, facts);
    s->whole = choose_whole(engine_flags, d->rows <= WHOLE_ROWS);
    d->lanes = s->whole ? v->group : power_of_two(vectors, v->group);
    size_t lines = v->group / (size_t)d->lanes;
    d->chunk_rows = CHUNK_STEPS * lines;
    d->band_rows = (v->group == 1 ? BAND_ROWS_ALONE : BAND_ROWS_IN_GROUP) * lines;
    d->chunk_columns = 1;
    if (v->group > 1)
        d->tile_vectors = d->lanes;
    else
        d->tile_vectors = s->whole ? WHOLE_TILE_VECTORS : vectors;
    s->tiles = divide_up(vectors, (size_t)d->tile_vectors);
    size_t bands = divide_up((size_t)d->rows, (size_t)d->band_rows);
    d->parts = s->whole ? 1 : least(bands, divide_up(groups, s->tiles));
    s->partials = (size_t)d->parts * lines;
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
static size_t mask_size(const struct variant *v, const struct shape *shape)
{
    const size_t unit = divide_up(v->vector, 8);
    if (!bn_has_mask(v->activation))
        return 0;
    if (v->channels_last)
        return shape->outer * divide_up(shape->channels, v->vector) * unit;
    return shape->outer * shape->channels * divide_up(shape->inner, v->vector) * unit;
}

bool bn_make_schedule(const struct variant *v, const struct device_facts *facts, cl_uint engine_flags,
                      const struct shape *shape, struct schedule *schedule)
{
    struct schedule s = { .division = { .rows = shape->outer, .channels = shape->channels, .columns = shape->inner },
                          .partials = 1 };
    if (shape->elements == 0)
        s.whole = true;
    else if (v->channels_last)
        divide_columns(&s, v, facts, engine_flags);
    else
        divide_rows(&s, v, facts, engine_flags);
    const struct kept_work work = { v->type, v->activation, shape };
    s.division.kept_lanes = bn_kept_lanes(&v->residence, &work);
    s.kept_tiles = v->residence.kept > 0 ? bn_kept_tiles(&v->residence, &work) : 0;
    s.keeps_forward = v->residence.kept > 0 && bn_keeps_forward(&v->residence, &work);
    s.keeps_backward = v->residence.kept > 0 && bn_keeps_backward(&v->residence, &work);
    s.channel_items = least(shape->channels, facts->compute_units * (v->group == 1 ? 4 : 16 * v->group));

    for (unsigned i = 0; i < shape->row_axes + shape->channel_axes; i++)
        s.division.lengths[i] = shape->lengths[i];
    s.mask_size = shape->elements > 0 ? mask_size(v, shape) : 0;

    size_t element = bn_parameter_size(v->type);
    s.stream = v->group == 1 && shape->elements > facts->cache_size / bn_type_size(v->type) / 2;
    size_t coefficient_slots = v->channels_last ? s.partials : 1;
    bool fits =
        add_section(&s.partials_size, greater(bn_moments_size(v), bn_sums_size(v)), s.partials, shape->channels,
                    &s.workspace_size) &&
        add_section(&s.statistics_size, 2 * element, 1, shape->channels, &s.workspace_size) &&
        add_section(&s.coefficients_size, COEFFICIENTS * element, coefficient_slots, shape->channels, &s.workspace_size);
    *schedule = s;
    return fits;
}
