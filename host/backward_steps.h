/* All backwards in one form, and their steps. */
#ifndef CLBN_BACKWARD_STEPS_H
#define CLBN_BACKWARD_STEPS_H

#include "operation.h"

struct backward {
    clbn_view x, dy, z, y, mask;
    clbn_view gamma, beta;
    clbn_view mean;      /* the saved mean, or the running mean if frozen */
    clbn_view deviation; /* the saved invstd, or the running variance if frozen */
    clbn_view dx, dz, dgamma, dbeta;
    bool frozen, accumulate;
    bool alone;    /* x is had back from y; bn_choose_source decides */
    bool in_place; /* dx or dz lies over dy; bn_check_backward_views finds out */
    /* Of the phases: records of sums, of which one is written or parts are read; else absent. */
    clbn_view records;
    size_t parts; /* 0 where a record is written */
};

/* Checks what the backward has the activation's slope from, and xhat if it takes that, and leaves of x, z, y and mask what is
 * needed. */
cl_int bn_choose_source(clbn_plan plan, struct backward *backward, bool takes_xhat);

/* Checks that there is something to give. An empty batch has nothing, and no buffers to give it in. */
cl_int bn_check_gradients(clbn_plan plan, const struct backward *backward);

/* Checks the views of a backward whose source is chosen. mean_name, deviation_name: those of its arguments. */
cl_int bn_check_backward_views(clbn_plan plan, struct backward *backward, const char *mean_name, const char *deviation_name,
                               clbn_view workspace);

/* Whether the backward needs any workspace, besides that for statistics that the caller did not give. */
bool bn_backward_needs_workspace(clbn_plan plan, const struct backward *backward);

/* The backward in whole. */
void bn_add_backward_steps(struct operation *operation, const struct backward *backward);

/* Of no values: dgamma and dbeta, or the record of sums, each if it is there, become 0. */
void bn_add_empty_backward_step(struct operation *operation, const struct backward *backward);

/* The sums of a part into a record. */
void bn_add_sums_steps(struct operation *operation, const struct backward *backward);

/* What follows from the records of all parts. */
void bn_add_input_steps(struct operation *operation, const struct backward *backward);

#endif
