/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "io/idx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
    UNSIGNED_BYTE = 0x08,   /* the third byte of the magic number: the type of the elements */
    MAX_RANK = 3,           /* of the files read here */
    FIRST_PIECE = 64 * 1024 /* bytes */
};

struct header {
    size_t sizes[MAX_RANK];
};

static bool fail_read(gzFile file, const char *path, struct failure *failure)
{
    int code = Z_OK;
    const char *text = gzerror(file, &code);
    if (code == Z_ERRNO)
        return fail(failure, "cannot read '%s': %s", path, strerror(errno));
    if (code == Z_BUF_ERROR)
        return fail(failure, "'%s' is cut short: its gzip stream has no end", path);
    return fail(failure, "'%s' is not sound gzip data: %s", path, text);
}

/* Reads up to size bytes; *got tells how many there were before the end of the file. size is below 2^31. */
static bool read_some(gzFile file, const char *path, void *bytes, size_t size, size_t *got, struct failure *failure)
{
    errno = 0;
    int count = gzread(file, bytes, (unsigned)size);
    int code = Z_OK;
    gzerror(file, &code);
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END))
        return fail_read(file, path, failure);
    *got = (size_t)count;
    return true;
}

static size_t big_endian_32(const unsigned char bytes[4])
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | (size_t)bytes[3];
}

static bool read_header(gzFile file, const char *path, unsigned rank, struct header *header, struct failure *failure)
{
    unsigned char bytes[4 + 4 * MAX_RANK];
    size_t got = 0;
    if (!read_some(file, path, bytes, 4, &got, failure))
        return false;
    if (got < 4)
        return fail(failure, "'%s' is cut short: it has no IDX header", path);
    if (bytes[0] != 0 || bytes[1] != 0)
        return fail(failure, "'%s' is not an IDX file: it starts with %02x %02x, not 00 00", path, bytes[0], bytes[1]);
    if (bytes[2] != UNSIGNED_BYTE)
        return fail(failure, "'%s' holds elements of type 0x%02x, and only unsigned bytes (0x08) are read", path, bytes[2]);
    if (bytes[3] != rank)
        return fail(failure, "'%s' has %u dimensions, and %u were expected", path, bytes[3], rank);
    if (!read_some(file, path, bytes + 4, (size_t)rank * 4, &got, failure))
        return false;
    if (got < (size_t)rank * 4)
        return fail(failure, "'%s' is cut short: it ends within the IDX header", path);
    for (unsigned i = 0; i < rank; i++)
        header->sizes[i] = big_endian_32(bytes + 4 + (size_t)4 * i);
    return true;
}

/*
 * Reads exactly size bytes and then the end of the file. The memory at *content doubles as bytes arrive: a header
 * that claims much in a file that holds little costs little. The caller frees *content, also on failure.
 */
static bool read_content(gzFile file, const char *path, size_t size, unsigned char **content, struct failure *failure)
{
    size_t capacity = 0;
    size_t filled = 0;
    while (filled < size) {
        if (filled == capacity) {
            capacity = capacity == 0 ? FIRST_PIECE : 2 * capacity;
            if (capacity > size)
                capacity = size;
            unsigned char *larger = realloc(*content, capacity);
            if (larger == NULL)
                return fail(failure, "there is no memory for the %zu bytes of '%s'", size, path);
            *content = larger;
        }
        size_t got = 0;
        if (!read_some(file, path, *content + filled, capacity - filled, &got, failure))
            return false;
        if (got == 0) {
            return fail(failure, "'%s' is cut short: it has %zu bytes of content where its header announces %zu", path, filled,
                        size);
        }
        filled += got;
    }
    unsigned char beyond;
    size_t got = 0;
    if (!read_some(file, path, &beyond, 1, &got, failure)) /* This meets the checksum of a gzip file, too. */
        return false;
    if (got != 0)
        return fail(failure, "'%s' goes on after the %zu bytes of content that its header announces", path, size);
    return true;
}

/* gzopen would wait for ever on a FIFO and read a device without end. */
static gzFile open_file(const char *path, struct failure *failure)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fail(failure, "cannot open '%s': %s", path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        fail(failure, "'%s' is not a regular file", path);
        return NULL;
    }
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        fail(failure, "cannot open '%s': %s", path, strerror(errno != 0 ? errno : ENOMEM));
    return file;
}

static bool check_images(const char *path, const struct header *header, struct failure *failure)
{
    const size_t *sizes = header->sizes;
    if (sizes[0] == 0)
        return fail(failure, "'%s' holds no images", path);
    if (sizes[1] == 0 || sizes[2] == 0 || sizes[1] > IDX_MAX_SIDE || sizes[2] > IDX_MAX_SIDE) {
        return fail(failure, "'%s' holds images of %zu x %zu pixels, and 1 x 1 to %u x %u are read", path, sizes[1], sizes[2],
                    IDX_MAX_SIDE, IDX_MAX_SIDE);
    }
    if (sizes[0] > IDX_MAX_BYTES / (sizes[1] * sizes[2])) {
        return fail(failure, "'%s' announces %zu images of %zu x %zu pixels, more than the %zu bytes that are read", path,
                    sizes[0], sizes[1], sizes[2], IDX_MAX_BYTES);
    }
    return true;
}

