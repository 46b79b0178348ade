#include "program.h"

#include "kernel_sources.h"
#include "lock.h"
#include "status.h"

#include <stdlib.h>
#include <string.h>

/* Kernel objects that wait to be lent again, at most: more threads than that in one call at once create theirs anew. */
#define SPARE_KERNELS 16

struct program {
    struct variant variant;
    cl_program program;
    lock_t lock; /* of the members below */
    cl_kernel spare[KERNEL_COUNT][SPARE_KERNELS];
    unsigned spare_count[KERNEL_COUNT];
};

static const char *const kernel_names[2][KERNEL_COUNT] = {
    { "rows_forward", "rows_statistics", "rows_normalize", "rows_inference", "rows_backward", "rows_sums", "rows_input",
      "finish_statistics", "finish_gradients" },
    { "columns_forward", "columns_statistics", "columns_normalize", "columns_inference", "columns_backward", "columns_sums",
      "columns_input", "finish_statistics", "finish_gradients" },
};

const char *bn_kernel_name(const struct variant *variant, enum kernel_id id)
{
    return kernel_names[variant->channels_last][id];
}

static const struct embedded_file *find_source(const char *name)
{
    const struct embedded_file *file = bn_kernel_sources;
    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file->name ? file : NULL;
}

static cl_program create_cl_program(cl_context context, const struct variant *variant, cl_int *status)
{
    /* Compiled as one, in this order. */
    const char *const names[] = {
        "common.cl",
        "activation.cl",
        variant->wide_double ? "wide_double.cl" : "wide_pair.cl",
        "moments.cl",
        "sums.cl",
        "division.cl",
        "layout.cl",
        "coefficients.cl",
        "records.cl",
        "finish.cl",
        variant->channels_last ? "columns.cl" : "rows.cl",
        variant->channels_last ? "columns_backward.cl" : "rows_backward.cl",
    };
    enum { SOURCES = sizeof(names) / sizeof(names[0]) };
    const char *texts[SOURCES];
    size_t lengths[SOURCES];
    for (cl_uint i = 0; i < SOURCES; i++) {
        const struct embedded_file *file = find_source(names[i]);
        if (!file) {
            *status = bn_fail(CLBN_INTERNAL_ERROR, "the library has no kernel source named %s.", names[i]);
            return NULL;
        }
        texts[i] = (const char *)file->bytes;
        lengths[i] = file->size;
    }
    cl_program program = clCreateProgramWithSource(context, SOURCES, texts, lengths, status);
    if (*status != CL_SUCCESS)
        bn_fail_call(*status, "clCreateProgramWithSource");
    return program;
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

struct program *bn_build_program(cl_context context, cl_device_id device, const struct variant *variant, cl_int *status)
{
    char options[256];
    struct program *p = calloc(1, sizeof(*p));
    if (!p) {
        *status = bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for a program.");
        return NULL;
    }
    p->variant = *variant;
    p->program = create_cl_program(context, variant, status);
    if (!p->program)
        goto cleanup;
    if (!bn_variant_options(variant, options, sizeof(options))) {
        *status = bn_fail(CLBN_INTERNAL_ERROR, "the build options do not fit in %zu bytes.", sizeof(options));
        goto cleanup;
    }
    *status = clBuildProgram(p->program, 1, &device, options, NULL, NULL);
    if (*status != CL_SUCCESS) {
        fail_build(*status, p->program, device);
        goto cleanup;
    }
    if (!lock_init(&p->lock)) {
        *status = bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host resources for a lock.");
        goto cleanup;
    }
    return p;

cleanup:
    if (p->program)
        clReleaseProgram(p->program);
    free(p);
    return NULL;
}

void bn_release_program(struct program *p)
{
    if (!p)
        return;
    for (int id = 0; id < KERNEL_COUNT; id++)
        for (unsigned i = 0; i < p->spare_count[id]; i++)
            clReleaseKernel(p->spare[id][i]);
    clReleaseProgram(p->program);
    lock_destroy(&p->lock);
    free(p);
}

const struct variant *bn_program_variant(const struct program *program)
{
    return &program->variant;
}

cl_kernel bn_lend_kernel(struct program *p, enum kernel_id id, cl_int *status)
{
    cl_kernel kernel = NULL;
    lock_acquire(&p->lock);
    if (p->spare_count[id] > 0)
        kernel = p->spare[id][--p->spare_count[id]];
    lock_release(&p->lock);
    *status = CL_SUCCESS;
    if (kernel)
        return kernel;
    kernel = clCreateKernel(p->program, bn_kernel_name(&p->variant, id), status);
    if (*status != CL_SUCCESS)
        bn_fail(*status, "clCreateKernel failed with %s (%d) for %s.", clbnStatusName(*status), (int)*status,
                bn_kernel_name(&p->variant, id));
    return kernel;
}

void bn_give_back_kernel(struct program *p, enum kernel_id id, cl_kernel kernel)
{
    lock_acquire(&p->lock);
    bool kept = p->spare_count[id] < SPARE_KERNELS;
    if (kept)
        p->spare[id][p->spare_count[id]++] = kernel;
    lock_release(&p->lock);
    if (!kept)
        clReleaseKernel(kernel);
}
