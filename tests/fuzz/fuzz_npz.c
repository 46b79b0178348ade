/* SPDX-License-Identifier: MIT */
/* .npz: an archive, whose member x is read, or one that no archive has. */
#include "fuzz.h"
#include "io/npy.h"
#include "io/scalar.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const members[] = { ":x", ":no such member", "" };
    char path[4096], member[5000];
    strcpy(path, fuzz_path("archive.npz"));
    fuzz_write(path, data, size);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct npy_array array;
        struct failure failure = { "" };
        snprintf(member, sizeof member, "%s%s", path, members[i]);
        if (!npy_read(&array, member, &failure)) {
            FUZZ_EXPECT(array.data == NULL && failure.sentence[0] != '\0', "a failure leaves an array, or no reason");
            continue;
        }
        FUZZ_EXPECT(i < 2, "an archive is an array");
        fuzz_touch(array.data, array.header.count * scalar_size(array.header.type));
        npy_free(&array);
    }
    return 0;
}
