/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "program/cache_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

static bool is_absolute(const char *path)
{
    return path && path[0] == '/';
}

bool bn_choose_cache_folder(const struct cache_variables *variables, char *path, size_t size)
{
    int length = -1;
    if (variables->clbn_cache_dir) {
        if (is_absolute(variables->clbn_cache_dir))
            length = snprintf(path, size, "%s", variables->clbn_cache_dir);
    } else if (is_absolute(variables->xdg_cache_home))
        length = snprintf(path, size, "%s/clbn", variables->xdg_cache_home);
    else if (is_absolute(variables->home))
        length = snprintf(path, size, "%s/.cache/clbn", variables->home);
    return length > 0 && (size_t)length < size;
}

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

bool bn_cache_is_on(void)
{
    char path[BN_CACHE_PATH_SIZE];
    return bn_find_cache_folder(path, sizeof(path));
}

static bool is_own(int descriptor, mode_t type, struct stat *about)
{
    return fstat(descriptor, about) == 0 && (about->st_mode & S_IFMT) == type && about->st_uid == geteuid() &&
           !(about->st_mode & (S_IWGRP | S_IWOTH));
}

bool bn_is_own_file(int descriptor, size_t *size)
{
    struct stat about;
    if (!is_own(descriptor, S_IFREG, &about) || about.st_size < 0 || (uintmax_t)about.st_size > SIZE_MAX)
        return false;
    *size = (size_t)about.st_size;
    return true;
}

bool bn_is_own_folder(int descriptor)
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

int bn_open_cache_folder(bool create)
{
    char path[BN_CACHE_PATH_SIZE];
    if (!bn_find_cache_folder(path, sizeof(path)))
        return -1;
    int folder = open_folder(path);
    if (folder < 0 && create && errno == ENOENT) {
        create_folders(path);
        folder = open_folder(path);
    }
    if (folder >= 0 && !bn_is_own_folder(folder)) {
        close(folder);
        return -1;
    }
    return folder;
}
