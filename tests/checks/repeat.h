/* SPDX-License-Identifier: MIT */
/* Calls that are made again, whose results are the same bits. */
#ifndef CLBN_TESTS_REPEAT_H
#define CLBN_TESTS_REPEAT_H

#include "run.h"

/* Fails the check unless all outputs of two runs of one problem are the same, bit for bit. */
void expect_same_outputs(struct run *run, struct run *first);

/* Runs a call whose input comes from another run's, in a copy that waits for a user event, set long after the call: fails the check
 * where the call does not wait for it. The memory of both must be buffers. */
void run_with_late_input(struct run *run, const struct run *first, cl_command_queue queue);

#endif
