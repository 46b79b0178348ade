/* SPDX-License-Identifier: MIT */
/* The types of elements: sizes, rounding and bits, by arithmetic of the tests' own. */
#ifndef CLBN_TESTS_ELEMENT_H
#define CLBN_TESTS_ELEMENT_H

#include "clbn.h"

#include <stdbool.h>

/* Of a mask, which is no tensor: single bytes, 0 to 255. */
enum { BYTES = 0 };

/* How many types a tensor can have. */
enum { MAX_STORED_TYPES = 4 };

/* The type that tensors of a type are computed in: that of a batch's statistics, and of parameters unless they say otherwise. */
clbn_type parameter_type(clbn_type type);

const char *type_name(clbn_type type);
size_t element_size(clbn_type type);

/* The distance from 1 to the next number, the greatest number, and the least that is not subnormal. */
double type_epsilon(clbn_type type);
double type_greatest(clbn_type type);
double type_least(clbn_type type);

/* The nearest value of the type, ties to even; infinity beyond the greatest. */
double rounded_to(clbn_type type, double value);

/* One element's bytes, to and from the value, which is rounded. */
void encode_element(clbn_type type, double value, unsigned char *bytes);
double decode_element(clbn_type type, const unsigned char *bytes);

#endif
