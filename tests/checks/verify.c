/* SPDX-License-Identifier: MIT */
#include "verify.h"

#include "activated.h"
#include "allocate.h"
#include "compare.h"
#include "engines.h"
#include "failing.h"
#include "renorm.h"
#include "second_order.h"

#include <math.h>
#include <stdlib.h>

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

/* Likewise of a parameter's. */
static void expect_parameter(enum quantity quantity, struct run *run, enum view view, struct expected *expected)
{
    const clbn_type type = view_type(run->problem, view);
    if (type != parameter_type(run->problem->type))
        bound_storage(type_epsilon(type) / 2, expected);
    expect_within_bounds(quantity, type, run_output(run, view), expected);
}

/* What the activation is applied to. again: by a backward. */
static struct expected bounded_argument(const struct run *run, const struct statistics *statistics, bool again)
{
    const struct problem *problem = run->problem;
    const double *gamma = optional_input(run, VIEW_GAMMA), *beta = optional_input(run, VIEW_BETA);
    const double *z =
        (run->call.views & WITH(VIEW_Z)) != 0 ? problem->values[VIEW_Z] : NULL; /* also if only the forward had it */
    struct expected a = reference_output(&problem->shape, problem->values[VIEW_X], statistics, gamma, beta, z);
    if (again)
        bound_argument(problem_arithmetic(problem), &problem->shape, statistics, gamma, beta, z, &a);
    else
        bound_output(problem_arithmetic(problem), &problem->shape, statistics, gamma, beta, z, &a);
    return a;
}

static void check_output(struct run *run, const struct statistics *statistics)
{
    const struct problem *problem = run->problem;
    struct expected y = bounded_argument(run, statistics, false);
    activate(&problem->activation, problem_arithmetic(problem).unit_roundoff, &y);
    expect_tensor(QUANTITY_Y, problem, run_output(run, VIEW_Y), &y);
    expected_free(&y);
}

static void check_running_mean(struct run *run)
{
    const struct problem *problem = run->problem;
    double factor = run->call.update_factor;
    struct expected mean = reference_running_mean(&problem->statistics, problem->values[VIEW_RUNNING_MEAN], factor);
    bound_running(problem_arithmetic(problem), &problem->statistics.mean, factor, &mean);
    expect_parameter(QUANTITY_RUNNING_MEAN, run, VIEW_RUNNING_MEAN, &mean);
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
    expect_parameter(plain ? QUANTITY_VARIANCE : QUANTITY_RUNNING_VAR, run, VIEW_RUNNING_VAR, &variance);
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
        expect_same_bits(view_name(view), run_output(run, view), problem->values[view], view_count(problem, view));
}

static void check_statistics(struct run *run)
{
    const struct problem *problem = run->problem;
    clbn_type type = parameter_type(problem->type);
    if (run_has(run, VIEW_RUNNING_MEAN))
        check_running(run);
    if (run_has(run, VIEW_SAVE_MEAN))
        expect_within_bounds(QUANTITY_MEAN, type, run_output(run, VIEW_SAVE_MEAN), &problem->statistics.mean);
    if (run_has(run, VIEW_SAVE_INVSTD))
        expect_within_bounds(QUANTITY_INVSTD, type, run_output(run, VIEW_SAVE_INVSTD), &problem->statistics.invstd);
    if (run_has(run, VIEW_SAVE_VAR))
        expect_within_bounds(QUANTITY_VARIANCE, type, run_output(run, VIEW_SAVE_VAR), &problem->statistics.variance);
}

/* The number-th of a record's numbers, whose high and low parts are rows one after the other: the high part is to be what
 * the low one leaves of the number. */
static void check_record_row(enum quantity quantity, const struct problem *problem, const double *record, size_t number,
                             struct expected *expected)
{
    const double *high = record + 2 * number * expected->count, *low = high + expected->count;
    for (size_t c = 0; c < expected->count; c++)
        expected->value[c] -= low[c];
    expect_within_bounds(quantity, parameter_type(problem->type), high, expected);
}

static void check_record_count(const struct problem *problem, const double *record)
{
    struct expected count = expected_create(shape_channels(&problem->shape));
    bound_exact(&count);
    for (size_t c = 0; c < count.count; c++)
        count.value[c] = (long double)shape_values_per_channel(&problem->shape);
    check_record_row(QUANTITY_COUNT, problem, record, 0, &count);
    expected_free(&count);
}

