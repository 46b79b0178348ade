#include "schedule_checks.h"

void check_sizes(const struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    const size_t element = bn_real_size(work->variant.type), channels = work->shape.channels;
    const size_t width = (size_t)s->division.channels;
    const bool grouped = work->variant.group > 1;
    const size_t tiled = (size_t)s->tiling.parts * s->tiles;
    const size_t parts = grouped ? 0 : s->division.parts > 1 ? (size_t)s->division.parts : 1;
    expect(work, !grouped || s->partials_size / bn_partial_size(&work->variant) / (tiled > 0 ? tiled : 1) >= s->tiling.slots,
           "partial results of tiles fit");
    expect(work, s->partials_size >= parts * width * bn_partial_size(&work->variant), "partial results fit");
    expect(work, s->statistics_size >= 2 * channels * element, "statistics fit");
    const size_t padded = (width + work->variant.vector - 1) / work->variant.vector * work->variant.vector;
    expect(work, s->coefficients_size >= 7 * padded * element, "coefficients fit");
    expect(work, s->coefficients_size >= 7 * s->slots * padded * element, "coefficients of each slot fit");
    const size_t sums = 3 * s->slots * padded;
    expect(work, s->accumulators_size >= sums * bn_wide_size(&work->variant), "accumulators fit");
    expect(work, s->workspace_size == s->partials_size + s->statistics_size + s->coefficients_size + s->accumulators_size,
           "the sum");
    expect(work, s->partials_size % CLBN_WORKSPACE_ALIGNMENT == 0, "statistics are aligned");
    expect(work, s->statistics_size % CLBN_WORKSPACE_ALIGNMENT == 0, "coefficients are aligned");
    expect(work, s->coefficients_size % CLBN_WORKSPACE_ALIGNMENT == 0, "accumulators are aligned");
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
           d->rows >= 1 && d->rest < d->channels && d->rows * d->channels + d->rest == work->shape.outer * work->shape.channels,
           "the division's rows are the shape's");
    expect(work,
           d->folded == 1 ||
               (work->variant.channels_last && d->channels % work->variant.vector == 0 && bn_is_split(s->strategy)),
           "rows are folded for full vectors alone");
    expect(work, d->lanes >= 1 && (d->lanes & (d->lanes - 1)) == 0, "lanes are a power of two");
    expect(work, d->lanes <= work->variant.group && work->variant.group % d->lanes == 0, "lanes divide the group");
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
    expect(work, s->partials == d->parts * (alone ? 1 : d->folded),
           "each part has a result, and in groups each row of a folded one");
    expect(work, !alone || d->folded == 1 || s->tiles == 1, "a single work-item has all rows of a folded one");
    expect(work, s->strategy != STRATEGY_MERGING || (alone && s->tiles == 1 && work->variant.channels_last),
           "a single work-item merges all channels");
    if (work->variant.channels_last) {
        expect(work, s->slots == d->parts * work->variant.group / d->lanes, "each line has a slot");
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
