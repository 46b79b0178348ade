/* SPDX-License-Identifier: MIT */
#include "schedule/variant.h"

#include "schedule/tiling.h"

#include <stdint.h>
#include <stdio.h>

/* Work-items to a group in CLBN_GEOMETRY_GROUP, where the device allows it: fewer where registers are, since a vector has more
 * than four elements, or each has coefficients of its own; and at least. */
#define GROUP_SIZE       256
#define SMALL_GROUP_SIZE 128
#define LEAST_GROUP      16

/* Bytes to a vector: for a work-item that has a core to itself, a cache line of what is computed in; else a coalesced access
 * of what is stored. */
#define VECTOR_BYTES_ALONE    64
#define VECTOR_BYTES_IN_GROUP 16

clbn_geometry bn_choose_geometry(clbn_geometry wanted, const struct device_facts *facts)
{
    if (wanted != CLBN_GEOMETRY_AUTO)
        return wanted;
    return facts->is_vector_cpu ? CLBN_GEOMETRY_VECTOR : CLBN_GEOMETRY_GROUP;
}

/* A device that takes fewer than LEAST_GROUP has one to a group. */
static unsigned group_size(const struct device_facts *facts, clbn_type type, bool single)
{
    unsigned size = single && bn_type_size(type) > sizeof(cl_half) ? GROUP_SIZE : SMALL_GROUP_SIZE;
    while (size > facts->max_group_size && size > 1)
        size /= 2;
    return size < LEAST_GROUP ? 1 : size;
}

/* Whether an index into some tensor needs more than 32 bits, of which one is spared for sums. */
static bool is_large(const struct shape *shape)
{
    for (enum tensor t = 0; t < TENSORS; t++)
        if (shape->reaches[t] > INT32_MAX)
            return true;
    return shape->elements > INT32_MAX;
}

struct variant bn_choose_variant(clbn_geometry geometry, cl_uint engine_flags, const struct device_facts *facts, clbn_type type,
                                 clbn_activation activation, const struct shape *shape)
{
    bool grouped = geometry == CLBN_GEOMETRY_GROUP;
    size_t vector = grouped ? VECTOR_BYTES_IN_GROUP / bn_type_size(type) : VECTOR_BYTES_ALONE / bn_real_size(type);
    const bool single = grouped && bn_tiles_single_channels(shape, type, (unsigned)vector);
    struct variant v = {
        .type = type,
        .parameter_type = bn_real_type(type),
        .activation = activation,
        .channels_last = shape->channels_last,
        .aligned = grouped,
        .fetches = !grouped && facts->can_fetch,
        .short_nan = !grouped && facts->is_cpu,
        .wide_double = type != CLBN_FLOAT64 && facts->has_double && !(engine_flags & CLBN_ENGINE_NO_DOUBLE),
        .vector = (unsigned)vector,
        .group = grouped ? group_size(facts, type, single) : 1,
        .index = (engine_flags & CLBN_ENGINE_INDEX_64) || is_large(shape) ? 64 : 32,
        .unoptimized = ((engine_flags & CLBN_ENGINE_UNOPTIMIZED) != 0 && !facts->miscompiles_unoptimized) ||
                       (grouped && facts->miscompiles_groups),
        .row_axes = shape->row_axes,
        .channel_axes = shape->channel_axes,
        .operations = ALL_OPERATIONS,
    };
    if (v.group > 1) {
        v.single = single;
        v.kept = shape->elements > 0 && shape->channels > 0 ? bn_choose_kept(&v, facts, engine_flags, shape) : 0;
        v.unrolled = !facts->is_cpu;
        v.large_registers = facts->has_large_registers;
    }
    return v;
}

enum kernel_set bn_kernel_set(const struct variant *v)
{
    if (v->group > 1)
        return KERNELS_OF_TILES;
    return v->channels_last ? KERNELS_OF_COLUMNS : KERNELS_OF_ROWS;
}

bool bn_is_variant(const struct variant *a, const struct variant *b)
{
    return a->type == b->type && a->parameter_type == b->parameter_type && a->activation == b->activation &&
           a->channels_last == b->channels_last && a->aligned == b->aligned && a->fetches == b->fetches &&
           a->short_nan == b->short_nan && a->wide_double == b->wide_double && a->vector == b->vector && a->group == b->group &&
           a->index == b->index && a->row_axes == b->row_axes && a->channel_axes == b->channel_axes && a->single == b->single &&
           a->kept == b->kept && a->unrolled == b->unrolled && a->large_registers == b->large_registers &&
           a->unoptimized == b->unoptimized && (b->operations & ~a->operations) == 0;
}

bool bn_variant_options(const struct variant *v, char *options, size_t size)
{
    int length =
        snprintf(options, size,
                 "-cl-std=CL1.2 -DCLBN_TYPE=%u -DCLBN_PARAMETER_TYPE=%u -DCLBN_VECTOR=%u -DCLBN_GROUP=%u -DCLBN_ALIGNED=%d "
                 "-DCLBN_FETCH=%d -DCLBN_SHORT_NAN=%d -DCLBN_SPAN=%u -DCLBN_WIDE_DOUBLE=%d -DCLBN_INDEX=%u "
                 "-DCLBN_ROW_AXES=%u -DCLBN_CHANNEL_AXES=%u -DCLBN_ACTIVATION=%u -DCLBN_OPERATIONS=%uu -DCLBN_INLINE=%d%s",
                 (unsigned)v->type, (unsigned)v->parameter_type, v->vector, v->group, v->aligned, v->fetches, v->short_nan,
                 bn_span(v), v->wide_double, v->index, v->row_axes, v->channel_axes, (unsigned)v->activation, v->operations,
                 !v->unoptimized && (v->group == 1 || v->unrolled), v->unoptimized ? " -cl-opt-disable" : "");
    if (length < 0 || (size_t)length >= size)
        return false;
    if (v->group == 1)
        return true;
    int more = snprintf(options + length, size - (size_t)length, " -DCLBN_SINGLE=%d -DCLBN_KEPT=%u -DCLBN_UNROLLED=%d%s",
                        v->single, v->kept, v->unrolled, v->large_registers ? " -cl-intel-256-GRF-per-thread" : "");
    return more > 0 && (size_t)more < size - (size_t)length;
}

unsigned bn_span(const struct variant *v)
{
    return v->channels_last && v->group == 1 ? v->vector : 1;
}

size_t bn_wide_size(const struct variant *v)
{
    return v->wide_double ? sizeof(cl_double) : 2 * bn_real_size(v->type);
}

size_t bn_partial_size(const struct variant *variant)
{
    return PARTIAL_ROWS * bn_wide_size(variant);
}
