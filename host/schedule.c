#include "schedule.h"

#include <stdint.h>

/* Additions in a row, at most, before a work-item merges: longer chains round more, shorter ones merge more often. */
#define CHUNK_STEPS 64

/* Bytes below which a row shares a page with its neighbours. */
#define PAGE_SIZE 4096

/* Channels last: rows of a band to a work-item, and of short rows, whose band has no more bytes than this, where sums are taken and
 * where results are written. In a group, neighbours read the rest of a row. */
#define BAND_ROWS_ALONE    4
#define BAND_ROWS_SHORT    8
#define BAND_ROWS_IN_GROUP CHUNK_STEPS
#define SUMS_BAND_SIZE     (2 * PAGE_SIZE)
#define RESULTS_BAND_SIZE  PAGE_SIZE

/* A tensor is taken to come from memory if it has more than this part of the cache: measured (tools/PERFORMANCE.md). Where sums
 * are taken, kernels ask for what comes next themselves; where results are written, these take their share, and what comes next is
 * asked for (FETCHED) or not. */
#define SUMS_SHARE            1
#define FETCHED_RESULTS_SHARE 2
#define RESULTS_SHARE         4

/* A tensor of more than so many caches is far, not even in a server's last one, which does not count as cache, or farthest. */
#define CACHES_OF_NEAR_TENSORS 8
#define CACHES_OF_FAR_TENSORS  16

/* Channels last, single work-items: rows of a part, at least, unless there would be fewer than one to a unit. A part's moments cost
 * a channel as much as adding some thousand rows; the backward's sums cost less than what smaller parts even out when a unit begins
 * late. Units have equally many parts. */
#define PART_ROWS_ALONE   4096
#define PART_ROWS_OF_SUMS 384

/* Channels last, single work-items: spans of partial results that a unit merges in the time of a launch; what follows from merged ones
 * takes as long as so many. Where a second walk has less of it than that, it pays to do without a kernel that merges before it. */
#define MERGED_PER_LAUNCH  768
#define MERGED_AS_FINISHED 8

/* Channels first, single work-items: rows that are walked together, or pieces of fewer, and the sums that they share
 * (kernels/rows_walk.cl). */
#define ROWS_TOGETHER 4
#define SUMS_TOGETHER 2

/* Groups to a compute unit that even out what the units do, and below which channels are divided. */
#define GROUPS_PER_UNIT_ALONE 4
#define GROUPS_PER_UNIT       8

/* Channels first: a channel of so few chunks is not worth dividing. */
#define WHOLE_CHUNKS_ALONE 8
#define WHOLE_CHUNKS       4

/* Channels last: up to so many rows, a group walks all rows of a tile of so many vectors. */
#define WHOLE_ROWS         256
#define WHOLE_TILE_VECTORS 4

/* Then, single work-items: where a row is no whole number of lines of a cache, cores that have its tiles take lines from each other for
 * each row that they write; and where rows are more, they are walked in two launches. It is better that each core takes the statistics
 * of all rows and writes a part of them, of so many vectors at least, if what it reads and finishes besides is no more than this. What
 * is left of a row after whole vectors takes as long as several. */
#define CACHE_LINE          64
#define PART_VECTORS        256
#define REPEATED_VECTORS    2560
#define REPEATED_CHANNELS   512
#define VECTORS_OF_THE_REST 4

/* Channels last: folded rows have no more channels than this. Single work-items fold rows of a few vectors, too, into longer ones,
 * since each row that is walked costs as much as a vector or two; but not where few would be left, since each of the rows in one has
 * a partial result of its own. */
#define FOLDED_CHANNELS   8192
#define SHORT_ROW_VECTORS 4
#define LONG_ROW_VECTORS  16
#define MANY_LONG_ROWS    1024

/* Channels first, inference in single work-items: bytes of a group's run of channels, at least, and channels, at most. */
#define RUN_BYTES    (512 << 10)
#define RUN_CHANNELS 32

/* Channels first, single work-items: a channel that is one row of so many bytes is cut into as many as are walked together. */
#define CUT_ROW_BYTES 32768

/* Channels first, single work-items: channels of few columns in many rows are taken in images, in pieces of so many vectors and
 * channels at most (kernels/images.cl). */
#define IMAGE_ROWS     8
#define IMAGE_COLUMNS  256
#define PIECE_VECTORS  128
#define PIECE_CHANNELS 64

