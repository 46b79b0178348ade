/* SPDX-License-Identifier: MIT */
/* The way of a suite through the tables of shapes: each in each type. */
#ifndef CLBN_TESTS_TABLE_WALK_H
#define CLBN_TESTS_TABLE_WALK_H

#include "harness.h"
#include "run.h"

struct table_row {
    struct shape shape;
    size_t number; /* of the row */
    clbn_type type;
    size_t type_number; /* from 0 */
    int config;         /* of the engine */
    enum operation operation;
};

/* A number by which the way of calling varies from row to row, and for a row from engine to engine. */
size_t row_variation(const struct table_row *row);

/* A call that is in place or not, with a workspace of its own or not, and with views from the start of their buffers or from odd
 * offsets. */
struct call varied_call(enum operation operation, size_t variation);

/* The row's own random problem. */
struct problem row_problem(const struct table_row *row);

/* Whether the row is tested with an activation: where its kind of program is tested sparsely, every fifth row is. Of large tensors, the
 * plain engines see all types, and others float32. */
bool is_worth_while(const struct table_row *row, clbn_activation function);
/* Where a kind is tested sparsely, and not by the plain engines, it is either in whole calls or in phases: half of each type's
 * activations, and of each activation's types. */
bool is_operation_tested(int config, clbn_type type, clbn_activation function, const struct shape *shape,
                         enum operation operation);
/* One of the activations that the row is tested with, in turns; ACTIVATIONS if there is none. The short run leaves rows without activation
 * to other suites. Of large tensors, the plain engines see float32. */
clbn_activation row_activation(const struct table_row *row);

/* Calls check for each shape of shape_table.h, and for each rank and axis. */
void walk_shape_table(enum operation operation, int config, void (*check)(const struct table_row *row));
void walk_rank_table(enum operation operation, int config, void (*check)(const struct table_row *row));

#endif
