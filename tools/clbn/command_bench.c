/* SPDX-License-Identifier: MIT */
/* clbn bench: times batch normalizations against the machine's own limit, and against oneDNN. */
#include "bench/case.h"
#include "bench/costs.h"
#include "bench/limit.h"
#include "bench/measure.h"
#include "bench/peer.h"
#include "bench/report.h"
#include "bench/run.h"
#include "bench/selection.h"
#include "bench/tensors.h"
#include "commands.h"
#include "io/activation.h"
#include "io/device.h"
#include "io/failure.h"
#include "io/options.h"
#include "io/output_file.h"
#include "io/plot.h"
#include "io/progress.h"
#include "system/machine.h"

#include <stdio.h>
#include <stdlib.h>

enum { PEER_NONE, PEER_ONEDNN };

struct request {
    struct bench_selection selection;
    int activation; /* A clbn_activation. */
    bool residual;
    int peer;
    bool quick;
    bool no_costs;
    const char *json; /* NULL: none */
    const char *plot; /* NULL: none */
    struct session_options session;
};

/* Appends the rows of a shape and type. */
static void list_shape(const struct request *request, const struct bench_shape *shape, enum bench_type type,
                       struct bench_report *report)
{
    for (int op = 0; op < BENCH_OPS; op++) {
        for (int layout = 0; layout < BENCH_LAYOUTS && request->selection.ops.wanted[op]; layout++) {
            struct bench_row *row = &report->rows[report->row_count];

            if (!bench_selection_has(&request->selection, shape, (enum bench_layout)layout))
                continue;
            row->what.shape = *shape;
            row->what.op = (enum bench_op)op;
            row->what.layout = (enum bench_layout)layout;
            row->what.type = type;
            row->what.activation = (clbn_activation)request->activation;
            row->what.residual = request->residual;
            report->row_count++;
        }
    }
}

static bool list_rows(const struct request *request, struct bench_report *report, struct failure *failure)
{
    const struct bench_shape_list *shapes = &request->selection.shapes;

    report->rows = calloc(shapes->count, sizeof(*report->rows) * BENCH_TYPES * BENCH_OPS * BENCH_LAYOUTS);
    if (report->rows == NULL)
        return fail(failure, "there is no memory for the rows of the table");
    for (int type = 0; type < BENCH_TYPES; type++)
        for (size_t i = 0; i < shapes->count && request->selection.types.wanted[type]; i++)
            list_shape(request, &shapes->shapes[i], (enum bench_type)type, report);
    return true;
}

/* Rows of the same shape and type follow each other and share their tensors. */
static bool same_tensors(const struct bench_case *left, const struct bench_case *right)
{
    bool same = left->type == right->type && left->shape.rank == right->shape.rank;

    for (cl_uint i = 0; i < left->shape.rank && same; i++)
        same = left->shape.sizes[i] == right->shape.sizes[i];
    return same;
}

/* Measures the rows from first on that share tensors, or marks them as skipped; *next becomes the row behind them. */
static bool measure_shape(const struct bench_run *run, struct bench_report *report, size_t first, size_t *next,
                          struct progress *progress, struct failure *failure)
{
    struct bench_tensors tensors = { 0 };
    struct failure reason;
    bool fits = bench_tensors_fit(run->session, &report->rows[first].what, &reason);
    bool done = !fits || bench_tensors_open(&tensors, run->session, &report->rows[first].what, failure);

    for (*next = first; done && *next < report->row_count && same_tensors(&report->rows[first].what, &report->rows[*next].what);
         ++*next) {
        struct bench_row *row = &report->rows[*next];

        if (fits)
            done = bench_run_row(run, &tensors, row, failure);
        else
            snprintf(row->skipped, sizeof(row->skipped), "%.*s", (int)sizeof(row->skipped) - 1, reason.sentence);
        if (done) {
            progress_clear(progress);
            bench_print_row(report, row);
            progress_update(progress, *next + 1);
        }
    }
    bench_tensors_close(&tensors);
    return done;
}

static bool measure_rows(const struct bench_run *run, struct bench_report *report, struct failure *failure)
{
    struct progress progress;
    bool done = true;

    progress_start(&progress, "measuring", report->row_count);
    for (size_t i = 0; i < report->row_count && done;)
        done = measure_shape(run, report, i, &i, &progress, failure);
    progress_clear(&progress);
    return done;
}

/* Fails where nothing was measured. */
static bool check_rows(const struct bench_report *report, struct failure *failure)
{
    for (size_t i = 0; i < report->row_count; i++)
        if (report->rows[i].skipped[0] == '\0')
            return true;
    return fail(failure, "no shape could be measured: %s", report->rows[0].skipped);
}

/* oneDNN computes on the CPU, and on the same memory as the device. */
static bool check_peer(const struct session *session, struct failure *failure)
{
    cl_device_type kind = 0;

    if (bench_peer_version() == NULL)
        return fail(failure, "this clbn was built without oneDNN: install libdnnl-dev, and build it again");
    if (clGetDeviceInfo(session->device, CL_DEVICE_TYPE, sizeof(kind), &kind, NULL) != CL_SUCCESS ||
        (kind & CL_DEVICE_TYPE_CPU) == 0)
        return fail(failure, "oneDNN runs on the CPU, and the device is another; see --device");
    return true;
}

