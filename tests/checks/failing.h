/* SPDX-License-Identifier: MIT */
/* What a check does that finds something wrong: it says so in a sentence, and does not return. */
#ifndef CLBN_TESTS_FAILING_H
#define CLBN_TESTS_FAILING_H

#include "clbn.h"

#include <stdbool.h>

#if defined(__GNUC__)
#define CHECK_FORMAT(place) __attribute__((format(C99_PRINTF, place, (place) + 1)))
#define CHECK_NEVER_RETURNS __attribute__((noreturn))
#else
#define CHECK_FORMAT(place)
#define CHECK_NEVER_RETURNS
#endif

/* Takes the sentence of a check that failed, and does not return. */
typedef void failure_taker(const char *sentence);

/* To be called before any check. */
void on_failed_check(failure_taker *taker);

void fail_check(const char *format, ...) CHECK_FORMAT(1) CHECK_NEVER_RETURNS;
/* Fails unless the condition holds. */
void expect_that(bool condition, const char *format, ...) CHECK_FORMAT(2);

/* Fails unless status is CLBN_SUCCESS. */
#define expect_success(status) expect_status((status), CLBN_SUCCESS, #status)
void expect_status(cl_int status, cl_int expected, const char *call);

/* Names what is being checked, for these sentences. */
void testing(const char *format, ...) CHECK_FORMAT(1);
const char *what_is_tested(void);

#endif
