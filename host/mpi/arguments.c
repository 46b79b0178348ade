/* SPDX-License-Identifier: MIT */
#include "mpi/arguments.h"

#include "mpi/failing.h"

#include <string.h>

/* No version's structs have more bytes: a greater struct_size is garbage. */
static const size_t most_bytes = 4096;

static bool is_zero(const unsigned char *bytes, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

cl_int part_take_arguments(clbn_struct which, const void *given, void *taken, size_t size)
{
    const size_t head = sizeof(size_t);
    size_t theirs;
    if (!given)
        return part_fail(CLBN_INVALID_ARGUMENT, "args is NULL, expected a struct.");
    memcpy(&theirs, given, head);
    if (theirs < head || theirs > most_bytes || theirs % head != 0)
        return part_fail(CLBN_INVALID_STRUCT_SIZE, "args has struct_size %zu, expected %zu: start from its initialiser macro.",
                         theirs, size);
    if (!is_zero(given, size, theirs))
        return part_fail(
            CLBN_INVALID_STRUCT_SIZE,
            "args has struct_size %zu, and uses members beyond the %zu bytes that clbn_mpi knows, expected 0 there.", theirs,
            size);
    cl_int status = clbnGetDefaults(which, size, taken, NULL);
    if (status == CLBN_SUCCESS)
        memcpy((unsigned char *)taken + head, (const unsigned char *)given + head, (theirs < size ? theirs : size) - head);
    return status;
}
