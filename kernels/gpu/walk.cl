/* SPDX-License-Identifier: MIT */
/* How a work-item walks its share of a tile (tiling.cl), and how a group adds up what its work-items have. */

/*
 * Constants that the host sets for a variant of groups (host/schedule/variant.c):
 *   CLBN_SINGLE    tiles have one channel each (tiling.cl)
 *   CLBN_KEPT      vectors that a work-item keeps on chip (on_chip.cl); 0: none
 *   CLBN_UNROLLED  1: loops over vectors that are in registers are unrolled, since registers have no index; 0: on a CPU, which has
 *                  them in memory, they are not, since its compiler takes seconds for that
 */
#if !defined(CLBN_SINGLE) || !defined(CLBN_KEPT) || !defined(CLBN_UNROLLED)
#error "a constant of the variant is missing"
#endif

#if CLBN_UNROLLED
#define UNROLL _Pragma("unroll")
#elif defined(__clang__)
#define UNROLL _Pragma("nounroll")
#else
#define UNROLL
#endif

/* Vectors as they are loaded and stored. */
typedef uint4 packed;

/* Vectors of a tensor that a work-item loads before it uses the first, where results are written, where deviations are summed, and
 * in the backward, where each is one of x and one of dy. Compilers put some of these loads after the first uses, so there are more
 * than the four that are to be under way; of short elements, which take more registers as numbers, there are not. */
#define IS_SHORT        (sizeof(storage) < sizeof(real))
#define FLIGHT          4
#define SUM_FLIGHT      (IS_SHORT || CLBN_SINGLE ? 4 : 6)
#define BACKWARD_FLIGHT (IS_SHORT ? 2 : 3)

/* Of these, the most. Loops that are to be unrolled are over a number that does not come to their function as an argument: compilers may
 * unroll them before they inline the function, and what is then left of the loop keeps its vectors in memory. */
#define MOST_FLIGHT 6

/* Additions in a row, at most, before a group adds up what its work-items have; at most 64, which the tests' bounds count on. A whole
 * number of each of the numbers above, so that fewer vectors are loaded at the end of a part alone, where no more follow. */
#define CHUNK_STEPS 60
#if CHUNK_STEPS % 12 != 0
#error "CHUNK_STEPS is a multiple of 4, 6, 3 and 2"
#endif

/* Sums of a tile, at most. Numbers of them stand in local memory, of which 16 KiB suffice. */
#define TILE_SLOTS (CLBN_SINGLE ? 1 : CLBN_GROUP * 4 / (int)sizeof(real))

/* Numbers of a work-item that are added up, and room for these or for coefficients of the places (coefficients.cl). */
#define CELL_VALUES (CLBN_SINGLE ? 1 : CLBN_VECTOR)
#define CELLS       (CELL_VALUES * CLBN_GROUP > 7 * TILE_SLOTS ? CELL_VALUES * CLBN_GROUP : 7 * TILE_SLOTS)

/* A number that all elements of a vector take: one, or one for each. */
#if CLBN_SINGLE
typedef real coefficient;
#else
typedef realv coefficient;
#endif

/* A work-item's share of its group's tile. */
typedef struct {
    index_t first;      /* vector, in the order of rows, of the channel; else row */
    index_t steps;      /* vectors */
    index_t most_steps; /* of any work-item of the group */
    index_t vector;     /* of a walked row: the channel's first, or the work-item's */
    index_t place;      /* of the first element */
    index_t column;     /* of the first element in that place */
    index_t tile_place; /* the tile's first */
    uint width;         /* elements of its vectors that there are */
    uint remainder;     /* elements of the remainder; 0 for most */
    uint slots;         /* of the tile (tiling.cl) */
    index_t begin, end; /* of the part: rows, or the channel's vectors */
    bool has_remainder; /* the part has it */
} share;

/* How many of first, first + step, ... are below end. */
INLINE index_t steps_below(index_t end, index_t first, index_t step)
{
    return first < end ? (end - first + step - 1) / step : 0;
}

/* Where part number part of parts begins in count things; part = parts gives the end. */
INLINE index_t part_begin(ulong count, ulong part, ulong parts)
{
    return (index_t)(count / parts * part + min(count % parts, part));
}

/* Vectors across a channel, with CLBN_SINGLE. */
INLINE index_t channel_vectors(division d)
{
    return (index_t)d.pitch / CLBN_VECTOR;
}

