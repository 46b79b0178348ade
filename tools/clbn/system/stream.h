/* SPDX-License-Identifier: MIT */
/* Binary streams that C does not give. NULL on failure, and errno says why. */
#ifndef CLBN_TOOL_STREAM_H
#define CLBN_TOOL_STREAM_H

#include <stddef.h>
#include <stdio.h>

/* An empty file to write and to read again, gone when it is closed. */
FILE *stream_open_temporary(void);

/* Reads bytes, which must live as long. */
FILE *stream_of_bytes(void *bytes, size_t count);

/* The standard input; never NULL. */
FILE *stream_take_input(void);

/* Takes the standard output; what others print goes to the standard error from here on. */
FILE *stream_take_output(void);

#endif
