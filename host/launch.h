/* Enqueues what a call has prepared. */
#ifndef CLBN_LAUNCH_H
#define CLBN_LAUNCH_H

#include "call.h"
#include "steps.h"

/* Enqueues the steps one after another, the first after the call's wait list, and sets its event. If the list remembers a
 * failure, enqueues nothing and returns that. */
cl_int bn_launch_steps(const struct step_list *steps, const struct call *call);

/* For a call that has nothing to do: sets its event, after its wait list. */
cl_int bn_launch_nothing(const struct call *call);

#endif
