/* SPDX-License-Identifier: MIT */
#include "operands.h"

#include "io/scalar.h"

#include <stdio.h>
#include <string.h>

static bool is_written(const struct operand *operand)
{
    return operand->path != NULL && operand->role != OPERAND_INPUT;
}

/* Whether an output may take an input's file. A tensor may take a tensor's: y that of x, dx that of dy. */
static bool may_replace(const struct operand *output, const struct operand *input)
{
    return output->role == OPERAND_OUTPUT &&
           (output->replaces == input || (output->kind == OPERAND_TENSOR && input->kind == OPERAND_TENSOR));
}

/* Of two operands, the first one an output. */
static bool check_output(const struct operand *one, const struct operand *other, struct failure *failure)
{
    if (!output_file_is(one->path, other->path))
        return true;
    if (is_written(other))
        return fail(failure, "--%s and --%s would both write '%s'", one->option, other->option, one->path);
    return strcmp(one->path, "-") == 0 || may_replace(one, other) ||
           fail(failure, "--%s would write over '%s', which --%s reads", one->option, other->path, other->option);
}

bool operands_check_paths(const struct operand_set *set, struct failure *failure)
{
    const struct operand *standard = NULL; /* What reads the standard input. */

    for (size_t i = 0; i < set->count; i++) {
        const struct operand *one = &set->operands[i];

        if (one->path == NULL)
            continue;
        if (is_written(one) && npy_is_archive(one->path))
            return fail(failure, "arrays are written to .npy files, and '%s' for --%s is a .npz archive", one->path,
                        one->option);
        if (strcmp(one->path, "-") == 0 && one->role == OPERAND_UPDATED)
            return fail(failure, "--%s is updated in place, and takes a file, not '-'", one->option);
        if (strcmp(one->path, "-") == 0 && one->role == OPERAND_INPUT) {
            if (standard != NULL)
                return fail(failure, "--%s and --%s would both read the standard input", standard->option, one->option);
            standard = one;
        }
        for (size_t j = 0; j < set->count && is_written(one); j++)
            if (i != j && set->operands[j].path != NULL && !check_output(one, &set->operands[j], failure))
                return false;
    }
    return true;
}

static struct operand *find_model(const struct operand_set *set)
{
    size_t i = 0;

    while (set->operands[i].kind != OPERAND_TENSOR || set->operands[i].path == NULL)
        i++;
    return &set->operands[i];
}

const struct operand *operands_model(const struct operand_set *set)
{
    return find_model(set);
}

static bool resolve_axis(const struct operand *model, struct tensor_form *form, struct failure *failure)
{
    int rank = (int)model->array.header.rank;

    if (rank == 0) {
        return fail(failure, "'%s' for --%s is a single value without axes, and batch normalization needs a channel axis",
                    model->path, model->option);
    }
    if (form->per_activation)
        form->axis = 0;
    if (form->axis < -rank || form->axis >= rank) {
        return fail(failure, "--axis is %lld, and '%s' of %d %s has the axes %d to %d", form->axis, model->path, rank,
                    rank == 1 ? "dimension" : "dimensions", -rank, rank - 1);
    }
    if (form->axis < 0)
        form->axis += rank;
    return true;
}

/* The shape of a vector. Returns its rank. */
static unsigned channel_shape(const struct npy_header *model, const struct tensor_form *form, size_t *shape)
{
    if (form->per_activation) {
        memcpy(shape, model->shape + 1, (model->rank - 1) * sizeof(*shape));
        return model->rank - 1;
    }
    shape[0] = model->shape[form->axis];
    return 1;
}

/* The shape that a tensor or a vector must have. Returns its rank. */
static unsigned expected_shape(enum operand_kind kind, const struct npy_header *model, const struct tensor_form *form,
                               size_t *shape)
{
    const size_t ghost = (size_t)form->ghost_batch;

    if (kind == OPERAND_TENSOR) {
        memcpy(shape, model->shape, sizeof(model->shape));
        return model->rank;
    }
    if (kind != OPERAND_STATISTIC || ghost == 0)
        return channel_shape(model, form, shape);
    shape[0] = model->shape[0] > 0 ? (model->shape[0] - 1) / ghost + 1 : 1;
    return 1 + channel_shape(model, form, shape + 1);
}

/* Checks an operand that was read; what is a phrase that says where the shape comes from. */
static bool check_shape(const struct operand *operand, const size_t *shape, unsigned rank, const char *what,
                        struct failure *failure)
{
    const struct npy_header *header = &operand->array.header;
    char is[256], expected[256];

