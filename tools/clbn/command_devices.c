/* SPDX-License-Identifier: MIT */
/* clbn devices: what there is, and what of it matters to clbn. */
#include "commands.h"
#include "io/device.h"
#include "io/failure.h"
#include "io/json.h"
#include "io/options.h"
#include "io/scalar.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_SIZE = 128 };

struct device_report {
    bool is_default;
    const char *name;
    const char *platform;
    char *version; /* "OpenCL 3.0 ..."; NULL if unknown. */
    const char *kind;
    cl_uint compute_units;
    cl_ulong global_bytes;
    cl_ulong local_bytes;
    bool usable; /* An engine could be made, and what follows is known. */
    struct failure why_not;
    bool float64;
    clbn_geometry geometry;
    size_t group_size;
    size_t vector_width; /* In float32 values. */
    char merge_type[32];
};

/* Simulators call themselves all kinds at once; they are taken as CPUs, as clbn takes them. */
static const char *kind_name(cl_device_type kind)
{
    return (kind & CL_DEVICE_TYPE_CPU) != 0           ? "CPU"
           : (kind & CL_DEVICE_TYPE_GPU) != 0         ? "GPU"
           : (kind & CL_DEVICE_TYPE_ACCELERATOR) != 0 ? "accelerator"
                                                      : "other";
}

static bool inspect_engine(struct device_report *report, clbn_engine engine)
{
    cl_bool float64 = CL_FALSE;
    const struct {
        clbn_engine_info name;
        size_t size;
        void *value;
    } queries[] = {
        { CLBN_ENGINE_HAS_FLOAT64, sizeof(float64), &float64 },
        { CLBN_ENGINE_GEOMETRY, sizeof(report->geometry), &report->geometry },
        { CLBN_ENGINE_GROUP_SIZE, sizeof(report->group_size), &report->group_size },
        { CLBN_ENGINE_VECTOR_WIDTH, sizeof(report->vector_width), &report->vector_width },
        { CLBN_ENGINE_MERGE_TYPE, sizeof(report->merge_type), report->merge_type },
    };

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        cl_int status = clbnGetEngineInfo(engine, queries[i].name, queries[i].size, queries[i].value, NULL);

        if (status != CLBN_SUCCESS)
            return fail_clbn(&report->why_not, "asking the engine", status);
    }
    report->float64 = float64 != CL_FALSE;
    return true;
}

/* report->version is the caller's to free. */
static void inspect_device(struct device_report *report, const struct device_entry *entry, bool is_default)
{
    struct session session;

    memset(report, 0, sizeof(*report));
    report->is_default = is_default;
    report->name = entry->name;
    report->platform = entry->platform_name;
    report->version = device_text(entry->device, CL_DEVICE_VERSION);
    report->kind = kind_name(entry->kind);
    clGetDeviceInfo(entry->device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint), &report->compute_units, NULL);
    clGetDeviceInfo(entry->device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong), &report->global_bytes, NULL);
    clGetDeviceInfo(entry->device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong), &report->local_bytes, NULL);
    if (session_open_device(&session, entry->device, CLBN_GEOMETRY_AUTO, &report->why_not)) {
        report->usable = inspect_engine(report, session.engine);
        session_close(&session);
    }
}

/* "512 KiB", "15.3 GiB" */
static void format_bytes(cl_ulong bytes, char *text, size_t size)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    snprintf(text, size, "%.*f %s", value < 100 && value != (double)(long)value ? 1 : 0, value, units[unit]);
}

/* Copies text that a driver gave, without control characters. */
static void copy_text(char *cell, const char *text)
{
    size_t length = 0;

    for (; text[length] != '\0' && length + 1 < CELL_SIZE; length++)
        cell[length] = iscntrl((unsigned char)text[length]) ? '?' : text[length];
    cell[length] = '\0';
}

/* "3.0" of "OpenCL 3.0 PoCL" */
static void copy_version(char *cell, const char *version)
{
    static const char prefix[] = "OpenCL ";

    if (version == NULL || strncmp(version, prefix, strlen(prefix)) != 0) {
        copy_text(cell, "?");
        return;
    }
    copy_text(cell, version + strlen(prefix));
    cell[strcspn(cell, " ")] = '\0';
}

