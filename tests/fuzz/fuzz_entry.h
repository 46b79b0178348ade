/* SPDX-License-Identifier: MIT */
/* Files of the disk cache, as host/program/disk_cache.c writes them, made by somebody who knows the format. */
#ifndef CLBN_FUZZ_ENTRY_H
#define CLBN_FUZZ_ENTRY_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_entry_header {
    uint64_t magic, key_size, data_size, checksum;
};

/* From now on the cache is in this process's folder. */
void fuzz_use_cache(void);

/* Writes a file in an entry's place. */
void fuzz_write_file(const char *kind, const char *key, const void *bytes, size_t size);
/* Gives a header the checksum over what is there of the key and the data. */
void fuzz_seal(struct fuzz_entry_header *header, const uint8_t *rest, size_t size);
/* Writes a sound entry. */
void fuzz_write_entry(const char *kind, const char *key, const void *data, size_t size);

#endif
