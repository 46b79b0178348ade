/* SPDX-License-Identifier: MIT */
/*
 * Command-line options from a table.
 *
 * A command fills local variables with its defaults, lists its options in a table, and parses:
 *
 *     double epsilon = 1e-5;
 *     const char *x = NULL;
 *     bool inference = false;
 *     struct command_option options[] = {
 *         { .name = "x", .kind = OPTION_STRING, .to.string = &x, .argument = "X.npy", .required = true, .help = "input" },
 *         { .name = "epsilon", .kind = OPTION_REAL, .to.real = &epsilon, .argument = "E", .real_range = { 0, DBL_MAX },
 *           .help = "added to the variance (default 1e-5)" },
 *         { .name = "inference", .kind = OPTION_FLAG, .to.flag = &inference, .help = "use the running statistics" },
 *     };
 *     struct command_line command = { "forward", "run one forward pass", options, OPTION_COUNT(options) };
 *     int exit_code;
 *
 *     if (!options_parse(&command, argc, argv, &exit_code)) {
 *         return exit_code;
 *     }
 *
 * "--name value" and "--name=value" are the same; a value that begins with "--" needs the second form. An option may be
 * given once, and a beginning that no other option has will do. Every command has --help, written from the table, and --version.
 */
#ifndef CLBN_TOOL_OPTIONS_H
#define CLBN_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
    OPTION_FLAG,    /* No value. */
    OPTION_STRING,  /* Any text but the empty one; it points into argv. */
    OPTION_INTEGER, /* Decimal, with an optional sign. */
    OPTION_REAL,    /* Decimal or hexadecimal, finite. */
    OPTION_CHOICE   /* One word of a list; its underscores may be dashes. */
};

struct command_option {
    const char *name; /* Without the dashes. */
    enum option_kind kind;
    /* Where the value goes: the member of the kind. It keeps what it had where the option is not given. */
    union {
        bool *flag;
        const char **string;
        long long *integer;
        double *real;
        int *choice; /* The word's index in choices. */
    } to;
    const char *argument; /* What --help calls the value; unused by flags and choices. */
    const char *help;     /* A phrase; it says the default. */
    bool required;
    struct {
        long long minimum, maximum; /* Both inclusive; both 0: any. */
    } integer_range;
    struct {
        double minimum, maximum; /* Both inclusive; both 0: any. DBL_MAX: no upper limit. */
    } real_range;
    const char *const *choices; /* Ends with NULL. */
    bool given;                 /* Set by options_parse(). */
};

struct command_line {
    const char *name;    /* "forward" */
    const char *summary; /* A phrase. */
    struct command_option *options;
    size_t option_count;
};

#define OPTION_COUNT(options) (sizeof(options) / sizeof((options)[0]))

/* Parses argv[1] and on. True: go on. False: the command returns *exit_code, after --help (EXIT_DONE) or a sentence on stderr
 * (EXIT_USAGE). */
bool options_parse(const struct command_line *command, int argc, char **argv, int *exit_code);

/* A row of --help: what it is about, and a phrase, broken between words. */
void options_print_row(const char *name, const char *argument, const char *help);

/* Whether the option of that name was given; false for a name that is not in the table. */
bool option_given(const struct command_line *command, const char *name);

/* Prints "clbn: COMMAND: SENTENCE" on stderr for a combination of options that makes no sense. Returns EXIT_USAGE. */
int usage_error(const struct command_line *command, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(C99_PRINTF, 2, 3)))
#endif
    ;

#endif
