/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "engines.h"

#include "failing.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLATFORMS = 16, MAX_DEVICES = 16, NAME_SIZE = 512 };

static cl_device_id device;
static cl_context context;
static cl_command_queue queues[2]; /* in-order, out-of-order */
static cl_context context_elsewhere;
static cl_command_queue queue_elsewhere;
static clbn_engine engines[ENGINE_CONFIGS];
static enum spared spared; /* 0: none */

const struct engine_config engine_configs[ENGINE_CONFIGS] = {
    { "vector", CLBN_GEOMETRY_VECTOR, 0 },
    { "group", CLBN_GEOMETRY_GROUP, 0 },
    { "vector, no double", CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_NO_DOUBLE },
    { "group, no double", CLBN_GEOMETRY_GROUP, CLBN_ENGINE_NO_DOUBLE },
    { "vector, 64-bit index", CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_INDEX_64 },
    { "group, 64-bit index", CLBN_GEOMETRY_GROUP, CLBN_ENGINE_INDEX_64 },
    { "vector, split", CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_SPLIT },
    { "group, split", CLBN_GEOMETRY_GROUP, CLBN_ENGINE_SPLIT },
    { "vector, whole", CLBN_GEOMETRY_VECTOR, CLBN_ENGINE_WHOLE },
    { "group, whole", CLBN_GEOMETRY_GROUP, CLBN_ENGINE_WHOLE },
};

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; *text != '\0'; text++) {
        size_t same = 0;
        while (same < length && tolower((unsigned char)text[same]) == tolower((unsigned char)part[same]))
            same++;
        if (same == length)
            return true;
    }
    return length == 0;
}

static bool is_wanted(cl_platform_id platform, cl_device_id candidate)
{
    char device_name[NAME_SIZE] = "", platform_name[NAME_SIZE] = "";
    const char *wanted = getenv("CLBN_TEST_DEVICE");
    if (wanted == NULL) {
        cl_device_type type = 0;
        clGetDeviceInfo(candidate, CL_DEVICE_TYPE, sizeof type, &type, NULL);
        return (type & CL_DEVICE_TYPE_CPU) != 0;
    }
    clGetDeviceInfo(candidate, CL_DEVICE_NAME, sizeof device_name, device_name, NULL);
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof platform_name, platform_name, NULL);
    return contains(device_name, wanted) || contains(platform_name, wanted);
}

/* NULL if no device is as wanted. */
static cl_device_id find_device(void)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint platform_count = 0;
    clGetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count);
    for (cl_uint i = 0; i < platform_count && i < MAX_PLATFORMS; i++) {
        cl_device_id devices[MAX_DEVICES];
        cl_uint device_count = 0;
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &device_count) != CL_SUCCESS)
            continue;
        for (cl_uint j = 0; j < device_count && j < MAX_DEVICES; j++)
            if (is_wanted(platforms[i], devices[j]))
                return devices[j];
    }
    return NULL;
}

static void must_have(bool condition, const char *what)
{
    if (!condition) {
        printf("no %s\n", what);
        exit(EXIT_FAILURE);
    }
}

void use_device(cl_device_id chosen)
{
    device = chosen;
}

cl_device_id test_device(void)
{
    if (device == NULL) {
        char name[NAME_SIZE] = "";
        device = find_device();
        must_have(device != NULL, "OpenCL device as wanted: see CLBN_TEST_DEVICE in tests/checks/engines.h");
        clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL);
        printf("device: %s\n", name);
    }
    return device;
}

cl_context test_context(void)
{
    if (context_elsewhere != NULL)
        return context_elsewhere;
    if (context == NULL) {
        cl_device_id chosen = test_device();
        context = clCreateContext(NULL, 1, &chosen, NULL, NULL, NULL);
        must_have(context != NULL, "OpenCL context");
    }
    return context;
}

static cl_command_queue queue_with(int number, cl_command_queue_properties properties)
{
    if (queues[number] == NULL)
        queues[number] = clCreateCommandQueue(test_context(), test_device(), properties, NULL);
    must_have(queues[number] != NULL, "command queue");
    return queues[number];
}

