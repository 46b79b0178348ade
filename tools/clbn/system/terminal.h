/* SPDX-License-Identifier: MIT */
/* The terminal that the standard error is shown on. */
#ifndef CLBN_TOOL_TERMINAL_H
#define CLBN_TOOL_TERMINAL_H

#include <stdbool.h>

/* Whether there is one, and it can erase a line. */
bool terminal_can_erase(void);

/* Its width in characters; 0: it does not tell. */
int terminal_columns(void);

#endif
