/* SPDX-License-Identifier: MIT */
/*
 * Files of the disk cache's folder, by their names: what systems do differently. cache_files_posix.c and cache_files_windows.c have it.
 *
 * Any number of threads and processes may read and write at once: a file is complete when it gets its name. What stands under a
 * name that is no file of this user's, or that others may write to, is not there for these functions.
 */
#ifndef CLBN_CACHE_FILES_H
#define CLBN_CACHE_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of a file of at most so many, for the caller to free, and their number; NULL if there is none, or it cannot be read. */
unsigned char *bn_read_cache_file(const char *name, size_t most, size_t *size);

/* Whether a file of so many bytes can be written, as far as that can be told. Creates the folder. */
bool bn_cache_has_room(size_t size);

struct file_part {
    const void *bytes;
    size_t size;
};

/* Writes the parts, one after the other, in the place of the file of that name; false if that failed, and then it is as it was. Creates
 * the folder, and removes files of writers that died. The sizes' sum is a size_t. */
bool bn_write_cache_file(const char *name, const struct file_part *parts, size_t count);

void bn_delete_cache_file(const char *name);

#endif
