/* SPDX-License-Identifier: MIT */
/* Files that are no .npy files, or were made by an enemy. */
#define _POSIX_C_SOURCE 200809L

#include "io/npy.h"
#include "io/npy_header.h"
#include "io/scalar.h"
#include "npy_files.h"
#include "suite_runner.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Reads the file, which must fail with a sentence that names it and has the reason in it. */
static void expect_failure(const char *reason)
{
    struct npy_array array;
    struct failure failure = { "" };

    ck_assert_msg(!npy_read(&array, npy_path, &failure), "read although: %s", reason);
    ck_assert_msg(strstr(failure.sentence, npy_path) != NULL, "no file name in: %s", failure.sentence);
    ck_assert_msg(strstr(failure.sentence, reason) != NULL, "not '%s' but: %s", reason, failure.sentence);
    ck_assert_ptr_null(array.data);
}

/* ---- Files that are no arrays */

START_TEST(refuses_what_is_not_a_regular_file)
{
    struct npy_array array;
    struct failure failure;

    expect_failure("No such file");
    ck_assert(!npy_read(&array, npy_folder, &failure));
    ck_assert_ptr_nonnull(strstr(failure.sentence, "not a regular file"));
    ck_assert(!npy_read(&array, "/dev/zero", &failure));
    ck_assert_ptr_nonnull(strstr(failure.sentence, "not a regular file"));
    ck_assert_int_eq(mkfifo(npy_path, 0600), 0);
    expect_failure("not a regular file");
}
END_TEST

START_TEST(refuses_every_truncation)
{
    unsigned char bytes[256] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0 };
    size_t length = strlen(six_dictionary), total = 10 + length + sizeof(six);

    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, six_dictionary, length);
    memcpy(bytes + 10 + length, six_bytes, sizeof(six_bytes));
    for (size_t size = 0; size < total; size++) {
        write_npy_bytes(bytes, size);
        expect_failure(size < 10            ? "not a .npy file"
                       : size < 10 + length ? "ends within its header"
                                            : "its shape (2, 3) needs 24");
    }
    write_npy_bytes(bytes, total);
    check_six();
    write_npy_bytes(bytes, total + 1);
    expect_failure("25 bytes of data, and its shape (2, 3) needs 24");
}
END_TEST

