/* SPDX-License-Identifier: MIT */
/* What a machine's OpenCL says of a device, and how its compiler takes programs. For tools/gpu-report.sh.
 *
 *     probe facts DEVICE                          prints what there is; the line "facts: ..." is for tools/gpu_check/plans.c
 *     probe build DEVICE FOLDER PART PARTS        builds FOLDER/NAME.cl with the options in FOLDER/NAME.options, each PARTS-th; writes
 *                                                 NAME.log and NAME.binary beside it, and a line with the seconds
 *
 * DEVICE: GPU, CPU, or a part of a device's name. Exit code 1: no such device, for the reason printed, or a program is not built. */
#define _POSIX_C_SOURCE          200809L
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PLATFORMS = 16, DEVICES = 16, TEXT_SIZE = 8192, PATH_SIZE = 4096 };

static void device_text(cl_device_id device, cl_device_info name, char text[TEXT_SIZE])
{
    if (clGetDeviceInfo(device, name, TEXT_SIZE, text, NULL) != CL_SUCCESS)
        snprintf(text, TEXT_SIZE, "?");
}

/* A number of any size. */
static cl_ulong device_number(cl_device_id device, cl_device_info name)
{
    cl_ulong value = 0;
    size_t size = 0;
    if (clGetDeviceInfo(device, name, 0, NULL, &size) != CL_SUCCESS || size > sizeof(value))
        return 0;
    clGetDeviceInfo(device, name, size, &value, NULL);
    return value;
}

static int is_wanted(cl_device_id device, const char *wanted)
{
    char name[TEXT_SIZE];
    const cl_ulong type = device_number(device, CL_DEVICE_TYPE);
    device_text(device, CL_DEVICE_NAME, name);
    if (strcmp(wanted, "GPU") == 0)
        return (type & CL_DEVICE_TYPE_GPU) != 0 && (type & CL_DEVICE_TYPE_CPU) == 0;
    if (strcmp(wanted, "CPU") == 0)
        return (type & CL_DEVICE_TYPE_CPU) != 0;
    return strstr(name, wanted) != NULL;
}

/* Says what there is on the way. */
static cl_device_id find_device(const char *wanted, int says)
{
    cl_platform_id platforms[PLATFORMS];
    cl_device_id found = NULL;
    cl_uint platform_count = 0;
    cl_int status = clGetPlatformIDs(PLATFORMS, platforms, &platform_count);
    if (says)
        printf("platforms: %u, status %d\n", (unsigned)platform_count, (int)status);
    for (cl_uint i = 0; i < platform_count && i < PLATFORMS; i++) {
        cl_device_id devices[DEVICES];
        char text[TEXT_SIZE] = "?";
        cl_uint count = 0;
        status = clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, DEVICES, devices, &count);
        clGetPlatformInfo(platforms[i], CL_PLATFORM_NAME, sizeof(text), text, NULL);
        if (says)
            printf("platform '%s': %u devices, status %d\n", text, (unsigned)count, (int)status);
        for (cl_uint j = 0; j < count && j < DEVICES; j++) {
            device_text(devices[j], CL_DEVICE_NAME, text);
            if (says)
                printf("device '%s'\n", text);
            if (!found && is_wanted(devices[j], wanted))
                found = devices[j];
        }
    }
    if (!found)
        printf("no device is as wanted ('%s')\n", wanted);
    return found;
}

static int print_facts(cl_device_id device)
{
    static const struct {
        const char *label;
        cl_device_info name;
    } texts[] = {
        { "name", CL_DEVICE_NAME },          { "vendor", CL_DEVICE_VENDOR },  { "version", CL_DEVICE_VERSION },
        { "C", CL_DEVICE_OPENCL_C_VERSION }, { "driver", CL_DRIVER_VERSION }, { "extensions", CL_DEVICE_EXTENSIONS }
    };
    static const struct {
        const char *label;
        cl_device_info name;
    } numbers[] = { { "clock MHz", CL_DEVICE_MAX_CLOCK_FREQUENCY },     { "memory bytes", CL_DEVICE_GLOBAL_MEM_SIZE },
                    { "largest buffer", CL_DEVICE_MAX_MEM_ALLOC_SIZE }, { "cache line", CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE },
                    { "argument bytes", CL_DEVICE_MAX_PARAMETER_SIZE }, { "timer ns", CL_DEVICE_PROFILING_TIMER_RESOLUTION } };
    char text[TEXT_SIZE];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        device_text(device, texts[i].name, text);
        printf("%s: %s\n", texts[i].label, text);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        printf("%s: %llu\n", numbers[i].label, (unsigned long long)device_number(device, numbers[i].name));
    printf("facts: vendor=%llu double=%d units=%llu group=%llu local=%llu cache=%llu\n",
           (unsigned long long)device_number(device, CL_DEVICE_VENDOR_ID),
           device_number(device, CL_DEVICE_DOUBLE_FP_CONFIG) != 0,
           (unsigned long long)device_number(device, CL_DEVICE_MAX_COMPUTE_UNITS),
           (unsigned long long)device_number(device, CL_DEVICE_MAX_WORK_GROUP_SIZE),
           (unsigned long long)device_number(device, CL_DEVICE_LOCAL_MEM_SIZE),
           (unsigned long long)device_number(device, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE));
    return EXIT_SUCCESS;
}

