/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "io/npy.h"

#include "io/npz.h"
#include "io/scalar.h"
#include "system/file.h"
#include "system/memory.h"
#include "system/stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The most bytes of a header that are read; a sound one for 8 axes has some 250. */
enum { HEADER_LIMIT = 65536 };

/* The magic string and the version. */
enum { PREAMBLE_SIZE = 8 };

/* Bytes of an array that is mapped, and more than a header has. */
enum { MAPPED_LEAST = 1 << 20 };

static const unsigned char magic[6] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };

/* Reverses the bytes of each element. */
static void swap_bytes(unsigned char *data, size_t count, size_t element_size)
{
    for (size_t i = 0; i < count; i++, data += element_size) {
        for (size_t low = 0, high = element_size - 1; low < high; low++, high--) {
            unsigned char byte = data[low];

            data[low] = data[high];
            data[high] = byte;
        }
    }
}

/* Opens a regular file without waiting for anything, as opening a pipe would. *size: its bytes. */
static FILE *open_regular(const char *path, uintmax_t *size, struct failure *failure)
{
    struct stat status;
    FILE *stream;
    int descriptor = file_open(path);

    if (descriptor < 0) {
        fail(failure, "cannot read '%s': %s", path, strerror(errno));
        return NULL;
    }
    if (fstat(descriptor, &status) != 0) {
        fail(failure, "cannot read '%s': %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        fail(failure, "cannot read '%s': it is not a regular file", path);
    } else {
        *size = (uintmax_t)status.st_size;
        stream = fdopen(descriptor, "rb");
        if (stream != NULL)
            return stream;
        fail(failure, "cannot read '%s': %s", path, strerror(errno));
    }
    close(descriptor);
    return NULL;
}

/* The size of a pipe. */
#define UNKNOWN_SIZE UINTMAX_MAX

/* Makes room for the elements of a header, of zeros; pages that nobody writes to take no memory. */
static bool allocate(struct npy_array *array)
{
    size_t bytes = array->header.count * scalar_size(array->header.type);

    array->memory = bytes < SIZE_MAX - NPY_ALIGNMENT ? calloc(bytes + NPY_ALIGNMENT - 1, 1) : NULL;
    array->data = array->memory;
    if (array->memory != NULL)
        array->data =
            (unsigned char *)array->memory + (NPY_ALIGNMENT - (uintptr_t)array->memory % NPY_ALIGNMENT) % NPY_ALIGNMENT;
    return array->memory != NULL;
}

/* Takes the elements, which begin where the stream is, from the file itself: what is written to them stays in this process. Small ones
 * are read, which costs less, as are those that do not begin as they should, and those of a stream that is no file. */
static bool map_data(FILE *stream, struct npy_array *array)
{
    size_t bytes = array->header.count * scalar_size(array->header.type);
    off_t place = ftello(stream);

    if (bytes < MAPPED_LEAST || place < 0 || place >= MAPPED_LEAST || place % NPY_ALIGNMENT != 0)
        return false;
    array->memory = memory_map(stream, (size_t)place + bytes);
    if (array->memory == NULL)
        return false;
    array->mapped = (size_t)place + bytes;
    array->data = (unsigned char *)array->memory + place;
    return true;
}

/* Reads the preamble and the length of the dictionary. *size: the file's bytes, less those that have been read. */
static bool read_preamble(FILE *stream, uintmax_t *size, size_t *length, struct failure *failure)
{
    unsigned char bytes[PREAMBLE_SIZE + 4] = { 0 };
    size_t length_size;

    if (fread(bytes, 1, PREAMBLE_SIZE, stream) != PREAMBLE_SIZE || memcmp(bytes, magic, sizeof(magic)) != 0)
        return fail(failure, "it is not a .npy file");
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return fail(failure, "it is of .npy version %d.%d, and only 1.0, 2.0 and 3.0 are supported", bytes[6], bytes[7]);
    length_size = bytes[6] == 1 ? 2 : 4;
    if (fread(bytes + PREAMBLE_SIZE, 1, length_size, stream) != length_size)
        return fail(failure, "it ends within its header");
    *length = (size_t)bytes[8] | (size_t)bytes[9] << 8 | (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    *size -= PREAMBLE_SIZE + length_size;
    if (*length > *size)
        return fail(failure, "it ends within its header");
    if (*length > HEADER_LIMIT)
        return fail(failure, "its header has %zu bytes, more than the %d that are supported", *length, (int)HEADER_LIMIT);
    *size -= *length;
    return true;
}

/* Reads the header; *size as for read_preamble(). */
static bool read_header(FILE *stream, struct npy_header *header, uintmax_t *size, struct failure *failure)
{
    size_t length = 0;
    char *text;
    bool read;

    if (!read_preamble(stream, size, &length, failure))
        return false;
    text = malloc(length + 1);
    if (text == NULL)
        return fail(failure, "there is no memory for its header");
    read = fread(text, 1, length, stream) == length ? npy_header_parse(header, text, length, failure)
                                                    : fail(failure, "it ends within its header");
    free(text);
    return read;
}

/* Copies elements from Fortran order, where the first axis is the fastest, to C order. */
static void reorder(const struct npy_header *header, const unsigned char *fortran, unsigned char *c)
{
    size_t element_size = scalar_size(header->type);
    size_t position[CLBN_MAX_RANK] = { 0 };
    size_t stride[CLBN_MAX_RANK] = { 1 }; /* In elements of the Fortran array. */
    size_t from = 0;

    for (unsigned axis = 1; axis < header->rank; axis++)
        stride[axis] = stride[axis - 1] * header->shape[axis - 1];
    for (size_t to = 0; to < header->count; to++) {
        memcpy(c + to * element_size, fortran + from * element_size, element_size);
        for (unsigned axis = header->rank; axis-- > 0;) {
            from += stride[axis];
            if (++position[axis] < header->shape[axis])
                break;
            from -= stride[axis] * header->shape[axis];
            position[axis] = 0;
        }
    }
}

static bool make_c_order(struct npy_array *array, struct failure *failure)
{
    struct npy_array ordered = { .header = array->header };

    if (array->header.rank < 2 || array->header.count == 0)
        return true;
    if (!allocate(&ordered))
        return fail(failure, "there is no memory to bring it into C order");
    reorder(&array->header, array->data, ordered.data);
    npy_free(array);
    *array = ordered;
    return true;
}

/* Reads the elements, which must end the stream. */
static bool read_data(FILE *stream, struct npy_array *array, struct failure *failure)
{
    size_t bytes = array->header.count * scalar_size(array->header.type);
    size_t got = 0;

    if (bytes > 0 && !allocate(array))
        return fail(failure, "there is no memory for its %zu bytes", bytes);
    if (bytes > 0)
        got = fread(array->data, 1, bytes, stream);
    if (got != bytes)
        return fail(failure, "it could not be read to its end: of %zu bytes there were %zu", bytes, got);
    return getc(stream) == EOF || fail(failure, "it goes on after the %zu bytes of its array", bytes);
}

/* The sentences of its failures are continued in npy_read(). */
static bool read_array(FILE *stream, uintmax_t size, struct npy_array *array, struct failure *failure)
{
    bool known = size != UNKNOWN_SIZE;
    size_t bytes, element_size;

    if (size < PREAMBLE_SIZE + 2)
        return fail(failure, "it is not a .npy file");
    if (!read_header(stream, &array->header, &size, failure))
        return false;
    element_size = scalar_size(array->header.type);
    bytes = array->header.count * element_size;
    if (known && size != bytes) {
        char shape[256];

        npy_format_shape(array->header.shape, array->header.rank, shape, sizeof(shape));
        return fail(failure, "it has %ju bytes of data, and its shape %s needs %zu", size, shape, bytes);
    }
    if (!(known && map_data(stream, array)) && !read_data(stream, array, failure))
        return false;
    if (array->header.big_endian != scalar_big_endian())
        swap_bytes(array->data, array->header.count, element_size);
    return !array->header.fortran_order || make_c_order(array, failure);
}

/* Where the name of an archive's member begins in a path such as data.npz:x, behind the colon; NULL: nowhere. */
static const char *find_member(const char *path)
{
    static const char mark[] = ".npz:";
    const char *found = NULL;
    struct stat status;

    for (const char *next = path; (next = strstr(next, mark)) != NULL; next++)
        found = next + strlen(mark);
    return found != NULL && stat(path, &status) != 0 ? found : NULL;
}

bool npy_is_archive(const char *path)
{
    size_t length = strlen(path);

    return find_member(path) != NULL || (length > 4 && strcmp(path + length - 4, ".npz") == 0);
}

/* Reads a member of an archive; without a name, it fails with the names that there are. */
static bool read_member(const char *path, const char *member, struct npy_array *array, struct failure *failure)
{
    char *archive = strdup(path);
    unsigned char *bytes = NULL;
    FILE *stream = NULL, *content = NULL;
    uintmax_t size;
    size_t count;
    bool read = false;
    struct failure reason;

    if (archive == NULL)
        return fail(failure, "there is no memory to read '%s'", path);
    if (member != NULL)
        archive[member - path - 1] = '\0';
    stream = open_regular(archive, &size, failure);
    if (stream == NULL)
        goto cleanup;
    if (npz_read(stream, size, member, &bytes, &count, &reason)) {
        content = stream_of_bytes(bytes, count);
        read = content != NULL ? read_array(content, count, array, &reason) : fail(&reason, "%s", strerror(errno));
    }
    if (!read)
        fail(failure, "cannot read '%s': %s", path, reason.sentence);

cleanup:
    if (content != NULL)
        fclose(content);
    if (stream != NULL)
        fclose(stream);
    free(bytes);
    free(archive);
    return read;
}

static bool read_file(const char *path, struct npy_array *array, struct failure *failure)
{
    bool standard = strcmp(path, "-") == 0;
    uintmax_t size = UNKNOWN_SIZE;
    FILE *stream = standard ? stream_take_input() : open_regular(path, &size, failure);
    struct failure reason;
    bool read;

    if (stream == NULL)
        return false;
    read = read_array(stream, size, array, &reason);
    if (!standard)
        fclose(stream);
    return read || fail(failure, "cannot read '%s': %s", standard ? "the standard input" : path, reason.sentence);
}

bool npy_read(struct npy_array *array, const char *path, struct failure *failure)
{
    bool read;

    memset(array, 0, sizeof(*array));
    if (npy_is_archive(path))
        read = read_member(path, find_member(path), array, failure);
    else
        read = read_file(path, array, failure);
    if (!read)
        npy_free(array);
    array->header.fortran_order = false;
    return read;
}

bool npy_create(struct npy_array *array, clbn_type type, const size_t *shape, unsigned rank, struct failure *failure)
{
    memset(array, 0, sizeof(*array));
    array->header.type = type;
    array->header.rank = rank;
    if (rank > 0)
        memcpy(array->header.shape, shape, rank * sizeof(*shape));
    if (!npy_header_count(&array->header)) {
        memset(array, 0, sizeof(*array));
        return fail(failure, "an array is too large");
    }
    if (array->header.count > 0 && !allocate(array)) {
        size_t count = array->header.count;

        memset(array, 0, sizeof(*array));
        return fail(failure, "there is no memory for an array of %zu values", count);
    }
    return true;
}

bool npy_convert(struct npy_array *array, clbn_type type, struct failure *failure)
{
    struct npy_array old = *array;

    if (type == old.header.type)
        return true;
    if (!npy_create(array, type, old.header.shape, old.header.rank, failure)) {
        *array = old;
        return false;
    }
    for (size_t i = 0; i < array->header.count; i++)
        scalar_set(type, array->data, i, scalar_get(old.header.type, old.data, i));
    npy_free(&old);
    return true;
}

clbn_type npy_file_type(clbn_type type)
{
    return type == CLBN_BFLOAT16 ? CLBN_FLOAT32 : type;
}

/* Writes magic, version, length and dictionary, padded so that the data begins at a multiple of 64 bytes. */
static void write_header(const struct npy_header *header, FILE *stream)
{
    char text[NPY_HEADER_TEXT];
    size_t length = npy_header_format(header, text, sizeof(text));
    size_t total = (PREAMBLE_SIZE + 2 + length + 1 + 63) / 64 * 64;
    size_t padded = total - PREAMBLE_SIZE - 2;
    unsigned char preamble[PREAMBLE_SIZE + 2] = { 0 };

    memcpy(preamble, magic, sizeof(magic));
    preamble[6] = 1;
    preamble[8] = (unsigned char)(padded & 0xff);
    preamble[9] = (unsigned char)(padded >> 8);
    fwrite(preamble, 1, sizeof(preamble), stream);
    fprintf(stream, "%s%*s\n", text, (int)(padded - length - 1), "");
}

/* Writes the elements with their bytes reversed, a part at a time. */
static void write_swapped(const struct npy_array *array, FILE *stream)
{
    size_t element_size = scalar_size(array->header.type);
    const unsigned char *data = array->data;
    unsigned char element[8];

    for (size_t i = 0; i < array->header.count; i++) {
        memcpy(element, data + i * element_size, element_size);
        swap_bytes(element, 1, element_size);
        fwrite(element, 1, element_size, stream);
    }
}

bool npy_write(const struct npy_array *array, struct output_file *file, struct failure *failure)
{
    write_header(&array->header, file->stream);
    if (array->header.count > 0 && array->header.big_endian != scalar_big_endian())
        write_swapped(array, file->stream);
    else if (array->header.count > 0)
        fwrite(array->data, scalar_size(array->header.type), array->header.count, file->stream);
    return output_file_finish(file, failure);
}

void npy_free(struct npy_array *array)
{
    if (array->mapped > 0)
        memory_unmap(array->memory, array->mapped);
    else
        free(array->memory);
    memset(array, 0, sizeof(*array));
}
