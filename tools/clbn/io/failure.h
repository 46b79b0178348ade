/* SPDX-License-Identifier: MIT */
/*
 * Why something failed, as one sentence for the user.
 *
 * Functions of the tool that can fail take a struct failure and return false when they have filled it; the command
 * prints it once, at its end, with report_failure().
 */
#ifndef CLBN_TOOL_FAILURE_H
#define CLBN_TOOL_FAILURE_H

#include <clbn.h>
#include <stdbool.h>

#if defined(__GNUC__)
#define FAILURE_FORMAT(format_index) __attribute__((format(C99_PRINTF, format_index, (format_index) + 1)))
#else
#define FAILURE_FORMAT(format_index)
#endif

/* Exit codes of the tool. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct failure {
    char sentence[2048]; /* Without "clbn: " and without a full stop; cut where it is longer. */
};

/* Formats the sentence. Returns false, so that a function can end with it. */
bool fail(struct failure *failure, const char *format, ...) FAILURE_FORMAT(2);

/* "ACTION failed: clbnLastError() (CLBN_INVALID_SHAPE)" after a failed call of clbn's. Returns false. */
bool fail_clbn(struct failure *failure, const char *action, cl_int status);

/* "ACTION failed with CL_OUT_OF_RESOURCES" after a failed call of OpenCL's. Returns false. */
bool fail_opencl(struct failure *failure, const char *action, cl_int status);

#ifdef CLBN_ANALYZED /* tools/lint.sh: analyzers see one file at a time, and are told here that these return false */
#define fail(...)        ((void)fail(__VA_ARGS__), false)
#define fail_clbn(...)   ((void)fail_clbn(__VA_ARGS__), false)
#define fail_opencl(...) ((void)fail_opencl(__VA_ARGS__), false)
#endif

/* Prints "clbn: SENTENCE" on stderr as one line: control characters, which file names and devices may hold, become '?'. */
void report_failure(const struct failure *failure);

#endif
