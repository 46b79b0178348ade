/* SPDX-License-Identifier: MIT */
/* Pure: the kinds of program, and which kind a plan needs. */
#ifndef CLBN_VARIANT_H
#define CLBN_VARIANT_H

#include "schedule/device_facts.h"
#include "schedule/shape.h"
#include "schedule/strategy.h"

/* What a program's source is compiled for. Compared as a whole; everything else is a run-time argument. */
struct variant {
    clbn_type type;
    clbn_type parameter_type;
    clbn_activation activation;
    bool channels_last; /* channels lie side by side */
    bool aligned;       /* vectors are accessed only where they are aligned */
    bool fetches;       /* kernels prefetch what they read soon */
    bool short_nan;     /* arithmetic makes no NaN with lower bits, as on all CPUs of today */
    bool wide_double;   /* merges in double, else in pairs of elements */
    unsigned vector;    /* elements to a vector */
    unsigned group;     /* work-items to a group, a power of two */
    unsigned index;     /* bits of an index */
    bool single;        /* tiles of groups have one channel each */
    unsigned kept;      /* vectors that a work-item of a group keeps on chip, of x, or half of them of dy; 0: none */
    bool unrolled;      /* loops over vectors in registers: not on a CPU, where that costs time to compile and gives nothing */
    bool large_registers; /* of the device (device_facts.h): else what some kernels keep in registers goes to memory */
    bool unoptimized;     /* CLBN_ENGINE_UNOPTIMIZED, unless the device's compiler gets one of the two wrong */
    unsigned row_axes, channel_axes;
    unsigned operations; /* CLBN_OPERATION_* whose kernels it has */
};

enum { ALL_OPERATIONS = CLBN_OPERATION_FORWARD | CLBN_OPERATION_BACKWARD | CLBN_OPERATION_INFERENCE };

/* The geometry that CLBN_GEOMETRY_AUTO means on a device. */
clbn_geometry bn_choose_geometry(clbn_geometry wanted, const struct device_facts *facts);

/* Of all operations. parameter_type is the one that is computed in: what parameters are stored as changes nothing else. */
struct variant bn_choose_variant(clbn_geometry geometry, cl_uint engine_flags, const struct device_facts *facts, clbn_type type,
                                 clbn_activation activation, const struct shape *shape);

/* Whose kernels it has. */
enum kernel_set bn_kernel_set(const struct variant *variant);

/* Whether a program of the first is one of the second, too, which may have fewer operations. */
bool bn_is_variant(const struct variant *had, const struct variant *wanted);

/* Writes clBuildProgram's options; false if size bytes do not suffice. */
bool bn_variant_options(const struct variant *variant, char *options, size_t size);

/* Channels whose statistics and coefficients a work-item computes side by side. */
unsigned bn_span(const struct variant *variant);

/* Bytes of a channel's partial results: moments or sums. */
size_t bn_partial_size(const struct variant *variant);

/* Bytes of a number that merges compute with. */
size_t bn_wide_size(const struct variant *variant);

#endif
