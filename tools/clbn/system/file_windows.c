/* SPDX-License-Identifier: MIT */
/* A new file has the rights of its folder, so of an old one's there is nothing to keep but that it was not protected. */
#include "system/file.h"

#include "system/windows_error.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

/* A drive without a slash after it has a current folder, too. */
size_t file_folder_length(const char *path)
{
    size_t length = strlen(path);

    while (length > 0 && strchr("/\\:", path[length - 1]) == NULL)
        length--;
    return length;
}

bool file_same_name(const char *one, const char *other)
{
    return _stricmp(one, other) == 0;
}

/* Also of a folder. */
static HANDLE open_handle(const char *path, DWORD access, DWORD creation)
{
    HANDLE file = CreateFileA(path, access, SHARE_ALL, NULL, creation, FILE_FLAG_BACKUP_SEMANTICS, NULL);

    if (file == INVALID_HANDLE_VALUE)
        windows_set_errno();
    return file;
}

bool file_look(const char *path, struct file_state *state)
{
    BY_HANDLE_FILE_INFORMATION about;
    HANDLE file = open_handle(path[0] != '\0' ? path : ".", FILE_READ_ATTRIBUTES, OPEN_EXISTING);

    if (file == INVALID_HANDLE_VALUE)
        return false;
    memset(state, 0, sizeof(*state));
    /* A device such as NUL tells nothing of this. */
    if (GetFileType(file) == FILE_TYPE_DISK && GetFileInformationByHandle(file, &about)) {
        state->is_regular = (about.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
        state->permissions = (about.dwFileAttributes & FILE_ATTRIBUTE_READONLY) == 0 ? 0666 : 0444;
        state->device = about.dwVolumeSerialNumber;
        state->number = (uint64_t)about.nFileIndexHigh << 32 | about.nFileIndexLow;
    }
    CloseHandle(file);
    return true;
}

bool file_same(const struct file_state *one, const struct file_state *other)
{
    return one->device == other->device && one->number == other->number;
}

bool file_name_is_taken(const char *path)
{
    return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

bool file_is_writable(const char *path, const struct file_state *state)
{
    HANDLE file = (state->permissions & 0222) != 0 ? open_handle(path, GENERIC_WRITE, OPEN_EXISTING) : INVALID_HANDLE_VALUE;

    if (file == INVALID_HANDLE_VALUE)
        return false;
    CloseHandle(file);
    return true;
}

char *file_real_path(const char *path)
{
    HANDLE file = open_handle(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING);
    DWORD size;
    char *real;

    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    size = GetFinalPathNameByHandleA(file, NULL, 0, FILE_NAME_NORMALIZED);
    real = size > 0 ? malloc((size_t)size + 1) : NULL;
    if (size == 0 || (real != NULL && GetFinalPathNameByHandleA(file, real, size + 1, FILE_NAME_NORMALIZED) == 0)) {
        windows_set_errno();
        free(real);
        real = NULL;
    }
    CloseHandle(file);
    return real;
}

static int descriptor_of(HANDLE file, int flags)
{
    int descriptor = -1;

    if (file == INVALID_HANDLE_VALUE)
        return -1;
    descriptor = _open_osfhandle((intptr_t)file, flags | _O_BINARY | _O_NOINHERIT);
    if (descriptor < 0)
        CloseHandle(file);
    return descriptor;
}

int file_open(const char *path)
{
    return descriptor_of(open_handle(path, GENERIC_READ, OPEN_EXISTING), _O_RDONLY);
}

int file_create(const char *path)
{
    return descriptor_of(open_handle(path, GENERIC_WRITE, CREATE_NEW), _O_WRONLY);
}

bool file_permit(int descriptor, const struct file_state *like)
{
    (void)descriptor, (void)like;
    return true;
}

bool file_sync(int descriptor)
{
    return _commit(descriptor) == 0;
}

static bool done(BOOL succeeded)
{
    if (!succeeded)
        windows_set_errno();
    return succeeded != 0;
}

bool file_link(const char *path, const char *new_path)
{
    return done(CreateHardLinkA(new_path, path, NULL));
}

bool file_rename(const char *path, const char *new_path)
{
    return done(MoveFileExA(path, new_path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH));
}

bool file_writer_is_gone(long process)
{
    HANDLE writer = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)process);
    bool ended;

    if (writer == NULL)
        return GetLastError() == ERROR_INVALID_PARAMETER;
    ended = WaitForSingleObject(writer, 0) == WAIT_OBJECT_0;
    CloseHandle(writer);
    return ended;
}
