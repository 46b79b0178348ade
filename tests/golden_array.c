/* SPDX-License-Identifier: MIT */
#include "golden_array.h"

#include "allocate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREAMBLE_SIZE = 10, MAX_HEADER_SIZE = 1024 };

static void must_hold(bool condition, const char *path, const char *what)
{
    if (!condition) {
        fprintf(stderr, "%s: %s\n", path, what);
        exit(EXIT_FAILURE);
    }
}

/* The text after "'name': ". */
static const char *entry_of(const char *header, const char *name, const char *path)
{
    const char *entry = strstr(header, name);
    must_hold(entry != NULL, path, "an entry is missing from its header");
    return entry + strlen(name);
}

static void read_shape(struct shape *shape, const char *text, const char *path)
{
    for (; *text != ')' && *text != '\0'; shape->rank++) {
        char *end;
        must_hold(shape->rank < SHAPE_MAX_RANK, path, "has too many axes");
        shape->lengths[shape->rank] = (size_t)strtoull(text, &end, 10);
        must_hold(end != text, path, "has a shape that is not of numbers");
        text = end + strspn(end, ", ");
    }
}

static void read_header(struct golden_array *array, FILE *file, const char *path)
{
    unsigned char preamble[PREAMBLE_SIZE];
    char header[MAX_HEADER_SIZE + 1] = "";
    must_hold(fread(preamble, 1, PREAMBLE_SIZE, file) == PREAMBLE_SIZE, path, "is too short");
    must_hold(memcmp(preamble, "\x93NUMPY\x01\x00", 8) == 0, path, "is not an .npy file of version 1.0");
    size_t size = (size_t)preamble[8] | (size_t)preamble[9] << 8;
    must_hold(size <= MAX_HEADER_SIZE && fread(header, 1, size, file) == size, path, "has no whole header");
    const char *type = entry_of(header, "'descr': ", path);
    array->is_float64 = strncmp(type, "'<f8'", 5) == 0;
    must_hold(array->is_float64 || strncmp(type, "'<f4'", 5) == 0, path, "is not of float32 or float64");
    must_hold(strncmp(entry_of(header, "'fortran_order': ", path), "False", 5) == 0, path, "is not in C order");
    read_shape(&array->shape, entry_of(header, "'shape': (", path), path);
}

static double read_value(FILE *file, bool is_float64, const char *path)
{
    double wide = 0;
    float narrow = 0;
    if (is_float64)
        must_hold(fread(&wide, sizeof wide, 1, file) == 1, path, "is too short");
    else
        must_hold(fread(&narrow, sizeof narrow, 1, file) == 1, path, "is too short");
    return is_float64 ? wide : (double)narrow;
}

struct golden_array golden_array_read(const char *path)
{
    struct golden_array array = { false, { 0, 0, { 0 } }, NULL };
    FILE *file = fopen(path, "rb");
    must_hold(file != NULL, path, "cannot be opened");
    read_header(&array, file, path);
    size_t count = shape_elements(&array.shape);
    array.values = allocate(count, sizeof *array.values);
    for (size_t i = 0; i < count; i++)
        array.values[i] = read_value(file, array.is_float64, path);
    must_hold(fgetc(file) == EOF, path, "is too long");
    fclose(file);
    return array;
}
