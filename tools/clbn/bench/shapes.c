/* SPDX-License-Identifier: MIT */
#include "bench/shapes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the largest element, and tensors of the operation with the most, or more. */
enum { MAX_ELEMENT = sizeof(cl_double), MAX_TENSORS = 6 };

/* ResNet-50 (He et al. 2015), batch 32. */
static const struct bench_shape resnet50[] = {
    { 4, { 32, 64, 112, 112 } }, { 4, { 32, 64, 56, 56 } },  { 4, { 32, 256, 56, 56 } },
    { 4, { 32, 128, 28, 28 } },  { 4, { 32, 512, 28, 28 } }, { 4, { 32, 256, 14, 14 } },
    { 4, { 32, 1024, 14, 14 } }, { 4, { 32, 512, 7, 7 } },   { 4, { 32, 2048, 7, 7 } },
};

/* GoogLeNet with batch norm (Inception v2 and v3), batch 96: what oneDNN's benchdnn measures. */
static const struct bench_shape googlenet[] = {
    { 4, { 96, 64, 112, 112 } }, { 4, { 96, 64, 56, 56 } },   { 4, { 96, 192, 56, 56 } }, { 4, { 96, 32, 28, 28 } },
    { 4, { 96, 64, 28, 28 } },   { 4, { 96, 96, 28, 28 } },   { 4, { 96, 128, 28, 28 } }, { 4, { 96, 64, 14, 14 } },
    { 4, { 96, 96, 14, 14 } },   { 4, { 96, 128, 14, 14 } },  { 4, { 96, 160, 14, 14 } }, { 4, { 96, 192, 14, 14 } },
    { 4, { 96, 224, 14, 14 } },  { 4, { 96, 256, 14, 14 } },  { 4, { 96, 128, 7, 7 } },   { 4, { 96, 160, 7, 7 } },
    { 4, { 96, 192, 7, 7 } },    { 4, { 96, 224, 7, 7 } },    { 4, { 96, 256, 7, 7 } },   { 4, { 96, 320, 7, 7 } },
    { 4, { 96, 352, 7, 7 } },    { 4, { 96, 128, 4, 4 } },    { 4, { 96, 128, 2, 2 } },   { 4, { 96, 32, 149, 149 } },
    { 4, { 96, 32, 147, 147 } }, { 4, { 96, 64, 147, 147 } }, { 4, { 96, 80, 73, 73 } },  { 4, { 96, 192, 71, 71 } },
    { 4, { 96, 32, 35, 35 } },   { 4, { 96, 48, 35, 35 } },   { 4, { 96, 64, 35, 35 } },  { 4, { 96, 96, 35, 35 } },
    { 4, { 96, 96, 17, 17 } },   { 4, { 96, 128, 17, 17 } },  { 4, { 96, 160, 17, 17 } }, { 4, { 96, 192, 17, 17 } },
    { 4, { 96, 384, 17, 17 } },  { 4, { 96, 192, 8, 8 } },    { 4, { 96, 320, 8, 8 } },   { 4, { 96, 384, 8, 8 } },
    { 4, { 96, 448, 8, 8 } },
};

/* DenseNet-121 (Huang et al. 2016), batch 32: of each dense block the narrowest, a middle and the widest input, and the
 * bottlenecks of 128 channels. */
static const struct bench_shape densenet[] = {
    { 4, { 32, 64, 112, 112 } }, { 4, { 32, 64, 56, 56 } },  { 4, { 32, 128, 56, 56 } }, { 4, { 32, 160, 56, 56 } },
    { 4, { 32, 256, 56, 56 } },  { 4, { 32, 128, 28, 28 } }, { 4, { 32, 320, 28, 28 } }, { 4, { 32, 512, 28, 28 } },
    { 4, { 32, 128, 14, 14 } },  { 4, { 32, 256, 14, 14 } }, { 4, { 32, 640, 14, 14 } }, { 4, { 32, 1024, 14, 14 } },
    { 4, { 32, 128, 7, 7 } },    { 4, { 32, 512, 7, 7 } },   { 4, { 32, 768, 7, 7 } },   { 4, { 32, 1024, 7, 7 } },
};

