/* The kernels' way through a tensor, as in kernels/cpu/rows_walk.cl and columns_walk.cl. */
#include "allocate.h"
#include "schedule_checks.h"

#include <stdlib.h>

struct position {
    cl_ulong lane, line, lines;
};

static struct position position_of(const struct plan_of_work *work, unsigned item)
{
    const cl_ulong lanes = work->schedule.division.lanes;
    const struct position at = { item % lanes, item / lanes, work->variant.group / lanes };
    return at;
}

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
    unsigned *owners;      /* of each channel in each slot: a work-item's number from 1 */
};

static void visit(struct walk *walk, cl_ulong element)
{
    expect(walk->work, element < walk->work->shape.elements, "an element is in the tensor");
    expect(walk->work, walk->visits[element] == 0, "an element is visited once");
    walk->visits[element]++;
}

static void visit_chunk(struct walk *walk, struct position at, cl_ulong channel, cl_ulong number, bool in_vectors)
{
    const struct division *d = &walk->work->schedule.division;
    const cl_ulong across = divided_up(d->columns, d->chunk_columns);
    const cl_ulong column = number % across * d->chunk_columns, row = number / across * d->chunk_rows;
    const cl_ulong columns = smaller(d->chunk_columns, d->columns - column);
    const cl_ulong vector = walk->work->variant.vector, vectors = in_vectors ? columns / vector : 0;
    for (cl_ulong r = row + at.line; r < smaller(row + d->chunk_rows, d->rows); r += at.lines) {
        const cl_ulong start = (r * d->channels + channel) * d->columns + column;
        for (cl_ulong i = at.lane; i < vectors; i += d->lanes)
            for (cl_ulong j = 0; j < vector; j++)
                visit(walk, start + i * vector + j);
        for (cl_ulong i = vectors * vector + at.lane; i < columns; i += d->lanes)
            visit(walk, start + i);
    }
}

/* As a work-item of rows_walk.cl. */
static void walk_rows(struct walk *walk, cl_ulong part, cl_ulong tile, unsigned item, bool in_vectors)
{
    const struct division *d = &walk->work->schedule.division;
    const cl_ulong first = tile * d->run_channels;
    const struct position at = position_of(walk->work, item);
    const cl_ulong chunks = divided_up(d->rows, d->chunk_rows) * divided_up(d->columns, d->chunk_columns);
    expect(walk->work, part < walk->work->schedule.partials, "a part has its partial result");
    for (cl_ulong channel = first; channel < smaller(first + d->run_channels, d->channels); channel++)
        for (cl_ulong i = part_begin(chunks, part, d->parts); i < part_begin(chunks, part + 1, d->parts); i++)
            visit_chunk(walk, at, channel, i, in_vectors);
}

/* No other work-item has the channel in this slot. */
static void own(struct walk *walk, cl_ulong slot, cl_ulong channel, unsigned owner)
{
    expect(walk->work, slot < walk->work->schedule.slots, "a slot is in the workspace");
    unsigned *owned = &walk->owners[slot * walk->work->schedule.division.channels + channel];
    expect(walk->work, *owned == 0 || *owned == owner, "no two work-items share a slot's channel");
    *owned = owner;
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

/* As a work-item of columns_walk.cl. */
static void walk_columns(struct walk *walk, cl_ulong part, cl_ulong tile, unsigned item)
{
    const struct division *d = &walk->work->schedule.division;
    const struct position at = position_of(walk->work, item);
    const cl_ulong vector = walk->work->variant.vector, vectors = divided_up(d->channels, vector);
    const cl_ulong bands = divided_up(d->rows, d->band_rows), slot = part * at.lines + at.line;
    const cl_ulong row_begin = part_begin(bands, part, d->parts) * d->band_rows;
    const cl_ulong row_end = smaller(part_begin(bands, part + 1, d->parts) * d->band_rows, d->rows);
    const cl_ulong vector_end = smaller((tile + 1) * d->tile_vectors, vectors);
    const unsigned owner = 1 + (unsigned)(part * walk->work->schedule.tiles + tile) * walk->work->variant.group + item;
    for (cl_ulong v = tile * d->tile_vectors + at.lane; v < vector_end; v += d->lanes)
        for (cl_ulong c = v * vector; c < smaller((v + 1) * vector, d->channels); c++) {
            own(walk, slot, c, owner);
            for (cl_ulong begin = row_begin; begin < row_end; begin += d->band_rows)
                for (cl_ulong r = begin + at.line; r < smaller(begin + d->band_rows, row_end); r += at.lines)
                    visit_in_mask(walk, r, c);
            if (part + 1 == d->parts && at.line == 0 && c < d->rest)
                visit_in_mask(walk, d->rows, c);
        }
}

static void check_schedule(const struct plan_of_work *work, bool in_vectors)
{
    const struct schedule *s = &work->schedule;
    const size_t elements = work->shape.elements, owned = s->slots * (size_t)s->division.channels;
    struct walk walk = { work, allocate(elements, sizeof *walk.visits), allocate(owned, sizeof *walk.owners) };
    for (cl_ulong part = 0; part < s->division.parts; part++)
        for (cl_ulong tile = 0; tile < s->tiles; tile++)
            for (unsigned item = 0; item < work->variant.group; item++)
                if (work->variant.channels_last)
                    walk_columns(&walk, part, tile, item);
                else
                    walk_rows(&walk, part, tile, item, in_vectors);
    for (size_t i = 0; i < elements; i++)
        expect(work, walk.visits[i] == 1, "every element is visited");
    for (size_t i = 0; work->variant.channels_last && i < owned; i++)
        expect(work, walk.owners[i] != 0, "every slot is filled");
    free(walk.visits);
    free(walk.owners);
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
    if (work->schedule.tile_in_place == 0)
        return;
    in_place.schedule.slots = 1; /* others are not used */
    check_schedule(&in_place, in_vectors);
}
