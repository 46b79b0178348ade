/* SPDX-License-Identifier: MIT */
/* What was measured, remembered: in memory, and in files that anybody may have spoilt. No device is needed. */
#define _POSIX_C_SOURCE 200809L
#include "cache_files.h"
#include "program/disk_cache.h"
#include "program/tuning.h"
#include "random_numbers.h"
#include "suite_runner.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The most that is remembered, as in host/program/tuning.c. */
enum { MAX_TUNED = 1024 };

static const char *const key = "a program";

static void set_up(void)
{
    cache_files_open();
}

static void tear_down(void)
{
    cache_files_close();
}

static struct tuned tuned_of(uint64_t problem, cl_uint bands)
{
    const struct tuned tuned = { problem, { .divided = CHOOSE_YES, .band_rows = bands } };
    return tuned;
}

static void expect_tuned(const struct tuning *tuning, uint64_t problem, cl_uint bands)
{
    const struct choices *known = bn_find_tuned(tuning, problem);
    ck_assert_msg(known != NULL, "nothing is known of problem %llu", (unsigned long long)problem);
    ck_assert_uint_eq(known->band_rows, bands);
    ck_assert_uint_eq(known->divided, CHOOSE_YES);
}

static void store(uint64_t problem, cl_uint bands)
{
    const struct tuned tuned = tuned_of(problem, bands);
    ck_assert(bn_store_tuned(key, &tuned, 1));
}

/* ---- In memory ------------------------------------------------------------------------------------------------------------ */

START_TEST(what_was_added_is_found)
{
    struct tuning tuning = { NULL, 0 };
    ck_assert_ptr_null(bn_find_tuned(&tuning, 1));
    for (cl_uint i = 1; i <= 100; i++) {
        const struct tuned tuned = tuned_of(i, 2 * i);
        ck_assert(bn_add_tuned(&tuning, &tuned));
    }
    const struct tuned replaced = tuned_of(50, 7);
    ck_assert(bn_add_tuned(&tuning, &replaced));
    ck_assert_uint_eq(tuning.count, 100);
    for (cl_uint i = 1; i <= 100; i++)
        expect_tuned(&tuning, i, i == 50 ? 7 : 2 * i);
    ck_assert_ptr_null(bn_find_tuned(&tuning, 101));
    bn_clear_tuning(&tuning);
    ck_assert_ptr_null(bn_find_tuned(&tuning, 1));
}
END_TEST

START_TEST(the_oldest_is_forgotten_first)
{
    struct tuning tuning = { NULL, 0 };
    for (cl_uint i = 0; i < MAX_TUNED + 10; i++) {
        const struct tuned tuned = tuned_of(i, i);
        ck_assert(bn_add_tuned(&tuning, &tuned));
    }
    ck_assert_uint_eq(tuning.count, MAX_TUNED);
    for (cl_uint i = 0; i < 10; i++)
        ck_assert_ptr_null(bn_find_tuned(&tuning, i));
    for (cl_uint i = 10; i < MAX_TUNED + 10; i++)
        expect_tuned(&tuning, i, i);
    bn_clear_tuning(&tuning);
}
END_TEST

/* Whatever candidates or times depend on makes another problem. */
START_TEST(problems_differ)
{
    enum { PROBLEMS = 13 };
    uint64_t hashes[PROBLEMS];
    for (int i = 0; i < PROBLEMS; i++) {
        struct device_facts facts = { .compute_units = 2, .cache_size = 1000 };
        struct shape shape = { .outer = 3, .channels = 5, .inner = 7, .row_axes = 1, .channel_axes = 1, .lengths = { 3, 5 } };
        enum pass pass = i == 10 ? PASS_BACKWARD : i == 11 ? PASS_INFERENCE : PASS_FORWARD;
        facts.compute_units += i == 1;
        facts.cache_size += i == 2;
        shape.outer += i == 3;
        shape.channels += i == 4;
        shape.inner += i == 5;
        shape.lengths[0] += i == 6;
        shape.layouts[TENSOR_X].strides[0] += i == 7;
        shape.layouts[TENSOR_DZ].strides[1] += i == 8;
        shape.layouts[TENSOR_Y].alignment += i == 12;
        const struct problem problem = { NULL, &facts, i == 9 ? CLBN_ENGINE_SPLIT : 0, &shape };
        hashes[i] = bn_hash_pass(bn_hash_problem(&problem), pass);
        for (int j = 0; j < i; j++)
            ck_assert_msg(hashes[i] != hashes[j], "problems %d and %d are the same", i, j);
    }
}
END_TEST

/* ---- On disk -------------------------------------------------------------------------------------------------------------- */

