/*
 * Schedules, for thousands of random problems: the kernels' way through a tensor, done again here without a device,
 * must meet every element once and stay within the workspace, however else the work may be divided.
 */
#include "allocate.h"
#include "candidates.h"
#include "random_numbers.h"
#include "schedule.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALKS = 20000, LARGE_PROBLEMS = 20000, CANDIDATE_WALKS = 1000 };

static const struct choices usual; /* all 0 */

/* A problem and its schedule. */
struct plan_of_work {
    struct device_facts facts;
    cl_uint flags;
    struct shape shape;
    struct variant variant;
    struct schedule schedule;
    char text[256];
};

/* ---- Random problems ------------------------------------------------------------------------------------------------------ */

/* 1 to limit, small numbers as likely as large ones. */
static size_t random_length(struct random *random, size_t limit)
{
    unsigned bits = 1;
    while (bits < 63 && (limit >> bits) > 0)
        bits++;
    size_t range = (size_t)1 << random_below(random, bits);
    size_t length = 1 + random_below(random, 2 * range);
    return length < limit ? length : limit;
}

static struct device_facts random_facts(struct random *random)
{
    static const size_t group_sizes[] = { 1, 2, 32, 48, 64, 128, 256, 1024, 4096 };
    const struct device_facts facts = { .is_vector_cpu = random_below(random, 2) == 0,
                                        .has_double = random_below(random, 2) == 0,
                                        .compute_units = random_length(random, 256),
                                        .max_group_size = group_sizes[random_below(random, 9)],
                                        .cache_size = random_below(random, 3) * 100000,
                                        .address_limit = SIZE_MAX / 2 };
    return facts;
}

/* Packed tensors. */
static struct shape shape_of(size_t outer, size_t channels, size_t inner)
{
    struct shape s = { .outer = outer,
                       .channels = channels,
                       .inner = inner,
                       .values_per_channel = outer * inner,
                       .elements = outer * channels * inner,
                       .channels_last = inner == 1,
                       .row_axes = 1,
                       .channel_axes = 1,
                       .lengths = { outer, channels } };
    for (int t = 0; t < TENSORS; t++) {
        s.layouts[t].strides[0] = channels * inner;
        s.layouts[t].strides[1] = inner;
    }
    return s;
}

/* Channels are first, last, or in between. */
static struct shape random_shape(struct random *random, size_t limit)
{
    size_t outer = random_length(random, limit);
    size_t channels = random_length(random, limit / outer);
    size_t inner = random_below(random, 2) == 0 ? 1 : random_length(random, limit / outer / channels);
    return shape_of(outer, channels, inner);
}

static const char *describe(struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    snprintf(work->text, sizeof work->text,
             "(%zu, %zu, %zu) in groups of %u, vectors of %u, %zu units: %s, parts %llu, tiles %zu, lanes %llu",
             work->shape.outer, work->shape.channels, work->shape.inner, work->variant.group, work->variant.vector,
             work->facts.compute_units, s->whole ? "whole" : "split", (unsigned long long)s->division.parts, s->tiles,
             (unsigned long long)s->division.lanes);
    return work->text;
}

/* A problem of up to limit elements; false if it has no schedule. */
static bool random_work(struct random *random, size_t limit, struct plan_of_work *work)
{
    static const cl_uint divisions[] = { 0, CLBN_ENGINE_SPLIT, CLBN_ENGINE_WHOLE };
    clbn_type type = CLBN_FLOAT32 + (clbn_type)random_below(random, 4);
    clbn_activation activation = random_below(random, 2) == 0 ? CLBN_ACTIVATION_NONE : CLBN_ACTIVATION_RELU;
    clbn_geometry geometry = random_below(random, 2) == 0 ? CLBN_GEOMETRY_VECTOR : CLBN_GEOMETRY_GROUP;
    work->facts = random_facts(random);
    work->flags = divisions[random_below(random, 3)] | (cl_uint)random_below(random, 4);
    work->shape = random_shape(random, limit);
    work->variant = bn_choose_variant(geometry, work->flags, &work->facts, type, activation, &work->shape);
    bool fits = bn_make_schedule(&work->variant, &work->facts, work->flags, &usual, &work->shape, &work->schedule);
    describe(work);
    return fits;
}

