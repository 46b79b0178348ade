/* SPDX-License-Identifier: MIT */
/*
 * What checks run on: an OpenCL device, its queues, and an engine of each configuration.
 *
 * The device is the one that was given, else the first CPU device, or the one that CLBN_TEST_DEVICE names in the environment by a
 * part of its own or its platform's name.
 */
#ifndef CLBN_TESTS_ENGINES_H
#define CLBN_TESTS_ENGINES_H

#include "clbn.h"
#include "tensor_shape.h"

#include <stdbool.h>

/* To be called before anything is asked for. */
void use_device(cl_device_id chosen);
cl_device_id test_device(void);
cl_context test_context(void);
cl_command_queue in_order_queue(void);
cl_command_queue out_of_order_queue(void);
/* Whether the device has such queues. */
bool device_has_out_of_order_queues(void);
void release_engines_and_queues(void);

/* From now on test_context and in_order_queue give these, of another device or context; NULL, NULL: again those of the test
 * device. */
void work_elsewhere(cl_context other_context, cl_command_queue other_queue);

struct engine_config {
    const char *name;
    clbn_geometry geometry;
    cl_uint flags;
};

/* The plain configuration of each geometry comes first. Each with groups follows the same with vectors. */
enum { PLAIN_ENGINE_CONFIGS = 2, ENGINE_CONFIGS = 10 };
extern const struct engine_config engine_configs[ENGINE_CONFIGS];

/* From now on, on a CPU, programs are compiled without optimization: all, or only those that no CPU's user has, of groups, of 64-bit
 * indices, and of merges in pairs. Most of a suite's time goes by compiling. */
enum spared { SPARE_UNUSUAL_PROGRAMS = 1, SPARE_ALL_PROGRAMS };
void spare_compilation(enum spared programs);
/* Of a new engine of the configuration. */
clbn_engine_options engine_options(const struct engine_config *config);
/* Created at the first use, kept until all are released. */
clbn_engine test_engine(int config);
/* Of packed tensors, without activation. */
clbn_plan_desc plan_description(const struct shape *shape, clbn_type type, double epsilon);
/* The check fails if there is none. */
clbn_plan create_described_plan(clbn_engine engine, const clbn_plan_desc *description);
clbn_plan create_plan(clbn_engine engine, const struct shape *shape, clbn_type type, double epsilon);

bool device_has_float64(void);
/* Whether the type's subnormal numbers are kept. */
bool device_keeps_subnormals(clbn_type type);

#endif
