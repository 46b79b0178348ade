/* SPDX-License-Identifier: MIT */
#include "plan/engine.h"

#include "base/information.h"
#include "base/sized.h"
#include "base/status.h"
#include "program/cache_folder.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_FLAGS                                                                                                            \
    (CLBN_ENGINE_NO_DOUBLE | CLBN_ENGINE_INDEX_64 | CLBN_ENGINE_SPLIT | CLBN_ENGINE_WHOLE | CLBN_ENGINE_UNOPTIMIZED)

/* A kind of program that a plan needs. It is built under a lock of its own: threads that need the same kind wait, others do not. */
struct kind {
    struct variant variant;
    bn_lock lock;
    struct program *program; /* NULL until it is built */
};

static cl_int check_options(const clbn_engine_options *options)
{
    if (options->geometry > CLBN_GEOMETRY_GROUP)
        return bn_fail(CLBN_INVALID_ARGUMENT, "geometry is %u, expected one of CLBN_GEOMETRY_AUTO, VECTOR and GROUP.",
                       (unsigned)options->geometry);
    if (options->flags & ~(cl_uint)KNOWN_FLAGS)
        return bn_fail(CLBN_INVALID_ARGUMENT, "the engine's flags 0x%x have unknown bits, expected CLBN_ENGINE_* only.",
                       (unsigned)options->flags);
    if ((options->flags & CLBN_ENGINE_SPLIT) && (options->flags & CLBN_ENGINE_WHOLE))
        return bn_fail(CLBN_INVALID_ARGUMENT,
                       "the engine's flags have both CLBN_ENGINE_SPLIT and CLBN_ENGINE_WHOLE, expected at most one.");
    return CLBN_SUCCESS;
}

/* Whether a device, or a device that it is a part of, is among others: some OpenCLs list parents in place of sub-devices. */
static bool is_among(cl_device_id device, const cl_device_id *others, size_t count)
{
    while (device) {
        cl_device_id parent = NULL;
        for (size_t i = 0; i < count; i++)
            if (others[i] == device)
                return true;
        if (clGetDeviceInfo(device, CL_DEVICE_PARENT_DEVICE, sizeof(cl_device_id), &parent, NULL) != CL_SUCCESS)
            return false;
        device = parent;
    }
    return false;
}

static cl_int check_device(cl_context context, cl_device_id device)
{
    size_t size = 0;
    cl_int status = clGetContextInfo(context, CL_CONTEXT_DEVICES, 0, NULL, &size);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetContextInfo");
    cl_device_id *devices = malloc(size > 0 ? size : 1);
    if (!devices)
        return bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for a list of devices.");
    status = clGetContextInfo(context, CL_CONTEXT_DEVICES, size, devices, NULL);
    bool found = status == CL_SUCCESS && is_among(device, devices, size / sizeof(*devices));
    free(devices);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetContextInfo");
    if (!found)
        return bn_fail(CLBN_WRONG_DEVICE, "the device is not one of the context's, expected one that it was created with.");
    return CLBN_SUCCESS;
}

static cl_int check_creation(cl_context context, cl_device_id device, const clbn_engine_options *given,
                             clbn_engine_options *known)
{
    if (!context)
        return bn_fail(CL_INVALID_CONTEXT, "the context is NULL, expected a cl_context.");
    if (!device)
        return bn_fail(CL_INVALID_DEVICE, "the device is NULL, expected a cl_device_id of the context.");
    cl_int status = bn_take_struct(CLBN_STRUCT_ENGINE_OPTIONS, given, known);
    if (status == CLBN_SUCCESS)
        status = check_options(known);
    return status == CLBN_SUCCESS ? check_device(context, device) : status;
}

/* Retains the context and device; an engine holds both or neither. */
static cl_int retain_both(cl_context context, cl_device_id device)
{
    cl_int status = clRetainContext(context);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clRetainContext");
    status = clRetainDevice(device);
    if (status == CL_SUCCESS)
        return CLBN_SUCCESS;
    clReleaseContext(context);
    return bn_fail_call(status, "clRetainDevice");
}

