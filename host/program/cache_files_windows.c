/* SPDX-License-Identifier: MIT */
/* A folder in %LOCALAPPDATA% has its access rights: the user's own. So whose a file is, is not asked. */
#include "program/cache_files.h"

#include "program/cache_folder.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* Names of files that are being written begin so. After so many units of 100 ns their writer must have died. */
#define TEMPORARY      L"temporary-"
#define TEMPORARY_LIFE (UINT64_C(3600) * 10000000)

enum { TEMPORARY_ATTEMPTS = 100 };

/* Characters of a file's path. */
#define PATH_SIZE (BN_CACHE_PATH_SIZE + 256)

/* ---- The folder ----------------------------------------------------------------------------------------------------------- */

/* Begins with a drive or a server. */
static bool is_absolute(const wchar_t *path)
{
    const bool has_drive = path[0] != 0 && path[1] == L':' && (path[2] == L'\\' || path[2] == L'/');
    return has_drive || (path[0] == L'\\' && path[1] == L'\\');
}

/* The user has raised this process: what those that he has not raised may write to, it must not load programs from. */
static bool has_borrowed_rights(void)
{
    HANDLE token;
    TOKEN_ELEVATION_TYPE type = TokenElevationTypeDefault;
    DWORD size = 0;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return true;
    const bool told = GetTokenInformation(token, TokenElevationType, &type, sizeof(type), &size) != 0;
    CloseHandle(token);
    return !told || type == TokenElevationTypeFull;
}

/* False where the variable is not set, does not fit, or is no absolute path. */
static bool get_variable(const wchar_t *name, wchar_t value[PATH_SIZE], bool *is_set)
{
    SetLastError(ERROR_SUCCESS);
    const DWORD length = GetEnvironmentVariableW(name, value, BN_CACHE_PATH_SIZE);
    *is_set = length > 0 || GetLastError() != ERROR_ENVVAR_NOT_FOUND;
    return length > 0 && length < BN_CACHE_PATH_SIZE && is_absolute(value);
}

static bool find_folder(wchar_t path[PATH_SIZE])
{
    bool is_set;
    if (has_borrowed_rights())
        return false;
    const bool found = get_variable(L"CLBN_CACHE_DIR", path, &is_set);
    if (is_set)
        return found;
    if (!get_variable(L"LOCALAPPDATA", path, &is_set) || wcslen(path) + sizeof("\\clbn") > BN_CACHE_PATH_SIZE)
        return false;
    wcscat(path, L"\\clbn");
    return true;
}

bool bn_find_cache_folder(char *path, size_t size)
{
    wchar_t folder[PATH_SIZE];
    return find_folder(folder) && size <= INT32_MAX &&
           WideCharToMultiByte(CP_UTF8, 0, folder, -1, path, (int)size, NULL, NULL) > 0;
}

/* Creates the missing folders of a path. */
static void create_folders(wchar_t *path)
{
    for (wchar_t *c = path + 1; *c; c++) {
        if (*c != L'\\' && *c != L'/')
            continue;
        const wchar_t separator = *c;
        *c = 0;
        CreateDirectoryW(path, NULL);
        *c = separator;
    }
    CreateDirectoryW(path, NULL);
}

/* The path of a file, whose name is ASCII. */
static bool name_file(wchar_t path[PATH_SIZE], const wchar_t *folder, const char *name)
{
    return swprintf(path, PATH_SIZE, L"%ls\\%hs", folder, name) > 0;
}

static bool find_file(wchar_t path[PATH_SIZE], const char *name)
{
    wchar_t folder[PATH_SIZE];
    return find_folder(folder) && name_file(path, folder, name);
}

/* ---- Reading -------------------------------------------------------------------------------------------------------------- */

static bool read_all(HANDLE file, unsigned char *bytes, size_t size)
{
    while (size > 0) {
        DWORD count = 0;
        if (!ReadFile(file, bytes, (DWORD)size, &count, NULL) || count == 0)
            return false;
        bytes += count;
        size -= count;
    }
    return true;
}

