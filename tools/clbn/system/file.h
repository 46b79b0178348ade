/* SPDX-License-Identifier: MIT */
/* Files by their paths. Where a function fails, errno says why. */
#ifndef CLBN_TOOL_FILE_H
#define CLBN_TOOL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a path leads to. */
struct file_state {
    bool is_regular;
    unsigned permissions;    /* as POSIX has them; none to write: it is protected, from root too */
    uint64_t device, number; /* together no other file's */
};

/* The length of the folder in a path, with its slash; 0: the current folder. */
size_t file_folder_length(const char *path);

/* Whether two names in one folder are one file's. */
bool file_same_name(const char *one, const char *other);

/* Follows links. */
bool file_look(const char *path, struct file_state *state);

bool file_same(const struct file_state *one, const struct file_state *other);

/* Whether something has the name, be it a link to nothing. */
bool file_name_is_taken(const char *path);

/* Whether this user may write to a file, which is there. */
bool file_is_writable(const char *path, const struct file_state *state);

/* The path of an existing file without links in it, for the caller to free. */
char *file_real_path(const char *path);

/* Descriptors of binary files that processes do not inherit; below 0 on failure. Reading waits for nothing, as opening a pipe would. A
 * file is created where nothing has its name, and may lose its name while it is open. */
int file_open(const char *path);
int file_create(const char *path);

/* Gives an open file another one's permissions. */
bool file_permit(int descriptor, const struct file_state *like);

/* Brings an open file to the disk. */
bool file_sync(int descriptor);

/* Gives a file a second name, which nothing has; not every file system can. */
bool file_link(const char *path, const char *new_path);

/* Gives a file another name, which it takes from what has it, all at once. */
bool file_rename(const char *path, const char *new_path);

/* Whether there is no process of that number on this machine. */
bool file_writer_is_gone(long process);

#endif
