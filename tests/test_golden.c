/* SPDX-License-Identifier: MIT */
/*
 * The golden vectors, computed by PyTorch (see golden/make_golden.py), against the reference and against the library.
 *
 * PyTorch sums the m values of a channel one after another, in double; in float64 that has the depth m, and as all cases have
 * m <= 84, the bounds of bounds.c hold for it, too, but for two things: it computes y as x * scale + shift with a shift that
 * contains the mean, so that its roundings are of |x| and |mean| instead of |x - mean|; and it does not repair what the
 * rounding of the saved mean spoils in the gradients. Two results that are each within such a bound of the truth are within
 * twice the bound of each other.
 */
#include "activated.h"
#include "allocate.h"
#include "compare.h"
#include "golden_array.h"
#include "harness.h"
#include "second_order.h"
#include "verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *directory;
    clbn_type type;
    unsigned channel_axis;
} cases[] = {
    { "second_rank3_float64", CLBN_FLOAT64, 1 },    { "second_rank3_last_float64", CLBN_FLOAT64, 2 },
    { "rank2_float32", CLBN_FLOAT32, 1 },           { "rank2_float64", CLBN_FLOAT64, 1 },
    { "rank3_float32", CLBN_FLOAT32, 1 },           { "rank3_float64", CLBN_FLOAT64, 1 },
    { "rank4_float32", CLBN_FLOAT32, 1 },           { "rank4_float64", CLBN_FLOAT64, 1 },
    { "rank5_float32", CLBN_FLOAT32, 1 },           { "rank5_float64", CLBN_FLOAT64, 1 },
    { "rank3_last_float32", CLBN_FLOAT32, 2 },      { "rank3_last_float64", CLBN_FLOAT64, 2 },
    { "rank4_last_float32", CLBN_FLOAT32, 3 },      { "rank4_last_float64", CLBN_FLOAT64, 3 },
    { "activations_float32", CLBN_FLOAT32, 1 },     { "activations_float64", CLBN_FLOAT64, 1 },
    { "fold_layer_float32", CLBN_FLOAT32, 0 },      { "fold_layer_float64", CLBN_FLOAT64, 0 },
    { "fold_transposed_float32", CLBN_FLOAT32, 1 }, { "fold_transposed_float64", CLBN_FLOAT64, 1 },
};
enum {
    SECOND_ORDER = 2,
    CASES = sizeof cases / sizeof *cases,
    FIRST_FOLDED = CASES - 4,
    FIRST_WITH_ACTIVATIONS = FIRST_FOLDED - 2
};

static bool has_activations(size_t number)
{
    return number >= FIRST_WITH_ACTIVATIONS && number < FIRST_FOLDED;
}

/* As in make_golden.py. */
static const double epsilon = 1e-5, update_factor = 0.1;

static struct golden_array read_golden(size_t number, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s.npy", CLBN_GOLDEN_DIR, cases[number].directory, name);
    return golden_array_read(path);
}

static void read_input(struct problem *problem, size_t number, enum view view, const char *name)
{
    free(problem->values[view]);
    problem->values[view] = read_golden(number, name).values;
}

/* With what all cases have; name: of x, or of the weights. */
static struct problem problem_of_case(size_t number, const char *name)
{
    struct golden_array x = read_golden(number, name);
    ck_assert(x.is_float64 == (cases[number].type == CLBN_FLOAT64));
    x.shape.channel_axis = cases[number].channel_axis;
    struct problem problem = problem_random(&x.shape, cases[number].type, epsilon, 1);
    free(x.values);
    read_input(&problem, number, VIEW_X, name);
    read_input(&problem, number, VIEW_GAMMA, "gamma");
    read_input(&problem, number, VIEW_BETA, "beta");
    read_input(&problem, number, VIEW_RUNNING_MEAN, "running_mean");
    read_input(&problem, number, VIEW_RUNNING_VAR, "running_var");
    return problem;
}

static struct problem golden_problem(size_t number, clbn_activation function)
{
    struct problem problem = problem_of_case(number, "x");
    read_input(&problem, number, VIEW_DY, "dy");
    if (has_activations(number))
        read_input(&problem, number, VIEW_Z, "z");
    problem.activation = activation_of(function);
    problem_complete(&problem);
    return problem;
}

/* Compares actual, or, if it is NULL, the reference with a golden vector, and frees expected. Results of activations lie one
 * after the other. */