INLINE void find_share_of_lane(share *s, division d, index_t tile)
{
    const index_t lanes = (index_t)d.tile_vectors, lines = (index_t)d.lines, pitch = (index_t)d.pitch;
    const index_t line = get_local_id(0) / lanes, last = min((tile + 1) * lanes, (index_t)d.vectors) * CLBN_VECTOR - 1;
    const index_t places = (index_t)(d.folded * d.channels);
    s->vector = tile * lanes + get_local_id(0) % lanes;
    s->place = s->vector * CLBN_VECTOR / pitch;
    s->column = s->vector * CLBN_VECTOR % pitch;
    s->tile_place = tile * lanes * CLBN_VECTOR / pitch;
    s->slots = (uint)(d.copies > 1 ? (index_t)d.channels : min(last / pitch + 1, places) - s->tile_place);
    s->first = s->begin + line;
    const bool is_there = line < lines && s->vector < (index_t)d.vectors;
    s->steps = is_there ? steps_below(s->end, s->first, lines) : 0;
    s->most_steps = steps_below(s->end, s->begin, lines);
    const index_t end = d.joined ? places * pitch : s->place * pitch + (index_t)d.columns;
    s->width = is_there ? (uint)min((index_t)CLBN_VECTOR, end - s->vector * CLBN_VECTOR) : CLBN_VECTOR;
    const index_t begin = s->vector * CLBN_VECTOR;
    s->remainder = is_there && line == 0 && s->has_remainder && begin < d.remainder
                       ? (uint)min((index_t)CLBN_VECTOR, (index_t)d.remainder - begin)
                       : 0;
}

INLINE void find_share(share *s, division d, index_t tile, index_t part)
{
    const ulong count = CLBN_SINGLE ? d.rows * channel_vectors(d) : d.rows;
    s->begin = part_begin(count, part, d.parts);
    s->end = part_begin(count, part + 1, d.parts);
    s->has_remainder = !CLBN_SINGLE && d.remainder > 0 && part + 1 == d.parts;
    if (!CLBN_SINGLE) {
        find_share_of_lane(s, d, tile);
        return;
    }
    s->first = s->begin + get_local_id(0);
    s->steps = steps_below(s->end, s->first, CLBN_GROUP);
    s->most_steps = steps_below(s->end, s->begin, CLBN_GROUP);
    s->vector = tile * channel_vectors(d);
    s->place = s->tile_place = tile;
    s->column = 0;
    s->width = CLBN_VECTOR;
    s->remainder = 0;
    s->slots = 1;
}

/* The tile that a second walk takes in the place of the group's own: the last ones come first, since a cache may still have them. */
INLINE index_t second_group(uint dimension)
{
    return (index_t)(get_num_groups(dimension) - 1 - get_group_id(dimension));
}

/* The channel of a place. */
INLINE index_t channel_of(division d, index_t place)
{
    return CLBN_SINGLE ? place : place % (index_t)d.channels;
}

/* Where a place begins in a row of a tensor. */
INLINE index_t place_offset(division d, layout l, index_t place)
{
    return d.joined ? place * (index_t)d.pitch : channel_offset(d, l, place);
}

/* From where a row of a tensor begins to the work-item's first vector in it. */
INLINE index_t base_of(division d, share s, layout l)
{
    return place_offset(d, l, s.place) + s.column;
}

/* Where a work-item is on its way through its vectors. */
typedef struct {
    index_t row, column; /* in vectors, with CLBN_SINGLE */
    index_t row_step, column_step, columns;
} cursor;

/* At step number `step` of a work-item, to go on from there, or back. */
INLINE void start_cursor(cursor *c, division d, share s, index_t step, bool back)
{
    if (!CLBN_SINGLE) {
        c->column = c->column_step = c->columns = 0;
        c->row = s.first + step * (index_t)d.lines;
        c->row_step = back ? 0 - (index_t)d.lines : (index_t)d.lines;
        return;
    }
    const index_t start = s.first + step * CLBN_GROUP;
    c->columns = channel_vectors(d);
    c->row = start / c->columns;
    c->column = start % c->columns;
    c->row_step = CLBN_GROUP / c->columns;
    c->column_step = CLBN_GROUP % c->columns;
    if (back) { /* as many columns more, one row less */
        c->row_step = 0 - c->row_step - (c->column_step > 0 ? 1 : 0);
        c->column_step = c->column_step > 0 ? c->columns - c->column_step : 0;
    }
}

