/* SPDX-License-Identifier: MIT */
/* Lists what the library would do on a device that need not be there: for each case its kernels, groups and workspace; and writes the
 * programs that these need. For tools/gpu-check, which reads the lines.
 *
 *     plans FOLDER [FACT=NUMBER...] <cases
 *
 * FOLDER is where NAME.cl and NAME.options go. Facts: vendor, double, units, group, kernel_group, wave, local, cache (made_up_opencl.h);
 * cpu=1 makes a CPU of it. A case is a line: "TYPE ACTIVATION LAYOUT LENGTH...", for example "float16 relu nhwc 256 64 112 112", with
 * the lengths as in NCHW or (m, d). The output is one JSON object to a line for each operation of a case. */
#define _POSIX_C_SOURCE 200809L
#include "made_up_opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct made_up_device made_up_device = {
    .name = "made up", .type = CL_DEVICE_TYPE_GPU, .compute_units = 1, .group = 256, .wave = 32, .local_memory = 32 << 10
};

static const char *folder;
static unsigned launches; /* of the operation that is listed */

/* ---- What the library asks of its OpenCL ---------------------------------------------------------------------------------- */

static void write_file(const char *name, const char *suffix, const char *text)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) == EOF || fclose(file) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

void note_program(const char *name, const char *source, const char *options)
{
    write_file(name, "cl", source);
    write_file(name, "options", options);
}

void note_launch(const struct made_up_launch *launch)
{
    printf("%s{\"program\": \"%s\", \"kernel\": \"%s\", \"groups\": %zu, \"items\": %zu, \"buffers\": [",
           launches++ > 0 ? ", " : "", launch->program, launch->kernel,
           launch->groups[0] * launch->groups[1] * launch->groups[2], launch->items);
    for (size_t i = 0; i < launch->buffer_count; i++)
        printf("%s\"%s\"", i > 0 ? ", " : "", launch->buffers[i]);
    printf("]}");
}

/* ---- Operations ----------------------------------------------------------------------------------------------------------- */

/* The tensors, and the parameters and statistics, all of the same size each. */
enum { X, Z, Y, DY, DX, DZ, DDX, DDY, TENSOR_COUNT };
enum {
    GAMMA,
    BETA,
    RUNNING_MEAN,
    RUNNING_VAR,
    SAVE_MEAN,
    SAVE_INVSTD,
    SAVE_R,
    SAVE_D,
    DGAMMA,
    DBETA,
    BIAS,
    RECORD,
    VECTOR_COUNT
};

static const char *const tensor_names[TENSOR_COUNT] = { "x", "z", "y", "dy", "dx", "dz", "ddx", "ddy" };
static const char *const vector_names[VECTOR_COUNT] = { "gamma",     "beta",        "running_mean", "running_var",
                                                        "save_mean", "save_invstd", "save_r",       "save_d",
                                                        "dgamma",    "dbeta",       "bias",         "record" };

struct memory {
    clbn_view tensors[TENSOR_COUNT];
    clbn_view vectors[VECTOR_COUNT];
};

static void make_memory(struct memory *m, size_t tensor_size, size_t vector_size)
{
    memset(m, 0, sizeof(*m));
    for (int i = 0; i < TENSOR_COUNT; i++)
        m->tensors[i].buffer = made_up_buffer(tensor_names[i], tensor_size);
    for (int i = 0; i < VECTOR_COUNT; i++)
        m->vectors[i].buffer = made_up_buffer(vector_names[i], (i == RECORD ? CLBN_SUMS_ROWS : 1) * vector_size);
}

static void free_memory(struct memory *m)
{
    for (int i = 0; i < TENSOR_COUNT; i++)
        clReleaseMemObject(m->tensors[i].buffer);
    for (int i = 0; i < VECTOR_COUNT; i++)
        clReleaseMemObject(m->vectors[i].buffer);
}