    if (header->rank == rank && memcmp(header->shape, shape, rank * sizeof(*shape)) == 0)
        return true;
    npy_format_shape(header->shape, header->rank, is, sizeof(is));
    npy_format_shape(shape, rank, expected, sizeof(expected));
    return fail(failure, "'%s' for --%s has the shape %s, and %s is expected, %s", operand->path, operand->option, is, expected,
                what);
}

static bool check_is_real(const struct operand *operand, const struct tensor_form *form, struct failure *failure)
{
    if (operand->array.header.type == SCALAR_UINT8)
        return fail(failure, "'%s' for --%s has the type uint8, and a floating-point one is expected", operand->path,
                    operand->option);
    return operand->array.header.type != CLBN_BFLOAT16 || form->type == CLBN_BFLOAT16 ||
           fail(failure, "'%s' for --%s has the type V2, which is bfloat16 only where --type bfloat16 says so", operand->path,
                operand->option);
}

/* Keeps what an updated file has, to be compared and converted back. */
static bool keep_before(struct operand *operand, struct failure *failure)
{
    const struct npy_header *header = &operand->array.header;
    size_t bytes = header->count * scalar_size(header->type);

    if (operand->role != OPERAND_UPDATED)
        return true;
    if (!npy_create(&operand->before, header->type, header->shape, header->rank, failure))
        return false;
    if (bytes > 0)
        memcpy(operand->before.data, operand->array.data, bytes);
    operand->before.header.big_endian = header->big_endian;
    return true;
}

/* Reads or makes a tensor or a vector that must fit the model. */
static bool prepare_operand(struct operand *operand, const struct operand *model, const struct tensor_form *form,
                            struct failure *failure)
{
    size_t shape[CLBN_MAX_RANK] = { 0 };
    unsigned rank = expected_shape(operand->kind, &model->array.header, form, shape);
    clbn_type tensors = (clbn_type)form->type;
    clbn_type type = operand->kind == OPERAND_TENSOR ? tensors : scalar_parameter_type(tensors);
    char what[96];

    if (operand->role == OPERAND_OUTPUT)
        return npy_create(&operand->array, type, shape, rank, failure);
    snprintf(what, sizeof(what), "%s %s",
             operand->kind == OPERAND_TENSOR                               ? "the shape of"
             : operand->kind == OPERAND_STATISTIC && form->ghost_batch > 0 ? "one value per ghost batch and channel of"
             : form->per_activation                                        ? "the shape without its first axis of"
                                                                           : "one value per channel of",
             model->option);
    return npy_read(&operand->array, operand->path, failure) && check_shape(operand, shape, rank, what, failure) &&
           check_is_real(operand, form, failure) && keep_before(operand, failure) &&
           npy_convert(&operand->array, type, failure);
}

bool operands_read(struct operand_set *set, struct tensor_form *form, struct failure *failure)
{
    struct operand *model = find_model(set);

    if (!npy_read(&model->array, model->path, failure) || !check_is_real(model, form, failure) ||
        !resolve_axis(model, form, failure))
        return false;
    if (form->type == 0)
        form->type = (int)model->array.header.type;
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];

        if (operand->path != NULL && operand->kind != OPERAND_MASK && operand != model &&
            !prepare_operand(operand, model, form, failure))
            return false;
    }
    return npy_convert(&model->array, (clbn_type)form->type, failure);
}

static bool prepare_mask(struct operand *operand, clbn_plan plan, struct failure *failure)
{
    size_t bytes;
    cl_int status = clbnGetPlanInfo(plan, CLBN_PLAN_MASK_SIZE, sizeof(bytes), &bytes, NULL);

    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "asking for the size of a mask", status);
    if (operand->role == OPERAND_OUTPUT)
        return npy_create(&operand->array, SCALAR_UINT8, &bytes, 1, failure);
    if (!npy_read(&operand->array, operand->path, failure))
        return false;
    if (operand->array.header.type != SCALAR_UINT8) {
        return fail(failure, "'%s' for --%s has the type %s, and uint8 is expected", operand->path, operand->option,
                    scalar_type_names[operand->array.header.type]);
    }
    return check_shape(operand, &bytes, 1, "a mask of these tensors on this device", failure);
}

bool operands_read_masks(struct operand_set *set, clbn_plan plan, struct failure *failure)
{
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];

        if (operand->path != NULL && operand->kind == OPERAND_MASK && !prepare_mask(operand, plan, failure))
            return false;
    }
    return true;
}

