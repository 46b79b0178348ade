/* SPDX-License-Identifier: MIT */
/* One batch normalization from files to files: what forward, backward and fold have in common. */
#ifndef CLBN_TOOL_JOB_H
#define CLBN_TOOL_JOB_H

#include "io/activation.h"
#include "io/device.h"
#include "io/failure.h"
#include "operands.h"

#include <clbn.h>
#include <limits.h>
#include <stdbool.h>

struct job {
    struct operand_set set;
    struct tensor_form form;
    struct activation activation;
    double epsilon;
    struct session_options session;
    /* Enqueues the work on the operands, whose buffers are there. */
    cl_int (*enqueue)(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event);
    const void *settings; /* For enqueue(). */
};

/* What a job is before its options are parsed. */
#define JOB_INIT(operands_, operand_count)                                                                                     \
    {                                                                                                                          \
        .set = { .operands = (operands_), .count = (operand_count) }, .form = { .axis = 1 }, .activation = ACTIVATION_INIT,    \
        .epsilon = 1e-5                                                                                                        \
    }

/* Combinations of a job of values' options that make no sense. Returns EXIT_DONE or EXIT_USAGE. */
int job_check_options(const struct command_line *command, const struct job *job);

/* Reads, computes, writes, and frees all that it took. On failure, which it reports, no file has changed, unless it was the
 * renaming of several finished outputs that failed midway. Returns the exit code. */
int job_run(const struct command_line *command, struct job *job);

extern const char *const job_type_names[]; /* By clbn_type, and "auto"; ends with NULL. */

/* The rows of an option table that every job has. axis_text: what its axis is. */
#define JOB_OPTION_ROWS(job, axis_text)                                                                                        \
    { .name = "type",                                                                                                          \
      .kind = OPTION_CHOICE,                                                                                                   \
      .to.choice = &(job).form.type,                                                                                           \
      .choices = job_type_names,                                                                                               \
      .help = "the tensors' type on the device; parameters are float32, or float64 with float64. Files are converted, and "    \
              "new ones of bfloat16 written as float32 (default auto: the type of the first file)" },                          \
        { .name = "axis",                                                                                                      \
          .kind = OPTION_INTEGER,                                                                                              \
          .to.integer = &(job).form.axis,                                                                                      \
          .argument = "AXIS",                                                                                                  \
          .integer_range = { -CLBN_MAX_RANK, CLBN_MAX_RANK - 1 },                                                              \
          .help = (axis_text) },                                                                                               \
        { .name = "epsilon",                                                                                                   \
          .kind = OPTION_REAL,                                                                                                 \
          .to.real = &(job).epsilon,                                                                                           \
          .argument = "EPSILON",                                                                                               \
          .real_range = { 0, DBL_MAX },                                                                                        \
          .help = "added to the variance (default 1e-5)" },                                                                    \
        SESSION_OPTION_ROWS((job).session)

/* Of forward and backward. */
#define GHOST_BATCH_OPTION_ROW(job)                                                                                            \
    {                                                                                                                          \
        .name = "ghost-batch", .kind = OPTION_INTEGER, .to.integer = &(job).form.ghost_batch, .argument = "N",                 \
        .integer_range = { 1, LLONG_MAX },                                                                                     \
        .help = "let N entries of the first axis have statistics of their own (default: all have the same)"                    \
    }

/* Those of a job on a layer's values, which job_check_options() looks at. */
#define JOB_OF_VALUES_OPTION_ROWS(job)                                                                                         \
    ACTIVATION_OPTION_ROWS((job).activation),                                                                                  \
        { .name = "per-activation",                                                                                            \
          .kind = OPTION_FLAG,                                                                                                 \
          .to.flag = &(job).form.per_activation,                                                                               \
          .help = "take statistics over the first axis alone; parameters have the shape of the others" },                      \
        JOB_OPTION_ROWS(job, "channel axis of x; negative ones count from the last (default 1)")

#endif