static unsigned char *read_file(HANDLE file, size_t most, size_t *size)
{
    LARGE_INTEGER length;
    if (!GetFileSizeEx(file, &length) || length.QuadPart < 0 || (uint64_t)length.QuadPart > most || most > UINT32_MAX)
        return NULL;
    *size = (size_t)length.QuadPart;
    unsigned char *content = malloc(*size > 0 ? *size : 1);
    if (content && !read_all(file, content, *size)) {
        free(content);
        return NULL;
    }
    return content;
}

unsigned char *bn_read_cache_file(const char *name, size_t most, size_t *size)
{
    wchar_t path[PATH_SIZE];
    if (!find_file(path, name))
        return NULL;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                              FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    unsigned char *content = read_file(file, most, size);
    CloseHandle(file);
    return content;
}

/* ---- Writing -------------------------------------------------------------------------------------------------------------- */

bool bn_cache_has_room(size_t size)
{
    wchar_t path[PATH_SIZE];
    ULARGE_INTEGER room;
    if (!find_folder(path))
        return false;
    create_folders(path);
    return GetDiskFreeSpaceExW(path, &room, NULL, NULL) && room.QuadPart >= size;
}

static uint64_t number_of(FILETIME time)
{
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static uint64_t now(void)
{
    FILETIME time;
    GetSystemTimeAsFileTime(&time);
    return number_of(time);
}

/* Deletes files of writers that died. */
static void delete_left(const wchar_t *folder)
{
    wchar_t path[PATH_SIZE];
    WIN32_FIND_DATAW found;
    const uint64_t time = now();
    if (swprintf(path, PATH_SIZE, L"%ls\\%ls*", folder, TEMPORARY) < 0)
        return;
    HANDLE search = FindFirstFileW(path, &found);
    if (search == INVALID_HANDLE_VALUE)
        return;
    do {
        const uint64_t written = number_of(found.ftLastWriteTime);
        const uint64_t age = time > written ? time - written : written - time;
        if (age > TEMPORARY_LIFE && swprintf(path, PATH_SIZE, L"%ls\\%ls", folder, found.cFileName) > 0)
            DeleteFileW(path);
    } while (FindNextFileW(search, &found));
    FindClose(search);
}

/* Creates a file that no other call writes: its name has the process, the time, and a number that is new in each call. */
static HANDLE create_temporary(const wchar_t *folder, wchar_t path[PATH_SIZE])
{
    static unsigned next;
    for (int attempt = 0; attempt < TEMPORARY_ATTEMPTS; attempt++) {
        const unsigned number = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
        if (swprintf(path, PATH_SIZE, L"%ls\\%ls%lu-%llu-%u", folder, TEMPORARY, GetCurrentProcessId(),
                     (unsigned long long)now(), number) < 0)
            return INVALID_HANDLE_VALUE;
        HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
        if (file != INVALID_HANDLE_VALUE || GetLastError() != ERROR_FILE_EXISTS)
            return file;
    }
    return INVALID_HANDLE_VALUE;
}

static bool write_parts(HANDLE file, const struct file_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        DWORD written = 0;
        if (parts[i].size > UINT32_MAX || !WriteFile(file, parts[i].bytes, (DWORD)parts[i].size, &written, NULL) ||
            written != parts[i].size)
            return false;
    }
    return FlushFileBuffers(file) != 0;
}

/* Readers find the whole file under its name, or the one before. */
static bool write_file(const wchar_t *folder, const wchar_t *path, const struct file_part *parts, size_t count)
{
    wchar_t temporary[PATH_SIZE];
    HANDLE file = create_temporary(folder, temporary);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool written = write_parts(file, parts, count);
    written = CloseHandle(file) && written;
    if (written && MoveFileExW(temporary, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return true;
    DeleteFileW(temporary);
    return false;
}

bool bn_write_cache_file(const char *name, const struct file_part *parts, size_t count)
{
    wchar_t folder[PATH_SIZE], path[PATH_SIZE];
    if (!find_folder(folder) || !name_file(path, folder, name))
        return false;
    create_folders(folder);
    delete_left(folder);
    return write_file(folder, path, parts, count);
}

void bn_delete_cache_file(const char *name)
{
    wchar_t path[PATH_SIZE];
    if (find_file(path, name))
        DeleteFileW(path);
}
