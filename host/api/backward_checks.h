/* What all backwards check. */
#ifndef CLBN_BACKWARD_CHECKS_H
#define CLBN_BACKWARD_CHECKS_H

#include "enqueue/backward_steps.h"

/* Checks what the backward has the activation's slope from, and xhat if it takes that, and leaves of x, z, y and mask what is
 * needed. */
cl_int bn_choose_source(clbn_plan plan, struct backward *backward, bool takes_xhat);

/* Checks the factors, and that there is something to give. An empty batch has nothing, and no buffers to give it in. */
cl_int bn_check_gradients(clbn_plan plan, const struct backward *backward);

/* Checks the views of a backward whose source is chosen. mean_name, deviation_name: those of its arguments. */
cl_int bn_check_backward_views(clbn_plan plan, struct backward *backward, const char *mean_name, const char *deviation_name,
                               clbn_view workspace);

#endif
