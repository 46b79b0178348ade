/* SPDX-License-Identifier: MIT */
#include "guarded.h"

#include "allocate.h"
#include "engines.h"
#include "failing.h"
#include "svm.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Elements before the offset and after the view. */
enum { GUARD = 64 };

/* What the guards and, as NaN of any type, the outputs are filled with. */
enum { FILLING = 0xff };

/* Bytes: what the largest type of OpenCL takes, to which it aligns buffers. */
enum { WIDE_ALIGNMENT = 128 };

/* From the memory's begin, in elements. */
static size_t position_of(const struct guarded *guarded, size_t element)
{
    return guarded->view.offset + (guarded->positions != NULL ? guarded->positions[element] : element);
}

static size_t length_of(size_t count, const size_t *positions)
{
    size_t length = positions == NULL ? count : 0;
    for (size_t i = 0; positions != NULL && i < count; i++)
        if (positions[i] + 1 > length)
            length = positions[i] + 1;
    return length;
}

static size_t *copy_of(const size_t *positions, size_t count)
{
    if (positions == NULL)
        return NULL;
    size_t *copy = allocate(count, sizeof *copy);
    memcpy(copy, positions, count * sizeof *copy);
    return copy;
}

static void encode(struct guarded *guarded, const double *values)
{
    size_t size = element_size(guarded->type);
    for (size_t i = 0; i < guarded->count; i++)
        encode_element(guarded->type, values[i], guarded->initial + position_of(guarded, i) * size);
}

static cl_mem create_buffer(cl_mem_flags flags, size_t bytes, void *contents)
{
    cl_int status = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(test_context(), CL_MEM_READ_WRITE | flags, bytes, contents, &status);
    expect_that(status == CL_SUCCESS, "a buffer of %zu bytes: %s", bytes, clbnStatusName(status));
    return buffer;
}

/* The last bytes of a buffer whose first ones are so many as a device's sub-buffers are aligned to. */
static cl_mem create_sub_buffer(size_t bytes, unsigned char *host, size_t skipped)
{
    cl_int status = CL_SUCCESS;
    const cl_buffer_region region = { skipped, bytes };
    cl_mem parent = create_buffer(CL_MEM_USE_HOST_PTR, skipped + bytes, host - skipped);
    cl_mem part = clCreateSubBuffer(parent, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &status);
    expect_that(status == CL_SUCCESS, "a sub-buffer of %zu bytes: %s", bytes, clbnStatusName(status));
    clReleaseMemObject(parent);
    return part;
}

static size_t sub_buffer_alignment(void)
{
    cl_uint bits = 0;
    clGetDeviceInfo(test_device(), CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL);
    return bits / 8;
}

/* So far past a multiple of WIDE_ALIGNMENT, with room for as many bytes, and, before it, for a sub-buffer's alignment. */
static unsigned char *create_host_memory(struct guarded *guarded, size_t shift)
{
    const size_t before = sub_buffer_alignment();
    unsigned char *base = allocate(before + WIDE_ALIGNMENT + shift + guarded->bytes, 1);
    unsigned char *aligned = base + before;
    aligned += WIDE_ALIGNMENT - (uintptr_t)aligned % WIDE_ALIGNMENT;
    guarded->base = base;
    memcpy(aligned + shift, guarded->initial, guarded->bytes);
    return aligned + shift;
}

static void create_memory(struct guarded *guarded, enum memory memory, size_t shift)
{
    if (memory == IN_SVM) {
        guarded->base = svm_create(shift + guarded->bytes);
        guarded->view.svm = (unsigned char *)guarded->base + shift;
        svm_write(guarded->view.svm, guarded->initial, guarded->bytes);
    } else if (memory == IN_HOST_MEMORY)
        guarded->view.buffer = create_buffer(CL_MEM_USE_HOST_PTR, guarded->bytes, create_host_memory(guarded, shift));
    else if (memory == IN_SUB_BUFFER)
        guarded->view.buffer = create_sub_buffer(guarded->bytes, create_host_memory(guarded, shift), sub_buffer_alignment());
    else
        guarded->view.buffer = create_buffer(CL_MEM_COPY_HOST_PTR, guarded->bytes, guarded->initial);
}

