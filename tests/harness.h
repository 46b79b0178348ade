/*
 * What every suite runs on: one OpenCL device, its queues, the engines under test, and the runner.
 *
 * The device is the first CPU device, or the one that CLBN_TEST_DEVICE names in the environment by a part of its own or its
 * platform's name.
 */
#ifndef CLBN_TESTS_HARNESS_H
#define CLBN_TESTS_HARNESS_H

#include "activation.h"
#include "clbn.h"
#include "element.h"
#include "kinds.h"
#include "tensor_shape.h"

#include <check.h>
#include <stdbool.h>

cl_device_id test_device(void);
cl_context test_context(void);
cl_command_queue in_order_queue(void);
cl_command_queue out_of_order_queue(void);

/* From now on test_context and in_order_queue give these, of another device or context; NULL, NULL: again those of the test
 * device. */
void work_elsewhere(cl_context other_context, cl_command_queue other_queue);

/* Created at the first use, kept until the suite ends. */
clbn_engine test_engine(int config);
/* Of packed tensors, without activation. */
clbn_plan_desc plan_description(const struct shape *shape, clbn_type type, double epsilon);
/* The test fails if there is none. */
clbn_plan create_described_plan(clbn_engine engine, const clbn_plan_desc *description);
clbn_plan create_plan(clbn_engine engine, const struct shape *shape, clbn_type type, double epsilon);

/* The types that the device computes in; says so on stdout, once, when float64 is not among them. */
enum { MAX_TYPES = 2 };
int device_types(clbn_type types[MAX_TYPES]);
/*
 * What an engine configuration is tested with: see kinds.h. All of it in the full run, which CLBN_TEST_FULL in the environment asks
 * for. Of these types, the first are computed in; the others are only stored.
 */
int tested_types(int config, clbn_type types[MAX_TYPES]);
enum { MAX_STORED_TYPES = 4 };
int stored_types(int config, clbn_type types[MAX_STORED_TYPES]);
bool is_full_run(void);
/* In some layout. */
bool is_tested(int config, clbn_type type, clbn_activation function);
enum extent tested_extent(int config, clbn_type type, clbn_activation function, const struct shape *shape);
/* The first from `number` on, around, that is. */
clbn_activation tested_activation(int config, clbn_type type, size_t number);
/* Whether the type's subnormal numbers are kept. */
bool device_keeps_subnormals(clbn_type type);

/* Names what is being tested, for the messages of tests that fail. */
void testing(const char *format, ...);
const char *what_is_tested(void);

/* Fails the test unless status is CLBN_SUCCESS. */
#define expect_success(status) expect_status((status), CLBN_SUCCESS, #status)
void expect_status(cl_int status, cl_int expected, const char *call);

/* Runs all tests in this process: OpenCL's threads do not survive a fork. Gives the exit status for main. */
int run_suite(Suite *suite);

#endif
