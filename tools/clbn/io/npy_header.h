/* SPDX-License-Identifier: MIT */
/* The header of a .npy file: a Python dictionary with the keys descr, fortran_order and shape. */
#ifndef CLBN_TOOL_NPY_HEADER_H
#define CLBN_TOOL_NPY_HEADER_H

#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

struct npy_header {
    clbn_type type;  /* or SCALAR_UINT8 */
    bool big_endian; /* The file's elements are, or are to be. */
    bool fortran_order;
    unsigned rank; /* 0 to CLBN_MAX_RANK */
    size_t shape[CLBN_MAX_RANK];
    size_t count; /* Product of the shape; its bytes fit in a ptrdiff_t, also with axes of 0 elements taken as 1. */
};

/* Reads the dictionary's text, of any bytes. The sentence of a failure does not name the file. */
bool npy_header_parse(struct npy_header *header, const char *text, size_t length, struct failure *failure);

/* Computes the count from type, rank and shape; false where the bytes do not fit. */
bool npy_header_count(struct npy_header *header);

/* Writes the dictionary of a C-order array without padding. The size of a text that is enough is NPY_HEADER_TEXT. */
enum { NPY_HEADER_TEXT = 320 };
size_t npy_header_format(const struct npy_header *header, char *text, size_t size);

/* Writes a shape as Python does, "(3, 4)" or "(3,)", cut to the size. */
void npy_format_shape(const size_t *shape, unsigned rank, char *text, size_t size);

#endif
