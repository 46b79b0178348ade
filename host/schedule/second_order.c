/* SPDX-License-Identifier: MIT */
#include "schedule/second_order.h"

#include "base/integers.h"

/* Groups to a compute unit, where channels are too few to occupy them all; and vectors that a part has at least, so that its sums are
 * little beside what they are taken of. */
#define GROUPS_PER_UNIT   4
#define VECTORS_OF_A_PART 64

/* Sums of a part, in sets of partial results, and numbers to a channel that the results are made of (kernels/common/second_order.cl). */
#define SUMS_SETS    2
#define COEFFICIENTS 9

static size_t rounded_up(size_t bytes)
{
    return divide_up(bytes, CLBN_WORKSPACE_ALIGNMENT) * CLBN_WORKSPACE_ALIGNMENT;
}

static struct schedule plain_walk(const struct shape *shape)
{
    struct schedule s = {
        .division = { .rows = shape->outer, .channels = shape->channels, .columns = shape->inner, .folded = 1 },
        .tiling = { .rows = shape->outer, .channels = shape->channels, .columns = shape->inner, .folded = 1 },
        .strategy = STRATEGY_SPLIT,
    };
    for (unsigned i = 0; i < shape->row_axes + shape->channel_axes; i++)
        s.division.lengths[i] = s.tiling.lengths[i] = shape->lengths[i];
    return s;
}

/* Neither size overflows: a channel's coefficients are less than twice those of the other passes, which do not, and parts have many
 * vectors each. */
struct second_order bn_divide_second_order(const struct problem *p)
{
    const struct variant *v = p->variant;
    const struct shape *shape = p->shape;
    const size_t vectors = divide_up(shape->channels_last ? shape->channels : shape->inner, v->vector);
    struct second_order s = { .walk = plain_walk(shape), .tiles = shape->channels };
    size_t walked = shape->outer * vectors; /* vectors of a channel */
    if (shape->channels_last) {
        s.lanes = (unsigned)power_of_two(vectors, v->group);
        s.tiles = divide_up(vectors, s.lanes);
        walked = shape->outer;
    }
    const size_t wanted = divide_up(p->facts->compute_units * GROUPS_PER_UNIT, s.tiles);
    s.parts = least(wanted, divide_up(walked, VECTORS_OF_A_PART));
    s.partials_size = rounded_up(s.parts * SUMS_SETS * bn_partial_size(v) * shape->channels);
    s.workspace_size = s.partials_size + rounded_up(COEFFICIENTS * bn_real_size(v->type) * shape->channels);
    return s;
}