clbn_engine clbnCreateEngine(cl_context context, cl_device_id device, const clbn_engine_options *options, cl_int *errcode_ret)
{
    const clbn_engine_options defaults = CLBN_ENGINE_OPTIONS_INIT;
    clbn_engine_options known;
    struct device_facts facts;
    cl_int status = check_creation(context, device, options ? options : &defaults, &known);
    if (status == CLBN_SUCCESS)
        status = bn_query_device(device, &facts);
    if (status != CLBN_SUCCESS) {
        bn_set_errcode(errcode_ret, status);
        return NULL;
    }

    clbn_engine engine = calloc(1, sizeof(*engine));
    if (!engine || !bn_lock_create(&engine->lock)) {
        free(engine);
        bn_set_errcode(errcode_ret, bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for an engine."));
        return NULL;
    }
    status = retain_both(context, device);
    bn_set_errcode(errcode_ret, status);
    if (status != CLBN_SUCCESS) {
        bn_lock_destroy(&engine->lock);
        free(engine);
        return NULL;
    }
    engine->references = 1;
    engine->context = context;
    engine->device = device;
    engine->facts = facts;
    engine->geometry = bn_choose_geometry(known.geometry, &facts);
    engine->flags = known.flags;
    return engine;
}

static void release_kind(struct kind *kind)
{
    if (kind->program)
        bn_release_program(kind->program);
    bn_lock_destroy(&kind->lock);
    free(kind);
}

cl_int clbnRetainEngine(clbn_engine engine)
{
    if (!engine)
        return bn_fail(CLBN_INVALID_ENGINE, "the engine is NULL, expected one from clbnCreateEngine.");
    reference_add(&engine->references);
    return CLBN_SUCCESS;
}

cl_int clbnReleaseEngine(clbn_engine engine)
{
    if (!engine || !reference_drop(&engine->references))
        return CLBN_SUCCESS;
    for (size_t i = 0; i < engine->kind_count; i++)
        release_kind(engine->kinds[i]);
    free(engine->kinds);
    bn_lock_destroy(&engine->lock);
    clReleaseDevice(engine->device);
    clReleaseContext(engine->context);
    free(engine);
    return CLBN_SUCCESS;
}

static struct kind *create_kind(const struct variant *variant)
{
    struct kind *kind = calloc(1, sizeof(*kind));
    if (!kind || !bn_lock_create(&kind->lock)) {
        free(kind);
        return NULL;
    }
    kind->variant = *variant;
    return kind;
}

/* The caller holds the engine's lock. NULL without memory. */
static struct kind *add_kind(clbn_engine engine, const struct variant *variant)
{
    struct kind **longer = calloc(engine->kind_count + 1, sizeof(*longer));
    struct kind *kind = longer ? create_kind(variant) : NULL;
    if (!kind) {
        free(longer);
        return NULL;
    }
    if (engine->kind_count > 0)
        memcpy(longer, engine->kinds, engine->kind_count * sizeof(*longer));
    longer[engine->kind_count++] = kind;
    free(engine->kinds);
    engine->kinds = longer;
    return kind;
}

static struct kind *find_or_add_kind(clbn_engine engine, const struct variant *variant)
{
    struct kind *kind = NULL;
    bn_lock_take(&engine->lock);
    for (size_t i = 0; i < engine->kind_count && !kind; i++)
        if (bn_is_variant(&engine->kinds[i]->variant, variant))
            kind = engine->kinds[i];
    if (!kind)
        kind = add_kind(engine, variant);
    bn_lock_leave(&engine->lock);
    return kind;
}

struct program *bn_engine_program(clbn_engine engine, const struct variant *variant, cl_int *status)
{
    *status = CLBN_SUCCESS;
    struct kind *kind = find_or_add_kind(engine, variant);
    if (!kind) {
        *status = bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for a list of programs.");
        return NULL;
    }
    bn_lock_take(&kind->lock);
    if (!kind->program)
        kind->program = bn_build_program(engine->context, engine->device, variant, status);
    struct program *program = kind->program;
    bn_lock_leave(&kind->lock);
    return program;
}

cl_int clbnGetEngineInfo(clbn_engine engine, clbn_engine_info param_name, size_t param_value_size, void *param_value,
                         size_t *param_value_size_ret)
{
    const struct question asked = { param_value_size, param_value, param_value_size_ret };
    if (!engine)
        return bn_fail(CLBN_INVALID_ENGINE, "the engine is NULL, expected one from clbnCreateEngine.");
    const struct shape any = { .elements = 1 };
    const struct variant v =
        bn_choose_variant(engine->geometry, engine->flags, &engine->facts, CLBN_FLOAT32, CLBN_ACTIVATION_NONE, &any);
    const size_t group = v.group;
    const size_t vector = v.vector;
    const cl_bool has_float64 = engine->facts.has_double;
    char folder[BN_CACHE_PATH_SIZE];
    const char *merge = v.wide_double ? "double" : "float-float";

    switch (param_name) {
    case CLBN_ENGINE_CONTEXT:
        return bn_answer(&asked, &engine->context, sizeof(engine->context));
    case CLBN_ENGINE_DEVICE:
        return bn_answer(&asked, &engine->device, sizeof(engine->device));
    case CLBN_ENGINE_GEOMETRY:
        return bn_answer(&asked, &engine->geometry, sizeof(engine->geometry));
    case CLBN_ENGINE_GROUP_SIZE:
        return bn_answer(&asked, &group, sizeof(group));
    case CLBN_ENGINE_VECTOR_WIDTH:
        return bn_answer(&asked, &vector, sizeof(vector));
    case CLBN_ENGINE_HAS_FLOAT64:
        return bn_answer(&asked, &has_float64, sizeof(has_float64));
    case CLBN_ENGINE_CACHE_FOLDER:
        if (!bn_find_cache_folder(folder, sizeof(folder)))
            folder[0] = '\0';
        return bn_answer(&asked, folder, strlen(folder) + 1);
    case CLBN_ENGINE_MERGE_TYPE:
        return bn_answer(&asked, merge, strlen(merge) + 1);
    default:
        return bn_fail(CLBN_INVALID_ARGUMENT, "engine information %u is unknown, expected CLBN_ENGINE_*.",
                       (unsigned)param_name);
    }
}
