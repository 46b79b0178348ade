/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static char folder[PATH_SIZE];

void fuzz_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

static void remove_folder(void)
{
    DIR *names = opendir(folder);
    for (struct dirent *entry = names != NULL ? readdir(names) : NULL; entry != NULL; entry = readdir(names))
        unlinkat(dirfd(names), entry->d_name, 0);
    if (names != NULL)
        closedir(names);
    rmdir(folder);
}

const char *fuzz_folder(void)
{
    const char *place = getenv("TMPDIR");
    if (folder[0] != '\0')
        return folder;
    snprintf(folder, sizeof folder, "%s/clbn-fuzz-XXXXXX", place != NULL && place[0] == '/' ? place : "/tmp");
    FUZZ_EXPECT(mkdtemp(folder) != NULL, "no folder %s", folder);
    atexit(remove_folder);
    return folder;
}

const char *fuzz_path(const char *name)
{
    static char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    return path;
}

void fuzz_write(const char *path, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FUZZ_EXPECT(file >= 0 && write(file, bytes, size) == (ssize_t)size, "%s cannot be written", path);
    close(file);
}

void fuzz_touch(const void *bytes, size_t size)
{
    static volatile unsigned char sum;
    for (size_t i = 0; i < size; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)bytes)[i]);
}

unsigned fuzz_below(struct fuzz_bytes *bytes, unsigned count)
{
    return bytes->next < bytes->end ? *bytes->next++ % count : 0;
}

uint64_t fuzz_number(struct fuzz_bytes *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | fuzz_below(bytes, 256);
    return number;
}
