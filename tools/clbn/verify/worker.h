/* SPDX-License-Identifier: MIT */
/*
 * The process that has the device: it checks the cases of one program, and says what it found through a pipe.
 *
 * Each program is compiled and checked in a process of its own, so that a driver that crashes or hangs spoils one program's cases, not
 * the report. The command itself calls no OpenCL, whose threads would not survive its forks.
 */
#ifndef CLBN_TOOL_VERIFY_WORKER_H
#define CLBN_TOOL_VERIFY_WORKER_H

#include "compare.h"
#include "element.h"
#include "verify/cases.h"

#include <stdbool.h>
#include <stddef.h>

enum { VERIFY_TEXT = 1024, VERIFY_NAME = 256 };

struct verify_device {
    char name[VERIFY_NAME];
    char platform[VERIFY_NAME];
    char driver[VERIFY_NAME];
    bool in_groups; /* by itself */
    bool has_float64;
    bool has_out_of_order_queues;
};

/* What is compared: results with the reference, and nothing beside them written; a second call with the first; a call whose input comes
 * late with the first. */
enum verify_stage { VERIFY_RESULTS, VERIFY_REPEATED, VERIFY_LATE, VERIFY_STAGES };

enum verify_word {
    VERIFY_DEVICE, /* what the device is */
    VERIFY_UNABLE, /* there is none: text */
    VERIFY_BEGINS, /* a case */
    VERIFY_PASSED, /* with its worst errors */
    VERIFY_FAILED, /* in a stage: text */
    VERIFY_ENDS
};

/* At most PIPE_BUF (4096 bytes): written whole, or not at all. */
struct verify_message {
    enum verify_word word;
    size_t seed;
    enum verify_stage stage;
    struct verify_device device;
    struct worst_error worst[QUANTITIES];
    char text[VERIFY_TEXT];
};

/* Both run in a child, and write messages to the pipe. wanted: the --device option, or NULL. */
void verify_worker_describe(const char *wanted, int pipe);
/* The cases of a program that are wanted, from a seed on. */
void verify_worker_check(const char *wanted, const struct verify_selection *selection, size_t first, int pipe);

#endif