static bool check_labels(const char *path, const struct header *header, struct failure *failure)
{
    if (header->sizes[0] == 0)
        return fail(failure, "'%s' holds no labels", path);
    if (header->sizes[0] > IDX_MAX_BYTES) {
        return fail(failure, "'%s' announces %zu labels, more than the %zu that are read", path, header->sizes[0],
                    IDX_MAX_BYTES);
    }
    return true;
}

bool idx_read_images(const char *path, struct idx_set *set, struct failure *failure)
{
    bool done = false;
    struct header header = { { 0 } };
    unsigned char *content = NULL;
    gzFile file = open_file(path, failure);
    if (file == NULL || !read_header(file, path, 3, &header, failure) || !check_images(path, &header, failure))
        goto cleanup;
    if (!read_content(file, path, header.sizes[0] * header.sizes[1] * header.sizes[2], &content, failure))
        goto cleanup;
    set->count = header.sizes[0];
    set->height = header.sizes[1];
    set->width = header.sizes[2];
    set->images = content;
    content = NULL;
    done = true;
cleanup:
    free(content);
    if (file != NULL)
        gzclose_r(file);
    return done;
}

bool idx_read_labels(const char *path, size_t class_count, struct idx_set *set, struct failure *failure)
{
    bool done = false;
    struct header header = { { 0 } };
    unsigned char *content = NULL;
    gzFile file = open_file(path, failure);
    if (file == NULL || !read_header(file, path, 1, &header, failure) || !check_labels(path, &header, failure))
        goto cleanup;
    if (!read_content(file, path, header.sizes[0], &content, failure))
        goto cleanup;
    for (size_t i = 0; i < header.sizes[0]; i++) {
        if (content[i] >= class_count) {
            fail(failure, "'%s' has the label %u at place %zu, and there are only %zu classes, from 0", path, content[i], i,
                 class_count);
            goto cleanup;
        }
    }
    set->count = header.sizes[0];
    set->labels = content;
    content = NULL;
    done = true;
cleanup:
    free(content);
    if (file != NULL)
        gzclose_r(file);
    return done;
}

/* A file's name without its ending. The dot is a dash in the names that the data sets were published under, and stays one where
 * some programs unpack them. */
static const struct {
    const char *part, *kind;
} file_names[IDX_FILES] = {
    [IDX_TRAINING_IMAGES] = { "train-images", "idx3-ubyte" },
    [IDX_TRAINING_LABELS] = { "train-labels", "idx1-ubyte" },
    [IDX_TEST_IMAGES] = { "t10k-images", "idx3-ubyte" },
    [IDX_TEST_LABELS] = { "t10k-labels", "idx1-ubyte" },
};

bool idx_find_file(const char *folder, enum idx_file file, char path[IDX_PATH_SIZE], struct failure *failure)
{
    static const char *const forms[] = { "%s/%s-%s", "%s/%s-%s.gz", "%s/%s.%s", "%s/%s.%s.gz" };
    const char *part = file_names[file].part, *kind = file_names[file].kind;
    char other[IDX_PATH_SIZE] = ""; /* what has the name and is no file */

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct stat status;
        int length = snprintf(path, IDX_PATH_SIZE, forms[i], folder, part, kind);

        if (length < 0 || length >= IDX_PATH_SIZE)
            return fail(failure, "the name of the folder '%.64s...' is too long", folder);
        if (stat(path, &status) != 0) {
            if (errno != ENOENT)
                return fail(failure, "cannot open '%s': %s", path, strerror(errno));
        } else if (S_ISREG(status.st_mode)) {
            return true;
        } else {
            memcpy(other, path, (size_t)length + 1);
        }
    }
    if (other[0] != '\0')
        return fail(failure, "'%s' is not a regular file", other);
    return fail(failure, "'%s' has no file %s-%s or %s.%s, nor one with .gz", folder, part, kind, part, kind);
}

bool idx_read_set(const char *folder, enum idx_part part, size_t class_count, struct idx_set *set, struct failure *failure)
{
    bool training = part == IDX_TRAINING;
    char path[IDX_PATH_SIZE];
    struct idx_set labels = IDX_SET_INIT;
    *set = labels;
    if (!idx_find_file(folder, training ? IDX_TRAINING_IMAGES : IDX_TEST_IMAGES, path, failure) ||
        !idx_read_images(path, set, failure) ||
        !idx_find_file(folder, training ? IDX_TRAINING_LABELS : IDX_TEST_LABELS, path, failure) ||
        !idx_read_labels(path, class_count, &labels, failure)) {
        idx_free_set(set);
        return false;
    }
    if (labels.count != set->count) {
        fail(failure, "'%s' has %zu %s images and %zu labels", folder, set->count, training ? "training" : "test",
             labels.count);
        idx_free_set(&labels);
        idx_free_set(set);
        return false;
    }
    set->labels = labels.labels;
    return true;
}

void idx_free_set(struct idx_set *set)
{
    static const struct idx_set empty = IDX_SET_INIT;
    free(set->images);
    free(set->labels);
    *set = empty;
}
