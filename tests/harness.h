/* SPDX-License-Identifier: MIT */
/* What every suite has: the device and engines that checks run on, what of them it tests, Check, and the runner. */
#ifndef CLBN_TESTS_HARNESS_H
#define CLBN_TESTS_HARNESS_H

#include "activation.h"
#include "clbn.h"
#include "element.h"
#include "engines.h"
#include "failing.h"
#include "kinds.h"
#include "tensor_shape.h"

#include <check.h>
#include <stdbool.h>

/* The types that the device computes in; says so on stdout, once, when float64 is not among them. */
enum { MAX_TYPES = 2 };
int device_types(clbn_type types[MAX_TYPES]);
/*
 * What an engine configuration is tested with: see kinds.h. All of it in the full run, which CLBN_TEST_FULL in the environment asks
 * for. Of these types, the first are computed in; the others are only stored.
 */
int tested_types(int config, clbn_type types[MAX_TYPES]);
int stored_types(int config, clbn_type types[MAX_STORED_TYPES]);
bool is_full_run(void);
/* In some layout. */
bool is_tested(int config, clbn_type type, clbn_activation function);
enum extent tested_extent(int config, clbn_type type, clbn_activation function, const struct shape *shape);
/* The first from `number` on, around, that is. */
clbn_activation tested_activation(int config, clbn_type type, size_t number);

/* Whether the short run, too, takes case number `number` of a product: every one_in-th. Where one_in has no factor in common with how
 * many values a property has, each value of it occurs with each of another. */
bool is_drawn(size_t number, size_t one_in);
/* The same of a case for a configuration; those for the plain ones all are. */
bool is_drawn_for(int config, size_t number, size_t one_in);

/* Adds a loop test over the first configurations. CLBN_TEST_GEOMETRY in the environment, "vector" or "group", leaves out the others:
 * a GPU is lent for minutes. */
void add_test_of_configs(TCase *cases, const TTest *test, int configs);

/* Runs all tests in this process: OpenCL's threads do not survive a fork. Gives the exit status for main. */
int run_suite(Suite *suite);

/* The same of a suite whose kernels other suites run as users compile them: its short run compiles all without optimization. */
int run_suite_unoptimized(Suite *suite);

#endif
