/* SPDX-License-Identifier: MIT */
/* Forward training and inference against the reference. */
#include "shape_table.h"
#include "table_walk.h"
#include "verify.h"

#include <stdlib.h>

static const double factors[] = { 0.1, 1, 0 };

static struct call call_of_row(const struct table_row *row)
{
    const size_t variation = row_variation(row);
    struct call call = varied_call(row->operation, variation);
    call.update_factor = factors[variation % 3];
    call.running_variance = shape_values_per_channel(&row->shape) == 1 || variation / 3 % 2 == 0 ? CLBN_BIASED : CLBN_UNBIASED;
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

START_TEST(training_agrees_for_all_shapes)
{
    walk_shape_table(FORWARD_TRAINING, _i, check_row);
}
END_TEST

START_TEST(training_agrees_for_all_ranks_and_axes)
{
    walk_rank_table(FORWARD_TRAINING, _i, check_row);
}
END_TEST

START_TEST(inference_agrees_for_all_shapes)
{
    walk_shape_table(FORWARD_INFERENCE, _i, check_row);
}
END_TEST

START_TEST(inference_agrees_for_all_ranks_and_axes)
{
    walk_rank_table(FORWARD_INFERENCE, _i, check_row);
}
END_TEST

static void check_running_variations(int config, const struct problem *problem, struct call call)
{
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++)
        for (clbn_running_variance kind = CLBN_UNBIASED; kind <= CLBN_BIASED; kind++) {
            call.update_factor = factors[f];
            call.running_variance = kind;
            verify_call(config, problem, &call);
        }
}

static void check_training_subsets(int config, const struct problem *problem)
{
    static const unsigned optional[] = { WITH(VIEW_GAMMA), WITH(VIEW_BETA), WITH_SAVED, WITH_RUNNING };
    for (unsigned subset = 0; subset < 64; subset++) {
        struct call call = call_of(FORWARD_TRAINING);
        for (unsigned i = 0; i < 4; i++)
            if ((subset >> i & 1) == 0)
                call.views &= ~optional[i];
        call.in_place = (subset >> 4 & 1) != 0;
        call.own_workspace = (subset >> 5 & 1) != 0;
        call.offset = subset % 3;
        if ((call.views & WITH_RUNNING) != 0)
            check_running_variations(config, problem, call);
        else
            verify_call(config, problem, &call);
    }
}

static void check_inference_subsets(int config, const struct problem *problem)
{
    for (unsigned subset = 0; subset < 16; subset++) {
        struct call call = call_of(FORWARD_INFERENCE);
        if ((subset & 1) == 0)
            call.views &= ~WITH(VIEW_GAMMA);
        if ((subset & 2) == 0)
            call.views &= ~WITH(VIEW_BETA);
        call.in_place = (subset & 4) != 0;
        call.own_workspace = (subset & 8) != 0;
        call.offset = subset % 3;
        verify_call(config, problem, &call);
    }
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
            check_training_subsets(_i, &problem);
            check_inference_subsets(_i, &problem);
            problem_free(&problem);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forward");
    TCase *cases = tcase_create("against the reference");
    add_test_of_configs(cases, training_agrees_for_all_shapes, ENGINE_CONFIGS);
    add_test_of_configs(cases, training_agrees_for_all_ranks_and_axes, ENGINE_CONFIGS);
    add_test_of_configs(cases, inference_agrees_for_all_shapes, ENGINE_CONFIGS);
    add_test_of_configs(cases, inference_agrees_for_all_ranks_and_axes, ENGINE_CONFIGS);
    add_test_of_configs(cases, all_subsets_of_options_agree, ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
