/* SPDX-License-Identifier: MIT */
/* The views of a call, checked against the plan and against each other. */
#ifndef CLBN_OPERANDS_H
#define CLBN_OPERANDS_H

#include "base/integers.h"
#include "base/view.h"
#include "plan/plan.h"

/* What a view's elements are: a tensor of the plan's, by its number, or parameters, or the batch's statistics, or bytes. */
enum { OPERAND_PARAMETER = TENSORS, OPERAND_STATISTIC, OPERAND_BYTES, OPERAND_WORKSPACE };

enum operand_access { OPERAND_READ, OPERAND_WRITTEN, OPERAND_UPDATED };
enum operand_need { OPERAND_OPTIONAL, OPERAND_REQUIRED };

struct operand {
    const char *name;
    int kind; /* enum tensor, or OPERAND_* */
    clbn_view view;
    size_t count; /* elements; 0: the view is not looked at */
    enum operand_access access;
    enum operand_need need;
    const char *may_be; /* the operand that a written one may coincide with, or NULL */
};

/* Checks what design and OpenCL ask of the views: there if required, a buffer of the engine's context that may be written where
 * it is, long enough, and no written view meeting another. workspace: as the caller gave it. *in_place becomes true if one lies over
 * another that it may be; or NULL. */
cl_int bn_check_operands(clbn_plan plan, const struct operand *operands, unsigned count, clbn_view workspace, bool *in_place);

/* The same of a call whose workspace has so many bytes, in place of the plan's. */
cl_int bn_check_operands_with(clbn_plan plan, const struct operand *operands, unsigned count, clbn_view workspace,
                              size_t workspace_size, bool *in_place);

/* Checks that both of a pair of views were given, or neither. */
cl_int bn_check_pair(const char *first_name, clbn_view first, const char *second_name, clbn_view second);

#endif
