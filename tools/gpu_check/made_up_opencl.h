/* SPDX-License-Identifier: MIT */
/* An OpenCL of one device, which says of itself what it is told and computes nothing: what the library asks of it can be listed for
 * any device, also one that is not there. */
#ifndef MADE_UP_OPENCL_H
#define MADE_UP_OPENCL_H

#include "clbn.h"

#include <stdbool.h>

/* What the device says of itself, in OpenCL's terms. */
struct made_up_device {
    const char *name;
    cl_device_type type;
    cl_uint vendor;
    bool has_double;
    cl_uint compute_units;
    size_t group;          /* CL_DEVICE_MAX_WORK_GROUP_SIZE */
    size_t kernel_group;   /* CL_KERNEL_WORK_GROUP_SIZE of every kernel; 0: as group */
    size_t wave;           /* CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE */
    cl_ulong local_memory; /* bytes to a group */
    cl_ulong cache;        /* bytes */
};

enum { MADE_UP_BUFFERS = 32 };

/* A kernel that was enqueued. */
struct made_up_launch {
    const char *program; /* the name of its program */
    const char *kernel;
    size_t groups[3], items; /* work-items to a group */
    size_t buffer_count;
    const char *buffers[MADE_UP_BUFFERS]; /* the names of those among its arguments */
};

/* The program that uses this OpenCL says what it is. */
extern struct made_up_device made_up_device;

/* The program that uses this OpenCL is told: a program with a name (of 16 digits, the same for the same sources and options) was built;
 * a kernel was enqueued. */
void note_program(const char *name, const char *source, const char *options);
void note_launch(const struct made_up_launch *launch);

cl_context made_up_context(void);
cl_device_id made_up_device_id(void);
cl_command_queue made_up_queue(void);

/* To be released by clReleaseMemObject; the name is kept, not copied. NULL if there is no memory. */
cl_mem made_up_buffer(const char *name, size_t size);

#endif
