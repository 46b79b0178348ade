/* SPDX-License-Identifier: MIT */
/* The memory in which a call keeps what it needs between its steps. */
#ifndef CLBN_WORKSPACE_H
#define CLBN_WORKSPACE_H

#include "enqueue/call.h"

struct workspace {
    cl_mem owned;           /* a buffer of the call's own, or NULL */
    clbn_view partials;     /* offset in bytes: partial moments or sums */
    clbn_view mean;         /* offset in elements: statistics that the caller did not give */
    clbn_view invstd;       /* likewise */
    clbn_view coefficients; /* offset in bytes */
    clbn_view accumulators; /* offset in bytes */
};

/* Uses what the caller gave, which is checked, or, if size is not 0, creates a buffer of so many bytes. */
cl_int bn_open_workspace(struct workspace *workspace, const struct call *call, clbn_view given, size_t size);

/* Where the sections are that a call needs of so many channels; element: bytes of a statistic. */
void bn_place_sections(struct workspace *workspace, const struct sections *sections, size_t channels, size_t element);

/* Releases what bn_open_workspace created; OpenCL keeps it until enqueued work has finished. */
void bn_close_workspace(struct workspace *workspace);

#endif
