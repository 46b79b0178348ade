/* SPDX-License-Identifier: MIT */
/* What MinGW has of POSIX. */
#define _POSIX_C_SOURCE 200809L

#include "system/folder.h"

bool folder_open(struct folder *folder, const char *path)
{
    folder->path = path;
    folder->listing = opendir(path[0] != '\0' ? path : ".");
    return folder->listing != NULL;
}

const char *folder_next(struct folder *folder)
{
    const struct dirent *entry = readdir(folder->listing);

    return entry != NULL ? entry->d_name : NULL;
}

void folder_close(struct folder *folder)
{
    closedir(folder->listing);
}