static struct plan_of_work work_of(clbn_geometry geometry, cl_uint flags, struct shape shape)
{
    struct plan_of_work work = { .facts = { .has_double = true,
                                            .compute_units = 16,
                                            .max_group_size = 1024,
                                            .cache_size = 1000000,
                                            .address_limit = SIZE_MAX / 2 },
                                 .flags = flags,
                                 .shape = shape };
    work.variant = bn_choose_variant(geometry, flags, &work.facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &shape);
    ck_assert(bn_make_schedule(&work.variant, &work.facts, flags, &usual, &shape, &work.schedule));
    describe(&work);
    return work;
}

/* ---- The kernels' arithmetic, as in kernels/division.cl ------------------------------------------------------------------- */

struct position {
    cl_ulong lane, line, lines;
};

static struct position position_of(const struct plan_of_work *work, unsigned item)
{
    const cl_ulong lanes = work->schedule.division.lanes;
    const struct position at = { item % lanes, item / lanes, work->variant.group / lanes };
    return at;
}

static cl_ulong divided_up(cl_ulong count, cl_ulong by)
{
    return (count + by - 1) / by;
}

static cl_ulong smaller(cl_ulong a, cl_ulong b)
{
    return a < b ? a : b;
}

static cl_ulong part_begin(cl_ulong count, cl_ulong part, cl_ulong parts)
{
    return count / parts * part + smaller(count % parts, part);
}

/* ---- What every schedule is ----------------------------------------------------------------------------------------------- */

/* Check writes a note of each of its assertions, which is too slow for one to an element. */
static void expect(const struct plan_of_work *work, bool condition, const char *what)
{
    if (!condition)
        ck_abort_msg("%s: not so: %s", work->text, what);
}

static void check_sizes(const struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    const size_t element = bn_parameter_size(work->variant.type), channels = work->shape.channels;
    const size_t width = (size_t)s->division.channels;
    expect(work, s->partials_size >= s->partials * channels * bn_moments_size(&work->variant), "moments fit");
    expect(work, s->partials_size >= s->partials * channels * bn_sums_size(&work->variant), "sums fit");
    expect(work, s->statistics_size >= 2 * channels * element, "statistics fit");
    expect(work, s->coefficients_size >= 7 * width * element, "coefficients fit");
    expect(work, s->coefficients_size >= 7 * s->slots * width * element, "coefficients of each slot fit");
    const size_t vectors = (width + work->variant.vector - 1) / work->variant.vector;
    const size_t sums = 3 * s->slots * vectors * work->variant.vector;
    expect(work, s->accumulators_size >= sums * bn_wide_size(&work->variant), "accumulators fit");
    expect(work, s->workspace_size == s->partials_size + s->statistics_size + s->coefficients_size + s->accumulators_size,
           "the sum");
    expect(work, s->partials_size % CLBN_WORKSPACE_ALIGNMENT == 0, "statistics are aligned");
    expect(work, s->statistics_size % CLBN_WORKSPACE_ALIGNMENT == 0, "coefficients are aligned");
    expect(work, s->coefficients_size % CLBN_WORKSPACE_ALIGNMENT == 0, "accumulators are aligned");
}

/* Bounds of kernels/rows_walk.cl and images.cl. */
enum { RUN_CHANNELS = 32, PIECE_VECTORS = 64, PIECE_CHANNELS = 64 };

static void check_images(const struct plan_of_work *work)
{
    const struct division *d = &work->schedule.division;
    if (d->tile_channels == 0)
        return;
    expect(work, work->variant.group == 1 && work->schedule.whole, "images are for single work-items");
    expect(work, d->tile_channels <= PIECE_CHANNELS, "a tile's channels have their places");
    expect(work, d->tile_channels * d->columns <= PIECE_VECTORS * work->variant.vector, "a piece fits in its tables");
    expect(work, divided_up(d->channels, d->tile_channels) >= work->facts.compute_units, "no unit is idle");
}

