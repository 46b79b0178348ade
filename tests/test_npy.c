/* Reading and writing .npy files: what NumPy writes, and what an enemy would. */
#define _POSIX_C_SOURCE 200809L

#include "failure.h"
#include "npy.h"
#include "npy_header.h"
#include "output_file.h"
#include "scalar.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/clbn-test-npy-XXXXXX";
static char path[sizeof(folder) + 32]; /* The file that a test reads. */

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/array.npy", folder);
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

static unsigned count_files(void)
{
    DIR *listing = opendir(folder);
    unsigned count = 0;

    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return count;
}

static void write_bytes(const void *bytes, size_t size)
{
    FILE *stream = fopen(path, "wb");

    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(bytes, 1, size, stream), size);
    ck_assert_int_eq(fclose(stream), 0);
}

/* Writes a file of that version with that dictionary, which is not padded, and data. */
static void write_file(int version, const char *dictionary, const void *data, size_t data_size)
{
    unsigned char bytes[4096] = { 0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0 };
    size_t length = strlen(dictionary);
    size_t header = version == 1 ? 10 : 12;

    ck_assert_uint_le(header + length + data_size, sizeof(bytes));
    bytes[8] = (unsigned char)(length & 0xff);
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + header, dictionary, length);
    if (data_size > 0)
        memcpy(bytes + header + length, data, data_size);
    write_bytes(bytes, header + length + data_size);
}

/* Reads the file, which must fail with a sentence that names it and has the reason in it. */
static void expect_failure(const char *reason)
{
    struct npy_array array;
    struct failure failure = { "" };

    ck_assert_msg(!npy_read(&array, path, &failure), "read although: %s", reason);
    ck_assert_msg(strstr(failure.sentence, path) != NULL, "no file name in: %s", failure.sentence);
    ck_assert_msg(strstr(failure.sentence, reason) != NULL, "not '%s' but: %s", reason, failure.sentence);
    ck_assert_ptr_null(array.data);
}

/* ---- What NumPy writes */

static const float six[6] = { 0, 1, 2, 3, 4, 5 };

static const char six_dictionary[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

static void check_six(void)
{
    struct npy_array array;
    struct failure failure = { "" };

    ck_assert_msg(npy_read(&array, path, &failure), "%s", failure.sentence);
    ck_assert_uint_eq(array.header.type, CLBN_FLOAT32);
    ck_assert_uint_eq(array.header.rank, 2);
    ck_assert_uint_eq(array.header.shape[0], 2);
    ck_assert_uint_eq(array.header.shape[1], 3);
    ck_assert_uint_eq(array.header.count, 6);
    ck_assert(!array.header.fortran_order);
    ck_assert_mem_eq(array.data, six, sizeof(six));
    npy_free(&array);
}

START_TEST(reads_every_version)
{
    for (int version = 1; version <= 3; version++) {
        write_file(version, six_dictionary, six, sizeof(six));
        check_six();
    }
}
END_TEST

START_TEST(reads_keys_in_any_order_and_either_quotes)
{
    static const char *const dictionaries[] = {
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}",
        "{\"fortran_order\": False, \"descr\": \"<f4\", \"shape\": (2, 3)}",
        "{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
        "  {\t'descr' : '<f4' ,\n 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , }   \n",
    };

    for (size_t i = 0; i < sizeof(dictionaries) / sizeof(dictionaries[0]); i++) {
        write_file(1, dictionaries[i], six, sizeof(six));
        check_six();
    }
}
END_TEST

START_TEST(brings_fortran_order_into_c_order)
{
    static const float fortran[6] = { 0, 3, 1, 4, 2, 5 };

    write_file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", fortran, sizeof(fortran));
    check_six();
}
END_TEST

START_TEST(brings_four_fortran_axes_into_c_order)
{
    static const size_t shape[4] = { 2, 3, 4, 5 };
    double fortran[120], *data;
    struct npy_array array;
    struct failure failure = { "" };

    for (size_t i = 0; i < 120; i++) {
        size_t c_index[4] = { i / 60, i / 20 % 3, i / 5 % 4, i % 5 };

        fortran[c_index[0] + 2 * (c_index[1] + 3 * (c_index[2] + 4 * c_index[3]))] = (double)i;
    }
    write_file(2, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3, 4, 5), }\n", fortran, sizeof(fortran));
    ck_assert_msg(npy_read(&array, path, &failure), "%s", failure.sentence);
    ck_assert_uint_eq(array.header.rank, 4);
    ck_assert_mem_eq(array.header.shape, shape, sizeof(shape));
    data = array.data;
    for (size_t i = 0; i < 120; i++)
        ck_assert_double_eq(data[i], (double)i);
    npy_free(&array);
}
END_TEST