START_TEST(what_was_stored_is_loaded)
{
    struct tuning tuning = { NULL, 0 };
    const struct tuned several[] = { tuned_of(3, 30), tuned_of(1, 11) };
    bn_load_tuning(&tuning, key);
    ck_assert_uint_eq(tuning.count, 0);
    store(1, 10);
    store(2, 20);
    ck_assert(bn_store_tuned(key, several, 2));
    bn_load_tuning(&tuning, key);
    ck_assert_uint_eq(tuning.count, 3);
    expect_tuned(&tuning, 1, 11);
    expect_tuned(&tuning, 2, 20);
    expect_tuned(&tuning, 3, 30);
    ck_assert_int_eq(count_entries("tuned-"), 1);
    bn_load_tuning(&tuning, "another program");
    ck_assert_uint_eq(tuning.count, 0);
}
END_TEST

START_TEST(without_a_cache_nothing_is_stored)
{
    struct tuning tuning = { NULL, 0 };
    const struct tuned tuned = tuned_of(1, 1);
    ck_assert(!bn_store_tuned(NULL, &tuned, 1));
    ck_assert_int_eq(count_cache_files(), 0);
    bn_load_tuning(&tuning, NULL);
    ck_assert_uint_eq(tuning.count, 0);
    ck_assert_int_eq(setenv("CLBN_CACHE_DIR", "", 1), 0);
    ck_assert(!bn_store_tuned(key, &tuned, 1));
    bn_load_tuning(&tuning, key);
    ck_assert_uint_eq(tuning.count, 0);
}
END_TEST

/* Every byte changed and every length: what is not as it was written is not there, and can be written again. */
START_TEST(a_spoilt_file_is_a_miss)
{
    struct tuning tuning = { NULL, 0 };
    store(1, 10);
    struct bytes good = read_bytes(only_cache_file());
    for (size_t i = 0; i < good.size; i++) {
        good.bytes[i] ^= 1;
        write_bytes(only_cache_file(), good.bytes, good.size);
        bn_load_tuning(&tuning, key);
        ck_assert_uint_eq(tuning.count, 0);
        good.bytes[i] ^= 1;
        write_bytes(only_cache_file(), good.bytes, i);
        bn_load_tuning(&tuning, key);
        ck_assert_uint_eq(tuning.count, 0);
    }
    store(2, 20);
    bn_load_tuning(&tuning, key);
    ck_assert_uint_eq(tuning.count, 1);
    bn_clear_tuning(&tuning);
    free(good.bytes);
}
END_TEST

/* Sound entries of the cache whose data cannot be ours. */
START_TEST(data_of_a_wrong_size_are_a_miss)
{
    static const unsigned char data[(MAX_TUNED + 1) * sizeof(struct tuned)];
    static const size_t sizes[] = { 0, 1, sizeof(struct tuned) - 1, sizeof(struct tuned) + 1, sizeof data };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct tuning tuning = { NULL, 0 };
        ck_assert(bn_cache_write("tuned", key, strlen(key), data, sizes[i]));
        bn_load_tuning(&tuning, key);
        ck_assert_msg(tuning.count == 0, "%zu bytes gave %zu entries", sizes[i], tuning.count);
        bn_clear_tuning(&tuning);
    }
}
END_TEST

/* They overwrite each other's, but what is there is sound, and the last of each that nobody else came upon is there. */
START_TEST(many_processes_store_at_once)
{
    enum { PROCESSES = 8, TIMES = 50 };
    pid_t processes[PROCESSES];
    struct tuning tuning = { NULL, 0 };
    for (cl_uint p = 0; p < PROCESSES; p++) {
        processes[p] = fork();
        ck_assert_int_ge(processes[p], 0);
        for (cl_uint i = 0; i < TIMES && processes[p] == 0; i++) {
            const struct tuned tuned = tuned_of(p, 1000 * p + i);
            if (!bn_store_tuned(key, &tuned, 1))
                _exit(1);
        }
        if (processes[p] == 0)
            _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 0;
        ck_assert_int_eq(waitpid(processes[p], &status, 0), processes[p]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    bn_load_tuning(&tuning, key);
    ck_assert(tuning.count >= 1 && tuning.count <= PROCESSES);
    for (size_t i = 0; i < tuning.count; i++)
        ck_assert_uint_eq(tuning.entries[i].choices.band_rows / 1000, tuning.entries[i].problem);
    ck_assert_int_eq(count_cache_files(), 1);
    bn_clear_tuning(&tuning);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core: tuning");
    TCase *cases = tcase_create("remembered");
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_was_added_is_found);
    tcase_add_test(cases, the_oldest_is_forgotten_first);
    tcase_add_test(cases, problems_differ);
    tcase_add_test(cases, what_was_stored_is_loaded);
    tcase_add_test(cases, without_a_cache_nothing_is_stored);
    tcase_add_test(cases, a_spoilt_file_is_a_miss);
    tcase_add_test(cases, data_of_a_wrong_size_are_a_miss);
    tcase_add_test(cases, many_processes_store_at_once);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
