/* SPDX-License-Identifier: MIT */
/* The command's memory: on a CPU arrays are used where they are, and a forward holds its input and its output. */
#define _DEFAULT_SOURCE /* wait4() */

#include "commands.h"
#include "io/failure.h" /* before Check, which has a macro of the name fail */
#include "io/npy.h"
#include "npy_files.h"
#include "suite_runner.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char y_path[NPY_PATH_SIZE + 8];

static void write_x(size_t rows)
{
    const size_t shape[2] = { rows, 1024 };
    struct npy_array array;
    struct output_file file;
    struct failure failure = { "" };

    ck_assert(npy_create(&array, CLBN_FLOAT32, shape, 2, &failure));
    for (size_t i = 0; i < array.header.count; i++)
        ((float *)array.data)[i] = (float)(i % 7);
    ck_assert_msg(output_file_open(&file, npy_path, &failure) && npy_write(&array, &file, &failure) &&
                      output_file_publish(&file, &failure),
                  "%s", failure.sentence);
    output_file_close(&file);
    npy_free(&array);
}

/* The most bytes that a forward of so many rows had in memory, in a process of its own. */
static double forward_bytes(size_t rows)
{
    char *arguments[] = { "forward", "--x", npy_path, "--y", y_path, NULL };
    struct rusage usage;
    int status;
    pid_t child;

    write_x(rows);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(command_forward(5, arguments));
    ck_assert_int_eq(wait4(child, &status, 0, &usage), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    unlink(y_path);
    return 1024.0 * (double)usage.ru_maxrss;
}

/* What OpenCL and its compiler take is the same for a small one. */
START_TEST(a_forward_holds_its_input_and_output)
{
    const size_t rows = 32768;
    const double input = 4096.0 * (double)rows; /* 128 MiB */
    double usual, most;

    snprintf(y_path, sizeof(y_path), "%s.y", npy_path);
    usual = forward_bytes(16);
    most = forward_bytes(rows) - usual;
    ck_assert_msg(most <= 2.2 * input, "%.0f bytes for an input of %.0f", most, input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tool memory");
    TCase *memory = add_npy_case(suite, "memory");

    tcase_set_timeout(memory, 120);
    tcase_add_test(memory, a_forward_holds_its_input_and_output);
    return run_in_one_process(suite);
}
