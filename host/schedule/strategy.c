/* SPDX-License-Identifier: MIT */
#include "schedule/strategy.h"

static const char *const names[KERNEL_COUNT] = {
    [KERNEL_ROWS_FORWARD] = "rows_forward",
    [KERNEL_ROWS_STATISTICS] = "rows_statistics",
    [KERNEL_ROWS_NORMALIZE] = "rows_normalize",
    [KERNEL_ROWS_INFERENCE] = "rows_inference",
    [KERNEL_ROWS_BACKWARD] = "rows_backward",
    [KERNEL_ROWS_SUMS] = "rows_sums",
    [KERNEL_ROWS_INPUT] = "rows_input",
    [KERNEL_IMAGES_FORWARD] = "images_forward",
    [KERNEL_IMAGES_INFERENCE] = "images_inference",
    [KERNEL_IMAGES_BACKWARD] = "images_backward",
    [KERNEL_COLUMNS_FORWARD] = "columns_forward",
    [KERNEL_COLUMNS_STATISTICS] = "columns_statistics",
    [KERNEL_COLUMNS_NORMALIZE] = "columns_normalize",
    [KERNEL_COLUMNS_MERGE_NORMALIZE] = "columns_merge_normalize",
    [KERNEL_COLUMNS_INFERENCE] = "columns_inference",
    [KERNEL_COLUMNS_BACKWARD] = "columns_backward",
    [KERNEL_COLUMNS_SUMS] = "columns_sums",
    [KERNEL_COLUMNS_INPUT] = "columns_input",
    [KERNEL_COLUMNS_MERGE_INPUT] = "columns_merge_input",
    [KERNEL_TILE_FORWARD] = "tile_forward",
    [KERNEL_TILE_STATISTICS] = "tile_statistics",
    [KERNEL_TILE_NORMALIZE] = "tile_normalize",
    [KERNEL_TILE_INFERENCE] = "tile_inference",
    [KERNEL_TILE_BACKWARD] = "tile_backward",
    [KERNEL_TILE_SUMS] = "tile_sums",
    [KERNEL_TILE_INPUT] = "tile_input",
    [KERNEL_FINALIZE_STATISTICS] = "finalize_statistics",
    [KERNEL_FINALIZE_GRADIENTS] = "finalize_gradients",
    [KERNEL_FOLD_BIAS] = "fold_bias",
    [KERNEL_SECOND_SUMS] = "second_sums",
    [KERNEL_SECOND_COEFFICIENTS] = "second_coefficients",
    [KERNEL_SECOND_RESULTS] = "second_results",
    [KERNEL_RENORM_STATISTICS] = "renorm_statistics",
    [KERNEL_RENORM_PARAMETERS] = "renorm_parameters",
    [KERNEL_RENORM_GRADIENTS] = "renorm_gradients",
};

const char *bn_kernel_name(enum kernel_id id)
{
    return names[id];
}

/* What columns_walk.cl keeps of a work-item's channels. */
#define TABLES (SECTION_COEFFICIENTS | SECTION_ACCUMULATORS)

#define ONE(grid_, kernel, sections)                                                                                           \
    {                                                                                                                          \
        .grid = (grid_), .last = { kernel, sections }                                                                          \
    }
#define ALL_IN_PARTS (SECTION_PARTIALS | TABLES)

#define MERGE_FORWARD                                                                                                          \
    {                                                                                                                          \
        KERNEL_FINALIZE_STATISTICS, 0                                                                                          \
    }
#define MERGE_BACKWARD                                                                                                         \
    {                                                                                                                          \
        KERNEL_FINALIZE_GRADIENTS, 0                                                                                           \
    }

static const struct recipe of_rows[STRATEGIES][PASSES] = {
    [STRATEGY_NONE] = { [PASS_FORWARD] = { .merge = MERGE_FORWARD }, [PASS_BACKWARD] = { .merge = MERGE_BACKWARD } },
    [STRATEGY_WHOLE] = { [PASS_FORWARD] = ONE(GRID_PARTS, KERNEL_ROWS_FORWARD, 0),
                         [PASS_BACKWARD] = ONE(GRID_PARTS, KERNEL_ROWS_BACKWARD, 0),
                         [PASS_INFERENCE] = ONE(GRID_PARTS, KERNEL_ROWS_INFERENCE, 0) },
    [STRATEGY_IMAGES] = { [PASS_FORWARD] = ONE(GRID_IMAGES, KERNEL_IMAGES_FORWARD, 0),
                          [PASS_BACKWARD] = ONE(GRID_IMAGES, KERNEL_IMAGES_BACKWARD, 0),
                          [PASS_INFERENCE] = ONE(GRID_IMAGES, KERNEL_IMAGES_INFERENCE, 0) },
    [STRATEGY_SPLIT] = { [PASS_FORWARD] = { .first = { KERNEL_ROWS_STATISTICS, SECTION_PARTIALS },
                                            .merge = MERGE_FORWARD,
                                            .last = { KERNEL_ROWS_NORMALIZE, SECTION_COEFFICIENTS } },
                         [PASS_BACKWARD] = { .first = { KERNEL_ROWS_SUMS, SECTION_PARTIALS },
                                             .merge = MERGE_BACKWARD,
                                             .last = { KERNEL_ROWS_INPUT, SECTION_COEFFICIENTS } },
                         [PASS_INFERENCE] = ONE(GRID_PARTS, KERNEL_ROWS_INFERENCE, 0) },
};

