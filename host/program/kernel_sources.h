/* SPDX-License-Identifier: MIT */
/* The kernels' sources, embedded at build time in the order of kernels/CMakeLists.txt, which says which programs have which. */
#ifndef CLBN_KERNEL_SOURCES_H
#define CLBN_KERNEL_SOURCES_H

#include "base/embedded_file.h"

/* Properties of a program. A file is in the programs that have all the properties it names. */
enum {
    SOURCE_ROWS = 1,         /* channels first */
    SOURCE_COLUMNS = 2,      /* channels last */
    SOURCE_SINGLE_ITEMS = 4, /* groups of one work-item */
    SOURCE_GROUPS = 8,
    SOURCE_WIDE_DOUBLE = 16, /* merges in double */
    SOURCE_WIDE_PAIR = 32,   /* merges in pairs of elements */
    SOURCE_ON_CHIP = 64,     /* a group keeps its channels on chip */
    SOURCE_FORWARD = 128,    /* for these operations, of several that it may be for */
    SOURCE_BACKWARD = 256,
    SOURCE_INFERENCE = 512
};

extern const struct embedded_file bn_kernel_sources[];

#endif
