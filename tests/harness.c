/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "compare.h"
#include "suite_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int device_types(clbn_type types[MAX_TYPES])
{
    static bool said = false;
    if (!device_has_float64() && !said)
        printf("float64 is not tested: the device does not have it\n");
    said = true;
    types[0] = CLBN_FLOAT32;
    types[1] = CLBN_FLOAT64;
    return device_has_float64() ? 2 : 1;
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

bool is_drawn(size_t number, size_t one_in)
{
    return is_full_run() || number % one_in == 0;
}

bool is_drawn_for(int config, size_t number, size_t one_in)
{
    return config < PLAIN_ENGINE_CONFIGS || is_drawn(number, one_in);
}

/* Stops the suite where the environment names no geometry: nothing would be tested. */
static bool is_wanted(clbn_geometry geometry)
{
    const char *wanted = getenv("CLBN_TEST_GEOMETRY");
    if (wanted == NULL || wanted[0] == '\0')
        return true;
    if (strcmp(wanted, "vector") != 0 && strcmp(wanted, "group") != 0) {
        fprintf(stderr, "CLBN_TEST_GEOMETRY is \"%s\", expected vector or group\n", wanted);
        exit(2);
    }
    return (strcmp(wanted, "group") == 0) == (geometry == CLBN_GEOMETRY_GROUP);
}

void add_test_of_configs(TCase *cases, const TTest *test, int configs)
{
    for (int i = 0; i < configs; i++)
        if (is_wanted(engine_configs[i].geometry))
            tcase_add_loop_test(cases, test, i, i + 1);
}

static void fail_test(const char *sentence)
{
    ck_abort_msg("%s", sentence);
}

static int run_sparing(Suite *suite, enum spared programs)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    on_failed_check(fail_test);
    if (!is_full_run())
        spare_compilation(programs);
    int status = run_in_one_process(suite);
    print_worst_errors();
    release_engines_and_queues();
    return status;
}

int run_suite(Suite *suite)
{
    return run_sparing(suite, SPARE_UNUSUAL_PROGRAMS);
}

int run_suite_unoptimized(Suite *suite)
{
    return run_sparing(suite, SPARE_ALL_PROGRAMS);
}
