/* SPDX-License-Identifier: MIT */
/*
 * Faults of OpenCL implementations that clbn has met, each in a few lines without clbn: platform_faults
 *
 * Tries each on the first device of each platform, in a process of its own, which a fault may end, and prints what it saw. Says nothing of
 * clbn, so it always ends with 0.
 */
#define _POSIX_C_SOURCE          200809L
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum verdict { RIGHT, WRONG, NOT_TRIED };

enum { SECONDS = 10 };

static cl_platform_id platform;
static cl_device_id device;
static cl_context context;
static cl_command_queue queue;

static void begin(void)
{
    context = clCreateContext(NULL, 1, &device, NULL, NULL, NULL);
    queue = clCreateCommandQueue(context, device, 0, NULL);
    if (queue == NULL)
        _exit(NOT_TRIED);
}

static cl_kernel build(const char *source, const char *name, const char *options)
{
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, NULL);
    if (clBuildProgram(program, 1, &device, options, NULL, NULL) != CL_SUCCESS)
        _exit(NOT_TRIED);
    return clCreateKernel(program, name, NULL);
}

/* ---- Events ---------------------------------------------------------------------------------------------------------------- */

/* OpenCL 1.2, 5.11: a command whose wait list has an event that fails does not run; its own event has a negative status. */
static enum verdict run_after(bool fails_before)
{
    cl_kernel kernel = build("__kernel void nothing(void) {}", "nothing", "");
    cl_event given = clCreateUserEvent(context, NULL), done = NULL;
    const size_t one = 1;
    cl_int status = CL_SUCCESS;
    if (fails_before)
        clSetUserEventStatus(given, -1);
    if (clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 1, &given, &done) != CL_SUCCESS)
        return fails_before ? RIGHT : NOT_TRIED;
    clFlush(queue);
    if (!fails_before)
        clSetUserEventStatus(given, -1);
    clWaitForEvents(1, &done);
    clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
    return status < 0 ? RIGHT : WRONG;
}

static enum verdict wait_for_an_event_that_fails(void)
{
    return run_after(false);
}

static enum verdict wait_for_an_event_that_has_failed(void)
{
    return run_after(true);
}

/* ---- Command buffers: cl_khr_command_buffer, which older headers do not have ------------------------------------------------ */

typedef void *command_buffer;

enum { COMMAND_BUFFER_QUEUES = 0x1294 };

/* A function of the extension; ends the process where there is none. */
static void find(const char *name, void *function, size_t size)
{
    void *found = clGetExtensionFunctionAddressForPlatform(platform, name);
    if (found == NULL)
        _exit(NOT_TRIED);
    memcpy(function, &found, size);
}

static command_buffer record(cl_kernel kernel)
{
    command_buffer(CL_API_CALL * create)(cl_uint, const cl_command_queue *, const void *, cl_int *);
    cl_int(CL_API_CALL * finalize)(command_buffer);
    cl_int(CL_API_CALL * add)(command_buffer, cl_command_queue, const void *, cl_kernel, cl_uint, const size_t *,
                              const size_t *, const size_t *, cl_uint, const cl_uint *, cl_uint *, void *);
    const size_t one = 1;
    find("clCreateCommandBufferKHR", &create, sizeof create);
    find("clCommandNDRangeKernelKHR", &add, sizeof add);
    find("clFinalizeCommandBufferKHR", &finalize, sizeof finalize);
    command_buffer commands = create(1, &queue, NULL, NULL);
    if (commands == NULL || add(commands, NULL, NULL, kernel, 1, NULL, &one, &one, 0, NULL, NULL, NULL) != CL_SUCCESS ||
        finalize(commands) != CL_SUCCESS)
        _exit(NOT_TRIED);
    return commands;
}

