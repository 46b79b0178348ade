/* Pure: a plan's description, checked and collapsed to the one form that kernels know. */
#ifndef CLBN_SHAPE_H
#define CLBN_SHAPE_H

#include "clbn.h"

#include <stdbool.h>

/* A packed tensor of (outer, channels, inner). */
struct shape {
    size_t outer, channels, inner;
    size_t values_per_channel; /* m = outer * inner */
    size_t elements;
};

/* Bytes of an element of a tensor of a type; 0 for an unknown type. */
size_t bn_type_size(clbn_type type);

/* Bytes of an element of the parameters and statistics that go with it. */
size_t bn_parameter_size(clbn_type type);

/* Checks rank, axis and sizes. limit: the most bytes that a tensor may have. */
cl_int bn_collapse_shape(const clbn_plan_desc *desc, size_t limit, struct shape *shape);

#endif
