/* SPDX-License-Identifier: MIT */
#include "allocate.h"

#include <stdio.h>
#include <stdlib.h>

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        fprintf(stderr, "no memory for %zu objects of %zu bytes\n", count, size);
        exit(EXIT_FAILURE);
    }
    return memory;
}
