/* SPDX-License-Identifier: MIT */
/* Pure: what batch renormalization keeps between its kernels. */
#ifndef CLBN_SCHEDULE_RENORM_H
#define CLBN_SCHEDULE_RENORM_H

#include "schedule/schedule.h"

/* Arrays of a parameter for each channel: gamma * r, beta + gamma * d, and sums of g * xhat and of g. */
enum { RENORM_ARRAYS = 4 };

/* Bytes, each aligned as workspaces are. */
struct renorm_sections {
    size_t record; /* of the batch's statistics, first */
    size_t array;
    size_t all;
};

struct renorm_sections bn_measure_renorm(const struct problem *problem);

#endif
