/* SPDX-License-Identifier: MIT */
/* Arrays in NumPy's .npy format, versions 1.0, 2.0 and 3.0, of the types f2, f4 and f8 in either byte order, u1 and V2, which is
 * taken for bfloat16. */
#ifndef CLBN_TOOL_NPY_H
#define CLBN_TOOL_NPY_H

#include "io/failure.h"
#include "io/npy_header.h"
#include "io/output_file.h"

#include <stdbool.h>

/* In C order and the byte order of this machine. */
struct npy_array {
    struct npy_header header; /* fortran_order is false. */
    void *data;               /* NULL where the count is 0. Begins at a multiple of NPY_ALIGNMENT, in memory. */
    void *memory;
    size_t mapped; /* Bytes of memory that are a file's; 0: it was allocated. */
};

/* Bytes: the largest vector of OpenCL, which lets a device use the elements where they are, and a line of a cache. */
enum { NPY_ALIGNMENT = 128 };

/*
 * Reads a file, which must be a regular one and exactly as long as its header says: nothing is allocated before that is known.
 * "-" is the standard input, which may be a pipe, and must end with the array; "DATA.npz:NAME" is a member of an archive that
 * numpy.savez() or numpy.savez_compressed() wrote. Fortran order becomes C order. On failure the array is empty; the sentence
 * names the file.
 */
bool npy_read(struct npy_array *array, const char *path, struct failure *failure);

/* Whether npy_read() takes the path for an archive or a member of one. */
bool npy_is_archive(const char *path);

/* Makes an array of that type and shape, of zeros. On failure the array is empty. */
bool npy_create(struct npy_array *array, clbn_type type, const size_t *shape, unsigned rank, struct failure *failure);

/* Gives the elements another type, each rounded once as in scalar_set(). On failure the array is as it was. */
bool npy_convert(struct npy_array *array, clbn_type type, struct failure *failure);

/* The type in which new files have the elements of a type: the same, but float32 for bfloat16, which NumPy does not know. */
clbn_type npy_file_type(clbn_type type);

/* Writes an array, version 1.0 in C order and the byte order that its header asks for, to a file that is open, and finishes it; the caller
 * publishes and closes it. */
bool npy_write(const struct npy_array *array, struct output_file *file, struct failure *failure);

/* Frees the data; takes an empty (all zero) array. */
void npy_free(struct npy_array *array);

#endif
