/* SPDX-License-Identifier: MIT */
#include "bench/tune_report.h"

#include "bench/json.h"
#include "io/activation.h"
#include "io/device.h"
#include "io/json.h"

#include <stdio.h>
#include <stdlib.h>

double tune_gain(const clbn_tune_result *result)
{
    return result->usual_seconds / result->best_seconds;
}

void tune_print_head(const struct tune_report *report)
{
    char *name = device_text(report->device, CL_DEVICE_NAME);
    char *driver = device_text(report->device, CL_DRIVER_VERSION);

    printf("clbn %s\n%s\ndriver %s\n", clbnVersion(), name != NULL ? name : "?", driver != NULL ? driver : "?");
    if (report->activation != CLBN_ACTIVATION_NONE)
        printf("y = %s(batch norm)\n", activation_names[report->activation]);
    printf("Times are in ms, of a call with its wait: divided as usual, and in the best way\nthat was found, which stands "
           "below.\n\n");
    printf("%-9s %-14s %-6s %-8s %9s %9s %6s %8s\n", "op", "shape", "layout", "type", "usual", "best", "gain", "measured");
    fflush(stdout);
    free(name);
    free(driver);
}

static void print_case(const char *op, const struct bench_case *what)
{
    char shape[BENCH_SHAPE_TEXT];

    bench_shape_format(&what->shape, shape);
    printf("%-9s %-14s %-6s %-8s ", op, shape, bench_layout_names[what->layout], bench_type_names[what->type]);
}

void tune_print_row(const struct tune_row *row)
{
    const clbn_tune_result *result = &row->result;

    print_case(bench_op_names[row->what.op], &row->what);
    printf("%9.4f %9.4f %5.2fx %3zu / %-2zu\n    %s\n", 1e3 * result->usual_seconds, 1e3 * result->best_seconds,
           tune_gain(result), result->measured, result->divisions, row->division);
    fflush(stdout); /* A row is news, also in a pipe. */
}

void tune_print_skipped(const struct bench_case *what, const char *reason)
{
    print_case("-", what);
    printf("not measured: %s\n", reason);
    fflush(stdout);
}

void tune_print_end(const struct tune_report *report)
{
    if (report->folder[0] == '\0')
        printf("\nNothing is remembered: the disk cache is off (CLBN_CACHE_DIR).\n");
    else if (report->stored)
        printf("\nRemembered in %s for all later programs.\n", report->folder);
    else
        printf("\nNot all is remembered: %s cannot be written to, or others may write to it.\n", report->folder);
}

static void write_row(struct json *json, const struct tune_row *row)
{
    json_open(json, NULL, '{');
    bench_json_case(json, &row->what);
    json_real(json, "usual_s", row->result.usual_seconds);
    json_real(json, "best_s", row->result.best_seconds);
    json_real(json, "gain", tune_gain(&row->result));
    json_integer(json, "divisions", row->result.divisions);
    json_integer(json, "measured", row->result.measured);
    json_string(json, "division", row->division);
    json_close(json);
}

bool tune_write_json(const struct tune_report *report, struct output_file *file, struct failure *failure)
{
    struct json json = json_start(file->stream);

    json_open(&json, NULL, '{');
    json_string(&json, "version", clbnVersion());
    bench_json_device(&json, report->device);
    json_string(&json, "folder", report->folder[0] != '\0' ? report->folder : NULL);
    json_bool(&json, "stored", report->stored);
    json_open(&json, "records", '[');
    for (size_t i = 0; i < report->row_count; i++)
        write_row(&json, &report->rows[i]);
    json_close(&json);
    json_close(&json);
    return output_file_finish(file, failure) && output_file_publish(file, failure);
}
