/* SPDX-License-Identifier: MIT */
#include "program/tuning.h"

#include "base/hash.h"
#include "program/disk_cache.h"

#include <stdlib.h>
#include <string.h>

/* The word that entries' names begin with. */
#define KIND "tuned"

/* The most problems of a program: searching so many takes microseconds. */
enum { MAX_TUNED = 1024 };

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return bn_hash(hash, &number, sizeof(number));
}

static uint64_t hash_layout(uint64_t hash, const struct layout *layout, unsigned axes)
{
    hash = hash_number(hash, layout->alignment);
    return bn_hash(hash, layout->strides, axes * sizeof(layout->strides[0]));
}

uint64_t bn_hash_problem(const struct problem *problem)
{
    const struct device_facts *facts = problem->facts;
    const struct shape *shape = problem->shape;
    const unsigned axes = shape->row_axes + shape->channel_axes;
    uint64_t hash = hash_number(BN_HASH_START, problem->engine_flags);
    hash = hash_number(hash, facts->compute_units);
    hash = hash_number(hash, facts->cache_size);
    hash = hash_number(hash, shape->outer);
    hash = hash_number(hash, shape->channels);
    hash = hash_number(hash, shape->inner);
    hash = bn_hash(hash, shape->lengths, axes * sizeof(shape->lengths[0]));
    for (enum tensor t = 0; t < TENSORS; t++)
        hash = hash_layout(hash, &shape->layouts[t], axes);
    return hash;
}

uint64_t bn_hash_pass(uint64_t problem, enum pass pass)
{
    return hash_number(problem, pass);
}

static struct tuned *find(const struct tuning *tuning, uint64_t problem)
{
    for (size_t i = 0; i < tuning->count; i++)
        if (tuning->entries[i].problem == problem)
            return &tuning->entries[i];
    return NULL;
}

const struct choices *bn_find_tuned(const struct tuning *tuning, uint64_t problem)
{
    const struct tuned *tuned = find(tuning, problem);
    return tuned ? &tuned->choices : NULL;
}

bool bn_add_tuned(struct tuning *tuning, const struct tuned *tuned)
{
    struct tuned *known = find(tuning, tuned->problem);
    if (known) {
        *known = *tuned;
        return true;
    }
    const size_t forgotten = tuning->count == MAX_TUNED ? 1 : 0;
    const size_t kept = tuning->count - forgotten;
    struct tuned *entries = calloc(kept + 1, sizeof(*entries));
    if (!entries)
        return false;
    if (kept > 0)
        memcpy(entries, tuning->entries + forgotten, kept * sizeof(*entries));
    entries[kept] = *tuned;
    free(tuning->entries);
    tuning->entries = entries;
    tuning->count = kept + 1;
    return true;
}

void bn_load_tuning(struct tuning *tuning, const char *program_key)
{
    void *data = NULL;
    size_t size = 0;
    bn_clear_tuning(tuning);
    if (!program_key || !bn_cache_read(KIND, program_key, strlen(program_key), &data, &size))
        return;
    if (size % sizeof(struct tuned) != 0 || size / sizeof(struct tuned) > MAX_TUNED) {
        free(data);
        return;
    }
    tuning->entries = data;
    tuning->count = size / sizeof(struct tuned);
}

bool bn_store_tuned(const char *program_key, const struct tuned *tuned, size_t count)
{
    struct tuning all = { NULL, 0 };
    bool stored = program_key != NULL;
    bn_load_tuning(&all, program_key);
    for (size_t i = 0; i < count && stored; i++)
        stored = bn_add_tuned(&all, &tuned[i]);
    stored = stored && bn_cache_write(KIND, program_key, strlen(program_key), all.entries, all.count * sizeof(*all.entries));
    bn_clear_tuning(&all);
    return stored;
}

void bn_clear_tuning(struct tuning *tuning)
{
    free(tuning->entries);
    tuning->entries = NULL;
    tuning->count = 0;
}
