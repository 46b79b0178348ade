/* SPDX-License-Identifier: MIT */
#include "schedule/divide.h"

#include "base/integers.h"

#include <stdint.h>

/* Rows of a band to a work-item: more where that many are no longer than two pages, or one where results are written. */
#define BAND_ROWS         4
#define BAND_ROWS_SHORT   8
#define SUMS_BAND_SIZE    ((size_t)2 * PAGE_SIZE)
#define RESULTS_BAND_SIZE PAGE_SIZE

/* Results are written one row after the other from this part of the cache on: x and y, and what comes next, share it. */
#define RESULTS_SHARE 4

/* Single work-items: rows of a part, at least, unless a compute unit would have none. To merge a part's moments costs a channel as much as
 * to add some thousand rows; the backward's sums cost less, and smaller parts even out units that begin late. Units have equally many
 * parts. */
#define PART_ROWS_ALONE   4096
#define PART_ROWS_OF_SUMS 384

/* A kernel that only merges costs a launch. In that time a compute unit merges so many spans of partial results; to finalize a merged
 * span takes as long as to merge MERGED_AS_FINALIZED. If each group of the results has less than that to do, it merges for itself. */
#define MERGED_PER_LAUNCH   768
#define MERGED_AS_FINALIZED 8

/* Up to so many rows, a group walks all rows of a tile of so many vectors. */
#define WHOLE_ROWS         256
#define WHOLE_TILE_VECTORS 4

/* STRATEGY_REPEATED. Tiles of a row that is no whole number of cache lines share lines, which cores then take from each other with each
 * row that they write; and more rows than WHOLE_ROWS would take two launches. Instead each core takes the statistics of all rows, and
 * writes a part of them: if a part has at least PART_VECTORS, and what a core does twice is no more than REPEATED_VECTORS and
 * REPEATED_CHANNELS. The remainder of a row, after whole vectors, takes as long as several vectors. */
#define PART_VECTORS        256
#define REPEATED_VECTORS    2560
#define REPEATED_CHANNELS   512
#define VECTORS_OF_THE_REST 4

/* Folded rows have no more channels than this, whose workspace is small enough without slices (slice.h). Single work-items fold rows of a
 * few vectors, too, into longer ones, since each row that is walked costs as much as a vector or two; but not where few would be left,
 * since each of the rows in one has a partial result of its own. */
#define FOLDED_CHANNELS   6144
#define SHORT_ROW_VECTORS 4
#define LONG_ROW_VECTORS  16
#define MANY_LONG_ROWS    1024

/* Groups that share the rows of channels that lie side by side. */
static size_t wanted_row_groups(const struct problem *p, const struct choices *choices, enum pass pass, size_t rows)
{
    const size_t groups = bn_wanted_groups(p, choices), units = p->facts->compute_units;
    if (choices->groups_per_unit != 0)
        return groups;
    const size_t parts = least(groups, rows / (pass == PASS_BACKWARD ? PART_ROWS_OF_SUMS : PART_ROWS_ALONE));
    return greater(parts - parts % units, units);
}

/* Rows to one that is walked: as few as make it a whole number of vectors, or more if these are few; 1 if rows do not lie without
 * gaps. */
static size_t fold_rows(const struct problem *p)
{
    const struct variant *v = p->variant;
    const struct shape *shape = p->shape;
    const size_t folded = v->vector / greatest_common_divisor(shape->channels, v->vector);
    const bool fits = shape->channels <= FOLDED_CHANNELS / folded && shape->outer >= folded;
    if (!fits || !bn_is_packed(shape))
        return 1;
    const size_t vectors = shape->channels * folded / v->vector;
    const size_t longer = vectors <= SHORT_ROW_VECTORS ? folded * (LONG_ROW_VECTORS / vectors) : folded;
    return shape->outer / longer >= MANY_LONG_ROWS ? longer : folded;
}

static size_t usual_band(size_t row_size, size_t size)
{
    return row_size <= size / BAND_ROWS_SHORT ? BAND_ROWS_SHORT : BAND_ROWS;
}

/* Rows that a work-item walks together, where it takes sums and where it writes results. More of them load a channel's sums and
 * coefficients less often. But processors prefetch rows of less than a page only in the order of memory: what comes from memory is walked
 * in that order. */
static void choose_usual_bands(const struct problem *p, struct division *d)
{
    const size_t row_size = (size_t)d->channels * bn_type_size(p->variant->type),
                 rows_in_cache = p->facts->cache_size / row_size;
    const bool in_order = row_size < PAGE_SIZE;
    d->band_rows = in_order && d->rows > rows_in_cache ? 1 : usual_band(row_size, SUMS_BAND_SIZE);
    d->result_rows = in_order && d->rows > rows_in_cache / RESULTS_SHARE ? 1 : usual_band(row_size, RESULTS_BAND_SIZE);
}

/* Vectors of channels to a group that walks all rows: a unit's share if that is small enough; else groups even out what units do. */
static size_t whole_tile(size_t vectors, size_t groups, size_t units)
{
    const size_t share = divide_up(vectors, units);
    return share <= WHOLE_TILE_VECTORS ? share : greater(least(vectors / groups, WHOLE_TILE_VECTORS), 1);
}

/* Groups that may each write a part of the rows, with all channels: 1 where parts would be small, or channels many. */
static size_t parts_to_write(const struct problem *p, size_t vectors)
{
    const size_t channels = p->shape->channels;
    const size_t parts = least(p->facts->compute_units, least(vectors / PART_VECTORS, p->shape->outer / BAND_ROWS_SHORT));
    return parts < 2 || channels - channels / parts > REPEATED_CHANNELS ? 1 : parts;
}

