/* SPDX-License-Identifier: MIT */
#include "api/operands.h"

#include "base/status.h"
#include "schedule/footprint.h"

#include <stdint.h>
#include <string.h>

#define MAX_OPERANDS 17

/* Where an operand lies: in shared virtual memory, or in a buffer, which is the parent where a sub-buffer was given. */
struct region {
    bool present;
    cl_mem buffer; /* NULL for shared virtual memory */
    size_t begin;  /* in the buffer, or an address */
    struct footprint footprint;
};

struct buffer_facts {
    cl_mem_object_type type;
    cl_mem_flags flags;
    cl_context context;
    cl_mem parent; /* NULL if it is not a sub-buffer */
    size_t size;
    size_t origin; /* in the parent, bytes */
    void *host;    /* the caller's memory that it uses, or NULL */
};

static cl_int query_buffer(cl_mem buffer, struct buffer_facts *b)
{
    const struct {
        cl_mem_info name;
        size_t size;
        void *value;
    } asked[] = {
        { CL_MEM_TYPE, sizeof(b->type), &b->type },
        { CL_MEM_FLAGS, sizeof(b->flags), &b->flags },
        { CL_MEM_CONTEXT, sizeof(cl_context), &b->context },
        { CL_MEM_ASSOCIATED_MEMOBJECT, sizeof(cl_mem), &b->parent },
        { CL_MEM_SIZE, sizeof(b->size), &b->size },
        { CL_MEM_OFFSET, sizeof(b->origin), &b->origin }, /* 0 if it is not a sub-buffer */
        { CL_MEM_HOST_PTR, sizeof(b->host), &b->host },
    };
    cl_int status = CL_SUCCESS;
    for (size_t i = 0; i < COUNT_OF(asked) && status == CL_SUCCESS; i++)
        status = clGetMemObjectInfo(buffer, asked[i].name, asked[i].size, asked[i].value, NULL);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clGetMemObjectInfo");
}

static size_t element_size(clbn_plan plan, int kind)
{
    const clbn_plan_desc *desc = &plan->desc;
    switch (kind) {
    case OPERAND_PARAMETER:
        return bn_type_size(desc->parameter_type);
    case OPERAND_STATISTIC:
        return bn_real_size(desc->type);
    case OPERAND_BYTES:
    case OPERAND_WORKSPACE:
        return 1;
    default:
        return bn_type_size(desc->type);
    }
}

/* The address of memory that the caller allocated must be a multiple of so many bytes. */
static size_t alignment_of(clbn_plan plan, int kind)
{
    return kind == OPERAND_WORKSPACE ? CLBN_WORKSPACE_ALIGNMENT : element_size(plan, kind);
}

static struct footprint footprint_of(clbn_plan plan, const struct operand *o)
{
    const size_t element = element_size(plan, o->kind);
    if (o->kind < TENSORS)
        return bn_tensor_footprint(&plan->shape, (enum tensor)o->kind, element);
    return bn_packed_footprint(o->count * element);
}

/* Elements from an operand's first to the end of its last. */
static size_t reach_of(clbn_plan plan, const struct operand *o)
{
    return o->kind < TENSORS ? plan->shape.reaches[o->kind] : o->count;
}

static cl_int check_svm(clbn_plan plan, const struct operand *o)
{
    const size_t element = element_size(plan, o->kind);
    if (o->view.buffer)
        return bn_fail(CLBN_INVALID_BUFFER, "%s names a buffer and shared virtual memory, expected one of them.", o->name);
    if (!plan->engine->facts.has_svm)
        return bn_fail(CLBN_UNSUPPORTED_SVM, "%s is shared virtual memory, which the device does not have, expected a buffer.",
                       o->name);
    if (o->view.offset > (SIZE_MAX - (uintptr_t)o->view.svm) / element ||
        reach_of(plan, o) > (SIZE_MAX - (uintptr_t)o->view.svm) / element - o->view.offset)
        return bn_fail(CLBN_BUFFER_TOO_SMALL, "%s reaches beyond the end of the address space.", o->name);
    return CLBN_SUCCESS;
}

static cl_int check_buffer(clbn_plan plan, const struct operand *o, const struct buffer_facts *b)
{
    const size_t element = element_size(plan, o->kind);
    if (b->type != CL_MEM_OBJECT_BUFFER)
        return bn_fail(CLBN_INVALID_BUFFER, "%s is an image or a pipe, expected a buffer.", o->name);
    if (b->context != plan->engine->context)
        return bn_fail(CLBN_WRONG_CONTEXT, "%s belongs to another context than the engine, expected the same.", o->name);
    if (o->access != OPERAND_READ && (b->flags & CL_MEM_READ_ONLY))
        return bn_fail(CLBN_INVALID_BUFFER, "%s is written, but its buffer was created with CL_MEM_READ_ONLY.", o->name);
    if (o->access != OPERAND_WRITTEN && (b->flags & CL_MEM_WRITE_ONLY))
        return bn_fail(CLBN_INVALID_BUFFER, "%s is read, but its buffer was created with CL_MEM_WRITE_ONLY.", o->name);
    size_t held = b->size / element;
    if (o->view.offset > held || reach_of(plan, o) > held - o->view.offset)
        return bn_fail(CLBN_BUFFER_TOO_SMALL,
                       "%s reaches over %zu elements from offset %zu, but its buffer holds %zu bytes, which are %zu elements.",
                       o->name, reach_of(plan, o), o->view.offset, b->size, held);
    return CLBN_SUCCESS;
}

