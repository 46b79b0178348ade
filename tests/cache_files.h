/* SPDX-License-Identifier: MIT */
/* A cache folder of a test's own, and what is in it. */
#ifndef CLBN_TESTS_CACHE_FILES_H
#define CLBN_TESTS_CACHE_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Creates an empty folder and makes CLBN_CACHE_DIR name a folder in it, which is not there yet. */
void cache_files_open(void);
/* Deletes the folder with all that is in it. CLBN_CACHE_DIR is empty again. */
void cache_files_close(void);

/* The folder that CLBN_CACHE_DIR names, or a file in it; good until the next call. */
const char *cache_folder(void);
const char *cache_path(const char *name);

/* The number of files in the folder, 0 if it is not there; and the path of the only one: the test fails if it is not alone. */
int count_cache_files(void);
const char *only_cache_file(void);
/* The same of the entries of one kind, whatever else is there. */
int count_entries(const char *kind);
const char *only_entry(const char *kind);

struct bytes {
    unsigned char *bytes; /* to be freed */
    size_t size;
};

struct bytes read_bytes(const char *path);
void write_bytes(const char *path, const void *bytes, size_t size);

#endif
