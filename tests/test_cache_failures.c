/* SPDX-License-Identifier: MIT */
/* The disk cache where the C library fails: each call in turn, interrupted and short transfers, full disks, leftovers. */
#define _XOPEN_SOURCE 700
#include "allocate.h"
#include "cache_files.h"
#include "cache_text.h"
#include "interpose_files.h"
#include "program/disk_cache.h"
#include "program/program_cache.h"
#include "suite_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* More calls than any operation makes. */
enum { MANY_CALLS = 200 };

static const int errors[] = { EIO, ENOSPC, EINTR, EACCES, EMFILE, ENOMEM };

static int count_descriptors(void)
{
    int count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

/* What was kept before, what the text is replaced by, and whichever of the two is read: never a part, never another. */
static const char other_text[] = "another text";

static bool write_other(void)
{
    return bn_cache_write("test", cache_key, sizeof cache_key, other_text, sizeof other_text);
}

/* Gives which: 0: none, 1: the text, 2: the other. */
static int which_of(void *data, size_t size)
{
    if (data == NULL)
        return 0;
    const int which = size == sizeof cache_text ? 1 : 2;
    ck_assert_uint_eq(size, which == 1 ? sizeof cache_text : sizeof other_text);
    ck_assert_mem_eq(data, which == 1 ? cache_text : other_text, size);
    free(data);
    return which;
}

static int read_either(void)
{
    void *data = NULL;
    size_t size = 0;
    bn_cache_read("test", cache_key, sizeof cache_key, &data, &size);
    return which_of(data, size);
}

/* An operation while its number-th call fails; gives the function that did. */
static const char *fail_write(unsigned long number, int error)
{
    fail_file_call(number, error);
    bool written = write_other();
    const char *failed = stop_failing_files();
    int which = read_either();
    ck_assert_msg(!written || which == 2, "%s, call %lu: written, but not there", failed, number);
    ck_assert_msg(failed != NULL || written, "call %lu: nothing failed, and nothing was written", number);
    return failed;
}

static const char *fail_read(unsigned long number, int error)
{
    void *data = NULL;
    size_t size = 0;
    fail_file_call(number, error);
    bn_cache_read("test", cache_key, sizeof cache_key, &data, &size);
    const char *failed = stop_failing_files();
    int which = which_of(data, size);
    ck_assert_msg(failed != NULL || which == 1, "call %lu: nothing failed, and it was a miss", number);
    return failed;
}

static const char *fail_question(unsigned long number, int error)
{
    fail_file_call(number, error);
    bool writable = bn_cache_is_writable();
    const char *failed = stop_failing_files();
    ck_assert(failed != NULL || writable);
    return failed;
}

static const char *fail_deletion(unsigned long number, int error)
{
    fail_file_call(number, error);
    bn_cache_delete("test", cache_key, sizeof cache_key);
    const char *failed = stop_failing_files();
    ck_assert(failed != NULL || count_cache_files() == 0);
    return failed;
}

static const struct {
    const char *name;
    const char *(*try_failing)(unsigned long number, int error);
    unsigned long least; /* calls that it makes */
    bool from_nothing;   /* the folder is not there yet */
} operations[] = {
    { "a first write", fail_write, 12, true },
    { "a write over another", fail_write, 10, false },
    { "a read", fail_read, 6, false },
    { "the question whether", fail_question, 5, false },
    { "a first question", fail_question, 7, true },
    { "a deletion", fail_deletion, 3, false },
};

static unsigned failures;

/* Nothing is left open, and no file but the entry, except one that could not be deleted; what comes after succeeds. */
START_TEST(each_call_fails_cleanly)
{
    const int error = errors[(size_t)_i % COUNT_OF(errors)];
    const size_t o = (size_t)_i / COUNT_OF(errors);
    const char *failed = "";
    unsigned long number = 0;
    while (failed != NULL) {
        ck_assert_uint_lt(++number, MANY_CALLS);
        cache_files_close();
        cache_files_open();
        if (!operations[o].from_nothing)
            write_text();
        const int before = count_descriptors();
        failed = operations[o].try_failing(number, error);
        failures += failed != NULL;
        ck_assert_msg(count_descriptors() == before, "%s: %s has failed, and a file is open", operations[o].name, failed);
        ck_assert_msg(count_cache_files() <= 1, "%s: %s has failed, and left a file", operations[o].name, failed);
        ck_assert(write_text());
        expect_text();
        ck_assert_int_eq(count_cache_files(), 1);
    }
    ck_assert_uint_gt(number, operations[o].least);
}
END_TEST

START_TEST(interrupted_and_short_transfers_go_on)
{
    for (size_t bytes = 1; bytes < 80; bytes += 13) {
        interrupt_transfers(bytes);
        ck_assert(write_other());
        ck_assert_int_eq(read_either(), 2);
        ck_assert(write_text());
        interrupt_transfers(0);
        expect_text();
    }
}
END_TEST

/* Another process shortens it meanwhile. */
START_TEST(a_file_that_ends_too_soon_is_a_miss)
{
    write_text();
    cut_files(true);
    expect_miss("a file that ends");
    cut_files(false);
    expect_text();
}
END_TEST

START_TEST(a_full_disk_is_not_written_to)
{
    static const struct {
        unsigned long long bytes, files;
        bool writable;
    } disks[] = { { 0, 9, false }, { 1 << 20, 9, false }, { 1 << 30, 0, false }, { 1 << 30, 1, true }, { 8 << 20, 9, true } };
    for (size_t i = 0; i < COUNT_OF(disks); i++) {
        pretend_free(true, disks[i].bytes, disks[i].files);
        ck_assert_int_eq(bn_cache_is_writable(), disks[i].writable);
    }
    pretend_free(false, 0, 0);
    ck_assert(bn_cache_is_writable());
}
END_TEST

/* ---- Leftovers ------------------------------------------------------------------------------------------------------------ */

static void leave_file(const char *name, time_t age)
{
    const struct timespec then = { time(NULL) - age, 0 };
    const struct timespec times[2] = { then, then };
    write_bytes(cache_path(name), "left", 4);
    ck_assert_int_eq(utimensat(AT_FDCWD, cache_path(name), times, 0), 0);
}

/* Those of an hour ago, and such from the future; neither an entry nor what somebody may be writing. */
START_TEST(old_temporaries_are_deleted)
{
    write_text();
    leave_file("temporary-1-0", 3700);
    leave_file("temporary-1-1", 1000000);
    leave_file("temporary-1-2", -1000000);
    leave_file("temporary-1-3", 3000);
    leave_file("temporary-1-4", 0);
    leave_file("test-0123456789abcdef", 1000000);
    ck_assert(write_other());
    ck_assert_int_eq(count_entries("temporary"), 2);
    ck_assert_int_eq(count_entries("test"), 2);
    ck_assert_int_eq(read_either(), 2);
}
END_TEST

/* Of this process's number: it had another one before, which was killed as often. */
START_TEST(many_new_temporaries_do_no_harm)
{
    enum { LEFT = 300 };
    write_text();
    for (int i = 0; i < LEFT; i++) {
        char name[64];
        snprintf(name, sizeof name, "temporary-%ld-%d", (long)getpid(), i);
        leave_file(name, 0);
    }
    ck_assert(write_other());
    ck_assert_int_eq(read_either(), 2);
    ck_assert_int_eq(count_entries("temporary"), LEFT);
}
END_TEST

/* ---- What becomes of programs --------------------------------------------------------------------------------------------- */

START_TEST(a_failure_is_remembered_for_a_day)
{
    static const struct {
        int64_t age;
        enum program_fate fate;
    } marks[] = {
        { 0, PROGRAM_LEFT }, { 80000, PROGRAM_LEFT }, { 90000, PROGRAM_STORED }, { -90000, PROGRAM_STORED }
    }; /* the clock was wrong */
    ck_assert_int_eq(bn_fate_of_program("key"), PROGRAM_MARKED);
    ck_assert(bn_cache_write("compiled", "key", 3, "", 0));
    ck_assert_int_eq(bn_fate_of_program("key"), PROGRAM_STORED);
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        const int64_t failed = (int64_t)time(NULL) - marks[i].age;
        ck_assert(bn_cache_write("compiled", "key", 3, &failed, sizeof failed));
        ck_assert_int_eq(bn_fate_of_program("key"), marks[i].fate);
    }
    ck_assert_int_eq(bn_fate_of_program(NULL), PROGRAM_LEFT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache failures");
    TCase *cases = add_cache_case(suite, "failures");
    tcase_add_loop_test(cases, each_call_fails_cleanly, 0, (int)(COUNT_OF(operations) * COUNT_OF(errors)));
    tcase_add_test(cases, interrupted_and_short_transfers_go_on);
    tcase_add_test(cases, a_file_that_ends_too_soon_is_a_miss);
    tcase_add_test(cases, a_full_disk_is_not_written_to);
    tcase_add_test(cases, old_temporaries_are_deleted);
    tcase_add_test(cases, many_new_temporaries_do_no_harm);
    tcase_add_test(cases, a_failure_is_remembered_for_a_day);
    const int code = run_in_one_process(suite);
    printf("%u failures were injected\n", failures);
    return code;
}