START_TEST(reads_shapes_without_axes_or_elements)
{
    static const struct {
        const char *shape;
        unsigned rank;
        size_t count;
    } rows[] = { { "()", 0, 1 },     { "(1,)", 1, 1 },      { "(0,)", 1, 0 },
                 { "(0, 7)", 2, 0 }, { "(3, 0, 5)", 3, 0 }, { "(1, 1, 1, 1, 1, 1, 1, 1)", 8, 1 } };
    static const double value = 42;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int fortran = 0; fortran < 2; fortran++) {
            struct npy_array array;
            struct failure failure = { "" };
            char dictionary[128];

            snprintf(dictionary, sizeof(dictionary), "{'descr': '<f8', 'fortran_order': %s, 'shape': %s, }\n",
                     fortran ? "True" : "False", rows[i].shape);
            write_file(1, dictionary, &value, rows[i].count * sizeof(value));
            ck_assert_msg(npy_read(&array, path, &failure), "%s: %s", rows[i].shape, failure.sentence);
            ck_assert_uint_eq(array.header.rank, rows[i].rank);
            ck_assert_uint_eq(array.header.count, rows[i].count);
            ck_assert_int_eq(array.data == NULL, rows[i].count == 0);
            npy_free(&array);
        }
    }
}
END_TEST

/* ---- Files that are no arrays */

START_TEST(refuses_what_is_not_a_regular_file)
{
    struct npy_array array;
    struct failure failure;

    expect_failure("No such file");
    ck_assert(!npy_read(&array, folder, &failure));
    ck_assert_ptr_nonnull(strstr(failure.sentence, "not a regular file"));
    ck_assert(!npy_read(&array, "/dev/zero", &failure));
    ck_assert_ptr_nonnull(strstr(failure.sentence, "not a regular file"));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_failure("not a regular file");
}
END_TEST

START_TEST(refuses_every_truncation)
{
    unsigned char bytes[256] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0 };
    size_t length = strlen(six_dictionary), total = 10 + length + sizeof(six);

    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, six_dictionary, length);
    memcpy(bytes + 10 + length, six, sizeof(six));
    for (size_t size = 0; size < total; size++) {
        write_bytes(bytes, size);
        expect_failure(size < 10            ? "not a .npy file"
                       : size < 10 + length ? "ends within its header"
                                            : "its shape (2, 3) needs 24");
    }
    write_bytes(bytes, total);
    check_six();
    write_bytes(bytes, total + 1);
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
        write_bytes(rows[i].bytes, sizeof(rows[i].bytes));
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
    write_bytes(bytes, 12 + length);
    free(bytes);
    expect_failure("65537 bytes, more than the 65536");
}
END_TEST

/* ---- Hostile dictionaries */

#define DESCR   "'descr': '<f4', "
#define FORTRAN "'fortran_order': False, "
#define SHAPE   "'shape': (1,), "

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
    { "{'descr': '>f4', " FORTRAN SHAPE "}", "type is '>f4'" },
    { "{'descr': '>f8', " FORTRAN SHAPE "}", "type is '>f8'" },
    { "{'descr': '=f4', " FORTRAN SHAPE "}", "type is '=f4'" },
    { "{'descr': 'f4', " FORTRAN SHAPE "}", "type is 'f4'" },
    { "{'descr': '>f2', " FORTRAN SHAPE "}", "type is '>f2'" },
    { "{'descr': '<V2', " FORTRAN SHAPE "}", "type is '<V2'" },
    { "{'descr': '<u1', " FORTRAN SHAPE "}", "type is '<u1'" },
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
    { "{" DESCR FORTRAN "'shape': (1L,), }", "not a tuple of non-negative integers" },
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
    { "{" DESCR FORTRAN "'shape': (1000000000000,), }", "needs 4000000000000" },
    { "{" DESCR FORTRAN "'shape': (2305843009213693951,), }", "needs 9223372036854775804" },
    { "{" DESCR FORTRAN "'shape': (2305843009213693952,), }", "shape is too large" },
    { "{" DESCR FORTRAN "'shape': (), }", "its shape () needs 4" },
};

