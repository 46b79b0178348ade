/* SPDX-License-Identifier: MIT */
/* What 'clbn verify' found, as a table, and as JSON. */
#ifndef CLBN_TOOL_VERIFY_REPORT_H
#define CLBN_TOOL_VERIFY_REPORT_H

#include "io/failure.h"
#include "io/output_file.h"
#include "verify/worker.h"

/* A program's operations, and what is compared beyond their results. */
enum verify_column {
    VERIFY_FORWARD,
    VERIFY_INFERENCE,
    VERIFY_BACKWARD,
    VERIFY_FROZEN,
    VERIFY_FOLD,
    VERIFY_PHASES,
    VERIFY_AGAIN,
    VERIFY_EVENTS,
    VERIFY_COLUMNS
};

/* Of a program. */
struct verify_row {
    size_t program;
    size_t checked[VERIFY_COLUMNS];
    size_t failed[VERIFY_COLUMNS];
    double worst[VERIFY_COLUMNS]; /* error, as a share of its bound */
    bool complete;
};

struct verify_worst {
    struct worst_error error;
    size_t seed;
};

struct verify_fault {
    size_t seed;
    char text[VERIFY_TEXT];
};

enum { VERIFY_FAULTS = 20 };

struct verify_report {
    struct verify_device device;
    struct verify_selection selection;
    struct verify_row *rows; /* of the programs that are checked */
    size_t row_count;
    struct verify_worst worst[QUANTITIES][MAX_STORED_TYPES];
    struct verify_fault faults[VERIFY_FAULTS]; /* the first ones */
    size_t fault_count;
    size_t case_count;
};

void verify_note_passed(struct verify_report *report, struct verify_row *row, const struct verify_message *message);
void verify_note_failed(struct verify_report *report, struct verify_row *row, size_t seed, enum verify_stage stage,
                        const char *text);

void verify_print_head(const struct verify_report *report);
void verify_print_row(const struct verify_row *row);
/* The worst errors, what failed, and the verdict in the last line. */
void verify_print_end(const struct verify_report *report);
bool verify_write_json(const struct verify_report *report, struct output_file *file, struct failure *failure);

#endif
