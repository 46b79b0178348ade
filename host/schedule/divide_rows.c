/* SPDX-License-Identifier: MIT */
#include "schedule/divide.h"

#include "base/integers.h"

#include <stdint.h>

/* A channel of so few chunks is not worth dividing. */
#define WHOLE_CHUNKS_ALONE 8
#define WHOLE_CHUNKS       4

/* Inference in single work-items: bytes of a group's run of channels, at least. */
#define RUN_BYTES (512 << 10)

/* Single work-items: channels of few columns in many rows are taken in images (kernels/cpu/images.cl). */
#define IMAGE_ROWS    8
#define IMAGE_COLUMNS 256

/* Groups x channels, chunks as in kernels/rows_walk.cl. */
static void divide_chunks(const struct problem *p, const struct choices *choices, size_t most_parts, struct schedule *s)
{
    const struct variant *v = p->variant;
    struct division *d = &s->division;
    d->lanes = power_of_two(divide_up((size_t)d->columns, v->vector), v->group);
    size_t lines = v->group / (size_t)d->lanes;
    /* Elements to a step that are sure: what lies unaligned in a group, or is shorter than a vector, is taken one by one. */
    size_t step = v->group == 1 && d->columns >= v->vector ? v->vector : 1;
    size_t line = (size_t)d->lanes * step;
    size_t steps = divide_up((size_t)d->columns, line);
    const size_t together = v->group == 1 ? CPU_ROWS_TOGETHER : 1;
    const size_t sums = v->group == 1 ? CPU_SUMS_TOGETHER : 1;
    /* Steps of a row to a chunk, at most: a whole number of pieces. Fewer rows leave more. */
    const size_t most = CHUNK_STEPS * sums / least((size_t)d->rows, together) / together * together;
    d->chunk_rows = together * lines * greater(CHUNK_STEPS * sums / together / steps, 1);
    d->chunk_columns = divide_up(steps, divide_up(steps, most)) * line;
    size_t chunks = divide_up((size_t)d->rows, (size_t)d->chunk_rows) * divide_up((size_t)d->columns, (size_t)d->chunk_columns);
    size_t groups = bn_wanted_groups(p, choices);
    const size_t few_chunks = v->group == 1 ? WHOLE_CHUNKS_ALONE : WHOLE_CHUNKS;
    const bool whole = bn_choose_whole(p, choices, d->channels >= groups || chunks <= few_chunks);
    s->strategy = whole ? STRATEGY_WHOLE : STRATEGY_SPLIT;
    d->parts = whole ? 1 : least(least(chunks, divide_up(groups, (size_t)d->channels)), most_parts);
    d->run_channels = 1;
    s->tiles = s->tile_groups = (size_t)d->channels;
    s->partials = (size_t)d->parts;
}

/* Packed, whole: as many channels to a piece as keep all units busy, fit in it, and leave pieces aligned if any
 * number does. */
static void divide_images(const struct problem *p, const struct choices *choices, struct schedule *s)
{
    const struct variant *v = p->variant;
    struct division *d = &s->division;
    const size_t columns = (size_t)d->columns, channels = (size_t)d->channels;
    if (v->group > 1 || d->rows < IMAGE_ROWS || columns > least(IMAGE_COLUMNS, PIECE_VECTORS * v->vector))
        return;
    const size_t step = v->vector / greatest_common_divisor(columns, v->vector);
    const size_t limit = least(PIECE_VECTORS * v->vector / columns, PIECE_CHANNELS);
    size_t tile = least(greater(divide_up(channels, bn_wanted_groups(p, choices)), step), limit);
    if (tile > step)
        tile -= tile % step;
    if (divide_up(channels, tile) < p->facts->compute_units)
        return;
    d->tile_channels = tile;
    s->strategy = STRATEGY_IMAGES;
}

/* A pass that walks tensors once: gives a group several channels that follow each other, so that it walks memory in
 * long runs. Units have equally many runs as far as the channels allow. */
static void make_runs(const struct problem *p, struct schedule *s)
{
    const struct variant *v = p->variant;
    const size_t units = p->facts->compute_units;
    struct division *d = &s->division;
    if (v->group > 1 || bn_is_split(s->strategy) || !bn_channels_follow(p->shape))
        return;
    const size_t channels = (size_t)d->channels;
    const size_t wanted = divide_up(RUN_BYTES, (size_t)d->columns * bn_type_size(v->type));
    const size_t most = channels / (units * GROUPS_PER_UNIT_ALONE);
    const size_t tiles = divide_up(channels, greater(least(least(wanted, CPU_RUN_CHANNELS), most), 1));
    const size_t even = divide_up(tiles, units) * units;
    d->run_channels = divide_up(channels, even);
    s->tiles = s->tile_groups = divide_up(channels, (size_t)d->run_channels);
}

void bn_divide_rows(const struct problem *p, const struct choices *choices, enum pass pass, size_t most_parts,
                    struct schedule *s)
{
    divide_chunks(p, choices, most_parts, s);
    if (!bn_is_split(s->strategy) && bn_is_packed(p->shape))
        divide_images(p, choices, s);
    if (pass == PASS_INFERENCE)
        make_runs(p, s);
}
