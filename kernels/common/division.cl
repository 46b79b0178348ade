/* SPDX-License-Identifier: MIT */
/* How work is divided among groups and work-items: shared.h says what the members are. */
typedef struct division division;

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
