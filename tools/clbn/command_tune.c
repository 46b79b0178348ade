/* SPDX-License-Identifier: MIT */
/* clbn tune: finds the fastest division of work for shapes, and has the library remember it. */
#include "bench/operation.h"
#include "bench/selection.h"
#include "bench/tensors.h"
#include "bench/tune_report.h"
#include "commands.h"
#include "io/activation.h"
#include "io/device.h"
#include "io/failure.h"
#include "io/options.h"
#include "io/output_file.h"
#include "io/progress.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

struct request {
    struct bench_selection selection;
    int activation; /* A clbn_activation. */
    double seconds;
    const char *json; /* NULL: none */
    struct session_options session;
};

/* Plans that are wanted: each shape in each layout and type. */
static size_t count_plans(const struct bench_selection *selection)
{
    size_t count = 0;

    for (int type = 0; type < BENCH_TYPES; type++)
        for (size_t i = 0; i < selection->shapes.count && selection->types.wanted[type]; i++)
            for (int layout = 0; layout < BENCH_LAYOUTS; layout++)
                count += bench_selection_has(selection, &selection->shapes.shapes[i], (enum bench_layout)layout);
    return count;
}

/* How a plan that is created now divides its work. */
static bool describe_division(const struct session *session, struct tune_row *row, struct failure *failure)
{
    static const clbn_plan_info names[BENCH_OPS] = {
        [BENCH_FORWARD] = CLBN_PLAN_FORWARD_DIVISION,
        [BENCH_BACKWARD] = CLBN_PLAN_BACKWARD_DIVISION,
        [BENCH_INFERENCE] = CLBN_PLAN_INFERENCE_DIVISION,
    };
    clbn_plan plan = bench_create_plan(session->engine, &row->what, failure);

    if (plan == NULL)
        return false;
    cl_int status = clbnGetPlanInfo(plan, names[row->what.op], sizeof(row->division), row->division, NULL);
    clbnReleasePlan(plan);
    return status == CLBN_SUCCESS || fail_clbn(failure, "asking how a plan divides its work", status);
}

/* Appends and prints a row for each operation that is wanted. */
static bool report_case(const struct request *request, const struct session *session, const struct bench_case *the_case,
                        const clbn_tune_report *found, struct tune_report *report, struct failure *failure)
{
    const clbn_tune_result *const results[BENCH_OPS] = {
        [BENCH_FORWARD] = &found->forward,
        [BENCH_BACKWARD] = &found->backward,
        [BENCH_INFERENCE] = &found->inference,
    };

    for (int op = 0; op < BENCH_OPS; op++) {
        struct tune_row *row = &report->rows[report->row_count];

        if (!request->selection.ops.wanted[op])
            continue;
        row->what = *the_case;
        row->what.op = (enum bench_op)op;
        row->result = *results[op];
        if (!describe_division(session, row, failure))
            return false;
        tune_print_row(row);
        report->row_count++;
    }
    return true;
}

static cl_uint operation_bits(const struct bench_choice *ops)
{
    return (ops->wanted[BENCH_FORWARD] ? CLBN_OPERATION_FORWARD : 0u) |
           (ops->wanted[BENCH_BACKWARD] ? CLBN_OPERATION_BACKWARD : 0u) |
           (ops->wanted[BENCH_INFERENCE] ? CLBN_OPERATION_INFERENCE : 0u);
}

static bool tune_case(const struct request *request, const struct session *session, const struct bench_case *the_case,
                      struct progress *progress, struct tune_report *report, struct failure *failure)
{
    clbn_tune_args args = CLBN_TUNE_ARGS_INIT;
    clbn_tune_report found = CLBN_TUNE_REPORT_INIT;
    struct failure reason;

