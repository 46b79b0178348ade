/* SPDX-License-Identifier: MIT */
#include "schedule/tiling.h"

#include "base/integers.h"
#include "schedule/schedule.h"

#include <stdint.h>

/* Bytes to a vector. */
#define VECTOR_BYTES 16

/* Bytes of a column below which a tile has several channels, so that it has whole lines of a GPU's cache. */
#define LINE_BYTES 128

/* Vectors side by side to a tile that has several channels: a KiB, which memory gives as fast as more. */
#define USUAL_LANES 64

/* Groups to a compute unit, at least, of a tensor of BUSY_BYTES or more. */
#define LEAST_GROUPS_PER_UNIT 2
#define BUSY_BYTES            ((size_t)2 << 20)

/* Bytes that a group walks, if groups are then enough, and at least. */
#define USUAL_TILE_BYTES ((size_t)128 << 10)
#define LEAST_TILE_BYTES ((size_t)4 << 10)

/* Partial results have no more bytes, unless each channel has one. */
#define PARTIALS_BYTES ((size_t)2 << 20)

/* Numbers of parts that are compared. */
#define MOST_TRIED 64

/* What a group does beside walking takes as long as so many steps of its work-items. */
#define STEPS_BESIDE 6

bool bn_tiles_single_channels(const struct shape *shape, clbn_type type, unsigned vector)
{
    return !shape->channels_last && shape->inner % vector == 0 && shape->inner * bn_type_size(type) >= LINE_BYTES;
}

/* Whether the channels of a row follow each other without gaps in all tensors. */
static bool are_channels_joined(const struct shape *shape)
{
    return shape->channels == 1 || (shape->channel_axes == 1 && bn_channels_follow(shape));
}

/* Places of a tile, at most: TILE_PLACES. */
static size_t most_slots(const struct variant *v)
{
    return v->group * sizeof(cl_float) / bn_real_size(v->type);
}

/* Rows of no more channels are folded: slices (slice.h) of folded rows would have masks of their own. */
#define FOLDED_CHANNELS 4096

/* How rows are walked, which is the same for all passes: a mask depends on it. */
static void walk_rows(const struct problem *p, struct tiling *t)
{
    const struct shape *shape = p->shape;
    const size_t vector = p->variant->vector;
    const size_t folded = vector / greatest_common_divisor(shape->channels * shape->inner, vector);
    const bool is_joined = are_channels_joined(shape);
    const bool is_folded =
        is_joined && folded > 1 && bn_is_packed(shape) && shape->outer >= folded && shape->channels <= FOLDED_CHANNELS;
    t->folded = is_folded ? folded : 1;
    t->rows = shape->outer / t->folded;
    t->remainder = shape->outer % t->folded * shape->channels * shape->inner;
    t->channels = shape->channels;
    t->columns = shape->inner;
    t->joined = is_joined;
    t->pitch = is_joined ? shape->inner : divide_up(shape->inner, vector) * vector;
    t->vectors = divide_up((size_t)(t->folded * t->channels * t->pitch), vector);
    for (unsigned i = 0; i < shape->row_axes + shape->channel_axes; i++)
        t->lengths[i] = shape->lengths[i];
}

/* Places that so many elements side by side may have. */
static size_t count_places(const struct tiling *t, size_t elements)
{
    const size_t pitch = (size_t)t->pitch;
    const size_t places = elements % pitch == 0 ? elements / pitch : (elements + pitch - 2) / pitch + 1;
    return least(places, (size_t)(t->folded * t->channels));
}

/* Tiles into which a place may reach. */
static size_t count_spans(const struct tiling *t, size_t elements)
{
    const size_t pitch = (size_t)t->pitch;
    if (elements % pitch == 0 || t->tile_vectors == t->vectors)
        return 1;
    return (pitch + elements - 2) / elements + 1;
}

/* Vectors side by side to a tile, about so many: whole channels, if these are not larger than a tile may be. */
static size_t choose_lanes(const struct variant *v, size_t wanted, const struct tiling *t)
{
    const size_t pitch = (size_t)t->pitch, unit = pitch / greatest_common_divisor(pitch, v->vector);
    const size_t vectors = (size_t)t->vectors;
    size_t most = least(v->group, vectors);
    if (wanted >= vectors && most == vectors && count_places(t, vectors * v->vector) / t->folded <= most_slots(v))
        return vectors;
    while (most > 1 && count_places(t, most * v->vector) > most_slots(v))
        most--;
    if (unit > most)
        return most;
    const size_t units = greater(least(wanted, most) / unit, 1), all = divide_up(vectors, unit);
    return least(divide_up(all, divide_up(all, units)) * unit, vectors);
}

