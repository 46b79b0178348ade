/* SPDX-License-Identifier: MIT */
/*
 * The disk cache's files on Windows: cache.exe FOLDER, an empty folder, absolute. Exit code 0 if all is as it should be.
 *
 * The environment's folder counts for nothing in a process that the user has raised, and Wine's processes all say that they are: what
 * they are told of themselves stands here.
 */
#include <windows.h>

static TOKEN_ELEVATION_TYPE elevation = TokenElevationTypeDefault;

static BOOL tell(HANDLE token, TOKEN_INFORMATION_CLASS class, void *value, DWORD size, DWORD *length)
{
    (void)token, (void)class, (void)size;
    *(TOKEN_ELEVATION_TYPE *)value = elevation;
    *length = sizeof(elevation);
    return TRUE;
}

#define GetTokenInformation tell
#include "program/cache_files_windows.c"
#include "program/disk_cache.h"

static int failures;

static void check(bool holds, const char *what)
{
    printf("%s: %s\n", holds ? "ok" : "FAILED", what);
    failures += !holds;
}

static bool write(const char *text)
{
    return bn_cache_write("test", "key", 3, text, strlen(text) + 1);
}

static bool reads(const char *text)
{
    void *data = NULL;
    size_t size = 0;
    if (!bn_cache_read("test", "key", 3, &data, &size))
        return text == NULL;
    const bool is_it = text != NULL && size == strlen(text) + 1 && memcmp(data, text, size) == 0;
    free(data);
    return is_it;
}

static int count_files(const char *folder)
{
    char pattern[600];
    WIN32_FIND_DATAA found;
    int count = 0;
    snprintf(pattern, sizeof pattern, "%s\\*", folder);
    HANDLE search = FindFirstFileA(pattern, &found);
    if (search == INVALID_HANDLE_VALUE)
        return -1;
    do
        count += (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
    while (FindNextFileA(search, &found));
    FindClose(search);
    return count;
}

static void name_temporary(char path[600], const char *folder, unsigned seconds)
{
    snprintf(path, 600, "%s\\temporary-%u", folder, seconds);
}

static bool has_temporary(const char *folder, unsigned seconds)
{
    char path[600];
    name_temporary(path, folder, seconds);
    return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

/* A file of a writer that died: empty, and last written so many seconds ago. */
static void leave_temporary(const char *folder, unsigned seconds)
{
    char path[600];
    name_temporary(path, folder, seconds);
    HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    const uint64_t time = now() - (uint64_t)seconds * 10000000;
    const FILETIME written = { (DWORD)time, (DWORD)(time >> 32) };
    SetFileTime(file, NULL, NULL, &written);
    CloseHandle(file);
}

/* Relative, with or without a drive, and longer than any path. */
static void check_folders_that_are_none(void)
{
    static char endless[6000];
    static const char *const none[] = { "", "relative", "C:relative", "\\relative", endless };
    memset(endless, 'a', sizeof endless - 1);
    memcpy(endless, "C:\\", 3);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        SetEnvironmentVariableA("CLBN_CACHE_DIR", none[i]);
        check(!bn_cache_is_on() && !write("nowhere") && reads(NULL) && !bn_cache_is_writable(), "a folder that is none");
    }
}

int main(int argc, char **argv)
{
    char folder[500], path[BN_CACHE_PATH_SIZE];
    if (argc != 2) {
        fprintf(stderr, "usage: cache FOLDER\n");
        return 2;
    }
    check_folders_that_are_none();
    snprintf(folder, sizeof folder, "%s\\two\\folders", argv[1]);
    SetEnvironmentVariableA("CLBN_CACHE_DIR", folder);
    check(bn_find_cache_folder(path, sizeof path) && strcmp(path, folder) == 0, "CLBN_CACHE_DIR names the folder");
    check(!bn_find_cache_folder(path, strlen(folder)), "a path that does not fit is not cut");
    check(reads(NULL), "nothing is there");
    check(bn_cache_is_writable(), "it can be written to");
    check(write("first") && reads("first"), "what is written is read");
    check(write("second") && reads("second"), "and replaced");
    check(count_files(folder) == 1, "in one file");
    leave_temporary(folder, 60);
    leave_temporary(folder, 7200);
    check(write("third") && reads("third"), "a write among what others left");
    check(!has_temporary(folder, 7200) && has_temporary(folder, 60),
          "what dead writers left goes, what living ones write stays");
    elevation = TokenElevationTypeFull;
    check(!bn_cache_is_on() && reads(NULL) && !write("fourth"), "a raised process has no cache");
    elevation = TokenElevationTypeDefault;
    check(reads("third"), "others have it");
    bn_cache_delete("test", "key", 3);
    check(reads(NULL), "what is deleted is not there");
    SetEnvironmentVariableA("CLBN_CACHE_DIR", NULL);
    SetEnvironmentVariableA("LOCALAPPDATA", folder);
    check(write("local") && reads("local"), "else it is in LOCALAPPDATA");
    check(count_files(folder) == 1, "in a folder of its own");
    return failures > 0;
}