START_TEST(refuses_hostile_dictionaries)
{
    for (int version = 1; version <= 3; version++) {
        write_file(version, hostile[_i].dictionary, NULL, 0);
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
        memcpy(bytes + 10 + length, six, sizeof(six));
        write_bytes(bytes, mutate(bytes, size, sizeof(bytes), &state));
        if (npy_read(&array, path, &failure)) {
            ck_assert_uint_le(array.header.count * scalar_size(array.header.type), sizeof(bytes));
            npy_free(&array);
        } else {
            ck_assert_uint_gt(strlen(failure.sentence), 0);
        }
    }
}
END_TEST

/* ---- Writing */

START_TEST(writes_what_numpy_writes)
{
    static const size_t shape[2] = { 2, 3 };
    unsigned char expected[128 + sizeof(six)] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0 };
    unsigned char bytes[sizeof(expected) + 1];
    struct npy_array array;
    struct output_file file;
    struct failure failure = { "" };
    FILE *stream;

    memset(expected + 10, ' ', 117);
    memcpy(expected + 10, six_dictionary, strlen(six_dictionary) - 1);
    expected[127] = '\n';
    memcpy(expected + 128, six, sizeof(six));

    ck_assert(npy_create(&array, CLBN_FLOAT32, shape, 2, &failure));
    memcpy(array.data, six, sizeof(six));
    ck_assert_msg(output_file_open(&file, path, &failure), "%s", failure.sentence);
    ck_assert_msg(npy_write(&array, &file, &failure), "%s", failure.sentence);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert(output_file_publish(&file, &failure));
    output_file_close(&file);
    npy_free(&array);
    ck_assert_uint_eq(count_files(), 1);

    stream = fopen(path, "rb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fread(bytes, 1, sizeof(bytes), stream), sizeof(expected));
    fclose(stream);
    ck_assert_mem_eq(bytes, expected, sizeof(expected));
    check_six();
}
END_TEST

