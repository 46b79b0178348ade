/* SPDX-License-Identifier: MIT */
/* A progress bar on stderr, where that is a terminal; elsewhere nothing. */
#ifndef CLBN_TOOL_PROGRESS_H
#define CLBN_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    const char *label; /* a word or two; must live as long */
    size_t total;
    bool wanted;  /* stderr is a terminal */
    bool visible; /* a bar is on the line */
    double started;
    double drawn; /* seconds of a monotonic clock */
};

void progress_start(struct progress *progress, const char *label, size_t total);

/* Draws the bar, but not more often than some times a second. */
void progress_update(struct progress *progress, size_t done);

/* Takes the bar away, before other output and at the end; the next update draws it again. */
void progress_clear(struct progress *progress);

#endif
