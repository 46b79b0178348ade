/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "bench/cache.h"

#include "system/environment.h"
#include "system/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool bench_cache_open(struct bench_cache *cache, struct failure *failure)
{
    const char *environment = getenv("CLBN_CACHE_DIR");

    cache->environment = environment != NULL ? strdup(environment) : NULL;
    if (environment != NULL && cache->environment == NULL)
        return fail(failure, "there is no memory for the benchmark's cache");
    if (!folder_make_temporary("clbn-bench", cache->folder, sizeof(cache->folder))) {
        fail(failure, "cannot create the folder '%s': %s", cache->folder, strerror(errno));
        free(cache->environment);
        return false;
    }
    environment_set("CLBN_CACHE_DIR", "");
    return true;
}

void bench_cache_turn_on(const struct bench_cache *cache)
{
    environment_set("CLBN_CACHE_DIR", cache->folder);
}

void bench_cache_close(struct bench_cache *cache)
{
    struct folder folder;

    environment_set("CLBN_CACHE_DIR", cache->environment);
    free(cache->environment);
    if (folder_open(&folder, cache->folder)) {
        for (const char *name = folder_next(&folder); name != NULL; name = folder_next(&folder))
            folder_remove(&folder, name);
        folder_close(&folder);
    }
    rmdir(cache->folder);
}
