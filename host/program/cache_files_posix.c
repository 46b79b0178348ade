/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "program/cache_files.h"

#include "program/cache_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

/* Names of files that are being written begin so. After so many seconds their writer must have died. */
#define TEMPORARY      "temporary-"
#define TEMPORARY_LIFE 3600

enum { NAME_SIZE = 128, TEMPORARY_ATTEMPTS = 100 };

/* ---- The folder ----------------------------------------------------------------------------------------------------------- */

/* A program that runs with more rights than its caller, by its owner or by capabilities of its file, must not load programs from where
 * the caller's environment says, nor write there. */
static bool has_borrowed_rights(void)
{
#ifdef __linux__
    if (getauxval(AT_SECURE) != 0)
        return true;
#endif
    return getuid() != geteuid() || getgid() != getegid();
}

bool bn_find_cache_folder(char *path, size_t size)
{
    const struct cache_variables variables = { getenv("CLBN_CACHE_DIR"), getenv("XDG_CACHE_HOME"), getenv("HOME") };
    return !has_borrowed_rights() && bn_choose_cache_folder(&variables, path, size);
}

/* Of a file or folder, as asked for: whether it is this user's, and nobody else may write to it. */
static bool is_own(int descriptor, mode_t type, struct stat *about)
{
    return fstat(descriptor, about) == 0 && (about->st_mode & S_IFMT) == type && about->st_uid == geteuid() &&
           !(about->st_mode & (S_IWGRP | S_IWOTH));
}

static bool is_own_file(int descriptor, size_t *size)
{
    struct stat about;
    if (!is_own(descriptor, S_IFREG, &about) || about.st_size < 0 || (uintmax_t)about.st_size > SIZE_MAX)
        return false;
    *size = (size_t)about.st_size;
    return true;
}

static bool is_own_folder(int descriptor)
{
    struct stat about;
    return is_own(descriptor, S_IFDIR, &about);
}

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Creates the missing folders of a path. If that fails, opening it fails, too. */
static void create_folders(char *path)
{
    for (char *c = path + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        mkdir(path, S_IRWXU);
        *c = '/';
    }
    mkdir(path, S_IRWXU);
}

/* A descriptor of the environment's folder, or -1: there is none, or it is another user's, or others may write to it. Creates the folder
 * and its parents, for this user alone, if that is wanted. */
static int open_cache_folder(bool create)
{
    char path[BN_CACHE_PATH_SIZE];
    if (!bn_find_cache_folder(path, sizeof(path)))
        return -1;
    int folder = open_folder(path);
    if (folder < 0 && create && errno == ENOENT) {
        create_folders(path);
        folder = open_folder(path);
    }
    if (folder >= 0 && !is_own_folder(folder)) {
        close(folder);
        return -1;
    }
    return folder;
}

/* ---- Reading -------------------------------------------------------------------------------------------------------------- */

static bool read_all(int file, unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = read(file, bytes, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

/* The bytes of a file of the user's, for the caller to free. */
static unsigned char *read_file(int file, size_t most, size_t *size)
{
    if (!is_own_file(file, size) || *size > most)
        return NULL;
    unsigned char *content = malloc(*size > 0 ? *size : 1);
    if (content && !read_all(file, content, *size)) {
        free(content);
        return NULL;
    }
    return content;
}

unsigned char *bn_read_cache_file(const char *name, size_t most, size_t *size)
{
    int folder = open_cache_folder(false);
    if (folder < 0)
        return NULL;
    /* O_NONBLOCK: a pipe of that name must not make the call wait. */
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    close(folder);
    if (file < 0)
        return NULL;
    unsigned char *content = read_file(file, most, size);
    close(file);
    return content;
}

/* ---- Writing -------------------------------------------------------------------------------------------------------------- */

/* A file system that does not know its size says that it has no blocks, or no files. */
static bool has_room(int folder, uint64_t size)
{
    struct statvfs disk;
    if (fstatvfs(folder, &disk) != 0)
        return false;
    const uint64_t block = disk.f_frsize > 0 ? disk.f_frsize : disk.f_bsize;
    return (disk.f_blocks == 0 || disk.f_bavail >= size / (block > 0 ? block : 1)) && (disk.f_files == 0 || disk.f_favail > 0);
}

/* A process that writes more than RLIMIT_FSIZE is killed. */
static bool may_write(size_t size)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur);
}

bool bn_cache_has_room(size_t size)
{
    int folder = may_write(size) ? open_cache_folder(true) : -1;
    if (folder < 0)
        return false;
    bool writable = faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == 0 && has_room(folder, size);
    close(folder);
    return writable;
}

static bool write_all(int file, const void *bytes, size_t size)
{
    const unsigned char *rest = bytes;
    while (size > 0) {
        ssize_t count = write(file, rest, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        rest += count;
        size -= (size_t)count;
    }
    return true;
}

static bool is_left(int folder, const char *name, time_t now)
{
    struct stat about;
    return strncmp(name, TEMPORARY, strlen(TEMPORARY)) == 0 && fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
           (about.st_mtime < now - TEMPORARY_LIFE || about.st_mtime > now + TEMPORARY_LIFE);
}

/* Deletes files of writers that died. */
static void delete_left(int folder)
{
    const time_t now = time(NULL);
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = again >= 0 ? fdopendir(again) : NULL;
    if (!names && again >= 0)
        close(again);
    if (!names)
        return;
    for (struct dirent *entry = readdir(names); entry; entry = readdir(names))
        if (is_left(folder, entry->d_name, now))
            unlinkat(folder, entry->d_name, 0);
    closedir(names);
}

/* Creates a file that no other call writes: its name has the process, the time, and a number that is new in each call. Where two
 * machines share the folder and still agree in all that, the next number is tried. */
static int create_temporary(int folder, char name[NAME_SIZE])
{
    static unsigned next;
    struct timespec now = { 0, 0 };
    clock_gettime(CLOCK_REALTIME, &now);
    for (int attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        unsigned number = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
        snprintf(name, NAME_SIZE, TEMPORARY "%ld-%lld%09ld-%u", (long)getpid(), (long long)now.tv_sec, now.tv_nsec, number);
        int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (file >= 0 || errno != EEXIST)
            return file;
    }
    return -1;
}

static bool write_parts(int file, const struct file_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!write_all(file, parts[i].bytes, parts[i].size))
            return false;
    return fsync(file) == 0;
}

/* Readers find the whole file under its name, or the one before, even if the machine crashes meanwhile. */
static bool write_file(int folder, const char *name, const struct file_part *parts, size_t count)
{
    char temporary[NAME_SIZE];
    int file = create_temporary(folder, temporary);
    if (file < 0)
        return false;
    bool written = write_parts(file, parts, count);
    written = close(file) == 0 && written;
    if (written && renameat(folder, temporary, folder, name) == 0)
        return true;
    unlinkat(folder, temporary, 0);
    return false;
}

bool bn_write_cache_file(const char *name, const struct file_part *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    int folder = may_write(size) ? open_cache_folder(true) : -1;
    if (folder < 0)
        return false;
    delete_left(folder);
    bool written = write_file(folder, name, parts, count);
    close(folder);
    return written;
}

void bn_delete_cache_file(const char *name)
{
    int folder = open_cache_folder(false);
    if (folder < 0)
        return;
    unlinkat(folder, name, 0);
    close(folder);
}
