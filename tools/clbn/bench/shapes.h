/* SPDX-License-Identifier: MIT */
/* The shapes that 'clbn bench' measures: named lists, and shapes of the user's own. */
#ifndef CLBN_TOOL_BENCH_SHAPES_H
#define CLBN_TOOL_BENCH_SHAPES_H

#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

/* Sizes in the order batch, channels, space, whatever the layout in memory. */
struct bench_shape {
    cl_uint rank; /* 2 to CLBN_MAX_RANK */
    size_t sizes[CLBN_MAX_RANK];
};

/* All zero: empty. */
struct bench_shape_list {
    struct bench_shape *shapes;
    size_t count;
    bool no_memory; /* After a failure: that was why. */
};

/* What --shapes takes, for a help text. */
#define BENCH_SHAPES_SYNTAX "resnet50, googlenet, densenet, mlp or N,C,S,...; several with + between"

/* Parses "resnet50", "32,64,56,56" or several of these with '+' between. Every size is at least 1, every channel has at
 * least 2 values, and the bytes of six tensors fit in size_t. On failure the list is empty. */
bool bench_shapes_parse(const char *text, struct bench_shape_list *list, struct failure *failure);
void bench_shapes_free(struct bench_shape_list *list);

/* The product of all sizes. */
size_t bench_shape_elements(const struct bench_shape *shape);

/* Bytes that are enough for bench_shape_format(). */
enum { BENCH_SHAPE_TEXT = CLBN_MAX_RANK * 21 };

/* "32x64x56x56" */
void bench_shape_format(const struct bench_shape *shape, char text[BENCH_SHAPE_TEXT]);

#endif
