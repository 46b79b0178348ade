#include "io/options.h"

#include "io/failure.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of --help. */
enum { HELP_INDENT = 28, HELP_WIDTH = 100 };

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

static struct option *find_option(const struct command_line *command, const char *name, size_t length)
{
    for (size_t i = 0; i < command->option_count; i++) {
        struct option *option = &command->options[i];

        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    }
    return NULL;
}

bool option_given(const struct command_line *command, const char *name)
{
    const struct option *option = find_option(command, name, strlen(name));

    return option != NULL && option->given;
}

/* Writes "a, b or c" into text. */
static void list_choices(const struct option *option, const char *separator, const char *last_separator, char *text,
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
static void describe_value(const struct option *option, char *text, size_t size)
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

static bool parse_integer(const struct option *option, const char *value)
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

static bool parse_real(const struct option *option, const char *value)
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

static bool parse_choice(const struct option *option, const char *value)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (is_choice(value, option->choices[i])) {
            *option->to.choice = i;
            return true;
        }
    }
    return false;
}

static bool parse_value(const struct option *option, const char *value)
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

/* Parses the option at argv[*index] and leaves *index at its last word. */
static bool parse_option(const struct command_line *command, int argc, char **argv, int *index, int *exit_code)
{
    const char *word = argv[*index] + 2;
    const char *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    struct option *option = find_option(command, word, length);
    const char *value = equals != NULL ? equals + 1 : NULL;
    char expected[512];

    if (option == NULL) {
        *exit_code = usage_error(command, "there is no option --%.*s; see 'clbn %s --help'", (int)length, word, command->name);
        return false;
    }
    if (option->given) {
        *exit_code = usage_error(command, "option --%s is given twice", option->name);
        return false;
    }
    option->given = true;
    describe_value(option, expected, sizeof(expected));
    if (option->kind == OPTION_FLAG) {
        if (value != NULL) {
            *exit_code = usage_error(command, "option --%s takes no value, not '%s'", option->name, value);
            return false;
        }
        *option->to.flag = true;
        return true;
    }
    if (value == NULL) {
        if (*index + 1 >= argc || strncmp(argv[*index + 1], "--", 2) == 0) {
            *exit_code = usage_error(command, "option --%s needs %s after it", option->name, expected);
            return false;
        }
        value = argv[++*index];
    }
    if (!parse_value(option, value)) {
        *exit_code = usage_error(command, "option --%s takes %s, not '%s'", option->name, expected, value);
        return false;
    }
    return true;
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

static void print_row(const char *name, const char *argument, const char *help)
{
    int column = printf("  --%s%s%s", name, argument[0] != '\0' ? " " : "", argument);

    if (column > HELP_INDENT - 2) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", HELP_INDENT - column, "");
    print_wrapped(help);
}

static void print_help(const struct command_line *command)
{
    printf("Usage: clbn %s", command->name);
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].required)
            printf(" --%s %s", command->options[i].name, command->options[i].argument);
    printf(" [options]\n\n%s.\n\nOptions:\n", command->summary);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        char choices[256] = "";

        if (option->kind == OPTION_CHOICE)
            list_choices(option, "|", "|", choices, sizeof(choices));
        print_row(option->name,
                  option->kind == OPTION_CHOICE ? choices
                  : option->kind == OPTION_FLAG ? ""
                                                : option->argument,
                  option->help);
    }
    print_row("help", "", "print this text");
}

bool options_parse(const struct command_line *command, int argc, char **argv, int *exit_code)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help(command);
            *exit_code = EXIT_DONE;
            return false;
        }
        if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0') {
            *exit_code =
                usage_error(command, "options begin with --, and '%s' is none; see 'clbn %s --help'", argv[i], command->name);
            return false;
        }
        if (!parse_option(command, argc, argv, &i, exit_code))
            return false;
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];

        if (option->required && !option->given) {
            *exit_code = usage_error(command, "option --%s %s is required", option->name, option->argument);
            return false;
        }
    }
    return true;
}
