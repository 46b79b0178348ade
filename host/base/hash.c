/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <string.h>

/* From the golden ratio. It is odd, so multiplying by it modulo 2^64 is a bijection. */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * FACTOR;
    return hash ^ (hash >> 32);
}

uint64_t bn_hash(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t word = 0;
    for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = hash_word(hash, word);
    }
    for (; size > 0; size--)
        hash = hash_word(hash, *at++);
    return hash;
}
