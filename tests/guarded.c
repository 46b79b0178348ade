#include "guarded.h"

#include "allocate.h"

#include <stdlib.h>
#include <string.h>

/* Elements before the offset and after the view. */
enum { GUARD = 64 };

/* What the guards and, as NaN of any type, the outputs are filled with. */
enum { FILLING = 0xff };

static size_t first_byte(const struct guarded *guarded)
{
    return guarded->view.offset * element_size(guarded->type);
}

static size_t view_end(const struct guarded *guarded)
{
    return (guarded->view.offset + guarded->count) * element_size(guarded->type);
}

static void encode(const struct guarded *guarded, const double *values, unsigned char *bytes)
{
    for (size_t i = 0; i < guarded->count; i++)
        encode_element(guarded->type, values[i], bytes + i * element_size(guarded->type));
}

static void decode(const struct guarded *guarded, const unsigned char *bytes, double *values)
{
    for (size_t i = 0; i < guarded->count; i++)
        values[i] = decode_element(guarded->type, bytes + i * element_size(guarded->type));
}

struct guarded guarded_create(clbn_type type, size_t count, size_t offset, const double *values)
{
    cl_int status;
    struct guarded guarded = { { NULL, GUARD + offset, NULL }, type, count, 0, NULL, NULL };
    guarded.bytes = (GUARD + offset + count + GUARD) * element_size(type);
    guarded.initial = allocate(guarded.bytes, 1);
    guarded.contents = allocate(count, sizeof(double));
    memset(guarded.initial, FILLING, guarded.bytes);
    if (values != NULL)
        encode(&guarded, values, guarded.initial + first_byte(&guarded));
    guarded.view.buffer =
        clCreateBuffer(test_context(), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, guarded.bytes, guarded.initial, &status);
    ck_assert_msg(status == CL_SUCCESS, "a buffer of %zu bytes: %s", guarded.bytes, clbnStatusName(status));
    return guarded;
}

struct guarded guarded_absent(void)
{
    struct guarded guarded = { CLBN_NO_VIEW, CLBN_FLOAT32, 0, 0, NULL, NULL };
    return guarded;
}

bool guarded_is_present(const struct guarded *guarded)
{
    return guarded->view.buffer != NULL;
}

static unsigned char *download_all(const struct guarded *guarded)
{
    unsigned char *bytes = allocate(guarded->bytes, 1);
    cl_int status =
        clEnqueueReadBuffer(in_order_queue(), guarded->view.buffer, CL_TRUE, 0, guarded->bytes, bytes, 0, NULL, NULL);
    ck_assert_msg(status == CL_SUCCESS, "%s: download: %s", what_is_tested(), clbnStatusName(status));
    return bytes;
}

/* Bytes from begin to end. */
static void expect_initial(const struct guarded *guarded, const unsigned char *bytes, size_t begin, size_t end,
                           const char *name)
{
    for (size_t i = begin; i < end; i++)
        if (bytes[i] != guarded->initial[i])
            ck_abort_msg("%s: %s has changed, at byte %zu of a buffer whose view is bytes %zu to %zu", what_is_tested(), name,
                         i, first_byte(guarded), view_end(guarded));
}

const double *guarded_download(struct guarded *guarded)
{
    unsigned char *bytes = download_all(guarded);
    size_t begin = first_byte(guarded);
    expect_initial(guarded, bytes, 0, begin, "what lies before a view");
    expect_initial(guarded, bytes, view_end(guarded), guarded->bytes, "what lies after a view");
    decode(guarded, bytes + begin, guarded->contents);
    free(bytes);
    return guarded->contents;
}

void guarded_expect_unchanged(struct guarded *guarded, const char *name)
{
    if (!guarded_is_present(guarded))
        return;
    unsigned char *bytes = download_all(guarded);
    expect_initial(guarded, bytes, 0, guarded->bytes, name);
    free(bytes);
}

void guarded_upload(struct guarded *guarded, const double *values)
{
    encode(guarded, values, guarded->initial + first_byte(guarded));
    cl_int status = clEnqueueWriteBuffer(in_order_queue(), guarded->view.buffer, CL_TRUE, 0, guarded->bytes, guarded->initial,
                                         0, NULL, NULL);
    ck_assert_msg(status == CL_SUCCESS, "%s: upload: %s", what_is_tested(), clbnStatusName(status));
}

void guarded_release(struct guarded *guarded)
{
    if (guarded_is_present(guarded))
        clReleaseMemObject(guarded->view.buffer);
    free(guarded->initial);
    free(guarded->contents);
}