/* Records hold more than a rounded mean and the rounded root of the variance. */
static void check_statistics_record(struct run *run)
{
    const struct problem *problem = run->problem;
    const double *record = run_output(run, VIEW_STATISTICS);
    size_t channels = shape_channels(&problem->shape);
    const bool is_empty = shape_values_per_channel(&problem->shape) == 0;
    struct expected mean = expected_create(channels), deviation = expected_create(channels);
    bound_exact(&mean);
    bound_exact(&deviation);
    for (size_t c = 0; c < channels && !is_empty; c++) {
        const struct expected *variance = &problem->statistics.variance;
        mean.value[c] = problem->statistics.mean.value[c];
        mean.magnitude[c] = problem->statistics.mean.magnitude[c];
        mean.bound[c] = unrounded_mean_error(problem_arithmetic(problem), &problem->statistics, c);
        deviation.value[c] = deviation.magnitude[c] = sqrtl(variance->value[c]);
        /* A root halves the relative error. */
        deviation.bound[c] = deviation.value[c] > 0 ? variance->bound[c] / deviation.value[c] / 2 : 0;
    }
    check_record_count(problem, record);
    check_record_row(QUANTITY_MEAN, problem, record, 1, &mean);
    check_record_row(QUANTITY_DEVIATION, problem, record, 2, &deviation);
    expected_free(&mean);
    expected_free(&deviation);
}

/* What a backward has its slopes from. a is computed again from x and z; the mask tells what the forward saw, within less. */
static struct terms terms_of(struct run *run, const struct statistics *statistics)
{
    const struct problem *problem = run->problem;
    const struct activation *activation = &problem->activation;
    const double *dy = problem->values[VIEW_DY];
    long double u = problem_arithmetic(problem).unit_roundoff;
    struct terms terms = terms_create(shape_elements(&problem->shape));
    if (run_has(run, VIEW_Y)) {
        terms_from_output(activation, u, dy, run_output(run, VIEW_Y), &terms);
    } else if (activation->function == CLBN_ACTIVATION_NONE) {
        terms_from_argument(activation, u, dy, NULL, &terms);
    } else {
        struct expected a = bounded_argument(run, statistics, true);
        terms_from_argument(activation, u, dy, &a, &terms);
        expected_free(&a);
    }
    if (run->call.source == FROM_Y_ALONE)
        normalize_output(&problem->shape, activation, u, run_output(run, VIEW_Y), optional_input(run, VIEW_GAMMA),
                         optional_input(run, VIEW_BETA), &terms);
    else
        normalize_input(&problem->shape, optional_input(run, VIEW_X), statistics, &terms);
    return terms;
}

static void add_old_values(const struct run *run, enum view view, struct expected *gradient)
{
    const double factor = call_factor(&run->call, view);
    if (factor != 0)
        bound_accumulated(problem_arithmetic(run->problem), run->problem->values[view], factor, gradient);
}

static void check_parameter_gradient(struct run *run, enum quantity quantity, enum view view, struct expected *gradient)
{
    if (!run_has(run, view))
        return;
    add_old_values(run, view, gradient);
    expect_parameter(quantity, run, view, gradient);
}

/* What storing parameters rounds, beside what they are computed in. */
static long double stored_roundoff(const struct problem *problem)
{
    return problem->parameters == parameter_type(problem->type) ? 0 : type_epsilon(problem->parameters) / 2;
}

static void check_gradients(struct run *run, const struct statistics *statistics, enum statistics_source source)
{
    const struct problem *problem = run->problem;
    const double *gamma = optional_input(run, VIEW_GAMMA);
    struct terms terms = terms_of(run, statistics);
    struct gradients gradients = reference_gradients(&problem->shape, &terms, statistics, gamma, source == STATISTICS_FROZEN);
    bound_gradients(problem_arithmetic(problem), &problem->shape, &terms, statistics, gamma, source, &gradients);
    if (run->call.operation == BACKWARD_RENORM)
        correct_gradients(problem_arithmetic(problem), stored_roundoff(problem), problem->values[VIEW_SAVE_R],
                          problem->values[VIEW_SAVE_D], &gradients.dgamma, &gradients.dbeta);
    add_old_values(run, VIEW_DX, &gradients.dx);
    if (run_has(run, VIEW_DX))
        expect_tensor(QUANTITY_DX, problem, run_output(run, VIEW_DX), &gradients.dx);
    check_parameter_gradient(run, QUANTITY_DGAMMA, VIEW_DGAMMA, &gradients.dgamma);
    check_parameter_gradient(run, QUANTITY_DBETA, VIEW_DBETA, &gradients.dbeta);
    if (run_has(run, VIEW_DZ))
        expect_tensor(QUANTITY_DZ, problem, run_output(run, VIEW_DZ), &terms.g);
    gradients_free(&gradients);
    terms_free(&terms);
}

/* A part's sums are around the mean and invstd that were saved, as they are: as with frozen statistics. */
static struct statistics saved_statistics(const struct problem *problem)
{
    const double *invstd = problem->values[VIEW_SAVE_INVSTD];
    struct statistics statistics =
        reference_given_statistics(&problem->shape, problem->values[VIEW_SAVE_MEAN], invstd, problem->epsilon);
    bound_given_statistics(&statistics);
    for (size_t c = 0; c < statistics.channels; c++)
        statistics.invstd.value[c] = invstd[c];
    return statistics;
}