static cl_int forward(clbn_plan plan, const struct memory *m)
{
    clbn_forward_training_args a = CLBN_FORWARD_TRAINING_ARGS_INIT;
    a.x = m->tensors[X];
    a.y = m->tensors[Y];
    a.gamma = m->vectors[GAMMA];
    a.beta = m->vectors[BETA];
    a.running_mean = m->vectors[RUNNING_MEAN];
    a.running_var = m->vectors[RUNNING_VAR];
    a.save_mean = m->vectors[SAVE_MEAN];
    a.save_invstd = m->vectors[SAVE_INVSTD];
    return clbnEnqueueForwardTraining(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int backward(clbn_plan plan, const struct memory *m)
{
    clbn_backward_args a = CLBN_BACKWARD_ARGS_INIT;
    a.x = m->tensors[X];
    a.dy = m->tensors[DY];
    a.dx = m->tensors[DX];
    a.gamma = m->vectors[GAMMA];
    a.beta = m->vectors[BETA];
    a.save_mean = m->vectors[SAVE_MEAN];
    a.save_invstd = m->vectors[SAVE_INVSTD];
    a.dgamma = m->vectors[DGAMMA];
    a.dbeta = m->vectors[DBETA];
    return clbnEnqueueBackward(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int inference(clbn_plan plan, const struct memory *m)
{
    clbn_forward_inference_args a = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    a.x = m->tensors[X];
    a.y = m->tensors[Y];
    a.gamma = m->vectors[GAMMA];
    a.beta = m->vectors[BETA];
    a.running_mean = m->vectors[RUNNING_MEAN];
    a.running_var = m->vectors[RUNNING_VAR];
    return clbnEnqueueForwardInference(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int statistics(clbn_plan plan, const struct memory *m)
{
    clbn_statistics_args a = CLBN_STATISTICS_ARGS_INIT;
    a.x = m->tensors[X];
    a.statistics = m->vectors[RECORD];
    return clbnEnqueueStatistics(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int normalize(clbn_plan plan, const struct memory *m)
{
    clbn_normalize_args a = CLBN_NORMALIZE_ARGS_INIT;
    a.x = m->tensors[X];
    a.y = m->tensors[Y];
    a.statistics = m->vectors[RECORD];
    return clbnEnqueueNormalize(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int backward_sums(clbn_plan plan, const struct memory *m)
{
    clbn_backward_sums_args a = CLBN_BACKWARD_SUMS_ARGS_INIT;
    a.x = m->tensors[X];
    a.dy = m->tensors[DY];
    a.save_mean = m->vectors[SAVE_MEAN];
    a.save_invstd = m->vectors[SAVE_INVSTD];
    a.sums = m->vectors[RECORD];
    return clbnEnqueueBackwardSums(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int backward_input(clbn_plan plan, const struct memory *m)
{
    clbn_backward_input_args a = CLBN_BACKWARD_INPUT_ARGS_INIT;
    a.x = m->tensors[X];
    a.dy = m->tensors[DY];
    a.save_mean = m->vectors[SAVE_MEAN];
    a.save_invstd = m->vectors[SAVE_INVSTD];
    a.records = m->vectors[RECORD];
    a.dx = m->tensors[DX];
    return clbnEnqueueBackwardInput(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int forward_renorm(clbn_plan plan, const struct memory *m)
{
    clbn_forward_renorm_args a = CLBN_FORWARD_RENORM_ARGS_INIT;
    a.x = m->tensors[X];
    a.y = m->tensors[Y];
    a.running_mean = m->vectors[RUNNING_MEAN];
    a.running_var = m->vectors[RUNNING_VAR];
    a.save_r = m->vectors[SAVE_R];
    a.save_d = m->vectors[SAVE_D];
    return clbnEnqueueForwardRenorm(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int backward_renorm(clbn_plan plan, const struct memory *m)
{
    clbn_backward_renorm_args a = CLBN_BACKWARD_RENORM_ARGS_INIT;
    a.x = m->tensors[X];
    a.dy = m->tensors[DY];
    a.save_mean = m->vectors[SAVE_MEAN];
    a.save_invstd = m->vectors[SAVE_INVSTD];
    a.save_r = m->vectors[SAVE_R];
    a.save_d = m->vectors[SAVE_D];
    a.dx = m->tensors[DX];
    a.dgamma = m->vectors[DGAMMA];
    return clbnEnqueueBackwardRenorm(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int second_backward(clbn_plan plan, const struct memory *m)
{
    clbn_second_backward_args a = CLBN_SECOND_BACKWARD_ARGS_INIT;
    a.x = m->tensors[X];
    a.dy = m->tensors[DY];
    a.ddx = m->tensors[DDX];
    a.save_mean = m->vectors[SAVE_MEAN];
    a.save_invstd = m->vectors[SAVE_INVSTD];
    a.dx = m->tensors[DX];
    a.ddy = m->tensors[DDY];
    a.dgamma = m->vectors[DGAMMA];
    return clbnEnqueueSecondBackward(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static cl_int fold(clbn_plan plan, const struct memory *m)
{
    clbn_fold_args a = CLBN_FOLD_ARGS_INIT;
    a.weights = m->tensors[X];
    a.folded_weights = m->tensors[Y];
    a.bias = a.folded_bias = m->vectors[BIAS];
    a.running_mean = m->vectors[RUNNING_MEAN];
    a.running_var = m->vectors[RUNNING_VAR];
    return clbnEnqueueFold(plan, made_up_queue(), &a, 0, NULL, NULL);
}

static const struct operation {
    const char *name;
    cl_int (*enqueue)(clbn_plan plan, const struct memory *m);
    bool without_activation; /* only plans that have none do it */
} operations[] = {
    { "forward", forward, false },
    { "backward", backward, false },
    { "inference", inference, false },
    { "statistics", statistics, false },
    { "normalize", normalize, false },
    { "backward sums", backward_sums, false },
    { "backward input", backward_input, false },
    { "forward renorm", forward_renorm, false },
    { "backward renorm", backward_renorm, false },
    { "second backward", second_backward, true },
    { "fold", fold, true },
};

/* ---- Cases ---------------------------------------------------------------------------------------------------------------- */

struct named {
    const char *name;
    unsigned value;
};

static const struct named types[] = { { "float32", CLBN_FLOAT32 },
                                      { "float64", CLBN_FLOAT64 },
                                      { "float16", CLBN_FLOAT16 },
                                      { "bfloat16", CLBN_BFLOAT16 },
                                      { NULL, 0 } };
static const struct named activations[] = { { "none", CLBN_ACTIVATION_NONE }, { "relu", CLBN_ACTIVATION_RELU }, { NULL, 0 } };
static const struct named layouts[] = { { "nchw", 0 }, { "nhwc", 1 }, { NULL, 0 } };

static bool find(const struct named *names, const char *name, cl_uint *value)
{
    for (; name && names->name; names++)
        if (strcmp(names->name, name) == 0) {
            *value = names->value;
            return true;
        }
    return false;
}

/* Channels last: the second length comes last. */
static void move_channels(clbn_plan_desc *d)
{
    const size_t channels = d->shape[1];
    for (cl_uint i = 1; i + 1 < d->rank; i++)
        d->shape[i] = d->shape[i + 1];
    d->shape[d->rank - 1] = channels;
    d->channel_axes = CLBN_AXIS(d->rank - 1);
}

static bool read_case(char *line, clbn_plan_desc *d)
{
    cl_uint last = 0;
    if (!find(types, strtok(line, " \n"), &d->type) || !find(activations, strtok(NULL, " \n"), &d->activation) ||
        !find(layouts, strtok(NULL, " \n"), &last))
        return false;
    for (const char *word; d->rank < CLBN_MAX_RANK && (word = strtok(NULL, " \n"));)
        d->shape[d->rank++] = strtoull(word, NULL, 10);
    if (last && d->rank > 2)
        move_channels(d);
    return d->rank >= 2;
}

/* A plan's operations, a line each; false if one failed. */
static bool list_plan(const char *name, const clbn_plan_desc *d, clbn_plan plan, const struct memory *memory)
{
    bool good = true;
    size_t workspace = 0;
    clbnGetPlanInfo(plan, CLBN_PLAN_WORKSPACE_SIZE, sizeof(workspace), &workspace, NULL);
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (operations[i].without_activation && d->activation != CLBN_ACTIVATION_NONE)
            continue;
        launches = 0;
        printf("{\"case\": \"%s\", \"op\": \"%s\", \"workspace\": %zu, \"launches\": [", name, operations[i].name, workspace);
        cl_int status = operations[i].enqueue(plan, memory);
        printf("], \"status\": \"%s\"}\n", clbnStatusName(status));
        if (status != CLBN_SUCCESS)
            fprintf(stderr, "%s, %s: %s\n", name, operations[i].name, clbnLastError());
        good = good && status == CLBN_SUCCESS;
    }
    return good;
}

static bool list_case(clbn_engine engine, const char *name, const clbn_plan_desc *d)
{
    cl_int status = CL_SUCCESS;
    size_t elements = 1, channels = 0;
    struct memory memory;
    for (cl_uint i = 0; i < d->rank; i++)
        elements *= d->shape[i];
    clbn_plan plan = clbnCreatePlan(engine, d, &status);
    if (!plan) {
        fprintf(stderr, "%s: %s\n", name, clbnLastError());
        return false;
    }
    clbnGetPlanInfo(plan, CLBN_PLAN_CHANNELS, sizeof(channels), &channels, NULL);
    make_memory(&memory, elements * sizeof(cl_double), channels * sizeof(cl_double));
    const bool good = list_plan(name, d, plan, &memory);
    free_memory(&memory);
    clbnReleasePlan(plan);
    return good;
}

static bool list_cases(clbn_engine engine)
{
    char line[512], name[512];
    bool good = true;
    while (fgets(line, sizeof(line), stdin)) {
        clbn_plan_desc d = CLBN_PLAN_DESC_INIT;
        line[strcspn(line, "\n")] = '\0';
        memcpy(name, line, sizeof(name));
        if (!read_case(line, &d)) {
            fprintf(stderr, "'%s' is no case\n", name);
            return false;
        }
        good = list_case(engine, name, &d) && good;
    }
    return good;
}

#define VENDOR_AMD 0x1002u

/* "NAME=NUMBER" */
static bool take_fact(const char *text)
{
    struct made_up_device *d = &made_up_device;
    const char *equals = strchr(text, '=');
    const size_t length = equals ? (size_t)(equals - text) : 0;
    const unsigned long long value = equals ? strtoull(equals + 1, NULL, 0) : 0;
    const char *const names[] = { "vendor", "double", "units", "group", "kernel_group", "wave", "local", "cache", "cpu" };
    size_t i = 0;
    while (i < sizeof(names) / sizeof(names[0]) && (strlen(names[i]) != length || strncmp(names[i], text, length) != 0))
        i++;
    switch (i) {
    case 0:
        d->vendor = (cl_uint)value;
        return true;
    case 1:
        d->has_double = value != 0;
        return true;
    case 2:
        d->compute_units = (cl_uint)value;
        return true;
    case 3:
        d->group = (size_t)value;
        return true;
    case 4:
        d->kernel_group = (size_t)value;
        return true;
    case 5:
        d->wave = (size_t)value;
        if (d->vendor == VENDOR_AMD)
            d->name = value == 64 ? "gfx90a" : "gfx1100"; /* as AMD's OpenCL names them */
        return true;
    case 6:
        d->local_memory = value;
        return true;
    case 7:
        d->cache = value;
        return true;
    case 8:
        d->type = value ? CL_DEVICE_TYPE_CPU : CL_DEVICE_TYPE_GPU;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    cl_int status = CL_SUCCESS;
    if (argc < 2) {
        fprintf(stderr, "usage: plans FOLDER [FACT=NUMBER...] <cases\n");
        return 2;
    }
    folder = argv[1];
    for (int i = 2; i < argc; i++)
        if (!take_fact(argv[i])) {
            fprintf(stderr, "'%s' is no fact\n", argv[i]);
            return 2;
        }
    setenv("CLBN_CACHE_DIR", "", 1);
    clbn_engine engine = clbnCreateEngine(made_up_context(), made_up_device_id(), NULL, &status);
    if (!engine) {
        fprintf(stderr, "%s\n", clbnLastError());
        return EXIT_FAILURE;
    }
    const bool good = list_cases(engine);
    clbnReleaseEngine(engine);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