static bool open_outputs(const struct request *request, struct output_file *json, struct failure *failure)
{
    return (request->plot == NULL || plot_probe(request->plot, failure)) &&
           (request->json == NULL || output_file_open(json, request->json, failure));
}

static bool measure(const struct request *request, const struct session *session, struct bench_report *report,
                    struct failure *failure)
{
    struct bench_limit limit = { 0 };
    struct bench_run run = { session, NULL, &limit, request->quick ? &bench_effort_quick : &bench_effort_full,
                             request->peer == PEER_ONEDNN };
    bool done = false;
    cl_int status;

    run.profiled = clCreateCommandQueue(session->context, session->device, CL_QUEUE_PROFILING_ENABLE, &status);
    if (run.profiled == NULL)
        return fail_opencl(failure, "creating an OpenCL queue that takes times", status);
    if (bench_limit_open(&limit, session, failure)) {
        bench_print_head(report);
        done = (!report->has_costs || bench_costs_measure(&report->costs, session, &limit, failure)) &&
               measure_rows(&run, report, failure) && check_rows(report, failure);
    }
    bench_limit_close(&limit);
    clReleaseCommandQueue(run.profiled);
    return done;
}

static int run(const struct request *request)
{
    int exit_code = EXIT_FAILED;
    struct failure failure;
    struct session session = { 0 };
    struct bench_report report = { .activation = (clbn_activation)request->activation,
                                   .residual = request->residual,
                                   .quick = request->quick,
                                   .has_costs = !request->no_costs,
                                   .load = machine_load() };
    struct output_file json = { 0 };
    char peer[80];

    if (!list_rows(request, &report, &failure) || !open_outputs(request, &json, &failure) ||
        !bench_costs_open(&report.costs, &session, &request->session, &failure))
        goto cleanup;
    report.device = session.device;
    if (request->peer == PEER_ONEDNN) {
        if (!check_peer(&session, &failure))
            goto cleanup;
        snprintf(peer, sizeof(peer), "oneDNN %s", bench_peer_version());
        report.peer = peer;
    }
    if (!measure(request, &session, &report, &failure))
        goto cleanup;
    bench_print_summary(&report);
    if ((request->json == NULL || bench_write_json(&report, &json, &failure)) &&
        (request->plot == NULL || bench_draw(&report, request->plot, &failure)))
        exit_code = EXIT_DONE;

cleanup:
    if (exit_code != EXIT_DONE)
        report_failure(&failure);
    output_file_close(&json);
    session_close(&session);
    free(report.rows);
    return exit_code;
}

/* Returns EXIT_DONE or EXIT_USAGE. */
static int check_outputs(const struct command_line *command, const struct request *request)
{
    if (request->plot != NULL && !plot_is_format(request->plot))
        return usage_error(command, "--plot takes a file name that ends in .svg or .png, not '%s'", request->plot);
    if (request->plot != NULL && request->json != NULL && output_file_is(request->plot, request->json))
        return usage_error(command, "--json and --plot both write '%s'", request->plot);
    return EXIT_DONE;
}

int command_bench(int argc, char **argv)
{
    static const char *const peers[] = { "none", "onednn", NULL };
    struct request request = { 0 };
    struct bench_selection_texts texts = BENCH_SELECTION_TEXTS_INIT;
    struct command_option options[] = {
        BENCH_SELECTION_OPTION_ROWS(texts),
        { .name = "activation",
          .kind = OPTION_CHOICE,
          .to.choice = &request.activation,
          .choices = activation_names,
          .help = "the function that forms y (default none)" },
        { .name = "residual",
          .kind = OPTION_FLAG,
          .to.flag = &request.residual,
          .help = "add a residual before the activation, and compute its gradient" },
        { .name = "peer",
          .kind = OPTION_CHOICE,
          .to.choice = &request.peer,
          .choices = peers,
          .help = "measure oneDNN as well, in turns on the same data (default none)" },
        { .name = "quick", .kind = OPTION_FLAG, .to.flag = &request.quick, .help = "measure less, for a first look" },
        { .name = "no-costs",
          .kind = OPTION_FLAG,
          .to.flag = &request.no_costs,
          .help = "leave out what engines, plans and small calls cost on the host, which compiles programs anew" },
        { .name = "json",
          .kind = OPTION_STRING,
          .to.string = &request.json,
          .argument = "FILE.json",
          .help = "write everything measured to a file" },
        { .name = "plot",
          .kind = OPTION_STRING,
          .to.string = &request.plot,
          .argument = "FILE",
          .help = "draw GB/s for each shape against the limit to a .svg or .png file" },
        SESSION_OPTION_ROWS(request.session),
    };
    const struct command_line command = { "bench", "Time batch normalizations against the machine's own limit", options,
                                          OPTION_COUNT(options) };
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    exit_code = check_outputs(&command, &request);
    if (exit_code == EXIT_DONE)
        exit_code = bench_selection_parse(&command, &texts, &request.selection);
    if (exit_code == EXIT_DONE)
        exit_code = run(&request);
    bench_selection_free(&request.selection);
    return exit_code;
}
