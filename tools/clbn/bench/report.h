/* SPDX-License-Identifier: MIT */
/* What 'clbn bench' shows: a table for people as the rows come, then a summary; JSON for programs; a picture. */
#ifndef CLBN_TOOL_BENCH_REPORT_H
#define CLBN_TOOL_BENCH_REPORT_H

#include "bench/costs.h"
#include "bench/run.h"
#include "io/failure.h"
#include "io/output_file.h"

#include <clbn.h>
#include <stdbool.h>
#include <stddef.h>

/* The report of a run. */
struct bench_report {
    cl_device_id device;
    const char *peer; /* "oneDNN 2.6.3", or NULL */
    clbn_activation activation;
    bool residual;
    bool quick;
    bool has_costs; /* else what `costs` has was not measured */
    double load;    /* the load average at the start; NAN where the system has none */
    struct bench_costs costs;
    struct bench_row *rows;
    size_t row_count;
};

/* The table: its head, a row, and what follows the last row. */
void bench_print_head(const struct bench_report *report);
void bench_print_row(const struct bench_report *report, const struct bench_row *row);
void bench_print_summary(const struct bench_report *report);

/* Writes all to a file that is open, finishes it and gives it its name. */
bool bench_write_json(const struct bench_report *report, struct output_file *file, struct failure *failure);

/* Draws achieved GB/s for each shape against the limit. Where gnuplot is missing, says so instead. */
bool bench_draw(const struct bench_report *report, const char *path, struct failure *failure);

#endif
