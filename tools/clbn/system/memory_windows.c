/* SPDX-License-Identifier: MIT */
#include "system/memory.h"

#include <malloc.h>

/* A file that is mapped could not be replaced, as results of the same name replace it. */
void *memory_map(FILE *stream, size_t size)
{
    (void)stream, (void)size;
    return NULL;
}

void memory_unmap(void *memory, size_t size)
{
    (void)memory, (void)size;
}

void *memory_allocate_aligned(size_t size, size_t alignment)
{
    return _aligned_malloc(size, alignment);
}

void memory_free_aligned(void *memory)
{
    _aligned_free(memory);
}
