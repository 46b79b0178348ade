/* SPDX-License-Identifier: MIT */
/* The folder of the disk cache: where it is. */
#ifndef CLBN_CACHE_FOLDER_H
#define CLBN_CACHE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* No path is longer, with the final zero. */
#define BN_CACHE_PATH_SIZE 4096

/* The environment: the values of CLBN_CACHE_DIR, XDG_CACHE_HOME and HOME, NULL where there is none. */
struct cache_variables {
    const char *clbn_cache_dir;
    const char *xdg_cache_home;
    const char *home;
};

/* Pure: writes the folder's path; false if there is to be no cache, or the path does not fit. It is $CLBN_CACHE_DIR where
 * that is set, and none if that is empty or relative: nothing is written where nobody has asked for it. Else it is
 * $XDG_CACHE_HOME/clbn, else $HOME/.cache/clbn; of these, relative and empty ones count as not set, as the XDG Base
 * Directory Specification has it. */
bool bn_choose_cache_folder(const struct cache_variables *variables, char *path, size_t size);

/* The folder that the environment names, which need not be there; false if there is to be no cache. On Windows it is %CLBN_CACHE_DIR%,
 * by the same rule, or %LOCALAPPDATA%\clbn; the path is UTF-8. A process that has more rights than its caller has no cache. What systems
 * do differently stands in cache_files_posix.c and cache_files_windows.c. */
bool bn_find_cache_folder(char *path, size_t size);
bool bn_cache_is_on(void);

#endif
