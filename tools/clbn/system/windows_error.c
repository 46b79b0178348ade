/* SPDX-License-Identifier: MIT */
#include "system/windows_error.h"

#include <errno.h>
#include <stddef.h>
#include <windows.h>

static const struct {
    DWORD error;
    int reason;
} reasons[] = {
    { ERROR_FILE_NOT_FOUND, ENOENT }, { ERROR_PATH_NOT_FOUND, ENOENT },      { ERROR_INVALID_NAME, ENOENT },
    { ERROR_BAD_NETPATH, ENOENT },    { ERROR_FILE_EXISTS, EEXIST },         { ERROR_ALREADY_EXISTS, EEXIST },
    { ERROR_ACCESS_DENIED, EACCES },  { ERROR_SHARING_VIOLATION, EACCES },   { ERROR_WRITE_PROTECT, EROFS },
    { ERROR_DISK_FULL, ENOSPC },      { ERROR_HANDLE_DISK_FULL, ENOSPC },    { ERROR_NOT_ENOUGH_MEMORY, ENOMEM },
    { ERROR_OUTOFMEMORY, ENOMEM },    { ERROR_TOO_MANY_OPEN_FILES, EMFILE }, { ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
    { ERROR_DIRECTORY, ENOTDIR },
};

void windows_set_errno(void)
{
    const DWORD error = GetLastError();

    errno = EIO;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].error == error)
            errno = reasons[i].reason;
}