static void check_division(const struct plan_of_work *work)
{
    const struct schedule *s = &work->schedule;
    const struct division *d = &s->division;
    expect(work, d->folded >= 1 && d->channels == work->shape.channels * d->folded && d->columns == work->shape.inner,
           "the division's channels are the shape's");
    expect(work,
           d->rows >= 1 && d->rest < d->channels && d->rows * d->channels + d->rest == work->shape.outer * work->shape.channels,
           "the division's rows are the shape's");
    expect(work, d->folded == 1 || (work->variant.channels_last && d->channels % work->variant.vector == 0 && !s->whole),
           "rows are folded for full vectors alone");
    expect(work, d->lanes >= 1 && (d->lanes & (d->lanes - 1)) == 0, "lanes are a power of two");
    expect(work, d->lanes <= work->variant.group && work->variant.group % d->lanes == 0, "lanes divide the group");
    expect(work, d->chunk_rows >= 1 && d->chunk_columns >= 1, "chunks are not empty");
    expect(work, s->tiles >= 1 && d->parts >= 1, "there are groups");
    expect(work, !s->whole || d->parts == 1, "a whole channel has one part");
    expect(work, !(work->flags & CLBN_ENGINE_SPLIT) || !s->whole, "split if asked");
    expect(work, !(work->flags & CLBN_ENGINE_WHOLE) || s->whole, "whole if asked");
    expect(work, s->partials == d->parts * d->folded, "each part of each row of a folded one has a result");
    if (work->variant.channels_last) {
        expect(work, s->slots == d->parts * work->variant.group / d->lanes, "each line has a slot");
        expect(work, d->band_rows >= 1 && d->tile_vectors >= 1, "bands and tiles are not empty");
        expect(work, d->chunk_rows % d->band_rows == 0, "a chunk is of whole bands");
        expect(work, d->parts <= divided_up(d->rows, d->band_rows), "no more parts than bands");
    } else {
        cl_ulong chunks = divided_up(d->rows, d->chunk_rows) * divided_up(d->columns, d->chunk_columns);
        expect(work, d->parts <= chunks, "no more parts than chunks");
        expect(work, d->run_channels >= 1 && s->tiles == divided_up(d->channels, d->run_channels), "a tile is a run");
        expect(work, d->run_channels == 1 || (s->whole && work->variant.group == 1 && d->run_channels <= RUN_CHANNELS),
               "runs are whole, and have their places");
        check_images(work);
    }
}

START_TEST(schedules_of_any_size_are_sound)
{
    struct random random = { 1 };
    unsigned scheduled = 0;
    for (int i = 0; i < LARGE_PROBLEMS; i++) {
        struct plan_of_work work;
        if (!random_work(&random, SIZE_MAX / 16, &work)) {
            ck_assert_msg(work.shape.channels > SIZE_MAX / 1024 / 128, "%s: no schedule", work.text);
            continue;
        }
        scheduled++;
        check_division(&work);
        check_sizes(&work);
    }
    ck_assert_uint_gt(scheduled, LARGE_PROBLEMS / 2);
}
END_TEST

/* ---- Walks ---------------------------------------------------------------------------------------------------------------- */

struct walk {
    struct plan_of_work work;
    unsigned char *visits; /* of each element */
    unsigned *owners;      /* of each channel in each slot: a work-item's number from 1 */
};

static void visit(struct walk *walk, cl_ulong element)
{
    expect(&walk->work, element < walk->work.shape.elements, "an element is in the tensor");
    expect(&walk->work, walk->visits[element] == 0, "an element is visited once");
    walk->visits[element]++;
}

static void visit_chunk(struct walk *walk, struct position at, cl_ulong channel, cl_ulong number, bool in_vectors)
{
    const struct division *d = &walk->work.schedule.division;
    const cl_ulong across = divided_up(d->columns, d->chunk_columns);
    const cl_ulong column = number % across * d->chunk_columns, row = number / across * d->chunk_rows;
    const cl_ulong columns = smaller(d->chunk_columns, d->columns - column);
    const cl_ulong vector = walk->work.variant.vector, vectors = in_vectors ? columns / vector : 0;
    for (cl_ulong r = row + at.line; r < smaller(row + d->chunk_rows, d->rows); r += at.lines) {
        const cl_ulong start = (r * d->channels + channel) * d->columns + column;
        for (cl_ulong i = at.lane; i < vectors; i += d->lanes)
            for (cl_ulong j = 0; j < vector; j++)
                visit(walk, start + i * vector + j);
        for (cl_ulong i = vectors * vector + at.lane; i < columns; i += d->lanes)
            visit(walk, start + i);
    }
}

/* As a work-item of rows_walk.cl. */
static void walk_rows(struct walk *walk, cl_ulong part, cl_ulong tile, unsigned item, bool in_vectors)
{
    const struct division *d = &walk->work.schedule.division;
    const cl_ulong first = tile * d->run_channels;
    const struct position at = position_of(&walk->work, item);
    const cl_ulong chunks = divided_up(d->rows, d->chunk_rows) * divided_up(d->columns, d->chunk_columns);
    expect(&walk->work, part < walk->work.schedule.partials, "a part has its partial result");
    for (cl_ulong channel = first; channel < smaller(first + d->run_channels, d->channels); channel++)
        for (cl_ulong i = part_begin(chunks, part, d->parts); i < part_begin(chunks, part + 1, d->parts); i++)
            visit_chunk(walk, at, channel, i, in_vectors);
}