static void cut_rows(const struct variant *v, size_t wanted, struct tiling *t)
{
    const size_t lanes = choose_lanes(v, wanted, t);
    t->tile_vectors = lanes;
    t->lines = v->group / lanes;
    t->copies = lanes == t->vectors ? t->folded : 1;
    t->slots = count_places(t, lanes * v->vector) / t->copies;
    t->spans = count_spans(t, lanes * v->vector);
}

static void cut_channels(const struct variant *v, struct tiling *t)
{
    t->tile_vectors = t->pitch / v->vector;
    t->lines = 1;
    t->copies = t->slots = t->spans = 1;
}

size_t bn_count_tiles(const struct tiling *t, bool single)
{
    return single ? (size_t)t->channels : divide_up((size_t)t->vectors, (size_t)t->tile_vectors);
}

/* Steps that a group takes which has all of a tile; each is of all its work-items. */
static size_t count_steps(const struct variant *v, const struct tiling *t)
{
    return v->single ? divide_up((size_t)(t->rows * t->tile_vectors), v->group) : divide_up((size_t)t->rows, (size_t)t->lines);
}

/* Groups that are wanted: as many as the bytes are worth, and enough to keep all units busy. */
static size_t wanted_groups(const struct problem *p, const struct choices *choices)
{
    const size_t bytes = p->shape->elements * bn_type_size(p->variant->type), units = p->facts->compute_units;
    const size_t busy = LEAST_GROUPS_PER_UNIT * units;
    const size_t enough = bytes >= BUSY_BYTES ? busy : least(busy, divide_up(bytes, LEAST_TILE_BYTES));
    return choices->groups_per_unit > 0 ? units * choices->groups_per_unit : greater(bytes / USUAL_TILE_BYTES, enough);
}

/* Of least to most parts to a tile, those with which all units are done soonest: groups are dealt to units, and the last ones may
 * leave some of these idle. */
static size_t choose_parts(size_t units, size_t tiles, size_t steps, size_t fewest, size_t most)
{
    size_t best = fewest, best_time = SIZE_MAX;
    for (size_t parts = fewest; parts <= most; parts++) {
        const size_t time = divide_up(tiles * parts, units) * (divide_up(steps, parts) + STEPS_BESIDE);
        if (time < best_time) {
            best = parts;
            best_time = time;
        }
    }
    return best;
}

/* Parts that a channel's rows are cut into. */
static size_t cut_into_parts(const struct problem *p, const struct choices *choices, size_t most_parts, const struct tiling *t)
{
    const struct variant *v = p->variant;
    const size_t tiles = bn_count_tiles(t, v->single), steps = count_steps(v, t);
    const size_t most =
        greater(least(least(steps, most_parts), PARTIALS_BYTES / bn_partial_size(v) / (size_t)t->slots / tiles), 1);
    if ((p->engine_flags & CLBN_ENGINE_WHOLE) || choices->divided == CHOOSE_NO)
        return 1;
    const bool divided = (p->engine_flags & CLBN_ENGINE_SPLIT) || choices->divided == CHOOSE_YES;
    const size_t wanted = least(greater(divide_up(wanted_groups(p, choices), tiles), divided ? 2 : 1), most);
    return choose_parts(p->facts->compute_units, tiles, steps, wanted, least(most, wanted + least(wanted / 4 + 1, MOST_TRIED)));
}

/* ---- On chip -------------------------------------------------------------------------------------------------------------- */

/* Bytes that a group may keep. Few sizes, since each is a program; the smallest is for small problems, for which one kernel is best
 * wherever it runs. */
static const size_t kept_sizes[] = { (size_t)16 << 10, (size_t)32 << 10, (size_t)64 << 10 };
enum { KEPT_SIZES = COUNT_OF(kept_sizes) };

/* Smaller groups have none that keep: a work-item has not so many registers. */
#define LEAST_KEEPING_GROUP 128

/* Bytes that a work-item computes with beside what it keeps: fewer in large groups, which are for what takes few. A unit of 64 K
 * registers of 4 bytes then has two groups that keep the most. */
#define WORKING_BYTES(group) ((size_t)((group) > LEAST_KEEPING_GROUP ? 240 : 420))
#define LEAST_KEPT_GROUPS    2

/* Vectors side by side to a tile of whole channels side by side, at least: less than half of what memory gives at a time is wasted. */
#define LEAST_LANES 2

/* A unit alone draws at most so many times its share of the memory's speed. */
#define GREATEST_SHARE 2

/* Times that the forward moves the tensor where it is kept, and where it is read again. */
#define PASSES_KEPT     2
#define PASSES_STREAMED 3

