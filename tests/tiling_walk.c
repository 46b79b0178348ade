/* SPDX-License-Identifier: MIT */
/* A work-group's way through its tile, as in kernels/gpu/walk.cl, and through partial results, as in finalize.cl. */
#include "allocate.h"
#include "schedule_checks.h"

#include <stdlib.h>
#include <string.h>

struct tile_walk {
    const struct plan_of_work *work;
    const struct tiling *t;
    unsigned char *visits; /* of each element */
    cl_ulong *values;      /* of each slot of each partial result */
    cl_ulong vector;
};

static cl_ulong smaller(cl_ulong a, cl_ulong b)
{
    return a < b ? a : b;
}

static cl_ulong part_begin(cl_ulong count, cl_ulong part, cl_ulong parts)
{
    return count / parts * part + smaller(count % parts, part);
}

/* Visits an element of a walked row, if there is one, and counts it for its slot. */
static void visit(struct tile_walk *w, cl_ulong part, cl_ulong tile, cl_ulong row, cl_ulong position)
{
    const struct tiling *t = w->t;
    const cl_ulong place = position / t->pitch, column = position % t->pitch, channel = place % t->channels;
    if (place >= t->folded * t->channels || column >= t->columns)
        return;
    const cl_ulong tile_place = w->work->variant.single ? tile : tile * t->tile_vectors * w->vector / t->pitch;
    const cl_ulong slot = t->copies > 1 ? channel : place - tile_place;
    const cl_ulong outer = row * t->folded + place / t->channels,
                   element = (outer * t->channels + channel) * t->columns + column;
    expect(w->work, element < w->work->shape.elements && w->visits[element] == 0, "an element is visited once");
    expect(w->work, slot < t->slots, "a place has a slot");
    w->visits[element]++;
    w->values[(part * w->work->schedule.tiles + tile) * t->slots + slot]++;
    const cl_ulong unit = row * t->vectors + position / w->vector;
    if (bn_has_mask(w->work->variant.activation))
        expect(w->work, (unit + 1) * divided_up(w->vector, 8) <= w->work->schedule.mask_size,
               "the mask has a bit for an element");
}

static void visit_vector(struct tile_walk *w, cl_ulong part, cl_ulong tile, cl_ulong row, cl_ulong vector, cl_ulong count)
{
    for (cl_ulong i = 0; i < count; i++)
        visit(w, part, tile, row, vector * w->vector + i);
}

static void walk_single(struct tile_walk *w, cl_ulong part, cl_ulong tile, cl_ulong item)
{
    const cl_ulong columns = w->t->pitch / w->vector, count = w->t->rows * columns;
    for (cl_ulong q = part_begin(count, part, w->t->parts) + item; q < part_begin(count, part + 1, w->t->parts);
         q += w->work->variant.group)
        visit_vector(w, part, tile, q / columns, tile * columns + q % columns, w->vector);
}

static void walk_lanes(struct tile_walk *w, cl_ulong part, cl_ulong tile, cl_ulong item)
{
    const struct tiling *t = w->t;
    const cl_ulong line = item / t->tile_vectors, vector = tile * t->tile_vectors + item % t->tile_vectors;
    if (line >= t->lines || vector >= t->vectors)
        return;
    for (cl_ulong row = part_begin(t->rows, part, t->parts) + line; row < part_begin(t->rows, part + 1, t->parts);
         row += t->lines)
        visit_vector(w, part, tile, row, vector, w->vector);
    if (part + 1 == t->parts && line == 0 && vector * w->vector < t->remainder)
        visit_vector(w, part, tile, t->rows, vector, smaller(w->vector, t->remainder - vector * w->vector));
}

