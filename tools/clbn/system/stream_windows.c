/* SPDX-License-Identifier: MIT */
#include "system/stream.h"

#include "system/windows_error.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <unistd.h>
#include <windows.h>

/* On failure it is closed. */
static FILE *stream_of(int descriptor, const char *mode)
{
    FILE *stream = descriptor >= 0 ? _fdopen(descriptor, mode) : NULL;
    int reason = errno;

    if (stream == NULL && descriptor >= 0)
        _close(descriptor);
    errno = reason;
    return stream;
}

/* tmpfile() would have it in the drive's uppermost folder, where few may write. */
FILE *stream_open_temporary(void)
{
    char folder[MAX_PATH + 1], path[MAX_PATH + 1];
    HANDLE file = INVALID_HANDLE_VALUE;

    if (GetTempPathA(sizeof(folder), folder) > 0 && GetTempFileNameA(folder, "cbn", 0, path) != 0)
        file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                           FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        windows_set_errno();
        return NULL;
    }
    return stream_of(_open_osfhandle((intptr_t)file, _O_RDWR | _O_BINARY | _O_NOINHERIT), "w+b");
}

FILE *stream_of_bytes(void *bytes, size_t count)
{
    FILE *stream = stream_open_temporary();

    if (stream == NULL || (fwrite(bytes, 1, count, stream) == count && fseek(stream, 0, SEEK_SET) == 0))
        return stream;
    fclose(stream);
    return NULL;
}

FILE *stream_take_input(void)
{
    _setmode(STDIN_FILENO, _O_BINARY); /* of one that is closed, reading fails */
    return stdin;
}

FILE *stream_take_output(void)
{
    int descriptor = fflush(stdout) == 0 ? _dup(STDOUT_FILENO) : -1;

    if (descriptor >= 0 && (_setmode(descriptor, _O_BINARY) < 0 || _dup2(STDERR_FILENO, STDOUT_FILENO) < 0)) {
        _close(descriptor);
        return NULL;
    }
    if (descriptor >= 0) /* gnuplot and others do not keep it open */
        SetHandleInformation((HANDLE)_get_osfhandle(descriptor), HANDLE_FLAG_INHERIT, 0);
    return stream_of(descriptor, "wb");
}
