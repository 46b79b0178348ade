/* SPDX-License-Identifier: MIT */
#include "bench/limit.h"

#include "bench/source.h"

#include <stdio.h>
#include <string.h>

/* Groups to a compute unit, so that one that is late leaves little to wait for. */
enum { GROUPS_TO_A_UNIT = 8 };

static const char *const kernel_names[BENCH_LIMIT_KERNELS] = {
    [BENCH_COPY_PLAIN] = "copy_plain",
    [BENCH_COPY_NONTEMPORAL] = "copy_nontemporal",
    [BENCH_TRIAD_PLAIN] = "triad_plain",
    [BENCH_TRIAD_NONTEMPORAL] = "triad_nontemporal",
    [BENCH_NOTHING] = "nothing",
    [BENCH_PASSES_FLOAT32_PLAIN] = "passes_float32_plain",
    [BENCH_PASSES_FLOAT32_NONTEMPORAL] = "passes_float32_nontemporal",
    [BENCH_PASSES_FLOAT16_PLAIN] = "passes_float16_plain",
    [BENCH_PASSES_FLOAT16_NONTEMPORAL] = "passes_float16_nontemporal",
    [BENCH_PASSES_BFLOAT16_PLAIN] = "passes_bfloat16_plain",
    [BENCH_PASSES_BFLOAT16_NONTEMPORAL] = "passes_bfloat16_nontemporal",
    [BENCH_SMALL_FORWARD] = "small_forward",
    [BENCH_SMALL_BACKWARD] = "small_backward",
    [BENCH_SMALL_INFERENCE] = "small_inference",
};

const char *bench_limit_name(enum bench_limit_kernel kernel)
{
    static const char *const names[BENCH_LIMIT_KERNELS] = {
        [BENCH_COPY_PLAIN] = "copy",   [BENCH_COPY_NONTEMPORAL] = "copy-nontemporal",
        [BENCH_TRIAD_PLAIN] = "triad", [BENCH_TRIAD_NONTEMPORAL] = "triad-nontemporal",
        [BENCH_NOTHING] = "nothing",
    };

    return names[kernel];
}

enum bench_limit_kernel bench_limit_first(const struct bench_case *the_case)
{
    return the_case->op == BENCH_BACKWARD || the_case->residual ? BENCH_TRIAD_PLAIN : BENCH_COPY_PLAIN;
}

size_t bench_limit_bytes(enum bench_limit_kernel kernel, const struct bench_case *the_case)
{
    size_t tensors = kernel == BENCH_NOTHING ? 0 : kernel < BENCH_TRIAD_PLAIN ? 2 : 3;

    return tensors * bench_tensor_bytes(the_case);
}

static bool choose_geometry(struct bench_limit *limit, const struct session *session, struct failure *failure)
{
    clbn_geometry geometry = CLBN_GEOMETRY_AUTO;
    cl_uint compute_units = 1;
    cl_int status = clbnGetEngineInfo(session->engine, CLBN_ENGINE_GEOMETRY, sizeof(geometry), &geometry, NULL);

    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "asking for the engine's geometry", status);
    status = clGetDeviceInfo(session->device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(compute_units), &compute_units, NULL);
    if (status != CL_SUCCESS)
        return fail_opencl(failure, "asking for the device's compute units", status);
    limit->compute_units = compute_units;
    if (geometry == CLBN_GEOMETRY_VECTOR) {
        limit->vector = 16;
        limit->group = 1;
        limit->chunk = 4096;
    } else {
        limit->vector = 4;
        limit->group = 64;
        limit->chunk = 16 * limit->group;
    }
    return true;
}

static bool build_program(struct bench_limit *limit, const struct session *session, struct failure *failure)
{
    const struct embedded_file *source = &bench_sources[0];
    const char *text = (const char *)source->bytes;
    char options[128];
    char log[1024] = "";
    cl_int status;

    limit->program = clCreateProgramWithSource(session->context, 1, &text, &source->size, &status);
    if (limit->program == NULL)
        return fail_opencl(failure, "creating a program", status);
    snprintf(options, sizeof(options), "-cl-std=CL1.2 -DVECTOR=%zu -DHALF_VECTOR=%zu -DGROUP=%zu", limit->vector,
             limit->vector / 2, limit->group);
    status = clBuildProgram(limit->program, 1, &session->device, options, NULL, NULL);
    if (status == CL_SUCCESS)
        return true;
    clGetProgramBuildInfo(limit->program, session->device, CL_PROGRAM_BUILD_LOG, sizeof(log) - 1, log, NULL);
    return fail(failure, "the device's compiler refused %s with %s: %s", source->name, clbnStatusName(status), log);
}

