/* SPDX-License-Identifier: MIT */
#include "program/disk_cache.h"

#include "base/hash.h"
#include "base/integers.h"
#include "program/cache_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "clbn" and the number of the format. A machine of the other byte order reads another number. */
#define MAGIC UINT64_C(0x636c626e00000002)

/* Bytes of an entry: far more than any program has, and few enough to be read at once. */
#define MAX_ENTRY_SIZE ((size_t)64 << 20)

/* A disk with fewer bytes free than that is taken for full: programs are usually smaller. */
#define ROOM_FOR_ENTRY ((size_t)8 << 20)

enum { NAME_SIZE = 128 };

/* A file is this header, the key, and the data. */
struct entry_header {
    uint64_t magic;
    uint64_t key_size;
    uint64_t data_size;
    uint64_t checksum; /* of the other members, the key and the data */
};

static uint64_t checksum_of(const struct entry_header *header, const void *key, const void *data)
{
    uint64_t hash = bn_hash(BN_HASH_START, header, offsetof(struct entry_header, checksum));
    hash = bn_hash(hash, key, (size_t)header->key_size);
    return bn_hash(hash, data, (size_t)header->data_size);
}

static bool fits(size_t key_size, size_t data_size)
{
    return key_size <= MAX_ENTRY_SIZE && data_size <= MAX_ENTRY_SIZE &&
           sizeof(struct entry_header) + key_size + data_size <= MAX_ENTRY_SIZE;
}

/* Two keys of the same hash share a file: reading it by the other key is a miss. */
static bool name_entry(char name[NAME_SIZE], const char *kind, const void *key, size_t key_size)
{
    int length = snprintf(name, NAME_SIZE, "%s-%016" PRIx64, kind, bn_hash(BN_HASH_START, key, key_size));
    return length > 0 && length < NAME_SIZE;
}

/* Whether a file's bytes are a sound entry of the key. Gives the size of its data, which are the last bytes. */
static bool check_entry(const unsigned char *content, size_t size, const void *key, size_t key_size, size_t *data_size)
{
    struct entry_header header;
    if (size < sizeof(header))
        return false;
    memcpy(&header, content, sizeof(header));
    if (header.magic != MAGIC || header.key_size != key_size || key_size > size - sizeof(header))
        return false;
    const unsigned char *its_key = content + sizeof(header);
    *data_size = size - sizeof(header) - key_size;
    return header.data_size == *data_size && memcmp(its_key, key, key_size) == 0 &&
           header.checksum == checksum_of(&header, its_key, its_key + key_size);
}

bool bn_cache_read(const char *kind, const void *key, size_t key_size, void **data, size_t *size)
{
    char name[NAME_SIZE];
    size_t file_size = 0, data_size = 0;
    unsigned char *content =
        name_entry(name, kind, key, key_size) ? bn_read_cache_file(name, MAX_ENTRY_SIZE, &file_size) : NULL;
    if (!content || !check_entry(content, file_size, key, key_size, &data_size)) {
        free(content);
        return false;
    }
    memmove(content, content + file_size - data_size, data_size);
    *data = content;
    *size = data_size;
    return true;
}

bool bn_cache_is_writable(void)
{
    return bn_cache_has_room(ROOM_FOR_ENTRY);
}

bool bn_cache_write(const char *kind, const void *key, size_t key_size, const void *data, size_t size)
{
    char name[NAME_SIZE];
    struct entry_header header = { .magic = MAGIC, .key_size = key_size, .data_size = size };
    if (!fits(key_size, size) || !name_entry(name, kind, key, key_size))
        return false;
    header.checksum = checksum_of(&header, key, data);
    const struct file_part parts[] = { { &header, sizeof(header) }, { key, key_size }, { data, size } };
    return bn_write_cache_file(name, parts, COUNT_OF(parts));
}

void bn_cache_delete(const char *kind, const void *key, size_t key_size)
{
    char name[NAME_SIZE];
    if (name_entry(name, kind, key, key_size))
        bn_delete_cache_file(name);
}
