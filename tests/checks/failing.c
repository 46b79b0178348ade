/* SPDX-License-Identifier: MIT */
#include "failing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SENTENCE_SIZE = 2048 };

static failure_taker *take_failure;
static char subject[SENTENCE_SIZE / 2];

void on_failed_check(failure_taker *taker)
{
    take_failure = taker;
}

static void fail_with(const char *sentence) CHECK_NEVER_RETURNS;

static void fail_with(const char *sentence)
{
    if (take_failure != NULL)
        take_failure(sentence);
    fprintf(stderr, "%s\n", sentence);
    abort();
}

void fail_check(const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    fail_with(sentence);
}

void expect_that(bool condition, const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list arguments;
    if (condition)
        return;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    fail_with(sentence);
}

void expect_status(cl_int status, cl_int expected, const char *call)
{
    expect_that(status == expected, "%s: %s: %s, not %s: %s", subject, call, clbnStatusName(status), clbnStatusName(expected),
                clbnLastError());
}

void testing(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(subject, sizeof subject, format, arguments);
    va_end(arguments);
}

const char *what_is_tested(void)
{
    return subject;
}
