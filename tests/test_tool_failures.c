/* SPDX-License-Identifier: MIT */
/*
 * The command's file calls and allocations fail one after the other, each in a run of its own.
 *
 * The executable is linked so that the command's calls come through here (ld's --wrap); those of the library and of OpenCL do not.
 * Whatever fails, a run ends in one of two ways: with code 0, and everything is as if nothing had failed; or with code 1 and one
 * sentence, and every file is as it was.
 */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700

#include "commands.h"
#include "io/failure.h" /* before Check, which has a macro of the name fail */
#include "io/idx.h"
#include "suite_runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Calls that fail */

static unsigned long left; /* calls until one fails; 0: none does */

static bool fails(int reason)
{
    if (left == 0 || --left > 0)
        return false;
    errno = reason;
    return true;
}

#define WRAP(type, name, parameters, arguments, failed, reason)                                                                \
    type __real_##name parameters;                                                                                             \
    type __wrap_##name parameters;                                                                                             \
    type __wrap_##name parameters                                                                                              \
    {                                                                                                                          \
        return fails(reason) ? (failed) : __real_##name arguments;                                                             \
    }

WRAP(void *, malloc, (size_t size), (size), NULL, ENOMEM)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL, ENOMEM)
WRAP(void *, realloc, (void *memory, size_t size), (memory, size), NULL, ENOMEM)
WRAP(char *, strdup, (const char *text), (text), NULL, ENOMEM)
WRAP(char *, realpath, (const char *path, char *resolved), (path, resolved), NULL, ENOMEM)
WRAP(int, stat, (const char *path, struct stat *status), (path, status), -1, EIO)
WRAP(int, lstat, (const char *path, struct stat *status), (path, status), -1, EIO)
WRAP(int, fstat, (int file, struct stat *status), (file, status), -1, EIO)
WRAP(int, access, (const char *path, int mode), (path, mode), -1, EACCES)
WRAP(FILE *, fdopen, (int file, const char *mode), (file, mode), NULL, ENOMEM)
WRAP(size_t, fread, (void *data, size_t size, size_t count, FILE *stream), (data, size, count, stream), 0, EIO)
WRAP(int, fflush, (FILE * stream), (stream), EOF, ENOSPC)
WRAP(int, fsync, (int file), (file), -1, EIO)
WRAP(int, fchmod, (int file, mode_t mode), (file, mode), -1, EPERM)
WRAP(int, rename, (const char *from, const char *to), (from, to), -1, EPERM)
WRAP(int, link, (const char *from, const char *to), (from, to), -1, EPERM)
WRAP(DIR *, opendir, (const char *path), (path), NULL, EMFILE)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_fclose(FILE *stream);
int __wrap_fclose(FILE *stream);

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    if (fails(EMFILE))
        return -1;
    va_start(arguments, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return __real_open(path, flags, mode);
}

int __wrap_fclose(FILE *stream)
{
    bool failed = fails(ENOSPC);

    return __real_fclose(stream) != 0 || failed ? EOF : 0;
}

/* ---- Runs */

/* By the names of the files that a command may write; what is not there has a size of -1. */
enum { FILES_MAXIMUM = 8, FILE_SIZE = 4096 };

struct content {
    long size;
    unsigned char bytes[FILE_SIZE];
};

static void take_contents(const char *const *names, struct content *contents)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        FILE *stream = fopen(names[i], "rb");

        contents[i].size = stream != NULL ? (long)fread(contents[i].bytes, 1, FILE_SIZE, stream) : -1;
        if (stream != NULL)
            __real_fclose(stream);
    }
}

static void put_contents(const char *const *names, const struct content *contents)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        FILE *stream;

        unlink(names[i]);
        if (contents[i].size < 0)
            continue;
        stream = fopen(names[i], "wb");
        ck_assert_ptr_nonnull(stream);
        fwrite(contents[i].bytes, 1, (size_t)contents[i].size, stream);
        __real_fclose(stream);
    }
}

