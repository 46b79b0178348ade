/* SPDX-License-Identifier: MIT */
/* Reads the golden vectors: .npy files of version 1.0, '<f4' or '<f8', C order, as NumPy writes them. */
#ifndef CLBN_TESTS_GOLDEN_ARRAY_H
#define CLBN_TESTS_GOLDEN_ARRAY_H

#include "tensor_shape.h"

#include <stdbool.h>

struct golden_array {
    bool is_float64;
    struct shape shape; /* channel_axis is 0 */
    double *values;
};

/* Ends the process with a sentence if the file is not such an array. */
struct golden_array golden_array_read(const char *path);

#endif
