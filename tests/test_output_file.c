/* SPDX-License-Identifier: MIT */
/* Files that have their names only when they are complete, whatever ends the writing. */
#define _POSIX_C_SOURCE 200809L

#include "io/npy.h"
#include "io/output_file.h"
#include "npy_files.h"
#include "suite_runner.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(leaves_nothing_of_an_unpublished_file)
{
    struct output_file file;
    struct failure failure;

    write_npy_file(1, six_dictionary, six_bytes, sizeof(six_bytes));
    ck_assert(output_file_open(&file, npy_path, &failure));
    ck_assert_uint_eq(count_npy_files(), 2);
    fputs("half", file.stream);
    output_file_close(&file);
    ck_assert_uint_eq(count_npy_files(), 1);
    check_six();
}
END_TEST

static const int ending_signals[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };

enum { ENDING_SIGNALS = sizeof(ending_signals) / sizeof(ending_signals[0]) };

/* As in a command that is started in the foreground; Check has handlers of its own. */
static void guard_files(void)
{
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        signal(ending_signals[i], SIG_DFL);
    output_files_guard();
}

/* Sends the process a signal, in a thread of its own. */
static void *send_signal(void *number)
{
    raise(*(int *)number); /* to this thread */
    return NULL;
}

/* Opens two files and ends by a signal. */
static void end_by_signal(int number, bool in_thread)
{
    struct output_file first, second;
    struct failure failure;
    pthread_t thread;

    if (!output_file_open(&first, npy_path, &failure) || !output_file_open(&second, npy_path, &failure) ||
        count_npy_files() != 3)
        _exit(1);
    if (!in_thread)
        raise(number);
    else if (pthread_create(&thread, NULL, send_signal, &number) == 0)
        pthread_join(thread, NULL);
    _exit(2);
}

START_TEST(a_signal_removes_unpublished_files)
{
    for (size_t i = 0; i < 2 * ENDING_SIGNALS; i++) {
        int number = ending_signals[i / 2];
        int status;
        pid_t child;

        write_npy_file(1, six_dictionary, six_bytes, sizeof(six_bytes));
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            end_by_signal(number, i % 2 == 1);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), number);
        ck_assert_uint_eq(count_npy_files(), 1);
        check_six();
    }
}
END_TEST

START_TEST(a_signal_that_is_ignored_stays_so)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct output_file file;
        struct failure failure;

        signal(SIGHUP, SIG_IGN);
        output_files_guard();
        if (!output_file_open(&file, npy_path, &failure))
            _exit(1);
        raise(SIGHUP);
        output_file_close(&file);
        _exit(42);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
}
END_TEST

START_TEST(publishes_several)
{
    char second_path[sizeof(npy_path) + 8];
    struct output_file first, second;
    struct output_file *const files[] = { &first, &second };
    struct failure failure = { "" };

    snprintf(second_path, sizeof(second_path), "%s.2", npy_path);
    ck_assert(output_file_open(&first, npy_path, &failure) && output_file_open(&second, second_path, &failure));
    fputs("1", first.stream);
    fputs("2", second.stream);
    ck_assert(output_file_finish(&first, &failure) && output_file_finish(&second, &failure));
    ck_assert_int_ne(access(npy_path, F_OK), 0);
    ck_assert_msg(output_files_publish(files, 2, &failure), "%s", failure.sentence);
    ck_assert_int_eq(access(npy_path, F_OK), 0);
    ck_assert_int_eq(access(second_path, F_OK), 0);
    output_file_close(&first);
    output_file_close(&second);
    ck_assert_uint_eq(count_npy_files(), 2);
    unlink(second_path);
}
END_TEST

/* A folder that takes a name after the file for it was opened stands for whatever can go wrong at the last moment. */
START_TEST(publishes_all_or_none)
{
    char paths[4][sizeof(npy_path) + 8];
    struct output_file files[4];
    struct output_file *const list[] = { &files[0], &files[1], &files[2], &files[3] };
    struct failure failure = { "" };

    write_npy_file(1, six_dictionary, six_bytes, sizeof(six_bytes));
    for (int i = 0; i < 4; i++) {
        snprintf(paths[i], sizeof(paths[i]), i == 0 ? "%s" : "%s.%d", npy_path, i);
        ck_assert(output_file_open(&files[i], paths[i], &failure));
        fputs("new", files[i].stream);
        ck_assert(output_file_finish(&files[i], &failure));
    }
    ck_assert_int_eq(mkdir(paths[2], 0700), 0);
    ck_assert(!output_files_publish(list, 4, &failure));
    ck_assert_msg(strstr(failure.sentence, paths[2]) != NULL, "%s", failure.sentence);
    for (int i = 0; i < 4; i++)
        output_file_close(&files[i]);
    check_six();
    ck_assert_int_ne(access(paths[1], F_OK), 0);
    ck_assert_int_ne(access(paths[3], F_OK), 0);
    ck_assert_uint_eq(count_npy_files(), 2);
    ck_assert_int_eq(rmdir(paths[2]), 0);
}
END_TEST

