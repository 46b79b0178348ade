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

bool is_worth_while(const struct table_row *row)
{
    return is_small(row) || row->config < PLAIN_ENGINE_CONFIGS || row->type == CLBN_FLOAT32;
}

bool is_worth_while_again(const struct table_row *row)
{
    return is_small(row) || (row->config < PLAIN_ENGINE_CONFIGS && row->type == CLBN_FLOAT32);
}

static void check_types(struct table_row row, void (*check)(const struct table_row *row))
{
    clbn_type types[MAX_STORED_TYPES];
    size_t type_count = (size_t)stored_types(row.config, types);
    for (row.type_number = 0; row.type_number < type_count; row.type_number++) {
        row.type = types[row.type_number];
        /* The width of an index is the same to all types. */
        if (row.type == CLBN_FLOAT32 || (engine_configs[row.config].flags & CLBN_ENGINE_INDEX_64) == 0)
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
