/* SPDX-License-Identifier: MIT */
#include "table_walk.h"

#include "shape_table.h"

size_t row_variation(const struct table_row *row)
{
    return row->number + (size_t)row->config;
}

struct call varied_call(enum operation operation, size_t variation)
{
    static const size_t offsets[] = { 0, 1, 3, 7 };
    struct call call = call_of(operation);
    call.in_place = variation % 5 == 0;
    call.own_workspace = variation % 2 == 0;
    call.offset = offsets[variation / 2 % 4];
    return call;
}

struct problem row_problem(const struct table_row *row)
{
    return problem_random(&row->shape, row->type, 1e-5, row->number);
}

static bool is_small(const struct table_row *row)
{
    return shape_elements(&row->shape) < 20000;
}

/* Sparsely: every fifth of the rows that are so small that they are done in one way, whose few kernels alone are then compiled. The types
 * begin at other rows, and so do the configurations, so that together they see all. */
static bool is_among_tested(const struct table_row *row, clbn_activation function)
{
    enum { SPARSE = 5, FEW_ELEMENTS = 2500 };
    const enum extent extent = tested_extent(row->config, row->type, function, &row->shape);
    return extent == THROUGHOUT || (extent == SPARSELY && shape_elements(&row->shape) < FEW_ELEMENTS &&
                                    (row_variation(row) + row->type_number) % SPARSE == 0);
}

bool is_worth_while(const struct table_row *row, clbn_activation function)
{
    return is_among_tested(row, function) && (is_small(row) || row->config < PLAIN_ENGINE_CONFIGS || row->type == CLBN_FLOAT32);
}

bool is_operation_tested(int config, clbn_type type, clbn_activation function, const struct shape *shape,
                         enum operation operation)
{
    const bool has_phases = ((function >> 1 ^ function >> 2 ^ type) & 1) != 0;
    const enum extent extent = tested_extent(config, type, function, shape);
    if (extent == SPARSELY && config >= PLAIN_ENGINE_CONFIGS)
        return has_phases == (operation >= STATISTICS);
    return extent != NOT_TESTED;
}

clbn_activation row_activation(const struct table_row *row)
{
    clbn_activation tested[ACTIVATIONS];
    size_t count = 0;
    if (!is_small(row) && (row->config >= PLAIN_ENGINE_CONFIGS || row->type != CLBN_FLOAT32))
        return ACTIVATIONS;
    const clbn_activation first = is_full_run() ? CLBN_ACTIVATION_NONE : CLBN_ACTIVATION_RELU;
    for (clbn_activation function = first; function < ACTIVATIONS; function++)
        if (is_among_tested(row, function) &&
            is_operation_tested(row->config, row->type, function, &row->shape, row->operation))
            tested[count++] = function;
    return count > 0 ? tested[(row->number / 5 + row->number % 5) % count] : ACTIVATIONS;
}

static void check_types(struct table_row row, void (*check)(const struct table_row *row))
{
    for (row.type_number = 0; row.type_number < MAX_STORED_TYPES; row.type_number++) {
        row.type = CLBN_FLOAT32 + (clbn_type)row.type_number;
        check(&row);
    }
}

void walk_shape_table(enum operation operation, int config, void (*check)(const struct table_row *row))
{
    struct table_row row = { .config = config, .operation = operation };
    for (row.number = 0; row.number < shape_table_length(); row.number++) {
        row.shape = shape_table_row(row.number);
        check_types(row, check);
    }
}

void walk_rank_table(enum operation operation, int config, void (*check)(const struct table_row *row))
{
    struct table_row row = { .config = config, .operation = operation };
    for (row.number = 0; row.number < rank_table_length(); row.number++) {
        row.shape = rank_table_row(row.number);
        check_types(row, check);
    }
}