bool bench_limit_open(struct bench_limit *limit, const struct session *session, struct failure *failure)
{
    memset(limit, 0, sizeof(*limit));
    if (!choose_geometry(limit, session, failure) || !build_program(limit, session, failure))
        goto cleanup;
    for (size_t i = 0; i < BENCH_LIMIT_KERNELS; i++) {
        cl_int status;

        limit->kernels[i] = clCreateKernel(limit->program, kernel_names[i], &status);
        if (limit->kernels[i] == NULL) {
            fail_opencl(failure, "creating a kernel", status);
            goto cleanup;
        }
    }
    return true;

cleanup:
    bench_limit_close(limit);
    return false;
}

void bench_limit_close(struct bench_limit *limit)
{
    for (size_t i = 0; i < BENCH_LIMIT_KERNELS; i++)
        if (limit->kernels[i] != NULL)
            clReleaseKernel(limit->kernels[i]);
    if (limit->program != NULL)
        clReleaseProgram(limit->program);
    memset(limit, 0, sizeof(*limit));
}

/* The vectors to a group: enough groups for all compute units, or no more vectors than the limit's chunk. */
static size_t choose_chunk(const struct bench_limit *limit, size_t vectors)
{
    size_t groups = GROUPS_TO_A_UNIT * limit->compute_units;
    size_t chunk = bench_divide_up(vectors, groups);

    if (chunk > limit->chunk)
        return limit->chunk;
    return chunk > limit->group ? chunk : limit->group;
}

size_t bench_limit_words(const struct bench_limit *limit, size_t bytes)
{
    return choose_chunk(limit, bytes / sizeof(cl_uint) / limit->vector) * limit->vector;
}

bool bench_limit_set_arguments(cl_kernel kernel, const struct bench_tensors *tensors, const size_t *sizes, cl_uint count,
                               struct failure *failure)
{
    cl_int status = CL_SUCCESS;

    for (cl_uint i = BENCH_X; i <= BENCH_OUT && status == CL_SUCCESS; i++)
        status = clSetKernelArg(kernel, i, sizeof(tensors->tensors[i]), &tensors->tensors[i]);
    for (cl_uint i = 0; i < count && status == CL_SUCCESS; i++) {
        const cl_ulong size = sizes[i];

        status = clSetKernelArg(kernel, BENCH_OUT + 1 + i, sizeof(size), &size);
    }
    return status == CL_SUCCESS || fail_opencl(failure, "setting a kernel's argument", status);
}

bool bench_limit_bind(struct bench_limit_call *call, const struct bench_limit *limit, enum bench_limit_kernel kernel,
                      const struct bench_tensors *tensors, struct failure *failure)
{
    size_t count = tensors->elements * bench_element_size(tensors->type) / sizeof(cl_uint); /* less than a word is left out */
    size_t vectors = count / limit->vector;
    size_t chunk = choose_chunk(limit, vectors);
    size_t groups = kernel == BENCH_NOTHING ? 1 : bench_divide_up(vectors, chunk);
    const size_t sizes[] = { count, chunk };

    call->limit = limit;
    call->kernel = limit->kernels[kernel];
    call->items = (groups > 0 ? groups : 1) * limit->group;
    return bench_limit_set_arguments(call->kernel, tensors, sizes, 2, failure);
}

bool bench_limit_enqueue(const void *call, cl_command_queue queue, cl_event *event, struct failure *failure)
{
    const struct bench_limit_call *this_one = call;
    cl_int status =
        clEnqueueNDRangeKernel(queue, this_one->kernel, 1, NULL, &this_one->items, &this_one->limit->group, 0, NULL, event);

    return status == CL_SUCCESS || fail_opencl(failure, "enqueuing a kernel", status);
}
