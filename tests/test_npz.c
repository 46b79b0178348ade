/* SPDX-License-Identifier: MIT */
/* Members of .npz archives: what NumPy writes, and what an enemy would. */
#define _POSIX_C_SOURCE 200809L

#include "io/npy.h"
#include "npy_files.h"
#include "npz_bytes.h"
#include "suite_runner.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const unsigned char *bytes;
    size_t size;
} archives[] = {
    { npz_stored, sizeof(npz_stored) },
    { npz_deflated, sizeof(npz_deflated) },
    { npz_zip64, sizeof(npz_zip64) },
};

enum { ARCHIVES = sizeof(archives) / sizeof(archives[0]), STORED = 0, DEFLATED = 1, ZIP64 = 2, SIZE_MAXIMUM = 2048 };

static unsigned char bytes[SIZE_MAXIMUM];
static struct failure failure;

/* A copy to be spoilt. Returns its size. */
static size_t take(int archive)
{
    memcpy(bytes, archives[archive].bytes, archives[archive].size);
    return archives[archive].size;
}

/* Writes the archive and reads a member; an empty name: the archive itself. */
static bool read_member(size_t size, const char *name, struct npy_array *array)
{
    char path[NPY_PATH_SIZE + 16], member[NPY_PATH_SIZE + 48];
    FILE *stream;
    bool read;

    snprintf(path, sizeof(path), "%s/data.npz", npy_folder);
    snprintf(member, sizeof(member), "%s%s%s", path, name[0] != '\0' ? ":" : "", name);
    stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(bytes, 1, size, stream), size);
    ck_assert_int_eq(fclose(stream), 0);
    read = npy_read(array, member, &failure);
    unlink(path);
    return read;
}

static void expect_six(size_t size, const char *name)
{
    struct npy_array array;

    ck_assert_msg(read_member(size, name, &array), "%s", failure.sentence);
    ck_assert_uint_eq(array.header.count, SIX);
    ck_assert_mem_eq(array.data, six, sizeof(six));
    npy_free(&array);
}

static void expect_failure(size_t size, const char *name, const char *reason)
{
    struct npy_array array;

    ck_assert_msg(!read_member(size, name, &array), "read although: %s", reason);
    ck_assert_msg(strstr(failure.sentence, "data.npz") != NULL, "no file name in: %s", failure.sentence);
    ck_assert_msg(strstr(failure.sentence, reason) != NULL, "not '%s' but: %s", reason, failure.sentence);
    ck_assert_ptr_null(array.data);
}

START_TEST(reads_members)
{
    size_t size = take(_i);
    struct npy_array array;

    expect_six(size, "x");
    expect_six(size, "x.npy");
    ck_assert_msg(read_member(size, "y", &array), "%s", failure.sentence);
    ck_assert_uint_eq(array.header.count, 2);
    npy_free(&array);
    expect_failure(size, "z", "it has no member 'z', but x, y");
    expect_failure(size, "", "takes the name of a member, as in DATA.npz:NAME; it has x, y");
}
END_TEST

START_TEST(refuses_every_truncation)
{
    size_t size = take(_i);
    struct npy_array array;

    for (size_t shorter = 0; shorter < size; shorter++)
        ck_assert_msg(!read_member(shorter, "x", &array), "read of %zu bytes", shorter);
    expect_failure(0, "x", "it is not a .npz archive");
}
END_TEST

/* Whatever a byte becomes, the archive is refused or the array is right. */
START_TEST(takes_no_wrong_byte)
{
    static const unsigned char changes[] = { 0x01, 0x80, 0xff };
    size_t size = take(_i);
    unsigned refused = 0;

    for (size_t i = 0; i < size; i++) {
        for (size_t change = 0; change < sizeof(changes); change++) {
            struct npy_array array;

            bytes[i] ^= changes[change];
            if (read_member(size, "x", &array)) {
                ck_assert_msg(array.header.count == SIX && memcmp(array.data, six, sizeof(six)) == 0, "byte %zu", i);
                npy_free(&array);
            } else {
                refused++;
            }
            bytes[i] ^= changes[change];
        }
    }
    ck_assert_uint_gt(refused, size / 2);
}
END_TEST

/* ---- What the directory says */

/* Where the archive has the signature for the nth time. */
static size_t find(size_t size, const char *signature, unsigned n)
{
    for (size_t i = 0; i + 4 <= size; i++)
        if (memcmp(bytes + i, signature, 4) == 0 && n-- == 0)
            return i;
    ck_abort_msg("no such record");
    return 0;
}

