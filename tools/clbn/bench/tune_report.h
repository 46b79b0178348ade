/* SPDX-License-Identifier: MIT */
/* What 'clbn tune' shows: a table for people as the rows come, then where it is remembered; JSON for programs. */
#ifndef CLBN_TOOL_TUNE_REPORT_H
#define CLBN_TOOL_TUNE_REPORT_H

#include "bench/case.h"
#include "io/failure.h"
#include "io/output_file.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

enum { TUNE_DIVISION_TEXT = 128 };

/* An operation of a case. */
struct tune_row {
    struct bench_case what;
    clbn_tune_result result;
    char division[TUNE_DIVISION_TEXT]; /* of later plans */
};

struct tune_report {
    cl_device_id device;
    clbn_activation activation;
    char folder[4096]; /* of the disk cache; empty if it is off */
    bool stored;       /* all that was found */
    struct tune_row *rows;
    size_t row_count;
};

void tune_print_head(const struct tune_report *report);
void tune_print_row(const struct tune_row *row);
void tune_print_skipped(const struct bench_case *what, const char *reason);
void tune_print_end(const struct tune_report *report);

/* How many times as fast as without tuning. */
double tune_gain(const clbn_tune_result *result);

/* Writes all to a file that is open, finishes it and gives it its name. */
bool tune_write_json(const struct tune_report *report, struct output_file *file, struct failure *failure);

#endif
