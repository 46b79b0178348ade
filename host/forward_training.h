/* The steps of forward training, which the backward takes too where it has no saved statistics. */
#ifndef CLBN_FORWARD_TRAINING_H
#define CLBN_FORWARD_TRAINING_H

#include "operation.h"

bool bn_forward_needs_workspace(clbn_plan plan);

/* args are checked. y may be absent: then only statistics are computed. */
void bn_add_forward_steps(struct operation *operation, const clbn_forward_training_args *args);

#endif
