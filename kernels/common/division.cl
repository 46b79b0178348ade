/* SPDX-License-Identifier: MIT */
/* How work is divided among groups and work-items: shared.h says what the members are. */
typedef struct division division;

/* Where a work-item stands in its group: lane of lanes side by side, line of lines behind one another. */
typedef struct {
    index_t lane, lanes, line, lines;
} position;

static position position_among(index_t lanes)
{
    position p = { 0, 1, 0, 1 };
    if (CLBN_GROUP > 1) {
        p.lanes = lanes;
        p.lines = CLBN_GROUP / p.lanes;
        p.lane = get_local_id(0) % p.lanes;
        p.line = get_local_id(0) / p.lanes;
    }
    return p;
}

/* Before a group uses local memory again: all have read what was there. */
INLINE void reuse_scratch(void)
{
    if (CLBN_GROUP > 1)
        barrier(CLK_LOCAL_MEM_FENCE);
}

static position position_in_group(division d)
{
    return position_among((index_t)d.lanes);
}

/* How many of first, first + step, ... are below end. */
static index_t steps_below(index_t end, index_t first, index_t step)
{
    return first < end ? (end - first + step - 1) / step : 0;
}

/* Where part number part of parts begins in count things; part = parts gives the end. */
static index_t part_begin(ulong count, ulong part, ulong parts)
{
    return (index_t)(count / parts * part + min(count % parts, part));
}

/*
 * The number of a group that walks tensors a second time: backwards, so that what the first walk has read last is met first, while a
 * cache still has it. A GPU starts groups in the order of their numbers; of a CPU's cores, which divide the numbers, the one that ends
 * the first walk last begins the second.
 */
static index_t second_group(uint dimension)
{
    return (index_t)(get_num_groups(dimension) - 1 - get_group_id(dimension));
}
