/* SPDX-License-Identifier: MIT */
/*
 * The cases of 'clbn verify': which there are, and what each does. Pure but for verify_case_prepare().
 *
 * A case has a number, its seed, from which all of it follows: the program it needs, its shape, its operation, its data, and how it is
 * called. So a case can be repeated alone, on another device too.
 */
#ifndef CLBN_TOOL_VERIFY_CASES_H
#define CLBN_TOOL_VERIFY_CASES_H

#include "run.h"

#include <stdbool.h>
#include <stddef.h>

/* What a program is compiled for beyond type, layout and activation, or how its tensors lie. */
enum verify_special {
    VERIFY_USUAL,
    VERIFY_NO_DOUBLE,
    VERIFY_INDEX_64,
    VERIFY_STRIDED,
    VERIFY_SHORT_PARAMETERS,
    VERIFY_SPECIALS
};

struct verify_program {
    bool in_groups; /* the geometry */
    enum verify_special special;
    clbn_type type;
    bool channels_last;
    clbn_activation activation;
};

enum { VERIFY_PROGRAMS = 2 * VERIFY_SPECIALS * 4 * 2 * ACTIVATIONS };
struct verify_program verify_program_number(size_t number);
/* "vector float32 NCHW relu"; text has VERIFY_PROGRAM_TEXT characters. Gives text. */
enum { VERIFY_PROGRAM_TEXT = 64 };
const char *verify_program_text(size_t number, char *text);

/* VERIFY_ONE: the case of one seed. VERIFY_PART: of one program, in a second. */
enum verify_extent { VERIFY_ONE, VERIFY_PART, VERIFY_QUICK, VERIFY_FULL };

/* What decides about programs: what the device is, and how much is wanted. */
struct verify_selection {
    bool in_groups; /* the geometry that the device has by itself */
    bool has_float64;
    enum verify_extent extent;
    size_t seed;             /* of the one */
    bool spares_compilation; /* see engines.h */
};
bool verify_has_program(const struct verify_selection *selection, size_t number);

enum { VERIFY_ROWS = 100, VERIFY_CASES_OF_PROGRAM = VERIFY_ROWS * OPERATIONS };
#define VERIFY_SEEDS ((size_t)VERIFY_PROGRAMS * VERIFY_CASES_OF_PROGRAM)
/* Whether there is a case of this seed, and it is among those wanted. */
bool verify_has_case(const struct verify_selection *selection, size_t seed);

struct verify_case {
    int config;
    struct problem problem;
    struct layout layout;
    struct call call;
};
/* In place: the call may point to the layout. */
void verify_case_prepare(struct verify_case *the_case, size_t seed);
void verify_case_release(struct verify_case *the_case);

#endif