static void compare(const struct problem *problem, size_t number, enum quantity quantity, const char *name,
                    const double *actual, struct expected expected)
{
    struct golden_array golden = read_golden(number, name);
    size_t results = has_activations(number) ? ACTIVATIONS : 1;
    const double *values = golden.values + problem->activation.function * expected.count;
    ck_assert_msg(shape_elements(&golden.shape) == results * expected.count, "%s: wrong size", name);
    for (size_t i = 0; i < expected.count && actual != NULL; i++) {
        expected.value[i] = values[i];
        expected.bound[i] *= 2;
    }
    expect_within_bounds(quantity, problem->type, actual != NULL ? actual : values, &expected);
    free(golden.values);
    expected_free(&expected);
}

static const double *residual_of(const struct problem *problem, size_t number)
{
    return has_activations(number) ? problem->values[VIEW_Z] : NULL;
}

static struct expected bounded_argument(const struct problem *problem, size_t number, const struct statistics *statistics)
{
    const double *x = problem->values[VIEW_X], *gamma = problem->values[VIEW_GAMMA], *beta = problem->values[VIEW_BETA];
    const double *z = residual_of(problem, number);
    struct expected a = reference_output(&problem->shape, x, statistics, gamma, beta, z);
    for (size_t i = 0; i < a.count; i++) {
        size_t c = shape_channel_of(&problem->shape, i);
        long double scale = fabsl(gamma[c]) * statistics->invstd.value[c];
        a.magnitude[i] =
            scale * (fabsl(x[i]) + fabsl(statistics->mean.value[c])) + fabsl(beta[c]) + (z != NULL ? fabsl(z[i]) : 0);
    }
    bound_argument(problem_arithmetic(problem), &problem->shape, statistics, gamma, beta, z, &a);
    return a;
}

static struct expected bounded_output(const struct problem *problem, size_t number, const struct statistics *statistics)
{
    struct expected y = bounded_argument(problem, number, statistics);
    activate(&problem->activation, problem_arithmetic(problem).unit_roundoff, &y);
    return y;
}

static struct terms bounded_terms(const struct problem *problem, size_t number, const struct statistics *statistics)
{
    struct terms terms = terms_create(shape_elements(&problem->shape));
    struct expected a = bounded_argument(problem, number, statistics);
    terms_from_argument(&problem->activation, problem_arithmetic(problem).unit_roundoff, problem->values[VIEW_DY], &a, &terms);
    normalize_input(&problem->shape, problem->values[VIEW_X], statistics, &terms);
    expected_free(&a);
    return terms;
}

static struct gradients bounded_gradients(const struct problem *problem, const struct terms *terms,
                                          const struct statistics *statistics, bool frozen)
{
    const double *x = problem->values[VIEW_X], *gamma = problem->values[VIEW_GAMMA];
    long double m = (long double)statistics->values_per_channel;
    struct gradients gradients = reference_gradients(&problem->shape, terms, statistics, gamma, frozen);
    bound_gradients(problem_arithmetic(problem), &problem->shape, terms, statistics, gamma,
                    frozen ? STATISTICS_FROZEN : STATISTICS_RECOMPUTED, &gradients);
    for (size_t i = 0; i < gradients.dx.count && !frozen; i++) {
        size_t c = shape_channel_of(&problem->shape, i);
        long double invstd = statistics->invstd.value[c], offset = invstd * statistics->mean.bound[c];
        long double xhat = fabsl(x[i] - statistics->mean.value[c]) * invstd;
        gradients.dx.bound[i] +=
            fabsl(gamma[c]) * invstd * offset * (fabsl(gradients.dgamma.value[c]) + xhat * fabsl(gradients.dbeta.value[c])) / m;
    }
    for (size_t c = 0; c < statistics->channels && !frozen; c++)
        gradients.dgamma.bound[c] += statistics->invstd.value[c] * statistics->mean.bound[c] * fabsl(gradients.dbeta.value[c]);
    return gradients;
}

static struct expected bounded_running_mean(const struct problem *problem)
{
    struct expected mean = reference_running_mean(&problem->statistics, problem->values[VIEW_RUNNING_MEAN], update_factor);
    bound_running(problem_arithmetic(problem), &problem->statistics.mean, update_factor, &mean);
    return mean;
}

static struct expected bounded_running_var(const struct problem *problem)
{
    double m = (double)problem->statistics.values_per_channel;
    struct expected variance =
        reference_running_var(&problem->statistics, problem->values[VIEW_RUNNING_VAR], update_factor, true);
    bound_running(problem_arithmetic(problem), &problem->statistics.variance, update_factor * m / (m - 1), &variance);
    return variance;
}

