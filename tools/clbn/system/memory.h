/* SPDX-License-Identifier: MIT */
/* Memory that is not malloc()'s. */
#ifndef CLBN_TOOL_MEMORY_H
#define CLBN_TOOL_MEMORY_H

#include <stddef.h>
#include <stdio.h>

/* The first bytes of a stream's file; what is written to them stays in this process. NULL: they have to be read. */
void *memory_map(FILE *stream, size_t size);
void memory_unmap(void *memory, size_t size);

/* Memory that begins at a multiple of the alignment, a power of two; NULL: there is none. */
void *memory_allocate_aligned(size_t size, size_t alignment);
/* Takes NULL. */
void memory_free_aligned(void *memory);

#endif
