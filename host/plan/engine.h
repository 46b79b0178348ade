/* SPDX-License-Identifier: MIT */
/* The engine. */
#ifndef CLBN_ENGINE_H
#define CLBN_ENGINE_H

#include "base/lock.h"
#include "base/references.h"
#include "plan/device.h"
#include "program/program.h"

struct clbn_engine_object {
    reference_count references;
    cl_context context;
    cl_device_id device;
    struct device_facts facts;
    clbn_geometry geometry; /* never CLBN_GEOMETRY_AUTO */
    cl_uint flags;
    bn_lock lock; /* of the members below */
    struct kind **kinds;
    size_t kind_count;
};

/* The engine's program of a variant, built if it is the first time. It lives as long as the engine. NULL and *status on
 * failure. */
struct program *bn_engine_program(clbn_engine engine, const struct variant *variant, cl_int *status);

#endif
