/* SPDX-License-Identifier: MIT */
#include "problem.h"

#include "allocate.h"
#include "random_numbers.h"
#include "renorm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *view_name(enum view view)
{
    static const char *const names[VIEWS] = { "x",           "y",
                                              "dy",          "gamma",
                                              "beta",        "running mean",
                                              "running var", "save mean",
                                              "save invstd", "save var",
                                              "dx",          "dgamma",
                                              "dbeta",       "z",
                                              "dz",          "mask",
                                              "statistics",  "statistics records",
                                              "sums",        "sums records",
                                              "bias",        "folded bias",
                                              "ddx",         "ddy",
                                              "ddgamma",     "ddbeta",
                                              "save r",      "save d" };
    return names[view];
}

bool is_tensor(enum view view)
{
    return view == VIEW_X || view == VIEW_Y || view == VIEW_DY || view == VIEW_DX || view == VIEW_Z || view == VIEW_DZ ||
           view == VIEW_DDX || view == VIEW_DDY;
}

bool is_parameter(enum view view)
{
    return view == VIEW_GAMMA || view == VIEW_BETA || view == VIEW_DGAMMA || view == VIEW_DBETA || view == VIEW_BIAS ||
           view == VIEW_FOLDED_BIAS || view == VIEW_RUNNING_MEAN || view == VIEW_RUNNING_VAR || view == VIEW_DDGAMMA ||
           view == VIEW_DDBETA;
}

clbn_type view_type(const struct problem *problem, enum view view)
{
    if (view == VIEW_MASK)
        return BYTES;
    if (is_parameter(view))
        return problem->parameters;
    return is_tensor(view) ? problem->type : parameter_type(problem->type);
}

size_t view_count(const struct problem *problem, enum view view)
{
    size_t channels = shape_channels(&problem->shape);
    switch (view) {
    case VIEW_MASK:
        return 0;
    case VIEW_STATISTICS:
        return CLBN_STATISTICS_ROWS * channels;
    case VIEW_STATISTICS_RECORDS:
        return problem->parts * CLBN_STATISTICS_ROWS * channels;
    case VIEW_SUMS:
        return CLBN_SUMS_ROWS * channels;
    case VIEW_SUMS_RECORDS:
        return problem->parts * CLBN_SUMS_ROWS * channels;
    case VIEW_SAVE_MEAN:
    case VIEW_SAVE_INVSTD:
    case VIEW_SAVE_VAR:
        return problem_ghosts(problem) * channels;
    default:
        return is_tensor(view) ? shape_elements(&problem->shape) : channels;
    }
}

static void round_values(struct problem *problem, enum view view)
{
    for (size_t i = 0; i < view_count(problem, view); i++)
        problem->values[view][i] = rounded_to(view_type(problem, view), problem->values[view][i]);
}

static void fill_normal(struct problem *problem, enum view view, struct random *random)
{
    for (size_t i = 0; i < view_count(problem, view); i++)
        problem->values[view][i] = random_normal(random);
}

static void fill_x(struct problem *problem, struct random *random)
{
    size_t channels = shape_channels(&problem->shape);
    double *means = allocate(channels, sizeof *means);
    double *deviations = allocate(channels, sizeof *deviations);
    for (size_t c = 0; c < channels; c++) {
        means[c] = 3 * random_normal(random);
        deviations[c] = exp(random_normal(random));
    }
    for (size_t i = 0; i < shape_elements(&problem->shape); i++) {
        size_t c = shape_channel_of(&problem->shape, i);
        problem->values[VIEW_X][i] = deviations[c] * (means[c] + random_normal(random));
    }
    free(means);
    free(deviations);
}

/* dx, dgamma and dbeta are read where gradients are added to what they hold. */
static bool is_given(enum view view)
{
    return view == VIEW_BIAS || view == VIEW_DDX || view == VIEW_DDGAMMA || view == VIEW_DDBETA || view == VIEW_SAVE_R ||
           view == VIEW_SAVE_D || (view != VIEW_Y && view != VIEW_DZ && view != VIEW_MASK && view < VIEW_STATISTICS);
}

/* What batch renormalization's forward saves. */
static void compute_corrections(const struct problem *problem, const struct statistics *statistics)
{
    const clbn_type type = parameter_type(problem->type);
    struct corrections corrections =
        reference_corrections(statistics, problem->values[VIEW_RUNNING_MEAN], problem->values[VIEW_RUNNING_VAR],
                              problem->epsilon, RENORM_R_MAX, RENORM_D_MAX);
    for (size_t c = 0; c < statistics->channels; c++) {
        problem->values[VIEW_SAVE_R][c] = rounded_to(type, (double)corrections.r.value[c]);
        problem->values[VIEW_SAVE_D][c] = rounded_to(type, (double)corrections.d.value[c]);
    }
    corrections_free(&corrections);
}

static struct statistics compute_statistics(const struct problem *problem)
{
    struct statistics statistics = reference_statistics(&problem->shape, problem->values[VIEW_X], problem->epsilon);
    bound_statistics(problem_arithmetic(problem), &statistics);
    for (size_t c = 0; c < statistics.channels; c++) {
        clbn_type type = parameter_type(problem->type);
        problem->values[VIEW_SAVE_MEAN][c] = rounded_to(type, (double)statistics.mean.value[c]);
        problem->values[VIEW_SAVE_INVSTD][c] = rounded_to(type, (double)statistics.invstd.value[c]);
    }
    compute_corrections(problem, &statistics);
    return statistics;
}