static void check_sums(struct run *run, const struct problem *problem, const double *record)
{
    struct statistics statistics = saved_statistics(problem);
    struct terms terms = terms_of(run, &statistics);
    const struct shape *shape = &problem->shape;
    const struct arithmetic arithmetic = problem_arithmetic(problem);
    struct gradients sums = reference_gradients(shape, &terms, &statistics, NULL, true);
    bound_gradients(arithmetic, shape, &terms, &statistics, NULL, STATISTICS_FROZEN, &sums);
    check_record_count(problem, record);
    check_record_row(QUANTITY_DBETA, problem, record, 1, &sums.dbeta);
    check_record_row(QUANTITY_DGAMMA, problem, record, 2, &sums.dgamma);
    gradients_free(&sums);
    for (size_t i = 0; i < terms.g.count; i++) {
        terms.g.value[i] = 1;
        terms.g.bound[i] = 0;
    }
    sums = reference_gradients(shape, &terms, &statistics, NULL, true);
    bound_gradients(arithmetic, shape, &terms, &statistics, NULL, STATISTICS_FROZEN, &sums);
    check_record_row(QUANTITY_XHATS, problem, record, 3, &sums.dgamma);
    gradients_free(&sums);
    terms_free(&terms);
    statistics_free(&statistics);
}

static struct statistics running_statistics(const struct run *run)
{
    const struct problem *problem = run->problem;
    struct statistics statistics = reference_given_statistics(&problem->shape, optional_input(run, VIEW_RUNNING_MEAN),
                                                              problem->values[VIEW_RUNNING_VAR], problem->epsilon);
    bound_given_statistics(&statistics);
    return statistics;
}

static void check_frozen(struct run *run, void (*check)(struct run *run, const struct statistics *statistics))
{
    struct statistics statistics = running_statistics(run);
    check(run, &statistics);
    statistics_free(&statistics);
}

/* Of weights the scale is rounded, and its product; of the bias only the result. */
static void check_folded(struct run *run, const struct statistics *statistics)
{
    const struct problem *problem = run->problem;
    const double *gamma = optional_input(run, VIEW_GAMMA), *beta = optional_input(run, VIEW_BETA);
    struct expected weights = reference_folded_weights(&problem->shape, problem->values[VIEW_X], statistics, gamma);
    struct expected bias = reference_folded_bias(optional_input(run, VIEW_BIAS), statistics, gamma, beta);
    bound_folded(problem_arithmetic(problem), 2, &weights);
    bound_folded(problem_arithmetic(problem), 1, &bias);
    expect_tensor(QUANTITY_WEIGHTS, problem, run_output(run, VIEW_Y), &weights);
    expect_parameter(QUANTITY_BIAS, run, VIEW_FOLDED_BIAS, &bias);
    expected_free(&weights);
    expected_free(&bias);
}

/* The unrounded mean, and the invstd that the call is given. */
static void check_second(struct run *run, const struct statistics *statistics, bool frozen)
{
    const struct problem *problem = run->problem;
    const struct second_inputs inputs = { problem->values[VIEW_X],           problem->values[VIEW_DY],
                                          optional_input(run, VIEW_DDX),     optional_input(run, VIEW_GAMMA),
                                          optional_input(run, VIEW_DDGAMMA), optional_input(run, VIEW_DDBETA) };
    struct second_gradients gradients =
        reference_second_gradients(problem_arithmetic(problem), &problem->shape, &inputs, statistics, frozen);
    if (run_has(run, VIEW_DX))
        expect_tensor(QUANTITY_SECOND_DX, problem, run_output(run, VIEW_DX), &gradients.dx);
    if (run_has(run, VIEW_DDY))
        expect_tensor(QUANTITY_SECOND_DDY, problem, run_output(run, VIEW_DDY), &gradients.ddy);
    if (run_has(run, VIEW_DGAMMA))
        expect_parameter(QUANTITY_SECOND_DGAMMA, run, VIEW_DGAMMA, &gradients.dgamma);
    second_gradients_free(&gradients);
}

/* ---- Batch renormalization ------------------------------------------------------------------------------------------------- */

static void check_corrections(struct run *run)
{
    const struct problem *problem = run->problem;
    const clbn_type type = parameter_type(problem->type);
    const double *running_mean = problem->values[VIEW_RUNNING_MEAN], *running_var = problem->values[VIEW_RUNNING_VAR];
    struct corrections c = reference_corrections(&problem->statistics, running_mean, running_var, problem->epsilon,
                                                 run->call.r_max, run->call.d_max);
    bound_corrections(problem_arithmetic(problem), &problem->statistics, running_var, problem->epsilon, &c);
    expect_within_bounds(QUANTITY_RENORM_R, type, run_output(run, VIEW_SAVE_R), &c.r);
    expect_within_bounds(QUANTITY_RENORM_D, type, run_output(run, VIEW_SAVE_D), &c.d);
    corrections_free(&c);
}

