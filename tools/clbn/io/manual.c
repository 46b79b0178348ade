/* SPDX-License-Identifier: MIT */
#include "io/manual.h"

#include <clbn.h>
#include <stdio.h>

const struct environment_variable environment_variables[] = {
    { "CLBN_CACHE_DIR", "folder of compiled programs and tuning; empty: none (default XDG_CACHE_HOME/clbn, else "
                        "HOME/.cache/clbn; on Windows LOCALAPPDATA\\clbn)" },
    { "OCL_ICD_VENDORS", "where the loader of OpenCL looks for implementations" },
    { "TMPDIR", "where 'clbn bench' keeps a cache of its own (on Windows TEMP)" },
    { NULL, NULL },
};

/* What roff would take for its own: a backslash, a dash, and a point or quote that begins a line. */
static void print_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        printf("\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            printf("\\e");
        else if (*text == '-')
            printf("\\-");
        else
            putchar(*text);
    }
}

void manual_print_title(const char *name, const char *summary)
{
    printf(".TH %s 1 \"\" \"clbn %s\" \"User Commands\"\n.SH NAME\n", name, clbnVersion());
    print_text(name);
    printf(" \\- ");
    print_text(summary);
    putchar('\n');
}

void manual_print_item(const char *name, const char *argument, const char *text)
{
    printf(".TP\n.B ");
    print_text(name);
    if (argument[0] != '\0') {
        printf(" \\fI");
        print_text(argument);
        printf("\\fR");
    }
    putchar('\n');
    print_text(text);
    putchar('\n');
}

void manual_print_end(void)
{
    printf(".SH ENVIRONMENT\n");
    for (const struct environment_variable *variable = environment_variables; variable->name != NULL; variable++)
        manual_print_item(variable->name, "", variable->help);
    printf(".SH EXIT STATUS\n0 when done, 1 on failure, 2 on wrong usage.\n");
}

/* "none|relu|silu"; cut where it is too long. */
static const char *value_of(const struct command_option *option, char *text, size_t size)
{
    size_t length = 0;

    if (option->kind == OPTION_FLAG)
        return "";
    if (option->kind != OPTION_CHOICE)
        return option->argument;
    text[0] = '\0';
    for (size_t i = 0; option->choices[i] != NULL && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", i > 0 ? "|" : "", option->choices[i]);
    return text;
}

static void print_option(const struct command_option *option)
{
    char name[64], value[256];

    snprintf(name, sizeof(name), "--%s", option->name);
    manual_print_item(name, value_of(option, value, sizeof(value)), option->help);
}

void manual_print_command(const struct command_line *command)
{
    char name[64];

    snprintf(name, sizeof(name), "clbn-%s", command->name);
    manual_print_title(name, command->summary);
    printf(".SH SYNOPSIS\n.B clbn %s\n", command->name);
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].required)
            printf("\\-\\-%s \\fI%s\\fR\n", command->options[i].name, command->options[i].argument);
    printf("[options]\n.SH OPTIONS\n");
    for (size_t i = 0; i < command->option_count; i++)
        print_option(&command->options[i]);
    manual_print_item("--help", "", "print the options, as -h does");
    manual_print_item("--version", "", "print the version, as -V does");
    manual_print_end();
    printf(".SH SEE ALSO\n.BR clbn (1)\n");
}

void manual_print_words(const struct command_line *command)
{
    for (size_t i = 0; i < command->option_count; i++)
        printf("--%s\n", command->options[i].name);
    printf("--help\n--version\n");
}
