/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* getopt_long() */

#include "io/options.h"

#include "io/failure.h"
#include "io/manual.h"

#include <clbn.h>
#include <errno.h>
#include <float.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a command; what getopt_long() returns for the first of them, above all characters. */
enum { OPTIONS_MAXIMUM = 40, FIRST_OPTION = 256 };

/* Columns of --help. */
enum { USAGE_INDENT = 12, HELP_INDENT = 28, HELP_WIDTH = 80 };

int usage_error(const struct command_line *command, const char *format, ...)
{
    struct failure phrase, failure;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(phrase.sentence, sizeof(phrase.sentence), format, arguments);
    va_end(arguments);
    fail(&failure, "%s: %s", command->name, phrase.sentence);
    report_failure(&failure);
    return EXIT_USAGE;
}

bool option_given(const struct command_line *command, const char *name)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return command->options[i].given;
    return false;
}

/* Writes "a, b or c" into text. */
static void list_choices(const struct command_option *option, const char *separator, const char *last_separator, char *text,
                         size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; option->choices[i] != NULL && length < size; i++) {
        const char *before = i == 0 ? "" : option->choices[i + 1] == NULL ? last_separator : separator;

        length += (size_t)snprintf(text + length, size - length, "%s%s", before, option->choices[i]);
    }
}

/* Writes what the option takes, as in "an integer from 1 to 9", into text. */
static void describe_value(const struct command_option *option, char *text, size_t size)
{
    char choices[256];

    switch (option->kind) {
    case OPTION_INTEGER:
        if (option->integer_range.minimum == 0 && option->integer_range.maximum == 0)
            snprintf(text, size, "an integer");
        else
            snprintf(text, size, "an integer from %lld to %lld", option->integer_range.minimum, option->integer_range.maximum);
        break;
    case OPTION_REAL:
        if (option->real_range.minimum == 0 && option->real_range.maximum == 0)
            snprintf(text, size, "a number");
        else if (option->real_range.maximum >= DBL_MAX)
            snprintf(text, size, "a number not below %g", option->real_range.minimum);
        else
            snprintf(text, size, "a number from %g to %g", option->real_range.minimum, option->real_range.maximum);
        break;
    case OPTION_CHOICE:
        list_choices(option, ", ", " or ", choices, sizeof(choices));
        snprintf(text, size, "%s", choices);
        break;
    case OPTION_STRING:
        snprintf(text, size, "a value (%s)", option->argument);
        break;
    case OPTION_FLAG:
        snprintf(text, size, "no value");
        break;
    }
}

static bool parse_integer(const struct command_option *option, const char *value)
{
    char *end;
    long long number;
    bool any = option->integer_range.minimum == 0 && option->integer_range.maximum == 0;

    if (strspn(value, "+-0123456789") != strlen(value))
        return false;
    errno = 0;
    number = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno == ERANGE ||
        (!any && (number < option->integer_range.minimum || number > option->integer_range.maximum)))
        return false;
    *option->to.integer = number;
    return true;
}

static bool parse_real(const struct command_option *option, const char *value)
{
    char *end;
    double number;
    bool any = option->real_range.minimum == 0 && option->real_range.maximum == 0;

    if (strspn(value, "+-.0123456789abcdefABCDEFxXpP") != strlen(value))
        return false;
    number = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(number) ||
        (!any && (number < option->real_range.minimum || number > option->real_range.maximum)))
        return false;
    *option->to.real = number;
    return true;
}

static bool is_choice(const char *value, const char *choice)
{
    while (*value != '\0' && (*value == *choice || (*value == '-' && *choice == '_')))
        value++, choice++;
    return *value == '\0' && *choice == '\0';
}

static bool parse_choice(const struct command_option *option, const char *value)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (is_choice(value, option->choices[i])) {
            *option->to.choice = i;
            return true;
        }
    }
    return false;
}

static bool parse_value(const struct command_option *option, const char *value)
{
    switch (option->kind) {
    case OPTION_STRING:
        *option->to.string = value;
        return value[0] != '\0';
    case OPTION_INTEGER:
        return parse_integer(option, value);
    case OPTION_REAL:
        return parse_real(option, value);
    case OPTION_CHOICE:
        return parse_choice(option, value);
    case OPTION_FLAG:
        break;
    }
    return false;
}

/* Takes an option with its value, which is NULL where there is none. Returns EXIT_DONE or EXIT_USAGE. */
static int take_option(const struct command_line *command, struct command_option *option, const char *value)
{
    char expected[512];

    if (option->given)
        return usage_error(command, "option --%s is given twice", option->name);
    option->given = true;
    if (option->kind == OPTION_FLAG) {
        *option->to.flag = true;
        return EXIT_DONE;
    }
    describe_value(option, expected, sizeof(expected));
    if (value == NULL)
        return usage_error(command, "option --%s needs %s after it", option->name, expected);
    if (!parse_value(option, value))
        return usage_error(command, "option --%s takes %s, not '%s'", option->name, expected, value);
    return EXIT_DONE;
}

/* A flag that was given a value. */
static int refuse_value(const struct command_line *command, const struct command_option *flag, const char *word)
{
    return usage_error(command, "option --%s takes no value, not '%s'", flag->name, strchr(word, '=') + 1);
}

