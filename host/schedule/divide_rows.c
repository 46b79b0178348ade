/* SPDX-License-Identifier: MIT */
#include "schedule/divide.h"

#include "base/integers.h"

#include <stdint.h>

/* A channel of so few chunks is not worth dividing. */
#define WHOLE_CHUNKS 8

/* Inference: bytes of a group's run of channels, at least. */
#define RUN_BYTES (512 << 10)

/* Channels of few columns in many rows are taken in images (kernels/cpu/images.cl). */
#define IMAGE_ROWS    8
#define IMAGE_COLUMNS 256

/* Groups x channels, chunks as in kernels/cpu/rows_walk.cl. */
static void divide_chunks(const struct problem *p, const struct choices *choices, size_t most_parts, struct schedule *s)
{
    const size_t vector = p->variant->vector, together = CPU_ROWS_TOGETHER;
    struct division *d = &s->division;
    /* Elements to a step that are sure: what is shorter than a vector is taken one by one. */
    const size_t step = d->columns >= vector ? vector : 1, steps = divide_up((size_t)d->columns, step);
    const size_t chunk_steps = (size_t)CHUNK_STEPS * CPU_SUMS_TOGETHER;
    /* Steps of a row to a chunk, at most: a whole number of pieces. Fewer rows leave more. */
    const size_t most = chunk_steps / least((size_t)d->rows, together) / together * together;
    d->chunk_rows = together * greater(chunk_steps / together / steps, 1);
    d->chunk_columns = divide_up(steps, divide_up(steps, most)) * step;
    const size_t chunks =
        divide_up((size_t)d->rows, (size_t)d->chunk_rows) * divide_up((size_t)d->columns, (size_t)d->chunk_columns);
    const size_t groups = bn_wanted_groups(p, choices);
    const bool whole = bn_choose_whole(p, choices, d->channels >= groups || chunks <= WHOLE_CHUNKS);
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
    const size_t columns = (size_t)d->columns, channels = (size_t)d->channels, piece = (size_t)PIECE_VECTORS * v->vector;
    if (d->rows < IMAGE_ROWS || columns > least(IMAGE_COLUMNS, piece))
        return;
    const size_t step = v->vector / greatest_common_divisor(columns, v->vector);
    const size_t limit = least(piece / columns, PIECE_CHANNELS);
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
    if (bn_is_split(s->strategy) || !bn_channels_follow(p->shape))
        return;
    const size_t channels = (size_t)d->channels;
    const size_t wanted = divide_up(RUN_BYTES, (size_t)d->columns * bn_type_size(v->type));
    const size_t most = channels / (units * GROUPS_PER_UNIT);
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
