#define _POSIX_C_SOURCE 200809L
#include "harness.h"

#include "compare.h"
#include "suite_runner.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLATFORMS = 16, MAX_DEVICES = 16, NAME_SIZE = 512, MESSAGE_SIZE = 1024 };

static cl_device_id device;
static cl_context context;
static cl_command_queue queues[2]; /* in-order, out-of-order */
static cl_context context_elsewhere;
static cl_command_queue queue_elsewhere;
static clbn_engine engines[ENGINE_CONFIGS];
static char message[MESSAGE_SIZE];

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

cl_device_id test_device(void)
{
    if (device == NULL) {
        char name[NAME_SIZE] = "";
        device = find_device();
        must_have(device != NULL, "OpenCL device as wanted: see CLBN_TEST_DEVICE in tests/harness.h");
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

clbn_engine test_engine(int config)
{
    if (engines[config] == NULL) {
        cl_int status;
        clbn_engine_options options = CLBN_ENGINE_OPTIONS_INIT;
        options.geometry = engine_configs[config].geometry;
        options.flags = engine_configs[config].flags;
        engines[config] = clbnCreateEngine(test_context(), test_device(), &options, &status);
        ck_assert_msg(engines[config] != NULL, "engine %s: %s: %s", engine_configs[config].name, clbnStatusName(status),
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
    ck_assert_msg(plan != NULL, "%s: plan: %s: %s", what_is_tested(), clbnStatusName(status), clbnLastError());
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

int device_types(clbn_type types[MAX_TYPES])
{
    static bool said = false;
    bool has_float64 = floating_point_config(CLBN_FLOAT64) != 0;
    if (!has_float64 && !said)
        printf("float64 is not tested: the device does not have it\n");
    said = true;
    types[0] = CLBN_FLOAT32;
    types[1] = CLBN_FLOAT64;
    return has_float64 ? 2 : 1;
}

bool is_full_run(void)
{
    const char *full = getenv("CLBN_TEST_FULL");
    return full != NULL && full[0] != '\0';
}

static enum extent extent_in_layout(int config, clbn_type type, clbn_activation function, bool channels_last)
{
    const struct kind kind = { config, type, function, channels_last };
    clbn_type types[MAX_TYPES];
    if (type == CLBN_FLOAT64 && device_types(types) < 2)
        return NOT_TESTED;
    return extent_of_kind(kind, is_full_run());
}

enum extent tested_extent(int config, clbn_type type, clbn_activation function, const struct shape *shape)
{
    return extent_in_layout(config, type, function, shape_is_channels_last(shape));
}

bool is_tested(int config, clbn_type type, clbn_activation function)
{
    return extent_in_layout(config, type, function, false) != NOT_TESTED ||
           extent_in_layout(config, type, function, true) != NOT_TESTED;
}

int tested_types(int config, clbn_type types[MAX_TYPES])
{
    types[0] = CLBN_FLOAT32;
    types[1] = CLBN_FLOAT64;
    return is_tested(config, CLBN_FLOAT64, CLBN_ACTIVATION_NONE) ? 2 : 1;
}

static bool is_type_tested(int config, clbn_type type)
{
    for (clbn_activation function = 0; function < ACTIVATIONS; function++)
        if (is_tested(config, type, function))
            return true;
    return false;
}

int stored_types(int config, clbn_type types[MAX_STORED_TYPES])
{
    int count = 0;
    for (clbn_type type = CLBN_FLOAT32; type <= CLBN_BFLOAT16; type++)
        if (is_type_tested(config, type))
            types[count++] = type;
    return count;
}

clbn_activation tested_activation(int config, clbn_type type, size_t number)
{
    while (!is_tested(config, type, (clbn_activation)(number % ACTIVATIONS)))
        number++;
    return (clbn_activation)(number % ACTIVATIONS);
}

bool device_keeps_subnormals(clbn_type type)
{
    return (floating_point_config(type) & CL_FP_DENORM) != 0;
}

void testing(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
}

const char *what_is_tested(void)
{
    return message;
}

void expect_status(cl_int status, cl_int expected, const char *call)
{
    ck_assert_msg(status == expected, "%s: %s: %s, not %s: %s", what_is_tested(), call, clbnStatusName(status),
                  clbnStatusName(expected), clbnLastError());
}

static void release_all(void)
{
    for (int i = 0; i < ENGINE_CONFIGS; i++)
        clbnReleaseEngine(engines[i]);
    for (int i = 0; i < 2; i++)
        if (queues[i] != NULL)
            clReleaseCommandQueue(queues[i]);
    if (context != NULL)
        clReleaseContext(context);
}

int run_suite(Suite *suite)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    int status = run_in_one_process(suite);
    print_worst_errors();
    release_all();
    return status;
}
