/* SPDX-License-Identifier: MIT */
/* Which shapes, operations, layouts and types 'clbn bench' and 'clbn tune' are about. */
#ifndef CLBN_TOOL_BENCH_SELECTION_H
#define CLBN_TOOL_BENCH_SELECTION_H

#include "bench/case.h"
#include "bench/shapes.h"
#include "io/options.h"

#include <stdbool.h>

/* The options' values. */
struct bench_selection_texts {
    const char *shapes;
    const char *ops;
    const char *layouts;
    const char *types;
};

#define BENCH_SELECTION_TEXTS_INIT                                                                                             \
    {                                                                                                                          \
        "resnet50", "forward,backward,inference", "nchw,nhwc", "float32"                                                       \
    }

/* The rows of an option table that fill a struct bench_selection_texts. */
#define BENCH_SELECTION_OPTION_ROWS(texts)                                                                                     \
    { .name = "shapes",                                                                                                        \
      .kind = OPTION_STRING,                                                                                                   \
      .to.string = &(texts).shapes,                                                                                            \
      .argument = "SHAPES",                                                                                                    \
      .help = BENCH_SHAPES_SYNTAX " (default resnet50)" },                                                                     \
        { .name = "ops",                                                                                                       \
          .kind = OPTION_STRING,                                                                                               \
          .to.string = &(texts).ops,                                                                                           \
          .argument = "OP,...",                                                                                                \
          .help = "some of forward,backward,inference (default: all)" },                                                       \
        { .name = "layout",                                                                                                    \
          .kind = OPTION_STRING,                                                                                               \
          .to.string = &(texts).layouts,                                                                                       \
          .argument = "LAYOUT,...",                                                                                            \
          .help = "nchw, nhwc or both (the default); shapes of two sizes have only one" },                                     \
    {                                                                                                                          \
        .name = "type", .kind = OPTION_STRING, .to.string = &(texts).types, .argument = "TYPE,...",                            \
        .help = "some of float32 (the default),float64,float16,bfloat16"                                                       \
    }

/* All zero: nothing. */
struct bench_selection {
    struct bench_shape_list shapes;
    struct bench_choice ops;
    struct bench_choice layouts;
    struct bench_choice types;
};

/* Returns EXIT_DONE or EXIT_USAGE. */
int bench_selection_parse(const struct command_line *command, const struct bench_selection_texts *texts,
                          struct bench_selection *selection);
void bench_selection_free(struct bench_selection *selection);

/* Whether a shape is wanted in a layout: two sizes have no layout to choose. */
bool bench_selection_has(const struct bench_selection *selection, const struct bench_shape *shape, enum bench_layout layout);

#endif