struct guarded guarded_create(clbn_type type, size_t count, struct placement placement, const double *values)
{
    struct guarded guarded = { .view = CLBN_NO_VIEW, .type = type, .count = count };
    guarded.view.offset = GUARD + placement.offset;
    guarded.positions = copy_of(placement.positions, count);
    guarded.bytes =
        (guarded.view.offset + length_of(count, placement.positions) + placement.spare + GUARD) * element_size(type);
    guarded.initial = allocate(guarded.bytes, 1);
    guarded.contents = allocate(count, sizeof(double));
    memset(guarded.initial, FILLING, guarded.bytes);
    if (values != NULL)
        encode(&guarded, values);
    create_memory(&guarded, placement.memory, placement.shift);
    return guarded;
}

struct guarded guarded_create_within(const struct guarded *other, size_t count, size_t first, const size_t *positions)
{
    struct guarded guarded = *other;
    guarded.base = NULL;
    guarded.view.offset += first;
    guarded.count = count;
    guarded.positions = copy_of(positions, count);
    guarded.initial = allocate(guarded.bytes, 1);
    guarded.contents = allocate(count, sizeof(double));
    memcpy(guarded.initial, other->initial, guarded.bytes);
    expect_success(clRetainMemObject(guarded.view.buffer));
    return guarded;
}

struct guarded guarded_absent(void)
{
    const struct guarded guarded = { .view = CLBN_NO_VIEW, .type = CLBN_FLOAT32 };
    return guarded;
}

bool guarded_is_present(const struct guarded *guarded)
{
    return guarded->view.buffer != NULL || guarded->view.svm != NULL;
}

static unsigned char *download_all(const struct guarded *guarded)
{
    unsigned char *bytes = allocate(guarded->bytes, 1);
    if (guarded->view.svm != NULL) {
        svm_read(guarded->view.svm, bytes, guarded->bytes);
        return bytes;
    }
    cl_int status =
        clEnqueueReadBuffer(in_order_queue(), guarded->view.buffer, CL_TRUE, 0, guarded->bytes, bytes, 0, NULL, NULL);
    expect_that(status == CL_SUCCESS, "%s: download: %s", what_is_tested(), clbnStatusName(status));
    return bytes;
}

static void expect_initial(const struct guarded *guarded, const unsigned char *bytes, const char *name)
{
    size_t i = 0;
    if (memcmp(bytes, guarded->initial, guarded->bytes) == 0)
        return;
    while (bytes[i] == guarded->initial[i])
        i++;
    fail_check("%s: %s has changed, at element %zu of memory whose view is %zu elements from %zu", what_is_tested(), name,
               i / element_size(guarded->type), guarded->count, guarded->view.offset);
}

const double *guarded_download(struct guarded *guarded)
{
    unsigned char *bytes = download_all(guarded);
    size_t size = element_size(guarded->type);
    for (size_t i = 0; i < guarded->count; i++) {
        size_t begin = position_of(guarded, i) * size;
        guarded->contents[i] = decode_element(guarded->type, bytes + begin);
    }
    for (size_t i = 0; i < guarded->count; i++) /* what the view may change is as it was, for the comparison */
        memcpy(bytes + position_of(guarded, i) * size, guarded->initial + position_of(guarded, i) * size, size);
    expect_initial(guarded, bytes, "what lies beside a view");
    free(bytes);
    return guarded->contents;
}

void guarded_expect_unchanged(struct guarded *guarded, const char *name)
{
    if (!guarded_is_present(guarded))
        return;
    unsigned char *bytes = download_all(guarded);
    expect_initial(guarded, bytes, name);
    free(bytes);
}

void guarded_accept(struct guarded *guarded)
{
    free(guarded->initial);
    guarded->initial = download_all(guarded);
}

void guarded_restore(struct guarded *guarded)
{
    if (!guarded_is_present(guarded))
        return;
    if (guarded->view.svm != NULL) {
        svm_write(guarded->view.svm, guarded->initial, guarded->bytes);
        return;
    }
    cl_int status = clEnqueueWriteBuffer(in_order_queue(), guarded->view.buffer, CL_TRUE, 0, guarded->bytes, guarded->initial,
                                         0, NULL, NULL);
    expect_that(status == CL_SUCCESS, "%s: upload: %s", what_is_tested(), clbnStatusName(status));
}

void guarded_upload(struct guarded *guarded, const double *values)
{
    encode(guarded, values);
    guarded_restore(guarded);
}

void guarded_release(struct guarded *guarded)
{
    if (guarded->view.buffer != NULL)
        clReleaseMemObject(guarded->view.buffer);
    if (guarded->view.svm != NULL)
        svm_release(guarded->base);
    else
        free(guarded->base);
    free(guarded->positions);
    free(guarded->initial);
    free(guarded->contents);
}
