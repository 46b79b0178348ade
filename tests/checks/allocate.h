/* SPDX-License-Identifier: MIT */
/* Allocation for the tests: ends the process with a sentence when there is no memory, so that no caller checks. */
#ifndef CLBN_TESTS_ALLOCATE_H
#define CLBN_TESTS_ALLOCATE_H

#include <stddef.h>

/* Zeroed memory for `count` objects of `size` bytes, never NULL; free() releases it. */
void *allocate(size_t count, size_t size);

#endif
