/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "allocate.h"
#include "engines.h"
#include "failing.h"

#include <stdlib.h>
#include <string.h>

enum { POISON = 0xff, CLOSE = 8 };

static size_t position(const struct arena_place *place, size_t element)
{
    return place->begin + place->element * (place->positions != NULL ? place->positions[element] : element);
}

static size_t end_of(const struct arena_place *place)
{
    size_t end = place->begin;
    for (size_t i = 0; i < place->count; i++)
        if (position(place, i) + place->element > end)
            end = position(place, i) + place->element;
    return end;
}

static bool fits(const struct arena *arena, const struct arena_place *place)
{
    return end_of(place) <= arena->size;
}

static void describe_place(struct arena *arena, enum view view)
{
    const struct run *source = arena->source;
    const struct guarded *guarded = &source->views[view];
    struct arena_place *place = &arena->places[view];
    place->present = run_has(source, view) && run_count(source, view) > 0;
    if (!place->present)
        return;
    place->written = run_writes(source, view);
    /* What a backward has without need: z, y and a mask without an activation. */
    place->is_looked_at = !is_backward(source->call.operation) ||
                          source->problem->activation.function != CLBN_ACTIVATION_NONE ||
                          (view != VIEW_Z && view != VIEW_Y && view != VIEW_MASK);
    place->element = element_size(guarded->type);
    place->count = guarded->count;
    if (guarded->positions != NULL) {
        place->positions = allocate(place->count, sizeof *place->positions);
        memcpy(place->positions, guarded->positions, place->count * sizeof *place->positions);
    }
}

/* Side by side with small gaps; now and then somewhere else: at another view's begin, or anywhere. */
static void put(struct arena *arena, enum view view, bool wild, struct fuzz_bytes *bytes, size_t *next)
{
    struct arena_place *place = &arena->places[view];
    const enum view other = (enum view)fuzz_below(bytes, VIEWS);
    const unsigned way = wild ? fuzz_below(bytes, 4) : 0;
    *next = (*next + place->element - 1) / place->element * place->element;
    place->begin = *next + place->element * fuzz_below(bytes, CLOSE);
    if (way == 1 && arena->places[other].present && other < view)
        place->begin = arena->places[other].begin / place->element * place->element;
    else if (way == 2)
        place->begin = *next / 256 * fuzz_below(bytes, 256) / place->element * place->element;
    else if (way == 3 && arena->places[other].present && other < view)
        place->begin = (arena->places[other].begin / place->element + fuzz_below(bytes, CLOSE)) * place->element;
    if (end_of(place) > *next)
        *next = end_of(place);
}

static void write_input(struct arena *arena, enum view view)
{
    const struct arena_place *place = &arena->places[view];
    const struct guarded *guarded = &arena->source->views[view];
    if (!place->present || !run_reads(arena->source, view) || !fits(arena, place))
        return;
    for (size_t i = 0; i < place->count; i++) {
        const size_t at = guarded->view.offset + (guarded->positions != NULL ? guarded->positions[i] : i);
        memcpy(arena->before + position(place, i), guarded->initial + at * place->element, place->element);
    }
}

void arena_create(struct arena *arena, struct run *source, struct fuzz_bytes *bytes)
{
    cl_int status = CL_SUCCESS;
    size_t next = 0;
    memset(arena, 0, sizeof *arena);
    arena->source = source;
    const bool wild = fuzz_below(bytes, 2) != 0, is_short = fuzz_below(bytes, 8) == 1;
    for (enum view view = 0; view < VIEWS; view++) {
        describe_place(arena, view);
        if (arena->places[view].present)
            put(arena, view, wild, bytes, &next);
    }
    arena->size = is_short && next > 64 ? next - 1 - fuzz_below(bytes, 64) : next + 64;
    arena->before = allocate(arena->size, 1);
    arena->after = allocate(arena->size, 1);
    memset(arena->before, POISON, arena->size);
    for (enum view view = 0; view < VIEWS; view++)
        write_input(arena, view);
    arena->buffer =
        clCreateBuffer(test_context(), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, arena->size, arena->before, &status);
    FUZZ_EXPECT(status == CL_SUCCESS, "no buffer of %zu bytes", arena->size);
}

clbn_view arena_view(const struct arena *arena, enum view view)
{
    const clbn_view place = { arena->buffer, arena->places[view].begin / arena->places[view].element, NULL };
    return place;
}

/* ---- The model ------------------------------------------------------------------------------------------------------------ */

/* Marks the bytes of a view. */
static void mark(const struct arena_place *place, unsigned char *marks)
{
    for (size_t i = 0; i < place->count; i++)
        memset(marks + position(place, i), 1, place->element);
}

