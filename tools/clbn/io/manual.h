/* SPDX-License-Identifier: MIT */
/* Pages of the manual, and words for a shell's completion, from the same tables as --help. */
#ifndef CLBN_TOOL_MANUAL_H
#define CLBN_TOOL_MANUAL_H

#include "io/options.h"

/* A command's page in the language of man(7). */
void manual_print_command(const struct command_line *command);
/* A command's options, one to a line. */
void manual_print_words(const struct command_line *command);

/* Parts that the page of clbn itself is made of. */
void manual_print_title(const char *name, const char *summary);
void manual_print_item(const char *name, const char *argument, const char *text);
void manual_print_end(void);

/* What the environment changes, as it stands in --help too; ends with a name of NULL. */
struct environment_variable {
    const char *name;
    const char *help;
};
extern const struct environment_variable environment_variables[];

#endif