static bool same_contents(const char *const *names, const struct content *one, const struct content *other)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (one[i].size != other[i].size || (one[i].size > 0 && memcmp(one[i].bytes, other[i].bytes, (size_t)one[i].size) != 0))
            return false;
    return true;
}

/* The child has what is left to fail when it is done in its exit code, 64 up where nothing failed. */
enum { NOTHING_FAILED = 64 };

static int run_command(int (*command)(int, char **), int argc, char **argv, unsigned long failing)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int code;

        if (freopen("out", "w", stdout) == NULL || freopen("err", "w", stderr) == NULL)
            _exit(99);
        left = failing;
        code = command(argc, argv);
        code += failing > 0 && left > 0 ? NOTHING_FAILED : 0;
        left = 0;
        fflush(NULL);
        _exit(code);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "call %lu failed, and the command ended by signal %d", failing, WTERMSIG(status));
    return WEXITSTATUS(status);
}

static bool said_one_sentence(void)
{
    char text[4096] = "";
    FILE *stream = fopen("err", "r");
    size_t length = stream != NULL ? fread(text, 1, sizeof(text) - 1, stream) : 0;

    if (stream != NULL)
        __real_fclose(stream);
    return length > 6 && memcmp(text, "clbn: ", 6) == 0 && strchr(text, '\n') == text + length - 1;
}

static bool has_temporary_file(void)
{
    bool found = false;
    DIR *listing = opendir(".");

    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        found = found || strncmp(entry->d_name, ".clbn-", 6) == 0;
    closedir(listing);
    return found;
}

/* Of all runs. */
static unsigned all_failures;

/* Runs the command with each of its calls failing. Returns the number of runs that ended with code 1. */
static unsigned fail_each(int (*command)(int, char **), char **argv, const char *const *names)
{
    static struct content before[FILES_MAXIMUM], expected[FILES_MAXIMUM], after[FILES_MAXIMUM];
    int argc = 0, code;
    unsigned failures = 0;

    while (argv[argc] != NULL)
        argc++;
    take_contents(names, before);
    ck_assert_int_eq(run_command(command, argc, argv, 0), EXIT_DONE);
    take_contents(names, expected);
    for (unsigned long call = 1;; call++) {
        put_contents(names, before);
        code = run_command(command, argc, argv, call);
        take_contents(names, after);
        if (code == NOTHING_FAILED)
            break;
        ck_assert_msg(code == EXIT_DONE || code == EXIT_FAILED, "call %lu failed, and the exit code was %d", call, code);
        ck_assert_msg(same_contents(names, after, code == EXIT_DONE ? expected : before), "call %lu failed, code %d", call,
                      code);
        ck_assert_msg(code == EXIT_DONE || said_one_sentence(), "call %lu failed, and the reason is not one sentence", call);
        ck_assert_msg(!has_temporary_file(), "call %lu failed, and a temporary file is left", call);
        failures += code == EXIT_FAILED;
    }
    put_contents(names, before);
    all_failures += failures;
    return failures;
}

/* ---- Commands */

static char folder[] = "/tmp/clbn-test-failures-XXXXXX";

