/* SPDX-License-Identifier: MIT */
/*
 * What was measured to be best, for the problems of one program: remembered in memory, and in the disk cache for later engines
 * and processes. Choices that come from there are numbers of whoever wrote the file: bn_make_chosen_schedule() checks them.
 */
#ifndef CLBN_TUNING_H
#define CLBN_TUNING_H

#include "schedule/candidates.h"

#include <stdint.h>

/* The hash is of all that candidates depend on. If two passes had the same hash, one would only be slower. */
struct tuned {
    uint64_t problem; /* of bn_hash_pass() */
    struct choices choices;
};

/* All zero: empty. */
struct tuning {
    struct tuned *entries;
    size_t count;
};

uint64_t bn_hash_problem(const struct problem *problem);
uint64_t bn_hash_pass(uint64_t problem, enum pass pass);

/* NULL if nothing is known of the problem. */
const struct choices *bn_find_tuned(const struct tuning *tuning, uint64_t problem);

/* Replaces what was known of the problem. A full list forgets its oldest. False if there is no memory. */
bool bn_add_tuned(struct tuning *tuning, const struct tuned *tuned);

/* Reads what is on disk under the key of a program; nothing if that fails. Takes a NULL key. */
void bn_load_tuning(struct tuning *tuning, const char *program_key);

/* Adds count entries to the file. If two processes do that at the same moment, one's may be lost. False if writing failed. Takes a
 * NULL key. */
bool bn_store_tuned(const char *program_key, const struct tuned *tuned, size_t count);

void bn_clear_tuning(struct tuning *tuning);

#endif
