/* SPDX-License-Identifier: MIT */
/* IDX: the first byte says whether the rest is a file as it is, or is compressed before. Images and labels are read of it. */
#include "fuzz.h"
#include "io/idx.h"

#include <string.h>
#include <zlib.h>

enum { AS_IT_IS, COMPRESSED, WAYS };

static void write_compressed(const char *path, const uint8_t *data, size_t size)
{
    gzFile file = gzopen(path, "wb1");
    FUZZ_EXPECT(file != NULL && (size == 0 || gzwrite(file, data, (unsigned)size) == (int)size), "%s cannot be written", path);
    gzclose(file);
}

static void check_read(bool read, const struct idx_set *set, const struct failure *failure)
{
    FUZZ_EXPECT(read || failure->sentence[0] != '\0', "a failure without a reason");
    FUZZ_EXPECT(read || (set->images == NULL && set->labels == NULL), "a failure leaves content");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idx_set images = IDX_SET_INIT, labels = IDX_SET_INIT;
    struct failure failure = { "" };
    char path[4096];
    strcpy(path, fuzz_path("file"));
    if (size == 0)
        return 0;
    if (data[0] % WAYS == AS_IT_IS)
        fuzz_write(path, data + 1, size - 1);
    else
        write_compressed(path, data + 1, size - 1);
    check_read(idx_read_images(path, &images, &failure), &images, &failure);
    fuzz_touch(images.images, images.images != NULL ? images.count * images.height * images.width : 0);
    failure.sentence[0] = '\0';
    check_read(idx_read_labels(path, 10, &labels, &failure), &labels, &failure);
    for (size_t i = 0; labels.labels != NULL && i < labels.count; i++)
        FUZZ_EXPECT(labels.labels[i] < 10, "label %u", labels.labels[i]);
    idx_free_set(&images);
    idx_free_set(&labels);
    return 0;
}
