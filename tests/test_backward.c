/* SPDX-License-Identifier: MIT */
/* Backward and backward with frozen statistics against the reference. */
#include "shape_table.h"
#include "table_walk.h"
#include "verify.h"

#include <stdlib.h>

static struct call call_of_row(const struct table_row *row)
{
    const size_t variation = row_variation(row);
    struct call call = varied_call(row->operation, variation);
    if (row->operation == BACKWARD && variation % 3 == 0)
        call.views &= ~WITH_SAVED;
    if (variation % 4 == 1)
        accumulate(&call);
    return call;
}

static void check_row(const struct table_row *row)
{
    if (!is_worth_while(row, CLBN_ACTIVATION_NONE))
        return;
    struct problem problem = row_problem(row);
    const struct call call = call_of_row(row);
    verify_call(row->config, &problem, &call);
    problem_free(&problem);
}

START_TEST(backward_agrees_for_all_shapes)
{
    walk_shape_table(BACKWARD, _i, check_row);
}
END_TEST

START_TEST(backward_agrees_for_all_ranks_and_axes)
{
    walk_rank_table(BACKWARD, _i, check_row);
}
END_TEST

START_TEST(frozen_backward_agrees_for_all_shapes)
{
    walk_shape_table(BACKWARD_FROZEN, _i, check_row);
}
END_TEST

START_TEST(frozen_backward_agrees_for_all_ranks_and_axes)
{
    walk_rank_table(BACKWARD_FROZEN, _i, check_row);
}
END_TEST

/* The outputs are numbered 1 to 7, one bit for each of dx, dgamma and dbeta. */
static unsigned without_outputs(unsigned outputs)
{
    unsigned left_out = 0;
    if ((outputs & 1) == 0)
        left_out |= WITH(VIEW_DX);
    if ((outputs & 2) == 0)
        left_out |= WITH(VIEW_DGAMMA);
    if ((outputs & 4) == 0)
        left_out |= WITH(VIEW_DBETA);
    return left_out;
}

static void check_subset(int config, const struct problem *problem, enum operation operation, unsigned outputs,
                         unsigned variation)
{
    struct call call = call_of(operation);
    call.views &= ~without_outputs(outputs);
    if ((variation & 1) == 0)
        call.views &= ~WITH(VIEW_GAMMA);
    if (operation == BACKWARD && (variation & 2) == 0)
        call.views &= ~WITH_SAVED;
    bool needs_x = (outputs & 2) != 0;
    if (operation == BACKWARD_FROZEN && !needs_x && (variation & 2) == 0)
        call.views &= ~(WITH(VIEW_X) | WITH(VIEW_RUNNING_MEAN));
    call.in_place = (variation & 4) != 0;
    call.own_workspace = (variation & 8) != 0;
    call.offset = variation % 3;
    if ((outputs + variation / 4) % 2 == 1)
        accumulate(&call);
    verify_call(config, problem, &call);
}

START_TEST(all_subsets_of_options_agree)
{
    clbn_type types[MAX_STORED_TYPES];
    /* What there is of options, a configuration's other types have like float32. */
    const int type_count = _i < PLAIN_ENGINE_CONFIGS ? stored_types(_i, types) : 1;
    types[0] = CLBN_FLOAT32;
    for (int t = 0; t < type_count; t++)
        for (size_t s = 0; s < SUBSET_SHAPES; s++) {
            struct problem problem = problem_random(&subset_shapes[s], types[t], 1e-3, s);
            for (unsigned outputs = 1; outputs < 8; outputs++)
                for (unsigned variation = 0; variation < 16; variation++) {
                    check_subset(_i, &problem, BACKWARD, outputs, variation);
                    check_subset(_i, &problem, BACKWARD_FROZEN, outputs, variation);
                }
            problem_free(&problem);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backward");
    TCase *cases = tcase_create("against the reference");
    add_test_of_configs(cases, backward_agrees_for_all_shapes, ENGINE_CONFIGS);
    add_test_of_configs(cases, backward_agrees_for_all_ranks_and_axes, ENGINE_CONFIGS);
    add_test_of_configs(cases, frozen_backward_agrees_for_all_shapes, ENGINE_CONFIGS);
    add_test_of_configs(cases, frozen_backward_agrees_for_all_ranks_and_axes, ENGINE_CONFIGS);
    add_test_of_configs(cases, all_subsets_of_options_agree, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
