/* SPDX-License-Identifier: MIT */
/* Elements of arrays: the names and sizes of their types, and their values. */
#ifndef CLBN_TOOL_SCALAR_H
#define CLBN_TOOL_SCALAR_H

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

/* Beside the types of tensors: bytes that are no numbers, such as a mask's. */
#define SCALAR_UINT8 0u

extern const char *const scalar_type_names[]; /* By type; ends with NULL. */

/* Whether this machine's are. */
bool scalar_big_endian(void);

/* In bytes. */
size_t scalar_size(clbn_type type);

/* The distance from 1 to the next number of a tensor's type. */
double scalar_epsilon(clbn_type type);

/* The type of the parameters and statistics that go with tensors of a type. */
clbn_type scalar_parameter_type(clbn_type type);

/* Element i of a tensor. What is set is rounded once, to the nearest, ties to even; beyond the greatest number to infinity. */
double scalar_get(clbn_type type, const void *elements, size_t i);
void scalar_set(clbn_type type, void *elements, size_t i, double value);

#endif
