/* SPDX-License-Identifier: MIT */
#include "system/folder.h"

#include "system/windows_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { PATH_SIZE = 4096, TEMPORARY_ATTEMPTS = 1000 };

/* Units of 100 ns from 1601 to 1970, as FILETIME counts them. */
#define EPOCH UINT64_C(116444736000000000)

static bool name_file(const struct folder *folder, const char *name, char path[PATH_SIZE])
{
    const size_t length = strlen(folder->path);
    const bool is_ended = length == 0 || strchr("/\\:", folder->path[length - 1]) != NULL;
    const int written = snprintf(path, PATH_SIZE, "%s%s%s", folder->path, is_ended ? "" : "\\", name);

    return written > 0 && written < PATH_SIZE;
}

bool folder_has_file(const struct folder *folder, const char *name, struct folder_file *file)
{
    const DWORD others = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
    char path[PATH_SIZE];
    WIN32_FILE_ATTRIBUTE_DATA about;
    uint64_t written;

    if (!name_file(folder, name, path) || !GetFileAttributesExA(path, GetFileExInfoStandard, &about) ||
        (about.dwFileAttributes & others) != 0)
        return false;
    written = (uint64_t)about.ftLastWriteTime.dwHighDateTime << 32 | about.ftLastWriteTime.dwLowDateTime;
    file->size = (uint64_t)about.nFileSizeHigh << 32 | about.nFileSizeLow;
    file->written = ((time_t)written - (time_t)EPOCH) / 10000000;
    return true;
}

bool folder_remove(const struct folder *folder, const char *name)
{
    char path[PATH_SIZE];

    if (name_file(folder, name, path) && DeleteFileA(path))
        return true;
    windows_set_errno();
    return false;
}

bool folder_make(const char *path)
{
    DWORD attributes;

    if (CreateDirectoryA(path, NULL))
        return true;
    windows_set_errno();
    attributes = errno == EEXIST ? GetFileAttributesA(path) : INVALID_FILE_ATTRIBUTES;
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* The user's folder for what is temporary is the user's alone. */
bool folder_make_temporary(const char *name, char *path, size_t size)
{
    char place[MAX_PATH + 1];

    path[0] = '\0';
    if (GetTempPathA(sizeof(place), place) == 0) {
        windows_set_errno();
        return false;
    }
    for (int attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        snprintf(path, size, "%s%s-%lu-%d", place, name, GetCurrentProcessId(), attempt);
        if (CreateDirectoryA(path, NULL))
            return true;
        windows_set_errno();
        if (errno != EEXIST)
            return false;
    }
    return false;
}