/* A word that is no option. */
static int refuse_word(const struct command_line *command, const char *word)
{
    if (optopt > 0) /* a letter */
        return usage_error(command, "options begin with --, and '-%c' is none; see 'clbn %s --help'", optopt, command->name);
    if (strncmp(word, "--", 2) != 0 || word[2] == '\0')
        return usage_error(command, "options begin with --, and '%s' is none; see 'clbn %s --help'", word, command->name);
    return usage_error(command, "there is no option %.*s; see 'clbn %s --help'", (int)strcspn(word, "="), word, command->name);
}

/* Prints a phrase from column HELP_INDENT on, broken between words. */
static void print_wrapped(const char *text)
{
    int column = HELP_INDENT;

    while (*text != '\0') {
        int length = (int)strcspn(text, " ");

        if (column > HELP_INDENT && column + 1 + length > HELP_WIDTH) {
            printf("\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else if (column > HELP_INDENT) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void options_print_row(const char *name, const char *argument, const char *help)
{
    int column = printf("  %s%s%s", name, argument[0] != '\0' ? " " : "", argument);

    if (column > HELP_INDENT - 2) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", HELP_INDENT - column, "");
    print_wrapped(help);
}

static void print_help(const struct command_line *command)
{
    int column = printf("Usage: clbn %s", command->name);

    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        int length = (int)(strlen(option->name) + strlen(option->required ? option->argument : "")) + 4;

        if (option->required && column + length > HELP_WIDTH - 10) /* "[options]" is still to come */
            column = printf("\n%*s", USAGE_INDENT, "") - 1;
        if (option->required)
            column += printf(" --%s %s", option->name, option->argument);
    }
    printf(" [options]\n\n%s.\n\nOptions:\n", command->summary);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        char choices[256] = "";

        if (option->kind == OPTION_CHOICE)
            list_choices(option, "|", "|", choices, sizeof(choices));
        char name[64];

        snprintf(name, sizeof(name), "--%s", option->name);
        options_print_row(name,
                          option->kind == OPTION_CHOICE ? choices
                          : option->kind == OPTION_FLAG ? ""
                                                        : option->argument,
                          option->help);
    }
    options_print_row("--help", "", "print this text, as -h does");
    options_print_row("--version", "", "print the version, as -V does");
}

/* Whether getopt_long() found an option that there is not, or a flag's value, for which it says '?', or ':' in some C libraries. */
static bool is_refused(const struct command_line *command, int found)
{
    return found == '?' ||
           (found == ':' && (optopt < FIRST_OPTION || command->options[optopt - FIRST_OPTION].kind == OPTION_FLAG));
}

/* What getopt_long() found. True: go on. */
static bool handle(const struct command_line *command, char **argv, int found, int *exit_code)
{
    /* "--x --y": who wants a value that begins with dashes has "--x=--y". */
    bool is_next = optarg != NULL && optarg == argv[optind - 1] && strncmp(optarg, "--", 2) == 0;

    *exit_code = EXIT_DONE;
    if (found == 'h')
        print_help(command);
    else if (found == 'V')
        printf("clbn %s\n", clbnVersion());
    else if (is_refused(command, found))
        *exit_code = optopt >= FIRST_OPTION ? refuse_value(command, &command->options[optopt - FIRST_OPTION], argv[optind - 1])
                                            : refuse_word(command, argv[optind - 1]);
    else
        *exit_code = take_option(command, &command->options[(found == ':' ? optopt : found) - FIRST_OPTION],
                                 found == ':' || is_next ? NULL : optarg);
    return *exit_code == EXIT_DONE && found != 'h' && found != 'V';
}

/* What packages and shells ask for, not people. */
static bool print_page(const struct command_line *command, const char *word)
{
    const bool is_manual = strcmp(word, "--man") == 0;

    if (!is_manual && strcmp(word, "--words") != 0)
        return false;
    if (is_manual)
        manual_print_command(command);
    else
        manual_print_words(command);
    return true;
}

bool options_parse(const struct command_line *command, int argc, char **argv, int *exit_code)
{
    struct option list[OPTIONS_MAXIMUM + 3] = { { .name = NULL } };
    size_t count = command->option_count;
    int found;

    for (size_t i = 0; i < count; i++)
        list[i] = (struct option){ command->options[i].name,
                                   command->options[i].kind == OPTION_FLAG ? no_argument : required_argument, NULL,
                                   FIRST_OPTION + (int)i };
    list[count] = (struct option){ "help", no_argument, NULL, 'h' };
    list[count + 1] = (struct option){ "version", no_argument, NULL, 'V' };
    if (argc == 2 && print_page(command, argv[1])) {
        *exit_code = EXIT_DONE;
        return false;
    }
    opterr = optopt = 0;
    optind = 0; /* not 1: what an earlier command line left off in the middle of "-hV" is forgotten */
    while ((found = getopt_long(argc, argv, "+:hV", list, NULL)) != -1)
        if (!handle(command, argv, found, exit_code))
            return false;
    if (optind < argc || strcmp(argv[argc - 1], "--") == 0) {
        *exit_code = refuse_word(command, argv[argc > optind ? optind : argc - 1]);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct command_option *option = &command->options[i];

        if (option->required && !option->given) {
            *exit_code = usage_error(command, "option --%s %s is required", option->name, option->argument);
            return false;
        }
    }
    return true;
}
