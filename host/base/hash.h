/* SPDX-License-Identifier: MIT */
/* A 64-bit hash of bytes: names of cache entries, their checksums, and what the kernels' sources are known by. */
#ifndef CLBN_HASH_H
#define CLBN_HASH_H

#include <stddef.h>
#include <stdint.h>

#define BN_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues a hash, which starts as BN_HASH_START, with more bytes. It depends on how bytes are split among calls, and on the byte
 * order. It takes eight bytes at a time, since programs are large. Each step is a bijection of the state, so a change of one byte
 * always changes the hash. It is no protection against forgers. */
uint64_t bn_hash(uint64_t hash, const void *bytes, size_t size);

#endif
