/* SPDX-License-Identifier: MIT */
#include "train/samples.h"

#include <stdlib.h>
#include <string.h>

static cl_mem copy_bytes(const struct arithmetic *arithmetic, unsigned char *bytes, size_t size, struct failure *failure)
{
    cl_int status;
    cl_mem buffer = clCreateBuffer(arithmetic->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, size, bytes, &status);

    if (buffer == NULL)
        fail_opencl(failure, "clCreateBuffer for the data set", status);
    return buffer;
}

bool samples_open(struct samples *samples, const struct arithmetic *arithmetic, const struct idx_set *set, uint64_t seed,
                  struct failure *failure)
{
    memset(samples, 0, sizeof *samples);
    samples->random.state = seed;
    samples->count = set->count;
    samples->width = set->height * set->width;
    samples->images = copy_bytes(arithmetic, set->images, set->count * samples->width, failure);
    if (samples->images != NULL)
        samples->labels = copy_bytes(arithmetic, set->labels, set->count, failure);
    if (samples->labels == NULL) {
        samples_close(samples);
        return false;
    }
    return true;
}

void samples_close(struct samples *samples)
{
    cl_mem buffers[] = { samples->images, samples->labels, samples->order };

    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    free(samples->host_order);
    memset(samples, 0, sizeof *samples);
}

static bool create_order(struct samples *samples, const struct arithmetic *arithmetic, struct failure *failure)
{
    samples->host_order = malloc(samples->count * sizeof *samples->host_order);
    if (samples->host_order == NULL)
        return fail(failure, "there is no memory for the order of %zu samples", samples->count);
    for (size_t i = 0; i < samples->count; i++)
        samples->host_order[i] = (cl_uint)i;
    samples->order = arithmetic_buffer(arithmetic, samples->count, failure);
    return samples->order != NULL;
}

static bool write_order(struct samples *samples, const struct arithmetic *arithmetic, struct failure *failure)
{
    cl_int status = clEnqueueWriteBuffer(arithmetic->queue, samples->order, CL_TRUE, 0, samples->count * sizeof(cl_uint),
                                         samples->host_order, 0, NULL, NULL);

    return status == CL_SUCCESS || fail_opencl(failure, "clEnqueueWriteBuffer", status);
}

/* Draws a new order. */
static bool shuffle(struct samples *samples, const struct arithmetic *arithmetic, struct failure *failure)
{
    if (samples->order == NULL && !create_order(samples, arithmetic, failure))
        return false;
    for (size_t i = samples->count; i-- > 1;) {
        size_t j = random_index(&samples->random, (uint32_t)(i + 1));
        cl_uint taken = samples->host_order[j];

        samples->host_order[j] = samples->host_order[i];
        samples->host_order[i] = taken;
    }
    return write_order(samples, arithmetic, failure);
}

bool samples_next(struct samples *samples, const struct arithmetic *arithmetic, size_t rows, struct batch *batch,
                  struct failure *failure)
{
    if (samples->next == 0 || samples->next > samples->count - rows) {
        if (!shuffle(samples, arithmetic, failure))
            return false;
        samples->next = 0;
    }
    *batch = samples_batch(samples, samples->next, rows);
    samples->next += rows;
    return true;
}

bool samples_checkpoint(struct samples *samples, const struct arithmetic *arithmetic, struct checkpoint *checkpoint,
                        struct failure *failure)
{
    size_t shuffled = samples->order != NULL;

    if (!checkpoint_bits(checkpoint, &samples->random.state, failure) ||
        !checkpoint_count(checkpoint, &samples->next, samples->count, failure) ||
        !checkpoint_count(checkpoint, &shuffled, 1, failure))
        return false;
    if (!shuffled)
        return true;
    if (samples->order == NULL && !create_order(samples, arithmetic, failure))
        return false;
    return checkpoint_indices(checkpoint, samples->host_order, samples->count, (cl_uint)(samples->count - 1), failure) &&
           write_order(samples, arithmetic, failure);
}

struct batch samples_batch(const struct samples *samples, size_t first, size_t rows)
{
    struct batch batch = { samples->images, samples->labels, samples->order, samples->width, first, rows };

    if (rows > samples->count - first)
        batch.rows = samples->count - first;
    return batch;
}