/* No other work-item has the channel in this slot. */
static void own(struct walk *walk, cl_ulong slot, cl_ulong channel, unsigned owner)
{
    expect(&walk->work, slot < walk->work.schedule.slots, "a slot is in the workspace");
    unsigned *owned = &walk->owners[slot * walk->work.schedule.division.channels + channel];
    expect(&walk->work, *owned == 0 || *owned == owner, "no two work-items share a slot's channel");
    *owned = owner;
}

/* The mask has room for an element's bit, in a unit of its vector. */
static void visit_in_mask(struct walk *walk, cl_ulong row, cl_ulong channel)
{
    const struct schedule *s = &walk->work.schedule;
    const cl_ulong vector = walk->work.variant.vector, unit = row * divided_up(s->division.channels, vector) + channel / vector;
    if (bn_has_mask(walk->work.variant.activation))
        expect(&walk->work, (unit + 1) * divided_up(vector, 8) <= s->mask_size, "the mask has a bit for an element");
    visit(walk, row * s->division.channels + channel);
}

/* As a work-item of columns_walk.cl. */
static void walk_columns(struct walk *walk, cl_ulong part, cl_ulong tile, unsigned item)
{
    const struct division *d = &walk->work.schedule.division;
    const struct position at = position_of(&walk->work, item);
    const cl_ulong vector = walk->work.variant.vector, vectors = divided_up(d->channels, vector);
    const cl_ulong bands = divided_up(d->rows, d->band_rows), slot = part * at.lines + at.line;
    const cl_ulong row_begin = part_begin(bands, part, d->parts) * d->band_rows;
    const cl_ulong row_end = smaller(part_begin(bands, part + 1, d->parts) * d->band_rows, d->rows);
    const cl_ulong vector_end = smaller((tile + 1) * d->tile_vectors, vectors);
    const unsigned owner = 1 + (unsigned)(part * walk->work.schedule.tiles + tile) * walk->work.variant.group + item;
    for (cl_ulong v = tile * d->tile_vectors + at.lane; v < vector_end; v += d->lanes)
        for (cl_ulong c = v * vector; c < smaller((v + 1) * vector, d->channels); c++) {
            own(walk, slot, c, owner);
            for (cl_ulong begin = row_begin; begin < row_end; begin += d->band_rows)
                for (cl_ulong r = begin + at.line; r < smaller(begin + d->band_rows, row_end); r += at.lines)
                    visit_in_mask(walk, r, c);
            if (part + 1 == d->parts && at.line == 0 && c < d->rest)
                visit_in_mask(walk, d->rows, c);
        }
}

static void check_walk(struct walk *walk, bool in_vectors)
{
    const struct schedule *s = &walk->work.schedule;
    const size_t elements = walk->work.shape.elements, owned = s->slots * (size_t)s->division.channels;
    walk->visits = allocate(elements, sizeof *walk->visits);
    walk->owners = allocate(owned, sizeof *walk->owners);
    for (cl_ulong part = 0; part < s->division.parts; part++)
        for (cl_ulong tile = 0; tile < s->tiles; tile++)
            for (unsigned item = 0; item < walk->work.variant.group; item++)
                if (walk->work.variant.channels_last)
                    walk_columns(walk, part, tile, item);
                else
                    walk_rows(walk, part, tile, item, in_vectors);
    for (size_t i = 0; i < elements; i++)
        expect(&walk->work, walk->visits[i] == 1, "every element is visited");
    for (size_t i = 0; walk->work.variant.channels_last && i < owned; i++)
        expect(&walk->work, walk->owners[i] != 0, "every slot is filled");
    free(walk->visits);
    free(walk->owners);
}

START_TEST(every_element_is_met_once)
{
    struct random random = { 2 };
    for (int i = 0; i < WALKS; i++) {
        struct walk walk;
        ck_assert(random_work(&random, i % 100 == 0 ? 500000 : 5000, &walk.work));
        if (random_below(&random, 2) == 0)
            bn_make_runs(&walk.work.variant, &walk.work.facts, &walk.work.schedule);
        check_division(&walk.work);
        check_sizes(&walk.work);
        check_walk(&walk, true);
        check_walk(&walk, false);
    }
}
END_TEST

/* ---- Candidates ----------------------------------------------------------------------------------------------------------- */

