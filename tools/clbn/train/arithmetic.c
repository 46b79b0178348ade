/* SPDX-License-Identifier: MIT */
#include "train/arithmetic.h"

#include "train/network_source.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *const kernel_names[ARITHMETIC_KERNELS] = {
    [ARITHMETIC_GATHER] = "gather",
    [ARITHMETIC_MULTIPLY] = "multiply",
    [ARITHMETIC_TRANSPOSE] = "transpose",
    [ARITHMETIC_SIGMOID] = "sigmoid",
    [ARITHMETIC_SIGMOID_GRADIENT] = "sigmoid_gradient",
    [ARITHMETIC_DROP] = "drop",
    [ARITHMETIC_CLASSIFY] = "classify",
    [ARITHMETIC_DESCEND] = "descend",
    [ARITHMETIC_DESCEND_BIAS] = "descend_bias",
    [ARITHMETIC_CONVOLVE] = "convolve",
    [ARITHMETIC_WEIGHT_GRADIENT] = "weight_gradient",
    [ARITHMETIC_SUM_ROWS] = "sum_rows",
    [ARITHMETIC_TRANSPOSE_TAPS] = "transpose_taps",
    [ARITHMETIC_POOL] = "pool",
    [ARITHMETIC_POOL_GRADIENT] = "pool_gradient",
    [ARITHMETIC_DESCEND_WITH_MOMENTUM] = "descend_with_momentum",
    [ARITHMETIC_UNPACK] = "unpack",
    [ARITHMETIC_PACK] = "pack",
    [ARITHMETIC_TEXTBOOK_STATISTICS] = "textbook_statistics",
    [ARITHMETIC_TEXTBOOK_NORMALIZE] = "textbook_normalize",
    [ARITHMETIC_TEXTBOOK_ACTIVATE] = "textbook_activate",
    [ARITHMETIC_TEXTBOOK_ACTIVATE_GRADIENT] = "textbook_activate_gradient",
    [ARITHMETIC_TEXTBOOK_SUMS] = "textbook_sums",
    [ARITHMETIC_TEXTBOOK_INPUT_GRADIENT] = "textbook_input_gradient",
};

/* Says why a program did not build, with the compiler's words. */
static bool fail_build(cl_program program, cl_device_id device, cl_int status, struct failure *failure)
{
    char log[1024] = "";

    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    return fail(failure, "the device's compiler refused the networks' kernels with %s: %s", clbnStatusName(status), log);
}

/* Wide vectors and single work-items suit a CPU's compiler, narrow ones in groups a GPU. */
static bool choose_geometry(struct arithmetic *arithmetic, clbn_engine engine, struct failure *failure)
{
    clbn_geometry geometry = CLBN_GEOMETRY_AUTO;
    cl_int status = clbnGetEngineInfo(engine, CLBN_ENGINE_GEOMETRY, sizeof geometry, &geometry, NULL);

    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "clbnGetEngineInfo", status);
    if (geometry == CLBN_GEOMETRY_VECTOR) {
        arithmetic->vector = 16;
        arithmetic->rows = 6;
        arithmetic->group = 1;
    } else {
        arithmetic->vector = 4;
        arithmetic->rows = 1;
        arithmetic->group = 64;
    }
    return true;
}

static bool build_program(struct arithmetic *arithmetic, cl_device_id device, struct failure *failure)
{
    enum { MOST_SOURCES = 8 };
    const char *texts[MOST_SOURCES];
    size_t sizes[MOST_SOURCES];
    cl_uint count = 0;
    char options[64];
    cl_int status;

    for (const struct embedded_file *file = network_sources; file->name != NULL && count < MOST_SOURCES; file++) {
        texts[count] = (const char *)file->bytes;
        sizes[count++] = file->size;
    }
    arithmetic->program = clCreateProgramWithSource(arithmetic->context, count, texts, sizes, &status);
    if (arithmetic->program == NULL)
        return fail_opencl(failure, "clCreateProgramWithSource", status);
    snprintf(options, sizeof options, "-cl-std=CL1.2 -DVECTOR=%u -DROWS=%u", (unsigned)arithmetic->vector,
             (unsigned)arithmetic->rows);
    status = clBuildProgram(arithmetic->program, 1, &device, options, NULL, NULL);
    if (status != CL_SUCCESS)
        return fail_build(arithmetic->program, device, status, failure);
    return true;
}

static bool create_kernels(struct arithmetic *arithmetic, struct failure *failure)
{
    for (size_t i = 0; i < ARITHMETIC_KERNELS; i++) {
        cl_int status;

        arithmetic->kernels[i] = clCreateKernel(arithmetic->program, kernel_names[i], &status);
        if (arithmetic->kernels[i] == NULL)
            return fail_opencl(failure, "clCreateKernel", status);
    }
    return true;
}

