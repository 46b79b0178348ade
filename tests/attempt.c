/* SPDX-License-Identifier: MIT */
#include "attempt.h"

#include "harness.h"
#include "interpose.h"

#include <stdio.h>
#include <string.h>

const char *argument_name(const struct run *run, enum view view)
{
    static const char *const names[VIEWS] = {
        "x",           "y",           "dy",         "gamma",   "beta",   "running_mean", "running_var",
        "save_mean",   "save_invstd", "save_var",   "dx",      "dgamma", "dbeta",        "z",
        "dz",          "mask",        "statistics", "records", "sums",   "records",      "bias",
        "folded_bias", "ddx",         "ddy",        "ddgamma", "ddbeta", "save_r",       "save_d"
    };
    if (run->call.operation == FOLD && is_tensor(view))
        return view == VIEW_X ? "weights" : "folded_weights";
    return names[view];
}

bool is_required(enum operation operation, enum view view)
{
    static const unsigned required[OPERATIONS] = {
        [FORWARD_TRAINING] = WITH(VIEW_X) | WITH(VIEW_Y) | WITH_RUNNING,
        [FORWARD_INFERENCE] = WITH(VIEW_X) | WITH(VIEW_Y) | WITH_RUNNING,
        [BACKWARD] = WITH(VIEW_X) | WITH(VIEW_DY) | WITH_SAVED,
        [BACKWARD_FROZEN] = WITH(VIEW_X) | WITH(VIEW_DY) | WITH_RUNNING,
        [FOLD] = WITH(VIEW_X) | WITH(VIEW_Y) | WITH_RUNNING | WITH(VIEW_FOLDED_BIAS),
        [SECOND_BACKWARD] = WITH(VIEW_X) | WITH(VIEW_DY) | WITH_SAVED,
        [SECOND_BACKWARD_FROZEN] = WITH(VIEW_X) | WITH(VIEW_DY) | WITH_RUNNING,
        [FORWARD_RENORM] = WITH(VIEW_X) | WITH(VIEW_Y) | WITH_RUNNING,
        [BACKWARD_RENORM] = WITH(VIEW_X) | WITH(VIEW_DY) | WITH_SAVED | WITH(VIEW_SAVE_R) | WITH(VIEW_SAVE_D),
        [STATISTICS] = WITH(VIEW_X) | WITH(VIEW_STATISTICS),
        [MERGE_STATISTICS] = WITH(VIEW_STATISTICS_RECORDS) | WITH_RUNNING,
        [NORMALIZE] = WITH(VIEW_X) | WITH(VIEW_Y) | WITH(VIEW_STATISTICS),
        [BACKWARD_SUMS] = WITH(VIEW_X) | WITH(VIEW_DY) | WITH_SAVED | WITH(VIEW_SUMS),
        [BACKWARD_INPUT] = WITH(VIEW_X) | WITH(VIEW_DY) | WITH_SAVED | WITH(VIEW_SUMS_RECORDS),
    };
    return (required[operation] & WITH(view)) != 0;
}

bool has_workspace(enum operation operation)
{
    return operation != MERGE_STATISTICS && operation != SECOND_BACKWARD && operation != SECOND_BACKWARD_FROZEN;
}

/* The engine divides channels, so that a call needs its workspace. */
static clbn_engine splitting_engine(void)
{
    int config = 0;
    while (engine_configs[config].flags != CLBN_ENGINE_SPLIT)
        config++;
    return test_engine(config);
}

struct attempt attempt_prepare(const struct problem *problem, enum operation operation)
{
    struct attempt attempt = { .queue = in_order_queue() };
    struct call call = call_of(operation);
    call.views = WITH_ALL;
    call.own_workspace = true;
    testing("%s", operation_name(operation));
    attempt.valid = run_prepare(splitting_engine(), problem, &call);
    attempt.run = attempt.valid;
    return attempt;
}

void attempt_release(struct attempt *attempt)
{
    run_release(&attempt->valid);
}

void forget_last_error(void)
{
    expect_status(clbnRetainPlan(NULL), CLBN_INVALID_PLAN, "clbnRetainPlan");
}

void expect_sentence(const char *word, const char *other_word)
{
    const char *sentence = clbnLastError();
    size_t length = strlen(sentence);
    ck_assert_msg(strcmp(sentence, "the plan is NULL, expected one from clbnCreatePlan.") != 0 ||
                      (word != NULL && strcmp(word, "plan") == 0),
                  "%s: no new sentence", what_is_tested());
    ck_assert_msg(length > 0 && sentence[length - 1] == '.', "%s: not a sentence: %s", what_is_tested(), sentence);
    ck_assert_msg(word == NULL || strstr(sentence, word) != NULL, "%s: no '%s' in: %s", what_is_tested(), word, sentence);
    ck_assert_msg(other_word == NULL || strstr(sentence, other_word) != NULL, "%s: no '%s' in: %s", what_is_tested(),
                  other_word, sentence);
}