START_TEST(tells_files_apart)
{
    char paths[4][2 * sizeof(npy_path)];

    snprintf(paths[0], sizeof(paths[0]), "%s/./array.npy", npy_folder);
    snprintf(paths[1], sizeof(paths[1]), "%s/link", npy_folder);
    snprintf(paths[2], sizeof(paths[2]), "%s/here/array.npy", npy_folder);
    snprintf(paths[3], sizeof(paths[3]), "%s/here", npy_folder);
    ck_assert_int_eq(symlink(".", paths[3]), 0);
    ck_assert_int_eq(symlink("array.npy", paths[1]), 0);
    for (int exists = 0; exists < 2; exists++) {
        ck_assert(output_file_is(npy_path, npy_path));
        ck_assert(output_file_is(npy_path, paths[0]));
        ck_assert(output_file_is(paths[2], npy_path));
        ck_assert_int_eq(output_file_is(paths[1], npy_path), exists);
        ck_assert(!output_file_is(npy_path, paths[3]));
        ck_assert(!output_file_is(npy_path, "array.npy"));
        write_npy_file(1, six_dictionary, six_bytes, sizeof(six_bytes));
    }
    unlink(paths[1]);
    unlink(paths[3]);
}
END_TEST

START_TEST(keeps_permissions_and_links)
{
    static const size_t shape[1] = { 1 };
    char link_path[sizeof(npy_path) + 8];
    struct npy_array array;
    struct output_file file;
    struct failure failure = { "" };
    struct stat status;

    write_npy_file(1, six_dictionary, six_bytes, sizeof(six_bytes));
    ck_assert_int_eq(chmod(npy_path, 0640), 0);
    snprintf(link_path, sizeof(link_path), "%s.link", npy_path);
    ck_assert_int_eq(symlink(npy_path, link_path), 0);
    ck_assert(npy_create(&array, CLBN_FLOAT32, shape, 1, &failure));
    ck_assert(output_file_open(&file, link_path, &failure) && npy_write(&array, &file, &failure) &&
              output_file_publish(&file, &failure));
    output_file_close(&file);
    npy_free(&array);
    ck_assert_int_eq(lstat(link_path, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_int_eq(lstat(npy_path, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    ck_assert_int_eq((long long)status.st_size, 128 + 4);
    unlink(link_path);
}
END_TEST

START_TEST(refuses_outputs_that_cannot_be)
{
    static const char *const paths[][2] = {
        { "/dev/null", "not a regular file" },
        { "/tmp", "not a regular file" },
        { "/nonexistent-npy_folder/y.npy", "No such file" },
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct output_file file;
        struct failure failure = { "" };

        ck_assert_msg(!output_file_open(&file, paths[i][0], &failure), "%s", paths[i][0]);
        ck_assert_msg(strstr(failure.sentence, paths[i][1]) != NULL, "%s", failure.sentence);
        output_file_close(&file);
    }
}
END_TEST

/* A limit on the size of files stands for a full disk. */
START_TEST(reports_a_full_disk)
{
    static const size_t shape[1] = { 100000 };
    struct rlimit old, limit;
    struct npy_array array;
    struct output_file file;
    struct failure failure = { "" };
    bool written;

    write_npy_file(1, six_dictionary, six_bytes, sizeof(six_bytes));
    ck_assert(npy_create(&array, CLBN_FLOAT64, shape, 1, &failure));
    ck_assert(output_file_open(&file, npy_path, &failure));
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 65536;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    written = npy_write(&array, &file, &failure);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert(!written);
    ck_assert_msg(strstr(failure.sentence, "File too large") != NULL, "%s", failure.sentence);
    output_file_close(&file);
    npy_free(&array);
    ck_assert_uint_eq(count_npy_files(), 1);
    check_six();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("output files");
    TCase *writing = add_npy_case(suite, "writing");

    tcase_add_unchecked_fixture(writing, guard_files, NULL);
    tcase_add_test(writing, leaves_nothing_of_an_unpublished_file);
    tcase_add_test(writing, a_signal_removes_unpublished_files);
    tcase_add_test(writing, a_signal_that_is_ignored_stays_so);
    tcase_add_test(writing, publishes_several);
    tcase_add_test(writing, publishes_all_or_none);
    tcase_add_test(writing, tells_files_apart);
    tcase_add_test(writing, keeps_permissions_and_links);
    tcase_add_test(writing, refuses_outputs_that_cannot_be);
    tcase_add_test(writing, reports_a_full_disk);
    return run_in_one_process(suite);
}
