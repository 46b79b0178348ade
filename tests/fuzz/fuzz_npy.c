/* SPDX-License-Identifier: MIT */
/* .npy: a file, or the text of a header. What is read is all there, and comes back the same when it is written and read. */
#include "fuzz.h"
#include "io/npy.h"
#include "io/scalar.h"

#include <stdlib.h>
#include <string.h>

static void check_header(const uint8_t *text, size_t size)
{
    struct npy_header header, again;
    struct failure failure = { "" };
    char formatted[NPY_HEADER_TEXT];
    if (!npy_header_parse(&header, (const char *)text, size, &failure)) {
        FUZZ_EXPECT(failure.sentence[0] != '\0', "a header is refused without a reason");
        return;
    }
    const size_t length = npy_header_format(&header, formatted, sizeof formatted);
    FUZZ_EXPECT(length < sizeof formatted, "a header of %zu characters", length);
    FUZZ_EXPECT(npy_header_parse(&again, formatted, length, &failure), "%s: %s", formatted, failure.sentence);
    FUZZ_EXPECT(again.type == header.type && again.rank == header.rank && again.count == header.count &&
                    memcmp(again.shape, header.shape, header.rank * sizeof header.shape[0]) == 0,
                "%s is read as another header", formatted);
}

static void check_written(struct npy_array *array)
{
    struct output_file file;
    struct failure failure;
    struct npy_array again;
    char path[4096];
    const size_t bytes = array->header.count * scalar_size(array->header.type);
    strcpy(path, fuzz_path("written.npy"));
    FUZZ_EXPECT(output_file_open(&file, path, &failure), "%s", failure.sentence);
    FUZZ_EXPECT(npy_write(array, &file, &failure) && output_file_publish(&file, &failure), "%s", failure.sentence);
    output_file_close(&file);
    FUZZ_EXPECT(npy_read(&again, path, &failure), "%s", failure.sentence);
    FUZZ_EXPECT(again.header.count == array->header.count && again.header.type == array->header.type, "another array");
    FUZZ_EXPECT(bytes == 0 || memcmp(again.data, array->data, bytes) == 0, "other elements");
    npy_free(&again);
}

static void check_file(const uint8_t *data, size_t size)
{
    struct npy_array array;
    struct failure failure;
    char path[4096];
    strcpy(path, fuzz_path("array.npy"));
    fuzz_write(path, data, size);
    if (!npy_read(&array, path, &failure)) {
        FUZZ_EXPECT(array.data == NULL && failure.sentence[0] != '\0', "a failure leaves an array, or no reason");
        return;
    }
    fuzz_touch(array.data, array.header.count * scalar_size(array.header.type));
    check_written(&array);
    for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++) {
        FUZZ_EXPECT(npy_convert(&array, type, &failure), "%s", failure.sentence);
        fuzz_touch(array.data, array.header.count * scalar_size(type));
    }
    npy_free(&array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '{')
        check_header(data, size);
    else
        check_file(data, size);
    return 0;
}