static struct statistics running_statistics(const struct problem *problem)
{
    struct statistics statistics = reference_given_statistics(&problem->shape, problem->values[VIEW_RUNNING_MEAN],
                                                              problem->values[VIEW_RUNNING_VAR], epsilon);
    bound_given_statistics(&statistics);
    return statistics;
}

/* Prepares and runs an operation, or gives no run at all: then compare() takes the reference instead. */
struct subject {
    struct run run;
    bool is_library;
};

static struct subject subject_of(int config, const struct problem *problem, size_t number, enum operation operation)
{
    struct call call = call_of(operation);
    struct subject subject = { .is_library = config >= 0 };
    if (has_activations(number))
        call.views |= WITH_RESIDUAL;
    if (subject.is_library) {
        subject.run = run_prepare(test_engine(config), problem, &call);
        run_now(&subject.run);
    }
    return subject;
}

static const double *output_of(struct subject *subject, enum view view)
{
    return subject->is_library ? run_output(&subject->run, view) : NULL;
}

static void subject_release(struct subject *subject)
{
    if (subject->is_library)
        run_release(&subject->run);
}

static void check_training(int config, const struct problem *problem, size_t number)
{
    struct subject training = subject_of(config, problem, number, FORWARD_TRAINING);
    compare(problem, number, QUANTITY_Y, "y", output_of(&training, VIEW_Y),
            bounded_output(problem, number, &problem->statistics));
    if (!has_activations(number)) {
        compare(problem, number, QUANTITY_RUNNING_MEAN, "new_running_mean", output_of(&training, VIEW_RUNNING_MEAN),
                bounded_running_mean(problem));
        compare(problem, number, QUANTITY_RUNNING_VAR, "new_running_var", output_of(&training, VIEW_RUNNING_VAR),
                bounded_running_var(problem));
    }
    subject_release(&training);
}

static void check_inference(int config, const struct problem *problem, size_t number)
{
    struct subject inference = subject_of(config, problem, number, FORWARD_INFERENCE);
    struct statistics running = running_statistics(problem);
    compare(problem, number, QUANTITY_Y, "y_inference", output_of(&inference, VIEW_Y),
            bounded_output(problem, number, &running));
    statistics_free(&running);
    subject_release(&inference);
}

static void check_gradients(int config, const struct problem *problem, size_t number, const struct statistics *statistics,
                            bool frozen)
{
    struct subject backward = subject_of(config, problem, number, frozen ? BACKWARD_FROZEN : BACKWARD);
    struct terms terms = bounded_terms(problem, number, statistics);
    struct gradients gradients = bounded_gradients(problem, &terms, statistics, frozen);
    compare(problem, number, QUANTITY_DX, frozen ? "dx_frozen" : "dx", output_of(&backward, VIEW_DX), gradients.dx);
    compare(problem, number, QUANTITY_DGAMMA, frozen ? "dgamma_frozen" : "dgamma", output_of(&backward, VIEW_DGAMMA),
            gradients.dgamma);
    compare(problem, number, QUANTITY_DBETA, frozen ? "dbeta_frozen" : "dbeta", output_of(&backward, VIEW_DBETA),
            gradients.dbeta);
    if (has_activations(number)) {
        compare(problem, number, QUANTITY_DZ, frozen ? "dz_frozen" : "dz", output_of(&backward, VIEW_DZ), terms.g);
        terms.g = expected_create(0);
    }
    terms_free(&terms);
    subject_release(&backward);
}

/* config < 0: the reference. */
static void check_case(int config, size_t number, clbn_activation function)
{
    struct problem problem = golden_problem(number, function);
    struct statistics running = running_statistics(&problem);
    testing("%s, golden %s, %s", config < 0 ? "reference" : engine_configs[config].name, cases[number].directory,
            activation_name(function));
    check_training(config, &problem, number);
    check_inference(config, &problem, number);
    check_gradients(config, &problem, number, &problem.statistics, false);
    check_gradients(config, &problem, number, &running, true);
    statistics_free(&running);
    problem_free(&problem);
}

/* PyTorch rounds variance + epsilon, the root, and each product and sum: up to five roundings. */
static void bound_folded_by_pytorch(const struct problem *problem, struct expected *folded)
{
    bound_exact(folded);
    for (size_t i = 0; i < folded->count; i++)
        folded->bound[i] = 5 * problem_arithmetic(problem).unit_roundoff * folded->magnitude[i];
}

