/* SPDX-License-Identifier: MIT */
/* Lets the host run only so far ahead of the device: the queue stays filled and short, and what progress is shown is true. */
#ifndef CLBN_TOOL_PACE_H
#define CLBN_TOOL_PACE_H

#include "io/failure.h"

#include <clbn.h>
#include <stdbool.h>

/* All zero: closed. */
struct pace {
    cl_event marker; /* of the step before */
};

/* Waits for what was enqueued before the last call. */
bool pace_step(struct pace *pace, cl_command_queue queue, struct failure *failure);
void pace_close(struct pace *pace);

#endif
