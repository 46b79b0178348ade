/* SPDX-License-Identifier: MIT */
#include "system/clock.h"

#include <windows.h>

double clock_seconds(void)
{
    LARGE_INTEGER count, frequency;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (double)count.QuadPart / (double)frequency.QuadPart;
}

/* Windows counts in units of 100 ns. */
static double seconds_of(FILETIME time)
{
    return 1e-7 * (4294967296.0 * (double)time.dwHighDateTime + (double)time.dwLowDateTime);
}

double clock_processor_seconds(void)
{
    FILETIME created, ended, kernel, user;

    if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user))
        return 0.0;
    return seconds_of(kernel) + seconds_of(user);
}
