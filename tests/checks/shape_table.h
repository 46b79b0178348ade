/* SPDX-License-Identifier: MIT */
/* The shapes that every operation is tested on: odd ones are the normal case. */
#ifndef CLBN_TESTS_SHAPE_TABLE_H
#define CLBN_TESTS_SHAPE_TABLE_H

#include "tensor_shape.h"

#include <stddef.h>

/* The number of shapes, (m, d) matrices, images and volumes in both layouts, long and short channels. */
size_t shape_table_length(void);
struct shape shape_table_row(size_t row);

/* Every channel axis of every rank. */
size_t rank_table_length(void);
struct shape rank_table_row(size_t row);

/* For all subsets of what a call may have: rows, columns and images, with tails, and enough values for more than one part. */
enum { SUBSET_SHAPES = 3 };
extern const struct shape subset_shapes[SUBSET_SHAPES];

#endif