/* A channel's partial results, each of which is met once, have all of its values. */
static void check_partials(const struct tile_walk *w)
{
    const struct tiling *t = w->t;
    const bool single = w->work->variant.single;
    const cl_ulong places = t->folded / t->copies, across = t->tile_vectors * w->vector;
    for (cl_ulong channel = 0; channel < t->channels; channel++) {
        cl_ulong values = 0;
        for (cl_ulong i = 0; i < w->work->schedule.partials; i++) {
            const cl_ulong place = channel + i % places * t->channels, begin = place * t->pitch;
            const cl_ulong tile = single ? place : begin / across + i / places % t->spans;
            const cl_ulong number = i / places / t->spans * w->work->schedule.tiles + tile;
            const cl_ulong slot = single ? 0 : place - tile * across / t->pitch;
            if (!single && tile * across > begin + t->columns - 1)
                continue;
            expect(w->work, tile < w->work->schedule.tiles && slot < t->slots, "a partial result is in the workspace");
            values += w->values[number * t->slots + slot];
        }
        expect(w->work, values == w->work->shape.values_per_channel, "a channel's partial results have its values");
    }
}

void check_tile_walk(const struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    const size_t elements = work->shape.elements, slots = s->tiles * (size_t)(s->tiling.parts * s->tiling.slots);
    struct tile_walk walk = { work, &s->tiling, allocate(elements, sizeof *walk.visits), allocate(slots, sizeof *walk.values),
                              work->variant.vector };
    for (cl_ulong part = 0; part < s->tiling.parts; part++)
        for (cl_ulong tile = 0; tile < s->tiles; tile++)
            for (unsigned item = 0; item < work->variant.group; item++)
                if (work->variant.single)
                    walk_single(&walk, part, tile, item);
                else
                    walk_lanes(&walk, part, tile, item);
    for (size_t i = 0; i < elements; i++)
        expect(work, walk.visits[i] == 1, "every element is visited");
    check_partials(&walk);
    free(walk.visits);
    free(walk.values);
}

void check_tiling(const struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    const struct tiling *t = &s->tiling;
    const struct variant *v = &work->variant;
    const bool is_kept = s->strategy == STRATEGY_ON_CHIP;
    const size_t places = v->group * sizeof(cl_float) / bn_real_size(v->type);
    expect(work, t->rows >= 1 && t->rows * t->folded <= work->shape.outer, "rows are the shape's");
    expect(work, t->remainder == (work->shape.outer - t->rows * t->folded) * work->shape.channels * work->shape.inner,
           "what rows leave is the remainder");
    expect(work, t->remainder < t->folded * t->channels * t->pitch, "the remainder is less than a row");
    expect(work, t->channels == work->shape.channels && t->columns == work->shape.inner && t->pitch >= t->columns,
           "channels are the shape's");
    expect(work, t->joined || t->pitch % v->vector == 0, "a place begins with a vector");
    expect(work, t->folded == 1 || (t->joined && t->channels * t->pitch * t->folded % v->vector == 0),
           "folded rows are vectors");
    expect(work, t->parts >= 1 && s->tiles >= 1 && t->slots >= 1 && t->spans >= 1, "there are groups");
    expect(work, s->partials == t->folded / t->copies * t->spans * t->parts, "each part has a result");
    expect(work, !is_kept || (t->parts == 1 && t->spans == 1 && t->folded == t->copies), "a channel is in one tile");
    expect(work, !(work->flags & CLBN_ENGINE_SPLIT) || !is_kept, "split if asked");
    expect(work, !(work->flags & CLBN_ENGINE_WHOLE) || t->parts == 1, "whole if asked");
    if (v->single) {
        expect(work, t->pitch % v->vector == 0 && t->slots == 1 && t->spans == 1, "a tile has one channel");
        return;
    }
    expect(work, t->tile_vectors >= 1 && t->lines >= 1 && t->tile_vectors * t->lines <= v->group, "a group has a tile");
    expect(work, t->slots <= (v->group < places ? v->group : places), "a work-item has a slot, which has room");
    expect(work, t->parts <= divided_up(t->rows, t->lines), "each part has rows");
}
