/* SPDX-License-Identifier: MIT */
/* A command line, an argument to a line of the input, and a list of shapes. What is taken is within the ranges of its option. */
#define _POSIX_C_SOURCE 200809L
#include "bench/shapes.h"
#include "fuzz.h"
#include "io/failure.h"
#include "io/options.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGUMENTS = 64 };

static const char *const words[] = { "auto", "float32", "none", "relu_6", NULL };

struct values {
    bool flag;
    const char *string;
    long long any_integer, integer;
    double any_real, real, positive;
    int choice;
};

static void check_values(const struct values *v, const struct command_line *command)
{
    FUZZ_EXPECT(option_given(command, "x") && v->string != NULL && v->string[0] != '\0', "a required option is not there");
    FUZZ_EXPECT(v->integer >= -3 && v->integer <= 9, "%lld is no integer from -3 to 9", v->integer);
    FUZZ_EXPECT(v->real >= 0 && v->real <= 1 && v->positive >= 0, "%g or %g is out of range", v->real, v->positive);
    FUZZ_EXPECT(isfinite(v->any_real) && isfinite(v->positive), "a number is not finite");
    FUZZ_EXPECT(v->choice >= 0 && v->choice < 4, "there is no choice %d", v->choice);
}

static void check_command(int argc, char **argv)
{
    struct values v = { .choice = 0 };
    struct command_option options[] = {
        { .name = "x", .kind = OPTION_STRING, .to.string = &v.string, .argument = "X", .required = true, .help = "input" },
        { .name = "number", .kind = OPTION_INTEGER, .to.integer = &v.any_integer, .argument = "N", .help = "any" },
        { .name = "axis",
          .kind = OPTION_INTEGER,
          .to.integer = &v.integer,
          .integer_range = { -3, 9 },
          .argument = "A",
          .help = "axis" },
        { .name = "real", .kind = OPTION_REAL, .to.real = &v.any_real, .argument = "R", .help = "any" },
        { .name = "factor",
          .kind = OPTION_REAL,
          .to.real = &v.real,
          .real_range = { 0, 1 },
          .argument = "F",
          .help = "factor" },
        { .name = "epsilon",
          .kind = OPTION_REAL,
          .to.real = &v.positive,
          .real_range = { 0, DBL_MAX },
          .argument = "E",
          .help = "added" },
        { .name = "type", .kind = OPTION_CHOICE, .to.choice = &v.choice, .choices = words, .help = "type" },
        { .name = "training", .kind = OPTION_FLAG, .to.flag = &v.flag, .help = "training" },
    };
    const struct command_line command = { "fuzz", "take options", options, OPTION_COUNT(options) };
    int exit_code = -1;
    if (options_parse(&command, argc, argv, &exit_code))
        check_values(&v, &command);
    else
        FUZZ_EXPECT(exit_code == EXIT_DONE || exit_code == EXIT_USAGE, "exit code %d", exit_code);
}

static void check_shapes(const char *text)
{
    struct bench_shape_list list = { NULL, 0, false };
    struct failure failure = { "" };
    if (!bench_shapes_parse(text, &list, &failure)) {
        FUZZ_EXPECT(list.shapes == NULL && failure.sentence[0] != '\0', "a failure leaves shapes, or no reason");
        return;
    }
    FUZZ_EXPECT(list.count > 0, "a list without shapes");
    for (size_t i = 0; i < list.count; i++) {
        char formatted[BENCH_SHAPE_TEXT];
        FUZZ_EXPECT(bench_shape_elements(&list.shapes[i]) > 0, "a shape without elements");
        bench_shape_format(&list.shapes[i], formatted);
    }
    bench_shapes_free(&list);
}

/* --help and complaints are of no interest. */
static void be_silent(void)
{
    static bool done;
    if (!done && freopen("/dev/null", "w", stdout) == NULL)
        abort();
    done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *arguments[MAX_ARGUMENTS + 2] = { NULL };
    int count = 0;
    FUZZ_EXPECT(text != NULL, "no memory");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    be_silent();
    check_shapes(text);
    static char name[] = "fuzz";
    arguments[count++] = name;
    for (char *next = text; next != NULL && count <= MAX_ARGUMENTS;) {
        char *end = strchr(next, '\n');
        arguments[count++] = next;
        if (end != NULL)
            *end++ = '\0';
        next = end;
    }
    check_command(count, arguments);
    free(text);
    return 0;
}
