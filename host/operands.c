#include "operands.h"

#include "status.h"

#include <stdint.h>
#include <string.h>

#define MAX_OPERANDS 12

/* Bytes begin to end of a buffer that is not a sub-buffer. */
struct region {
    cl_mem buffer; /* NULL: the operand is absent */
    size_t begin, end;
};

struct buffer_facts {
    cl_mem_object_type type;
    cl_mem_flags flags;
    cl_context context;
    cl_mem parent; /* NULL if it is not a sub-buffer */
    size_t size;
    size_t origin; /* in the parent, bytes */
};

static cl_int query_buffer(cl_mem buffer, struct buffer_facts *b)
{
    cl_int status = clGetMemObjectInfo(buffer, CL_MEM_TYPE, sizeof(b->type), &b->type, NULL);
    if (status == CL_SUCCESS)
        status = clGetMemObjectInfo(buffer, CL_MEM_FLAGS, sizeof(b->flags), &b->flags, NULL);
    if (status == CL_SUCCESS)
        status = clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof(cl_context), &b->context, NULL);
    if (status == CL_SUCCESS)
        status = clGetMemObjectInfo(buffer, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof(cl_mem), &b->parent, NULL);
    if (status == CL_SUCCESS)
        status = clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof(b->size), &b->size, NULL);
    if (status == CL_SUCCESS)
        status = clGetMemObjectInfo(buffer, CL_MEM_OFFSET, sizeof(b->origin), &b->origin, NULL);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clGetMemObjectInfo");
}

static size_t element_size(clbn_plan plan, enum operand_kind kind)
{
    switch (kind) {
    case OPERAND_TENSOR:
        return bn_type_size(bn_plan_desc(plan)->type);
    case OPERAND_PARAMETER:
        return bn_parameter_size(bn_plan_desc(plan)->type);
    default:
        return 1;
    }
}

/* Checks one operand alone and finds its region. */
static cl_int check_operand(clbn_plan plan, const struct operand *o, struct region *region)
{
    const size_t element = element_size(plan, o->kind);
    struct buffer_facts b = { 0 };
    region->buffer = NULL;
    if (o->count == 0)
        return CLBN_SUCCESS;
    if (!o->view.buffer && o->need == OPERAND_REQUIRED)
        return bn_fail(CLBN_MISSING_VIEW, "%s is absent, expected a view of %zu elements.", o->name, o->count);
    if (!o->view.buffer)
        return CLBN_SUCCESS;
    cl_int status = query_buffer(o->view.buffer, &b);
    if (status != CLBN_SUCCESS)
        return status;
    if (b.type != CL_MEM_OBJECT_BUFFER)
        return bn_fail(CLBN_INVALID_BUFFER, "%s is an image or a pipe, expected a buffer.", o->name);
    if (b.context != bn_engine_context(bn_plan_engine(plan)))
        return bn_fail(CLBN_WRONG_CONTEXT, "%s belongs to another context than the engine, expected the same.", o->name);
    if (o->access != OPERAND_READ && (b.flags & CL_MEM_READ_ONLY))
        return bn_fail(CLBN_INVALID_BUFFER, "%s is written, but its buffer was created with CL_MEM_READ_ONLY.", o->name);
    if (o->access != OPERAND_WRITTEN && (b.flags & CL_MEM_WRITE_ONLY))
        return bn_fail(CLBN_INVALID_BUFFER, "%s is read, but its buffer was created with CL_MEM_WRITE_ONLY.", o->name);
    size_t held = b.size / element;
    if (o->view.offset > held || o->count > held - o->view.offset)
        return bn_fail(CLBN_BUFFER_TOO_SMALL,
                       "%s has %zu elements from offset %zu, but its buffer holds %zu bytes, which are %zu elements.", o->name,
                       o->count, o->view.offset, b.size, held);
    region->buffer = b.parent ? b.parent : o->view.buffer;
    region->begin = (b.parent ? b.origin : 0) + o->view.offset * element;
    region->end = region->begin + o->count * element;
    return CLBN_SUCCESS;
}

static bool overlap(const struct region *a, const struct region *b)
{
    return a->buffer && a->buffer == b->buffer && a->begin < b->end && b->begin < a->end;
}

static bool coincide(const struct region *a, const struct region *b)
{
    return a->buffer == b->buffer && a->begin == b->begin && a->end == b->end;
}

static bool allowed_alias(const struct operand *a, const struct operand *b)
{
    return (a->may_be && strcmp(a->may_be, b->name) == 0) || (b->may_be && strcmp(b->may_be, a->name) == 0);
}

static cl_int check_aliases(const struct operand *operands, const struct region *regions, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = i + 1; j < count; j++) {
            const struct operand *a = &operands[i];
            const struct operand *b = &operands[j];
            bool written = a->access != OPERAND_READ || b->access != OPERAND_READ;
            if (!written || !overlap(&regions[i], &regions[j]))
                continue;
            if (!allowed_alias(a, b))
                return bn_fail(CLBN_INVALID_ALIAS, "%s and %s overlap, expected separate memory.", a->name, b->name);
            if (!coincide(&regions[i], &regions[j]))
                return bn_fail(CLBN_INVALID_ALIAS, "%s and %s overlap in part, expected the same view or separate memory.",
                               a->name, b->name);
        }
    return CLBN_SUCCESS;
}

/* A workspace of the caller's is an operand of bytes. */
static cl_int check_workspace(clbn_plan plan, struct operand *o, struct region *region)
{
    if (!o->view.buffer)
        return CLBN_SUCCESS;
    if (o->view.offset % CLBN_WORKSPACE_ALIGNMENT != 0)
        return bn_fail(CLBN_INVALID_WORKSPACE, "the workspace's offset is %zu bytes, expected a multiple of %d.",
                       o->view.offset, CLBN_WORKSPACE_ALIGNMENT);
    cl_int status = check_operand(plan, o, region);
    if (status == CLBN_BUFFER_TOO_SMALL)
        return bn_fail(CLBN_INVALID_WORKSPACE,
                       "the workspace's buffer ends before the %zu bytes that the plan needs from offset %zu.", o->count,
                       o->view.offset);
    return status;
}

cl_int bn_check_operands(clbn_plan plan, const struct operand *operands, unsigned count, clbn_view workspace)
{
    struct operand all[MAX_OPERANDS + 1];
    struct region regions[MAX_OPERANDS + 1] = { { NULL, 0, 0 } };
    if (count > MAX_OPERANDS)
        return bn_fail(CLBN_INTERNAL_ERROR, "a call has more than %d views.", MAX_OPERANDS);
    for (unsigned i = 0; i < count; i++) {
        all[i] = operands[i];
        cl_int status = check_operand(plan, &operands[i], &regions[i]);
        if (status != CLBN_SUCCESS)
            return status;
    }
    const struct operand bytes = { "workspace",     OPERAND_BYTES,    workspace, bn_plan_schedule(plan)->workspace_size,
                                   OPERAND_UPDATED, OPERAND_OPTIONAL, NULL };
    all[count] = bytes;
    cl_int status = check_workspace(plan, &all[count], &regions[count]);
    return status == CLBN_SUCCESS ? check_aliases(all, regions, count + 1) : status;
}

cl_int bn_check_pair(const char *first_name, clbn_view first, const char *second_name, clbn_view second)
{
    if (!first.buffer == !second.buffer)
        return CLBN_SUCCESS;
    return bn_fail(CLBN_MISSING_VIEW, "%s was given without %s, expected both or neither.",
                   first.buffer ? first_name : second_name, first.buffer ? second_name : first_name);
}
