/* One batch normalization from files to files: what forward and backward have in common. */
#ifndef CLBN_TOOL_JOB_H
#define CLBN_TOOL_JOB_H

#include "device.h"
#include "failure.h"
#include "operands.h"

#include <clbn.h>
#include <stdbool.h>

struct job {
    struct operand_set set;
    long long axis; /* Negative ones count from the last. */
    double epsilon;
    struct session_options session;
    /* Enqueues the work on the operands, whose buffers are there. */
    cl_int (*enqueue)(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event);
    const void *settings; /* For enqueue(). */
};

/* Reads, computes, writes, and frees all that it took. On failure no file has changed, unless it was the
 * renaming of several finished outputs that failed midway. */
bool job_run(struct job *job, struct failure *failure);

/* The rows of an option table that every job has. */
#define JOB_OPTION_ROWS(job)                                                                                                   \
    { .name = "axis",                                                                                                          \
      .kind = OPTION_INTEGER,                                                                                                  \
      .to.integer = &(job).axis,                                                                                               \
      .argument = "AXIS",                                                                                                      \
      .integer_range = { -CLBN_MAX_RANK, CLBN_MAX_RANK - 1 },                                                                  \
      .help = "channel axis of x; negative ones count from the last (default 1)" },                                            \
        { .name = "epsilon",                                                                                                   \
          .kind = OPTION_REAL,                                                                                                 \
          .to.real = &(job).epsilon,                                                                                           \
          .argument = "EPSILON",                                                                                               \
          .real_range = { 0, DBL_MAX },                                                                                        \
          .help = "added to the variance (default 1e-5)" },                                                                    \
        SESSION_OPTION_ROWS((job).session)

#endif