static void write_array(const char *name, const char *descr, const char *fortran, const char *shape, const void *data,
                        size_t size)
{
    unsigned char header[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0 };
    char dictionary[119];
    FILE *stream = fopen(name, "wb");
    int length =
        snprintf(dictionary, sizeof(dictionary), "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, fortran, shape);

    ck_assert_ptr_nonnull(stream);
    fwrite(header, 1, sizeof(header), stream);
    fprintf(stream, "%s%*s\n", dictionary, 117 - length, "");
    fwrite(data, 1, size, stream);
    __real_fclose(stream);
}

static void make_folder(void)
{
    static const float values[8] = { 1, 2, 3, 4, 5, 6, 7, 9 };
    static const double two[2] = { 1, 2 };
    char cache[64];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    snprintf(cache, sizeof(cache), "%s/cache", folder);
    setenv("CLBN_CACHE_DIR", cache, 1);
    write_array("x.npy", "<f4", "True", "(4, 2)", values, sizeof(values));
    write_array("gamma.npy", "<f8", "False", "(2,)", two, sizeof(two));
    write_array("rm.npy", "<f4", "False", "(2,)", values, 2 * sizeof(float));
    write_array("rv.npy", "<f8", "False", "(2,)", two, sizeof(two));
    write_array("y.npy", "<f4", "False", "(2,)", values, 2 * sizeof(float));
}

static void remove_folder(void)
{
    char command[96];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
    memcpy(strchr(folder, '\0') - 6, "XXXXXX", 6);
}

#define ARGUMENTS(...) ((char *[]){ __VA_ARGS__, NULL })
#define NAMES(...)     ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(a_forward_is_done_or_undone)
{
    unsigned failures = fail_each(command_forward,
                                  ARGUMENTS("forward", "--x", "x.npy", "--y", "y.npy", "--gamma", "gamma.npy", "--activation",
                                            "relu", "--mask", "mask.npy", "--running-mean", "rm.npy", "--running-var", "rv.npy",
                                            "--save-mean", "sm.npy", "--save-invstd", "si.npy"),
                                  NAMES("y.npy", "mask.npy", "rm.npy", "rv.npy", "sm.npy", "si.npy"));

    ck_assert_uint_ge(failures, 50); /* at least nine calls for each of the six files that are written */
}
END_TEST

static void write_idx(const char *name, const void *bytes, size_t size)
{
    FILE *stream = fopen(name, "wb");

    ck_assert_ptr_nonnull(stream);
    fwrite(bytes, 1, size, stream);
    __real_fclose(stream);
}

/* The same seed gives the same log. */
START_TEST(a_training_is_done_or_undone)
{
    static const unsigned char images[16 + 4 * 4] = { 0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2, 9, 99, 200, 7, 80 };
    static const unsigned char labels[8 + 4] = { 0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 3 };
    struct failure reason;
    char path[IDX_PATH_SIZE];

    write_idx("train-images-idx3-ubyte", images, sizeof(images));
    write_idx("train-labels-idx1-ubyte", labels, sizeof(labels));
    write_idx("t10k-images-idx3-ubyte", images, sizeof(images));
    write_idx("t10k-labels-idx1-ubyte", labels, sizeof(labels));
    if (!idx_find_file(".", IDX_TEST_LABELS, path, &reason)) /* built without zlib */
        return;
    ck_assert_uint_ge(fail_each(command_train,
                                ARGUMENTS("train", "--data", ".", "--steps", "2", "--batch", "2", "--log", "log.csv"),
                                NAMES("log.csv")),
                      15);
}
END_TEST

/* Its times are never the same again: only whether it is done or refused is looked at. */
START_TEST(lack_of_memory_is_no_wrong_usage)
{
    ck_assert_uint_ge(fail_each(command_tune,
                                ARGUMENTS("tune", "--shapes", "4,6+2,3", "--seconds", "1e-6", "--ops", "inference"),
                                NAMES("nothing")),
                      3);
}
END_TEST

START_TEST(devices_are_listed_or_not)
{
    ck_assert_uint_ge(fail_each(command_devices, ARGUMENTS("devices"), NAMES("nothing")), 5);
    ck_assert_uint_ge(fail_each(command_devices, ARGUMENTS("devices", "--json"), NAMES("nothing")), 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tool failures");
    TCase *commands = tcase_create("commands");
    TCase *training = tcase_create("training");
    int code;

    tcase_add_checked_fixture(commands, make_folder, remove_folder);
    tcase_set_timeout(commands, 600);
    tcase_add_test(commands, a_forward_is_done_or_undone);
    tcase_add_test(commands, lack_of_memory_is_no_wrong_usage);
    tcase_add_test(commands, devices_are_listed_or_not);
    tcase_add_checked_fixture(training, make_folder, remove_folder);
    tcase_set_timeout(training, 600);
    tcase_add_test(training, a_training_is_done_or_undone);
    suite_add_tcase(suite, commands);
    suite_add_tcase(suite, training);
    code = run_in_one_process(suite);
    printf("%u failures ended a command\n", all_failures);
    return code;
}
