/* SPDX-License-Identifier: MIT */
/* What one row of 'clbn bench' measures, and the bytes that it must move. */
#ifndef CLBN_TOOL_BENCH_CASE_H
#define CLBN_TOOL_BENCH_CASE_H

#include "bench/shapes.h"
#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

enum bench_op { BENCH_FORWARD, BENCH_BACKWARD, BENCH_INFERENCE, BENCH_OPS };

enum bench_layout {
    BENCH_NCHW, /* channels before space, of any rank above 2 */
    BENCH_NHWC, /* channels last */
    BENCH_NC,   /* rank 2, where the two are the same */
    BENCH_LAYOUTS
};

/* In the order of clbn_type. */
enum bench_type { BENCH_FLOAT32, BENCH_FLOAT64, BENCH_FLOAT16, BENCH_BFLOAT16, BENCH_TYPES };

/* By the enums above; each ends with NULL. A user chooses among all but "nc". */
extern const char *const bench_op_names[];
extern const char *const bench_layout_names[];
extern const char *const *const bench_type_names;

struct bench_case {
    struct bench_shape shape;
    enum bench_op op;
    enum bench_layout layout;
    enum bench_type type;
    clbn_activation activation;
    bool residual; /* is added before the activation, and has a gradient */
};

/* Which members of an enum are wanted. */
struct bench_choice {
    bool wanted[4];
};

/* Parses "forward,inference" by the first count of the names. False: a word is none of them. */
bool bench_choice_parse(const char *text, const char *const *names, size_t count, struct bench_choice *choice);

size_t bench_element_size(enum bench_type type);
clbn_type bench_clbn_type(enum bench_type type);
size_t bench_tensor_bytes(const struct bench_case *the_case);

/* Whether a training writes a mask, and the backward has the activation's slope from it. Otherwise it has it from x, and from
 * the residual, if there is one. */
bool bench_has_mask(const struct bench_case *the_case);

/* Bytes that the operation must read and write: x and y, or x, dy and dx; with a residual that, too, or its gradient, and the
 * mask. */
size_t bench_moved_bytes(const struct bench_case *the_case);

/* a / b, rounded up. */
size_t bench_divide_up(size_t a, size_t b);

#endif
