/* SPDX-License-Identifier: MIT */
/* What several enqueue calls check. */
#ifndef CLBN_CALL_CHECKS_H
#define CLBN_CALL_CHECKS_H

#include "enqueue/call.h"

/* Checks what a call says of its running statistics: both or neither, a factor in [0, 1], and a known kind of variance. */
cl_int bn_check_running(clbn_view running_mean, clbn_view running_var, double update_factor,
                        clbn_running_variance running_variance);

/* The same, and that a channel of the plan's batch has values enough for what is to be updated. */
cl_int bn_check_update(clbn_plan plan, clbn_view running_mean, clbn_view running_var, double update_factor,
                       clbn_running_variance running_variance);

/* Checks that there are parts, and that size_t can count the bytes of as many records of so many numbers. */
cl_int bn_check_parts(size_t parts, size_t record);

/* Checks that the plan's activation has a mask, if one is given. */
cl_int bn_check_mask(clbn_plan plan, clbn_view mask);

#endif
