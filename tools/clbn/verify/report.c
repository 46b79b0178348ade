/* SPDX-License-Identifier: MIT */
#include "verify/report.h"

#include "io/json.h"

#include <stdio.h>
#include <string.h>

static const char *const column_names[VERIFY_COLUMNS] = { "fwd", "infer", "bwd", "frzn", "fold", "phase", "again", "event" };

static enum verify_column column_of(size_t seed)
{
    static const enum verify_column columns[OPERATIONS] = {
        [FORWARD_TRAINING] = VERIFY_FORWARD,
        [FORWARD_INFERENCE] = VERIFY_INFERENCE,
        [BACKWARD] = VERIFY_BACKWARD,
        [BACKWARD_FROZEN] = VERIFY_FROZEN,
        [FOLD] = VERIFY_FOLD,
        [SECOND_BACKWARD] = VERIFY_BACKWARD,
        [SECOND_BACKWARD_FROZEN] = VERIFY_FROZEN,
        [FORWARD_RENORM] = VERIFY_FORWARD,
        [BACKWARD_RENORM] = VERIFY_BACKWARD,
        [STATISTICS] = VERIFY_PHASES,
        [MERGE_STATISTICS] = VERIFY_PHASES,
        [NORMALIZE] = VERIFY_PHASES,
        [BACKWARD_SUMS] = VERIFY_PHASES,
        [BACKWARD_INPUT] = VERIFY_PHASES,
    };
    return columns[seed % OPERATIONS];
}

/* Of a slope near 0, or of what comes back from a stored y, ulps tell nothing: they are of programs without an activation. */
static void note_worst(struct verify_report *report, const struct verify_message *message, double *share)
{
    const struct verify_program program = verify_program_number(message->seed / VERIFY_CASES_OF_PROGRAM);
    for (int quantity = 0; quantity < QUANTITIES; quantity++) {
        const struct worst_error *error = &message->worst[quantity];
        struct verify_worst *worst = &report->worst[quantity][program.type - CLBN_FLOAT32];
        if (error->share > *share)
            *share = error->share;
        if (error->share > worst->error.share) {
            worst->error.share = error->share;
            worst->seed = message->seed;
        }
        if (program.activation != CLBN_ACTIVATION_NONE)
            continue;
        if (error->ulps > worst->error.ulps)
            worst->error.ulps = error->ulps;
        worst->error.compared += error->compared;
    }
}

void verify_note_passed(struct verify_report *report, struct verify_row *row, const struct verify_message *message)
{
    const enum verify_column column = column_of(message->seed);
    row->checked[column]++;
    row->checked[VERIFY_AGAIN]++;
    row->checked[VERIFY_EVENTS] += report->device.has_out_of_order_queues;
    report->case_count++;
    note_worst(report, message, &row->worst[column]);
}

void verify_note_failed(struct verify_report *report, struct verify_row *row, size_t seed, enum verify_stage stage,
                        const char *text)
{
    const enum verify_column column = stage == VERIFY_REPEATED ? VERIFY_AGAIN
                                      : stage == VERIFY_LATE   ? VERIFY_EVENTS
                                                               : column_of(seed);
    row->checked[column]++;
    row->failed[column]++;
    report->case_count++;
    if (report->fault_count < VERIFY_FAULTS) {
        struct verify_fault *fault = &report->faults[report->fault_count];
        fault->seed = seed;
        snprintf(fault->text, sizeof fault->text, "%s", text);
    }
    report->fault_count++;
}

/* ---- Table ---------------------------------------------------------------------------------------------------------------- */

void verify_print_head(const struct verify_report *report)
{
    const struct verify_device *device = &report->device;
    printf("clbn %s\n%.70s\n%.60s, driver %.60s\n", clbnVersion(), device->name, device->platform, device->driver);
    if (!device->has_float64)
        printf("The device has no float64: it is left out.\n");
    if (!device->has_out_of_order_queues)
        printf("The device has no out-of-order queues: races of events are left out.\n");
    printf("Numbers are the worst error, in percent of what the arithmetic allows.\n\n%-32s", "kernels");
    for (int column = 0; column < VERIFY_COLUMNS; column++)
        printf(" %5.5s", column_names[column]);
    printf("\n");
    fflush(stdout);
}

void verify_print_row(const struct verify_row *row)
{
    char text[VERIFY_PROGRAM_TEXT];
    printf("%-32s", verify_program_text(row->program, text));
    for (int column = 0; column < VERIFY_COLUMNS; column++) {
        if (row->failed[column] > 0)
            printf(" WRONG");
        else if (row->checked[column] == 0)
            printf("     -");
        else if (column >= VERIFY_AGAIN)
            printf("    ok");
        else
            printf(" %4.0f%%", 100 * row->worst[column]);
    }
    printf("\n");
    fflush(stdout); /* A row is news, also in a pipe. */
}

/* The quantities that stand in a table. */
static const enum quantity printed[] = { QUANTITY_MEAN, QUANTITY_VARIANCE, QUANTITY_INVSTD, QUANTITY_Y,
                                         QUANTITY_DX,   QUANTITY_DGAMMA,   QUANTITY_DBETA };
enum { PRINTED = sizeof printed / sizeof *printed };

