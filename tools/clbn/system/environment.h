/* SPDX-License-Identifier: MIT */
#ifndef CLBN_TOOL_ENVIRONMENT_H
#define CLBN_TOOL_ENVIRONMENT_H

/* Sets a variable for the library and for processes that are started, which may be empty; NULL: it is not set. */
void environment_set(const char *name, const char *value);

#endif
