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

/* What becomes of a program that was built from source, for one device, when it is about to be released: without a mark when it was
 * built, it is marked; with one, it is stored.
 *
 * So a program is stored when it has been built here for the second time. Asking for a binary can be work, which a process
 * that is the only one on its machine must not do for others; leaving a mark is none. PoCL 3.1 compiles a kernel for its
 * work-group when it first runs, and puts what has been compiled so far into the binary; but first, if its own cache does
 * not have them, it compiles every kernel of the program for any work-group: 1.4 s, once for each kind of program. Drivers
 * that have compiled everything when a program is built give its binary at once; one rule for all makes their second process
 * compile again.
 *
 * Not when it is built: the work must not come before the first result, and PoCL's binary has more in it later. The mark
 * stays beside the binary, so that one that is lost, spoilt or refused is replaced after the next build.
 *
 * Where storing fails, on a full disk perhaps, the work was for nothing: the mark says so, and it is not tried again for a day. Where
 * not even that can be written the mark is deleted, and while none can be written again nothing is stored. */
enum program_fate { PROGRAM_LEFT, PROGRAM_MARKED, PROGRAM_STORED };

/* Of a program that is to be built. PROGRAM_LEFT for a NULL key. */
enum program_fate bn_fate_of_program(const char *key);
void bn_end_program(enum program_fate fate, cl_program program, const char *key);

#endif
