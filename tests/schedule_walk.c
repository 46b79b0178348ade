/* SPDX-License-Identifier: MIT */
/* The kernels' way through a tensor, as in kernels/cpu/rows_walk.cl and columns_walk.cl. */
#include "allocate.h"
#include "schedule_checks.h"

#include <stdlib.h>

cl_ulong divided_up(cl_ulong count, cl_ulong by)
{
    return (count + by - 1) / by;
}

static cl_ulong smaller(cl_ulong a, cl_ulong b)
{
    return a < b ? a : b;
}

static cl_ulong part_begin(cl_ulong count, cl_ulong part, cl_ulong parts)
{
    return count / parts * part + smaller(count % parts, part);
}

struct walk {
    const struct plan_of_work *work;
    unsigned char *visits; /* of each element */
};

static void visit(struct walk *walk, cl_ulong element)
{
    expect(walk->work, element < walk->work->shape.elements, "an element is in the tensor");
    expect(walk->work, walk->visits[element] == 0, "an element is visited once");
    walk->visits[element]++;
}

static void visit_chunk(struct walk *walk, cl_ulong channel, cl_ulong number, bool in_vectors)
{
    const struct division *d = &walk->work->schedule.division;
    const cl_ulong across = divided_up(d->columns, d->chunk_columns);
    const cl_ulong column = number % across * d->chunk_columns, row = number / across * d->chunk_rows;
    const cl_ulong columns = smaller(d->chunk_columns, d->columns - column);
    const cl_ulong vector = walk->work->variant.vector, vectors = in_vectors ? columns / vector : 0;
    for (cl_ulong r = row; r < smaller(row + d->chunk_rows, d->rows); r++) {
        const cl_ulong start = (r * d->channels + channel) * d->columns + column;
        for (cl_ulong i = 0; i < vectors; i++)
            for (cl_ulong j = 0; j < vector; j++)
                visit(walk, start + i * vector + j);
        for (cl_ulong i = vectors * vector; i < columns; i++)
            visit(walk, start + i);
    }
}

/* As a work-item of rows_walk.cl. */
static void walk_rows(struct walk *walk, cl_ulong part, cl_ulong tile, bool in_vectors)
{
    const struct division *d = &walk->work->schedule.division;
    const cl_ulong first = tile * d->run_channels;
    const cl_ulong chunks = divided_up(d->rows, d->chunk_rows) * divided_up(d->columns, d->chunk_columns);
    expect(walk->work, part < walk->work->schedule.partials, "a part has its partial result");
    for (cl_ulong channel = first; channel < smaller(first + d->run_channels, d->channels); channel++)
        for (cl_ulong i = part_begin(chunks, part, d->parts); i < part_begin(chunks, part + 1, d->parts); i++)
            visit_chunk(walk, channel, i, in_vectors);
}

/* The mask has room for an element's bit, in a unit of its vector. */
static void visit_in_mask(struct walk *walk, cl_ulong row, cl_ulong channel)
{
    const struct schedule *s = &walk->work->schedule;
    const cl_ulong vector = walk->work->variant.vector;
    const cl_ulong unit = row * divided_up(s->division.channels, vector) + channel / vector;
    if (bn_has_mask(walk->work->variant.activation))
        expect(walk->work, (unit + 1) * divided_up(vector, 8) <= s->mask_size, "the mask has a bit for an element");
    visit(walk, row * s->division.channels + channel);
}

/* As a work-item of columns_walk.cl with a tile. */
static void walk_columns(struct walk *walk, cl_ulong part, cl_ulong tile)
{
    const struct division *d = &walk->work->schedule.division;
    const cl_ulong vector = walk->work->variant.vector, vectors = divided_up(d->channels, vector);
    const cl_ulong bands = divided_up(d->rows, d->band_rows);
    const cl_ulong row_begin = part_begin(bands, part, d->parts) * d->band_rows;
    const cl_ulong row_end = smaller(part_begin(bands, part + 1, d->parts) * d->band_rows, d->rows);
    const cl_ulong vector_end = smaller((tile + 1) * d->tile_vectors, vectors);
    for (cl_ulong c = tile * d->tile_vectors * vector; c < smaller(vector_end * vector, d->channels); c++) {
        for (cl_ulong r = row_begin; r < row_end; r++)
            visit_in_mask(walk, r, c);
        if (part + 1 == d->parts && c < d->remainder)
            visit_in_mask(walk, d->rows, c);
    }
}

static void check_schedule(const struct plan_of_work *work, bool in_vectors)
{
    const struct schedule *s = &work->schedule;
    const size_t elements = work->shape.elements;
    struct walk walk = { work, allocate(elements, sizeof *walk.visits) };
    for (cl_ulong part = 0; part < s->division.parts; part++)
        for (cl_ulong group = 0; group < s->tile_groups; group++)
            for (cl_ulong tile = part_begin(s->tiles, group, s->tile_groups);
                 tile < part_begin(s->tiles, group + 1, s->tile_groups); tile++)
                if (work->variant.channels_last)
                    walk_columns(&walk, part, tile);
                else
                    walk_rows(&walk, part, tile, in_vectors);
    for (size_t i = 0; i < elements; i++)
        expect(work, walk.visits[i] == 1, "every element is visited");
    free(walk.visits);
}

void check_walk(const struct plan_of_work *work, bool in_vectors)
{
    struct plan_of_work in_place = *work;
    if (work->variant.group > 1) {
        check_tile_walk(work);
        return;
    }
    check_schedule(work, in_vectors);
    in_place.schedule = bn_schedule_by(&work->schedule, bn_strategy_in_place(work->schedule.strategy));
    expect(work, bn_is_split(work->schedule.strategy) || in_place.schedule.division.parts == 1,
           "in place, a group has all rows");
    if (work->schedule.tile_in_place > 0)
        check_schedule(&in_place, in_vectors);
}
