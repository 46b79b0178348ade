/* SPDX-License-Identifier: MIT */
#include "system/machine.h"

#include <math.h>
#include <windows.h>

long machine_processors(void)
{
    SYSTEM_INFO system;

    GetSystemInfo(&system);
    return (long)system.dwNumberOfProcessors;
}

double machine_load(void)
{
    return (double)NAN;
}
