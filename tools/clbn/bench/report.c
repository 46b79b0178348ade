/* SPDX-License-Identifier: MIT */
#include "bench/report.h"

#include "io/activation.h"
#include "io/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_fusion(clbn_activation activation, bool residual)
{
    if (activation != CLBN_ACTIVATION_NONE || residual)
        printf("y = %s(batch norm%s)\n", activation == CLBN_ACTIVATION_NONE ? "" : activation_names[activation],
               residual ? " + residual" : "");
}

void bench_print_head(const struct bench_report *report)
{
    char *name = device_text(report->device, CL_DEVICE_NAME);
    char *driver = device_text(report->device, CL_DRIVER_VERSION);

    printf("clbn %s%s%s%s\n%s\ndriver %s\n", clbnVersion(), report->peer != NULL ? " beside " : "",
           report->peer != NULL ? report->peer : "", report->quick ? "; a quick look, not figures to keep" : "",
           name != NULL ? name : "?", driver != NULL ? driver : "?");
    print_fusion(report->activation, report->residual);
    printf("\nThe limit is the rate of a kernel that only moves bytes: a copy, or a triad\n"
           "where several tensors are read. The floor, on a CPU, is the time of kernels that\n"
           "walk over the tensors, twice where results need sums, with the least of\n"
           "arithmetic and conversions on the way. Times are in ms: medians of a call with\n"
           "its wait, and on the device of one among many.\n\n");
    printf("%-9s %-14s %-6s %-8s %7s %6s %8s %7s %7s\n", "op", "shape", "layout", "type", "median", "GB/s", "of limit",
           report->peer != NULL ? "oneDNN" : "device", report->peer != NULL ? "faster" : "floor");
    fflush(stdout);
    free(name);
    free(driver);
}

/* A column; "-" where they are not known. */
static void print_milliseconds(double seconds)
{
    double milliseconds = 1e3 * seconds;

    if (!isfinite(seconds))
        printf(" %7s", "-");
    else
        printf(" %7.*f", milliseconds < 10 ? 4 : milliseconds < 100 ? 3 : 2, milliseconds);
}

static void print_times(const struct bench_report *report, const struct bench_row *row)
{
    const struct bench_summary *wall = &row->clbn.wall;
    double rate = bench_row_rate(row, wall->median);

    print_milliseconds(wall->median);
    printf(" %6.2f %8.2f", rate, rate / bench_row_limit_rate(row));
    if (report->peer == NULL) {
        print_milliseconds(row->clbn.device_seconds);
        print_milliseconds(bench_row_floor(row));
    } else {
        print_milliseconds(row->has_peer ? row->peer.median : (double)NAN);
        if (bench_row_is_unsteady(row))
            printf(" %7s", "unclear");
        else if (row->has_peer)
            printf(" %6.2fx", bench_row_peer_ratio(row));
        else
            printf(" %7s", "-"); /* It has not this operation. */
    }
    printf("\n");
}

void bench_print_row(const struct bench_report *report, const struct bench_row *row)
{
    char shape[BENCH_SHAPE_TEXT];

    bench_shape_format(&row->what.shape, shape);
    printf("%-9s %-14s %-6s %-8s", bench_op_names[row->what.op], shape, bench_layout_names[row->what.layout],
           bench_type_names[row->what.type]);
    if (row->skipped[0] == '\0')
        print_times(report, row);
    else
        printf(" not measured: %s\n", row->skipped);
    fflush(stdout); /* A row is news, also in a pipe. */
}

/* Figures of a machine that does something else, too, are not worth much, and oneDNN's threads, which wait for each
 * other, suffer the most. */
static void print_load(double load)
{
    if (load > 0.5)
        printf("The load average was %.2f at the start: other programs may have disturbed these\nfigures.\n", load);
}

/* A geometric mean and the least of ratios. */
struct ratios {
    double logarithms;
    double least;
    size_t count;
};

/* Unless it is not known. */
static void add_ratio(struct ratios *ratios, double ratio)
{
    if (isnan(ratio))
        return;
    ratios->logarithms += log(ratio);
    ratios->least = ratios->count == 0 ? ratio : fmin(ratios->least, ratio);
    ratios->count++;
}

static double geometric_mean(const struct ratios *ratios)
{
    return exp(ratios->logarithms / (double)ratios->count);
}

