/* SPDX-License-Identifier: MIT */
/* Starts the processes that check, listens to them, and survives them. */
#ifndef CLBN_TOOL_VERIFY_WORKERS_H
#define CLBN_TOOL_VERIFY_WORKERS_H

#include "io/failure.h"
#include "io/progress.h"
#include "verify/report.h"

/* What the processes do (system/child.h). */
void verify_work(const void *bytes, int pipe);

/* Fills in the device. */
bool verify_describe_device(const char *wanted, struct verify_device *device, struct failure *failure);

/* Checks the programs of the report's rows, several at once, and prints the rows in their order as they are complete. A process that
 * has said nothing for so many seconds as patience has is ended, and its case is wrong. */
bool verify_check_rows(struct verify_report *report, const char *wanted, int patience, struct progress *progress,
                       struct failure *failure);

#endif
