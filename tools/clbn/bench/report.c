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

    printf("clbn %s on %s, driver %s%s%s%s\n", clbnVersion(), name != NULL ? name : "?", driver != NULL ? driver : "?",
           report->peer != NULL ? ", beside " : "", report->peer != NULL ? report->peer : "",
           report->quick ? "; a quick look, not figures to keep" : "");
    print_fusion(report->activation, report->residual);
    printf("The limit is the rate of a kernel that only moves bytes: a copy, or a triad where several tensors are read.\n"
           "The floor, on a CPU, is the time of kernels that walk over the tensors, twice where results need sums,\n"
           "with the least of arithmetic and conversions on the way.\n"
           "Times are in ms: of a call with its wait, and on the device of one among many.\n\n");
    printf("%-9s  %-17s %-6s %-8s  %9s %9s %9s %9s  %7s %8s  %9s", "op", "shape", "layout", "type", "median", "min", "90 %",
           "device", "GB/s", "of limit", "floor");
    if (report->peer != NULL)
        printf("  %9s %9s", "oneDNN", "faster");
    printf("\n");
    fflush(stdout);
    free(name);
    free(driver);
}

/* "-" where they are not known. */
static void print_milliseconds(double seconds)
{
    if (isfinite(seconds))
        printf(" %9.4f", 1e3 * seconds);
    else
        printf(" %9s", "-");
}

static void print_times(const struct bench_report *report, const struct bench_row *row)
{
    const struct bench_summary *wall = &row->clbn.wall;
    double rate = bench_row_rate(row, wall->median);

    printf("%9.4f %9.4f %9.4f", 1e3 * wall->median, 1e3 * wall->minimum, 1e3 * wall->percentile_90);
    print_milliseconds(row->clbn.device_seconds);
    printf("  %7.2f %8.2f", rate, rate / bench_row_limit_rate(row));
    putchar(' ');
    print_milliseconds(bench_row_floor(row));
    if (row->has_peer)
        printf("  %9.4f %8.2fx", 1e3 * row->peer.median, row->peer.median / wall->median);
    else if (report->peer != NULL)
        printf("  %9s %9s", "-", "-"); /* It has not this operation. */
    printf("\n");
}

void bench_print_row(const struct bench_report *report, const struct bench_row *row)
{
    char shape[BENCH_SHAPE_TEXT];

    bench_shape_format(&row->what.shape, shape);
    printf("%-9s  %-17s %-6s %-8s  ", bench_op_names[row->what.op], shape, bench_layout_names[row->what.layout],
           bench_type_names[row->what.type]);
    if (row->skipped[0] == '\0')
        print_times(report, row);
    else
        printf("not measured: %s\n", row->skipped);
    fflush(stdout); /* A row is news, also in a pipe. */
}

/* Figures of a machine that does something else, too, are not worth much, and oneDNN's threads, which wait for each
 * other, suffer the most. */
static void print_load(double load)
{
    if (load > 0.5)
        printf("The load average was %.2f at the start: other programs may have disturbed these figures.\n", load);
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

/* "; of floor: 0.85, the least 0.71"; nothing if there are none. */
static void print_ratios(const char *name, const struct ratios *ratios, const char *unit)
{
    if (ratios->count > 0)
        printf("; %s: %.2f%s, the least %.2f%s", name, geometric_mean(ratios), unit, ratios->least, unit);
}

/* The line of the summary for rows that differ in their shape only; nothing where there are none. */
static void print_means(const struct bench_report *report, enum bench_op op, enum bench_layout layout, enum bench_type type)
{
    struct ratios limit = { 0 }, floor = { 0 }, peer = { 0 }, bound = { 0 };

    for (size_t i = 0; i < report->row_count; i++) {
        const struct bench_row *row = &report->rows[i];
        const double peer_seconds = row->has_peer ? row->peer.median : (double)NAN;

        if (row->what.op != op || row->what.layout != layout || row->what.type != type || row->skipped[0] != '\0')
            continue;
        add_ratio(&limit, bench_row_rate(row, row->clbn.wall.median) / bench_row_limit_rate(row));
        add_ratio(&floor, bench_row_floor(row) / row->clbn.wall.median);
        add_ratio(&peer, peer_seconds / row->clbn.wall.median);
        add_ratio(&bound, peer_seconds / bench_row_floor(row));
    }
    if (limit.count == 0)
        return;
    printf("%-9s  %-4s %-8s %3zu shape%s", bench_op_names[op], bench_layout_names[layout], bench_type_names[type], limit.count,
           limit.count == 1 ? "" : "s");
    print_ratios("of limit", &limit, "");
    print_ratios("of floor", &floor, "");
    print_ratios("faster than the peer", &peer, "x");
    print_ratios("the floor itself", &bound, "x");
    printf("\n");
}

static void print_call(const char *name, const struct bench_call_costs *costs)
{
    printf("  %-42s %10.1f until the call returns, %.1f with the wait\n", name, 1e6 * costs->enqueue.median,
           1e6 * costs->whole.median);
}

static void print_costs(const struct bench_costs *costs)
{
    printf("\nOn the host, medians in us (the OpenCL runtime may keep compiled programs on disk):\n");
    printf("  %-42s %10.1f the first time, %.1f again\n", "creating an engine", 1e6 * costs->engine_first,
           1e6 * costs->engine_again.median);
    printf("  %-42s %10.1f the first time, %.1f compiled again, %.1f from the disk cache\n",
           "creating the first plan of a kind", 1e6 * costs->kind_first, 1e6 * costs->kind_compiled.median,
           1e6 * costs->kind_cached.median);
    printf("  %-42s %10.1f\n", "creating a plan for a new shape", 1e6 * costs->plan.median);
    printf("On 60 x 100 values:\n");
    for (int op = 0; op < BENCH_OPS; op++)
        print_call(bench_op_names[op], &costs->call[op]);
    printf("Bare OpenCL calls with as many arguments, whose kernels walk over the values likewise:\n");
    for (int op = 0; op < BENCH_OPS; op++)
        print_call(bench_op_names[op], &costs->floor[op]);
    print_call("a kernel that does nothing", &costs->nothing);
}

void bench_print_summary(const struct bench_report *report)
{
    printf("\nGeometric means:\n");
    for (int type = 0; type < BENCH_TYPES; type++) {
        for (int op = 0; op < BENCH_OPS; op++)
            for (int layout = 0; layout < BENCH_LAYOUTS; layout++)
                print_means(report, (enum bench_op)op, (enum bench_layout)layout, (enum bench_type)type);
    }
    if (report->has_costs)
        print_costs(&report->costs);
    printf("\n");
    print_load(report->load);
}
