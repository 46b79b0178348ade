/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* getloadavg() */

#include "system/machine.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

long machine_processors(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN);
}

double machine_load(void)
{
    double load;

    return getloadavg(&load, 1) == 1 ? load : (double)NAN;
}
