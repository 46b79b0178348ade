/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "bench/cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NULL: the variable is not set. */
static void set_cache_variable(const char *value)
{
    if (value != NULL)
        setenv("CLBN_CACHE_DIR", value, 1);
    else
        unsetenv("CLBN_CACHE_DIR");
}

bool bench_cache_open(struct bench_cache *cache, struct failure *failure)
{
    const char *environment = getenv("CLBN_CACHE_DIR");
    const char *place = getenv("TMPDIR");

    cache->environment = environment != NULL ? strdup(environment) : NULL;
    if (environment != NULL && cache->environment == NULL)
        return fail(failure, "there is no memory for the benchmark's cache");
    snprintf(cache->folder, sizeof(cache->folder), "%s/clbn-bench-XXXXXX", place != NULL && place[0] == '/' ? place : "/tmp");
    if (mkdtemp(cache->folder) == NULL) {
        fail(failure, "cannot create the folder '%s': %s", cache->folder, strerror(errno));
        free(cache->environment);
        return false;
    }
    set_cache_variable("");
    return true;
}

void bench_cache_turn_on(const struct bench_cache *cache)
{
    set_cache_variable(cache->folder);
}

void bench_cache_close(struct bench_cache *cache)
{
    DIR *folder = opendir(cache->folder);

    set_cache_variable(cache->environment);
    free(cache->environment);
    for (struct dirent *entry = folder != NULL ? readdir(folder) : NULL; entry != NULL; entry = readdir(folder))
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
    rmdir(cache->folder);
}
