/* SPDX-License-Identifier: MIT */
#include "bench/tensors.h"

#include "io/random.h"
#include "io/scalar.h"
#include "system/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes: a page, and a multiple of what any device asks of a buffer in the host's memory. */
enum { HOST_ALIGNMENT = 4096 };

/* Values of the vectors are uniform in a range. */
static const struct {
    double minimum, maximum;
} vector_ranges[BENCH_VECTORS] = {
    [BENCH_GAMMA] = { 0.5, 1.5 },      [BENCH_BETA] = { -1.0, 1.0 },         [BENCH_MEAN] = { -0.5, 0.5 },
    [BENCH_VAR] = { 0.5, 1.5 },        [BENCH_UPDATED_MEAN] = { -0.5, 0.5 }, [BENCH_UPDATED_VAR] = { 0.5, 1.5 },
    [BENCH_SAVE_MEAN] = { -0.5, 0.5 }, [BENCH_SAVE_INVSTD] = { 0.5, 1.5 },   [BENCH_DGAMMA] = { -1.0, 1.0 },
    [BENCH_DBETA] = { -1.0, 1.0 },
};

static size_t count_tensors(const struct bench_case *the_case)
{
    return the_case->residual ? BENCH_TENSORS : BENCH_Z;
}

bool bench_tensors_fit(const struct session *session, const struct bench_case *the_case, struct failure *failure)
{
    const double mebibyte = 1024.0 * 1024.0;
    size_t bytes = bench_tensor_bytes(the_case);
    size_t tensors = count_tensors(the_case);
    cl_bool has_float64 = CL_FALSE;
    cl_ulong memory;
    cl_ulong buffer;

    if (clGetDeviceInfo(session->device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(memory), &memory, NULL) != CL_SUCCESS ||
        clGetDeviceInfo(session->device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(buffer), &buffer, NULL) != CL_SUCCESS)
        return fail(failure, "the device does not say how much memory it has");
    if (bytes > buffer) {
        return fail(failure, "a tensor has %.0f MiB, and a buffer of the device at most %.0f", (double)bytes / mebibyte,
                    (double)buffer / mebibyte);
    }
    if (bytes > memory / 2 / tensors) {
        return fail(failure, "%zu tensors have %.0f MiB, more than half of the device's %.0f", tensors,
                    (double)tensors * (double)bytes / mebibyte, (double)memory / mebibyte);
    }
    if (the_case->type == BENCH_FLOAT64 &&
        (clbnGetEngineInfo(session->engine, CLBN_ENGINE_HAS_FLOAT64, sizeof(has_float64), &has_float64, NULL) != CLBN_SUCCESS ||
         !has_float64))
        return fail(failure, "the device does not compute in float64");
    return true;
}

static void fill(void *values, size_t count, clbn_type type, double minimum, double maximum, struct random *random)
{
    double scale = (maximum - minimum) / 0x1p53;

    for (size_t i = 0; i < count; i++)
        scalar_set(type, values, i, minimum + scale * (double)(random_word(random) >> 11));
}

/* Memory with random values in it; NULL on failure. */
static void *allocate(size_t count, clbn_type type, double minimum, double maximum, struct random *random,
                      struct failure *failure)
{
    size_t bytes = count * scalar_size(type);
    void *values = memory_allocate_aligned(bytes, HOST_ALIGNMENT);

    if (values == NULL) {
        fail(failure, "there is no memory for %zu bytes of random values", bytes);
        return NULL;
    }
    fill(values, count, type, minimum, maximum, random);
    return values;
}

static bool open_tensor(struct bench_tensors *tensors, const struct session *session, size_t i, struct random *random,
                        struct failure *failure)
{
    size_t bytes = tensors->elements * bench_element_size(tensors->type);
    cl_mem_flags flags =
        CL_MEM_READ_WRITE | (tensors->shared ? (cl_mem_flags)CL_MEM_USE_HOST_PTR : (cl_mem_flags)CL_MEM_COPY_HOST_PTR);
    void *values = allocate(tensors->elements, bench_clbn_type(tensors->type), -1.0, 1.0, random, failure);
    cl_int status;

    if (values == NULL)
        return false;
    tensors->tensors[i] = clCreateBuffer(session->context, flags, bytes, values, &status);
    if (tensors->shared)
        tensors->host_tensors[i] = values;
    else
        memory_free_aligned(values);
    return tensors->tensors[i] != NULL || fail_opencl(failure, "creating a buffer for a tensor", status);
}

static bool open_vector(struct bench_tensors *tensors, const struct session *session, size_t i, struct random *random,
                        struct failure *failure)
{
    clbn_type type = scalar_parameter_type(bench_clbn_type(tensors->type));
    size_t bytes = tensors->channels * scalar_size(type);
    cl_int status;

    tensors->host_vectors[i] =
        allocate(tensors->channels, type, vector_ranges[i].minimum, vector_ranges[i].maximum, random, failure);
    if (tensors->host_vectors[i] == NULL)
        return false;
    tensors->vectors[i] =
        clCreateBuffer(session->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, tensors->host_vectors[i], &status);
    return tensors->vectors[i] != NULL || fail_opencl(failure, "creating a buffer for a vector", status);
}

bool bench_tensors_open(struct bench_tensors *tensors, const struct session *session, const struct bench_case *the_case,
                        struct failure *failure)
{
    struct random random = { 1 };
    cl_device_type kind = 0;
    cl_int status = clGetDeviceInfo(session->device, CL_DEVICE_TYPE, sizeof(kind), &kind, NULL);

    memset(tensors, 0, sizeof(*tensors));
    if (status != CL_SUCCESS)
        return fail_opencl(failure, "asking for the device's type", status);
    tensors->elements = bench_shape_elements(&the_case->shape);
    tensors->channels = the_case->shape.sizes[1];
    tensors->count = count_tensors(the_case);
    tensors->type = the_case->type;
    tensors->shared = (kind & CL_DEVICE_TYPE_CPU) != 0;
    for (size_t i = 0; i < tensors->count; i++)
        if (!open_tensor(tensors, session, i, &random, failure))
            goto cleanup;
    for (size_t i = 0; i < BENCH_VECTORS; i++)
        if (!open_vector(tensors, session, i, &random, failure))
            goto cleanup;
    return true;

cleanup:
    bench_tensors_close(tensors);
    return false;
}

/* A buffer goes before the memory that it uses. */
static void close_buffer(cl_mem buffer, void *host)
{
    if (buffer != NULL)
        clReleaseMemObject(buffer);
    memory_free_aligned(host);
}

void bench_tensors_close(struct bench_tensors *tensors)
{
    for (size_t i = 0; i < BENCH_TENSORS; i++)
        close_buffer(tensors->tensors[i], tensors->host_tensors[i]);
    for (size_t i = 0; i < BENCH_VECTORS; i++)
        close_buffer(tensors->vectors[i], tensors->host_vectors[i]);
    memset(tensors, 0, sizeof(*tensors));
}
