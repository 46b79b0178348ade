/* SPDX-License-Identifier: MIT */
/* What the disk cache calls in place of the C library (ld's --wrap). */
#define _XOPEN_SOURCE 700
#include "interpose_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static unsigned long calls_until_failure;
static int armed_error;
static const char *failed_function;
static size_t most_bytes;
static bool interrupted_last, is_cut;
static bool free_is_pretended;
static unsigned long long free_bytes, free_files;

void fail_file_call(unsigned long number, int error)
{
    calls_until_failure = number;
    armed_error = error;
    failed_function = NULL;
}

const char *stop_failing_files(void)
{
    calls_until_failure = 0;
    return failed_function;
}

void interrupt_transfers(size_t bytes)
{
    most_bytes = bytes;
}

void cut_files(bool cut)
{
    is_cut = cut;
}

void pretend_free(bool pretended, unsigned long long bytes, unsigned long long files)
{
    free_is_pretended = pretended;
    free_bytes = bytes;
    free_files = files;
}

static bool fails(const char *function)
{
    if (calls_until_failure == 0 || --calls_until_failure > 0)
        return false;
    failed_function = function;
    errno = armed_error;
    return true;
}

/* Whether a transfer is interrupted; else how much of it may be done. */
static bool is_interrupted(size_t *size)
{
    if (most_bytes == 0)
        return false;
    interrupted_last = !interrupted_last;
    errno = EINTR;
    *size = *size < most_bytes ? *size : most_bytes;
    return interrupted_last;
}

/* type name(parameters), which gives value when it fails. */
#define WRAP(type, name, parameters, arguments, value)                                                                         \
    type __real_##name parameters;                                                                                             \
    type __wrap_##name parameters;                                                                                             \
    type __wrap_##name parameters                                                                                              \
    {                                                                                                                          \
        return fails(#name) ? (value) : __real_##name arguments;                                                               \
    }

WRAP(int, fsync, (int file), (file), -1)
WRAP(int, fstat, (int file, struct stat *about), (file, about), -1)
WRAP(int, fstatat, (int folder, const char *name, struct stat *about, int flags), (folder, name, about, flags), -1)
WRAP(int, faccessat, (int folder, const char *name, int mode, int flags), (folder, name, mode, flags), -1)
WRAP(int, renameat, (int from, const char *name, int to, const char *other), (from, name, to, other), -1)
WRAP(int, unlinkat, (int folder, const char *name, int flags), (folder, name, flags), -1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
WRAP(DIR *, fdopendir, (int folder), (folder), NULL)
WRAP(void *, malloc, (size_t size), (size), NULL)

int __real_getrlimit(int what, struct rlimit *limit);
int __wrap_getrlimit(int what, struct rlimit *limit);
int __wrap_getrlimit(int what, struct rlimit *limit)
{
    return fails("getrlimit") ? -1 : __real_getrlimit(what, limit);
}

/* A file is closed, also where that is told as a failure. */
int __real_close(int file);
int __wrap_close(int file);
int __wrap_close(int file)
{
    int failed = __real_close(file);
    return fails("close") ? -1 : failed;
}

static mode_t mode_after(int flags, va_list list)
{
    return (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_after(flags, list);
    va_end(list);
    return fails("open") ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_after(flags, list);
    va_end(list);
    return fails("openat") ? -1 : __real_openat(folder, name, flags, mode);
}

ssize_t __real_read(int file, void *bytes, size_t size);
ssize_t __wrap_read(int file, void *bytes, size_t size);
ssize_t __wrap_read(int file, void *bytes, size_t size)
{
    if (fails("read") || is_interrupted(&size))
        return -1;
    return is_cut ? 0 : __real_read(file, bytes, size);
}

ssize_t __real_write(int file, const void *bytes, size_t size);
ssize_t __wrap_write(int file, const void *bytes, size_t size);
ssize_t __wrap_write(int file, const void *bytes, size_t size)
{
    if (fails("write") || is_interrupted(&size))
        return -1;
    return __real_write(file, bytes, size);
}

int __real_fstatvfs(int file, struct statvfs *disk);
int __wrap_fstatvfs(int file, struct statvfs *disk);
int __wrap_fstatvfs(int file, struct statvfs *disk)
{
    if (fails("fstatvfs"))
        return -1;
    int failed = __real_fstatvfs(file, disk);
    if (free_is_pretended) {
        disk->f_bavail = (fsblkcnt_t)(free_bytes / disk->f_frsize);
        disk->f_favail = (fsfilcnt_t)free_files;
        disk->f_blocks = disk->f_files = 1;
    }
    return failed;
}
