/* SPDX-License-Identifier: MIT */
#include "bench/small.h"

#include "bench/floor.h"

#include <string.h>

/* Bytes of arguments that are structs: a division of work, and where a tensor's elements are. */
enum { DIVISION_BYTES = 136, LAYOUT_BYTES = 32 };

/* An operation's arguments, in order: d a division, t a tensor with its layout, v a vector with its offset, n a number; and which
 * tensors these are. The first number says which passes. */
struct small_operation {
    enum bench_limit_kernel kernel;
    cl_uint passes;
    const char *arguments;
    int tensors[5];
};

enum { ABSENT = -1 };

static const struct small_operation operations[BENCH_OPS] = {
    [BENCH_FORWARD] = { BENCH_SMALL_FORWARD, PASS_READ | PASS_WRITE, "dtttvvvvvvvnnnnnnvvv", { BENCH_X, ABSENT, BENCH_OUT } },
    [BENCH_BACKWARD] = { BENCH_SMALL_BACKWARD,
                         PASS_READ | PASS_WRITE,
                         "dtttvttvvvvvvnnnnvvv",
                         { BENCH_DY, BENCH_X, ABSENT, BENCH_OUT, ABSENT } },
    [BENCH_INFERENCE] = { BENCH_SMALL_INFERENCE, PASS_WRITE, "dtttvvvvvnnnnv", { BENCH_X, ABSENT, BENCH_OUT } },
};

struct bench_small_call bench_small_bind(const struct bench_limit *limit, const struct bench_tensors *tensors,
                                         const struct bench_case *the_case)
{
    const size_t rows = the_case->shape.sizes[0], channels = the_case->shape.sizes[1];
    const size_t vectors = bench_divide_up(channels, limit->vector);
    const size_t run = bench_divide_up(vectors, limit->compute_units); /* as many groups as units, of whole vectors */

    return (struct bench_small_call){ .limit = limit,
                                      .tensors = tensors,
                                      .op = the_case->op,
                                      .items = bench_divide_up(vectors, run) * limit->group,
                                      .division = { channels, run * limit->vector, rows } };
}

/* Arguments that are set so far. */
struct arguments {
    const struct bench_small_call *call;
    cl_kernel kernel;
    cl_uint count, tensors, vectors, numbers;
    cl_int status; /* the first that was no success */
};

static void set_argument(struct arguments *a, size_t size, const void *value)
{
    if (a->status == CL_SUCCESS)
        a->status = clSetKernelArg(a->kernel, a->count++, size, value);
}

static void set_argument_of_kind(struct arguments *a, const struct small_operation *operation, char kind)
{
    static const unsigned char layout[LAYOUT_BYTES];
    static const cl_ulong offset;
    unsigned char division[DIVISION_BYTES] = { 0 };
    const cl_uint number = a->numbers == 0 && a->call->limit->group == 1 ? operation->passes : 0;
    const cl_mem *tensor = NULL;

    switch (kind) {
    case 'd':
        memcpy(division, a->call->division, sizeof(a->call->division));
        set_argument(a, sizeof(division), division);
        break;
    case 't':
        if (operation->tensors[a->tensors] != ABSENT)
            tensor = &a->call->tensors->tensors[operation->tensors[a->tensors]];
        a->tensors++;
        set_argument(a, sizeof(cl_mem), tensor);
        set_argument(a, sizeof(layout), layout);
        break;
    case 'v':
        set_argument(a, sizeof(cl_mem), &a->call->tensors->vectors[a->vectors++ % BENCH_VECTORS]);
        set_argument(a, sizeof(offset), &offset);
        break;
    default:
        a->numbers++;
        set_argument(a, sizeof(number), &number);
    }
}

bool bench_small_enqueue(const void *call, cl_command_queue queue, cl_event *event, struct failure *failure)
{
    const struct bench_small_call *this_one = call;
    const struct small_operation *operation = &operations[this_one->op];
    const size_t *items = &this_one->items, *group = &this_one->limit->group;
    struct arguments a = { .call = this_one, .kernel = this_one->limit->kernels[operation->kernel], .status = CL_SUCCESS };

    for (const char *kind = operation->arguments; *kind != '\0'; kind++)
        set_argument_of_kind(&a, operation, *kind);
    if (a.status != CL_SUCCESS)
        return fail_opencl(failure, "setting a kernel's argument", a.status);
    a.status = clEnqueueNDRangeKernel(queue, a.kernel, 1, NULL, items, group, 0, NULL, event);
    return a.status == CL_SUCCESS || fail_opencl(failure, "enqueuing a kernel", a.status);
}
