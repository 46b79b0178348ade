/* What a training shows: a table and a summary for people, a CSV file for programs, a picture for both. */
#ifndef CLBN_TOOL_TRAINING_REPORT_H
#define CLBN_TOOL_TRAINING_REPORT_H

#include "io/failure.h"
#include "io/output_file.h"
#include "io/progress.h"
#include "train/training.h"

#include <stdbool.h>
#include <stddef.h>

/* All zero: closed. */
struct training_report {
    const struct training_options *options;
    struct output_file log;
    struct progress progress;
    struct training_point *points;
    size_t point_count;
    size_t point_capacity;
    size_t diverged_at[CONTENDERS]; /* the step of the first point with a loss that is not finite; 0: none */
};

/* Starts the table, and the CSV file unless its path is NULL. On failure the report is closed. */
bool training_report_open(struct training_report *report, const struct training_options *options, const char *log_path,
                          struct failure *failure);
void training_report_close(struct training_report *report);

/* A training's observer; it stops a training whose networks have all diverged. */
struct training_observer training_report_observer(struct training_report *report);

/* Prints the summary and gives the CSV file its name. */
bool training_report_finish(struct training_report *report, struct failure *failure);

/* Draws accuracy against steps. Where gnuplot is missing, says so instead. */
bool training_report_plot(const struct training_report *report, const char *path, struct failure *failure);

#endif
