/* SPDX-License-Identifier: MIT */
/* Reading and writing .npy files: what NumPy writes. */
#define _POSIX_C_SOURCE 200809L

#include "io/npy.h"
#include "io/output_file.h"
#include "io/scalar.h"
#include "npy_files.h"
#include "suite_runner.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Reading */

START_TEST(reads_every_version)
{
    for (int version = 1; version <= 3; version++) {
        write_npy_file(version, six_dictionary, six_bytes, sizeof(six_bytes));
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
        write_npy_file(1, dictionaries[i], six_bytes, sizeof(six_bytes));
        check_six();
    }
}
END_TEST

START_TEST(brings_fortran_order_into_c_order)
{
    static const float fortran[6] = { 0, 3, 1, 4, 2, 5 };

    write_npy_file(1, "{'descr': '=f4', 'fortran_order': True, 'shape': (2, 3), }\n", fortran, sizeof(fortran));
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
    write_npy_file(2, "{'descr': '=f8', 'fortran_order': True, 'shape': (2, 3, 4, 5), }\n", fortran, sizeof(fortran));
    ck_assert_msg(npy_read(&array, npy_path, &failure), "%s", failure.sentence);
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
            write_npy_file(1, dictionary, &value, rows[i].count * sizeof(value));
            ck_assert_msg(npy_read(&array, npy_path, &failure), "%s: %s", rows[i].shape, failure.sentence);
            ck_assert_uint_eq(array.header.rank, rows[i].rank);
            ck_assert_uint_eq(array.header.count, rows[i].count);
            ck_assert_int_eq(array.data == NULL, rows[i].count == 0);
            npy_free(&array);
        }
    }
}
END_TEST

