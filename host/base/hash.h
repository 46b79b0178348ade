/* A 64-bit hash of bytes: names of cache entries, their checksums, and what the kernels' sources are known by. */
#ifndef CLBN_HASH_H
#define CLBN_HASH_H

#include <stddef.h>
#include <stdint.h>

#define BN_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues a hash, from BN_HASH_START, with more bytes; it depends on how these are divided among calls, and on the byte order.
 * Eight bytes at a time, since a program's are half a million. Each step is a bijection of the state, so that bytes of which one
 * has changed never have the same hash. No protection against forgers. */
uint64_t bn_hash(uint64_t hash, const void *bytes, size_t size);

#endif
