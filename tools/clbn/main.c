/* SPDX-License-Identifier: MIT */
/* The clbn command: finds the command of that name and runs it. */
#include "commands.h"
#include "io/failure.h"
#include "io/manual.h"
#include "io/output_file.h"
#include "system/child.h"
#include "verify/workers.h"

#include <clbn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    { "devices", "list the OpenCL devices", command_devices },
    { "verify", "check every operation on a device against a reference", command_verify },
    { "forward", "normalize a NumPy array", command_forward },
    { "backward", "compute the gradients of a batch normalization", command_backward },
    { "fold", "put a batch normalization into the layer before it", command_fold },
    { "train", "train a classifier with batch normalization on images", command_train },
    { "bench", "time batch normalizations against the machine's limit", command_bench },
    { "tune", "find the fastest divisions of work, and remember them", command_tune },
    { "cache", "list, remove or limit what is kept on disk", command_cache },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static int print_help(void)
{
    printf("Usage: clbn COMMAND [options]\n\nBatch normalization on OpenCL devices.\n\nCommands:\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    printf("\n'clbn COMMAND --help' lists a command's options; 'clbn --version' prints the version.\n"
           "The exit code is 0 when done, 1 on failure and 2 on wrong usage.\n\nEnvironment:\n");
    for (const struct environment_variable *variable = environment_variables; variable->name != NULL; variable++)
        options_print_row(variable->name, "", variable->help);
    return EXIT_DONE;
}

/* The page of the manual from which those of the commands are found. */
static int print_manual(void)
{
    manual_print_title("clbn", "batch normalization on OpenCL devices");
    printf(".SH SYNOPSIS\n.B clbn\n\\fICOMMAND\\fR [options]\n.SH COMMANDS\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        manual_print_item(commands[i].name, "", commands[i].summary);
    manual_print_end();
    printf(".SH SEE ALSO\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        printf(".BR clbn\\-%s (1)%s\n", commands[i].name, i < COMMAND_COUNT - 1 ? "," : "");
    return EXIT_DONE;
}

static int print_words(void)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        printf("%s\n", commands[i].name);
    return EXIT_DONE;
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int run_command(int argc, char **argv)
{
    const struct command *command;
    struct failure failure;

    if (argc < 2) {
        fail(&failure, "a command is missing; see 'clbn --help'");
        report_failure(&failure);
        return EXIT_USAGE;
    }
    if (is_help(argv[1]) && argc == 2)
        return print_help();
    if (strcmp(argv[1], "--man") == 0)
        return print_manual();
    if (strcmp(argv[1], "--words") == 0)
        return print_words();
    if (is_help(argv[1])) { /* "help forward" is "forward --help" */
        char help[] = "--help";
        char *swapped[] = { argv[0], argv[2], help, NULL };

        return run_command(3, swapped);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("clbn %s\n", clbnVersion());
        return EXIT_DONE;
    }
    command = find_command(argv[1]);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    fail(&failure, "there is no command '%s'; see 'clbn --help'", argv[1]);
    report_failure(&failure);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    int exit_code;
    struct failure failure;

    child_serve(argc, argv, verify_work);
    output_files_guard();
    exit_code = run_command(argc, argv);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == EXIT_DONE) {
        fail(&failure, "cannot write to the standard output%s%s", errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
        report_failure(&failure);
        return EXIT_FAILED;
    }
    return exit_code;
}