static void put(size_t place, uint64_t value, int count)
{
    for (int i = 0; i < count; i++)
        bytes[place + (size_t)i] = (unsigned char)(value >> 8 * i);
}

#define ENTRY "PK\1\2"
#define END   "PK\5\6"
#define END64 "PK\6\6"

static const struct {
    int archive;
    const char *record;
    unsigned nth;
    size_t place; /* in the record */
    uint64_t value;
    int bytes;
    const char *reason;
} lies[] = {
    { STORED, ENTRY, 0, 8, 1, 2, "encrypted" },
    { STORED, ENTRY, 0, 10, 12, 2, "compressed by method 12, and only 0 (stored) and 8 (deflated)" },
    { STORED, ENTRY, 0, 10, 8, 2, "data is damaged" },
    { STORED, ENTRY, 0, 16, 0, 4, "its checksum is another" },
    { STORED, ENTRY, 0, 20, 151, 4, "cannot make the 152" },
    { STORED, ENTRY, 0, 24, 0xfffffff0, 4, "cannot make the 4294967280" },
    { STORED, ENTRY, 0, 20, 0xfffffff0, 4, "reaches into its directory" },
    { STORED, ENTRY, 0, 28, 60000, 2, "directory is damaged" },
    { STORED, ENTRY, 0, 30, 60000, 2, "directory is damaged" },
    { STORED, ENTRY, 0, 32, 60000, 2, "directory is damaged" },
    { STORED, ENTRY, 0, 42, 1, 4, "not where the directory says" },
    { STORED, ENTRY, 0, 42, 0xfffffff0, 4, "reaches into its directory" },
    { STORED, ENTRY, 0, 42, 0xffffffff, 4, "reaches into its directory" },
    { STORED, ENTRY, 1, 42, 0, 4, "overlaps another" },
    { STORED, ENTRY, 1, 42, 100, 4, "overlaps another" },
    { STORED, ENTRY, 1, 46, 'x', 1, "has the member 'x' twice" },
    { STORED, ENTRY, 1, 0, 0, 4, "directory is damaged" },
    { STORED, END, 0, 12, 0xfffffff0, 4, "reaches beyond its end" },
    { STORED, END, 0, 16, 0xfffffff0, 4, "reaches beyond its end" },
    { STORED, END, 0, 16, 1, 4, "directory is damaged" },
    { STORED, END, 0, 20, 1, 2, "not a .npz archive" },
    { DEFLATED, ENTRY, 0, 24, 151, 4, "data is damaged" },
    { DEFLATED, ENTRY, 0, 24, 153, 4, "data is damaged" },
    { DEFLATED, ENTRY, 0, 24, 0xfffffff0, 4, "cannot make the 4294967280" },
    { DEFLATED, ENTRY, 0, 10, 0, 2, "cannot make" },
    { ZIP64, ENTRY, 0, 60, UINT64_MAX, 8, "cannot make" },
    { ZIP64, ENTRY, 0, 68, UINT64_MAX, 8, "reaches into its directory" },
    { ZIP64, ENTRY, 0, 76, UINT64_MAX, 8, "reaches into its directory" },
    { ZIP64, ENTRY, 0, 58, 8, 2, "directory is damaged" },
    { ZIP64, ENTRY, 0, 58, 60, 2, "directory is damaged" },
    { ZIP64, END64, 0, 40, UINT64_MAX, 8, "reaches beyond its end" },
    { ZIP64, END64, 0, 48, UINT64_MAX, 8, "reaches beyond its end" },
    { ZIP64, "PK\6\7", 0, 8, UINT64_MAX, 8, "zip64 end record is not where it should be" },
};

START_TEST(believes_no_lie)
{
    size_t size = take(lies[_i].archive);

    put(find(size, lies[_i].record, lies[_i].nth) + lies[_i].place, lies[_i].value, lies[_i].bytes);
    expect_failure(size, "x", lies[_i].reason);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npz");
    TCase *reading = add_npy_case(suite, "reading");

    tcase_add_loop_test(reading, reads_members, 0, ARCHIVES);
    tcase_add_loop_test(reading, refuses_every_truncation, 0, ARCHIVES);
    tcase_add_loop_test(reading, takes_no_wrong_byte, 0, ARCHIVES);
    tcase_add_loop_test(reading, believes_no_lie, 0, (int)(sizeof(lies) / sizeof(lies[0])));
    return run_in_one_process(suite);
}