/* Whether such groups each take the statistics of all rows. What channels cost is little beside many rows. */
static bool repeats_statistics(const struct problem *p, size_t vectors, size_t parts)
{
    const size_t channels = p->shape->channels, rows = p->shape->outer, size = bn_type_size(p->variant->type);
    const bool pays = rows > WHOLE_ROWS || channels * size % CACHE_LINE != 0;
    const bool is_little = vectors - vectors / parts <= REPEATED_VECTORS && 2 * channels <= rows * size;
    return parts > 1 && pays && is_little && bn_is_packed(p->shape);
}

/* Vectors of all rows together; SIZE_MAX for more. */
static size_t count_vectors(const struct problem *p)
{
    const size_t channels = p->shape->channels, vector = p->variant->vector, rows = p->shape->outer;
    const size_t row = channels / vector + (channels % vector != 0 ? VECTORS_OF_THE_REST : 0);
    return rows > SIZE_MAX / row ? SIZE_MAX : rows * row;
}

/* Whether a unit whose groups each merge the partial results of all channels does so in the time of a launch. */
static bool merges_itself(const struct problem *p, const struct schedule *s)
{
    const size_t spans = divide_up(p->shape->channels, bn_span(p->variant));
    const size_t groups_of_unit = divide_up((size_t)s->division.parts, p->facts->compute_units);
    return s->tiles == 1 && s->partials + MERGED_AS_FINALIZED <= MERGED_PER_LAUNCH / spans / groups_of_unit;
}

/* Makes several rows one that is walked. */
static void join_rows(struct division *d, size_t folded)
{
    d->folded = folded;
    d->remainder = d->rows % folded * d->channels;
    d->rows /= folded;
    d->channels *= folded;
}

/* Rows to a chunk and to bands. */
static void choose_bands(const struct problem *p, const struct choices *choices, struct division *d)
{
    choose_usual_bands(p, d);
    d->band_rows = bn_chosen(choices->band_rows, (size_t)d->band_rows);
    d->result_rows = bn_chosen(choices->band_rows, (size_t)d->result_rows);
    d->chunk_rows = CHUNK_STEPS;
    d->chunk_columns = 1;
}

/* Vectors of a tile: all, where rows are folded, whose results a work-item merges; else fewer where there may be fewer parts than
 * units. */
static size_t choose_tile(const struct problem *p, const struct choices *choices, bool whole, size_t most_parts,
                          const struct division *d)
{
    const size_t vectors = divide_up((size_t)d->channels, p->variant->vector);
    const size_t units = p->facts->compute_units;
    const size_t split = divide_up(vectors, most_parts < units ? divide_up(units, most_parts) : 1);
    if (d->folded > 1)
        return vectors;
    const size_t usual = whole ? whole_tile(vectors, bn_wanted_groups(p, choices), units) : split;
    return least(bn_chosen(choices->tile_vectors, usual), vectors);
}

/* Groups that take tiles side by side, one after another, each with tables in a slot of its own: no more than keep all units busy, and
 * the workspace has room for. */
static size_t choose_tile_groups(const struct problem *p, const struct choices *choices, const struct schedule *s)
{
    const struct variant *v = p->variant;
    const size_t element = bn_real_size(v->type), tile = (size_t)s->division.tile_vectors * v->vector;
    const size_t slot = tile * ((size_t)2 * BACKWARD_ROWS * element + ACCUMULATORS * bn_wide_size(v));
    const size_t most = greater(least(bn_wanted_groups(p, choices), bn_workspace_limit(p) / slot), 1);
    return least(s->tiles, most);
}

/* Parts of the rows x tiles of channels, shares as in kernels/cpu/columns_walk.cl. */
void bn_divide_columns(const struct problem *p, const struct choices *choices, enum pass pass, size_t most_parts,
                       struct schedule *s)
{
    struct division *d = &s->division;
    const struct choices none = { 0 };
    const size_t folded = fold_rows(p), units = p->facts->compute_units;
    /* Folded rows have another mask, which all passes must understand. */
    const bool is_fixed = folded > 1 && bn_has_mask(p->variant->activation);
    const size_t all_vectors = count_vectors(p), writing = least(parts_to_write(p, all_vectors), most_parts);
    const bool repeats = pass != PASS_INFERENCE && repeats_statistics(p, all_vectors, writing);
    const bool whole = bn_choose_whole(p, is_fixed ? &none : choices, p->shape->outer <= WHOLE_ROWS || (repeats && !is_fixed));
    if (!whole)
        join_rows(d, folded);
    choose_bands(p, choices, d);
    const size_t vectors = divide_up((size_t)d->channels, p->variant->vector);
    d->tile_vectors = choose_tile(p, choices, whole, most_parts, d);
    s->tiles = divide_up(vectors, (size_t)d->tile_vectors);
    size_t parts = least(divide_up(wanted_row_groups(p, choices, pass, (size_t)d->rows), s->tiles), most_parts);
    if (whole) {
        const bool writes_parts = pass == PASS_INFERENCE ? writing >= least(s->tiles, units) : repeats;
        parts = writes_parts && choices->tile_vectors == 0 ? writing : 1;
    }
    s->strategy = whole ? STRATEGY_WHOLE : STRATEGY_SPLIT;
    if (whole && parts > 1) {
        s->strategy = STRATEGY_REPEATED;
        s->tile_in_place = (size_t)d->tile_vectors;
        d->tile_vectors = vectors;
        s->tiles = 1;
    }
    d->parts = least(divide_up((size_t)d->rows, (size_t)d->band_rows), parts);
    s->partials = (size_t)d->parts;
    s->tile_groups = whole ? choose_tile_groups(p, choices, s) : s->tiles;
    if (!whole && pass != PASS_INFERENCE && merges_itself(p, s))
        s->strategy = STRATEGY_MERGING;
}