INLINE void advance(cursor *c)
{
    c->row += c->row_step;
    if (CLBN_SINGLE) {
        c->column += c->column_step;
        const bool wraps = c->column >= c->columns;
        c->row += wraps ? 1 : 0;
        c->column -= wraps ? c->columns : 0;
    }
}

INLINE void advance_by(cursor *c, uint steps)
{
    UNROLL
    for (uint i = 0; i < MOST_FLIGHT; i++)
        if (i < steps)
            advance(c);
}

/* At what is left after the last walked row. */
INLINE void start_at_remainder(cursor *c, division d, share s)
{
    start_cursor(c, d, s, 0, false);
    c->row = (index_t)d.rows;
}

INLINE index_t offset_at(division d, layout l, index_t base, cursor c)
{
    return row_offset(d, l, c.row) + base + c.column * CLBN_VECTOR;
}

/* Of a mask: the number of the unit that has a vector's bits. */
INLINE ulong mask_unit(division d, share s, cursor c)
{
    return c.row * d.row_units + s.vector + c.column;
}

/* A vector, or, unless in_vectors, its first width elements, one by one. */
INLINE packed load_packed(__global const storage *p, bool in_vectors, uint width)
{
    if (in_vectors)
        return *(__global const packed *)p;
    storage a[CLBN_VECTOR];
#pragma unroll
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = i < width ? p[i] : 0;
    return as_uint4(vector_of(a));
}

INLINE void store_packed(__global storage *p, packed v, bool in_vectors, uint width)
{
    if (in_vectors) {
        *(__global packed *)p = v;
        return;
    }
    storage a[CLBN_VECTOR];
    spread_vector(as_storagev(v), a);
#pragma unroll
    for (uint i = 0; i < CLBN_VECTOR; i++)
        if (i < width)
            p[i] = a[i];
}

INLINE realv unpack(packed v)
{
    return decode(as_storagev(v));
}

INLINE packed pack(realv v)
{
    const storagev encoded = encode(v);
    return as_uint4(encoded);
}

/* Whether all vectors of a group's work-items have all of their elements. */
INLINE bool has_whole_vectors(division d)
{
    return (d.joined ? d.folded * d.channels * d.pitch : d.columns) % CLBN_VECTOR == 0;
}

/* Loads `flight` vectors from the cursor on, of which count are there; the others become 0. */
INLINE void load_batch(packed *v, uint flight, uint count, division d, input t, index_t base, cursor c, bool in_vectors,
                       uint width)
{
    UNROLL
    for (uint i = 0; i < MOST_FLIGHT; i++)
        if (i < flight) {
            v[i] = 0;
            if (i < count)
                v[i] = load_packed(t.data + offset_at(d, t.at, base, c), in_vectors, width);
            advance(&c);
        }
}

/* v, but 0 after its first count elements. */
INLINE realv keep_first(realv v, uint count)
{
    real a[CLBN_VECTOR];
    spread_vector(v, a);
#pragma unroll
    for (uint i = 0; i < CLBN_VECTOR; i++)
        a[i] = i < count ? a[i] : 0;
    return vector_of(a);
}

/* ---- Numbers of places ---------------------------------------------------------------------------------------------------- */

/* The slot of a place of the tile. */
INLINE index_t slot_of(division d, share s, index_t place)
{
    return d.copies > 1 ? place % (index_t)d.channels : place - s.tile_place;
}

/* Of a row of numbers of the tile's slots in local memory, those of a work-item's elements. */
INLINE coefficient of_slots(__local const real *row, division d, share s)
{
#if CLBN_SINGLE
    return row[0];
#else
    real a[CLBN_VECTOR];
    const index_t after_last = d.copies > 1 ? 0 : s.slots - 1;
    index_t slot = min(slot_of(d, s, s.place), (index_t)s.slots - 1), column = s.column;
#pragma unroll
    for (uint i = 0; i < CLBN_VECTOR; i++) {
        a[i] = row[slot];
        const bool ends = ++column >= (index_t)d.pitch;
        column = ends ? 0 : column;
        slot += ends ? 1 : 0;
        slot = slot < s.slots ? slot : after_last;
    }
    return vector_of(a);
#endif
}