static void check_folding(int config, size_t number)
{
    struct problem problem = problem_of_case(number, "weights");
    read_input(&problem, number, VIEW_BIAS, "bias");
    struct subject fold = subject_of(config, &problem, number, FOLD);
    struct statistics running = running_statistics(&problem);
    const double *gamma = problem.values[VIEW_GAMMA];
    struct expected weights = reference_folded_weights(&problem.shape, problem.values[VIEW_X], &running, gamma);
    struct expected bias = reference_folded_bias(problem.values[VIEW_BIAS], &running, gamma, problem.values[VIEW_BETA]);
    testing("%s, golden %s", config < 0 ? "reference" : engine_configs[config].name, cases[number].directory);
    bound_folded_by_pytorch(&problem, &weights);
    bound_folded_by_pytorch(&problem, &bias);
    compare(&problem, number, QUANTITY_WEIGHTS, "folded_weights", output_of(&fold, VIEW_Y), weights);
    compare(&problem, number, QUANTITY_BIAS, "folded_bias", output_of(&fold, VIEW_FOLDED_BIAS), bias);
    statistics_free(&running);
    subject_release(&fold);
    problem_free(&problem);
}

static void check_second_order(int config, const struct problem *problem, size_t number, const struct statistics *statistics,
                               bool frozen)
{
    const enum operation operation = frozen ? SECOND_BACKWARD_FROZEN : SECOND_BACKWARD;
    struct subject second = subject_of(config, problem, number, operation);
    const struct second_inputs inputs = { problem->values[VIEW_X],       problem->values[VIEW_DY],
                                          problem->values[VIEW_DDX],     problem->values[VIEW_GAMMA],
                                          problem->values[VIEW_DDGAMMA], problem->values[VIEW_DDBETA] };
    struct second_gradients g =
        reference_second_gradients(problem_arithmetic(problem), &problem->shape, &inputs, statistics, frozen);
    compare(problem, number, QUANTITY_SECOND_DX, frozen ? "second_dx_frozen" : "second_dx", output_of(&second, VIEW_DX), g.dx);
    compare(problem, number, QUANTITY_SECOND_DDY, frozen ? "second_ddy_frozen" : "second_ddy", output_of(&second, VIEW_DDY),
            g.ddy);
    compare(problem, number, QUANTITY_SECOND_DGAMMA, frozen ? "second_dgamma_frozen" : "second_dgamma",
            output_of(&second, VIEW_DGAMMA), g.dgamma);
    subject_release(&second);
}

static void check_second_orders(int config, size_t number)
{
    struct problem problem = golden_problem(number, CLBN_ACTIVATION_NONE);
    struct statistics running = running_statistics(&problem);
    read_input(&problem, number, VIEW_DDX, "ddx");
    read_input(&problem, number, VIEW_DDGAMMA, "ddgamma");
    read_input(&problem, number, VIEW_DDBETA, "ddbeta");
    testing("%s, golden %s", config < 0 ? "reference" : engine_configs[config].name, cases[number].directory);
    check_second_order(config, &problem, number, &problem.statistics, false);
    check_second_order(config, &problem, number, &running, true);
    statistics_free(&running);
    problem_free(&problem);
}

/* All that a directory has. */
static void check_directory(int config, size_t number)
{
    if (number < SECOND_ORDER) {
        check_second_orders(config, number);
        return;
    }
    if (number >= FIRST_FOLDED) {
        check_folding(config, number);
        return;
    }
    for (clbn_activation function = 0; function < (has_activations(number) ? ACTIVATIONS : 1); function++)
        if (config < 0 || is_tested(config, cases[number].type, function))
            check_case(config, number, function);
}

START_TEST(the_reference_agrees_with_pytorch)
{
    for (size_t number = 0; number < CASES; number++)
        check_directory(-1, number);
}
END_TEST

START_TEST(the_library_agrees_with_pytorch)
{
    clbn_type types[MAX_TYPES];
    bool has_float64 = device_types(types) == 2;
    for (size_t number = 0; number < CASES; number++)
        if (has_float64 || cases[number].type == CLBN_FLOAT32)
            check_directory(_i, number);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden");
    TCase *against_pytorch = tcase_create("against PyTorch");
    tcase_add_test(against_pytorch, the_reference_agrees_with_pytorch);
    add_test_of_configs(against_pytorch, the_library_agrees_with_pytorch, ENGINE_CONFIGS);
    suite_add_tcase(suite, against_pytorch);
    return run_suite(suite);
}
