/* SPDX-License-Identifier: MIT */
/* The backward of the backward. */
#ifndef CLBN_SECOND_BACKWARD_STEPS_H
#define CLBN_SECOND_BACKWARD_STEPS_H

#include "enqueue/call.h"

struct second_backward {
    clbn_view x, dy, ddx;
    clbn_view gamma;
    clbn_view mean, deviation; /* as in struct backward */
    clbn_view ddgamma, ddbeta;
    clbn_view dx, ddy, dgamma;
    bool frozen;
};

/* Enqueues it, of views that are checked, with a workspace of its own. Of an empty batch there is dgamma alone. */
cl_int bn_enqueue_second_backward(const struct call *call, const struct second_backward *second);

#endif