static void print_device(const struct device_report *report, size_t index)
{
    char name[CELL_SIZE], platform[CELL_SIZE], version[CELL_SIZE], global[CELL_SIZE], local[CELL_SIZE];

    copy_text(name, report->name);
    copy_text(platform, report->platform);
    copy_version(version, report->version);
    format_bytes(report->global_bytes, global, CELL_SIZE);
    format_bytes(report->local_bytes, local, CELL_SIZE);
    printf("%zu%s  %s\n", index, report->is_default ? "*" : " ", name);
    printf("    %s with %u compute units, OpenCL %s of %s\n", report->kind, report->compute_units, version, platform);
    printf("    memory: %s global, %s local\n", global, local);
    if (!report->usable) {
        printf("    cannot be used: %s\n", report->why_not.sentence);
        return;
    }
    printf("    types: %s; merges in %s\n", report->float64 ? "float16/32/64, bfloat16" : "float16/32, bfloat16",
           report->merge_type);
    printf("    geometry: %s, work-groups of %zu, vectors of %zu float32 values\n", geometry_names[report->geometry],
           report->group_size, report->vector_width);
}

static void print_devices(const struct device_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_device(&reports[i], i);
    printf("\n*: the default\n");
}

/* The keys are the contract with programs that read this. */
static void print_json_device(struct json *json, const struct device_report *report, size_t index)
{
    json_open(json, NULL, '{');
    json_integer(json, "index", index);
    json_bool(json, "default", report->is_default);
    json_string(json, "name", report->name);
    json_string(json, "platform", report->platform);
    json_string(json, "version", report->version);
    json_string(json, "kind", report->kind);
    json_integer(json, "compute_units", report->compute_units);
    json_integer(json, "global_bytes", report->global_bytes);
    json_integer(json, "local_bytes", report->local_bytes);
    json_open(json, "types", '[');
    for (clbn_type type = CLBN_FLOAT32; report->usable && scalar_type_names[type] != NULL; type++)
        if (type != CLBN_FLOAT64 || report->float64)
            json_string(json, NULL, scalar_type_names[type]);
    json_close(json);
    if (report->usable) {
        json_string(json, "geometry", geometry_names[report->geometry]);
        json_integer(json, "group_size", report->group_size);
        json_integer(json, "vector_width", report->vector_width);
        json_string(json, "merge_type", report->merge_type);
    } else {
        json_string(json, "error", report->why_not.sentence);
    }
    json_close(json);
}

static void print_json(const struct device_report *reports, size_t count)
{
    struct json json = json_start(stdout);

    json_open(&json, NULL, '{');
    json_open(&json, "devices", '[');
    for (size_t i = 0; i < count; i++)
        print_json_device(&json, &reports[i], i);
    json_close(&json);
    json_close(&json);
}

int command_devices(int argc, char **argv)
{
    bool as_json = false;
    struct command_option options[] = {
        { .name = "json", .kind = OPTION_FLAG, .to.flag = &as_json, .help = "print JSON, for programs" },
    };
    const struct command_line command = { "devices", "List the OpenCL devices and how clbn would use each", options,
                                          OPTION_COUNT(options) };
    struct device_list list;
    struct device_report *reports = NULL;
    struct failure failure;
    size_t chosen;
    bool done = false;
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    if (!device_list_open(&list, &failure) || !device_list_find(&list, NULL, &chosen, &failure))
        goto cleanup;
    reports = calloc(list.count, sizeof(*reports));
    if (reports == NULL) {
        fail(&failure, "there is no memory for the list of devices");
        goto cleanup;
    }
    for (size_t i = 0; i < list.count; i++)
        inspect_device(&reports[i], &list.entries[i], i == chosen);
    done = true;
    if (as_json)
        print_json(reports, list.count);
    else
        print_devices(reports, list.count);

cleanup:
    for (size_t i = 0; reports != NULL && i < list.count; i++)
        free(reports[i].version);
    free(reports);
    device_list_close(&list);
    if (!done)
        report_failure(&failure);
    return done ? EXIT_DONE : EXIT_FAILED;
}
