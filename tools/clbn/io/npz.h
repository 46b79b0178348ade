/* SPDX-License-Identifier: MIT */
/* Members of .npz archives, which are zip files of .npy files. */
#ifndef CLBN_TOOL_NPZ_H
#define CLBN_TOOL_NPZ_H

#include "io/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Reads the .npy file of a member, stored or deflated, into memory that the caller frees, also on failure. The archive, of that many
 * bytes, may be hostile: what it says of places and sizes is checked before memory is taken, and the content by its CRC-32. Without a
 * name, or with one that it has not, the failure lists the names. The sentence does not name the archive.
 */
bool npz_read(FILE *stream, uintmax_t size, const char *member, unsigned char **bytes, size_t *count, struct failure *failure);

#endif
