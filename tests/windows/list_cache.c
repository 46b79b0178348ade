/* SPDX-License-Identifier: MIT */
/* 'clbn cache' of the folder in CLBN_CACHE_DIR, also in a process that has no cache since the user has raised it, as Wine says of all. */
#include <clbn.h>
#include <stdio.h>
#include <stdlib.h>

static cl_int tell_folder(char *folder, size_t size)
{
    snprintf(folder, size, "%s", getenv("CLBN_CACHE_DIR"));
    return CLBN_SUCCESS;
}

#define clbnGetEngineInfo(engine, name, size, value, returned) tell_folder(value, size)
#include "command_cache.c"

int main(int argc, char **argv)
{
    return command_cache(argc, argv);
}
