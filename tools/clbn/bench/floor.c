/* SPDX-License-Identifier: MIT */
#include "bench/floor.h"

#include <string.h>

/* Runs of fewer words are joined, several channels to a group: a page. */
enum { RUN_WORDS = 1024 };

const char *bench_floor_name(size_t stores)
{
    return stores == 0 ? "floor" : "floor-nontemporal";
}

bool bench_floor_applies(const struct bench_case *the_case, const struct bench_limit *limit)
{
    return limit->group == 1 && !the_case->residual && the_case->type != BENCH_FLOAT64;
}

bool bench_floor_is_limit(const struct bench_case *the_case)
{
    return the_case->op == BENCH_INFERENCE && the_case->type == BENCH_FLOAT32;
}

static void choose_launches(struct bench_floor_slabs *slabs, enum bench_op op, bool at_once)
{
    const cl_uint tensors = op == BENCH_BACKWARD ? PASS_TWO : 0;
    const bool walks_once = op == BENCH_INFERENCE;

    slabs->launches[0] = tensors | (walks_once ? 0u : PASS_READ) | (walks_once || at_once ? PASS_WRITE : 0u);
    slabs->launches[1] = walks_once || at_once ? 0 : tensors | PASS_WRITE;
}

struct bench_floor_slabs bench_floor_divide(const struct bench_case *the_case, size_t compute_units, size_t words)
{
    const struct bench_shape *shape = &the_case->shape;
    const size_t all = bench_tensor_bytes(the_case) / sizeof(cl_uint);
    const size_t row = all / shape->sizes[0], channel = row / shape->sizes[1];
    struct bench_floor_slabs slabs = { .rows = shape->sizes[0], .pitch = row, .run = row };

    if (channel > 0)
        slabs.run = channel < RUN_WORDS ? channel * bench_divide_up(RUN_WORDS, channel) : channel;
    slabs.groups = slabs.run > 0 ? bench_divide_up(row, slabs.run) : 0;
    const bool at_once = the_case->op != BENCH_INFERENCE && the_case->layout == BENCH_NCHW && slabs.groups >= compute_units;
    if (!at_once)
        slabs = (struct bench_floor_slabs){ .rows = 1, .pitch = all, .run = words, .groups = bench_divide_up(all, words) };
    choose_launches(&slabs, the_case->op, at_once);
    return slabs;
}

/* The first of the kernels for a type, which differ in their stores. */
static enum bench_limit_kernel first_kernel(enum bench_type type)
{
    switch (type) {
    case BENCH_FLOAT16:
        return BENCH_PASSES_FLOAT16_PLAIN;
    case BENCH_BFLOAT16:
        return BENCH_PASSES_BFLOAT16_PLAIN;
    default:
        return BENCH_PASSES_FLOAT32_PLAIN;
    }
}

bool bench_floor_bind(struct bench_floor_call *call, const struct bench_limit *limit, size_t stores,
                      const struct bench_case *the_case, const struct bench_tensors *tensors, struct failure *failure)
{
    const size_t words = bench_limit_words(limit, bench_tensor_bytes(the_case));
    const struct bench_floor_slabs slabs = bench_floor_divide(the_case, limit->compute_units, words);
    const size_t sizes[] = { slabs.pitch, slabs.run, slabs.rows };

    call->limit = limit;
    call->kernel = limit->kernels[first_kernel(the_case->type) + stores];
    call->items = (slabs.groups > 0 ? slabs.groups : 1) * limit->group;
    memcpy(call->launches, slabs.launches, sizeof(call->launches));
    return bench_limit_set_arguments(call->kernel, tensors, sizes, 3, failure);
}

static cl_int enqueue_passes(const struct bench_floor_call *call, cl_uint passes, cl_command_queue queue, cl_event *event)
{
    cl_int status = clSetKernelArg(call->kernel, BENCH_OUT + 4, sizeof(passes), &passes);

    if (status == CL_SUCCESS)
        status = clEnqueueNDRangeKernel(queue, call->kernel, 1, NULL, &call->items, &call->limit->group, 0, NULL, event);
    return status;
}

bool bench_floor_enqueue(const void *call, cl_command_queue queue, cl_event *event, struct failure *failure)
{
    const struct bench_floor_call *this_one = call;
    const bool has_two = this_one->launches[1] != 0;
    cl_int status = enqueue_passes(this_one, this_one->launches[0], queue, has_two ? NULL : event);

    if (status == CL_SUCCESS && has_two)
        status = enqueue_passes(this_one, this_one->launches[1], queue, event);
    return status == CL_SUCCESS || fail_opencl(failure, "enqueuing a kernel", status);
}
