/* SPDX-License-Identifier: MIT */
#include "schedule_checks.h"

/* The sections have room for what the kernels keep in them of calls that a strategy does. */
static void check_sections(const struct plan_of_work *work, enum strategy strategy)
{
    const struct problem problem = problem_of(work);
    const struct schedule s = bn_schedule_by(&work->schedule, strategy);
    const struct sections size = bn_measure_sections(&problem, &s, work->pass, work->pass == PASS_BACKWARD);
    const struct recipe *r = bn_recipe(bn_kernel_set(&work->variant), strategy, work->pass);
    const unsigned sections = r->first.sections | r->last.sections;
    const size_t element = bn_real_size(work->variant.type), wide = bn_wide_size(&work->variant);
    const size_t coefficients = (work->pass == PASS_BACKWARD ? 7 : 3) * element;
    const size_t width = (size_t)(work->variant.group > 1 ? s.tiling.channels : s.division.channels);
    const size_t partials =
        work->variant.group > 1 ? (size_t)s.tiling.parts * s.tiles * (size_t)s.tiling.slots : (size_t)s.division.parts * width;
    const size_t tables =
        bn_kernel_set(&work->variant) == KERNELS_OF_COLUMNS
            ? (size_t)s.division.parts * s.tile_groups * (size_t)s.division.tile_vectors * work->variant.vector
            : 0;
    expect(work, bn_is_split(strategy) || size.all - size.statistics <= bn_workspace_limit(&problem),
           "calls that have all of a channel need no slices");
    if (size.all > bn_workspace_limit(&problem))
        return; /* of slices, then */
    expect(work, size.all <= work->schedule.workspace_size, "the workspace is enough");
    expect(work, !(sections & SECTION_PARTIALS) || size.partials >= partials * 3 * wide, "partial results fit");
    expect(work, work->pass != PASS_BACKWARD || size.statistics >= 2 * work->shape.channels * element, "statistics fit");
    if (sections & SECTION_COEFFICIENTS) {
        expect(work, !bn_is_split(strategy) || size.coefficients >= width * coefficients, "coefficients fit");
        expect(work, size.coefficients >= tables * coefficients, "each group's table fits");
    }
    expect(work, !(sections & SECTION_ACCUMULATORS) || size.accumulators >= tables * 3 * wide, "accumulators fit");
    expect(work, size.all == size.partials + size.statistics + size.coefficients + size.accumulators, "the sum");
    expect(work, size.partials % CLBN_WORKSPACE_ALIGNMENT == 0, "statistics are aligned");
    expect(work, size.statistics % CLBN_WORKSPACE_ALIGNMENT == 0, "coefficients are aligned");
    expect(work, size.coefficients % CLBN_WORKSPACE_ALIGNMENT == 0, "accumulators are aligned");
}

void check_sizes(const struct plan_of_work *work)
{
    const enum strategy strategy = work->schedule.strategy;
    const size_t tensor = work->shape.elements * bn_type_size(work->variant.type);
    expect(work, work->schedule.workspace_size <= tensor + ((size_t)1 << 20),
           "a workspace is no larger than a tensor and a MiB");
    check_sections(work, strategy);
    check_sections(work, bn_strategy_in_place(strategy));
    if (work->pass != PASS_INFERENCE)
        check_sections(work, STRATEGY_SPLIT);
}

void check_slices(const struct plan_of_work *work)
{
    const struct problem problem = problem_of(work);
    const size_t most = work->schedule.slice_channels;
    const cl_ulong folded = work->variant.group > 1 ? work->schedule.tiling.folded : work->schedule.division.folded;
    size_t next = 0;
    if (most >= work->shape.channels)
        return;
    expect(work, work->variant.group > 1 || divided_up(work->shape.channels, most) <= 128, "slices are few");
    expect(work, folded == 1 && most % work->variant.vector == 0, "the bits of a slice's mask begin with a unit");
    for (; next < work->shape.channels; next += most) {
        const struct slice slice = bn_slice(&work->shape, next, most);
        const struct schedule s = bn_schedule_slice(&problem, &slice, work->pass);
        const struct problem own = { &work->variant, &work->facts, work->flags, &slice.shape };
        const struct sections size = bn_measure_sections(&own, &s, work->pass, work->pass == PASS_BACKWARD);
        expect(work, size.all <= work->schedule.workspace_size, "the workspace is enough for a slice");
        expect(work, s.strategy == STRATEGY_SPLIT, "slices are done as phases are");
        expect(work, slice.shape.channels == most || next + slice.shape.channels == work->shape.channels, "slices are whole");
    }
}

/* In a chunk of rows that are walked in vectors, two sums share what they have in their turns: none has much more than 64 additions,
 * which bounds.h counts on. */
static void check_chunk_of_rows(const struct plan_of_work *work)
{
    const struct division *d = &work->schedule.division;
    if (work->variant.group > 1 || d->columns < work->variant.vector)
        return;
    const cl_ulong rows = d->chunk_rows < d->rows ? d->chunk_rows : d->rows;
    const cl_ulong vectors = divided_up(d->chunk_columns, work->variant.vector);
    expect(work, rows * vectors <= 2 * 64, "a sum of a chunk has few additions");
    expect(work, d->rows < 4 || d->chunk_rows % 4 == 0, "rows are walked by fours");
}

