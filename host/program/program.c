/* SPDX-License-Identifier: MIT */
#include "program/program.h"

#include "base/integers.h"
#include "base/status.h"
#include "program/kernel_sources.h"
#include "program/program_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SOURCES = 28 };

struct sources {
    cl_uint count;
    const char *texts[MAX_SOURCES];
    size_t lengths[MAX_SOURCES];
};

/* The properties of the variant's program: bits of SOURCE_ROWS and so on. */
static unsigned traits_of(const struct variant *variant)
{
    return (variant->channels_last ? SOURCE_COLUMNS : SOURCE_ROWS) |
           (variant->group == 1 ? SOURCE_SINGLE_ITEMS : SOURCE_GROUPS) |
           (variant->wide_double ? SOURCE_WIDE_DOUBLE : SOURCE_WIDE_PAIR) | (variant->kept > 0 ? SOURCE_ON_CHIP : 0) |
           (variant->operations & CLBN_OPERATION_FORWARD ? SOURCE_FORWARD : 0) |
           (variant->operations & CLBN_OPERATION_BACKWARD ? SOURCE_BACKWARD : 0) |
           (variant->operations & CLBN_OPERATION_INFERENCE ? SOURCE_INFERENCE : 0);
}

static cl_int find_sources(const struct variant *variant, struct sources *sources)
{
    const unsigned traits = traits_of(variant);
    sources->count = 0;
    for (const struct embedded_file *file = bn_kernel_sources; file->name; file++) {
        if ((file->needs & traits) != file->needs)
            continue;
        if (sources->count == MAX_SOURCES)
            return bn_fail(CLBN_INTERNAL_ERROR, "a program has more than %d kernel sources.", MAX_SOURCES);
        sources->texts[sources->count] = (const char *)file->bytes;
        sources->lengths[sources->count++] = file->size;
    }
    return CLBN_SUCCESS;
}

/* The sentence for a failed build, with what fits of the compiler's log. */
static cl_int fail_build(cl_int status, cl_program program, cl_device_id device)
{
    char *log = NULL;
    size_t size = 0;
    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    log = size > 0 ? calloc(size + 1, 1) : NULL;
    if (log)
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    bn_fail(status, "clBuildProgram failed with %s (%d): %s", clbnStatusName(status), (int)status, log ? log : "no log.");
    free(log);
    return status;
}

static cl_program compile(cl_context context, cl_device_id device, struct sources *sources, const char *options, cl_int *status)
{
    cl_program program = clCreateProgramWithSource(context, sources->count, sources->texts, sources->lengths, status);
    if (*status != CL_SUCCESS) {
        bn_fail_call(*status, "clCreateProgramWithSource");
        return NULL;
    }
    *status = clBuildProgram(program, 1, &device, options, NULL, NULL);
    if (*status == CL_SUCCESS)
        return program;
    fail_build(*status, program, device);
    clReleaseProgram(program);
    return NULL;
}

/* Takes the program from the disk cache, or compiles it and decides whether the cache is to have it. */
static cl_int restore_or_compile(struct program *p, cl_context context, cl_device_id device)
{
    char options[512];
    struct sources sources;
    cl_int status = find_sources(&p->variant, &sources);
    if (status != CLBN_SUCCESS)
        return status;
    if (!bn_variant_options(&p->variant, options, sizeof(options)))
        return bn_fail(CLBN_INTERNAL_ERROR, "the build options do not fit in %zu bytes.", sizeof(options));
    p->cache_key = bn_program_key(device, sources.count, sources.texts, sources.lengths, options);
    p->program = bn_restore_program(context, device, p->cache_key, options);
    p->fate = p->program ? PROGRAM_LEFT : bn_fate_of_program(p->cache_key);
    if (p->program)
        return CLBN_SUCCESS;
    p->program = compile(context, device, &sources, options, &status);
    return status;
}

/* Work-items that a group of a kernel may have, if the program has it: fewer than the device's, where it takes many registers. */
static cl_int find_kernel_limit(struct program *p, cl_device_id device, enum kernel_id id)
{
    cl_int status = CL_SUCCESS;
    size_t limit = 0;
    cl_kernel kernel = clCreateKernel(p->program, bn_kernel_name(id), &status);
    if (status == CL_INVALID_KERNEL_NAME)
        return CL_SUCCESS;
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clCreateKernel");
    status = clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_WORK_GROUP_SIZE, sizeof(limit), &limit, NULL);
    clReleaseKernel(kernel);
    if (status != CL_SUCCESS)
        return bn_fail_call(status, "clGetKernelWorkGroupInfo");
    p->group_limit = least(p->group_limit, limit);
    return status;
}

