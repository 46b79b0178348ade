/* SPDX-License-Identifier: MIT */
/* Pure: how tensors are cut into tiles, of which a work-group of several work-items has one each. */
#ifndef CLBN_TILING_H
#define CLBN_TILING_H

#include "schedule/device_facts.h"
#include "schedule/shape.h"

struct choices;
struct variant;
struct problem;
struct schedule;

/* Whether tiles have one channel each: CLBN_SINGLE. vector: elements. */
bool bn_tiles_single_channels(const struct shape *shape, clbn_type type, unsigned vector);

/* Vectors that a work-item keeps on chip: the fewest that hold x and dy of the tiles of a shape, which has elements, else x; 0 where
 * none do, or where so few groups would leave units idle. What else the variant has is chosen. */
unsigned bn_choose_kept(const struct variant *variant, const struct device_facts *facts, cl_uint engine_flags,
                        const struct shape *shape);

/* Tiles side by side, each of which has all rows, or a part of them. */
size_t bn_count_tiles(const struct tiling *tiling, bool single);

/* How a tensor's rows lie where they are walked as a tiling says. */
void bn_tile_layout(const struct shape *shape, const struct tiling *tiling, struct layout *layout);

#endif
