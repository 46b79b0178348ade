/* SPDX-License-Identifier: MIT */
#include "schedule/candidates.h"

#include "base/integers.h"

#include <stdio.h>
#include <string.h>

/* What is tried. A limit that no tile reaches stands for the whole row, or the whole group. */
#define ALL 65536u
static const cl_uint divisions[] = { CHOOSE_NO, CHOOSE_YES };
static const cl_uint stores[] = { CHOOSE_NO, CHOOSE_YES };
static const cl_uint few_groups[] = { 1, 4, 16 }; /* to a unit, where tiles and bands are tried as well */
static const cl_uint groups[] = { 1, 2, 4, 8, 16 };
static const cl_uint bands[] = { 1, 4, 16 }; /* rows */
static const cl_uint whole_tiles[] = { 1, 4, 16 };
static const cl_uint split_tiles[] = { 16, ALL };
static const cl_uint lanes[] = { 8, 32, ALL };

/* ---- One candidate -------------------------------------------------------------------------------------------------------- */

/* Whether a choice is left as usual, or one of a list. */
static bool is_among(cl_uint choice, const cl_uint *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == choice)
            return true;
    return choice == 0;
}

static bool are_listed(const struct choices *c)
{
    return is_among(c->divided, divisions, COUNT_OF(divisions)) && is_among(c->nontemporal, stores, COUNT_OF(stores)) &&
           is_among(c->groups_per_unit, groups, COUNT_OF(groups)) && is_among(c->band_rows, bands, COUNT_OF(bands)) &&
           (is_among(c->tile_vectors, whole_tiles, COUNT_OF(whole_tiles)) ||
            is_among(c->tile_vectors, split_tiles, COUNT_OF(split_tiles))) &&
           is_among(c->lanes, lanes, COUNT_OF(lanes));
}

bool bn_make_chosen_schedule(const struct problem *p, const struct choices *choices, enum pass pass, struct schedule *schedule)
{
    const struct choices none = { 0 };
    struct schedule s, usual;
    if (!are_listed(choices))
        return false;
    bn_make_schedule(p, choices, pass, &s);
    bn_make_schedule(p, &none, pass, &usual);
    if (s.workspace_size > usual.workspace_size && s.workspace_size > p->shape->elements * bn_type_size(p->variant->type))
        return false;
    if (p->variant->group == 1 && p->variant->channels_last && p->shape->elements > 0 &&
        s.division.chunk_rows % s.division.band_rows != 0)
        return false;
    *schedule = s;
    return true;
}

/* ---- All of them ---------------------------------------------------------------------------------------------------------- */

/* What the candidates are of, and the list so far. */
struct listing {
    const struct problem *problem;
    struct candidate *list;
    size_t count;
};

static bool same_schedule(const struct schedule *a, const struct schedule *b)
{
    return a->strategy == b->strategy && a->nontemporal_tensors == b->nontemporal_tensors && a->tiles == b->tiles &&
           memcmp(&a->division, &b->division, sizeof(a->division)) == 0 &&
           memcmp(&a->tiling, &b->tiling, sizeof(a->tiling)) == 0;
}

static bool same_schedules(const struct candidate *a, const struct candidate *b)
{
    for (enum pass pass = 0; pass < PASSES; pass++)
        if (!same_schedule(&a->schedules[pass], &b->schedules[pass]))
            return false;
    return true;
}

/* Unless its schedules are there already. */
static void list_candidate(struct listing *l, struct choices choices)
{
    struct candidate c = { .choices = choices };
    if (l->count == MAX_CANDIDATES)
        return;
    for (enum pass pass = 0; pass < PASSES; pass++)
        if (!bn_make_chosen_schedule(l->problem, &choices, pass, &c.schedules[pass]))
            return;
    for (size_t i = 0; i < l->count; i++)
        if (same_schedules(&l->list[i], &c))
            return;
    l->list[l->count++] = c;
}

static void list_stores(struct listing *l, struct choices choices)
{
    for (size_t i = 0; i < COUNT_OF(stores); i++) {
        choices.nontemporal = stores[i];
        list_candidate(l, choices);
    }
}

static void list_bands(struct listing *l, struct choices choices)
{
    for (size_t i = 0; i < COUNT_OF(bands); i++) {
        choices.band_rows = bands[i];
        list_stores(l, choices);
    }
}

static void list_whole_columns(struct listing *l, struct choices choices)
{
    for (size_t i = 0; i < COUNT_OF(whole_tiles); i++) {
        choices.tile_vectors = whole_tiles[i];
        list_bands(l, choices);
    }
}

static void list_split_columns(struct listing *l, struct choices choices)
{
    for (size_t i = 0; i < COUNT_OF(few_groups); i++) {
        choices.groups_per_unit = few_groups[i];
        for (size_t j = 0; j < COUNT_OF(split_tiles); j++) {
            choices.tile_vectors = split_tiles[j];
            list_bands(l, choices);
        }
    }
}

static void list_split_rows(struct listing *l, struct choices choices)
{
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        choices.groups_per_unit = groups[i];
        list_stores(l, choices);
    }
}

/* Of groups of several work-items. */
static void list_tilings(struct listing *l, struct choices choices)
{
    list_candidate(l, choices);
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        choices.groups_per_unit = groups[i];
        for (size_t j = 0; j < COUNT_OF(lanes); j++) {
            choices.lanes = lanes[j];
            list_candidate(l, choices);
        }
    }
}

size_t bn_list_candidates(const struct problem *problem, struct candidate list[MAX_CANDIDATES])
{
    struct listing l = { problem, list, 0 };
    const struct choices usual = { 0 }, whole = { .divided = CHOOSE_NO }, split = { .divided = CHOOSE_YES };
    if (problem->shape->elements == 0)
        return 0;
    list_candidate(&l, usual);
    if (l.count == 0)
        return 0;
    if (problem->variant->group > 1) {
        list_tilings(&l, whole);
        list_tilings(&l, split);
    } else if (problem->variant->channels_last) {
        list_whole_columns(&l, whole);
        list_split_columns(&l, split);
    } else {
        list_stores(&l, whole);
        list_split_rows(&l, split);
    }
    return l.count;
}

void bn_describe_schedule(const struct schedule *s, enum pass pass, char *text, size_t size)
{
    char bands_of[64] = "";
    const unsigned long long results = s->division.result_rows;
    const unsigned long long sums = pass == PASS_INFERENCE ? results : s->division.band_rows;
    if (sums > 0 && sums == results)
        snprintf(bands_of, sizeof(bands_of), ", bands of %llu row%s", sums, sums == 1 ? "" : "s");
    else if (sums > 0)
        snprintf(bands_of, sizeof(bands_of), ", bands of %llu and %llu rows", sums, results);
    snprintf(text, size, "%s, %llu x %zu groups%s%s", bn_is_split(s->strategy) ? "split" : "whole",
             (unsigned long long)greater((size_t)s->division.parts, (size_t)s->tiling.parts), s->tiles, bands_of,
             bn_is_nontemporal(s, bn_usual_tensors(pass)) ? ", past the cache" : "");
}
