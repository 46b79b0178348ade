/* SPDX-License-Identifier: MIT */
#include "hard_data.h"

#include "element.h"
#include "random_numbers.h"

#include <math.h>

/* The i-th of a channel's values. */
typedef double series(struct random *random, size_t i);

static const double common_value = 0.7;

static double one_in_100(struct random *random, size_t i)
{
    (void)random;
    return i % 100 == 37 ? 1e4 : common_value;
}

static double one_in_1000(struct random *random, size_t i)
{
    (void)random;
    return i % 1000 == 537 ? 1e4 : common_value;
}

static double outlier_first(struct random *random, size_t i)
{
    (void)random;
    return i == 0 ? 1e4 : common_value;
}

static double cauchy(struct random *random, size_t i)
{
    (void)i;
    return tan(3.14159265358979 * (random_uniform(random) - 0.5));
}

static double sawtooth(struct random *random, size_t i)
{
    (void)random;
    return 0.1 * (double)(i % 16);
}

static double small_value_and_ones(struct random *random, size_t i)
{
    (void)random;
    return i == 777 ? 1e-3 : 1;
}

static const struct {
    const char *name;
    series *x;
} kinds[HARD_DATA_KINDS] = { { "one value in 100 is 1e4, the others 0.7", one_in_100 },
                             { "one value in 1000 is 1e4, the others 0.7", one_in_1000 },
                             { "the first value is 1e4, the others 0.7", outlier_first },
                             { "Cauchy's distribution", cauchy },
                             { "a sawtooth of period 16", sawtooth },
                             { "ones, and one small value", small_value_and_ones } };

const char *hard_data_name(size_t kind)
{
    return kinds[kind].name;
}

struct problem problem_hard(const struct shape *shape, clbn_type type, size_t kind)
{
    struct problem problem = problem_random(shape, type, 1e-5, kind);
    struct random random = { 2 };
    const size_t m = shape_values_per_channel(shape);
    for (size_t c = 0; c < shape_channels(shape); c++)
        for (size_t i = 0; i < m; i++) {
            const size_t place = shape_element_of(shape, c, i);
            problem.values[VIEW_X][place] = kinds[kind].x(&random, i);
            problem.values[VIEW_DY][place] = rounded_to(type, 0.3 + 0.1 * (double)(i % 7));
        }
    problem.drifting = true;
    problem_complete(&problem);
    return problem;
}