/* The kernel's arguments are those of when it was recorded. */
static enum verdict replay_after_other_arguments(void)
{
    cl_int(CL_API_CALL * replay)(cl_uint, cl_command_queue *, command_buffer, cl_uint, const cl_event *, cl_event *);
    cl_kernel kernel = build("__kernel void store(__global int *to, int value) { *to = value; }", "store", "");
    cl_mem memory = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof(cl_int), NULL, NULL);
    const cl_int recorded = 1, later = 2;
    cl_int stored = 0;
    find("clEnqueueCommandBufferKHR", &replay, sizeof replay);
    clSetKernelArg(kernel, 0, sizeof memory, &memory);
    clSetKernelArg(kernel, 1, sizeof recorded, &recorded);
    command_buffer commands = record(kernel);
    clSetKernelArg(kernel, 1, sizeof later, &later);
    if (replay(0, NULL, commands, 0, NULL, NULL) != CL_SUCCESS ||
        clEnqueueReadBuffer(queue, memory, CL_TRUE, 0, sizeof stored, &stored, 0, NULL, NULL) != CL_SUCCESS)
        return NOT_TRIED;
    return stored == recorded ? RIGHT : WRONG;
}

static enum verdict ask_for_the_queue_of_commands(void)
{
    cl_int(CL_API_CALL * info)(command_buffer, cl_uint, size_t, void *, size_t *);
    cl_command_queue found = NULL;
    find("clGetCommandBufferInfoKHR", &info, sizeof info);
    command_buffer commands = record(build("__kernel void nothing(void) {}", "nothing", ""));
    if (info(commands, COMMAND_BUFFER_QUEUES, sizeof found, &found, NULL) != CL_SUCCESS)
        return NOT_TRIED;
    return found == queue ? RIGHT : WRONG;
}

/* ---- Compilation ------------------------------------------------------------------------------------------------------------ */

static enum verdict compile_unused_local_memory(void)
{
    static const char source[] = "__kernel void store(__global int *to) { __local int all[1]; *to = 1; }";
    cl_kernel kernel = build(source, "store", "-cl-opt-disable");
    cl_mem memory = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof(cl_int), NULL, NULL);
    const size_t one = 1;
    cl_int stored = 0;
    clSetKernelArg(kernel, 0, sizeof memory, &memory);
    if (clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL) != CL_SUCCESS ||
        clEnqueueReadBuffer(queue, memory, CL_TRUE, 0, sizeof stored, &stored, 0, NULL, NULL) != CL_SUCCESS)
        return NOT_TRIED;
    return stored == 1 ? RIGHT : WRONG;
}

/* OpenCL 1.2, 6.12.2: fma is there on every device, in software if need be. */
static enum verdict compile_fma(void)
{
    static const char source[] = "__kernel void add(__global float *to) { *to = fma(to[0], to[1], to[2]); }";
    cl_program program = clCreateProgramWithSource(context, 1, &(const char *){ source }, NULL, NULL);
    return clBuildProgram(program, 1, &device, "", NULL, NULL) == CL_SUCCESS ? RIGHT : WRONG;
}

/* A struct of more than 32 bytes that is passed on unused, a function's own variable, and a barrier two calls deep. */
static enum verdict compile_barrier_below_struct(void)
{
    static const char source[] =
        "typedef struct { uint a, b, c, d, e, f, g, h, i; } numbers;\n"
        "static void share(float *own, __local float *all) {\n"
        "    const uint item = get_local_id(0); all[item] = item; barrier(CLK_LOCAL_MEM_FENCE); *own = all[item];\n"
        "}\n"
        "static void pass(float *own, numbers n, __local float *all) { float got; share(&got, all); *own = got; }\n"
        "__kernel void store(__global float *to, uint first) {\n"
        "    __local float all[16]; numbers n = { first, 2, 3, 4, 5, 6, 7, 8, 9 }; float own; pass(&own, n, all); "
        "to[get_local_id(0)] = own;\n"
        "}\n";
    cl_kernel kernel = build(source, "store", "-cl-std=CL1.2");
    const size_t items = 16;
    const cl_uint first = 1;
    float stored[16] = { 0 };
    cl_mem memory = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof stored, NULL, NULL);
    clSetKernelArg(kernel, 0, sizeof memory, &memory);
    clSetKernelArg(kernel, 1, sizeof first, &first);
    if (clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, &items, 0, NULL, NULL) != CL_SUCCESS ||
        clEnqueueReadBuffer(queue, memory, CL_TRUE, 0, sizeof stored, stored, 0, NULL, NULL) != CL_SUCCESS)
        return NOT_TRIED;
    for (size_t i = 0; i < items; i++)
        if (stored[i] != (float)i)
            return WRONG;
    return RIGHT;
}

