/* SPDX-License-Identifier: MIT */
/* Data that repeat, whose roundings in a sum all go the same way, and data of heavy tails. */
#ifndef CLBN_TESTS_HARD_DATA_H
#define CLBN_TESTS_HARD_DATA_H

#include "problem.h"

enum { HARD_DATA_KINDS = 6 };

const char *hard_data_name(size_t kind);
/* dy repeats, too. */
struct problem problem_hard(const struct shape *shape, clbn_type type, size_t kind);

#endif
