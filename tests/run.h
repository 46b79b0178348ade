/* One call of the library on a problem: its buffers, guarded, and its arguments. */
#ifndef CLBN_TESTS_RUN_H
#define CLBN_TESTS_RUN_H

#include "guarded.h"
#include "problem.h"

enum operation { FORWARD_TRAINING, FORWARD_INFERENCE, BACKWARD, BACKWARD_FROZEN };

#define WITH(view)   (1u << (view))
#define WITH_RUNNING (WITH(VIEW_RUNNING_MEAN) | WITH(VIEW_RUNNING_VAR))
#define WITH_SAVED   (WITH(VIEW_SAVE_MEAN) | WITH(VIEW_SAVE_INVSTD))
#define WITH_ALL     (WITH(VIEWS) - 1u)

struct call {
    enum operation operation;
    unsigned views;     /* a set of WITH(view); what the operation does not know is left out */
    bool in_place;      /* y over x, dx over dy */
    bool own_workspace; /* else the library's */
    size_t offset;      /* of the views: 0, or of each view another one, odd ones among them */
    double update_factor;
    clbn_running_variance running_variance;
};

struct run {
    const struct problem *problem;
    struct call call;
    clbn_plan plan;
    struct guarded views[VIEWS];
    struct guarded workspace;
};

/* Everything, not in place, the library's workspace, aligned, f = 0.1. */
struct call call_of(enum operation operation);

/* Creates the plan and the buffers; the problem must outlive the run. */
struct run run_prepare(clbn_engine engine, const struct problem *problem, const struct call *call);
cl_int run_enqueue(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list, cl_event *event);
/* Waits for an enqueued run's event and releases it. */
void run_wait(cl_event event);
/* Enqueues on the in-order queue, waits, and fails the test if an input has changed. */
void run_now(struct run *run);
bool run_has(const struct run *run, enum view view);
/* The values of an output, good until the run is released or asked again. */
const double *run_output(struct run *run, enum view view);
/* Fails the test if an input has changed. */
void run_expect_inputs_unchanged(struct run *run);
void run_release(struct run *run);

#endif