/* Fully connected layers: (m, d); 60 x 100 is that of the paper's section 4.1. */
static const struct bench_shape mlp[] = {
    { 2, { 4096, 4096 } },
    { 2, { 8192, 1024 } },
    { 2, { 60, 100 } },
    { 2, { 256, 784 } },
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *name;
    const struct bench_shape *shapes;
    size_t count;
} named_lists[] = {
    { "resnet50", resnet50, LENGTH(resnet50) },
    { "googlenet", googlenet, LENGTH(googlenet) },
    { "densenet", densenet, LENGTH(densenet) },
    { "mlp", mlp, LENGTH(mlp) },
};

size_t bench_shape_elements(const struct bench_shape *shape)
{
    size_t elements = 1;

    for (cl_uint i = 0; i < shape->rank; i++)
        elements *= shape->sizes[i];
    return elements;
}

void bench_shape_format(const struct bench_shape *shape, char text[BENCH_SHAPE_TEXT])
{
    size_t length = 0;

    for (cl_uint i = 0; i < shape->rank; i++)
        length += (size_t)snprintf(text + length, BENCH_SHAPE_TEXT - length, "%s%zu", i > 0 ? "x" : "", shape->sizes[i]);
}

static bool append(struct bench_shape_list *list, const struct bench_shape *shapes, size_t count, struct failure *failure)
{
    struct bench_shape *larger = realloc(list->shapes, (list->count + count) * sizeof(*larger));

    list->no_memory = larger == NULL;
    if (larger == NULL)
        return fail(failure, "there is no memory for the list of shapes");
    memcpy(larger + list->count, shapes, count * sizeof(*larger));
    list->shapes = larger;
    list->count += count;
    return true;
}

/* Reads a size from decimal digits at *text, and moves *text behind them. False: none, 0, or too large. */
static bool parse_size(const char **text, const char *end, size_t *size)
{
    const char *start = *text;

    *size = 0;
    for (; *text < end && **text >= '0' && **text <= '9'; (*text)++) {
        size_t digit = (size_t)(**text - '0');

        if (*size > (SIZE_MAX - digit) / 10)
            return false;
        *size = *size * 10 + digit;
    }
    return *text > start && *size > 0;
}

static bool parse_sizes(const char *text, size_t length, struct bench_shape *shape, struct failure *failure)
{
    const char *end = text + length;
    const char *next = text;
    size_t room = SIZE_MAX / ((size_t)MAX_ELEMENT * MAX_TENSORS); /* what the product of the other sizes may be */

    memset(shape, 0, sizeof(*shape));
    for (;;) {
        size_t *size = &shape->sizes[shape->rank];

        if (shape->rank == CLBN_MAX_RANK)
            return fail(failure, "the shape '%.*s' has more than %d sizes", (int)length, text, CLBN_MAX_RANK);
        if (!parse_size(&next, end, size) || (next < end && *next != ','))
            return fail(failure, "'%.*s' is neither a list of shapes nor positive sizes N,C,S,...", (int)length, text);
        if (*size > room)
            return fail(failure, "the shape '%.*s' has more bytes than this machine can address", (int)length, text);
        room /= *size;
        shape->rank++;
        if (next == end)
            break;
        next++;
    }
    if (shape->rank < 2 || bench_shape_elements(shape) / shape->sizes[1] < 2)
        return fail(failure, "the shape '%.*s' has fewer than two values to a channel: it takes N,C,S,...", (int)length, text);
    return true;
}

/* One name, or one shape of sizes. */
static bool parse_part(const char *text, size_t length, struct bench_shape_list *list, struct failure *failure)
{
    struct bench_shape shape;

    for (size_t i = 0; i < LENGTH(named_lists); i++)
        if (strlen(named_lists[i].name) == length && memcmp(named_lists[i].name, text, length) == 0)
            return append(list, named_lists[i].shapes, named_lists[i].count, failure);
    return parse_sizes(text, length, &shape, failure) && append(list, &shape, 1, failure);
}

bool bench_shapes_parse(const char *text, struct bench_shape_list *list, struct failure *failure)
{
    memset(list, 0, sizeof(*list));
    for (;;) {
        size_t length = strcspn(text, "+");

        if (length > 256) {
            fail(failure, "a shape of %zu characters is none", length);
            break;
        }
        if (!parse_part(text, length, list, failure))
            break;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
    free(list->shapes);
    list->shapes = NULL;
    list->count = 0;
    return false;
}

void bench_shapes_free(struct bench_shape_list *list)
{
    free(list->shapes);
    memset(list, 0, sizeof(*list));
}
