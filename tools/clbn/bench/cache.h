/* SPDX-License-Identifier: MIT */
/* The library's disk cache while its use is timed: off, or in a folder of the benchmark's own. */
#ifndef CLBN_TOOL_BENCH_CACHE_H
#define CLBN_TOOL_BENCH_CACHE_H

#include "io/failure.h"

#include <stdbool.h>

struct bench_cache {
    char folder[512];
    char *environment; /* what CLBN_CACHE_DIR was, NULL for nothing */
};

/* Creates an empty folder; the cache is off. To be closed if it succeeds. */
bool bench_cache_open(struct bench_cache *cache, struct failure *failure);

/* From now on the cache is in that folder. */
void bench_cache_turn_on(const struct bench_cache *cache);

/* The user's cache is used again, and the folder is deleted. */
void bench_cache_close(struct bench_cache *cache);

#endif
