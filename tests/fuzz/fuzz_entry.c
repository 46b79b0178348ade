/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "fuzz_entry.h"

#include "base/hash.h"
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC UINT64_C(0x636c626e00000002)

void fuzz_use_cache(void)
{
    FUZZ_EXPECT(setenv("CLBN_CACHE_DIR", fuzz_folder(), 1) == 0, "no environment");
}

void fuzz_write_file(const char *kind, const char *key, const void *bytes, size_t size)
{
    char name[128];
    snprintf(name, sizeof name, "%s-%016" PRIx64, kind, bn_hash(BN_HASH_START, key, strlen(key)));
    fuzz_write(fuzz_path(name), bytes, size);
}

void fuzz_seal(struct fuzz_entry_header *header, const uint8_t *rest, size_t size)
{
    const size_t key = header->key_size < size ? (size_t)header->key_size : size;
    const size_t data = header->data_size < size - key ? (size_t)header->data_size : size - key;
    header->checksum = bn_hash(BN_HASH_START, header, offsetof(struct fuzz_entry_header, checksum));
    header->checksum = bn_hash(header->checksum, rest, key);
    header->checksum = bn_hash(header->checksum, rest + key, data);
}

void fuzz_write_entry(const char *kind, const char *key, const void *data, size_t size)
{
    struct fuzz_entry_header header = { MAGIC, strlen(key), size, 0 };
    uint8_t *bytes = malloc(sizeof header + strlen(key) + size);
    FUZZ_EXPECT(bytes != NULL, "no memory");
    memcpy(bytes + sizeof header, key, strlen(key));
    if (size > 0)
        memcpy(bytes + sizeof header + strlen(key), data, size);
    fuzz_seal(&header, bytes + sizeof header, strlen(key) + size);
    memcpy(bytes, &header, sizeof header);
    fuzz_write_file(kind, key, bytes, sizeof header + strlen(key) + size);
    free(bytes);
}
