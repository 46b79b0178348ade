/* SPDX-License-Identifier: MIT */
/*
 * Loads and unloads the library again and again, while threads that have called it live on: unload LIBRARY
 *
 * What a library registers to be called when a thread or the process ends would be gone by then.
 */
#define _POSIX_C_SOURCE 200809L
#include "clbn.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = 100, THREADS = 4 };

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
    return EXIT_SUCCESS;
}
