/* SPDX-License-Identifier: MIT */
#include "system/environment.h"

#include <windows.h>

/* getenv() does not see it, but the library asks Windows; _putenv() knows no empty variables. */
void environment_set(const char *name, const char *value)
{
    SetEnvironmentVariableA(name, value);
}
