/* SPDX-License-Identifier: MIT */
/* The disk cache: bytes by key, in files of their own. Whatever is wrong with it, a read is a miss and a write does nothing.
 *
 * Any number of threads and processes may read and write at once: a file is complete when it gets its name. Entries are
 * never deleted, since there are few: three for each kind of program, device and driver. Deleting files, or all of the folder,
 * is safe. */
#ifndef CLBN_DISK_CACHE_H
#define CLBN_DISK_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* Looks up what was last written under a key. kind: a short word that begins the file's name. The caller frees *data. False
 * for a miss; nothing is set then. */
bool bn_cache_read(const char *kind, const void *key, size_t key_size, void **data, size_t *size);

/* Whether there is room for a large entry: asked before the work of making one. Creates the folder. */
bool bn_cache_is_writable(void);

/* Replaces the entry of a key. False if that failed. Removes files of writers that died. */
bool bn_cache_write(const char *kind, const void *key, size_t key_size, const void *data, size_t size);

/* Deletes the entry of a key. */
void bn_cache_delete(const char *kind, const void *key, size_t key_size);

#endif
