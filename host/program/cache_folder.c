/* SPDX-License-Identifier: MIT */
#include "program/cache_folder.h"

#include <stdio.h>

static bool is_absolute(const char *path)
{
    return path && path[0] == '/';
}

bool bn_choose_cache_folder(const struct cache_variables *variables, char *path, size_t size)
{
    int length = -1;
    if (variables->clbn_cache_dir) {
        if (is_absolute(variables->clbn_cache_dir))
            length = snprintf(path, size, "%s", variables->clbn_cache_dir);
    } else if (is_absolute(variables->xdg_cache_home))
        length = snprintf(path, size, "%s/clbn", variables->xdg_cache_home);
    else if (is_absolute(variables->home))
        length = snprintf(path, size, "%s/.cache/clbn", variables->home);
    return length > 0 && (size_t)length < size;
}

bool bn_cache_is_on(void)
{
    char path[BN_CACHE_PATH_SIZE];
    return bn_find_cache_folder(path, sizeof(path));
}