static void check_images(const struct plan_of_work *work)
{
    const struct division *d = &work->schedule.division;
    expect(work, (d->tile_channels > 0) == (work->schedule.strategy == STRATEGY_IMAGES), "images have tiles");
    if (d->tile_channels == 0)
        return;
    expect(work, work->variant.group == 1 && !bn_is_split(work->schedule.strategy), "images are for single work-items");
    expect(work, d->tile_channels <= PIECE_CHANNELS, "a tile's channels have their places");
    expect(work, d->tile_channels * d->columns <= PIECE_VECTORS * work->variant.vector, "a piece fits in its tables");
    expect(work, divided_up(d->channels, d->tile_channels) >= work->facts.compute_units, "no unit is idle");
}

/* Each strategy that a schedule chooses has its kernels, and groups for them; phases are done split, whatever it is. */
static void check_recipes(const struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    const enum strategy strategies[] = { s->strategy, bn_strategy_in_place(s->strategy), STRATEGY_SPLIT };
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        for (enum pass pass = PASS_FORWARD; pass <= PASS_BACKWARD; pass++) {
            const struct recipe *r = bn_recipe(bn_kernel_set(&work->variant), strategies[i], pass);
            const struct schedule by = bn_schedule_by(s, strategies[i]);
            size_t groups[2];
            expect(work, r->last.kernel != KERNEL_NONE && bn_kernel_name(r->last.kernel) != NULL, "a strategy has a kernel");
            expect(work, bn_is_split(strategies[i]) == (r->first.kernel != KERNEL_NONE), "what is split has two walks");
            expect(work, bn_is_split(strategies[i]) == (r->merge.kernel != KERNEL_NONE), "and what merges between them");
            bn_find_groups(&by, r->grid, groups);
            expect(work, groups[0] > 0 && groups[1] > 0, "a kernel has groups");
        }
}

void check_division(const struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    check_recipes(work);
    if (work->variant.group > 1) {
        check_tiling(work);
        return;
    }
    const struct division *d = &s->division;
    expect(work, d->folded >= 1 && d->channels == work->shape.channels * d->folded && d->columns == work->shape.inner,
           "the division's channels are the shape's");
    expect(work,
           d->rows >= 1 && d->remainder < d->channels &&
               d->rows * d->channels + d->remainder == work->shape.outer * work->shape.channels,
           "the division's rows are the shape's");
    expect(work,
           d->folded == 1 ||
               (work->variant.channels_last && d->channels % work->variant.vector == 0 && bn_is_split(s->strategy)),
           "rows are folded for full vectors alone");
    expect(work, d->chunk_rows >= 1 && d->chunk_columns >= 1, "chunks are not empty");
    expect(work, s->tiles >= 1 && d->parts >= 1, "there are groups");
    expect(work, bn_is_split(s->strategy) || d->parts == 1 || s->tile_in_place > 0,
           "a whole channel has one part, or can have");
    expect(work,
           (s->strategy != STRATEGY_REPEATED && s->tile_in_place == 0) ||
               (s->strategy == STRATEGY_REPEATED && s->tile_in_place > 0 && d->parts >= 1 && s->tiles == 1 &&
                work->variant.group == 1 && work->variant.channels_last && d->parts <= work->facts.compute_units),
           "single work-items repeat what a group would do alone");
    expect(work, !(work->flags & CLBN_ENGINE_SPLIT) || bn_is_split(s->strategy), "split if asked");
    expect(work, !(work->flags & CLBN_ENGINE_WHOLE) || !bn_is_split(s->strategy), "whole if asked");
    const bool alone = work->variant.group == 1;
    expect(work, s->partials == d->parts, "each part has a result");
    expect(work, !alone || d->folded == 1 || s->tiles == 1, "a single work-item has all rows of a folded one");
    expect(work, s->strategy != STRATEGY_MERGING || (alone && s->tiles == 1 && work->variant.channels_last),
           "a single work-item merges all channels");
    if (work->variant.channels_last) {
        expect(work, s->tile_groups >= 1 && s->tile_groups <= s->tiles, "tiles have groups");
        expect(work, s->tile_groups == s->tiles || s->strategy == STRATEGY_WHOLE,
               "which take several only where they have all rows");
        expect(work, d->band_rows >= 1 && d->tile_vectors >= 1, "bands and tiles are not empty");
        expect(work, d->chunk_rows % d->band_rows == 0, "a chunk is of whole bands");
        expect(work, d->result_rows >= 1 && d->band_rows % d->result_rows == 0, "where results are written, too");
        expect(work, d->parts <= divided_up(d->rows, d->band_rows), "no more parts than bands");
    } else {
        cl_ulong chunks = divided_up(d->rows, d->chunk_rows) * divided_up(d->columns, d->chunk_columns);
        expect(work, d->parts <= chunks, "no more parts than chunks");
        expect(work, d->run_channels >= 1 && s->tiles == divided_up(d->channels, d->run_channels), "a tile is a run");
        expect(work,
               d->run_channels == 1 ||
                   (!bn_is_split(s->strategy) && work->variant.group == 1 && d->run_channels <= CPU_RUN_CHANNELS),
               "runs are whole, and have their places");
        check_chunk_of_rows(work);
        check_images(work);
    }
}
