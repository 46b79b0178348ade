/* SPDX-License-Identifier: MIT */
/* The buffers on which a plan's passes are measured. */
#ifndef CLBN_TUNING_DATA_H
#define CLBN_TUNING_DATA_H

#include "plan/plan.h"

/* All zero: closed. The views are of the buffers. */
struct tuning_data {
    cl_mem x, dy, out, vectors;
    clbn_view gamma, beta, running_mean, running_var, save_mean, save_invstd, dgamma, dbeta;
};

/* Ones everywhere. Blocks. On failure it is closed. */
cl_int bn_open_tuning_data(struct tuning_data *data, clbn_plan plan, cl_command_queue queue);
void bn_close_tuning_data(struct tuning_data *data);

/* A pass on the data, by a plan of the same problem. */
cl_int bn_enqueue_tuning_pass(const struct tuning_data *data, clbn_plan plan, enum pass pass, cl_mem workspace,
                              cl_command_queue queue, cl_event *event);

#endif