static bool same_schedule(const struct schedule *a, const struct schedule *b)
{
    return a->whole == b->whole && a->stream == b->stream && a->tiles == b->tiles &&
           memcmp(&a->division, &b->division, sizeof a->division) == 0;
}

static size_t list_candidates(const struct plan_of_work *work, struct candidate *list)
{
    return bn_list_candidates(&work->variant, &work->facts, work->flags, &work->shape, list);
}

static bool make_chosen(struct plan_of_work *work, const struct choices *choices)
{
    bool made = bn_make_chosen_schedule(&work->variant, &work->facts, work->flags, choices, &work->shape, &work->schedule);
    describe(work);
    return made;
}

/* Not more than a tensor, or than it takes anyway. */
static void check_workspace(const struct plan_of_work *work, size_t usual_size)
{
    const size_t size = work->schedule.workspace_size;
    expect(work, size <= usual_size || size <= work->shape.elements * bn_type_size(work->variant.type), "a frugal workspace");
}

/* The usual one first, none twice, and each is had again from its choices. */
static void check_list(const struct plan_of_work *work, const struct candidate *list, size_t count)
{
    expect(work, count >= 1 && count < MAX_CANDIDATES, "there are candidates, and room for more");
    expect(work, memcmp(&list[0].choices, &usual, sizeof usual) == 0, "nothing is chosen for the first");
    expect(work, same_schedule(&list[0].schedule, &work->schedule), "the first is the usual one");
    for (size_t i = 0; i < count; i++) {
        struct plan_of_work again = *work;
        for (size_t j = 0; j < i; j++)
            expect(work, !same_schedule(&list[i].schedule, &list[j].schedule), "no candidate is there twice");
        expect(work, make_chosen(&again, &list[i].choices), "the choices are legal");
        expect(work, memcmp(&again.schedule, &list[i].schedule, sizeof again.schedule) == 0, "they make the same schedule");
        expect(work, list[i].schedule.mask_size == work->schedule.mask_size, "the mask stays as it is");
        expect(work,
               !bn_has_mask(work->variant.activation) || list[i].schedule.division.folded == work->schedule.division.folded,
               "rows are folded, or not, as the mask has them");
    }
}

START_TEST(candidates_of_any_size_are_sound)
{
    struct random random = { 3 };
    for (int i = 0; i < LARGE_PROBLEMS / 20; i++) {
        struct plan_of_work work;
        struct candidate list[MAX_CANDIDATES];
        if (!random_work(&random, SIZE_MAX / 16, &work))
            continue;
        size_t count = list_candidates(&work, list);
        check_list(&work, list, count);
        for (size_t c = 0; c < count; c++) {
            struct plan_of_work candidate = work;
            candidate.schedule = list[c].schedule;
            describe(&candidate);
            check_division(&candidate);
            check_sizes(&candidate);
            check_workspace(&candidate, work.schedule.workspace_size);
        }
    }
}
END_TEST

START_TEST(every_candidate_meets_every_element_once)
{
    struct random random = { 4 };
    size_t candidates = 0;
    for (int i = 0; i < CANDIDATE_WALKS; i++) {
        struct walk walk;
        struct candidate list[MAX_CANDIDATES];
        ck_assert(random_work(&random, i % 100 == 0 ? 50000 : 3000, &walk.work));
        size_t count = list_candidates(&walk.work, list);
        for (size_t c = 0; c < count; c++) {
            walk.work.schedule = list[c].schedule;
            describe(&walk.work);
            check_walk(&walk, c % 2 == 0);
        }
        candidates += count;
    }
    ck_assert_uint_gt(candidates, 4 * CANDIDATE_WALKS);
}
END_TEST

static cl_uint random_choice(struct random *random)
{
    static const cl_uint choices[] = { 0, 1, 2, 3, 4, 8, 16, 32, 64, 65536, 65, CL_UINT_MAX };
    return choices[random_below(random, sizeof choices / sizeof *choices)];
}

/* Of numbers that anybody may have written: refused, or sound. */
START_TEST(chosen_numbers_are_refused_or_sound)
{
    struct random random = { 5 };
    unsigned taken = 0;
    for (int i = 0; i < 20 * WALKS; i++) {
        struct walk walk;
        const struct choices choices = { random_choice(&random), random_choice(&random), random_choice(&random),
                                         random_choice(&random), random_choice(&random), random_choice(&random) };
        ck_assert(random_work(&random, 500, &walk.work));
        const size_t usual_size = walk.work.schedule.workspace_size;
        if (!make_chosen(&walk.work, &choices))
            continue;
        taken++;
        check_workspace(&walk.work, usual_size);
        check_division(&walk.work);
        check_sizes(&walk.work);
        check_walk(&walk, true);
    }
    ck_assert_uint_gt(taken, 100);
}
END_TEST

