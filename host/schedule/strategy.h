/* SPDX-License-Identifier: MIT */
/* Pure: the ways in which an operation is done, and the kernels that each takes. */
#ifndef CLBN_STRATEGY_H
#define CLBN_STRATEGY_H

#include <stdbool.h>

/* What calls of a plan do with its tensors. Each has a schedule of its own. */
enum pass { PASS_FORWARD, PASS_BACKWARD, PASS_INFERENCE, PASSES };

/* All kernels; a program has those of its variant. */
enum kernel_id {
    KERNEL_NONE,
    KERNEL_ROWS_FORWARD, /* channels first */
    KERNEL_ROWS_STATISTICS,
    KERNEL_ROWS_NORMALIZE,
    KERNEL_ROWS_INFERENCE,
    KERNEL_ROWS_BACKWARD,
    KERNEL_ROWS_SUMS,
    KERNEL_ROWS_INPUT,
    KERNEL_IMAGES_FORWARD,
    KERNEL_IMAGES_INFERENCE,
    KERNEL_IMAGES_BACKWARD,
    KERNEL_COLUMNS_FORWARD, /* channels last */
    KERNEL_COLUMNS_STATISTICS,
    KERNEL_COLUMNS_NORMALIZE,
    KERNEL_COLUMNS_MERGE_NORMALIZE,
    KERNEL_COLUMNS_INFERENCE,
    KERNEL_COLUMNS_BACKWARD,
    KERNEL_COLUMNS_SUMS,
    KERNEL_COLUMNS_INPUT,
    KERNEL_COLUMNS_MERGE_INPUT,
    KERNEL_TILE_FORWARD, /* groups of several work-items */
    KERNEL_TILE_STATISTICS,
    KERNEL_TILE_NORMALIZE,
    KERNEL_TILE_INFERENCE,
    KERNEL_TILE_BACKWARD,
    KERNEL_TILE_SUMS,
    KERNEL_TILE_INPUT,
    KERNEL_FINALIZE_STATISTICS, /* all */
    KERNEL_FINALIZE_GRADIENTS,
    KERNEL_FOLD_BIAS,
    KERNEL_SECOND_SUMS,
    KERNEL_SECOND_COEFFICIENTS,
    KERNEL_SECOND_RESULTS,
    KERNEL_RENORM_STATISTICS,
    KERNEL_RENORM_PARAMETERS,
    KERNEL_RENORM_GRADIENTS,
    KERNEL_COUNT
};

const char *bn_kernel_name(enum kernel_id id);

/* Whose kernels a program has: a CPU's, of channels first or last, or those of groups of several work-items. */
enum kernel_set { KERNELS_OF_ROWS, KERNELS_OF_COLUMNS, KERNELS_OF_TILES };

/* A plan's schedule chooses one for each pass. A call departs from it where its tensors need that. */
enum strategy {
    STRATEGY_NONE,     /* there are no elements: at most a kernel that merges nothing */
    STRATEGY_WHOLE,    /* a group has all of a channel, or of a tile of channels: one kernel */
    STRATEGY_REPEATED, /* channels last: likewise, but each group takes the statistics of all rows and writes a part of them */
    STRATEGY_IMAGES,   /* channels first, few columns: a group has a tile of channels, image by image */
    STRATEGY_ON_CHIP,  /* groups of several work-items: one reads its channels once, and keeps them on chip */
    STRATEGY_SPLIT,    /* groups share a channel: partial results, a kernel that merges them, the results */
    STRATEGY_MERGING,  /* likewise, but each group of the results merges for itself */
    STRATEGIES
};

/* Whether groups share a channel. */
bool bn_is_split(enum strategy strategy);

/* The groups of a kernel that walks the tensors. */
enum grid {
    GRID_PARTS,  /* a schedule's parts x the groups of its tiles */
    GRID_IMAGES, /* its tiles of images */
    GRID_TILES   /* its tiles x their parts */
};

/* Sections of the workspace, in the order in which kernels take them, after all other arguments. */
enum { SECTION_PARTIALS = 1, SECTION_COEFFICIENTS = 2, SECTION_ACCUMULATORS = 4 };

struct recipe_step {
    enum kernel_id kernel;
    unsigned sections;
};

/* What a strategy does in a pass. */
struct recipe {
    enum grid grid;           /* of the first and the last */
    struct recipe_step first; /* takes the statistics, or sums, of parts; KERNEL_NONE where one kernel does all */
    struct recipe_step merge; /* merges them */
    struct recipe_step last;  /* gives the results */
    bool last_merges;         /* which merges itself: there is no merge before it */
};

const struct recipe *bn_recipe(enum kernel_set set, enum strategy strategy, enum pass pass);

#endif