static void print_ulps(const struct verify_report *report)
{
    printf("\nWorst errors without activation, in ulps of the magnitude of the terms:\n%-10s", "");
    for (int i = 0; i < PRINTED; i++)
        printf(" %9s", quantity_name(printed[i]));
    printf("\n");
    for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++) {
        const struct verify_worst *worst[PRINTED];
        size_t compared = 0;
        for (int i = 0; i < PRINTED; i++) {
            worst[i] = &report->worst[printed[i]][type - CLBN_FLOAT32];
            compared += worst[i]->error.compared;
        }
        if (compared == 0)
            continue;
        printf("%-10s", type_name(type));
        for (int i = 0; i < PRINTED; i++)
            if (worst[i]->error.compared > 0)
                printf(" %9.1f", worst[i]->error.ulps);
            else
                printf(" %9s", "-");
        printf("\n");
    }
}

static void print_case(size_t seed)
{
    struct verify_case the_case;
    char shape[SHAPE_TEXT_SIZE], program[VERIFY_PROGRAM_TEXT];
    verify_case_prepare(&the_case, seed);
    printf("  seed %zu: %s, %s\n  %s\n", seed, operation_name(the_case.call.operation),
           shape_text(&the_case.problem.shape, shape), verify_program_text(seed / VERIFY_CASES_OF_PROGRAM, program));
    verify_case_release(&the_case);
}

static void print_worst_case(const struct verify_report *report)
{
    const struct verify_worst *worst = NULL;
    enum quantity of = QUANTITY_Y;
    for (int quantity = 0; quantity < QUANTITIES; quantity++)
        for (int type = 0; type < MAX_STORED_TYPES; type++)
            if (worst == NULL || report->worst[quantity][type].error.share > worst->error.share) {
                worst = &report->worst[quantity][type];
                of = (enum quantity)quantity;
            }
    if (worst == NULL || worst->error.share <= 0)
        return;
    printf("\nThe worst case: %s, %.0f%% of what is allowed\n", quantity_name(of), 100 * worst->error.share);
    print_case(worst->seed);
}

/* In lines of 78 characters, between words where there are any. */
static void print_folded(const char *text)
{
    while (*text != '\0') {
        size_t length = strlen(text), end = length;
        if (length > 76)
            for (end = 76; end > 40 && text[end] != ' ';)
                end--;
        printf("    %.*s\n", (int)end, text);
        text += end;
        text += *text == ' ';
    }
}

static void print_faults(const struct verify_report *report)
{
    const size_t shown = report->fault_count < VERIFY_FAULTS ? report->fault_count : VERIFY_FAULTS;
    if (shown > 0)
        printf("\nWrong, each to be repeated by 'clbn verify --replay SEED':\n");
    for (size_t i = 0; i < shown; i++) {
        printf("  seed %zu\n", report->faults[i].seed);
        print_folded(report->faults[i].text);
    }
    if (report->fault_count > shown)
        printf("  and %zu more\n", report->fault_count - shown);
}

void verify_print_end(const struct verify_report *report)
{
    print_ulps(report);
    print_worst_case(report);
    print_faults(report);
    if (report->fault_count > 0)
        printf("\nWRONG: %zu of %zu cases fail. Do not use clbn on this device.\n", report->fault_count, report->case_count);
    else
        printf("\nright: all %zu cases agree with the reference.\n", report->case_count);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------------- */

static void write_rows(const struct verify_report *report, struct json *json)
{
    char text[VERIFY_PROGRAM_TEXT];
    json_open(json, "kernels", '[');
    for (size_t i = 0; i < report->row_count; i++) {
        const struct verify_row *row = &report->rows[i];
        json_open(json, NULL, '{');
        json_string(json, "kind", verify_program_text(row->program, text));
        for (int column = 0; column < VERIFY_COLUMNS; column++) {
            if (row->checked[column] == 0)
                continue;
            json_open(json, column_names[column], '{');
            json_integer(json, "checked", row->checked[column]);
            json_integer(json, "failed", row->failed[column]);
            if (column < VERIFY_AGAIN)
                json_real(json, "share_of_bound", row->worst[column]);
            json_close(json);
        }
        json_close(json);
    }
    json_close(json);
}

static void write_errors(const struct verify_report *report, struct json *json)
{
    json_open(json, "errors", '[');
    for (int quantity = 0; quantity < QUANTITIES; quantity++)
        for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++) {
            const struct verify_worst *worst = &report->worst[quantity][type - CLBN_FLOAT32];
            if (worst->error.compared == 0)
                continue;
            json_open(json, NULL, '{');
            json_string(json, "quantity", quantity_name((enum quantity)quantity));
            json_string(json, "type", type_name(type));
            json_real(json, "ulps", worst->error.ulps);
            json_real(json, "share_of_bound", worst->error.share);
            json_integer(json, "values", worst->error.compared);
            json_integer(json, "seed", worst->seed);
            json_close(json);
        }
    json_close(json);
}

static void write_faults(const struct verify_report *report, struct json *json)
{
    json_open(json, "faults", '[');
    for (size_t i = 0; i < report->fault_count && i < VERIFY_FAULTS; i++) {
        json_open(json, NULL, '{');
        json_integer(json, "seed", report->faults[i].seed);
        json_string(json, "what", report->faults[i].text);
        json_close(json);
    }
    json_close(json);
}

bool verify_write_json(const struct verify_report *report, struct output_file *file, struct failure *failure)
{
    struct json json = json_start(file->stream);
    json_open(&json, NULL, '{');
    json_string(&json, "clbn", clbnVersion());
    json_string(&json, "device", report->device.name);
    json_string(&json, "platform", report->device.platform);
    json_string(&json, "driver", report->device.driver);
    json_bool(&json, "right", report->fault_count == 0);
    json_integer(&json, "cases", report->case_count);
    json_integer(&json, "failed", report->fault_count);
    write_rows(report, &json);
    write_errors(report, &json);
    write_faults(report, &json);
    json_close(&json);
    return output_file_finish(file, failure) && output_file_publish(file, failure);
}