START_TEST(one_number_that_is_never_tried_is_refused)
{
    static const cl_uint untried[] = { 3, 5, 63, 65535, 65537, CL_UINT_MAX };
    enum { MEMBERS = sizeof(struct choices) / sizeof(cl_uint) };
    const struct shape shapes[] = { shape_of(300, 35, 1), shape_of(30, 35, 20) };
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
        for (int s = 0; s < 2; s++)
            for (size_t i = 0; i < MEMBERS * (sizeof untried / sizeof *untried); i++) {
                struct plan_of_work work = work_of(geometry, 0, shapes[s]);
                const struct schedule before = work.schedule;
                cl_uint numbers[MEMBERS] = { 0 };
                struct choices choices;
                numbers[i % MEMBERS] = untried[i / MEMBERS];
                memcpy(&choices, numbers, sizeof choices);
                expect(&work, !make_chosen(&work, &choices), "the number is refused");
                expect(&work, memcmp(&before, &work.schedule, sizeof before) == 0, "the schedule stays as it is");
            }
}
END_TEST

START_TEST(whole_and_split_are_among_the_candidates)
{
    const struct shape shapes[] = { shape_of(3000, 35, 1), shape_of(300, 35, 2000) };
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
        for (int s = 0; s < 2; s++) {
            struct plan_of_work work = work_of(geometry, 0, shapes[s]);
            struct candidate list[MAX_CANDIDATES];
            unsigned whole = 0, split = 0, stream = 0, plain = 0;
            for (size_t i = 0, count = list_candidates(&work, list); i < count; i++) {
                whole += list[i].schedule.whole;
                split += !list[i].schedule.whole;
                stream += list[i].schedule.stream;
                plain += !list[i].schedule.stream;
            }
            expect(&work, whole > 0 && split > 1, "whole, and split in several ways");
            expect(&work, geometry == CLBN_GEOMETRY_GROUP ? stream == 0 : stream == plain, "past the cache, and through it");
        }
}
END_TEST

START_TEST(an_empty_batch_has_no_candidates)
{
    struct plan_of_work work = work_of(CLBN_GEOMETRY_VECTOR, 0, shape_of(0, 7, 5));
    struct candidate list[MAX_CANDIDATES];
    ck_assert_uint_eq(list_candidates(&work, list), 0);
}
END_TEST

/* ---- Special sizes -------------------------------------------------------------------------------------------------------- */

START_TEST(an_empty_batch_has_a_workspace_for_its_channels)
{
    const struct shape shapes[] = { shape_of(0, 7, 1), shape_of(0, 7, 5), shape_of(3, 7, 0) };
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++)
        for (int i = 0; i < 3; i++) {
            struct plan_of_work work = work_of(geometry, 0, shapes[i]);
            check_sizes(&work);
            expect(&work, work.schedule.whole, "nothing is divided");
        }
}
END_TEST

START_TEST(one_image_of_few_channels_is_divided)
{
    const struct shape first = shape_of(1, 3, 1000000), last = shape_of(1000000, 3, 1);
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++) {
        struct plan_of_work rows = work_of(geometry, 0, first), columns = work_of(geometry, 0, last);
        expect(&rows, rows.schedule.division.parts * rows.schedule.tiles >= 16, "every unit has a group");
        expect(&columns, columns.schedule.division.parts * columns.schedule.tiles >= 16, "every unit has a group");
        expect(&rows, work_of(geometry, CLBN_ENGINE_WHOLE, first).schedule.whole, "whole if asked");
    }
}
END_TEST

/* On a CPU with vectors of 16, and on a GPU with vectors of 4. */
START_TEST(rows_of_odd_channels_are_walked_several_as_one)
{
    static const struct {
        size_t rows, channels, folded[2], rest[2];
    } cases[] = {
        { 100005, 3, { 16, 4 }, { 5 * 3, 1 * 3 } },
        { 100005, 35, { 16, 4 }, { 5 * 35, 1 * 35 } },
        { 100005, 24, { 2, 1 }, { 1 * 24, 0 } },
        { 100005, 64, { 1, 1 }, { 0, 0 } },
        { 200, 3, { 1, 1 }, { 0, 0 } },
        { 100005, 8191, { 1, 1 }, { 0, 0 } },
    };
    for (cl_uint geometry = 0; geometry < 2; geometry++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
            struct plan_of_work work = work_of(CLBN_GEOMETRY_VECTOR + geometry, 0, shape);
            expect(&work, work.schedule.division.folded == cases[i].folded[geometry], "so many rows");
            expect(&work, work.schedule.division.rest == cases[i].rest[geometry], "so many elements are left");
            shape.layouts[TENSOR_Y].strides[0]++;
            work = work_of(CLBN_GEOMETRY_VECTOR + geometry, 0, shape);
            expect(&work, work.schedule.division.folded == 1, "none where there are gaps");
        }
}
END_TEST

