/* SPDX-License-Identifier: MIT */
/* What clbn_for_tests is linked to call in place of the C library (ld's --wrap). */
#include "interpose.h"

#include <pthread.h>
#include <stdlib.h>

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *memory);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);

static struct interposed malloc_function = { "malloc", NULL, 0, NULL };
static struct interposed calloc_function = { "calloc", NULL, 0, NULL };
static struct interposed mutex_init_function = { "pthread_mutex_init", NULL, 0, NULL };

static void *counted(void *memory)
{
    count_object(OBJECT_ALLOCATION, memory != NULL);
    return memory;
}

void *__wrap_malloc(size_t size)
{
    return interposed_fails(&malloc_function) ? NULL : counted(malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return interposed_fails(&calloc_function) ? NULL : counted(calloc(count, size));
}

void __wrap_free(void *memory)
{
    count_object(OBJECT_ALLOCATION, -(memory != NULL));
    free(memory);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    if (interposed_fails(&mutex_init_function))
        return -1;
    int failed = pthread_mutex_init(mutex, attributes);
    count_object(OBJECT_LOCK, failed == 0);
    return failed;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    count_object(OBJECT_LOCK, -1);
    return pthread_mutex_destroy(mutex);
}
