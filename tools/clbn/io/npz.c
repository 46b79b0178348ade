/* SPDX-License-Identifier: MIT */
/* The parts of the zip format (PKWARE's APPNOTE.TXT) that NumPy writes: stored and deflated members, also with zip64 sizes. */
#define _POSIX_C_SOURCE 200809L

#include "io/npz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <zlib.h>

/* Bytes: of the fixed parts of records, of the longest comment, and of the largest directory that is read. */
enum {
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    ENTRY_SIZE = 46,
    LOCAL_SIZE = 30,
    COMMENT_MAXIMUM = 65535,
    DIRECTORY_MAXIMUM = 16 << 20
};

enum { METHOD_STORED = 0, METHOD_DEFLATED = 8, FLAG_ENCRYPTED = 1, EXTRA_ZIP64 = 1 };

/* What deflate makes of one byte, at most: it says so of itself. */
enum { DEFLATE_RATIO = 1032 };

struct archive {
    FILE *stream;
    uint64_t directory; /* where it begins; all members lie before it */
    uint64_t directory_size;
    unsigned char *entries;
};

struct entry {
    const char *name; /* without an end */
    size_t name_length;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, size, offset;
    size_t length; /* of its record in the directory */
};

/* A little-endian number of some bytes. */
static uint64_t number(const unsigned char *bytes, int count)
{
    uint64_t value = 0;

    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

static bool read_at(const struct archive *archive, uint64_t offset, void *bytes, size_t count)
{
    return offset <= INT64_MAX && fseeko(archive->stream, (off_t)offset, SEEK_SET) == 0 &&
           fread(bytes, 1, count, archive->stream) == count;
}

/* The place of the end record, which nothing but a comment follows. */
static bool find_end(const struct archive *archive, uint64_t size, uint64_t *place, unsigned char end[END_SIZE])
{
    static unsigned char tail[END_SIZE + COMMENT_MAXIMUM];
    size_t count = size < sizeof(tail) ? (size_t)size : sizeof(tail);

    if (count < END_SIZE || !read_at(archive, size - count, tail, count))
        return false;
    for (size_t i = count - END_SIZE + 1; i-- > 0;) {
        if (memcmp(tail + i, "PK\5\6", 4) == 0 && number(tail + i + 20, 2) == count - END_SIZE - i) {
            memcpy(end, tail + i, END_SIZE);
            *place = size - count + i;
            return true;
        }
    }
    return false;
}

static bool find_directory(struct archive *archive, uint64_t size, struct failure *failure)
{
    unsigned char end[END64_SIZE], locator[LOCATOR_SIZE];
    uint64_t place;

    if (!find_end(archive, size, &place, end))
        return fail(failure, "it is not a .npz archive");
    archive->directory_size = number(end + 12, 4);
    archive->directory = number(end + 16, 4);
    if (place >= LOCATOR_SIZE && read_at(archive, place - LOCATOR_SIZE, locator, LOCATOR_SIZE) &&
        memcmp(locator, "PK\6\7", 4) == 0) {
        place = number(locator + 8, 8);
        if (!read_at(archive, place, end, END64_SIZE) || memcmp(end, "PK\6\6", 4) != 0)
            return fail(failure, "its zip64 end record is not where it should be");
        archive->directory_size = number(end + 40, 8);
        archive->directory = number(end + 48, 8);
    }
    if (archive->directory > place || archive->directory_size > place - archive->directory)
        return fail(failure, "its directory reaches beyond its end");
    if (archive->directory_size > DIRECTORY_MAXIMUM)
        return fail(failure, "its directory has more than the %d bytes that are read", (int)DIRECTORY_MAXIMUM);
    return true;
}

static bool read_directory(struct archive *archive, uint64_t size, struct failure *failure)
{
    if (!find_directory(archive, size, failure))
        return false;
    archive->entries = malloc((size_t)archive->directory_size + 1);
    if (archive->entries == NULL)
        return fail(failure, "there is no memory for its directory");
    return read_at(archive, archive->directory, archive->entries, (size_t)archive->directory_size) ||
           fail(failure, "its directory could not be read");
}

/* Takes from zip64's extra field, in its order, what the record has no room for. */
static bool take_zip64(struct entry *entry, const unsigned char *extra, size_t length)
{
    uint64_t *const values[] = { &entry->size, &entry->packed, &entry->offset };

    while (length >= 4) {
        size_t id = (size_t)number(extra, 2), part = (size_t)number(extra + 2, 2);

        extra += 4;
        length -= 4;
        if (part > length)
            return false;
        for (size_t i = 0; id == EXTRA_ZIP64 && i < 3; i++) {
            if (*values[i] != UINT32_MAX)
                continue;
            if (part < 8)
                return false;
            *values[i] = number(extra, 8);
            extra += 8;
            length -= 8;
            part -= 8;
        }
        extra += part;
        length -= part;
    }
    return true;
}

/* The entry at a place in the directory, of sizes that fit before the directory. */
static bool parse_entry(const struct archive *archive, size_t at, struct entry *entry, struct failure *failure)
{
    const unsigned char *bytes = archive->entries + at;
    size_t left = (size_t)archive->directory_size - at, extra, comment;

    if (left < ENTRY_SIZE || memcmp(bytes, "PK\1\2", 4) != 0)
        return fail(failure, "its directory is damaged");
    entry->flags = (unsigned)number(bytes + 8, 2);
    entry->method = (unsigned)number(bytes + 10, 2);
    entry->crc = (uint32_t)number(bytes + 16, 4);
    entry->packed = number(bytes + 20, 4);
    entry->size = number(bytes + 24, 4);
    entry->name_length = (size_t)number(bytes + 28, 2);
    extra = (size_t)number(bytes + 30, 2);
    comment = (size_t)number(bytes + 32, 2);
    entry->offset = number(bytes + 42, 4);
    entry->name = (const char *)bytes + ENTRY_SIZE;
    entry->length = ENTRY_SIZE + entry->name_length + extra + comment;
    if (entry->length > left || !take_zip64(entry, bytes + ENTRY_SIZE + entry->name_length, extra))
        return fail(failure, "its directory is damaged");
    if (entry->offset > archive->directory || LOCAL_SIZE + entry->name_length > archive->directory - entry->offset ||
        entry->packed > archive->directory - entry->offset - LOCAL_SIZE - entry->name_length)
        return fail(failure, "its member '%.*s' reaches into its directory", (int)entry->name_length, entry->name);
    return true;
}

/* numpy.savez() adds .npy to the names. */
static bool is_named(const struct entry *entry, const char *name)
{
    size_t length = strlen(name);
    bool ends = entry->name_length == length + 4 && memcmp(entry->name + length, ".npy", 4) == 0;

    return (entry->name_length == length || ends) && memcmp(entry->name, name, length) == 0;
}

static bool overlap(const struct entry *one, const struct entry *other)
{
    return one->offset < other->offset + LOCAL_SIZE + other->name_length + other->packed &&
           other->offset < one->offset + LOCAL_SIZE + one->name_length + one->packed;
}

static bool fail_with_names(const struct archive *archive, const char *member, struct failure *failure)
{
    char names[1024] = "";
    size_t length = 0;
    struct entry entry;

    for (size_t at = 0; at < archive->directory_size && length < sizeof(names); at += entry.length) {
        size_t shown;

        if (!parse_entry(archive, at, &entry, failure))
            return false;
        shown = entry.name_length > 4 && memcmp(entry.name + entry.name_length - 4, ".npy", 4) == 0 ? entry.name_length - 4
                                                                                                    : entry.name_length;
        length +=
            (size_t)snprintf(names + length, sizeof(names) - length, "%s%.*s", at > 0 ? ", " : "", (int)shown, entry.name);
    }
    if (member == NULL)
        return fail(failure, "it is an archive, and takes the name of a member, as in DATA.npz:NAME; it has %s", names);
    return fail(failure, "it has no member '%s', but %s", member, names);
}

/* The entry of that name, of which there is one, and whose bytes are no other's. */
static bool find_entry(const struct archive *archive, const char *member, struct entry *found, struct failure *failure)
{
    struct entry entry;
    size_t place = SIZE_MAX;

    for (size_t at = 0; at < archive->directory_size && member != NULL; at += entry.length) {
        if (!parse_entry(archive, at, &entry, failure))
            return false;
        if (!is_named(&entry, member))
            continue;
        if (place != SIZE_MAX)
            return fail(failure, "it has the member '%s' twice", member);
        place = at;
        *found = entry;
    }
    if (place == SIZE_MAX)
        return fail_with_names(archive, member, failure);
    for (size_t at = 0; at < archive->directory_size; at += entry.length) {
        if (!parse_entry(archive, at, &entry, failure))
            return false;
        if (at != place && overlap(found, &entry))
            return fail(failure, "its member '%s' overlaps another one", member);
    }
    return true;
}

/* Checks what can be without memory, and leaves the stream where the content begins. */
static bool open_member(const struct archive *archive, const struct entry *entry, struct failure *failure)
{
    unsigned char local[LOCAL_SIZE];
    uint64_t skipped;

    if ((entry->flags & FLAG_ENCRYPTED) != 0)
        return fail(failure, "the member is encrypted");
    if (entry->method != METHOD_STORED && entry->method != METHOD_DEFLATED)
        return fail(failure, "the member is compressed by method %u, and only 0 (stored) and 8 (deflated) are supported",
                    entry->method);
    if (entry->method == METHOD_STORED ? entry->size != entry->packed : entry->size / DEFLATE_RATIO > entry->packed)
        return fail(failure, "the member has %ju bytes in the archive, which cannot make the %ju that it claims",
                    (uintmax_t)entry->packed, (uintmax_t)entry->size);
    if (!read_at(archive, entry->offset, local, LOCAL_SIZE) || memcmp(local, "PK\3\4", 4) != 0)
        return fail(failure, "the member is not where the directory says");
    skipped = LOCAL_SIZE + number(local + 26, 2) + number(local + 28, 2);
    if (skipped + entry->packed > archive->directory - entry->offset)
        return fail(failure, "the member reaches into the archive's directory");
    return fseeko(archive->stream, (off_t)(entry->offset + skipped), SEEK_SET) == 0 ||
           fail(failure, "the member is not where the directory says");
}

/* Inflates exactly to the size; false where the data is something else. */
static bool inflate_member(FILE *stream, const struct entry *entry, unsigned char *bytes)
{
    static unsigned char piece[1 << 16];
    z_stream inflating = { 0 };
    uint64_t left = entry->packed, made = 0;
    int result = Z_OK;

    if (inflateInit2(&inflating, -MAX_WBITS) != Z_OK)
        return false;
    while (result == Z_OK && (left > 0 || inflating.avail_in > 0)) {
        if (inflating.avail_in == 0) {
            inflating.next_in = piece;
            inflating.avail_in = (uInt)fread(piece, 1, left < sizeof(piece) ? (size_t)left : sizeof(piece), stream);
            left -= inflating.avail_in;
            if (inflating.avail_in == 0)
                break;
        }
        /* zlib counts in 32 bits. At the end one byte of room shows whether there is more. */
        unsigned char beyond = 0;
        uInt room = entry->size - made > 1 << 30 ? 1 << 30 : (uInt)(entry->size - made);
        inflating.next_out = room > 0 ? bytes + made : &beyond;
        inflating.avail_out = room > 0 ? room : 1;
        result = inflate(&inflating, Z_NO_FLUSH);
        made += (room > 0 ? room : 1) - inflating.avail_out;
        if (made > entry->size)
            result = Z_DATA_ERROR;
    }
    inflateEnd(&inflating);
    return result == Z_STREAM_END && made == entry->size && left == 0 && inflating.avail_in == 0;
}

static uint32_t checksum(const unsigned char *bytes, size_t count)
{
    uLong crc = crc32(0, NULL, 0);

    for (size_t done = 0; done < count;) {
        uInt part = count - done > 1 << 30 ? 1 << 30 : (uInt)(count - done);

        crc = crc32(crc, bytes + done, part);
        done += part;
    }
    return (uint32_t)crc;
}

static bool read_content(FILE *stream, const struct entry *entry, unsigned char **bytes, size_t *count, struct failure *failure)
{
    if (entry->size < SIZE_MAX)
        *bytes = malloc((size_t)entry->size + 1);
    if (*bytes == NULL)
        return fail(failure, "there is no memory for the %ju bytes of the member", (uintmax_t)entry->size);
    *count = (size_t)entry->size;
    if (entry->method == METHOD_STORED ? fread(*bytes, 1, *count, stream) != *count : !inflate_member(stream, entry, *bytes))
        return fail(failure, "the member's data is damaged");
    return checksum(*bytes, *count) == entry->crc || fail(failure, "the member's data is damaged: its checksum is another");
}

bool npz_read(FILE *stream, uintmax_t size, const char *member, unsigned char **bytes, size_t *count, struct failure *failure)
{
    struct archive archive = { .stream = stream };
    struct entry entry = { 0 };
    bool read = read_directory(&archive, size, failure) && find_entry(&archive, member, &entry, failure) &&
                open_member(&archive, &entry, failure) && read_content(stream, &entry, bytes, count, failure);

    free(archive.entries);
    return read;
}
