#include "operands.h"

#include <string.h>

bool operands_check_paths(const struct operand_set *set, struct failure *failure)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct operand *one = &set->operands[i];

        for (size_t j = i + 1; j < set->count && one->path != NULL && one->role != OPERAND_INPUT; j++) {
            const struct operand *other = &set->operands[j];

            if (other->path != NULL && other->role != OPERAND_INPUT && strcmp(one->path, other->path) == 0)
                return fail(failure, "--%s and --%s would both write '%s'", one->option, other->option, one->path);
        }
    }
    return true;
}

static bool resolve_axis(const struct operand *x, long long *axis, struct failure *failure)
{
    int rank = (int)x->array.header.rank;

    if (rank == 0) {
        return fail(failure, "'%s' for --x is a single value without axes, and batch normalization needs a channel axis",
                    x->path);
    }
    if (*axis < -rank || *axis >= rank) {
        return fail(failure, "--axis is %lld, and '%s' of %d %s has the axes %d to %d", *axis, x->path, rank,
                    rank == 1 ? "dimension" : "dimensions", -rank, rank - 1);
    }
    if (*axis < 0)
        *axis += rank;
    return true;
}

/* The shape that an operand must have. Returns its rank. */
static unsigned expected_shape(const struct operand *operand, const struct npy_header *x, size_t axis, size_t *shape)
{
    if (operand->per_channel) {
        shape[0] = x->shape[axis];
        return 1;
    }
    memcpy(shape, x->shape, sizeof(x->shape));
    return x->rank;
}

static const char *type_name(clbn_type type)
{
    return type == CLBN_FLOAT64 ? "float64" : "float32";
}

/* Reads an operand and checks it against x. */
static bool read_operand(struct operand *operand, const struct operand *x, size_t axis, struct failure *failure)
{
    const struct npy_header *header = &operand->array.header;
    size_t shape[CLBN_MAX_RANK] = { 0 };
    unsigned rank = expected_shape(operand, &x->array.header, axis, shape);
    char is[256], expected[256];

    if (!npy_read(&operand->array, operand->path, failure))
        return false;
    if (header->rank != rank || memcmp(header->shape, shape, rank * sizeof(*shape)) != 0) {
        npy_format_shape(header->shape, header->rank, is, sizeof(is));
        npy_format_shape(shape, rank, expected, sizeof(expected));
        return fail(failure, "'%s' for --%s has the shape %s, and %s is expected, %s", operand->path, operand->option, is,
                    expected, operand->per_channel ? "one value per channel of x" : "the shape of x");
    }
    if (header->type != x->array.header.type) {
        return fail(failure, "'%s' for --%s has the type %s, and %s is expected, the type of x", operand->path, operand->option,
                    type_name(header->type), type_name(x->array.header.type));
    }
    return true;
}

bool operands_read(struct operand_set *set, long long *axis, struct failure *failure)
{
    struct operand *x = &set->operands[0];
    size_t shape[CLBN_MAX_RANK] = { 0 };

    if (!npy_read(&x->array, x->path, failure) || !resolve_axis(x, axis, failure))
        return false;
    for (size_t i = 1; i < set->count; i++) {
        struct operand *operand = &set->operands[i];
        unsigned rank = expected_shape(operand, &x->array.header, (size_t)*axis, shape);
        bool made = operand->path == NULL ||
                    (operand->role == OPERAND_OUTPUT ? npy_create(&operand->array, x->array.header.type, shape, rank, failure)
                                                     : read_operand(operand, x, (size_t)*axis, failure));

        if (!made)
            return false;
    }
    return true;
}

bool operands_upload(struct operand_set *set, const struct session *session, struct failure *failure)
{
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];
        size_t bytes = operand->array.header.count * npy_element_size(operand->array.header.type);
        cl_mem_flags flags = operand->role == OPERAND_INPUT ? CL_MEM_READ_ONLY : CL_MEM_READ_WRITE;
        bool copies = operand->role != OPERAND_OUTPUT || operand->per_channel;
        cl_int status;

        if (operand->path == NULL || bytes == 0)
            continue;
        operand->buffer = clCreateBuffer(session->context, copies ? flags | CL_MEM_COPY_HOST_PTR : flags, bytes,
                                         copies ? operand->array.data : NULL, &status);
        if (operand->buffer == NULL) {
            char action[96];

            snprintf(action, sizeof(action), "making a buffer of %zu bytes for --%s", bytes, operand->option);
            return fail_opencl(failure, action, status);
        }
    }
    return true;
}

bool operands_have_results(const struct operand_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->operands[i].buffer != NULL && set->operands[i].role != OPERAND_INPUT)
            return true;
    return false;
}

clbn_view operand_view(const struct operand *operand)
{
    clbn_view view = CLBN_NO_VIEW;

    view.buffer = operand->buffer;
    return view;
}

bool operands_download(struct operand_set *set, const struct session *session, struct failure *failure)
{
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];
        size_t bytes = operand->array.header.count * npy_element_size(operand->array.header.type);
        cl_int status;

        if (operand->buffer == NULL || operand->role == OPERAND_INPUT)
            continue;
        status = clEnqueueReadBuffer(session->queue, operand->buffer, CL_TRUE, 0, bytes, operand->array.data, 0, NULL, NULL);
        if (status != CL_SUCCESS)
            return fail_opencl(failure, "reading the results from the device", status);
    }
    return true;
}

static bool is_written(const struct operand *operand)
{
    return operand->path != NULL && operand->role != OPERAND_INPUT;
}

bool operands_write(struct operand_set *set, struct failure *failure)
{
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];

        if (is_written(operand) &&
            !(output_file_open(&operand->file, operand->path, failure) && npy_write(&operand->array, &operand->file, failure)))
            return false;
    }
    for (size_t i = 0; i < set->count; i++)
        if (is_written(&set->operands[i]) && !output_file_publish(&set->operands[i].file, failure))
            return false;
    return true;
}

void operands_close(struct operand_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];

        if (operand->buffer != NULL) {
            clReleaseMemObject(operand->buffer);
            operand->buffer = NULL;
        }
        npy_free(&operand->array);
        output_file_close(&operand->file);
    }
}