bool arithmetic_open(struct arithmetic *arithmetic, const struct session *session, struct failure *failure)
{
    memset(arithmetic, 0, sizeof *arithmetic);
    arithmetic->context = session->context;
    arithmetic->queue = session->queue;
    if (!choose_geometry(arithmetic, session->engine, failure) || !build_program(arithmetic, session->device, failure) ||
        !create_kernels(arithmetic, failure)) {
        arithmetic_close(arithmetic);
        return false;
    }
    return true;
}

void arithmetic_close(struct arithmetic *arithmetic)
{
    for (size_t i = 0; i < ARITHMETIC_KERNELS; i++)
        if (arithmetic->kernels[i] != NULL)
            clReleaseKernel(arithmetic->kernels[i]);
    if (arithmetic->program != NULL)
        clReleaseProgram(arithmetic->program);
    memset(arithmetic, 0, sizeof *arithmetic);
}

cl_mem arithmetic_buffer(const struct arithmetic *arithmetic, size_t count, struct failure *failure)
{
    const cl_uint zero = 0;
    cl_int status;

    /* The kernels count in uint. */
    if (count > INT_MAX - 64) {
        fail(failure, "a matrix of %zu elements is too large", count);
        return NULL;
    }
    size_t size = (count + arithmetic->vector) * sizeof zero;
    cl_mem buffer = clCreateBuffer(arithmetic->context, CL_MEM_READ_WRITE, size, NULL, &status);
    if (buffer == NULL) {
        fail_opencl(failure, "clCreateBuffer", status);
        return NULL;
    }
    status = clEnqueueFillBuffer(arithmetic->queue, buffer, &zero, sizeof zero, 0, size, 0, NULL, NULL);
    if (status != CL_SUCCESS) {
        fail_opencl(failure, "clEnqueueFillBuffer", status);
        clReleaseMemObject(buffer);
        return NULL;
    }
    return buffer;
}

bool arithmetic_fill(const struct arithmetic *arithmetic, cl_mem buffer, size_t count, double value, struct failure *failure)
{
    cl_float pattern = (cl_float)value;
    cl_int status =
        clEnqueueFillBuffer(arithmetic->queue, buffer, &pattern, sizeof pattern, 0, count * sizeof pattern, 0, NULL, NULL);

    return status == CL_SUCCESS || fail_opencl(failure, "clEnqueueFillBuffer", status);
}

bool arithmetic_enqueue(struct arithmetic *arithmetic, enum arithmetic_kernel id, size_t work_items,
                        const struct argument *arguments, cl_uint argument_count, struct failure *failure)
{
    cl_kernel kernel = arithmetic->kernels[id];

    for (cl_uint i = 0; i < argument_count; i++) {
        cl_int status = clSetKernelArg(kernel, i, arguments[i].size, arguments[i].value);

        if (status != CL_SUCCESS)
            return fail_opencl(failure, "clSetKernelArg", status);
    }
    size_t group = arithmetic->group;
    size_t global = (work_items + group - 1) / group * group;
    cl_int status = clEnqueueNDRangeKernel(arithmetic->queue, kernel, 1, NULL, &global, &group, 0, NULL, NULL);
    if (status != CL_SUCCESS)
        return fail_opencl(failure, kernel_names[id], status);
    return true;
}

static size_t divide_up(size_t count, size_t piece)
{
    return (count + piece - 1) / piece;
}

