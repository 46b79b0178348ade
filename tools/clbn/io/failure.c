/* SPDX-License-Identifier: MIT */
#include "io/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool(fail)(struct failure *failure, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(failure->sentence, sizeof(failure->sentence), format, arguments);
    va_end(arguments);
    return false;
}

bool(fail_clbn)(struct failure *failure, const char *action, cl_int status)
{
    const char *reason = clbnLastError();
    size_t length = strlen(reason);

    if (length == 0)
        return fail_opencl(failure, action, status);
    if (reason[length - 1] == '.')
        length--;
    return fail(failure, "%s failed: %.*s (%s)", action, (int)length, reason, clbnStatusName(status));
}

bool(fail_opencl)(struct failure *failure, const char *action, cl_int status)
{
    return fail(failure, "%s failed with %s (%d)", action, clbnStatusName(status), (int)status);
}

void report_failure(const struct failure *failure)
{
    char line[sizeof(failure->sentence)];
    size_t i = 0;

    for (; i + 1 < sizeof(line) && failure->sentence[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)failure->sentence[i];

        line[i] = failure->sentence[i];
        if (byte < 0x20 || byte == 0x7f)
            line[i] = '?';
    }
    line[i] = '\0';
    fprintf(stderr, "clbn: %s\n", line);
}