static void expect_unchanged(struct run *run)
{
    for (enum view view = 0; view < VIEWS; view++)
        guarded_expect_unchanged(&run->views[view], view_name(view));
    guarded_expect_unchanged(&run->workspace, "workspace");
}

/* ---- The same, asked of clbnCheckArgs -------------------------------------------------------------------------------------- */

static const struct attempt *checked;
static cl_int checked_status;
static char checked_sentence[1024];

/* In the place of the arguments, the same; on the way they are checked. */
static const void *check_args(const void *args, size_t size)
{
    static const clbn_struct structs[OPERATIONS] = {
        [FORWARD_TRAINING] = CLBN_STRUCT_FORWARD_TRAINING_ARGS,
        [FORWARD_INFERENCE] = CLBN_STRUCT_FORWARD_INFERENCE_ARGS,
        [BACKWARD] = CLBN_STRUCT_BACKWARD_ARGS,
        [BACKWARD_FROZEN] = CLBN_STRUCT_BACKWARD_FROZEN_ARGS,
        [FOLD] = CLBN_STRUCT_FOLD_ARGS,
        [SECOND_BACKWARD] = CLBN_STRUCT_SECOND_BACKWARD_ARGS,
        [SECOND_BACKWARD_FROZEN] = CLBN_STRUCT_SECOND_BACKWARD_FROZEN_ARGS,
        [FORWARD_RENORM] = CLBN_STRUCT_FORWARD_RENORM_ARGS,
        [BACKWARD_RENORM] = CLBN_STRUCT_BACKWARD_RENORM_ARGS,
        [STATISTICS] = CLBN_STRUCT_STATISTICS_ARGS,
        [MERGE_STATISTICS] = CLBN_STRUCT_MERGE_STATISTICS_ARGS,
        [NORMALIZE] = CLBN_STRUCT_NORMALIZE_ARGS,
        [BACKWARD_SUMS] = CLBN_STRUCT_BACKWARD_SUMS_ARGS,
        [BACKWARD_INPUT] = CLBN_STRUCT_BACKWARD_INPUT_ARGS,
    };
    (void)size;
    checked_status = clbnCheckArgs(checked->run.plan, checked->queue, structs[checked->run.call.operation], args);
    snprintf(checked_sentence, sizeof checked_sentence, "%s", clbnLastError());
    return args;
}

/* The check finds what the call will; of wait lists, and of second order, it knows nothing. */
static cl_int enqueue_checked(struct attempt *attempt, cl_event *event)
{
    const enum operation operation = attempt->run.call.operation;
    const bool is_second = operation == SECOND_BACKWARD || operation == SECOND_BACKWARD_FROZEN;
    checked = attempt;
    attempt->run.resize = check_args;
    const cl_int status = run_enqueue(&attempt->run, attempt->queue, attempt->wait_count, attempt->wait_list, event);
    attempt->run.resize = NULL;
    expect_status(checked_status,
                  is_second                              ? CLBN_INVALID_ARGUMENT
                  : status == CL_INVALID_EVENT_WAIT_LIST ? CLBN_SUCCESS
                                                         : status,
                  "clbnCheckArgs");
    if (checked_status != CLBN_SUCCESS && !is_second)
        ck_assert_str_eq(checked_sentence, clbnLastError());
    return status;
}

void expect_refusal(struct attempt *attempt, cl_int status, const char *word, const char *other_word)
{
    static char mark;
    const cl_event no_event = (cl_event)(void *)&mark;
    cl_event event = no_event;
    forget_last_error();
    struct live_objects before = count_live_objects();
    unsigned long enqueued = calls_of("clEnqueue");
    cl_int given = enqueue_checked(attempt, &event);
    expect_status(given, status, "the call");
    expect_sentence(word, other_word);
    ck_assert_msg(event == no_event, "%s: an event was set", what_is_tested());
    ck_assert_msg(calls_of("clEnqueue") == enqueued, "%s: something was enqueued", what_is_tested());
    expect_live_objects(&before);
    expect_success(clFinish(in_order_queue()));
    expect_unchanged(&attempt->valid);
}

void expect_acceptance(struct attempt *attempt)
{
    cl_event event = NULL;
    expect_success(enqueue_checked(attempt, &event));
    run_wait(event);
    for (enum view view = 0; view < VIEWS; view++)
        guarded_restore(&attempt->valid.views[view]);
    guarded_restore(&attempt->valid.workspace);
}