/* Checks a run as that of a problem with gamma and beta corrected by its own r and d, which are checked, or given. */
static void check_corrected(struct run *run, void (*check)(struct run *run, const struct statistics *statistics))
{
    const struct problem *problem = run->problem;
    const unsigned views = run->call.views;
    const size_t channels = shape_channels(&problem->shape);
    const clbn_type real = parameter_type(problem->type);
    const double *gamma = optional_input(run, VIEW_GAMMA), *beta = optional_input(run, VIEW_BETA);
    struct problem corrected = *problem;
    corrected.values[VIEW_GAMMA] = corrected_gamma(channels, real, problem->parameters, gamma, run_output(run, VIEW_SAVE_R));
    corrected.values[VIEW_BETA] =
        corrected_beta(channels, real, problem->parameters, gamma, beta, run_output(run, VIEW_SAVE_D));
    run->problem = &corrected;
    run->call.views |= WITH(VIEW_GAMMA) | WITH(VIEW_BETA);
    check(run, &corrected.statistics);
    run->problem = problem;
    run->call.views = views;
    free(corrected.values[VIEW_GAMMA]);
    free(corrected.values[VIEW_BETA]);
}

static void check_saved_gradients(struct run *run, const struct statistics *statistics)
{
    check_gradients(run, statistics, STATISTICS_SAVED);
}

static void check_frozen_second(struct run *run, const struct statistics *statistics)
{
    check_second(run, statistics, true);
}

static void check_frozen_gradients(struct run *run, const struct statistics *statistics)
{
    check_gradients(run, statistics, STATISTICS_FROZEN);
}

void verify_run(struct run *run)
{
    const struct problem *problem = run->problem;
    switch (run->call.operation) {
    case FORWARD_TRAINING:
        check_output(run, &problem->statistics);
        check_statistics(run);
        break;
    case FORWARD_INFERENCE:
        check_frozen(run, check_output);
        break;
    case BACKWARD:
    case BACKWARD_INPUT:
        check_gradients(run, &problem->statistics, run_has(run, VIEW_SAVE_MEAN) ? STATISTICS_SAVED : STATISTICS_RECOMPUTED);
        break;
    case BACKWARD_FROZEN:
        check_frozen(run, check_frozen_gradients);
        break;
    case FOLD:
        check_frozen(run, check_folded);
        break;
    case SECOND_BACKWARD:
        check_second(run, &problem->statistics, false);
        break;
    case SECOND_BACKWARD_FROZEN:
        check_frozen(run, check_frozen_second);
        break;
    case FORWARD_RENORM:
        check_corrections(run);
        check_corrected(run, check_output);
        check_statistics(run);
        break;
    case BACKWARD_RENORM:
        check_corrected(run, check_saved_gradients);
        break;
    case STATISTICS:
        check_statistics_record(run);
        break;
    case MERGE_STATISTICS:
        check_statistics(run);
        if (run_has(run, VIEW_STATISTICS))
            check_statistics_record(run);
        break;
    case NORMALIZE:
        check_output(run, &problem->statistics);
        break;
    default:
        check_sums(run, problem, run_output(run, VIEW_SUMS));
    }
}

void say_call(int config, const struct problem *problem, const struct call *call)
{
    static const char *const sources[] = { "", " from y", " from mask", " from y alone" };
    char shape[SHAPE_TEXT_SIZE];
    testing("%s, %s%s, %s %s, %s, epsilon %g, views %#x%s%s%s%s%s%s%s, shift %zu, offset %zu, f %g%s",
            engine_configs[config].name, operation_name(call->operation), sources[call->source], type_name(problem->type),
            shape_text(&problem->shape, shape), activation_name(problem->activation.function), problem->epsilon, call->views,
            call->in_place ? " in place" : "", call->residual_in_place ? " in place of the residual" : "",
            call->dbeta_factor != 0 ? " accumulating" : "", call->layout != NULL ? " strided" : "",
            call->svm != 0 ? " shared" : "",
            call->host == 0     ? ""
            : call->sub_buffers ? " in sub-buffers"
                                : " in host memory",
            call->own_workspace ? " with workspace" : "", call->shift, call->offset, call->update_factor,
            call->running_variance == CLBN_BIASED ? " biased" : "");
}

void verify_call(int config, const struct problem *problem, const struct call *call)
{
    say_call(config, problem, call);
    struct run run = run_prepare(test_engine(config), problem, call);
    run_now(&run);
    verify_run(&run);
    run_release(&run);
}