bool enqueue_gather(struct arithmetic *arithmetic, const struct batch *batch, cl_mem x, struct failure *failure)
{
    cl_uint first = (cl_uint)batch->first;
    cl_uint rows = (cl_uint)batch->rows;
    cl_uint width = (cl_uint)batch->width;
    const struct argument arguments[] = { ARGUMENT(batch->images), ARGUMENT(batch->order), ARGUMENT(first),
                                          ARGUMENT(rows),          ARGUMENT(width),        ARGUMENT(x) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_GATHER, batch->rows * divide_up(batch->width, arithmetic->vector),
                              arguments, ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_multiply(struct arithmetic *arithmetic, struct factor a, cl_mem b, size_t columns, double scale, cl_mem start,
                      cl_mem c, struct failure *failure)
{
    cl_uint a_row = a.transposed ? 1 : (cl_uint)a.columns;
    cl_uint a_inner = a.transposed ? (cl_uint)a.columns : 1;
    cl_uint rows = (cl_uint)(a.transposed ? a.columns : a.rows);
    cl_uint inner = (cl_uint)(a.transposed ? a.rows : a.columns);
    cl_uint width = (cl_uint)columns;
    cl_uint start_row = start == c ? width : 0;
    cl_float factor = (cl_float)scale;
    const struct argument arguments[] = { ARGUMENT(a.buffer), ARGUMENT(a_row),     ARGUMENT(a_inner), ARGUMENT(b),
                                          ARGUMENT(start),    ARGUMENT(start_row), ARGUMENT(factor),  ARGUMENT(rows),
                                          ARGUMENT(inner),    ARGUMENT(width),     ARGUMENT(c) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_MULTIPLY,
                              divide_up(rows, arithmetic->rows) * divide_up(columns, arithmetic->vector), arguments,
                              ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_transpose(struct arithmetic *arithmetic, cl_mem a, size_t rows, size_t columns, cl_mem b, struct failure *failure)
{
    cl_uint height = (cl_uint)rows;
    cl_uint width = (cl_uint)columns;
    const struct argument arguments[] = { ARGUMENT(a), ARGUMENT(height), ARGUMENT(width), ARGUMENT(b) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_TRANSPOSE, columns * divide_up(rows, arithmetic->vector), arguments,
                              ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_sigmoid(struct arithmetic *arithmetic, cl_mem x, size_t count, struct failure *failure)
{
    cl_uint values = (cl_uint)count;
    const struct argument arguments[] = { ARGUMENT(x), ARGUMENT(values) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_SIGMOID, divide_up(count, arithmetic->vector), arguments,
                              ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_sigmoid_gradient(struct arithmetic *arithmetic, cl_mem y, cl_mem dy, size_t count, struct failure *failure)
{
    cl_uint values = (cl_uint)count;
    const struct argument arguments[] = { ARGUMENT(y), ARGUMENT(dy), ARGUMENT(values) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_SIGMOID_GRADIENT, divide_up(count, arithmetic->vector), arguments,
                              ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_drop(struct arithmetic *arithmetic, cl_mem x, size_t count, const struct mask *mask, cl_mem y,
                  struct failure *failure)
{
    const cl_uint2 key = { { (cl_uint)(mask->key & CL_UINT_MAX), (cl_uint)(mask->key >> 32) } };
    cl_uint first = (cl_uint)mask->first;
    cl_uint dropped = (cl_uint)(mask->dropout * 0x1p32);
    cl_float scale = (cl_float)(0x1p32 / (0x1p32 - (double)dropped));
    cl_uint values = (cl_uint)count;
    const struct argument arguments[] = { ARGUMENT(x),     ARGUMENT(first),  ARGUMENT(key), ARGUMENT(dropped),
                                          ARGUMENT(scale), ARGUMENT(values), ARGUMENT(y) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_DROP, divide_up(count, arithmetic->vector), arguments,
                              ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_classify(struct arithmetic *arithmetic, cl_mem logits, const struct batch *batch, size_t classes, double scale,
                      cl_mem gradients, cl_mem losses, cl_mem hits, struct failure *failure)
{
    cl_uint first = (cl_uint)batch->first;
    cl_uint rows = (cl_uint)batch->rows;
    cl_uint columns = (cl_uint)classes;
    cl_float factor = (cl_float)scale;
    const struct argument arguments[] = { ARGUMENT(logits), ARGUMENT(batch->labels), ARGUMENT(batch->order),
                                          ARGUMENT(first),  ARGUMENT(rows),          ARGUMENT(columns),
                                          ARGUMENT(factor), ARGUMENT(gradients),     ARGUMENT(losses),
                                          ARGUMENT(hits) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_CLASSIFY, batch->rows, arguments, ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_descend(struct arithmetic *arithmetic, cl_mem parameters, cl_mem gradient, double rate, size_t count,
                     struct failure *failure)
{
    cl_float factor = (cl_float)rate;
    cl_uint values = (cl_uint)count;
    const struct argument arguments[] = { ARGUMENT(parameters), ARGUMENT(gradient), ARGUMENT(factor), ARGUMENT(values) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_DESCEND, count, arguments, ARGUMENT_COUNT(arguments), failure);
}

bool enqueue_descend_bias(struct arithmetic *arithmetic, cl_mem bias, cl_mem dy, double rate, size_t rows, size_t columns,
                          struct failure *failure)
{
    cl_float factor = (cl_float)rate;
    cl_uint height = (cl_uint)rows;
    cl_uint width = (cl_uint)columns;
    const struct argument arguments[] = { ARGUMENT(bias), ARGUMENT(dy), ARGUMENT(factor), ARGUMENT(height), ARGUMENT(width) };

    return arithmetic_enqueue(arithmetic, ARITHMETIC_DESCEND_BIAS, columns, arguments, ARGUMENT_COUNT(arguments), failure);
}
