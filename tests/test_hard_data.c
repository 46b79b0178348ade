/*
 * Data that repeat, whose roundings in a sum all go the same way, and data of heavy tails: the worst errors of each kind, which
 * are printed, within the bounds of the arithmetic.
 */
#include "compare.h"
#include "harness.h"
#include "random_numbers.h"
#include "verify.h"

#include <math.h>
#include <stdio.h>

/* Both layouts, of many rows and few; a row too short for a vector, and a single channel. */
static const struct shape shapes[] = { { 3, 1, { 32, 3, 3136 } }, { 3, 1, { 64, 34, 49 } }, { 2, 0, { 2, 100000 } },
                                       { 2, 1, { 100000, 3 } },   { 2, 1, { 60000, 32 } },  { 2, 1, { 250, 512 } } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

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
} kinds[] = { { "one value in 100 is 1e4, the others 0.7", one_in_100 },
              { "one value in 1000 is 1e4, the others 0.7", one_in_1000 },
              { "the first value is 1e4, the others 0.7", outlier_first },
              { "Cauchy's distribution", cauchy },
              { "a sawtooth of period 16", sawtooth },
              { "ones, and one small value", small_value_and_ones } };
enum { KINDS = sizeof kinds / sizeof *kinds };

/* dy repeats, too. */
static struct problem problem_of(size_t kind, const struct shape *shape, clbn_type type)
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

static void check_kind(size_t kind, clbn_type type)
{
    struct call forward = call_of(FORWARD_TRAINING);
    forward.update_factor = 1;
    forward.running_variance = CLBN_BIASED;
    const struct call backward = call_of(BACKWARD);
    for (size_t s = 0; s < SHAPES; s++) {
        struct problem problem = problem_of(kind, &shapes[s], type);
        for (int config = 0; config < PLAIN_ENGINE_CONFIGS; config++) {
            verify_call(config, &problem, &forward);
            verify_call(config, &problem, &backward);
        }
        problem_free(&problem);
    }
}

START_TEST(errors_stay_within_bounds)
{
    clbn_type types[MAX_TYPES];
    const int type_count = device_types(types);
    for (int t = 0; t < type_count; t++)
        check_kind((size_t)_i, types[t]);
    printf("%s:\n", kinds[_i].name);
    print_worst_errors();
    forget_worst_errors();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hard data");
    TCase *tcase = tcase_create("hard data");
    tcase_add_loop_test(tcase, errors_stay_within_bounds, 0, KINDS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
