/* SPDX-License-Identifier: MIT */
/* A file that tools/EmbedFiles.cmake turned into a C array. Tables end with a row of name NULL. */
#ifndef CLBN_EMBEDDED_FILE_H
#define CLBN_EMBEDDED_FILE_H

#include <stddef.h>

struct embedded_file {
    const char *name; /* without folders */
    const unsigned char *bytes;
    size_t size;
    unsigned needs; /* bits that say who has use for it; 0: everyone */
};

#endif
