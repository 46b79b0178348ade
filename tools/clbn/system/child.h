/* SPDX-License-Identifier: MIT */
/*
 * Processes of this program's that do what it must survive, and say what they find through a pipe.
 *
 * Where the system has fork(), a child has what its parent has. On Windows it is the program started anew, with an argument that no user
 * gives; of its parent it has the work alone.
 */
#ifndef CLBN_TOOL_CHILD_H
#define CLBN_TOOL_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child {
    intptr_t process, pipe; /* the system's */
};

/* What all children do; then they end. The pipe is a descriptor to write messages to. What a child prints goes to the standard error. */
typedef void child_work(const void *work, int pipe);

/* The first call of main(): does not return in a child that was started anew. */
void child_serve(int argc, char **argv, child_work *do_work);

/* Of the work's bytes, at most. It holds no pointers. */
enum { CHILD_WORK_SIZE = 4096 };

/* Starts a process that does the work. False, with errno, on failure. */
bool child_start(struct child *child, child_work *do_work, const void *work, size_t size);

/* Takes the next message, of a size that was written at once. False: there is none, since the child has ended. */
bool child_hear(const struct child *child, void *message, size_t size);

/* Waits, for so long at most, until one of the children has said something or ended, and tells which have. NULL: no child. */
void child_await(const struct child *const *children, size_t count, int milliseconds, bool *ready);

/* Ends the process, whatever it does; child_end() comes after it. */
void child_kill(const struct child *child);

/* Waits until the process has ended, and says how. */
void child_end(struct child *child, char *how, size_t size);

#endif
