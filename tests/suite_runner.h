/* SPDX-License-Identifier: MIT */
#ifndef SUITE_RUNNER_H
#define SUITE_RUNNER_H

#include <check.h>

/* Runs the suite in this process and releases it. Returns main()'s status. */
int run_in_one_process(Suite *suite);

#endif