/* Cuts a shape into tiles of all rows of their channels, of which a work-item has at most so many vectors; false if that cannot be. */
static bool cut_to_keep(const struct problem *p, const struct choices *choices, unsigned kept, struct tiling *t)
{
    const struct variant *v = p->variant;
    walk_rows(p, t);
    t->parts = 1;
    if (v->single) {
        cut_channels(v, t);
        return count_steps(v, t) <= kept;
    }
    const size_t lines = divide_up((size_t)t->rows, kept);
    if (lines > v->group)
        return false;
    const size_t most = v->group / lines, busy = LEAST_GROUPS_PER_UNIT * p->facts->compute_units;
    size_t even = greater((size_t)t->vectors / busy, least(LEAST_LANES, (size_t)t->vectors));
    if (t->folded > 1) /* a tile has all places of its channels, which is where it has whole rows */
        even = (size_t)t->vectors;
    cut_rows(v, least(most, choices->lanes > 0 ? choices->lanes : even), t);
    return count_steps(v, t) <= kept && t->tile_vectors >= least(LEAST_LANES, (size_t)t->vectors) && t->spans == 1 &&
           t->folded == t->copies;
}

/* Vectors to a work-item. */
static unsigned vectors_of_size(const struct variant *v, unsigned size)
{
    return (unsigned)(kept_sizes[size] / VECTOR_BYTES / v->group);
}

static size_t register_bytes(const struct variant *v, unsigned size)
{
    return kept_sizes[size] + v->group * WORKING_BYTES(v->group);
}

/*
 * Whether groups that have channels of their own are sooner done, although the last of them, or all, leave units idle, than groups
 * that share channels and read them again. In units of the time in which the whole device moves a group's channels once: a round of
 * as many groups as fit takes that for each of them, and one of few groups no less than the units' greatest share allows.
 */
static bool keeps_device_busy(const struct problem *p, unsigned size, size_t groups)
{
    const size_t round = p->facts->compute_units * greater(p->facts->register_size / register_bytes(p->variant, size), 1);
    const size_t remainder = groups % round, few = round / GREATEST_SHARE;
    const double rounds = (double)(groups - remainder) + (double)(remainder > 0 && remainder < few ? few : remainder);
    return PASSES_KEPT * rounds <= PASSES_STREAMED * (double)groups;
}

/* With the most vectors there are too few registers left to take dy back through an activation. */
static bool may_keep_backward(const struct variant *v, unsigned kept)
{
    return v->activation == CLBN_ACTIVATION_NONE || kept < vectors_of_size(v, KEPT_SIZES - 1);
}

/* Whether tiles fit of which a group keeps so much, of so many tensors. */
static bool keeps(const struct problem *p, unsigned size, unsigned tensors)
{
    const struct choices none = { 0 };
    const unsigned kept = vectors_of_size(p->variant, size);
    struct tiling t = { 0 };
    if (size > 0 && LEAST_KEPT_GROUPS * register_bytes(p->variant, size) > p->facts->register_size)
        return false;
    if ((tensors > 1 && !may_keep_backward(p->variant, kept)) || !cut_to_keep(p, &none, kept / tensors, &t))
        return false;
    return size == 0 || (p->engine_flags & CLBN_ENGINE_WHOLE) ||
           keeps_device_busy(p, size, bn_count_tiles(&t, p->variant->single));
}

unsigned bn_choose_kept(const struct variant *v, const struct device_facts *facts, cl_uint engine_flags,
                        const struct shape *shape)
{
    const struct problem p = { v, facts, engine_flags, shape };
    if ((engine_flags & CLBN_ENGINE_SPLIT) || v->group < LEAST_KEEPING_GROUP)
        return 0;
    for (unsigned tensors = 2; tensors > 0; tensors--)
        for (unsigned size = 0; size < KEPT_SIZES; size++)
            if (keeps(&p, size, tensors))
                return vectors_of_size(v, size);
    return 0;
}

/* ---- All ------------------------------------------------------------------------------------------------------------------ */

void bn_tile(const struct problem *p, const struct choices *choices, enum pass pass, size_t most_parts, struct schedule *s)
{
    const struct variant *v = p->variant;
    const unsigned of_dy = may_keep_backward(v, v->kept) ? v->kept / 2 : 0;
    const unsigned kept = pass == PASS_BACKWARD ? of_dy : pass == PASS_FORWARD ? v->kept : 0;
    struct tiling *t = &s->tiling;
    const bool is_kept = kept > 0 && choices->divided != CHOOSE_YES && cut_to_keep(p, choices, kept, t);
    s->strategy = is_kept ? STRATEGY_ON_CHIP : STRATEGY_SPLIT;
    if (!is_kept) {
        walk_rows(p, t);
        if (v->single)
            cut_channels(v, t);
        else
            cut_rows(v, choices->lanes > 0 ? choices->lanes : USUAL_LANES, t);
        t->parts = cut_into_parts(p, choices, most_parts, t);
    }
    s->tiles = s->tile_groups = bn_count_tiles(t, v->single);
    s->partials = (size_t)(t->folded / t->copies * t->spans * t->parts);
}

void bn_tile_layout(const struct shape *shape, const struct tiling *t, struct layout *layout)
{
    if (t->joined)
        bn_fold_layout(layout, shape->row_axes, t->folded);
}
