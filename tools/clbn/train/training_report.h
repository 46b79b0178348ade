/* SPDX-License-Identifier: MIT */
/* What trainings of one or several seeds show: tables and a summary for people, a CSV file for programs, a picture for both. */
#ifndef CLBN_TOOL_TRAINING_REPORT_H
#define CLBN_TOOL_TRAINING_REPORT_H

#include "io/failure.h"
#include "io/output_file.h"
#include "io/progress.h"
#include "train/training.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: closed. */
struct training_report {
    const struct training_options *options; /* of the training in progress */
    struct output_file log;
    struct progress progress;
    struct training_curve *curves; /* of each seed */
    size_t seeds;
    size_t seed; /* in progress */
};

/* Starts the CSV file unless its path is NULL. The options must live as long; their seed is that of the training in progress. On
 * failure the report is closed. */
bool training_report_open(struct training_report *report, const struct training_options *options, size_t seeds,
                          const char *log_path, struct failure *failure);
void training_report_close(struct training_report *report);

/* Starts the table of a seed, 0 to seeds - 1. Returns the curve that its training is to fill. */
struct training_curve *training_report_start(struct training_report *report, size_t seed);

/* A training's observer; it stops a training whose networks have all diverged. */
struct training_observer training_report_observer(struct training_report *report);

/* Prints the summary and gives the CSV file its name. */
bool training_report_finish(struct training_report *report, struct failure *failure);

/* Draws accuracy against steps and, with inputs, beside it what a typical sigmoid was given, as the paper's Figure 1 does: means of
 * the seeds, in a band from the least to the greatest. Where gnuplot is missing, says so instead. */
bool training_report_plot(const struct training_report *report, bool inputs, const char *path, struct failure *failure);

#endif
