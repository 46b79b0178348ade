/* SPDX-License-Identifier: MIT */
/* The divisions of work that a plan's problem can be measured with, one of them made the one that later plans have. */
#ifndef CLBN_TESTS_DIVISIONS_H
#define CLBN_TESTS_DIVISIONS_H

#include "clbn.h"

#include <stdbool.h>
#include <stddef.h>

/* As of struct choices in host/schedule/schedule.h. */
enum { DIVISION_NUMBERS = 6 };

/* Number 0 is the usual one. */
size_t count_divisions(clbn_plan plan);

/* As if it had been measured to be the best of all passes: plans that are created later on the same engine have it, and others
 * too if the plan's program came to be while the disk cache was on. */
void choose_division(clbn_plan plan, size_t number);

/* Likewise of one pass: 0 forward training, 1 backward, 2 inference. */
void choose_division_of_pass(clbn_plan plan, unsigned pass, size_t number);

/* Any numbers, good or not, in place of choices that were measured. Gives whether they are on disk. */
bool forge_division(clbn_plan plan, const cl_uint numbers[DIVISION_NUMBERS]);

#endif