/* Memory that OpenCL allocated is aligned; memory of the caller's may not be. */
static cl_int check_address(const struct operand *o, const void *address, size_t alignment)
{
    if ((uintptr_t)address % alignment == 0)
        return CLBN_SUCCESS;
    return bn_fail(o->kind == OPERAND_WORKSPACE ? CLBN_INVALID_WORKSPACE : CLBN_INVALID_BUFFER,
                   "%s is %s at %p, expected a multiple of %zu bytes.", o->name,
                   o->view.svm ? "shared virtual memory" : "memory of the host", address, alignment);
}

/* Checks one operand alone and finds its region. */
static cl_int check_operand(clbn_plan plan, const struct operand *o, struct region *region)
{
    struct buffer_facts b = { 0 };
    region->present = false;
    if (o->count == 0)
        return CLBN_SUCCESS;
    if (!bn_is_present(o->view) && o->need == OPERAND_REQUIRED)
        return bn_fail(CLBN_MISSING_VIEW, "%s is absent, expected a view of %zu elements.", o->name, o->count);
    if (!bn_is_present(o->view))
        return CLBN_SUCCESS;
    cl_int status = CLBN_SUCCESS;
    if (o->view.svm) {
        status = check_svm(plan, o);
    } else {
        status = query_buffer(o->view.buffer, &b);
        if (status == CLBN_SUCCESS)
            status = check_buffer(plan, o, &b);
    }
    const void *address = o->view.svm ? o->view.svm : b.host;
    if (status == CLBN_SUCCESS)
        status = check_address(o, address, alignment_of(plan, o->kind));
    if (status != CLBN_SUCCESS)
        return status;
    region->present = true;
    region->buffer = b.parent ? b.parent : o->view.buffer;
    region->begin = (b.parent ? b.origin : (uintptr_t)o->view.svm) + o->view.offset * element_size(plan, o->kind);
    region->footprint = footprint_of(plan, o);
    return CLBN_SUCCESS;
}

static bool regions_meet(const struct region *a, const struct region *b)
{
    return a->present && b->present && a->buffer == b->buffer &&
           bn_footprints_meet(&a->footprint, a->begin, &b->footprint, b->begin);
}

static bool allowed_alias(const struct operand *a, const struct operand *b)
{
    return (a->may_be && strcmp(a->may_be, b->name) == 0) || (b->may_be && strcmp(b->may_be, a->name) == 0);
}

/* Whether each element of one tensor or vector lies where the same element of the other does. */
static bool coincide(clbn_plan plan, const struct operand *a, const struct region *in_a, const struct operand *b,
                     const struct region *in_b)
{
    if (in_a->begin != in_b->begin)
        return false;
    return a->kind >= TENSORS || bn_same_layout(&plan->shape, (enum tensor)a->kind, (enum tensor)b->kind);
}

static cl_int check_aliases(clbn_plan plan, const struct operand *operands, const struct region *regions, unsigned count,
                            bool *in_place)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = i + 1; j < count; j++) {
            const struct operand *a = &operands[i];
            const struct operand *b = &operands[j];
            bool written = a->access != OPERAND_READ || b->access != OPERAND_READ;
            if (!written || !regions_meet(&regions[i], &regions[j]))
                continue;
            if (!allowed_alias(a, b))
                return bn_fail(CLBN_INVALID_ALIAS, "%s and %s overlap, expected separate memory.", a->name, b->name);
            if (!coincide(plan, a, &regions[i], b, &regions[j]))
                return bn_fail(CLBN_INVALID_ALIAS, "%s and %s overlap in part, expected the same view or separate memory.",
                               a->name, b->name);
            if (in_place)
                *in_place = true;
        }
    return CLBN_SUCCESS;
}

/* The caller's workspace, if there is one, is checked as an operand of bytes. */
static cl_int check_workspace(clbn_plan plan, const struct operand *o, struct region *region)
{
    region->present = false;
    if (!bn_is_present(o->view))
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

cl_int bn_check_operands(clbn_plan plan, const struct operand *operands, unsigned count, clbn_view workspace, bool *in_place)
{
    return bn_check_operands_with(plan, operands, count, workspace, plan->workspace_size, in_place);
}

cl_int bn_check_operands_with(clbn_plan plan, const struct operand *operands, unsigned count, clbn_view workspace,
                              size_t workspace_size, bool *in_place)
{
    struct operand all[MAX_OPERANDS + 1];
    struct region regions[MAX_OPERANDS + 1];
    if (count > MAX_OPERANDS)
        return bn_fail(CLBN_INTERNAL_ERROR, "a call has more than %d views.", MAX_OPERANDS);
    for (unsigned i = 0; i < count; i++) {
        all[i] = operands[i];
        cl_int status = check_operand(plan, &operands[i], &regions[i]);
        if (status != CLBN_SUCCESS)
            return status;
    }
    const struct operand bytes = { "the workspace", OPERAND_WORKSPACE, workspace, workspace_size,
                                   OPERAND_UPDATED, OPERAND_OPTIONAL,  NULL };
    all[count] = bytes;
    cl_int status = check_workspace(plan, &all[count], &regions[count]);
    return status == CLBN_SUCCESS ? check_aliases(plan, all, regions, count + 1, in_place) : status;
}

cl_int bn_check_pair(const char *first_name, clbn_view first, const char *second_name, clbn_view second)
{
    bool has_first = bn_is_present(first);
    if (has_first == bn_is_present(second))
        return CLBN_SUCCESS;
    return bn_fail(CLBN_MISSING_VIEW, "%s was given without %s, expected both or neither.",
                   has_first ? first_name : second_name, has_first ? second_name : first_name);
}