START_TEST(partial_results_are_shared_among_lines)
{
    const struct plan_of_work cpu = work_of(CLBN_GEOMETRY_VECTOR, 0, shape_of(100000, 64, 1));
    const struct plan_of_work gpu = work_of(CLBN_GEOMETRY_GROUP, 0, shape_of(100000, 64, 1));
    for (size_t channels = 1; channels < 1000; channels += 7)
        for (size_t count = 0; count < 600; count += 37) {
            const struct merging alone = bn_divide_merging(&cpu.variant, &cpu.facts, channels, count);
            const struct merging grouped = bn_divide_merging(&gpu.variant, &gpu.facts, channels, count);
            ck_assert_uint_eq(alone.lanes, 1);
            ck_assert_uint_ge(alone.groups, 1);
            ck_assert_uint_le(alone.groups, channels);
            ck_assert_uint_eq(gpu.variant.group % grouped.lanes, 0);
            ck_assert_uint_ge(grouped.lanes * grouped.groups, channels);
            ck_assert_uint_lt(grouped.lanes * (grouped.groups - 1), channels);
            /* No line is idle that another could have spared work. */
            ck_assert_msg(count < 2 || gpu.variant.group / grouped.lanes < 2 * count, "%zu results, %zu lanes", count,
                          grouped.lanes);
            ck_assert_msg(gpu.variant.group / grouped.lanes >= count || grouped.lanes == 1, "%zu results, %zu lanes", count,
                          grouped.lanes);
        }
}
END_TEST

START_TEST(a_small_problem_takes_one_kernel)
{
    const struct shape first = shape_of(60, 10, 2), last = shape_of(60, 100, 1);
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++) {
        struct plan_of_work rows = work_of(geometry, 0, first), columns = work_of(geometry, 0, last);
        expect(&rows, rows.schedule.whole, "rows are not divided");
        expect(&columns, columns.schedule.whole, "columns are not divided");
    }
}
END_TEST

/* Two cores with 32 MiB of cache. */
static const struct device_facts cores = {
    .compute_units = 2, .max_group_size = 1024, .address_limit = SIZE_MAX / 2, .cache_size = (size_t)32 << 20
};

static struct schedule schedule_on_cores(clbn_geometry geometry, clbn_type type, struct shape shape)
{
    const struct variant variant = bn_choose_variant(geometry, 0, &cores, type, CLBN_ACTIVATION_NONE, &shape);
    struct schedule schedule;
    ck_assert(bn_make_schedule(&variant, &cores, 0, &usual, &shape, &schedule));
    return schedule;
}

/* Channels to a group in inference. */
static cl_ulong run_on_cores(clbn_geometry geometry, struct shape shape)
{
    struct schedule schedule = schedule_on_cores(geometry, CLBN_FLOAT32, shape);
    const struct variant variant = bn_choose_variant(geometry, 0, &cores, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &shape);
    ck_assert_uint_eq(schedule.division.run_channels, 1);
    bn_make_runs(&variant, &cores, &schedule);
    return schedule.division.run_channels;
}

START_TEST(few_columns_in_many_rows_are_images)
{
    static const struct {
        size_t rows, channels, columns;
        unsigned tile; /* channels */
    } cases[] = {
        { 32, 512, 49, 16 },  /* 7 x 7: 16 channels are 49 whole vectors */
        { 32, 1024, 196, 4 }, /* 14 x 14 */
        { 32, 256, 784, 0 },  /* 28 x 28: rows are long enough */
        { 7, 512, 49, 0 },    /* few rows */
        { 32, 8, 49, 0 },     /* one tile would leave a core idle */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, cases[i].columns);
        const struct schedule alone = schedule_on_cores(CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, shape);
        const struct schedule grouped = schedule_on_cores(CLBN_GEOMETRY_GROUP, CLBN_FLOAT32, shape);
        struct shape padded = shape;
        padded.layouts[TENSOR_Y].strides[0]++;
        ck_assert_uint_eq(alone.division.tile_channels, cases[i].tile);
        ck_assert_uint_eq(grouped.division.tile_channels, 0);
        ck_assert_uint_eq(schedule_on_cores(CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, padded).division.tile_channels, 0);
    }
}
END_TEST