/* On a CPU arrays are used where they are. */
static cl_mem make_buffer(struct operand *operand, cl_context context, bool in_place, cl_int *status)
{
    size_t bytes = operand->array.header.count * scalar_size(operand->array.header.type);
    cl_mem_flags flags = operand->role == OPERAND_INPUT ? CL_MEM_READ_ONLY : CL_MEM_READ_WRITE;
    bool copies = operand->role != OPERAND_OUTPUT || operand->kind == OPERAND_VECTOR || operand->kind == OPERAND_STATISTIC;

    if (in_place)
        return clCreateBuffer(context, flags | CL_MEM_USE_HOST_PTR, bytes, operand->array.data, status);
    return clCreateBuffer(context, copies ? flags | CL_MEM_COPY_HOST_PTR : flags, bytes, copies ? operand->array.data : NULL,
                          status);
}

bool operands_upload(struct operand_set *set, const struct session *session, struct failure *failure)
{
    cl_device_type kind = 0;

    set->in_place = clGetDeviceInfo(session->device, CL_DEVICE_TYPE, sizeof(kind), &kind, NULL) == CL_SUCCESS &&
                    (kind & CL_DEVICE_TYPE_CPU) != 0;
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];
        cl_int status;

        if (operand->path == NULL || operand->array.header.count == 0)
            continue;
        operand->buffer = make_buffer(operand, session->context, set->in_place, &status);
        if (operand->buffer == NULL) {
            char action[96];

            snprintf(action, sizeof(action), "making a buffer of %zu values for --%s", operand->array.header.count,
                     operand->option);
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

/* Mapping a buffer brings its content to the array that it was made of, if it is not there already. */
static cl_int download_in_place(cl_command_queue queue, cl_mem buffer, size_t bytes)
{
    cl_int status;
    void *mapped = clEnqueueMapBuffer(queue, buffer, CL_TRUE, CL_MAP_READ, 0, bytes, 0, NULL, NULL, &status);

    if (mapped == NULL)
        return status;
    status = clEnqueueUnmapMemObject(queue, buffer, mapped, 0, NULL, NULL);
    return status == CL_SUCCESS ? clFinish(queue) : status;
}

bool operands_download(struct operand_set *set, const struct session *session, struct failure *failure)
{
    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];
        size_t bytes = operand->array.header.count * scalar_size(operand->array.header.type);
        cl_int status;

        if (operand->buffer == NULL || operand->role == OPERAND_INPUT)
            continue;
        status = set->in_place ? download_in_place(session->queue, operand->buffer, bytes)
                               : clEnqueueReadBuffer(session->queue, operand->buffer, CL_TRUE, 0, bytes, operand->array.data, 0,
                                                     NULL, NULL);
        if (status != CL_SUCCESS)
            return fail_opencl(failure, "reading the results from the device", status);
    }
    return true;
}

/* Gives a result the type that its file has, or will have. */
static bool convert_result(struct operand *operand, struct failure *failure)
{
    const struct npy_header *before = &operand->before.header;
    clbn_type type = operand->role == OPERAND_UPDATED ? before->type : npy_file_type(operand->array.header.type);

    if (!npy_convert(&operand->array, type, failure))
        return false;
    operand->array.header.big_endian = operand->role == OPERAND_UPDATED && before->big_endian;
    return true;
}

/* A file whose values stay is left alone. */
static bool has_changed(const struct operand *operand)
{
    const struct npy_array *array = &operand->array;
    size_t bytes = array->header.count * scalar_size(array->header.type);

    return operand->role != OPERAND_UPDATED || (bytes > 0 && memcmp(array->data, operand->before.data, bytes) != 0);
}

/* What is updated comes last: where publishing fails midway and cannot be taken back, a second run does not update it twice. */
static size_t list_files(struct operand_set *set, struct output_file **files)
{
    static const enum operand_role order[] = { OPERAND_OUTPUT, OPERAND_UPDATED };
    size_t count = 0;

    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < set->count; i++)
            if (set->operands[i].file.target != NULL && set->operands[i].role == order[pass])
                files[count++] = &set->operands[i].file;
    return count;
}

bool operands_write(struct operand_set *set, struct failure *failure)
{
    struct output_file *files[OPERANDS_MAXIMUM];

    for (size_t i = 0; i < set->count; i++) {
        struct operand *operand = &set->operands[i];

        if (!is_written(operand))
            continue;
        if (!convert_result(operand, failure))
            return false;
        if (has_changed(operand) &&
            (!output_file_open(&operand->file, operand->path, failure) || !npy_write(&operand->array, &operand->file, failure)))
            return false;
    }
    return output_files_publish(files, list_files(set, files), failure);
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
        npy_free(&operand->before);
        output_file_close(&operand->file);
    }
}