/* The same of a row of a table of all channels in global memory, padded to vectors. */
INLINE coefficient of_channels(__global const real *row, division d, share s)
{
#if CLBN_SINGLE
    return row[s.place];
#else
    if (d.pitch == 1 && d.folded == 1 && s.width == CLBN_VECTOR) {
        /* Work-items beyond the last vector take it, too. */
        const index_t last_vector = ((index_t)d.channels - 1) / CLBN_VECTOR * CLBN_VECTOR;
        return *(__global const realv *)(row + min(s.place, last_vector));
    }
    real a[CLBN_VECTOR];
    index_t channel = channel_of(d, min(s.place, (index_t)(d.folded * d.channels) - 1)), column = s.column;
#pragma unroll
    for (uint i = 0; i < CLBN_VECTOR; i++) {
        a[i] = row[channel];
        const bool ends = ++column >= (index_t)d.pitch;
        column = ends ? 0 : column;
        channel += ends ? 1 : 0;
        channel = channel < (index_t)d.channels ? channel : d.folded > 1 ? 0 : (index_t)d.channels - 1;
    }
    return vector_of(a);
#endif
}

/* Where the elements of a slot's first place begin in a tile's row of elements, and how many there are. */
INLINE void find_slot(index_t *begin, index_t *count, division d, share s, index_t tile, uint slot)
{
    const index_t across = (index_t)d.tile_vectors * CLBN_VECTOR, tile_begin = tile * across;
    const index_t place = (s.tile_place + slot) * (index_t)d.pitch;
    *begin = max(place, tile_begin) - tile_begin;
    *count = min(place + (index_t)d.columns, tile_begin + across) - tile_begin - *begin;
}

/* Values of a slot in a tile. */
INLINE ulong count_values(division d, share s, index_t tile, uint slot)
{
    if (CLBN_SINGLE)
        return (ulong)(s.end - s.begin) * CLBN_VECTOR;
    index_t begin, count;
    find_slot(&begin, &count, d, s, tile, slot);
    ulong values = (ulong)(s.end - s.begin) * count * d.copies;
    begin += tile * (index_t)d.tile_vectors * CLBN_VECTOR;
    for (ulong i = 0; s.has_remainder && i < d.copies; i++, begin += (index_t)(d.channels * d.pitch))
        values += begin < d.remainder ? count : 0; /* the remainder is whole rows, so it has all of a place, or nothing */
    return values;
}

/*
 * Adds up numbers of a group's work-items, one for each element of their vectors, by slots of the tile, in a fixed order. Gives
 * work-item number i the sum of slot i; what others get is of no use. Work-items share a slot's numbers, then one adds up their sums,
 * MERGE_STEP at a time. cells: [CELLS], scratch: [CLBN_GROUP], both free; so they are again after the next barrier.
 */
#define MERGE_STEP 8

INLINE void add_tile(wide *sum, realv own, division d, share s, index_t tile, __local real *cells, __local wide *scratch)
{
    const uint item = get_local_id(0), adders = CLBN_SINGLE ? CLBN_GROUP : CLBN_GROUP / s.slots;
    const uint slot = CLBN_SINGLE ? 0 : item % s.slots, adder = CLBN_SINGLE ? item : item / s.slots;
    if (CLBN_SINGLE) {
        scratch[item] = wide_of(sum_of_vector(own));
    } else {
        *(__local realv *)(cells + item * CLBN_VECTOR) = own;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (adder < adders) {
            const uint across = (uint)d.tile_vectors * CLBN_VECTOR, copies = (uint)d.copies;
            index_t begin, count;
            find_slot(&begin, &count, d, s, tile, slot);
            wide total = wide_of(0);
            for (uint i = adder; i < count * copies * d.lines; i += adders) {
                const uint row = i / (uint)count, column = (uint)begin + i % (uint)count;
                const uint copy = row % copies * (uint)(d.channels * d.pitch);
                total = wide_add(total, wide_of(cells[row / copies * across + copy + column]));
            }
            scratch[item] = total;
        }
    }
    for (uint count = adders; count > 1;) {
        const uint next = (count + MERGE_STEP - 1) / MERGE_STEP;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (adder < next) {
            wide total = scratch[item];
            for (uint other = adder + next; other < count; other += next)
                total = wide_add(total, scratch[other * s.slots + slot]);
            scratch[item] = total;
        }
        count = next;
    }
    *sum = scratch[item];
    /* Results may be written over tensors that other work-items have read until now. */
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
}