START_TEST(reads_what_it_writes)
{
    static const struct {
        clbn_type type;
        unsigned rank;
        size_t shape[CLBN_MAX_RANK];
    } rows[] = {
        { CLBN_FLOAT32, 0, { 0 } },       { CLBN_FLOAT64, 1, { 5 } },
        { CLBN_FLOAT32, 2, { 0, 4 } },    { CLBN_FLOAT64, 8, { 1, 2, 1, 3, 1, 2, 1, 2 } },
        { CLBN_FLOAT64, 3, { 4, 0, 2 } }, { CLBN_FLOAT32, 8, { 1000000000, 1000000000, 1, 1, 1, 1, 1, 0 } },
        { CLBN_FLOAT16, 2, { 3, 5 } },    { SCALAR_UINT8, 1, { 13 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct npy_array array, again;
        struct output_file file;
        struct failure failure = { "" };
        size_t size;

        ck_assert(npy_create(&array, rows[i].type, rows[i].shape, rows[i].rank, &failure));
        size = array.header.count * scalar_size(rows[i].type);
        for (size_t byte = 0; byte < size; byte++)
            ((unsigned char *)array.data)[byte] = (unsigned char)(byte * 7 + 1);
        ck_assert(output_file_open(&file, path, &failure) && npy_write(&array, &file, &failure) &&
                  output_file_publish(&file, &failure));
        output_file_close(&file);
        ck_assert_msg(npy_read(&again, path, &failure), "%s", failure.sentence);
        ck_assert_mem_eq(&again.header, &array.header, sizeof(array.header));
        if (size > 0)
            ck_assert_mem_eq(again.data, array.data, size);
        npy_free(&array);
        npy_free(&again);
    }
}
END_TEST

/* Elements to which every type has a number, but float16 for the last. */
START_TEST(converts)
{
    static const double values[] = { 0.0, -1.5, 0x1p-14, 65504.0, 1e6 };
    static const clbn_type types[] = { CLBN_FLOAT64, CLBN_FLOAT32, CLBN_FLOAT64, CLBN_BFLOAT16, CLBN_FLOAT16, CLBN_FLOAT32 };
    static const size_t shape[2] = { 1, 5 };
    struct npy_array array;
    struct failure failure;

    ck_assert(npy_create(&array, CLBN_FLOAT64, shape, 2, &failure));
    memcpy(array.data, values, sizeof(values));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        ck_assert(npy_convert(&array, types[i], &failure));
        ck_assert_uint_eq(array.header.type, types[i]);
        ck_assert_uint_eq(array.header.rank, 2);
        ck_assert_uint_eq(array.header.count, 5);
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert(scalar_get(CLBN_FLOAT32, array.data, i) == values[i]);
    ck_assert(isinf(scalar_get(CLBN_FLOAT32, array.data, 3))); /* bfloat16 has 65536, float16 has not */
    ck_assert(isinf(scalar_get(CLBN_FLOAT32, array.data, 4)));
    npy_free(&array);
    ck_assert_uint_eq(npy_file_type(CLBN_BFLOAT16), CLBN_FLOAT32);
    ck_assert_uint_eq(npy_file_type(CLBN_FLOAT16), CLBN_FLOAT16);
}
END_TEST

START_TEST(refuses_to_make_what_is_too_large)
{
    static const size_t shape[2] = { SIZE_MAX / 2, 3 };
    struct npy_array array;
    struct failure failure;

    ck_assert(!npy_create(&array, CLBN_FLOAT32, shape, 2, &failure));
    ck_assert_ptr_null(array.data);
}
END_TEST

START_TEST(leaves_nothing_of_an_unpublished_file)
{
    struct output_file file;
    struct failure failure;

    write_file(1, six_dictionary, six, sizeof(six));
    ck_assert(output_file_open(&file, path, &failure));
    ck_assert_uint_eq(count_files(), 2);
    fputs("half", file.stream);
    output_file_close(&file);
    ck_assert_uint_eq(count_files(), 1);
    check_six();
}
END_TEST

static const int ending_signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };

enum { ENDING_SIGNALS = sizeof(ending_signals) / sizeof(ending_signals[0]) };

/* As in a command that is started in the foreground; Check has handlers of its own. */
static void guard_files(void)
{
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        signal(ending_signals[i], SIG_DFL);
    output_files_guard();
}

/* Sends the process a signal, in a thread of its own. */
static void *send_signal(void *number)
{
    raise(*(int *)number); /* to this thread */
    return NULL;
}

/* Opens two files and ends by a signal. */
static void end_by_signal(int number, bool in_thread)
{
    struct output_file first, second;
    struct failure failure;
    pthread_t thread;

    if (!output_file_open(&first, path, &failure) || !output_file_open(&second, path, &failure) || count_files() != 3)
        _exit(1);
    if (!in_thread)
        raise(number);
    else if (pthread_create(&thread, NULL, send_signal, &number) == 0)
        pthread_join(thread, NULL);
    _exit(2);
}

START_TEST(a_signal_removes_unpublished_files)
{
    for (size_t i = 0; i < 2 * ENDING_SIGNALS; i++) {
        int number = ending_signals[i / 2];
        int status;
        pid_t child;

        write_file(1, six_dictionary, six, sizeof(six));
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            end_by_signal(number, i % 2 == 1);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), number);
        ck_assert_uint_eq(count_files(), 1);
        check_six();
    }
}
END_TEST

START_TEST(a_signal_that_is_ignored_stays_so)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct output_file file;
        struct failure failure;

        signal(SIGHUP, SIG_IGN);
        output_files_guard();
        if (!output_file_open(&file, path, &failure))
            _exit(1);
        raise(SIGHUP);
        output_file_close(&file);
        _exit(42);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

START_TEST(publishes_several)
{
    char second_path[sizeof(path) + 8];
    struct output_file first, second;
    struct output_file *const files[] = { &first, &second };
    struct failure failure = { "" };

    snprintf(second_path, sizeof(second_path), "%s.2", path);
    ck_assert(output_file_open(&first, path, &failure) && output_file_open(&second, second_path, &failure));
    fputs("1", first.stream);
    fputs("2", second.stream);
    ck_assert(output_file_finish(&first, &failure) && output_file_finish(&second, &failure));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_msg(output_files_publish(files, 2, &failure), "%s", failure.sentence);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(access(second_path, F_OK), 0);
    output_file_close(&first);
    output_file_close(&second);
    ck_assert_uint_eq(count_files(), 2);
    unlink(second_path);
}
END_TEST

