/* SPDX-License-Identifier: MIT */
/* Folders and what lies in them. Where a function fails, errno says why. */
#ifndef CLBN_TOOL_FOLDER_H
#define CLBN_TOOL_FOLDER_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct folder {
    DIR *listing;
    const char *path; /* must live as long; "": the current folder */
};

struct folder_file {
    uintmax_t size; /* bytes */
    time_t written;
};

bool folder_open(struct folder *folder, const char *path);

/* The names one after the other, in any order; NULL at the end. */
const char *folder_next(struct folder *folder);

/* Whether a regular file has that name, and no link to one. */
bool folder_has_file(const struct folder *folder, const char *name, struct folder_file *file);

bool folder_remove(const struct folder *folder, const char *name);

void folder_close(struct folder *folder);

/* Also where the folder is there already. */
bool folder_make(const char *path);

/* Makes a new folder for this user alone, whose name begins as given, and writes its path; it is left in the path on failure, too. */
bool folder_make_temporary(const char *name, char *path, size_t size);

#endif
