/* SPDX-License-Identifier: MIT */
/* The .npy file that a test reads or writes, in a folder of its own. */
#ifndef CLBN_TESTS_NPY_FILES_H
#define CLBN_TESTS_NPY_FILES_H

#include "io/failure.h" /* before Check, which has a macro of the name fail */

#include <check.h>
#include <stddef.h>

enum { NPY_PATH_SIZE = 64 };

/* Good within a test of a case that add_npy_case() made. */
extern char npy_folder[];
extern char npy_path[NPY_PATH_SIZE];

unsigned count_npy_files(void);

void write_npy_bytes(const void *bytes, size_t size);

/* Writes a file of that version with that dictionary, which is not padded, and data. */
void write_npy_file(int version, const char *dictionary, const void *data, size_t data_size);

/* An array, its dictionary as NumPy writes it, and a check that the file has that array. */
enum { SIX = 6 };
extern const float six[SIX];
extern const unsigned char six_bytes[4 * SIX]; /* as they stand in the file, little-endian on any machine */
extern const char six_dictionary[];
void check_six(void);

/* A case whose tests have an empty folder each. */
TCase *add_npy_case(Suite *suite, const char *name);

#endif
