/* SPDX-License-Identifier: MIT */
/*
 * Loads and unloads the library again and again, while threads that have called it live on: unload LIBRARY
 *
 * What a library registers to be called when a thread or the process ends would be gone by then. Then creates and releases engines
 * without number: memory that each would leave adds up.
 */
#define _POSIX_C_SOURCE          200809L
#define CL_TARGET_OPENCL_VERSION 120
#include "clbn.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMES = 100, THREADS = 4, ENGINES = 10000 };

static cl_int (*retain_plan)(clbn_plan plan);
static const char *(*last_error)(void);
static pthread_barrier_t called, unloaded;

static bool find(void *library, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, size);
    return symbol != NULL;
}

/* Gives what it is given if the library answered as it should. */
static void *call_and_wait(void *argument)
{
    bool right = retain_plan(NULL) == CLBN_INVALID_PLAN && strstr(last_error(), "plan") != NULL;
    pthread_barrier_wait(&called);
    pthread_barrier_wait(&unloaded);
    return right ? argument : NULL;
}

static bool load_and_unload(const char *path)
{
    pthread_t threads[THREADS];
    bool right = true;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !find(library, "clbnRetainPlan", &retain_plan, sizeof retain_plan) ||
        !find(library, "clbnLastError", &last_error, sizeof last_error)) {
        printf("%s\n", dlerror());
        return false;
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, call_and_wait, &retain_plan) != 0)
            abort();
    pthread_barrier_wait(&called);
    right = dlclose(library) == 0;
    pthread_barrier_wait(&unloaded);
    for (int i = 0; i < THREADS; i++) {
        void *answer = NULL;
        pthread_join(threads[i], &answer);
        right = right && answer != NULL;
    }
    return right;
}

/* Bytes of this process that are in memory. */
static size_t resident_bytes(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    if (file != NULL)
        fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* The first device of the first platform that has one: an implementation may be installed for a device that is not there. */
static bool find_device(cl_device_id *device)
{
    cl_platform_id platforms[16];
    cl_uint count = 0;
    clGetPlatformIDs(16, platforms, &count);
    for (cl_uint i = 0; i < count && i < 16; i++)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, device, NULL) == CL_SUCCESS)
            return true;
    return false;
}

/* Once a tenth of the engines has come and gone, the others take no more than a MiB: a hundred bytes each would show. */
static bool keeps_memory(const char *path)
{
    clbn_engine (*create)(cl_context, cl_device_id, const clbn_engine_options *, cl_int *);
    cl_int (*release)(clbn_engine);
    cl_device_id device;
    cl_int status = CL_SUCCESS;
    size_t early = 0;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !find(library, "clbnCreateEngine", &create, sizeof create) ||
        !find(library, "clbnReleaseEngine", &release, sizeof release) || !find_device(&device))
        return false;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    for (int i = 0; i < ENGINES && status == CL_SUCCESS; i++) {
        clbn_engine engine = create(context, device, NULL, &status);
        if (status == CL_SUCCESS)
            status = release(engine);
        if (i == ENGINES / 10)
            early = resident_bytes();
    }
    const size_t late = resident_bytes();
    printf("%d engines: %zu KiB in memory, %zu after a tenth of them\n", ENGINES, late / 1024, early / 1024);
    clReleaseContext(context);
    dlclose(library);
    return status == CL_SUCCESS && early > 0 && late <= early + (1u << 20);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    pthread_barrier_init(&called, NULL, THREADS + 1);
    pthread_barrier_init(&unloaded, NULL, THREADS + 1);
    for (int i = 0; i < TIMES; i++)
        if (!load_and_unload(argv[1]))
            return EXIT_FAILURE;
    printf("loaded and unloaded %d times\n", TIMES);
    return keeps_memory(argv[1]) ? EXIT_SUCCESS : EXIT_FAILURE;
}
