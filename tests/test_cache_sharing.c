/* SPDX-License-Identifier: MIT */
/* The disk cache of many processes and threads at once, of which some were killed. */
#define _XOPEN_SOURCE 700
#include "allocate.h"
#include "cache_files.h"
#include "cache_text.h"
#include "program/disk_cache.h"
#include "suite_runner.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The status of a child that must end by itself. */
static int status_of(pid_t child)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "a process was killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Data of many sizes, of which each byte follows from the first. */
static void write_pattern(unsigned seed)
{
    size_t size = 1 + seed % 90001;
    unsigned char *bytes = allocate(size, 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(seed + i * 31);
    bn_cache_write("test", cache_key, sizeof cache_key, bytes, size);
    free(bytes);
}

static bool read_pattern(void)
{
    void *data = NULL;
    size_t size = 0;
    if (!bn_cache_read("test", cache_key, sizeof cache_key, &data, &size))
        return false;
    const unsigned char *bytes = data;
    bool whole = size > 0;
    for (size_t i = 0; i < size; i++)
        whole = whole && bytes[i] == (unsigned char)(bytes[0] + i * 31);
    free(data);
    return whole;
}

static bool write_and_read(unsigned seed)
{
    bool whole = true;
    for (unsigned i = 0; i < 60; i++) {
        if (i % 3 == 0)
            write_pattern(seed * 7919 + i * 104729);
        whole = read_pattern() && whole;
    }
    return whole;
}

/* Once there is an entry, nobody misses it: it is always whole, and nothing else is left. */
START_TEST(processes_see_whole_entries)
{
    enum { PROCESSES = 8 };
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            _exit(write_and_read(i) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_eq(status_of(children[i]), EXIT_SUCCESS);
    ck_assert_int_eq(count_cache_files(), 1);
}
END_TEST

static void *write_and_read_in_thread(void *seed)
{
    return write_and_read(*(unsigned *)seed) ? seed : NULL;
}

START_TEST(threads_see_whole_entries)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_and_read_in_thread, &seeds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *whole = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &whole), 0);
        ck_assert_ptr_nonnull(whole);
    }
    ck_assert_int_eq(count_cache_files(), 1);
}
END_TEST

/* Processes of the same number were killed while they wrote: some numbers of temporaries are taken. */
START_TEST(left_temporaries_do_no_harm)
{
    enum { LEFT = 3000, STEP = 20 };
    write_text();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char name[64];
        for (int i = 0; i < LEFT; i++) {
            snprintf(name, sizeof name, "temporary-%ld-%d", (long)getpid(), i);
            if (i % STEP != 0)
                write_bytes(cache_path(name), cache_path(name), 200);
        }
        bn_cache_write("test", cache_key, sizeof cache_key, "old", 3);
        bn_cache_write("test", cache_key, sizeof cache_key, "new", 3);
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(status_of(child), EXIT_SUCCESS);
    void *data = NULL;
    size_t size = 0;
    ck_assert(bn_cache_read("test", cache_key, sizeof cache_key, &data, &size));
    ck_assert(size == 3 && memcmp(data, "new", 3) == 0);
    free(data);
}
END_TEST

/* A process that writes more than it may is killed, where it has not said otherwise. */
START_TEST(a_limit_on_files_is_kept)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit limit = { 50, 50 };
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(EXIT_FAILURE);
        write_text();
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(status_of(child), EXIT_SUCCESS);
    ck_assert_int_eq(count_cache_files(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache sharing");
    TCase *cases = add_cache_case(suite, "many at once");
    tcase_add_test(cases, processes_see_whole_entries);
    tcase_add_test(cases, threads_see_whole_entries);
    tcase_add_test(cases, left_temporaries_do_no_harm);
    tcase_add_test(cases, a_limit_on_files_is_kept);
    return run_in_one_process(suite);
}