    if (!bench_tensors_fit(session, the_case, &reason)) {
        progress_clear(progress);
        tune_print_skipped(the_case, reason.sentence);
        return true;
    }
    clbn_plan plan = bench_create_plan(session->engine, the_case, failure);
    if (plan == NULL)
        return false;
    args.operations = operation_bits(&request->selection.ops);
    args.seconds = request->seconds;
    cl_int status = clbnTunePlan(plan, session->queue, &args, &found);
    clbnReleasePlan(plan);
    progress_clear(progress);
    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "the measurement", status);
    report->stored = report->stored && found.stored;
    return report_case(request, session, the_case, &found, report, failure);
}

static bool tune_all(const struct request *request, const struct session *session, struct tune_report *report,
                     struct failure *failure)
{
    const struct bench_selection *selection = &request->selection;
    struct progress progress;
    size_t done = 0;

    progress_start(&progress, "tuning", count_plans(selection));
    progress_update(&progress, 0);
    for (int type = 0; type < BENCH_TYPES; type++)
        for (size_t i = 0; i < selection->shapes.count && selection->types.wanted[type]; i++)
            for (int layout = 0; layout < BENCH_LAYOUTS; layout++) {
                const struct bench_case the_case = { .shape = selection->shapes.shapes[i],
                                                     .layout = (enum bench_layout)layout,
                                                     .type = (enum bench_type)type,
                                                     .activation = (clbn_activation)request->activation };

                if (!bench_selection_has(selection, &the_case.shape, the_case.layout))
                    continue;
                if (!tune_case(request, session, &the_case, &progress, report, failure))
                    return false;
                progress_update(&progress, ++done);
            }
    progress_clear(&progress);
    return report->row_count > 0 || fail(failure, "no shape could be measured");
}

static int run(const struct request *request)
{
    int exit_code = EXIT_FAILED;
    struct failure failure;
    struct session session = { 0 };
    struct tune_report report = { .activation = (clbn_activation)request->activation, .stored = true };
    struct output_file json = { 0 };

    report.rows = calloc(count_plans(&request->selection), BENCH_OPS * sizeof(*report.rows));
    if (report.rows == NULL) {
        fail(&failure, "there is no memory for the rows of the table");
        goto cleanup;
    }
    if ((request->json != NULL && !output_file_open(&json, request->json, &failure)) ||
        !session_open(&session, &request->session, &failure))
        goto cleanup;
    report.device = session.device;
    clbnGetEngineInfo(session.engine, CLBN_ENGINE_CACHE_FOLDER, sizeof(report.folder), report.folder, NULL);
    tune_print_head(&report);
    if (!tune_all(request, &session, &report, &failure))
        goto cleanup;
    tune_print_end(&report);
    if (request->json == NULL || tune_write_json(&report, &json, &failure))
        exit_code = EXIT_DONE;

cleanup:
    if (exit_code != EXIT_DONE)
        report_failure(&failure);
    output_file_close(&json);
    session_close(&session);
    free(report.rows);
    return exit_code;
}

int command_tune(int argc, char **argv)
{
    struct request request = { .seconds = 4 };
    struct bench_selection_texts texts = BENCH_SELECTION_TEXTS_INIT;
    struct command_option options[] = {
        BENCH_SELECTION_OPTION_ROWS(texts),
        { .name = "activation",
          .kind = OPTION_CHOICE,
          .to.choice = &request.activation,
          .choices = activation_names,
          .help = "the function that forms y: each has programs of its own (default none)" },
        { .name = "seconds",
          .kind = OPTION_REAL,
          .to.real = &request.seconds,
          .argument = "SECONDS",
          .real_range = { 1e-6, 3600 },
          .help = "about how long each operation is measured (default 4)" },
        { .name = "json",
          .kind = OPTION_STRING,
          .to.string = &request.json,
          .argument = "FILE.json",
          .help = "write everything measured to a file" },
        SESSION_OPTION_ROWS(request.session),
    };
    const struct command_line command = { "tune", "Find the fastest divisions of work on a device, and remember them", options,
                                          OPTION_COUNT(options) };
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    exit_code = bench_selection_parse(&command, &texts, &request.selection);
    if (exit_code == EXIT_DONE)
        exit_code = run(&request);
    bench_selection_free(&request.selection);
    return exit_code;
}
