/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700 /* realpath() */

#include "system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

size_t file_folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

bool file_same_name(const char *one, const char *other)
{
    return strcmp(one, other) == 0;
}

bool file_look(const char *path, struct file_state *state)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return false;
    *state = (struct file_state){ S_ISREG(status.st_mode), status.st_mode & 0777, status.st_dev, status.st_ino };
    return true;
}

bool file_same(const struct file_state *one, const struct file_state *other)
{
    return one->device == other->device && one->number == other->number;
}

bool file_name_is_taken(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

bool file_is_writable(const char *path, const struct file_state *state)
{
    return (state->permissions & 0222) != 0 && access(path, W_OK) == 0;
}

char *file_real_path(const char *path)
{
    return realpath(path, NULL);
}

int file_open(const char *path)
{
    return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

int file_create(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)0666);
}

bool file_permit(int descriptor, const struct file_state *like)
{
    return fchmod(descriptor, (mode_t)like->permissions) == 0;
}

bool file_sync(int descriptor)
{
    return fsync(descriptor) == 0;
}

bool file_link(const char *path, const char *new_path)
{
    return link(path, new_path) == 0;
}

bool file_rename(const char *path, const char *new_path)
{
    return rename(path, new_path) == 0;
}

bool file_writer_is_gone(long process)
{
    return kill((pid_t)process, 0) != 0 && errno == ESRCH;
}
