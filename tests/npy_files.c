/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "npy_files.h"

#include "io/npy.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char npy_folder[] = "/tmp/clbn-test-npy-XXXXXX";
char npy_path[NPY_PATH_SIZE];

const float six[SIX] = { 0, 1, 2, 3, 4, 5 };
const unsigned char six_bytes[4 * SIX] = { 0, 0, 0,    0,    0, 0, 0x80, 0x3f, 0, 0, 0,    0x40,
                                           0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40, 0, 0, 0xa0, 0x40 };
const char six_dictionary[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(npy_folder));
    snprintf(npy_path, sizeof(npy_path), "%s/array.npy", npy_folder);
}

static void remove_folder(void)
{
    unlink(npy_path);
    rmdir(npy_folder);
    memcpy(strchr(npy_folder, '\0') - 6, "XXXXXX", 6);
}

unsigned count_npy_files(void)
{
    DIR *listing = opendir(npy_folder);
    unsigned count = 0;

    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return count;
}

void write_npy_bytes(const void *bytes, size_t size)
{
    FILE *stream = fopen(npy_path, "wb");

    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(bytes, 1, size, stream), size);
    ck_assert_int_eq(fclose(stream), 0);
}

void write_npy_file(int version, const char *dictionary, const void *data, size_t data_size)
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
    write_npy_bytes(bytes, header + length + data_size);
}

void check_six(void)
{
    struct npy_array array;
    struct failure failure = { "" };

    ck_assert_msg(npy_read(&array, npy_path, &failure), "%s", failure.sentence);
    ck_assert_uint_eq(array.header.type, CLBN_FLOAT32);
    ck_assert_uint_eq(array.header.rank, 2);
    ck_assert_uint_eq(array.header.shape[0], 2);
    ck_assert_uint_eq(array.header.shape[1], 3);
    ck_assert_uint_eq(array.header.count, 6);
    ck_assert(!array.header.fortran_order);
    ck_assert_mem_eq(array.data, six, sizeof(six));
    npy_free(&array);
}

TCase *add_npy_case(Suite *suite, const char *name)
{
    TCase *test_case = tcase_create(name);

    tcase_add_checked_fixture(test_case, make_folder, remove_folder);
    suite_add_tcase(suite, test_case);
    return test_case;
}
