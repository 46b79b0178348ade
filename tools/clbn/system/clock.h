/* SPDX-License-Identifier: MIT */
#ifndef CLBN_TOOL_CLOCK_H
#define CLBN_TOOL_CLOCK_H

/* Seconds of a clock that is never set back. */
double clock_seconds(void);

/* Seconds that this process has had of all processors. */
double clock_processor_seconds(void);

#endif
