/* One enqueue call in progress: its steps and workspace. */
#ifndef CLBN_OPERATION_H
#define CLBN_OPERATION_H

#include "enqueue/placement.h"
#include "enqueue/steps.h"
#include "enqueue/workspace.h"

struct operation {
    struct steps steps;
    struct workspace workspace;
};

/* Partial results to be merged: count of them, over so many values of a channel in all unless they are records, which have their
 * own counts. */
struct partials {
    size_t count, values;
    clbn_view view;
    bool records;
};

/* What a walk leaves in the operation's workspace; none if there is no walk. */
struct partials bn_own_partials(const struct operation *operation, bool walked);

/* Begins an operation whose views are checked. Like steps, it remembers its first failure. */
void bn_begin_operation(struct operation *operation, const struct call *call, enum pass pass, clbn_view workspace,
                        bool needs_workspace);

/* Enqueues the last step, unless anything has failed, and releases what the operation holds. */
cl_int bn_finish_operation(struct operation *operation);

#endif