/* NULL if there is no such file, or no memory. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    long size;
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && (text = calloc((size_t)size + 1, 1))) {
        rewind(file);
        if (fread(text, 1, (size_t)size, file) != (size_t)size)
            text[0] = '\0';
    }
    fclose(file);
    return text;
}

static void write_file(const char *folder, const char *name, const char *suffix, const void *bytes, size_t size)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/%s.%s", folder, name, suffix);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size)
        perror(path);
    if (file)
        fclose(file);
}

static void write_log(cl_program program, cl_device_id device, const char *folder, const char *name)
{
    size_t size = 0;
    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = size > 1 ? calloc(size + 1, 1) : NULL;
    if (log && clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, size, log, NULL) == CL_SUCCESS)
        write_file(folder, name, "log", log, strlen(log));
    free(log);
}

static void write_binary(cl_program program, const char *folder, const char *name)
{
    size_t size = 0;
    clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof(size), &size, NULL);
    unsigned char *binary = size > 0 ? malloc(size) : NULL;
    if (binary && clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof(binary), &binary, NULL) == CL_SUCCESS)
        write_file(folder, name, "binary", binary, size);
    free(binary);
}

static cl_int build(cl_context context, cl_device_id device, const char *folder, const char *name)
{
    char path[PATH_SIZE], verbose[PATH_SIZE];
    struct timespec begin, end;
    cl_int status = CL_INVALID_VALUE;
    snprintf(path, sizeof(path), "%s/%s.cl", folder, name);
    char *source = read_file(path);
    snprintf(path, sizeof(path), "%s/%s.options", folder, name);
    char *options = read_file(path);
    const char *text = source;
    cl_program program = source && options ? clCreateProgramWithSource(context, 1, &text, NULL, &status) : NULL;
    if (program) {
        /* NVIDIA's compiler then says registers and spills in its log; others refuse the option. */
        snprintf(verbose, sizeof(verbose), "%s -cl-nv-verbose", options);
        clock_gettime(CLOCK_MONOTONIC, &begin);
        status = clBuildProgram(program, 1, &device, verbose, NULL, NULL);
        if (status == CL_INVALID_BUILD_OPTIONS || status == CL_BUILD_PROGRAM_FAILURE) {
            clock_gettime(CLOCK_MONOTONIC, &begin);
            status = clBuildProgram(program, 1, &device, options, NULL, NULL);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%s %.2f s status %d %s\n", name,
               (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec), (int)status, options);
        fflush(stdout);
        write_log(program, device, folder, name);
        /* A CPU's OpenCL would compile each kernel for it. */
        if (status == CL_SUCCESS && (device_number(device, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU) == 0)
            write_binary(program, folder, name);
        clReleaseProgram(program);
    }
    free(source);
    free(options);
    return status;
}

static int is_source(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return length > 3 && strcmp(entry->d_name + length - 3, ".cl") == 0;
}

/* A number from the command line, which is at least that. */
static int number_of(const char *text, int least)
{
    const long number = strtol(text, NULL, 10);
    return number > least && number <= INT_MAX ? (int)number : least;
}

static int build_part(cl_device_id device, const char *folder, int part, int parts)
{
    struct dirent **entries = NULL;
    cl_int status = CL_SUCCESS;
    int code = EXIT_SUCCESS;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    const int count = context ? scandir(folder, &entries, is_source, alphasort) : -1;
    if (count < 0) {
        printf("no context (%d), or no folder '%s'\n", (int)status, folder);
        code = EXIT_FAILURE;
    }
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 3] = '\0';
        if (i % parts == part && build(context, device, folder, entries[i]->d_name) != CL_SUCCESS)
            code = EXIT_FAILURE;
        free(entries[i]);
    }
    free(entries);
    if (context)
        clReleaseContext(context);
    return code;
}

int main(int argc, char **argv)
{
    const int builds = argc == 6 && strcmp(argv[1], "build") == 0;
    if (!builds && !(argc == 3 && strcmp(argv[1], "facts") == 0)) {
        fprintf(stderr, "usage: probe facts DEVICE, or probe build DEVICE FOLDER PART PARTS\n");
        return 2;
    }
    cl_device_id device = find_device(argv[2], !builds);
    if (!device)
        return EXIT_FAILURE;
    return builds ? build_part(device, argv[3], number_of(argv[4], 0), number_of(argv[5], 1)) : print_facts(device);
}
