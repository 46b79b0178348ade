/* SPDX-License-Identifier: MIT */
/* An entry of the disk cache: the first byte says whether the file's checksum is made right. What is read is what the file ends
 * with, and its header and key say so. */
#include "fuzz.h"
#include "fuzz_entry.h"
#include "program/disk_cache.h"

#include <stdlib.h>
#include <string.h>

static const char key[] = "key";
enum { KEY_SIZE = sizeof key - 1 };

static void check_content(const uint8_t *file, size_t file_size, const uint8_t *read, size_t size)
{
    struct fuzz_entry_header header;
    FUZZ_EXPECT(file_size == sizeof header + KEY_SIZE + size, "%zu bytes of data in a file of %zu", size, file_size);
    memcpy(&header, file, sizeof header);
    FUZZ_EXPECT(header.key_size == KEY_SIZE && header.data_size == size, "sizes that the header does not say");
    FUZZ_EXPECT(memcmp(file + sizeof header, key, KEY_SIZE) == 0, "another key");
    FUZZ_EXPECT(size == 0 || memcmp(file + file_size - size, read, size) == 0, "other data");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t file_size = size > 0 ? size - 1 : 0;
    struct fuzz_entry_header header;
    void *read = NULL;
    size_t read_size = 0;
    uint8_t *file = malloc(file_size + 1);
    FUZZ_EXPECT(file != NULL, "no memory");
    if (file_size > 0)
        memcpy(file, data + 1, file_size);
    fuzz_use_cache();
    if (file_size >= sizeof header && data[0] % 4 != 0) {
        memcpy(&header, file, sizeof header);
        fuzz_seal(&header, file + sizeof header, file_size - sizeof header);
        memcpy(file, &header, sizeof header);
    }
    fuzz_write_file("test", key, file, file_size);
    if (bn_cache_read("test", key, KEY_SIZE, &read, &read_size))
        check_content(file, file_size, read, read_size);
    else
        FUZZ_EXPECT(read == NULL && read_size == 0, "a miss gives something");
    free(read);
    free(file);
    return 0;
}