static const struct recipe of_columns[STRATEGIES][PASSES] = {
    [STRATEGY_NONE] = { [PASS_FORWARD] = { .merge = MERGE_FORWARD }, [PASS_BACKWARD] = { .merge = MERGE_BACKWARD } },
    [STRATEGY_WHOLE] = { [PASS_FORWARD] = ONE(GRID_PARTS, KERNEL_COLUMNS_FORWARD, TABLES),
                         [PASS_BACKWARD] = ONE(GRID_PARTS, KERNEL_COLUMNS_BACKWARD, TABLES),
                         [PASS_INFERENCE] = ONE(GRID_PARTS, KERNEL_COLUMNS_INFERENCE, SECTION_COEFFICIENTS) },
    [STRATEGY_REPEATED] = { [PASS_FORWARD] = ONE(GRID_PARTS, KERNEL_COLUMNS_FORWARD, TABLES),
                            [PASS_BACKWARD] = ONE(GRID_PARTS, KERNEL_COLUMNS_BACKWARD, TABLES),
                            [PASS_INFERENCE] = ONE(GRID_PARTS, KERNEL_COLUMNS_INFERENCE, SECTION_COEFFICIENTS) },
    [STRATEGY_SPLIT] = { [PASS_FORWARD] = { .first = { KERNEL_COLUMNS_STATISTICS, ALL_IN_PARTS },
                                            .merge = MERGE_FORWARD,
                                            .last = { KERNEL_COLUMNS_NORMALIZE, SECTION_COEFFICIENTS } },
                         [PASS_BACKWARD] = { .first = { KERNEL_COLUMNS_SUMS, ALL_IN_PARTS },
                                             .merge = MERGE_BACKWARD,
                                             .last = { KERNEL_COLUMNS_INPUT, SECTION_COEFFICIENTS } },
                         [PASS_INFERENCE] = ONE(GRID_PARTS, KERNEL_COLUMNS_INFERENCE, SECTION_COEFFICIENTS) },
    [STRATEGY_MERGING] = { [PASS_FORWARD] = { .first = { KERNEL_COLUMNS_STATISTICS, ALL_IN_PARTS },
                                              .merge = MERGE_FORWARD,
                                              .last = { KERNEL_COLUMNS_MERGE_NORMALIZE, SECTION_COEFFICIENTS },
                                              .last_merges = true },
                           [PASS_BACKWARD] = { .first = { KERNEL_COLUMNS_SUMS, ALL_IN_PARTS },
                                               .merge = MERGE_BACKWARD,
                                               .last = { KERNEL_COLUMNS_MERGE_INPUT, SECTION_COEFFICIENTS },
                                               .last_merges = true } },
};

static const struct recipe of_tiles[STRATEGIES][PASSES] = {
    [STRATEGY_NONE] = { [PASS_FORWARD] = { .merge = MERGE_FORWARD }, [PASS_BACKWARD] = { .merge = MERGE_BACKWARD } },
    [STRATEGY_ON_CHIP] = { [PASS_FORWARD] = ONE(GRID_TILES, KERNEL_TILE_FORWARD, 0),
                           [PASS_BACKWARD] = ONE(GRID_TILES, KERNEL_TILE_BACKWARD, 0) },
    [STRATEGY_SPLIT] = { [PASS_FORWARD] = { .grid = GRID_TILES,
                                            .first = { KERNEL_TILE_STATISTICS, SECTION_PARTIALS },
                                            .merge = MERGE_FORWARD,
                                            .last = { KERNEL_TILE_NORMALIZE, SECTION_COEFFICIENTS } },
                         [PASS_BACKWARD] = { .grid = GRID_TILES,
                                             .first = { KERNEL_TILE_SUMS, SECTION_PARTIALS },
                                             .merge = MERGE_BACKWARD,
                                             .last = { KERNEL_TILE_INPUT, SECTION_COEFFICIENTS } },
                         [PASS_INFERENCE] = ONE(GRID_TILES, KERNEL_TILE_INFERENCE, 0) },
};

const struct recipe *bn_recipe(enum kernel_set set, enum strategy strategy, enum pass pass)
{
    switch (set) {
    case KERNELS_OF_ROWS:
        return &of_rows[strategy][pass];
    case KERNELS_OF_COLUMNS:
        return &of_columns[strategy][pass];
    default:
        return &of_tiles[strategy][pass];
    }
}

bool bn_is_split(enum strategy strategy)
{
    return strategy == STRATEGY_SPLIT || strategy == STRATEGY_MERGING;
}
