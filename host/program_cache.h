/* Programs in the disk cache: the driver's binaries, found again by all that they depend on. */
#ifndef CLBN_PROGRAM_CACHE_H
#define CLBN_PROGRAM_CACHE_H

#include "clbn.h"

/* A text that names the program which these sources and options give on a device, for the caller to free; NULL if the cache is off
 * or the key cannot be made. */
char *bn_program_key(cl_device_id device, cl_uint count, const char *const *sources, const size_t *lengths,
                     const char *options);

/* A program that was stored, built; NULL for a miss, also where the driver no longer takes it. Takes a NULL key. */
cl_program bn_restore_program(cl_context context, cl_device_id device, const char *key, const char *options);

/* Stores a program that was built from source, for one device. Takes a NULL key.
 *
 * To be called when the program is about to be released, not when it has been built: asking for a binary can be work, which must
 * not come before the first result, and the binary can then have more in it. PoCL 3.1 compiles a kernel for its work-group when it
 * first runs, and puts what has been compiled so far into the binary; but first, if its own cache does not have them, it compiles
 * every kernel of the program for any work-group: 1.4 s, once for each kind of program. Drivers that have compiled everything
 * when a program is built give the same binary at any time. */
void bn_store_program(cl_program program, const char *key);

#endif
