/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "system/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

void *memory_map(FILE *stream, size_t size)
{
    int file = fileno(stream); /* below 0 where the stream is no file */
    void *memory = file >= 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0) : MAP_FAILED;

    return memory != MAP_FAILED ? memory : NULL;
}

void memory_unmap(void *memory, size_t size)
{
    munmap(memory, size);
}

void *memory_allocate_aligned(size_t size, size_t alignment)
{
    void *memory = NULL;

    return posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

void memory_free_aligned(void *memory)
{
    free(memory);
}
