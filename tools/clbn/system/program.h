/* SPDX-License-Identifier: MIT */
/* Other programs, which PATH leads to. */
#ifndef CLBN_TOOL_PROGRAM_H
#define CLBN_TOOL_PROGRAM_H

#include <stdbool.h>
#include <stdio.h>

bool program_is_there(const char *name);

/* Runs a program by its name with one argument, on a file from where that stands, and with a file for its output. False, with errno, if it
 * could not be run; *succeeded is what it said itself. */
bool program_run(const char *name, const char *argument, FILE *input, FILE *output, bool *succeeded);

#endif
