/* SPDX-License-Identifier: MIT */
#include "api/entry.h"
#include "api/ghost_calls.h"
#include "api/tuning_data.h"
#include "base/clock.h"
#include "base/sized.h"
#include "base/status.h"
#include "schedule/candidates.h"
#include "schedule/contest.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Calls are timed together until they last so many seconds, or are so many: the clock and the wait have noise of their own. */
#define TIMED_SECONDS 1e-3
#define TIMED_CALLS   32

/* A pass that is measured: each candidate has a plan. */
struct tuner {
    cl_command_queue queue;
    struct tuning_data data;
    enum pass pass;
    size_t count;
    struct candidate candidates[MAX_CANDIDATES];
    clbn_plan plans[MAX_CANDIDATES];
    cl_mem workspace; /* large enough for all; NULL if none is needed */
    unsigned calls;   /* that are timed at once */
    cl_int status;    /* of the first failure */
};

/* ---- Measuring ------------------------------------------------------------------------------------------------------------ */

static cl_int call_and_wait(const struct tuner *t, clbn_plan plan, enum pass pass)
{
    cl_event event = NULL;
    cl_int status = bn_enqueue_tuning_pass(&t->data, plan, pass, t->workspace, t->queue, &event);
    if (status != CLBN_SUCCESS)
        return status;
    status = clWaitForEvents(1, &event);
    clReleaseEvent(event);
    return status == CL_SUCCESS ? status : bn_fail_call(status, "clWaitForEvents");
}

static bool time_candidate(void *context, size_t number, double *seconds)
{
    struct tuner *t = context;
    double start = bn_seconds();
    for (unsigned i = 0; i < t->calls && t->status == CLBN_SUCCESS; i++)
        t->status = call_and_wait(t, t->plans[number], t->pass);
    *seconds = bn_seconds() - start;
    return t->status == CLBN_SUCCESS;
}

/* The first call is not counted, since it may compile. */
static cl_int choose_calls(struct tuner *t)
{
    double seconds;
    t->calls = 1;
    if (!time_candidate(t, 0, &seconds) || !time_candidate(t, 0, &seconds))
        return t->status;
    while (t->calls < TIMED_CALLS && seconds * t->calls < TIMED_SECONDS)
        t->calls *= 2;
    return CLBN_SUCCESS;
}

/* ---- Candidates ----------------------------------------------------------------------------------------------------------- */

static cl_int create_workspace(struct tuner *t)
{
    cl_int status = CL_SUCCESS;
    size_t size = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->plans[i]->workspace_size > size)
            size = t->plans[i]->workspace_size;
    t->workspace = clCreateBuffer(t->plans[0]->engine->context, CL_MEM_READ_WRITE, size > 0 ? size : 1, NULL, &status);
    if (status != CL_SUCCESS)
        return bn_fail(status, "clCreateBuffer failed with %s (%d) for a workspace of %zu bytes.", clbnStatusName(status),
                       (int)status, size);
    return CLBN_SUCCESS;
}

static cl_int create_candidates(struct tuner *t, clbn_plan plan)
{
    const clbn_engine engine = plan->engine;
    cl_int status = CLBN_SUCCESS;
    const size_t count = bn_list_candidates(&plan->problem, t->candidates);
    for (t->count = 0; t->count < count; t->count++) {
        t->plans[t->count] = bn_create_plan(engine, &plan->desc, &t->candidates[t->count].choices, &status);
        if (status != CLBN_SUCCESS)
            return status;
    }
    return create_workspace(t);
}

static void release_tuner(struct tuner *t)
{
    for (size_t i = 0; i < t->count; i++)
        clbnReleasePlan(t->plans[i]);
    if (t->workspace)
        clReleaseMemObject(t->workspace);
    bn_close_tuning_data(&t->data);
    free(t);
}

/* NULL and *status on failure. */
static struct tuner *create_tuner(clbn_plan plan, cl_command_queue queue, cl_int *status)
{
    struct tuner *t = calloc(1, sizeof(*t));
    if (!t) {
        *status = bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for a measurement.");
        return NULL;
    }
    t->queue = queue;
    *status = bn_open_tuning_data(&t->data, plan, queue);
    if (*status == CLBN_SUCCESS)
        *status = create_candidates(t, plan);
    if (*status == CLBN_SUCCESS)
        return t;
    release_tuner(t);
    return NULL;
}

