/* SPDX-License-Identifier: MIT */
/* A valid call that a test breaks in one place, to see that it is refused and that nothing has happened. */
#ifndef CLBN_TESTS_ATTEMPT_H
#define CLBN_TESTS_ATTEMPT_H

#include "run.h"

struct attempt {
    struct run valid; /* with the caller's workspace; not to be changed */
    struct run run;   /* a copy: what is enqueued, and broken */
    cl_command_queue queue;
    cl_uint wait_count;
    const cl_event *wait_list;
};

/* As the struct of arguments of the run's call calls it. */
const char *argument_name(const struct run *run, enum view view);
/* Whether an operation cannot do without a view when all others are there. */
bool is_required(enum operation operation, enum view view);
bool has_workspace(enum operation operation);

/* A valid call of an operation with all views, on a small problem; released by attempt_release. The problem must outlive it. */
struct attempt attempt_prepare(const struct problem *problem, enum operation operation);
void attempt_release(struct attempt *attempt);

/* Enqueues; the test fails unless the status is as expected, clbnLastError() has the words (NULL: none), no event has been
 * set, nothing enqueued, and no buffer of the valid call changed. */
void expect_refusal(struct attempt *attempt, cl_int status, const char *word, const char *other_word);
/* Enqueues and waits; the test fails unless that succeeds. The valid call's buffers become as they were. */
void expect_acceptance(struct attempt *attempt);

/* Fails the test unless a failure has left a new sentence with these words since forget_last_error(). */
void forget_last_error(void);
void expect_sentence(const char *word, const char *other_word);

#endif