/* ---- What a device says of itself ------------------------------------------------------------------------------------------ */

/* A CPU of AMD's is no device of Intel's, 0x8086. */
static enum verdict ask_for_the_vendor(void)
{
    char vendor[200] = "";
    cl_uint id = 0;
    clGetDeviceInfo(device, CL_DEVICE_VENDOR, sizeof vendor - 1, vendor, NULL);
    clGetDeviceInfo(device, CL_DEVICE_VENDOR_ID, sizeof id, &id, NULL);
    if (strstr(vendor, "AMD") == NULL)
        return NOT_TRIED;
    return id == 0x8086 ? WRONG : RIGHT;
}

/* ---- All ------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum verdict (*attempt)(void);
} faults[] = {
    { "a kernel that waits for an event that fails", wait_for_an_event_that_fails },
    { "a kernel that waits for an event that has failed", wait_for_an_event_that_has_failed },
    { "a command buffer whose kernel has got other arguments", replay_after_other_arguments },
    { "the queue of a command buffer", ask_for_the_queue_of_commands },
    { "local memory that is not used, without optimization", compile_unused_local_memory },
    { "fma", compile_fma },
    { "a barrier in a function that a function with a struct calls", compile_barrier_below_struct },
    { "the vendor id of an AMD CPU", ask_for_the_vendor },
};

/* OpenCL is first called in the child: its threads do not live on in one. */
static void attempt(size_t fault, cl_uint number)
{
    cl_platform_id platforms[16];
    cl_uint count = 0;
    clGetPlatformIDs(16, platforms, &count);
    platform = platforms[number];
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL) != CL_SUCCESS)
        _exit(NOT_TRIED);
    alarm(SECONDS);
    begin();
    _exit((int)faults[fault].attempt());
}

static const char *say(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "FAULT: it does not end" : "FAULT: it ends the process";
    return WEXITSTATUS(status) == RIGHT ? "right" : WEXITSTATUS(status) == WRONG ? "FAULT: wrong" : "not there to be tried";
}

/* Names of the platforms, one a line, asked for in a child. */
static cl_uint print_platforms(void)
{
    cl_platform_id platforms[16];
    char version[200];
    cl_uint count = 0;
    clGetPlatformIDs(16, platforms, &count);
    for (cl_uint i = 0; i < count && i < 16; i++)
        if (clGetPlatformInfo(platforms[i], CL_PLATFORM_VERSION, sizeof version, version, NULL) == CL_SUCCESS)
            printf("platform %u: %s\n", (unsigned)i, version);
    fflush(stdout);
    return count;
}

int main(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit((int)print_platforms());
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return EXIT_FAILURE;
    const cl_uint platforms = (cl_uint)WEXITSTATUS(status);
    for (cl_uint i = 0; i < platforms && i < 16; i++)
        for (size_t fault = 0; fault < sizeof faults / sizeof *faults; fault++) {
            child = fork();
            if (child == 0)
                attempt(fault, i);
            if (child < 0 || waitpid(child, &status, 0) != child)
                return EXIT_FAILURE;
            printf("platform %u: %-62s %s\n", (unsigned)i, faults[fault].name, say(status));
            fflush(stdout);
        }
    return EXIT_SUCCESS;
}
