/* SPDX-License-Identifier: MIT */
/* Compares a run's results with the reference. */
#ifndef CLBN_TESTS_VERIFY_H
#define CLBN_TESTS_VERIFY_H

#include "run.h"

/* Fails the check where a result that the call gave is not within its bound. */
void verify_run(struct run *run);

/* Names the call for messages. */
void say_call(int config, const struct problem *problem, const struct call *call);
/* Says what is tested, prepares the run, runs it, checks it, releases it. */
void verify_call(int config, const struct problem *problem, const struct call *call);

#endif