START_TEST(refuses_other_preambles)
{
    static const struct {
        unsigned char bytes[16];
        const char *reason;
    } rows[] = {
        { "not a npy file", "not a .npy file" },
        { "PK\3\4aaaaaaaaaaa", "not a .npy file" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Z', 1, 0, 0, 0 }, "not a .npy file" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 0, 0, 4, 0 }, "version 0.0" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 4, 0, 4, 0 }, "version 4.0" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 1, 4, 0 }, "version 1.1" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 255, 255, 4, 0 }, "version 255.255" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 255, 255 }, "ends within its header" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 255, 255, 255, 255 }, "ends within its header" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 3, 0, 0, 0, 0, 0x80 }, "ends within its header" },
        { { 0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 0, 0, 0, 0 }, "header is not a dictionary" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_npy_bytes(rows[i].bytes, sizeof(rows[i].bytes));
        expect_failure(rows[i].reason);
    }
}
END_TEST

START_TEST(refuses_a_header_that_is_too_long)
{
    size_t length = 65537;
    unsigned char *bytes = calloc(12 + length, 1);

    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, "\x93NUMPY\2\0\1\0\1\0", 12);
    memset(bytes + 12, ' ', length);
    write_npy_bytes(bytes, 12 + length);
    free(bytes);
    expect_failure("65537 bytes, more than the 65536");
}
END_TEST

/* ---- Hostile dictionaries */

#define DESCR   "'descr': '<f4', "
#define FORTRAN "'fortran_order': False, "
#define SHAPE   "'shape': (1,), "

/* Of shapes that a file of a machine of 64 bits could have. */
#if SIZE_MAX > UINT32_MAX
#define BYTES(count) "needs " count
#else
#define BYTES(count) "shape is too large"
#endif

static const struct {
    const char *dictionary;
    const char *reason;
} hostile[] = {
    { "", "not a dictionary" },
    { "   \n", "not a dictionary" },
    { "[]", "not a dictionary" },
    { "{", "not a dictionary with strings" },
    { "{}", "no key 'descr'" },
    { "{,}", "not a dictionary with strings" },
    { "{" FORTRAN SHAPE "}", "no key 'descr'" },
    { "{" DESCR SHAPE "}", "no key 'fortran_order'" },
    { "{" DESCR FORTRAN "}", "no key 'shape'" },
    { "{" DESCR FORTRAN SHAPE, "not a dictionary with strings" },
    { "{" DESCR FORTRAN "'shape': (1,)", "a comma or a brace is missing" },
    { "{" DESCR FORTRAN SHAPE "} x", "goes on after the dictionary" },
    { "{" DESCR FORTRAN SHAPE "}}", "goes on after the dictionary" },
    { "{" DESCR FORTRAN SHAPE ",}", "not a dictionary with strings" },
    { "{" DESCR DESCR FORTRAN SHAPE "}", "'descr' twice" },
    { "{" DESCR FORTRAN SHAPE SHAPE "}", "'shape' twice" },
    { "{" DESCR FORTRAN FORTRAN SHAPE "}", "'fortran_order' twice" },
    { "{" DESCR FORTRAN SHAPE "'more': 1}", "unknown key 'more'" },
    { "{'Descr': '<f4', " FORTRAN SHAPE "}", "unknown key 'Descr'" },
    { "{'desc\\x72': '<f4', " FORTRAN SHAPE "}", "not a dictionary with strings" },
    { "{'descr: '<f4', " FORTRAN SHAPE "}", "unknown key 'descr: '" },
    { "{'descr\": '<f4', " FORTRAN SHAPE "}", "unknown key" },
    { "{descr: '<f4', " FORTRAN SHAPE "}", "strings as keys" },
    { "{u'descr': '<f4', " FORTRAN SHAPE "}", "strings as keys" },
    { "{'descr' '<f4', " FORTRAN SHAPE "}", "no colon after 'descr'" },
    { "{'descr': '<f4' " FORTRAN SHAPE "}", "a comma or a brace is missing" },
    { "{'descr': '|f4', " FORTRAN SHAPE "}", "type is '|f4'" },
    { "{'descr': '>V2', " FORTRAN SHAPE "}", "type is '>V2'" },
    { "{'descr': '<V4', " FORTRAN SHAPE "}", "type is '<V4'" },
    { "{'descr': '<<f4', " FORTRAN SHAPE "}", "type is '<<f4'" },
    { "{'descr': '!f4', " FORTRAN SHAPE "}", "type is '!f4'" },
    { "{'descr': '<', " FORTRAN SHAPE "}", "type is '<'" },
    { "{'descr': '>i4', " FORTRAN SHAPE "}", "only f2, f4 and f8 of either byte order, u1, and V2" },
    { "{'descr': '|i1', " FORTRAN SHAPE "}", "type is '|i1'" },
    { "{'descr': '<f16', " FORTRAN SHAPE "}", "type is '<f16'" },
    { "{'descr': '<c8', " FORTRAN SHAPE "}", "type is '<c8'" },
    { "{'descr': '<i4', " FORTRAN SHAPE "}", "type is '<i4'" },
    { "{'descr': '|O', " FORTRAN SHAPE "}", "type is '|O'" },
    { "{'descr': '', " FORTRAN SHAPE "}", "type is ''" },
    { "{'descr': '<f4 ', " FORTRAN SHAPE "}", "type is '<f4 '" },
    { "{'descr': [('a', '<f4')], " FORTRAN SHAPE "}", "'descr' is not a string" },
    { "{'descr': <f4, " FORTRAN SHAPE "}", "'descr' is not a string" },
    { "{'descr': '<f4\n', " FORTRAN SHAPE "}", "'descr' is not a string" },
    { "{'descr': '<f4", "'descr' is not a string" },
    { "{'descr':", "'descr' is not a string" },
    { "{" DESCR "'fortran_order': 0, " SHAPE "}", "neither True nor False" },
    { "{" DESCR "'fortran_order': false, " SHAPE "}", "neither True nor False" },
    { "{" DESCR "'fortran_order': 'True', " SHAPE "}", "neither True nor False" },
    { "{" DESCR "'fortran_order': Truely, " SHAPE "}", "neither True nor False" },
    { "{" DESCR "'fortran_order': None, " SHAPE "}", "neither True nor False" },
    { "{" DESCR "'fortran_order': True", "neither True nor False" },
    { "{" DESCR FORTRAN "'shape': 1, }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': [1], }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1), }", "a number in parentheses" },
    { "{" DESCR FORTRAN "'shape': (,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1,,2), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1 2), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1, 2, }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (-1,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (+1,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (01,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (0x1,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1.0,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1l,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1LL,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (L,), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': ((1,),), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': ('1',), }", "not a tuple of non-negative integers" },
    { "{" DESCR FORTRAN "'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }", "more than 8 axes" },
    { "{" DESCR FORTRAN "'shape': (18446744073709551616,), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (99999999999999999999999999999999999999999,), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (18446744073709551615,), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (4611686018427387905,), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (4294967296, 4294967296), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (65536, 65536, 65536, 65536), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (0, 4294967296, 4294967296), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (1000000000000,), }", BYTES("4000000000000") },
    { "{" DESCR FORTRAN "'shape': (2305843009213693951,), }", BYTES("9223372036854775804") },
    { "{" DESCR FORTRAN "'shape': (2305843009213693952,), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (), }", "its shape () needs 4" },
};

START_TEST(refuses_hostile_dictionaries)
{
    for (int version = 1; version <= 3; version++) {
        write_npy_file(version, hostile[_i].dictionary, NULL, 0);
        expect_failure(hostile[_i].reason);
    }
}
END_TEST

START_TEST(refuses_zero_bytes_in_a_dictionary)
{
    char text[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    size_t length = strlen(text);
    struct npy_header header;
    struct failure failure;

    ck_assert(npy_header_parse(&header, text, length, &failure));
    for (size_t i = 0; i < length; i++) {
        char kept = text[i];

        text[i] = '\0';
        ck_assert_msg(!npy_header_parse(&header, text, length, &failure), "zero byte at %zu", i);
        text[i] = kept;
    }
    ck_assert(!npy_header_parse(&header, text, length + 1, &failure));
}
END_TEST

/* ---- Mutations */

/* xorshift32; the seed is fixed, so that a failure comes again. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Changes, removes or repeats some bytes. Returns the new size. */
static size_t mutate(unsigned char *bytes, size_t size, size_t capacity, uint32_t *state)
{
    static const unsigned char telling[] = "{}()[],:'\"\\0123456789<>fTF \n\t\x93\xff";
    uint32_t changes = next_random(state) % 4 + 1;

    for (uint32_t i = 0; i < changes && size > 0; i++) {
        size_t at = next_random(state) % size;
        size_t length = next_random(state) % 8 + 1;

        switch (next_random(state) % 4) {
        case 0:
            bytes[at] = (unsigned char)next_random(state);
            break;
        case 1:
            bytes[at] = telling[next_random(state) % (sizeof(telling) - 1)];
            break;
        case 2:
            length = length > size - at ? size - at : length;
            memmove(bytes + at, bytes + at + length, size - at - length);
            size -= length;
            break;
        default:
            if (length <= size - at && size + length <= capacity) {
                memmove(bytes + at + length, bytes + at, size - at);
                size += length;
            }
            break;
        }
    }
    return size;
}

START_TEST(survives_mutated_dictionaries)
{
    uint32_t state = 2463534242u;
    unsigned read = 0;

    for (int i = 0; i < 200000; i++) {
        unsigned char text[256];
        size_t size = strlen(six_dictionary);
        unsigned char *exact;
        struct npy_header header;
        struct failure failure;

        memcpy(text, six_dictionary, size);
        size = mutate(text, size, sizeof(text), &state);
        exact = malloc(size + 1);
        ck_assert_ptr_nonnull(exact);
        memcpy(exact + 1, text, size);
        if (npy_header_parse(&header, (const char *)exact + 1, size, &failure)) {
            ck_assert_uint_le(header.rank, CLBN_MAX_RANK);
            ck_assert_uint_le(header.count, PTRDIFF_MAX / 4);
            read++;
        }
        free(exact);
    }
    ck_assert_uint_gt(read, 0);
    ck_assert_uint_lt(read, 200000);
}
END_TEST

START_TEST(survives_mutated_files)
{
    uint32_t state = 88675123u;

    for (int i = 0; i < 4000; i++) {
        unsigned char bytes[512] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0 };
        size_t length = strlen(six_dictionary);
        size_t size = 10 + length + sizeof(six);
        struct npy_array array;
        struct failure failure = { "" };

        bytes[8] = (unsigned char)length;
        memcpy(bytes + 10, six_dictionary, length);
        memcpy(bytes + 10 + length, six_bytes, sizeof(six_bytes));
        write_npy_bytes(bytes, mutate(bytes, size, sizeof(bytes), &state));
        if (npy_read(&array, npy_path, &failure)) {
            ck_assert_uint_le(array.header.count * scalar_size(array.header.type), sizeof(bytes));
            npy_free(&array);
        } else {
            ck_assert_uint_gt(strlen(failure.sentence), 0);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy: hostile files");
    TCase *refusing = add_npy_case(suite, "refusing");
    TCase *surviving = add_npy_case(suite, "surviving");

    tcase_add_test(refusing, refuses_what_is_not_a_regular_file);
    tcase_add_test(refusing, refuses_every_truncation);
    tcase_add_test(refusing, refuses_other_preambles);
    tcase_add_test(refusing, refuses_a_header_that_is_too_long);
    tcase_add_loop_test(refusing, refuses_hostile_dictionaries, 0, (int)(sizeof(hostile) / sizeof(hostile[0])));
    tcase_add_test(refusing, refuses_zero_bytes_in_a_dictionary);
    tcase_add_test(surviving, survives_mutated_dictionaries);
    tcase_add_test(surviving, survives_mutated_files);
    return run_in_one_process(suite);
}
