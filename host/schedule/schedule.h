/* SPDX-License-Identifier: MIT */
/* Pure: how a plan's work is divided, and the workspace that this takes. */
#ifndef CLBN_SCHEDULE_H
#define CLBN_SCHEDULE_H

#include "schedule/slice.h"
#include "schedule/strategy.h"
#include "schedule/tiling.h"
#include "schedule/variant.h"

/* What is to be scheduled. */
struct problem {
    const struct variant *variant;
    const struct device_facts *facts;
    cl_uint engine_flags;
    const struct shape *shape;
};

/* Tensors that any pass goes over, at least (x and y), and one more than any does (x, dy, z, dx, dz). */
enum { TENSORS_OF_ANY_PASS = 2, TENSORS_OF_NO_PASS = 6 };

/* What a schedule is to do otherwise than of itself: a member that is 0 leaves it as usual. Kept in files as it is here. */
struct choices {
    cl_uint divided;         /* CHOOSE_NO: one group has all of a channel; CHOOSE_YES: several share it */
    cl_uint nontemporal;     /* CHOOSE_YES: results go past the cache, where groups are single work-items; or CHOOSE_NO */
    cl_uint groups_per_unit; /* to a compute unit, where channels are divided */
    cl_uint band_rows;       /* channels last: rows of a band to a work-item; divides a chunk's rows */
    cl_uint tile_vectors;    /* channels last, groups that are single work-items: vectors of channels to a group */
    cl_uint lanes;           /* channels last, divided among real groups: a power of two */
};
enum { CHOOSE_YES = 1, CHOOSE_NO = 2 };

struct schedule {
    struct division division;
    struct tiling tiling;         /* in its place, of groups of several work-items */
    enum strategy strategy;       /* how calls do it */
    unsigned nontemporal_tensors; /* results of passes over so many tensors, or more, go past the cache */
    size_t tiles;                 /* side by side: channels, or tiles of channels */
    size_t tile_groups;           /* groups that take tiles one after another; fewer only in STRATEGY_WHOLE and in inference */
    size_t tile_in_place;         /* STRATEGY_REPEATED: vectors of a tile where results are written in place; else 0 */
    size_t partials;              /* partial results to a channel */
    size_t slice_channels;        /* channels of a slice (slice.h), at most, where one workspace for all would be too large */
    size_t workspace_size;        /* bytes that suffice for each call of the pass: at most bn_workspace_limit() */
    size_t mask_size;             /* bytes of a mask (kernels/activation.cl); 0 where the activation has none */
};

/* Bytes of the workspace's sections, in their order. */
struct sections {
    size_t partials;
    size_t statistics;   /* mean and invstd of each channel, where the caller gives none */
    size_t coefficients; /* tables of work-items, or of all channels */
    size_t accumulators; /* channels last: sums of chunks */
    size_t all;          /* SIZE_MAX if there are more than size_t can count */
};

/* What calls of a pass take that are done by the schedule's strategy; keeps_statistics: the caller gives none. */
struct sections bn_measure_sections(const struct problem *problem, const struct schedule *schedule, enum pass pass,
                                    bool keeps_statistics);

/* Bytes of a workspace, at most; on a GPU a few long channels may take more, but no more than their tensor. */
size_t bn_workspace_limit(const struct problem *problem);

/* The strategy of calls that write results over what statistics are taken of: no group may still read what another one writes. */
enum strategy bn_strategy_in_place(enum strategy strategy);

/* The groups of a kernel that walks the tensors. */
void bn_find_groups(const struct schedule *schedule, enum grid grid, size_t groups[2]);

/* The schedule of calls that depart from its strategy. */
struct schedule bn_schedule_by(const struct schedule *schedule, enum strategy strategy);

/* Whether the results of a pass over so many tensors go past the cache. */
bool bn_is_nontemporal(const struct schedule *schedule, unsigned tensors);

/* Tensors of a pass that has none that are optional. */
unsigned bn_usual_tensors(enum pass pass);

/* How a kernel that merges count partial results of each channel is divided. */
struct merging {
    size_t lanes; /* channels to a group */
    size_t groups;
};

struct merging bn_divide_merging(const struct variant *variant, const struct device_facts *facts, size_t channels,
                                 size_t count);

/* Fills in the tiling of a pass over a shape that has elements (tiling.c), of at most so many parts, and what else a schedule has of it
 * but the workspace. */
void bn_tile(const struct problem *problem, const struct choices *choices, enum pass pass, size_t most_parts,
             struct schedule *schedule);

/* Whether a bit for each element says enough of an activation's slope. */
bool bn_has_mask(clbn_activation activation);

/* The shape has channels, but may be empty. choices: all 0 for the usual schedule; others come from bn_list_candidates(). */
void bn_make_schedule(const struct problem *problem, const struct choices *choices, enum pass pass, struct schedule *schedule);

/* The schedule, STRATEGY_SPLIT, of a slice of a problem. */
struct schedule bn_schedule_slice(const struct problem *problem, const struct slice *slice, enum pass pass);

/* Where in a mask the bits of a slice begin, in bytes. */
size_t bn_mask_offset(const struct problem *problem, const struct schedule *schedule, size_t first_channel);

#endif
