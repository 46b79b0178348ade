#include "verify.h"

#include "compare.h"

#include <stdio.h>
#include <string.h>

static const double *optional_input(const struct run *run, enum view view)
{
    return run_has(run, view) ? run->problem->values[view] : NULL;
}

/* Results of a tensor's type, which may be smaller than the one they were computed in. */
static void expect_tensor(enum quantity quantity, const struct problem *problem, const double *actual,
                          struct expected *expected)
{
    if (problem->type != parameter_type(problem->type))
        bound_storage(type_epsilon(problem->type) / 2, expected);
    expect_within_bounds(quantity, problem->type, actual, expected);
}

static void check_output(struct run *run, const struct statistics *statistics)
{
    const struct problem *problem = run->problem;
    const double *gamma = optional_input(run, VIEW_GAMMA);
    const double *beta = optional_input(run, VIEW_BETA);
    struct expected y = reference_output(&problem->shape, problem->values[VIEW_X], statistics, gamma, beta);
    bound_output(problem_arithmetic(problem), &problem->shape, statistics, gamma, beta, &y);
    expect_tensor(QUANTITY_Y, problem, run_output(run, VIEW_Y), &y);
    expected_free(&y);
}

static void check_running_mean(struct run *run)
{
    const struct problem *problem = run->problem;
    double factor = run->call.update_factor;
    struct expected mean = reference_running_mean(&problem->statistics, problem->values[VIEW_RUNNING_MEAN], factor);
    bound_running(problem_arithmetic(problem), &problem->statistics.mean, factor, &mean);
    expect_within_bounds(QUANTITY_RUNNING_MEAN, parameter_type(problem->type), run_output(run, VIEW_RUNNING_MEAN), &mean);
    expected_free(&mean);
}

static void check_running_var(struct run *run)
{
    const struct problem *problem = run->problem;
    double factor = run->call.update_factor;
    bool unbiased = run->call.running_variance == CLBN_UNBIASED;
    double m = (double)problem->statistics.values_per_channel;
    struct expected variance = reference_running_var(&problem->statistics, problem->values[VIEW_RUNNING_VAR], factor, unbiased);
    bound_running(problem_arithmetic(problem), &problem->statistics.variance, unbiased ? factor * m / (m - 1) : factor,
                  &variance);
    bool plain = factor >= 1 && !unbiased;
    expect_within_bounds(plain ? QUANTITY_VARIANCE : QUANTITY_RUNNING_VAR, parameter_type(problem->type),
                         run_output(run, VIEW_RUNNING_VAR), &variance);
    expected_free(&variance);
}

static void check_running(struct run *run)
{
    const struct problem *problem = run->problem;
    if (run->call.update_factor > 0) {
        check_running_mean(run);
        check_running_var(run);
        return;
    }
    for (enum view view = VIEW_RUNNING_MEAN; view <= VIEW_RUNNING_VAR; view++)
        expect_same_bits(view_name(view), run_output(run, view), problem->values[view], view_count(&problem->shape, view));
}

static void check_forward_training(struct run *run)
{
    const struct problem *problem = run->problem;
    check_output(run, &problem->statistics);
    if (run_has(run, VIEW_RUNNING_MEAN))
        check_running(run);
    if (run_has(run, VIEW_SAVE_MEAN))
        expect_within_bounds(QUANTITY_MEAN, parameter_type(problem->type), run_output(run, VIEW_SAVE_MEAN),
                             &problem->statistics.mean);
    if (run_has(run, VIEW_SAVE_INVSTD))
        expect_within_bounds(QUANTITY_INVSTD, parameter_type(problem->type), run_output(run, VIEW_SAVE_INVSTD),
                             &problem->statistics.invstd);
}

static struct statistics running_statistics(const struct run *run)
{
    const struct problem *problem = run->problem;
    struct statistics statistics = reference_given_statistics(&problem->shape, optional_input(run, VIEW_RUNNING_MEAN),
                                                              problem->values[VIEW_RUNNING_VAR], problem->epsilon);
    bound_given_statistics(&statistics);
    return statistics;
}

static void check_forward_inference(struct run *run)
{
    struct statistics statistics = running_statistics(run);
    check_output(run, &statistics);
    statistics_free(&statistics);
}

static void check_gradients(struct run *run, const struct statistics *statistics, enum statistics_source source)
{
    const struct problem *problem = run->problem;
    const double *x = problem->values[VIEW_X];
    const double *gamma = optional_input(run, VIEW_GAMMA);
    struct gradients gradients =
        reference_gradients(&problem->shape, x, problem->values[VIEW_DY], statistics, gamma, source == STATISTICS_FROZEN);
    bound_gradients(problem_arithmetic(problem), &problem->shape, x, statistics, gamma, source, &gradients);
    if (run_has(run, VIEW_DX))
        expect_tensor(QUANTITY_DX, problem, run_output(run, VIEW_DX), &gradients.dx);
    if (run_has(run, VIEW_DGAMMA))
        expect_within_bounds(QUANTITY_DGAMMA, parameter_type(problem->type), run_output(run, VIEW_DGAMMA), &gradients.dgamma);
    if (run_has(run, VIEW_DBETA))
        expect_within_bounds(QUANTITY_DBETA, parameter_type(problem->type), run_output(run, VIEW_DBETA), &gradients.dbeta);
    gradients_free(&gradients);
}

void verify_run(struct run *run)
{
    if (run->call.operation == FORWARD_TRAINING)
        check_forward_training(run);
    if (run->call.operation == FORWARD_INFERENCE)
        check_forward_inference(run);
    if (run->call.operation == BACKWARD)
        check_gradients(run, &run->problem->statistics,
                        run_has(run, VIEW_SAVE_MEAN) ? STATISTICS_SAVED : STATISTICS_RECOMPUTED);
    if (run->call.operation == BACKWARD_FROZEN) {
        struct statistics statistics = running_statistics(run);
        check_gradients(run, &statistics, STATISTICS_FROZEN);
        statistics_free(&statistics);
    }
}

static void say_what_is_tested(int config, const struct problem *problem, const struct call *call)
{
    static const char *const operations[] = { "forward training", "forward inference", "backward", "frozen backward" };
    char shape[SHAPE_TEXT_SIZE];
    testing("%s, %s, %s %s, epsilon %g, views %#x%s%s, offset %zu, f %g%s", engine_configs[config].name,
            operations[call->operation], type_name(problem->type), shape_text(&problem->shape, shape), problem->epsilon,
            call->views, call->in_place ? " in place" : "", call->own_workspace ? " with workspace" : "", call->offset,
            call->update_factor, call->running_variance == CLBN_BIASED ? " biased" : "");
}

void verify_call(int config, const struct problem *problem, const struct call *call)
{
    say_what_is_tested(config, problem, call);
    struct run run = run_prepare(test_engine(config), problem, call);
    run_now(&run);
    verify_run(&run);
    run_release(&run);
}
