/* SPDX-License-Identifier: MIT */
/*
 * A file that appears under its name only when it is complete.
 *
 * It is written to a temporary name in the same folder, then renamed. A command with several outputs finishes all of them
 * before it publishes the first. Files belong to one thread, that of output_files_guard(). Where a process is killed, its
 * temporary files stay; who opens a file in the same folder a day later removes them.
 */
#ifndef CLBN_TOOL_OUTPUT_FILE_H
#define CLBN_TOOL_OUTPUT_FILE_H

#include "io/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* All zero: closed. */
struct output_file {
    char *target;                     /* The name to be, with symbolic links followed where it exists. */
    struct temporary_file *temporary; /* NULL when there is none left. */
    struct temporary_file *old;       /* While several are published, what had the name before; NULL: nothing, or not kept. */
    bool is_new;                      /* Likewise: nothing had the name. */
    FILE *stream;                     /* For the caller to write to, until output_file_finish(). */
};

/* From here on, a signal that ends the program (SIGHUP, SIGINT, SIGPIPE or SIGTERM) removes the temporary files, and waits
 * while several files get their names. Signals that are ignored stay so. To be called before OpenCL is: its compilers handle
 * signals, too, and pass them on to whoever did before. system/ending.h has what Windows has for it. */
void output_files_guard(void);

/* Whether two paths name one file, however they are spelled and through whichever links; also one that is still to be made. */
bool output_file_is(const char *one, const char *other);

/* For "-", takes the standard output, which has no temporary file: what is printed goes to the standard error from then on. Else
 * creates the temporary file, with the permissions of the file that it will replace. Fails where the name is taken by
 * something that is not a regular file, by a link to nothing, or by a read-only file. On failure the file is closed. */
bool output_file_open(struct output_file *file, const char *path, struct failure *failure);

/* Brings everything to the disk and closes the stream; a write that failed earlier fails here too. */
bool output_file_finish(struct output_file *file, struct failure *failure);

/* Give finished files their names, the first one first: to all, or to none. */
bool output_file_publish(struct output_file *file, struct failure *failure);
bool output_files_publish(struct output_file *const *files, size_t count, struct failure *failure);

/* Removes the temporary file, if it was not published, and frees everything. Always called at the end; takes a closed
 * file. */
void output_file_close(struct output_file *file);

#endif
