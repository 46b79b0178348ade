/* The way of a suite through the tables of shapes: each in each type. */
#ifndef CLBN_TESTS_TABLE_WALK_H
#define CLBN_TESTS_TABLE_WALK_H

#include "run.h"

struct table_row {
    struct shape shape;
    size_t number; /* of the row */
    clbn_type type;
    size_t type_number; /* among those that the engine is tested with */
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

/* Whether more of the same is worth its time: of large tensors, the plain engines see all types, and others float32. */
bool is_worth_while(const struct table_row *row);
/* Likewise, where it is all done once more for each activation: the plain engines see float32. */
bool is_worth_while_again(const struct table_row *row);

/* Calls check for each shape of shape_table.h, and for each rank and axis. */
void walk_shape_table(enum operation operation, int config, void (*check)(const struct table_row *row));
void walk_rank_table(enum operation operation, int config, void (*check)(const struct table_row *row));

#endif
