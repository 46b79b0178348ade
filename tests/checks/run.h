/* SPDX-License-Identifier: MIT */
/* One call of the library on a problem: its memory, guarded, and its arguments. */
#ifndef CLBN_TESTS_RUN_H
#define CLBN_TESTS_RUN_H

#include "guarded.h"
#include "problem.h"

enum operation {
    FORWARD_TRAINING,
    FORWARD_INFERENCE,
    BACKWARD,
    BACKWARD_FROZEN,
    FOLD, /* the plan of this and the next two has no activation, whatever the problem's */
    SECOND_BACKWARD,
    SECOND_BACKWARD_FROZEN,
    FORWARD_RENORM,
    BACKWARD_RENORM,
    STATISTICS,
    MERGE_STATISTICS,
    NORMALIZE,
    BACKWARD_SUMS,
    BACKWARD_INPUT,
    OPERATIONS
};

#define WITH(view)   (1u << (view))
#define WITH_RUNNING (WITH(VIEW_RUNNING_MEAN) | WITH(VIEW_RUNNING_VAR))
#define WITH_SAVED   (WITH(VIEW_SAVE_MEAN) | WITH(VIEW_SAVE_INVSTD) | WITH(VIEW_SAVE_VAR))
#define WITH_ALL     (WITH(VIEWS) - 1u)
/* Beside the views, only for svm and host. */
#define WITH_WORKSPACE WITH(VIEWS)
/* What a layer that adds something has beyond one that does not, and what one can keep for its backward. */
#define WITH_RESIDUAL (WITH(VIEW_Z) | WITH(VIEW_DZ))
#define WITH_EXTRAS   (WITH_RESIDUAL | WITH(VIEW_MASK))

/* What a backward has its activation's slope from; FROM_Y_ALONE: without x; ANY_SOURCE: whatever of x, z, y and the mask is
 * among the views, to be misused. */
enum source { FROM_X, FROM_Y, FROM_MASK, FROM_Y_ALONE, SOURCES, ANY_SOURCE = SOURCES };

/* Of tensors: elements from one index of an axis to the next. */
struct layout {
    size_t strides[VIEWS][SHAPE_MAX_RANK];
    unsigned given; /* those of the views that have strides; the others are packed */
    bool by_x;      /* the plan is told x's alone */
};

/* Strides for a view, as many as axes. */
void layout_give(struct layout *layout, enum view view, const size_t *strides, unsigned rank);

struct call {
    enum operation operation;
    unsigned views;              /* a set of WITH(view); what the operation or the source does not know is left out */
    enum source source;          /* of a backward */
    bool in_place;               /* y over x, dx over dy, the folded bias over the bias */
    bool residual_in_place;      /* y over z, dz over dy */
    bool own_workspace;          /* else the library's */
    size_t offset;               /* of the views: 0, or of each view another one, odd ones among them */
    unsigned svm;                /* those of the views that are in shared virtual memory */
    unsigned host;               /* those that are buffers over memory of the host, */
    bool sub_buffers;            /* or parts of such */
    size_t shift;                /* elements from a wide alignment to the begin of all of these; not of a workspace */
    bool shifts_differ;          /* each view has another shift */
    const struct layout *layout; /* NULL: packed; must outlive the run */
    double r_max, d_max;         /* of batch renormalization's forward; those of problem.h at first */
    double update_factor;
    double dx_factor, dgamma_factor, dbeta_factor; /* of a backward; 0 at first */
    clbn_running_variance running_variance;
};

struct run {
    const struct problem *problem;
    struct call call;
    clbn_plan plan;
    struct guarded views[VIEWS];
    struct guarded workspace;
    /* Gives what is passed in place of the arguments, which have so many bytes; NULL: they are passed. */
    const void *(*resize)(const void *args, size_t size);
};

/* Everything but the extras, slopes from x, not in place, the library's workspace, aligned, in packed buffers, f = 0.1. */
struct call call_of(enum operation operation);
/* Lets a backward add its gradients to what there is, times a factor, each another one; to a dx that is dy nothing can be added. */
void accumulate(struct call *call);
/* The factor of what an output holds. */
double call_factor(const struct call *call, enum view view);
const char *operation_name(enum operation operation);
bool is_backward(enum operation operation);
/* What a plan of the operation has to be for. */
clbn_operations operations_for(enum operation operation);

/* Bytes of workspace that are enough for the operation on a plan. */
size_t workspace_bytes(clbn_plan plan, enum operation operation);

/* Creates the plan and the memory; the problem must outlive the run. What only an earlier call can give (y and the mask for a
 * backward, records) and the problem does not have comes from that call, made on the same engine in the same way. */
struct run run_prepare(clbn_engine engine, const struct problem *problem, const struct call *call);
cl_int run_enqueue(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list, cl_event *event);
/* Waits for an enqueued run's event and releases it. */
void run_wait(cl_event event);
/* Enqueues on the in-order queue, waits, and fails the check if an input has changed. */
void run_now(struct run *run);
/* As the call is given it; absent if it is. */
clbn_view run_view(const struct run *run, enum view view);
bool run_has(const struct run *run, enum view view);
/* Whether the call reads or writes a view that it has. */
bool run_reads(const struct run *run, enum view view);
bool run_writes(const struct run *run, enum view view);
/* The elements of a view, of the mask too. */
size_t run_count(const struct run *run, enum view view);
/* The values of an output, or of an input, good until the run is released or asked again. */
const double *run_output(struct run *run, enum view view);
/* Fails the check if an input has changed. */
void run_expect_inputs_unchanged(struct run *run);
void run_release(struct run *run);

#endif
