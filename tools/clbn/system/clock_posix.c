/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "system/clock.h"

#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec time = { 0, 0 };

    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

double clock_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double clock_processor_seconds(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}