struct problem problem_random(const struct shape *shape, clbn_type type, double epsilon, uint64_t seed)
{
    struct problem problem = {
        .shape = *shape, .type = type, .parameters = parameter_type(type), .epsilon = epsilon, .parts = 1
    };
    problem.activation = activation_of(CLBN_ACTIVATION_NONE);
    struct random random = { seed };
    for (enum view view = 0; view < VIEWS; view++)
        if (is_given(view))
            problem.values[view] = allocate(view_count(&problem, view), sizeof(double));
    fill_x(&problem, &random);
    fill_normal(&problem, VIEW_DY, &random);
    fill_normal(&problem, VIEW_GAMMA, &random);
    fill_normal(&problem, VIEW_BETA, &random);
    fill_normal(&problem, VIEW_RUNNING_MEAN, &random);
    for (size_t c = 0; c < shape_channels(shape); c++)
        problem.values[VIEW_RUNNING_VAR][c] = 0.1 + random_uniform(&random);
    fill_normal(&problem, VIEW_Z, &random);
    fill_normal(&problem, VIEW_DGAMMA, &random);
    fill_normal(&problem, VIEW_DBETA, &random);
    fill_normal(&problem, VIEW_BIAS, &random);
    fill_normal(&problem, VIEW_DX, &random);
    fill_normal(&problem, VIEW_DDX, &random);
    fill_normal(&problem, VIEW_DDGAMMA, &random);
    fill_normal(&problem, VIEW_DDBETA, &random);
    for (enum view view = 0; view < VIEWS; view++)
        if (is_given(view))
            round_values(&problem, view);
    problem.statistics = compute_statistics(&problem);
    return problem;
}

void problem_complete(struct problem *problem)
{
    round_values(problem, VIEW_X);
    statistics_free(&problem->statistics);
    problem->statistics = compute_statistics(problem);
}

void problem_store_parameters(struct problem *problem, clbn_type parameters)
{
    problem->parameters = parameters;
    for (enum view view = 0; view < VIEWS; view++)
        if (is_parameter(view) && is_given(view))
            round_values(problem, view);
    problem_complete(problem); /* r and d are of the running statistics */
}

/* ---- Ghost batches -------------------------------------------------------------------------------------------------------- */

size_t problem_ghosts(const struct problem *problem)
{
    const size_t batch = problem->shape.lengths[0], ghost = problem->ghost_batch;
    return ghost == 0 || ghost >= batch ? 1 : (batch + ghost - 1) / ghost;
}

size_t ghost_begin(const struct problem *problem, size_t number)
{
    return number * problem->ghost_batch * (shape_elements(&problem->shape) / problem->shape.lengths[0]);
}

static size_t ghost_length(const struct problem *problem, size_t number)
{
    const size_t left = problem->shape.lengths[0] - number * problem->ghost_batch;
    return left < problem->ghost_batch ? left : problem->ghost_batch;
}

static void copy_values(struct problem *to, const struct problem *from, enum view view, size_t begin)
{
    if (to->values[view] != NULL)
        memcpy(to->values[view], from->values[view] + begin, view_count(to, view) * sizeof(double));
}

struct problem problem_ghost(const struct problem *problem, size_t number)
{
    struct shape shape = problem->shape;
    shape.lengths[0] = ghost_length(problem, number);
    struct problem ghost = problem_random(&shape, problem->type, problem->epsilon, 1);
    ghost.parameters = problem->parameters;
    ghost.activation = problem->activation;
    for (enum view view = 0; view < VIEWS; view++)
        if (is_tensor(view))
            copy_values(&ghost, problem, view, ghost_begin(problem, number));
        else if (is_parameter(view))
            copy_values(&ghost, problem, view, 0);
    problem_complete(&ghost);
    return ghost;
}

void problem_divide(struct problem *problem, size_t ghost_batch)
{
    static const enum view saved[] = { VIEW_SAVE_MEAN, VIEW_SAVE_INVSTD, VIEW_SAVE_VAR };
    const size_t channels = shape_channels(&problem->shape);
    problem->ghost_batch = ghost_batch;
    for (size_t v = 0; v < 3; v++) {
        free(problem->values[saved[v]]);
        problem->values[saved[v]] = allocate(view_count(problem, saved[v]), sizeof(double));
    }
    for (size_t i = 0; i < problem_ghosts(problem); i++) {
        struct problem ghost = problem_ghost(problem, i);
        for (size_t v = 0; v < 3; v++)
            memcpy(problem->values[saved[v]] + i * channels, ghost.values[saved[v]], channels * sizeof(double));
        problem_free(&ghost);
    }
}

void problem_free(struct problem *problem)
{
    for (enum view view = 0; view < VIEWS; view++)
        free(problem->values[view]);
    statistics_free(&problem->statistics);
}

struct arithmetic problem_arithmetic(const struct problem *problem)
{
    struct arithmetic arithmetic = { type_epsilon(parameter_type(problem->type)) / 2, problem->drifting };
    return arithmetic;
}
