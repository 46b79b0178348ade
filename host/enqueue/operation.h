/* SPDX-License-Identifier: MIT */
/* One enqueue call in progress: its steps and workspace. */
#ifndef CLBN_OPERATION_H
#define CLBN_OPERATION_H

#include "enqueue/steps.h"
#include "enqueue/workspace.h"

struct operation {
    struct steps steps;
    struct workspace workspace;
    enum pass pass;
    bool keeps_statistics;
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

/* Two arguments: their memory, and the offset, of records in elements, else in bytes. */
void bn_bind_partials(struct steps *steps, struct partials partials);

/* Bytes of workspace that an operation takes. */
size_t bn_measure_operation(clbn_plan plan, enum pass pass, enum strategy strategy, bool keeps_statistics);

/* Begins an operation whose views are checked, with its first slice of the channels: all of them, unless the workspace has no room for
 * that. Like steps, it remembers its first failure. workspace: the caller's, or absent. keeps_statistics: the operation keeps statistics
 * there that the caller did not give. */
void bn_begin_operation(struct operation *operation, const struct call *call, enum pass pass, enum strategy strategy,
                        clbn_view workspace, bool keeps_statistics);

/* Goes on to the next slice, for which the same steps are to be added again; false if there is none. */
bool bn_next_slice(struct operation *operation);

/* Binds the sections of the workspace that a kernel takes, its last arguments. */
void bn_bind_sections(struct operation *operation, unsigned sections);

/* Enqueues the last step, unless anything has failed, and releases what the operation holds. */
cl_int bn_finish_operation(struct operation *operation);

#endif