START_TEST(keeps_permissions_and_links)
{
    static const size_t shape[1] = { 1 };
    char link_path[sizeof(path) + 8];
    struct npy_array array;
    struct output_file file;
    struct failure failure = { "" };
    struct stat status;

    write_file(1, six_dictionary, six, sizeof(six));
    ck_assert_int_eq(chmod(path, 0640), 0);
    snprintf(link_path, sizeof(link_path), "%s.link", path);
    ck_assert_int_eq(symlink(path, link_path), 0);
    ck_assert(npy_create(&array, CLBN_FLOAT32, shape, 1, &failure));
    ck_assert(output_file_open(&file, link_path, &failure) && npy_write(&array, &file, &failure) &&
              output_file_publish(&file, &failure));
    output_file_close(&file);
    npy_free(&array);
    ck_assert_int_eq(lstat(link_path, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    ck_assert_int_eq((long long)status.st_size, 128 + 4);
    unlink(link_path);
}
END_TEST

START_TEST(refuses_outputs_that_cannot_be)
{
    static const char *const paths[][2] = {
        { "/dev/null", "not a regular file" },
        { "/tmp", "not a regular file" },
        { "/nonexistent-folder/y.npy", "No such file" },
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct output_file file;
        struct failure failure = { "" };

        ck_assert_msg(!output_file_open(&file, paths[i][0], &failure), "%s", paths[i][0]);
        ck_assert_msg(strstr(failure.sentence, paths[i][1]) != NULL, "%s", failure.sentence);
        output_file_close(&file);
    }
}
END_TEST

/* A limit on the size of files stands for a full disk. */
START_TEST(reports_a_full_disk)
{
    static const size_t shape[1] = { 100000 };
    struct rlimit old, limit;
    struct npy_array array;
    struct output_file file;
    struct failure failure = { "" };
    bool written;

    write_file(1, six_dictionary, six, sizeof(six));
    ck_assert(npy_create(&array, CLBN_FLOAT64, shape, 1, &failure));
    ck_assert(output_file_open(&file, path, &failure));
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 65536;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    written = npy_write(&array, &file, &failure);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert(!written);
    ck_assert_msg(strstr(failure.sentence, "File too large") != NULL, "%s", failure.sentence);
    output_file_close(&file);
    npy_free(&array);
    ck_assert_uint_eq(count_files(), 1);
    check_six();
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *test_case = tcase_create(name);

    tcase_add_checked_fixture(test_case, make_folder, remove_folder);
    suite_add_tcase(suite, test_case);
    return test_case;
}

static Suite *npy_suite(void)
{
    Suite *suite = suite_create("npy");
    TCase *reading = add_case(suite, "reading");
    TCase *refusing = add_case(suite, "refusing");
    TCase *surviving = add_case(suite, "surviving");
    TCase *writing = add_case(suite, "writing");

    tcase_add_test(reading, reads_every_version);
    tcase_add_test(reading, reads_keys_in_any_order_and_either_quotes);
    tcase_add_test(reading, brings_fortran_order_into_c_order);
    tcase_add_test(reading, brings_four_fortran_axes_into_c_order);
    tcase_add_test(reading, reads_shapes_without_axes_or_elements);
    tcase_add_test(refusing, refuses_what_is_not_a_regular_file);
    tcase_add_test(refusing, refuses_every_truncation);
    tcase_add_test(refusing, refuses_other_preambles);
    tcase_add_test(refusing, refuses_a_header_that_is_too_long);
    tcase_add_loop_test(refusing, refuses_hostile_dictionaries, 0, (int)(sizeof(hostile) / sizeof(hostile[0])));
    tcase_add_test(refusing, refuses_zero_bytes_in_a_dictionary);
    tcase_add_test(surviving, survives_mutated_dictionaries);
    tcase_add_test(surviving, survives_mutated_files);
    tcase_add_unchecked_fixture(writing, guard_files, NULL);
    tcase_add_test(writing, writes_what_numpy_writes);
    tcase_add_test(writing, reads_what_it_writes);
    tcase_add_test(writing, converts);
    tcase_add_test(writing, refuses_to_make_what_is_too_large);
    tcase_add_test(writing, leaves_nothing_of_an_unpublished_file);
    tcase_add_test(writing, a_signal_removes_unpublished_files);
    tcase_add_test(writing, a_signal_that_is_ignored_stays_so);
    tcase_add_test(writing, publishes_several);
    tcase_add_test(writing, keeps_permissions_and_links);
    tcase_add_test(writing, refuses_outputs_that_cannot_be);
    tcase_add_test(writing, reports_a_full_disk);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(npy_suite());
    int failed;

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
