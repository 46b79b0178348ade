/* SPDX-License-Identifier: MIT */
/* One buffer that all views of a call lie in, anywhere, and a model of its bytes. */
#ifndef CLBN_FUZZ_ARENA_H
#define CLBN_FUZZ_ARENA_H

#include "fuzz.h"
#include "run.h"

struct arena_place {
    bool present, written;
    bool is_looked_at;            /* else the call has no need of it */
    size_t element, count, begin; /* of an element and of the first, in bytes */
    size_t *positions;            /* of elements, from the first; NULL: one after another */
};

struct arena {
    struct run *source; /* the same call in memory of its own, not made */
    cl_mem buffer;
    size_t size;
    unsigned char *before, *after;
    struct arena_place places[VIEWS];
};

/* Places the views by the input's bytes, side by side, in each other's gaps, over each other, or beyond the end, and writes the
 * values of what the call reads; all else is poison. */
void arena_create(struct arena *arena, struct run *source, struct fuzz_bytes *bytes);
clbn_view arena_view(const struct arena *arena, enum view view);

/* What the call is to give: CLBN_SUCCESS, CLBN_BUFFER_TOO_SMALL or CLBN_INVALID_ALIAS. */
cl_int arena_verdict(const struct arena *arena);
/* Whether a written view begins before another one ends, and ends after it begins: then their elements may be taken to meet. */
bool arena_ranges_meet(const struct arena *arena);

void arena_download(struct arena *arena);
/* Bytes that no output has are as they were; without a call all are. */
void arena_check_bytes(const struct arena *arena, bool called);
/* Whether what the call read was what the reference computes with: no input lay over another one's different values. */
bool arena_has_values(const struct arena *arena);
/* Writes what the call gave into the source's memory. */
void arena_give_outputs(const struct arena *arena, struct run *source);
void arena_release(struct arena *arena);

#endif
