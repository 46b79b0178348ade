/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "system/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

FILE *stream_open_temporary(void)
{
    return tmpfile();
}

FILE *stream_of_bytes(void *bytes, size_t count)
{
    return fmemopen(bytes, count, "rb");
}

FILE *stream_take_input(void)
{
    return stdin;
}

FILE *stream_take_output(void)
{
    int descriptor = fflush(stdout) == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    FILE *stream = NULL;
    int reason;

    if (descriptor >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        stream = fdopen(descriptor, "wb");
    reason = errno;
    if (stream == NULL && descriptor >= 0)
        close(descriptor);
    errno = reason;
    return stream;
}
