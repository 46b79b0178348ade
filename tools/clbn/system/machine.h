/* SPDX-License-Identifier: MIT */
/* The machine that the command runs on, as its system tells. */
#ifndef CLBN_TOOL_MACHINE_H
#define CLBN_TOOL_MACHINE_H

/* Processors that the system uses; below 1: it does not tell. */
long machine_processors(void);

/* Processes that wanted a processor, on average over the last minute; NAN: the system does not count them. */
double machine_load(void);

#endif