static cl_int find_group_limit(struct program *p, cl_device_id device)
{
    cl_int status = CL_SUCCESS;
    p->group_limit = SIZE_MAX;
    if (bn_kernel_set(&p->variant) != KERNELS_OF_TILES)
        return status;
    for (enum kernel_id id = KERNEL_TILE_FORWARD; id <= KERNEL_FOLD_BIAS && status == CL_SUCCESS; id++)
        status = find_kernel_limit(p, device, id);
    return status;
}

struct program *bn_build_program(cl_context context, cl_device_id device, const struct variant *variant, cl_int *status)
{
    struct program *p = calloc(1, sizeof(*p));
    if (!p) {
        *status = bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for a program.");
        return NULL;
    }
    p->variant = *variant;
    *status = restore_or_compile(p, context, device);
    if (*status == CLBN_SUCCESS)
        *status = find_group_limit(p, device);
    if (*status != CLBN_SUCCESS)
        goto cleanup;
    if (!bn_lock_create(&p->lock)) {
        *status = bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host resources for a lock.");
        goto cleanup;
    }
    bn_load_tuning(&p->tuning, p->cache_key);
    return p;

cleanup:
    if (p->program)
        clReleaseProgram(p->program);
    free(p->cache_key);
    free(p);
    return NULL;
}

void bn_release_program(struct program *p)
{
    if (!p)
        return;
    bn_end_program(p->fate, p->program, p->cache_key);
    for (int id = 0; id < KERNEL_COUNT; id++)
        for (unsigned i = 0; i < KEPT_KERNELS; i++)
            if (p->kept[id][i].kernel)
                clReleaseKernel(p->kept[id][i].kernel);
    clReleaseProgram(p->program);
    bn_lock_destroy(&p->lock);
    bn_clear_tuning(&p->tuning);
    free(p->cache_key);
    free(p);
}

bool bn_recall_tuned(struct program *p, uint64_t problem, struct choices *choices)
{
    bn_lock_take(&p->lock);
    const struct choices *known = bn_find_tuned(&p->tuning, problem);
    bool found = known != NULL;
    if (found)
        *choices = *known;
    bn_lock_leave(&p->lock);
    return found;
}

bool bn_remember_tuned(struct program *p, const struct tuned *tuned, size_t count, bool *stored)
{
    bool remembered = true;
    bn_lock_take(&p->lock);
    for (size_t i = 0; i < count && remembered; i++)
        remembered = bn_add_tuned(&p->tuning, &tuned[i]);
    bn_lock_leave(&p->lock);
    *stored = bn_store_tuned(p->cache_key, tuned, count);
    return remembered;
}

/* Takes the first that is not lent; NULL if all are lent. */
static struct kept_kernel *take_kept(struct program *p, enum kernel_id id)
{
    struct kept_kernel *taken = NULL;
    bn_lock_take(&p->lock);
    for (unsigned i = 0; i < KEPT_KERNELS && !taken; i++)
        if (!p->kept[id][i].is_lent)
            taken = &p->kept[id][i];
    if (taken)
        taken->is_lent = true;
    bn_lock_leave(&p->lock);
    return taken;
}

static void give_back_kept(struct program *p, struct kept_kernel *kept)
{
    bn_lock_take(&p->lock);
    kept->is_lent = false;
    bn_lock_leave(&p->lock);
}

static cl_int create_kernel(struct program *p, enum kernel_id id, cl_kernel *kernel)
{
    cl_int status = CL_SUCCESS;
    *kernel = clCreateKernel(p->program, bn_kernel_name(id), &status);
    if (status == CL_SUCCESS)
        return status;
    *kernel = NULL;
    return bn_fail(status, "clCreateKernel failed with %s (%d) for %s.", clbnStatusName(status), (int)status,
                   bn_kernel_name(id));
}

cl_int bn_lend_kernel(struct program *p, enum kernel_id id, bool is_new, struct lent_kernel *lent)
{
    struct kept_kernel *kept = is_new ? NULL : take_kept(p, id);
    cl_int status = CLBN_SUCCESS;
    lent->kept = kept;
    if (!kept)
        return create_kernel(p, id, &lent->kernel);
    if (!kept->kernel)
        status = create_kernel(p, id, &kept->kernel);
    lent->kernel = kept->kernel;
    if (status != CLBN_SUCCESS)
        give_back_kept(p, kept);
    return status;
}

void bn_give_back_kernel(struct program *p, const struct lent_kernel *lent)
{
    if (lent->kept)
        give_back_kept(p, lent->kept);
    else
        clReleaseKernel(lent->kernel);
}
