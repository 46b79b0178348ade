/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE 700 /* mkdtemp(), nftw() */
#include "cache_files.h"

#include "allocate.h"

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 1024 };

static char outer[PATH_SIZE];

void cache_files_open(void)
{
    const char *place = getenv("TMPDIR");
    snprintf(outer, sizeof outer, "%s/clbn-test-XXXXXX", place != NULL && place[0] == '/' ? place : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(outer));
    ck_assert_int_eq(setenv("CLBN_CACHE_DIR", cache_folder(), 1), 0);
}

static int delete_file(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about, (void)kind, (void)place;
    return remove(path);
}

void cache_files_close(void)
{
    setenv("CLBN_CACHE_DIR", "", 1);
    if (outer[0] != '\0')
        nftw(outer, delete_file, 16, FTW_DEPTH | FTW_PHYS);
    outer[0] = '\0';
}

const char *cache_folder(void)
{
    static char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/parent/cache", outer);
    return path;
}

const char *cache_path(const char *name)
{
    static char path[3 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", cache_folder(), name);
    return path;
}

/* Counts the files whose names begin so, and keeps the name of one. */
static int look_for_files(const char *prefix, char name[PATH_SIZE])
{
    int count = 0;
    DIR *folder = opendir(cache_folder());
    for (struct dirent *entry = folder != NULL ? readdir(folder) : NULL; entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(name, PATH_SIZE, "%s", entry->d_name);
        count++;
    }
    if (folder != NULL)
        closedir(folder);
    return count;
}

int count_entries(const char *kind)
{
    char name[PATH_SIZE];
    return look_for_files(kind, name);
}

const char *only_entry(const char *kind)
{
    char name[PATH_SIZE];
    ck_assert_int_eq(look_for_files(kind, name), 1);
    return cache_path(name);
}

int count_cache_files(void)
{
    return count_entries("");
}

const char *only_cache_file(void)
{
    return only_entry("");
}

struct bytes read_bytes(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be read", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    struct bytes content = { NULL, (size_t)ftell(file) };
    content.bytes = allocate(content.size, 1);
    rewind(file);
    ck_assert_uint_eq(fread(content.bytes, 1, content.size, file), content.size);
    fclose(file);
    return content;
}

void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s cannot be written", path);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}