/* Coefficients of a channel, at most (kernels/coefficients.cl); twice that many where there are tables of shuffled vectors. */
#define COEFFICIENTS 7

/* Channels last: sums of chunks that a work-item keeps of each channel (kernels/columns_walk.cl). */
#define ACCUMULATORS 3

/* Of a part (kernels/claims.cl). */
#define CLAIM_BYTES 16

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t greater(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t divide_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

/* The least power of two that is not below count, but at most limit, a power of two. */
static size_t power_of_two(size_t count, size_t limit)
{
    size_t power = 1;
    while (power < count && power < limit)
        power *= 2;
    return power;
}

static size_t chosen(cl_uint choice, size_t usual)
{
    return choice != 0 ? choice : usual;
}

static size_t wanted_groups(const struct variant *v, const struct device_facts *facts, const struct choices *choices)
{
    return facts->compute_units * chosen(choices->groups_per_unit, v->group == 1 ? GROUPS_PER_UNIT_ALONE : GROUPS_PER_UNIT);
}

/* Groups that share the rows of channels that lie side by side. */
static size_t wanted_row_groups(const struct variant *v, const struct device_facts *facts, const struct choices *choices,
                                enum pass pass, size_t rows)
{
    const size_t groups = wanted_groups(v, facts, choices);
    if (v->group > 1 || choices->groups_per_unit != 0)
        return groups;
    const size_t parts = least(groups, rows / (pass == PASS_BACKWARD ? PART_ROWS_OF_SUMS : PART_ROWS_ALONE));
    return greater(parts - parts % facts->compute_units, facts->compute_units);
}

struct merging bn_divide_merging(const struct variant *v, const struct device_facts *facts, size_t channels, size_t count)
{
    struct merging m = { .lanes = v->group / power_of_two(count, v->group) };
    m.groups = v->group > 1 ? divide_up(channels, m.lanes)
                            : least(divide_up(channels, bn_span(v)), facts->compute_units * GROUPS_PER_UNIT_ALONE);
    return m;
}

/* What struct schedule's stream_tensors is to be: results stay in the cache where all tensors of a pass fit in it. */
static unsigned choose_stream(const struct variant *v, const struct device_facts *facts, const struct choices *choices,
                              size_t elements)
{
    const size_t limit = facts->cache_size / bn_type_size(v->type);
    if (v->group > 1 || choices->streamed == CHOOSE_NO)
        return TENSORS_OF_NO_PASS;
    unsigned tensors = TENSORS_OF_ANY_PASS;
    while (choices->streamed != CHOOSE_YES && tensors < TENSORS_OF_NO_PASS && elements <= limit / tensors)
        tensors++;
    return tensors;
}

bool bn_streams(const struct schedule *schedule, unsigned tensors)
{
    return tensors >= schedule->stream_tensors;
}

bool bn_merges_itself(const struct schedule *schedule, size_t count)
{
    return schedule->merged_itself > 0 && count <= schedule->merged_itself;
}

unsigned bn_usual_tensors(enum pass pass)
{
    return pass == PASS_BACKWARD ? 3 : 2;
}

static bool choose_whole(cl_uint engine_flags, const struct choices *choices, bool usual)
{
    if (engine_flags & CLBN_ENGINE_SPLIT)
        return false;
    if (engine_flags & CLBN_ENGINE_WHOLE)
        return true;
    return choices->divided != 0 ? choices->divided == CHOOSE_NO : usual;
}

static size_t greatest_common_divisor(size_t a, size_t b)
{
    while (b != 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* How far tensors are, where it pays to ask for them by that. */
static cl_ulong choose_far(const struct variant *v, const struct device_facts *facts, size_t elements)
{
    const size_t limit = facts->cache_size / bn_type_size(v->type);
    if (!v->fetches || !facts->reads_streams || elements / CACHES_OF_NEAR_TENSORS <= limit)
        return NEAR;
    return elements / CACHES_OF_FAR_TENSORS <= limit ? FAR : FARTHEST;
}

/* Channels first: groups x channels, chunks as in kernels/rows_walk.cl. */
static void divide_rows(struct schedule *s, const struct variant *v, const struct device_facts *facts, cl_uint engine_flags,
                        const struct choices *choices)
{
    struct division *d = &s->division;
    d->lanes = power_of_two(divide_up((size_t)d->columns, v->vector), v->group);
    size_t lines = v->group / (size_t)d->lanes;
    /* Elements to a step that are sure: what lies unaligned in a group, or is shorter than a vector, is taken one by one. */
    size_t step = v->group == 1 && d->columns >= v->vector ? v->vector : 1;
    size_t line = (size_t)d->lanes * step;
    size_t steps = divide_up((size_t)d->columns, line);
    const size_t together = v->group == 1 ? ROWS_TOGETHER : 1;
    const size_t sums = v->group == 1 ? SUMS_TOGETHER : 1;
    /* Steps of a row to a chunk, at most: a whole number of pieces. Fewer rows leave more. */
    const size_t most = CHUNK_STEPS * sums / least((size_t)d->rows, together) / together * together;
    d->chunk_rows = together * lines * greater(CHUNK_STEPS * sums / together / steps, 1);
    d->chunk_columns = divide_up(steps, divide_up(steps, most)) * line;
    size_t chunks = divide_up((size_t)d->rows, (size_t)d->chunk_rows) * divide_up((size_t)d->columns, (size_t)d->chunk_columns);
    size_t groups = wanted_groups(v, facts, choices);
    const size_t few_chunks = v->group == 1 ? WHOLE_CHUNKS_ALONE : WHOLE_CHUNKS;
    s->whole = choose_whole(engine_flags, choices, d->channels >= groups || chunks <= few_chunks);
    d->parts = s->whole ? 1 : least(chunks, divide_up(groups, (size_t)d->channels));
    d->run_channels = 1;
    s->tiles = (size_t)d->channels;
    s->partials = (size_t)d->parts;
    s->merged_itself = v->group == 1 ? SIZE_MAX : 0;
}

/* Channels first, packed, whole: as many channels to a piece as keep all units busy, fit in it, and leave pieces aligned if any
 * number does. */
static void divide_images(struct schedule *s, const struct variant *v, const struct device_facts *facts,
                          const struct choices *choices)
{
    struct division *d = &s->division;
    const size_t columns = (size_t)d->columns, channels = (size_t)d->channels;
    if (v->group > 1 || d->rows < IMAGE_ROWS || columns > least(IMAGE_COLUMNS, PIECE_VECTORS * v->vector))
        return;
    const size_t step = v->vector / greatest_common_divisor(columns, v->vector);
    const size_t limit = least(PIECE_VECTORS * v->vector / columns, PIECE_CHANNELS);
    size_t tile = least(greater(divide_up(channels, wanted_groups(v, facts, choices)), step), limit);
    if (tile > step)
        tile -= tile % step;
    if (divide_up(channels, tile) < facts->compute_units)
        return;
    d->tile_channels = tile;
}

void bn_cut_long_row(const struct variant *v, struct shape *shape)
{
    if (v->group == 1 && !v->channels_last && shape->outer == 1 && shape->inner >= CUT_ROW_BYTES / bn_type_size(v->type) &&
        shape->inner % (ROWS_TOGETHER * v->vector) == 0)
        bn_cut_row(shape, ROWS_TOGETHER);
}

/* Channels first, a pass that walks tensors once: gives a group several channels that follow each other, so that it walks memory in
 * long runs. Units have equally many runs as far as the channels allow. */
static void make_runs(struct schedule *s, const struct variant *v, const struct device_facts *facts, const struct shape *shape)
{
    struct division *d = &s->division;
    if (v->group > 1 || !s->whole || !bn_channels_follow(shape))
        return;
    const size_t channels = (size_t)d->channels;
    const size_t wanted = divide_up(RUN_BYTES, (size_t)d->columns * bn_type_size(v->type));
    const size_t most = channels / (facts->compute_units * GROUPS_PER_UNIT_ALONE);
    const size_t tiles = divide_up(channels, greater(least(least(wanted, RUN_CHANNELS), most), 1));
    const size_t even = divide_up(tiles, facts->compute_units) * facts->compute_units;
    d->run_channels = divide_up(channels, even);
    s->tiles = divide_up(channels, (size_t)d->run_channels);
}

/* Rows to one that is walked: as few as make it a whole number of vectors, or more if these are few; 1 if rows do not lie without
 * gaps. */
static size_t fold_rows(const struct variant *v, const struct shape *shape)
{
    const size_t folded = v->vector / greatest_common_divisor(shape->channels, v->vector);
    const bool fits = shape->channels <= FOLDED_CHANNELS / folded && shape->outer >= folded;
    if (!fits || !bn_is_packed(shape))
        return 1;
    const size_t vectors = shape->channels * folded / v->vector;
    const size_t longer = vectors <= SHORT_ROW_VECTORS ? folded * (LONG_ROW_VECTORS / vectors) : folded;
    return v->group == 1 && shape->outer / longer >= MANY_LONG_ROWS ? longer : folded;
}

/* Whether a tensor has more than the part-th part of the cache, so that it is taken to come from memory. */
static bool is_beyond_cache(const struct device_facts *facts, const struct division *d, size_t row_size, size_t part)
{
    return d->rows > facts->cache_size / part / row_size;
}

static bool is_short(const struct variant *v)
{
    return bn_type_size(v->type) < bn_parameter_size(v->type);
}

/* Rows of a band, as far as sizes decide it: the more, the fewer instructions are loads of sums and coefficients. */
static size_t usual_band(const struct variant *v, size_t row_size, size_t size)
{
    if (v->group > 1)
        return BAND_ROWS_IN_GROUP;
    return row_size <= size / BAND_ROWS_SHORT ? BAND_ROWS_SHORT : BAND_ROWS_ALONE;
}

/* Whether a vector takes several registers: its sums and coefficients are loaded as many times. */
static bool is_narrow(const struct variant *v, const struct device_facts *facts)
{
    return facts->register_width < v->vector * bn_parameter_size(v->type);
}

/* Rows that a work-item walks together, where it takes sums or writes results. Each is a stream of memory, which processors fetch
 * ahead if it has pages of its own or comes from a cache that it does not fill; other short rows are fetched ahead only in their
 * order, or if kernels ask for it, which they do of packed tensors. That pays on narrow registers, and of sums on processors that
 * read streams well. Elements of 16 bits then take more instructions than memory takes time, so they are walked alike wherever they
 * are, but results not where streams are slower written; others in shorter bands from memory, and results there one row after the
 * other, where streams are slower written rows of a page, too. */
static void choose_bands(struct division *d, const struct variant *v, const struct device_facts *facts,
                         const struct shape *shape)
{
    const size_t row_size = (size_t)d->channels * bn_type_size(v->type);
    const size_t band = usual_band(v, row_size, SUMS_BAND_SIZE), result_band = usual_band(v, row_size, RESULTS_BAND_SIZE);
    const bool is_fetched = v->fetches && bn_is_packed(shape);
    d->band_rows = band;
    d->result_rows = result_band;
    if (v->group > 1)
        return;
    const bool sums_pay = is_fetched && (facts->reads_streams || is_narrow(v, facts));
    if (row_size < PAGE_SIZE && is_beyond_cache(facts, d, row_size, SUMS_SHARE))
        d->band_rows = !sums_pay ? 1 : is_short(v) ? band : BAND_ROWS_ALONE;
    const bool results_pay = is_fetched && !facts->reads_streams && is_narrow(v, facts);
    const bool are_alike = is_short(v) && !facts->reads_streams && d->band_rows > 1;
    const size_t result_row_limit = facts->reads_streams && !is_short(v) ? 2 * PAGE_SIZE : PAGE_SIZE;
    if (row_size < result_row_limit && is_beyond_cache(facts, d, row_size, results_pay ? FETCHED_RESULTS_SHARE : RESULTS_SHARE))
        d->result_rows = are_alike && row_size <= RESULTS_BAND_SIZE / result_band ? result_band : 1;
}

/* Vectors of channels to a group that walks all rows: a unit's share if that is small enough; else groups even out what units do. */
static size_t whole_tile(size_t vectors, size_t groups, size_t units)
{
    const size_t share = divide_up(vectors, units);
    return share <= WHOLE_TILE_VECTORS ? share : greater(least(vectors / groups, WHOLE_TILE_VECTORS), 1);
}

/* Channels last: groups that each take the statistics of all rows and write a part of them, instead of so many tiles or of parts in two
 * launches; 1 if these are better. Inference takes no statistics. What channels cost is little beside many rows. */
static size_t repeating_parts(const struct variant *v, const struct device_facts *facts, enum pass pass,
                              const struct shape *shape, size_t tiles)
{
    const size_t channels = shape->channels, rows = shape->outer, row_size = channels * bn_type_size(v->type);
    const size_t row = channels / v->vector + (channels % v->vector != 0 ? VECTORS_OF_THE_REST : 0);
    const size_t vectors = rows > SIZE_MAX / row ? SIZE_MAX : rows * row;
    const size_t parts = least(facts->compute_units, least(vectors / PART_VECTORS, rows / BAND_ROWS_SHORT));
    if (v->group > 1 || parts < 2 || channels - channels / parts > REPEATED_CHANNELS)
        return 1;
    if (pass == PASS_INFERENCE)
        return parts >= least(tiles, facts->compute_units) ? parts : 1;
    const bool pays = rows > WHOLE_ROWS || row_size % CACHE_LINE != 0;
    const bool is_little = vectors - vectors / parts <= REPEATED_VECTORS && 2 * channels <= rows * bn_type_size(v->type);
    return pays && is_little && bn_is_packed(shape) ? parts : 1;
}

/* Channels last: whether one group takes the statistics of all of a channel, so that one kernel does all. */
static bool has_whole_channels(const struct variant *v, const struct device_facts *facts, enum pass pass,
                               const struct shape *shape)
{
    return shape->outer <= WHOLE_ROWS || (pass != PASS_INFERENCE && repeating_parts(v, facts, pass, shape, 1) > 1);
}

struct schedule bn_schedule_in_place(const struct schedule *schedule)
{
    struct schedule s = *schedule;
    if (s.tile_in_place == 0)
        return s;
    s.tiles = divide_up((size_t)s.division.tile_vectors, s.tile_in_place);
    s.division.tile_vectors = s.tile_in_place;
    s.division.parts = 1;
    s.tile_in_place = 0;
    return s;
}

/* Partial results to a channel, at most, that are merged in less time than a launch takes, if a unit has so many groups, each of which
 * merges those of all channels. */
static size_t merged_per_launch(size_t spans, size_t groups)
{
    const size_t merged = MERGED_PER_LAUNCH / spans / groups;
    return merged > MERGED_AS_FINISHED ? merged - MERGED_AS_FINISHED : 0;
}

/* Channels last: parts of the rows x tiles of channels, shares as in kernels/columns_walk.cl. */
static void divide_columns(struct schedule *s, const struct variant *v, const struct device_facts *facts, cl_uint engine_flags,
                           const struct choices *choices, enum pass pass, const struct shape *shape)
{
    struct division *d = &s->division;
    const struct choices none = { 0 };
    const size_t folded = fold_rows(v, shape);
    /* Folded rows have another mask, which all passes must understand. */
    const bool is_fixed = folded > 1 && bn_has_mask(v->activation);
    const bool is_whole = is_fixed ? shape->outer <= WHOLE_ROWS : has_whole_channels(v, facts, pass, shape);
    s->whole = choose_whole(engine_flags, is_fixed ? &none : choices, is_whole);
    if (!s->whole) {
        d->folded = folded;
        d->rest = d->rows % folded * d->channels;
        d->rows /= folded;
        d->channels *= folded;
    }
    size_t vectors = divide_up((size_t)d->channels, v->vector);
    size_t groups = wanted_groups(v, facts, choices);
    d->lanes = s->whole ? v->group : power_of_two(chosen(choices->lanes, vectors), v->group);
    size_t lines = v->group / (size_t)d->lanes;
    d->chunk_rows = CHUNK_STEPS * lines;
    choose_bands(d, v, facts, shape);
    d->band_rows = chosen(choices->band_rows, (size_t)d->band_rows) * lines;
    d->result_rows = chosen(choices->band_rows, (size_t)d->result_rows) * lines;
    d->chunk_columns = 1;
    const size_t tile = s->whole ? whole_tile(vectors, groups, facts->compute_units) : vectors;
    /* A single work-item has all of the rows in one, whose results it merges. */
    const size_t alone = d->folded > 1 ? vectors : least(chosen(choices->tile_vectors, tile), vectors);
    d->tile_vectors = v->group > 1 ? d->lanes : alone;
    s->tiles = divide_up(vectors, (size_t)d->tile_vectors);
    const size_t repeating = s->whole && choices->tile_vectors == 0 ? repeating_parts(v, facts, pass, shape, s->tiles) : 1;
    if (repeating > 1) {
        s->tile_in_place = (size_t)d->tile_vectors;
        d->tile_vectors = vectors;
        s->tiles = 1;
    }
    size_t bands = divide_up((size_t)d->rows, (size_t)d->band_rows);
    groups = wanted_row_groups(v, facts, choices, pass, (size_t)d->rows);
    d->parts = least(bands, s->whole ? repeating : divide_up(groups, s->tiles));
    s->partials = (size_t)d->parts * (v->group > 1 ? (size_t)d->folded : 1);
    s->slots = (size_t)d->parts * lines;
    if (v->group == 1 && s->tiles == 1)
        s->merged_itself =
            merged_per_launch(divide_up(shape->channels, bn_span(v)), divide_up((size_t)d->parts, facts->compute_units));
}

/* *end += bytes x count x channels, rounded up to the workspace's alignment. */
static bool add_section(size_t *section, size_t bytes, size_t count, size_t channels, size_t *end)
{
    if (channels > SIZE_MAX / 4 / bytes || count > SIZE_MAX / 4 / (bytes * channels))
        return false;
    *section = divide_up(bytes * count * channels, CLBN_WORKSPACE_ALIGNMENT) * CLBN_WORKSPACE_ALIGNMENT;
    *end += *section;
    return *end < SIZE_MAX / 4;
}

bool bn_has_mask(clbn_activation activation)
{
    return activation == CLBN_ACTIVATION_RELU || activation == CLBN_ACTIVATION_LEAKY_RELU ||
           activation == CLBN_ACTIVATION_RELU6;
}

/* A unit of bits for each vector of a row; no more bytes than the tensor has, whose sizes are known to fit. */
static size_t mask_size(const struct variant *v, const struct division *d)
{
    const size_t unit = divide_up(v->vector, 8), rows = (size_t)d->rows, channels = (size_t)d->channels;
    if (!bn_has_mask(v->activation))
        return 0;
    if (v->channels_last)
        return (rows * divide_up(channels, v->vector) + divide_up((size_t)d->rest, v->vector)) * unit;
    return rows * channels * divide_up((size_t)d->columns, v->vector) * unit;
}

bool bn_make_schedule(const struct variant *v, const struct device_facts *facts, cl_uint engine_flags,
                      const struct choices *choices, enum pass pass, const struct shape *shape, struct schedule *schedule)
{
    struct schedule s = {
        .division = { .rows = shape->outer, .channels = shape->channels, .columns = shape->inner, .folded = 1 },
        .partials = 1,
    };
    s.stream_tensors = choose_stream(v, facts, choices, shape->elements);
    s.division.far = choose_far(v, facts, shape->elements);
    if (shape->elements == 0)
        s.whole = true;
    else if (v->channels_last)
        divide_columns(&s, v, facts, engine_flags, choices, pass, shape);
    else
        divide_rows(&s, v, facts, engine_flags, choices);
    if (!v->channels_last && s.whole && shape->elements > 0 && bn_is_packed(shape))
        divide_images(&s, v, facts, choices);
    if (!v->channels_last && pass == PASS_INFERENCE && shape->elements > 0)
        make_runs(&s, v, facts, shape);
    const struct kept_work work = { v->type, v->activation, shape };
    const bool may_keep = v->residence.kept > 0 && choices->divided != CHOOSE_YES;
    s.division.kept_lanes = bn_kept_lanes(&v->residence, &work);
    s.kept_tiles = may_keep ? bn_kept_tiles(&v->residence, &work) : 0;
    s.keeps_forward = may_keep && bn_keeps_forward(&v->residence, &work);
    s.keeps_backward = may_keep && bn_keeps_backward(&v->residence, &work);

    for (unsigned i = 0; i < shape->row_axes + shape->channel_axes; i++)
        s.division.lengths[i] = shape->lengths[i];
    s.mask_size = shape->elements > 0 ? mask_size(v, &s.division) : 0;

    size_t element = bn_parameter_size(v->type);
    const size_t width = (size_t)s.division.channels, padded = divide_up(width, v->vector) * v->vector;
    const bool has_shuffled = v->type == CLBN_BFLOAT16 && bn_span(v) > 1;
    const size_t tables = greater(s.slots, 1) * (has_shuffled ? 2 : 1);
    const size_t claims = v->channels_last && !s.whole && s.merged_itself > 0 ? (size_t)s.division.parts : 0;
    bool fits =
        add_section(&s.partials_size, bn_partial_size(v), greater((size_t)s.division.parts, 1), width, &s.workspace_size) &&
        add_section(&s.statistics_size, 2 * element, 1, shape->channels, &s.workspace_size) &&
        add_section(&s.coefficients_size, COEFFICIENTS * element, tables, padded, &s.workspace_size) &&
        add_section(&s.accumulators_size, ACCUMULATORS * bn_wide_size(v), s.slots, padded, &s.workspace_size) &&
        add_section(&s.claims_size, CLAIM_BYTES, claims, 1, &s.workspace_size);
    *schedule = s;
    return fits;
}
