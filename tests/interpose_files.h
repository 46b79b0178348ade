/* SPDX-License-Identifier: MIT */
/* Stands between the disk cache and the C library: counts its calls and makes chosen ones fail. */
#ifndef CLBN_TESTS_INTERPOSE_FILES_H
#define CLBN_TESTS_INTERPOSE_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the number-th call (from 1) of any of these functions fails with an errno; 0: none does. */
void fail_file_call(unsigned long number, int error);
/* The name of the function that failed, NULL if none has. */
const char *stop_failing_files(void);

/* From now on every second call of read() and write() fails with EINTR, and the others move at most so many bytes; 0: as usual. */
void interrupt_transfers(size_t bytes);
/* From now on files seem to end here for read(), although they are as long as they say; or not. */
void cut_files(bool cut);
/* From now on file systems seem to have so many bytes and files free. */
void pretend_free(bool pretended, unsigned long long bytes, unsigned long long files);

#endif