/* 1.5 and -2 in each type and order, and in bfloat16. */
START_TEST(reads_every_type_and_order)
{
    static const struct {
        const char *descr;
        clbn_type type;
        bool big_endian;
        unsigned char bytes[16];
    } rows[] = {
        { "<f2", CLBN_FLOAT16, false, { 0x00, 0x3e, 0x00, 0xc0 } },
        { ">f2", CLBN_FLOAT16, true, { 0x3e, 0x00, 0xc0, 0x00 } },
        { "<f4", CLBN_FLOAT32, false, { 0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0 } },
        { ">f4", CLBN_FLOAT32, true, { 0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0 } },
        { "<f8", CLBN_FLOAT64, false, { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0 } },
        { ">f8", CLBN_FLOAT64, true, { 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0 } },
        { "<V2", CLBN_BFLOAT16, false, { 0xc0, 0x3f, 0x00, 0xc0 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char dictionary[128];
        struct npy_array array;
        struct failure failure = { "" };

        snprintf(dictionary, sizeof(dictionary), "{'descr': '%s', 'fortran_order': False, 'shape': (2L,), }", rows[i].descr);
        write_npy_file(1, dictionary, rows[i].bytes, 2 * scalar_size(rows[i].type));
        ck_assert_msg(npy_read(&array, npy_path, &failure), "%s", failure.sentence);
        ck_assert_uint_eq(array.header.type, rows[i].type);
        ck_assert_int_eq(array.header.big_endian, rows[i].big_endian);
        ck_assert_uint_eq((uintptr_t)array.data % NPY_ALIGNMENT, 0);
        ck_assert(scalar_get(array.header.type, array.data, 0) == 1.5);
        ck_assert(scalar_get(array.header.type, array.data, 1) == -2.0);
        npy_free(&array);
    }
}
END_TEST

/* This machine's order has two more names. */
START_TEST(reads_native_types)
{
    static const char *const descrs[] = { "=f4", "f4" };

    for (size_t i = 0; i < 2; i++) {
        char dictionary[128];

        snprintf(dictionary, sizeof(dictionary), "{'descr': '%s', 'fortran_order': False, 'shape': (2L, 3L), }", descrs[i]);
        write_npy_file(1, dictionary, six, sizeof(six));
        check_six();
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
    memcpy(expected + 128, six_bytes, sizeof(six_bytes));

    ck_assert(npy_create(&array, CLBN_FLOAT32, shape, 2, &failure));
    memcpy(array.data, six, sizeof(six));
    ck_assert_msg(output_file_open(&file, npy_path, &failure), "%s", failure.sentence);
    ck_assert_msg(npy_write(&array, &file, &failure), "%s", failure.sentence);
    ck_assert_int_ne(access(npy_path, F_OK), 0);
    ck_assert(output_file_publish(&file, &failure));
    output_file_close(&file);
    npy_free(&array);
    ck_assert_uint_eq(count_npy_files(), 1);

    stream = fopen(npy_path, "rb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fread(bytes, 1, sizeof(bytes), stream), sizeof(expected));
    fclose(stream);
    ck_assert_mem_eq(bytes, expected, sizeof(expected));
    check_six();
}
END_TEST

/* Its square has no more bytes of float32 than there can be. */
#define LARGE (SIZE_MAX > UINT32_MAX ? 1000000000 : 20000)

START_TEST(reads_what_it_writes)
{
    static const struct {
        clbn_type type;
        unsigned rank;
        size_t shape[CLBN_MAX_RANK];
    } rows[] = {
        { CLBN_FLOAT32, 0, { 0 } },         { CLBN_FLOAT64, 1, { 5 } },
        { CLBN_FLOAT32, 2, { 0, 4 } },      { CLBN_FLOAT64, 8, { 1, 2, 1, 3, 1, 2, 1, 2 } },
        { CLBN_FLOAT64, 3, { 4, 0, 2 } },   { CLBN_FLOAT32, 8, { LARGE, LARGE, 1, 1, 1, 1, 1, 0 } },
        { CLBN_FLOAT16, 2, { 3, 5 } },      { SCALAR_UINT8, 1, { 13 } },
        { CLBN_FLOAT32, 2, { 515, 1021 } }, /* large enough to be mapped */
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
        ck_assert(output_file_open(&file, npy_path, &failure) && npy_write(&array, &file, &failure) &&
                  output_file_publish(&file, &failure));
        output_file_close(&file);
        ck_assert_msg(npy_read(&again, npy_path, &failure), "%s", failure.sentence);
        ck_assert_mem_eq(&again.header, &array.header, sizeof(array.header));
        if (size > 0)
            ck_assert_mem_eq(again.data, array.data, size);
        npy_free(&array);
        npy_free(&again);
    }
}
END_TEST

/* Large arrays are mapped: what becomes of them is not written to the file. */
START_TEST(changes_no_file_that_is_read)
{
    static const size_t shape[2] = { 515, 1021 };

    for (int big_endian = 0; big_endian < 2; big_endian++) {
        struct npy_array array, again;
        struct output_file file;
        struct failure failure = { "" };
        size_t count;

        ck_assert(npy_create(&array, CLBN_FLOAT32, shape, 2, &failure));
        count = array.header.count;
        for (size_t i = 0; i < count; i++)
            ((float *)array.data)[i] = (float)i;
        array.header.big_endian = big_endian;
        ck_assert(output_file_open(&file, npy_path, &failure) && npy_write(&array, &file, &failure) &&
                  output_file_publish(&file, &failure));
        output_file_close(&file);
        npy_free(&array);
        ck_assert_msg(npy_read(&array, npy_path, &failure), "%s", failure.sentence);
        ck_assert_uint_gt(array.mapped, 0);
        ck_assert_uint_eq((uintptr_t)array.data % NPY_ALIGNMENT, 0);
        for (size_t i = 0; i < count; i++) {
            ck_assert(((float *)array.data)[i] == (float)i);
            ((float *)array.data)[i] = -1;
        }
        ck_assert(npy_read(&again, npy_path, &failure));
        for (size_t i = 0; i < count; i++)
            ck_assert(((float *)again.data)[i] == (float)i);
        npy_free(&again);
        npy_free(&array);
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

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *reading = add_npy_case(suite, "reading");
    TCase *writing = add_npy_case(suite, "writing");

    tcase_add_test(reading, reads_every_version);
    tcase_add_test(reading, reads_keys_in_any_order_and_either_quotes);
    tcase_add_test(reading, brings_fortran_order_into_c_order);
    tcase_add_test(reading, brings_four_fortran_axes_into_c_order);
    tcase_add_test(reading, reads_shapes_without_axes_or_elements);
    tcase_add_test(reading, reads_every_type_and_order);
    tcase_add_test(reading, reads_native_types);
    tcase_add_test(writing, writes_what_numpy_writes);
    tcase_add_test(writing, reads_what_it_writes);
    tcase_add_test(writing, changes_no_file_that_is_read);
    tcase_add_test(writing, converts);
    tcase_add_test(writing, refuses_to_make_what_is_too_large);
    return run_in_one_process(suite);
}
