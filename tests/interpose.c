/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "interpose.h"

#include "harness.h"
#include "next_function.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* Counts are relaxed atomics: they must not order the threads of a test, or a race between these would go unseen. */
static long live[OBJECT_KINDS];
static bool without_float64;
static bool without_svm;
static bool without_parents;
static bool with_other_name;
static bool builds_are_held;

/* The functions that have been called. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct interposed *registry;

/* The failure that was asked for. */
static bool armed;
static enum failure_kind armed_kind;
static const char *armed_function;
static unsigned long calls_until_failure;
static const char *failed_function;
static unsigned long failures;

static void find_real(struct interposed *function)
{
    void (*real)(void) = NULL;
    find_next_function(function->name, &real);
    function->next = registry;
    registry = function;
    __atomic_store_n(&function->real, real, __ATOMIC_RELEASE);
}

void interposed_succeeds(struct interposed *function)
{
    if (__atomic_load_n(&function->real, __ATOMIC_ACQUIRE) == NULL) {
        pthread_mutex_lock(&registry_lock);
        if (function->real == NULL)
            find_real(function);
        pthread_mutex_unlock(&registry_lock);
    }
    __atomic_add_fetch(&function->calls, 1, __ATOMIC_RELAXED);
}

/* Only one thread calls the library while a failure is armed. */
static bool is_to_fail(const char *name)
{
    if (!armed || (armed_function != NULL && strcmp(armed_function, name) != 0))
        return false;
    if (calls_until_failure > 1) {
        calls_until_failure--;
        return false;
    }
    if (failed_function != NULL && armed_kind == FAILS_ONCE)
        return false;
    if (failed_function == NULL)
        failed_function = name;
    failures++;
    return true;
}

bool interposed_fails(struct interposed *function)
{
    interposed_succeeds(function);
    return is_to_fail(function->name);
}

void fail_call_number(unsigned long number, const char *function, enum failure_kind kind)
{
    calls_until_failure = number;
    armed_function = function;
    armed_kind = kind;
    failed_function = NULL;
    armed = true;
}

const char *stop_failing(void)
{
    armed = false;
    return failed_function;
}

unsigned long count_failures(void)
{
    return failures;
}

cl_int status_of_failed(const char *function)
{
    return strncmp(function, "cl", 2) == 0 ? INJECTED_STATUS : CL_OUT_OF_HOST_MEMORY;
}

unsigned long calls_of(const char *prefix)
{
    unsigned long calls = 0;
    pthread_mutex_lock(&registry_lock);
    for (struct interposed *function = registry; function != NULL; function = function->next)
        if (strncmp(function->name, prefix, strlen(prefix)) == 0)
            calls += __atomic_load_n(&function->calls, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&registry_lock);
    return calls;
}

void count_object(enum object_kind kind, long change)
{
    __atomic_add_fetch(&live[kind], change, __ATOMIC_RELAXED);
}

struct live_objects count_live_objects(void)
{
    struct live_objects objects;
    for (int kind = 0; kind < OBJECT_KINDS; kind++)
        objects.count[kind] = __atomic_load_n(&live[kind], __ATOMIC_RELAXED);
    return objects;
}

void expect_live_objects(const struct live_objects *before)
{
    static const char *const names[OBJECT_KINDS] = { "contexts", "devices", "queues",      "memory objects", "programs",
                                                     "kernels",  "events",  "allocations", "locks" };
    struct live_objects now = count_live_objects();
    for (int kind = 0; kind < OBJECT_KINDS; kind++)
        ck_assert_msg(now.count[kind] == before->count[kind], "%s: %ld %s are alive, %ld were before", what_is_tested(),
                      now.count[kind], names[kind], before->count[kind]);
}

void hide_float64(bool hidden)
{
    without_float64 = hidden;
}

bool float64_is_hidden(void)
{
    return without_float64;
}

void hide_svm(bool hidden)
{
    without_svm = hidden;
}

bool svm_is_hidden(void)
{
    return without_svm;
}

void hide_parents(bool hidden)
{
    without_parents = hidden;
}

bool parents_are_hidden(void)
{
    return without_parents;
}

void hide_device_name(bool hidden)
{
    with_other_name = hidden;
}

bool device_name_is_hidden(void)
{
    return with_other_name;
}

void hold_builds(bool held)
{
    __atomic_store_n(&builds_are_held, held, __ATOMIC_RELEASE);
}

void wait_for_builds(void)
{
    const struct timespec moment = { 0, 1000000 };
    while (__atomic_load_n(&builds_are_held, __ATOMIC_ACQUIRE))
        nanosleep(&moment, NULL);
}
