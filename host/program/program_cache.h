/* SPDX-License-Identifier: MIT */
/* Programs in the disk cache: the driver's binaries, found again by all that they depend on. */
#ifndef CLBN_PROGRAM_CACHE_H
#define CLBN_PROGRAM_CACHE_H

#include "clbn.h"

#include <stdbool.h>

/* A text that names the program which these sources and options give on a device, for the caller to free; NULL if the cache
 * is off or the key cannot be made. */
char *bn_program_key(cl_device_id device, cl_uint count, const char *const *sources, const size_t *lengths,
                     const char *options);

/* A program that was stored, built; NULL for a miss, also where the driver no longer takes it. Takes a NULL key. */
cl_program bn_restore_program(cl_context context, cl_device_id device, const char *key, const char *options);

/* What happens when a program that was built from source is released. Without a mark in the cache it is marked; with a mark its binary
 * is stored. So a program is stored when it has been built here twice.
 *
 * The reason is PoCL 3.1. When it is asked for a binary it first compiles every kernel for any work-group, which takes 1.4 s for each
 * kind of program. A process that runs once on a fresh machine must not pay for that; a mark costs nothing. Other drivers could give
 * the binary at once; the rule is the same for all, so their second process compiles again.
 *
 * A binary is stored at the end because the work must not delay the first result, and because PoCL's binary then has the kernels that
 * were run. The mark stays: a binary that is lost, spoilt or refused is replaced after the next build.
 *
 * If storing fails, the mark notes the time, and storing is tried again after a day. If the mark cannot be written, it is deleted. */
enum program_fate { PROGRAM_LEFT, PROGRAM_MARKED, PROGRAM_STORED };

/* Of a program that is about to be built. PROGRAM_LEFT for a NULL key. */
enum program_fate bn_fate_of_program(const char *key);
void bn_end_program(enum program_fate fate, cl_program program, const char *key);

#endif