/* ---- Tuning --------------------------------------------------------------------------------------------------------------- */

static cl_int tune_pass(struct tuner *t, enum pass pass, double seconds, struct choices *best, clbn_tune_result *result)
{
    const struct contest contest = { t->count, seconds, time_candidate, t };
    struct verdict verdict;
    t->pass = pass;
    cl_int status = choose_calls(t);
    if (status != CLBN_SUCCESS)
        return status;
    if (!bn_hold_contest(&contest, &verdict))
        return t->status;
    *best = t->candidates[verdict.way].choices;
    result->divisions = t->count;
    result->measured = verdict.timed;
    result->usual_seconds = verdict.usual_seconds / t->calls;
    result->best_seconds = verdict.best_seconds / t->calls;
    return CLBN_SUCCESS;
}

/* Measures the passes that are asked for, and remembers what was found once all is. */
static cl_int tune(clbn_plan plan, cl_command_queue queue, const clbn_tune_args *args, clbn_tune_report *report)
{
    clbn_tune_result *const results[PASSES] = { &report->forward, &report->backward, &report->inference };
    const clbn_operations operations = args->operations & plan->desc.operations;
    const uint64_t hash = bn_hash_problem(&plan->problem);
    struct tuned found[PASSES];
    size_t count = 0;
    cl_int status = CLBN_SUCCESS;
    struct tuner *t = create_tuner(plan, queue, &status);
    if (!t)
        return status;
    for (enum pass pass = 0; pass < PASSES && status == CLBN_SUCCESS; pass++) {
        if (!(operations >> pass & 1))
            continue;
        found[count].problem = bn_hash_pass(hash, pass);
        status = tune_pass(t, pass, args->seconds, &found[count].choices, results[pass]);
        count++;
    }
    release_tuner(t);
    if (status != CLBN_SUCCESS)
        return status;
    bool stored = false;
    if (!bn_remember_tuned(plan->program, found, count, &stored))
        return bn_fail(CL_OUT_OF_HOST_MEMORY, "out of host memory for what was measured.");
    report->stored = stored;
    return CLBN_SUCCESS;
}

static cl_int check(clbn_plan plan, cl_command_queue queue, const clbn_tune_args *given, clbn_tune_args *known,
                    const clbn_tune_report *report)
{
    const struct call call = { .plan = plan, .queue = queue };
    clbn_tune_report sized;
    cl_int status = bn_check_call(&call, ALL_OPERATIONS, CLBN_STRUCT_TUNE_ARGS, given, known);
    if (status == CLBN_SUCCESS)
        status = bn_refuse_ghosts(plan);
    if (status == CLBN_SUCCESS && report)
        status = bn_take_struct(CLBN_STRUCT_TUNE_REPORT, report, &sized);
    if (status != CLBN_SUCCESS)
        return status;
    if (known->operations == 0 || (known->operations & ~(clbn_operations)ALL_OPERATIONS))
        return bn_fail(CLBN_INVALID_ARGUMENT, "operations is 0x%x, expected some of CLBN_OPERATION_*.",
                       (unsigned)known->operations);
    if (!(known->seconds > 0 && known->seconds <= DBL_MAX))
        return bn_fail(CLBN_INVALID_ARGUMENT, "seconds is %g, expected a number above 0.", known->seconds);
    return CLBN_SUCCESS;
}

cl_int clbnTunePlan(clbn_plan plan, cl_command_queue queue, const clbn_tune_args *args, clbn_tune_report *report)
{
    const clbn_tune_args all = CLBN_TUNE_ARGS_INIT;
    clbn_tune_args known;
    clbn_tune_report found = CLBN_TUNE_REPORT_INIT;
    cl_int status = check(plan, queue, args ? args : &all, &known, report);
    if (status == CLBN_SUCCESS && plan->shape.elements > 0)
        status = tune(plan, queue, &known, &found);
    if (status == CLBN_SUCCESS && report)
        bn_give_struct(CLBN_STRUCT_TUNE_REPORT, &found, report);
    return status;
}
