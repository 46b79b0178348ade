/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "system/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder_has_file(const struct folder *folder, const char *name, struct folder_file *file)
{
    struct stat status;

    if (fstatat(dirfd(folder->listing), name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return false;
    *file = (struct folder_file){ (uintmax_t)status.st_size, status.st_mtime };
    return true;
}

bool folder_remove(const struct folder *folder, const char *name)
{
    return unlinkat(dirfd(folder->listing), name, 0) == 0;
}

bool folder_make(const char *path)
{
    struct stat status;

    return mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode));
}

bool folder_make_temporary(const char *name, char *path, size_t size)
{
    const char *place = getenv("TMPDIR");

    snprintf(path, size, "%s/%s-XXXXXX", place != NULL && place[0] == '/' ? place : "/tmp", name);
    return mkdtemp(path) != NULL;
}