static bool bytes_meet(const struct arena *arena, const struct arena_place *a, const struct arena_place *b)
{
    unsigned char *marks = allocate(arena->size, 1);
    bool met = false;
    memset(marks, 0, arena->size);
    mark(a, marks);
    for (size_t i = 0; i < b->count && !met; i++)
        met = memchr(marks + position(b, i), 1, b->element) != NULL;
    free(marks);
    return met;
}

static bool same_places(const struct arena_place *a, const struct arena_place *b)
{
    if (a->element != b->element || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (position(a, i) != position(b, i))
            return false;
    return true;
}

/* Which output may be exactly which input. */
static bool may_be(const struct call *call, enum view output, enum view input)
{
    const enum operation operation = call->operation;
    if (operation == FOLD)
        return (output == VIEW_Y && input == VIEW_X) || (output == VIEW_FOLDED_BIAS && input == VIEW_BIAS);
    if (operation == SECOND_BACKWARD || operation == SECOND_BACKWARD_FROZEN)
        return false;
    return (output == VIEW_Y && (input == VIEW_X || input == VIEW_Z)) ||
           ((output == VIEW_DX || output == VIEW_DZ) && input == VIEW_DY && call_factor(call, output) == 0);
}

/* Calls what for each pair of views of which one is written; ends where it gives true. */
static bool any_pair(const struct arena *arena, bool (*what)(const struct arena *, enum view, enum view))
{
    for (enum view a = 0; a < VIEWS; a++)
        for (enum view b = 0; b < VIEWS; b++)
            if (a != b && arena->places[a].is_looked_at && arena->places[b].is_looked_at && arena->places[a].written &&
                what(arena, a, b))
                return true;
    return false;
}

static bool ranges_meet(const struct arena *arena, enum view a, enum view b)
{
    return arena->places[a].begin < end_of(&arena->places[b]) && arena->places[b].begin < end_of(&arena->places[a]);
}

static bool pair_is_wrong(const struct arena *arena, enum view a, enum view b)
{
    const struct call *call = &arena->source->call;
    const bool is_allowed = may_be(call, a, b) || (arena->places[b].written && may_be(call, b, a));
    return bytes_meet(arena, &arena->places[a], &arena->places[b]) &&
           !(is_allowed && same_places(&arena->places[a], &arena->places[b]));
}

bool arena_ranges_meet(const struct arena *arena)
{
    return any_pair(arena, ranges_meet);
}

cl_int arena_verdict(const struct arena *arena)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (arena->places[view].is_looked_at && !fits(arena, &arena->places[view]))
            return CLBN_BUFFER_TOO_SMALL;
    return any_pair(arena, pair_is_wrong) ? CLBN_INVALID_ALIAS : CLBN_SUCCESS;
}

/* ---- After the call ------------------------------------------------------------------------------------------------------- */

void arena_download(struct arena *arena)
{
    cl_int status = clEnqueueReadBuffer(in_order_queue(), arena->buffer, CL_TRUE, 0, arena->size, arena->after, 0, NULL, NULL);
    FUZZ_EXPECT(status == CL_SUCCESS, "download: %d", (int)status);
}

void arena_check_bytes(const struct arena *arena, bool called)
{
    unsigned char *marks = allocate(arena->size, 1);
    memset(marks, 0, arena->size);
    for (enum view view = 0; view < VIEWS && called; view++)
        if (arena->places[view].written && fits(arena, &arena->places[view]))
            mark(&arena->places[view], marks);
    for (size_t i = 0; i < arena->size; i++)
        FUZZ_EXPECT(marks[i] != 0 || arena->before[i] == arena->after[i], "%s: byte %zu of %zu has changed%s", what_is_tested(),
                    i, arena->size, called ? "" : ", though the call was refused");
    free(marks);
}

bool arena_has_values(const struct arena *arena)
{
    for (enum view view = 0; view < VIEWS; view++) {
        const struct arena_place *place = &arena->places[view];
        const struct guarded *guarded = &arena->source->views[view];
        for (size_t i = 0; place->is_looked_at && run_reads(arena->source, view) && i < place->count; i++) {
            const size_t at = guarded->view.offset + (guarded->positions != NULL ? guarded->positions[i] : i);
            if (memcmp(arena->before + position(place, i), guarded->initial + at * place->element, place->element) != 0)
                return false;
        }
    }
    return true;
}

void arena_give_outputs(const struct arena *arena, struct run *source)
{
    for (enum view view = 0; view < VIEWS; view++) {
        const struct arena_place *place = &arena->places[view];
        if (!place->present || !place->written)
            continue;
        double *values = allocate(place->count, sizeof *values);
        for (size_t i = 0; i < place->count; i++)
            values[i] = decode_element(source->views[view].type, arena->after + position(place, i));
        guarded_upload(&source->views[view], values);
        free(values);
    }
}

void arena_release(struct arena *arena)
{
    for (enum view view = 0; view < VIEWS; view++)
        free(arena->places[view].positions);
    clReleaseMemObject(arena->buffer);
    free(arena->before);
    free(arena->after);
}