/* "0.85 (0.71)" */
static void print_ratios(const struct ratios *ratios)
{
    char text[32] = "-";

    if (ratios->count > 0)
        snprintf(text, sizeof(text), "%.2f (%.2f)", geometric_mean(ratios), ratios->least);
    printf(" %11s", text);
}

/* The line of the summary for rows that differ in their shape only; nothing where there are none. */
static void print_means(const struct bench_report *report, enum bench_op op, enum bench_layout layout, enum bench_type type)
{
    struct ratios limit = { 0 }, floor = { 0 }, peer = { 0 }, bound = { 0 };

    for (size_t i = 0; i < report->row_count; i++) {
        const struct bench_row *row = &report->rows[i];
        double ratio = bench_row_peer_ratio(row);

        if (row->what.op != op || row->what.layout != layout || row->what.type != type || row->skipped[0] != '\0')
            continue;
        add_ratio(&limit, bench_row_rate(row, row->clbn.wall.median) / bench_row_limit_rate(row));
        add_ratio(&floor, bench_row_floor(row) / row->clbn.wall.median);
        add_ratio(&peer, ratio);
        add_ratio(&bound, ratio * row->clbn.wall.median / bench_row_floor(row));
    }
    if (limit.count == 0)
        return;
    printf("%-9s %-6s %-8s %6zu", bench_op_names[op], bench_layout_names[layout], bench_type_names[type], limit.count);
    print_ratios(&limit);
    print_ratios(&floor);
    if (report->peer != NULL) {
        print_ratios(&peer);
        print_ratios(&bound);
    }
    printf("\n");
}

static void print_all_means(const struct bench_report *report)
{
    size_t unsteady = 0;

    printf("\nGeometric means, and the least in parentheses:\n%-9s %-6s %-8s %6s %11s %11s", "op", "layout", "type", "shapes",
           "of limit", "of floor");
    if (report->peer != NULL)
        printf(" %11s %11s", "faster", "the floor's");
    printf("\n");
    for (int type = 0; type < BENCH_TYPES; type++) {
        for (int op = 0; op < BENCH_OPS; op++)
            for (int layout = 0; layout < BENCH_LAYOUTS; layout++)
                print_means(report, (enum bench_op)op, (enum bench_layout)layout, (enum bench_type)type);
    }
    for (size_t i = 0; i < report->row_count; i++)
        unsteady += bench_row_is_unsteady(&report->rows[i]);
    if (unsteady > 0)
        printf("Unclear are %zu rows, which are in no mean beside the peer: their times spread so\n"
               "much, or other programs are so busy, that a ratio means nothing.\n",
               unsteady);
}

static void print_call(const char *name, const struct bench_call_costs *costs)
{
    printf("  %-16s %8.1f until the call returns, %.1f with the wait\n", name, 1e6 * costs->enqueue.median,
           1e6 * costs->whole.median);
}

static void print_costs(const struct bench_costs *costs)
{
    printf("\nOn the host, medians in us (OpenCL may keep compiled programs on disk):\n");
    printf("  %-35s %10.1f the first time, %.1f again\n", "creating an engine", 1e6 * costs->engine_first,
           1e6 * costs->engine_again.median);
    printf("  %-35s %10.1f the first time,\n  %-35s %10.1f compiled again,\n  %-35s %10.1f from the disk cache\n",
           "creating the first plan of a kind", 1e6 * costs->kind_first, "", 1e6 * costs->kind_compiled.median, "",
           1e6 * costs->kind_cached.median);
    printf("  %-35s %10.1f\n", "creating a plan for a new shape", 1e6 * costs->plan.median);
    printf("On 60 x 100 values:\n");
    for (int op = 0; op < BENCH_OPS; op++)
        print_call(bench_op_names[op], &costs->call[op]);
    printf("Bare OpenCL calls with as many arguments, and kernels that walk over the values:\n");
    for (int op = 0; op < BENCH_OPS; op++)
        print_call(bench_op_names[op], &costs->floor[op]);
    print_call("an empty kernel", &costs->nothing);
}

void bench_print_summary(const struct bench_report *report)
{
    print_all_means(report);
    if (report->has_costs)
        print_costs(&report->costs);
    printf("\n");
    print_load(report->load);
}