void work_elsewhere(cl_context other_context, cl_command_queue other_queue)
{
    context_elsewhere = other_context;
    queue_elsewhere = other_queue;
}

cl_command_queue in_order_queue(void)
{
    return queue_elsewhere != NULL ? queue_elsewhere : queue_with(0, 0);
}

cl_command_queue out_of_order_queue(void)
{
    return queue_with(1, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}

bool device_has_out_of_order_queues(void)
{
    cl_command_queue_properties properties = 0;
    clGetDeviceInfo(test_device(), CL_DEVICE_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    return (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
}

void spare_compilation(enum spared programs)
{
    cl_device_type type = 0;
    clGetDeviceInfo(test_device(), CL_DEVICE_TYPE, sizeof type, &type, NULL);
    spared = (type & CL_DEVICE_TYPE_CPU) != 0 ? programs : 0;
}

clbn_engine_options engine_options(const struct engine_config *config)
{
    const bool is_unusual =
        config->geometry == CLBN_GEOMETRY_GROUP || (config->flags & (CLBN_ENGINE_NO_DOUBLE | CLBN_ENGINE_INDEX_64)) != 0;
    const bool is_spared = spared == SPARE_ALL_PROGRAMS || (spared == SPARE_UNUSUAL_PROGRAMS && is_unusual);
    clbn_engine_options options = CLBN_ENGINE_OPTIONS_INIT;
    options.geometry = config->geometry;
    options.flags = config->flags | (is_spared ? CLBN_ENGINE_UNOPTIMIZED : 0u);
    return options;
}

clbn_engine test_engine(int config)
{
    if (engines[config] == NULL) {
        cl_int status;
        const clbn_engine_options options = engine_options(&engine_configs[config]);
        engines[config] = clbnCreateEngine(test_context(), test_device(), &options, &status);
        expect_that(engines[config] != NULL, "engine %s: %s: %s", engine_configs[config].name, clbnStatusName(status),
                    clbnLastError());
    }
    return engines[config];
}

clbn_plan_desc plan_description(const struct shape *shape, clbn_type type, double epsilon)
{
    clbn_plan_desc description = CLBN_PLAN_DESC_INIT;
    description.type = type;
    description.rank = shape->rank;
    description.channel_axes = shape_channel_axes(shape);
    memcpy(description.shape, shape->lengths, sizeof description.shape);
    description.epsilon = epsilon;
    return description;
}

clbn_plan create_described_plan(clbn_engine engine, const clbn_plan_desc *description)
{
    cl_int status;
    clbn_plan plan = clbnCreatePlan(engine, description, &status);
    expect_that(plan != NULL, "%s: plan: %s: %s", what_is_tested(), clbnStatusName(status), clbnLastError());
    return plan;
}

clbn_plan create_plan(clbn_engine engine, const struct shape *shape, clbn_type type, double epsilon)
{
    const clbn_plan_desc description = plan_description(shape, type, epsilon);
    return create_described_plan(engine, &description);
}

static cl_device_fp_config floating_point_config(clbn_type type)
{
    cl_device_fp_config config = 0;
    cl_device_info name = type == CLBN_FLOAT64 ? CL_DEVICE_DOUBLE_FP_CONFIG : CL_DEVICE_SINGLE_FP_CONFIG;
    clGetDeviceInfo(test_device(), name, sizeof config, &config, NULL);
    return config;
}

bool device_has_float64(void)
{
    return floating_point_config(CLBN_FLOAT64) != 0;
}

bool device_keeps_subnormals(clbn_type type)
{
    return (floating_point_config(type) & CL_FP_DENORM) != 0;
}

void release_engines_and_queues(void)
{
    for (int i = 0; i < ENGINE_CONFIGS; i++)
        clbnReleaseEngine(engines[i]);
    for (int i = 0; i < 2; i++)
        if (queues[i] != NULL)
            clReleaseCommandQueue(queues[i]);
    if (context != NULL)
        clReleaseContext(context);
}