START_TEST(channels_make_long_runs)
{
    static const struct {
        size_t rows, channels, columns;
        unsigned run;
    } cases[] = {
        { 32, 256, 784, 11 }, /* 28 x 28: 11 channels have 32 KiB */
        { 32, 256, 3136, 3 }, /* 56 x 56 */
        { 32, 64, 12544, 1 }, /* 112 x 112: a channel has more */
        { 32, 16, 784, 2 },   /* each of two cores has four groups */
        { 7, 2048, 49, 32 },  /* as many as there are places */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, cases[i].columns);
        ck_assert_uint_eq(run_on_cores(CLBN_GEOMETRY_VECTOR, shape), cases[i].run);
        ck_assert_uint_eq(run_on_cores(CLBN_GEOMETRY_GROUP, shape), 1);
    }
}
END_TEST

START_TEST(bands_go_by_where_rows_come_from)
{
    static const struct {
        size_t rows, channels;
        clbn_type type;
        unsigned band; /* rows */
        unsigned parts;
        bool stream;
    } cases[] = {
        { 401408, 64, CLBN_FLOAT32, 1, 8, true },  /* 98 MiB in rows of 256 bytes: from memory, in their order */
        { 25088, 512, CLBN_FLOAT32, 1, 6, true },  /* 49 MiB in rows of 2 KiB */
        { 25088, 1024, CLBN_FLOAT32, 4, 6, true }, /* rows of a page each: several are fetched ahead at once */
        { 6272, 256, CLBN_FLOAT32, 4, 2, true },   /* 6 MiB: the tensors are read from the cache, results go past it */
        { 1568, 512, CLBN_FLOAT32, 4, 2, false },  /* 3 MiB: all stays in the cache */
        { 25088, 1024, CLBN_FLOAT16, 1, 6, true }, /* rows of 2 KiB */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct shape shape = shape_of(cases[i].rows, cases[i].channels, 1);
        const struct schedule s = schedule_on_cores(CLBN_GEOMETRY_VECTOR, cases[i].type, shape);
        ck_assert_uint_eq(s.division.band_rows, cases[i].band);
        ck_assert_uint_eq(s.division.parts, cases[i].parts);
        ck_assert(s.stream == cases[i].stream);
    }
}
END_TEST

START_TEST(a_workspace_that_overflows_has_no_schedule)
{
    const struct shape shape = shape_of(1, SIZE_MAX / 16, 1);
    const struct device_facts facts = { .compute_units = 16, .max_group_size = 1024, .address_limit = SIZE_MAX / 2 };
    struct schedule schedule;
    for (clbn_geometry geometry = CLBN_GEOMETRY_VECTOR; geometry <= CLBN_GEOMETRY_GROUP; geometry++) {
        struct variant variant = bn_choose_variant(geometry, 0, &facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &shape);
        ck_assert(!bn_make_schedule(&variant, &facts, 0, &usual, &shape, &schedule));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: schedules");
    TCase *cases = tcase_create("pure");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, schedules_of_any_size_are_sound);
    tcase_add_test(cases, every_element_is_met_once);
    tcase_add_test(cases, candidates_of_any_size_are_sound);
    tcase_add_test(cases, every_candidate_meets_every_element_once);
    tcase_add_test(cases, chosen_numbers_are_refused_or_sound);
    tcase_add_test(cases, one_number_that_is_never_tried_is_refused);
    tcase_add_test(cases, whole_and_split_are_among_the_candidates);
    tcase_add_test(cases, an_empty_batch_has_no_candidates);
    tcase_add_test(cases, an_empty_batch_has_a_workspace_for_its_channels);
    tcase_add_test(cases, one_image_of_few_channels_is_divided);
    tcase_add_test(cases, rows_of_odd_channels_are_walked_several_as_one);
    tcase_add_test(cases, partial_results_are_shared_among_lines);
    tcase_add_test(cases, a_small_problem_takes_one_kernel);
    tcase_add_test(cases, few_columns_in_many_rows_are_images);
    tcase_add_test(cases, channels_make_long_runs);
    tcase_add_test(cases, bands_go_by_where_rows_come_from);
    tcase_add_test(cases, a_workspace_that_overflows_has_no_schedule);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
