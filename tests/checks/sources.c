/* SPDX-License-Identifier: MIT */
#include "sources.h"

#include "random_numbers.h"

bool has_source(const struct activation *activation, enum source source)
{
    switch (source) {
    case FROM_Y:
        return activation_follows_from_output(activation);
    case FROM_MASK:
        return activation_has_mask(activation);
    case FROM_Y_ALONE:
        return activation_is_invertible(activation);
    default:
        return true;
    }
}

enum source source_from(const struct activation *activation, size_t number)
{
    while (!has_source(activation, (enum source)(number % SOURCES)))
        number++;
    return (enum source)(number % SOURCES);
}

void make_invertible(struct problem *problem)
{
    struct random random = { 5 };
    clbn_type type = parameter_type(problem->type);
    for (size_t c = 0; c < shape_channels(&problem->shape); c++) {
        double size = 0.4 + 0.2 * random_uniform(&random);
        problem->values[VIEW_GAMMA][c] = c == 1 ? 0 : rounded_to(type, c % 2 == 0 ? size : -size);
        problem->values[VIEW_BETA][c] = rounded_to(type, problem->values[VIEW_BETA][c] / 4);
        problem->values[VIEW_RUNNING_MEAN][c] = problem->values[VIEW_SAVE_MEAN][c];
        problem->values[VIEW_RUNNING_VAR][c] = rounded_to(type, (double)problem->statistics.variance.value[c]);
    }
    problem_complete(problem); /* r and d are of the running statistics */
}
