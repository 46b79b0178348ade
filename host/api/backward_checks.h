/* SPDX-License-Identifier: MIT */
/* What all backwards check. */
#ifndef CLBN_BACKWARD_CHECKS_H
#define CLBN_BACKWARD_CHECKS_H

#include "api/entry.h"

/* Checks that there is something to give, and what it is added to. An empty batch has nothing, and no buffers to give it in. */
cl_int bn_check_gradients(clbn_plan plan, const struct backward *backward);

/* Checks what the backward has the activation's slope from, and xhat if it takes that, leaves of x, z, y and mask what is needed, and
 * checks the views. */
cl_int bn_check_backward(clbn_plan plan, struct backward *backward, bool takes_xhat, clbn_view workspace);

/* Both, of a backward in one call, and what the request says of it; its backward is set. */
cl_int bn_check_whole_backward(struct request *request, clbn_view workspace);

#endif
