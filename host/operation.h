/* One enqueue call in progress: its steps and workspace. */
#ifndef CLBN_OPERATION_H
#define CLBN_OPERATION_H

#include "call.h"
#include "steps.h"
#include "workspace.h"

struct operation {
    const struct call *call;
    struct step_list steps;
    struct workspace workspace;
};

/* Begins an operation whose views are checked. Like steps, it remembers its first failure. */
void bn_begin_operation(struct operation *operation, const struct call *call, enum pass pass, clbn_view workspace,
                        bool needs_workspace);

/* Enqueues the steps, or, if anything has failed, nothing, and releases what the operation holds. */
cl_int bn_finish_operation(struct operation *operation);

#endif
