/* SPDX-License-Identifier: MIT */
/*
 * Which kinds of programs the suites run: the one place that says it. Pure.
 *
 * A program is compiled for a type, an activation, a layout, and what an engine's configuration chooses: the geometry, the width of
 * an index, and the type that merges compute in. All combinations would be hundreds of programs, whose compilation takes nearly all of
 * the tests' time. The short run has those in which every pair of values of two of these factors occurs, the full run a product.
 */
#ifndef CLBN_TESTS_KINDS_H
#define CLBN_TESTS_KINDS_H

#include "engines.h"

#include <stdbool.h>

struct kind {
    int config; /* of the engine */
    clbn_type type;
    clbn_activation activation;
    bool channels_last;
};

/* SPARSELY: for some rows of the tables of shapes. */
enum extent { NOT_TESTED, SPARSELY, THROUGHOUT };
enum extent extent_of_kind(struct kind kind, bool full);

#endif
