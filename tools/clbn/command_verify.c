/* SPDX-License-Identifier: MIT */
/* clbn verify: checks every operation on a device against a reference, and says whether it can be relied on. */
#include "commands.h"
#include "io/device.h"
#include "io/failure.h"
#include "io/options.h"
#include "io/output_file.h"
#include "io/progress.h"
#include "verify/report.h"
#include "verify/workers.h"

#include <stdlib.h>

struct request {
    const char *device;
    const char *json; /* NULL: none */
    enum verify_extent extent;
    size_t seed;
    int patience;   /* seconds that a case may take */
    bool optimizes; /* also what no user of the device has */
};

static size_t count_cases(const struct verify_selection *selection)
{
    size_t count = 0;
    for (size_t seed = 0; seed < VERIFY_SEEDS; seed++)
        count += verify_has_case(selection, seed);
    return count;
}

static void choose_rows(struct verify_report *report)
{
    for (size_t program = 0; program < VERIFY_PROGRAMS; program++)
        if (verify_has_program(&report->selection, program))
            report->rows[report->row_count++].program = program;
}

static bool check_all(struct verify_report *report, const struct request *request, struct failure *failure)
{
    struct progress progress;
    const size_t count = count_cases(&report->selection);
    if (count == 0)
        return fail(failure, "there is no case of seed %zu on this device", report->selection.seed);
    choose_rows(report);
    verify_print_head(report);
    progress_start(&progress, "verifying", count);
    progress_update(&progress, 0);
    const bool checked = verify_check_rows(report, request->device, request->patience, &progress, failure);
    progress_clear(&progress);
    return checked;
}

static bool verify(const struct request *request, struct verify_report *report, struct output_file *json,
                   struct failure *failure)
{
    if (request->json != NULL && !output_file_open(json, request->json, failure))
        return false;
    if (!verify_describe_device(request->device, &report->device, failure))
        return false;
    report->selection.in_groups = report->device.in_groups;
    report->selection.has_float64 = report->device.has_float64;
    report->selection.extent = request->extent;
    report->selection.seed = request->seed;
    report->selection.spares_compilation = !request->optimizes && !report->device.in_groups;
    if (!check_all(report, request, failure))
        return false;
    verify_print_end(report);
    return request->json == NULL || verify_write_json(report, json, failure);
}

static int run(const struct request *request)
{
    struct failure failure;
    struct output_file json = { 0 };
    struct verify_report *report = calloc(1, sizeof *report);
    struct verify_row *rows = calloc(VERIFY_PROGRAMS, sizeof *rows);
    int exit_code = EXIT_FAILED;
    if (report == NULL || rows == NULL) {
        fail(&failure, "there is no memory for the report");
        report_failure(&failure);
        goto cleanup;
    }
    report->rows = rows;
    if (!verify(request, report, &json, &failure))
        report_failure(&failure);
    else if (report->fault_count == 0)
        exit_code = EXIT_DONE;

cleanup:
    output_file_close(&json);
    free(rows);
    free(report);
    return exit_code;
}

int command_verify(int argc, char **argv)
{
    struct request request = { .extent = VERIFY_QUICK };
    bool quick = false, full = false, part = false;
    long long seed = 0, patience = 600; /* compilers of GPUs take minutes for a program */
    struct command_option options[] = {
        { .name = "device",
          .kind = OPTION_STRING,
          .to.string = &request.device,
          .argument = "DEVICE",
          .help = DEVICE_OPTION_HELP },
        { .name = "quick",
          .kind = OPTION_FLAG,
          .to.flag = &quick,
          .help = "every operation, type and layout; a minute (the default)" },
        { .name = "full",
          .kind = OPTION_FLAG,
          .to.flag = &full,
          .help = "every activation with them, and all shapes of the tests; an hour or more" },
        { .name = "part", .kind = OPTION_FLAG, .to.flag = &part, .help = "one kind of kernels, in seconds" },
        { .name = "replay",
          .kind = OPTION_INTEGER,
          .to.integer = &seed,
          .argument = "SEED",
          .integer_range = { 0, VERIFY_SEEDS - 1 },
          .help = "one case, by the number in an earlier report (of --full, with --full)" },
        { .name = "patience",
          .kind = OPTION_INTEGER,
          .to.integer = &patience,
          .argument = "SECONDS",
          .integer_range = { 1, 86400 },
          .help = "that a case may take, its program's compilation included (default 600); longer is wrong" },
        { .name = "json",
          .kind = OPTION_STRING,
          .to.string = &request.json,
          .argument = "FILE.json",
          .help = "write what was found to a file" },
    };
    const struct command_line command = { "verify", "Check every operation on a device against a reference", options,
                                          OPTION_COUNT(options) };
    int exit_code;
    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    const bool replay = option_given(&command, "replay");
    if (quick + full + part > 1 || (replay && (quick || part)))
        return usage_error(&command, "--quick, --full, --part and --replay are ways of choosing the cases: give one");
    request.optimizes = full;
    request.extent = replay ? VERIFY_ONE : part ? VERIFY_PART : full ? VERIFY_FULL : VERIFY_QUICK;
    request.seed = (size_t)seed;
    request.patience = (int)patience;
    return run(&request);
}
