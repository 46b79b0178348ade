/* What all enqueue calls have in common. */
#ifndef CLBN_CALL_H
#define CLBN_CALL_H

#include "plan.h"

struct call {
    clbn_plan plan;
    cl_command_queue queue;
    cl_uint wait_count;
    const cl_event *wait_list;
    cl_event *event; /* out, or NULL */
};

/* Checks plan, queue, wait list and the size of the arguments' struct, whose first member struct_size is. */
cl_int bn_check_call(const struct call *call, const void *args, size_t expected_struct_size, const char *struct_name);

/* Checks that an update factor is in [0, 1]. */
cl_int bn_check_factor(double factor);

#endif
