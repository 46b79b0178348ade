/* SPDX-License-Identifier: MIT */
/* The training of 'clbn train': its checkpoints, from which it goes on with the same bits, and the percentiles of its figure. */
#define _POSIX_C_SOURCE 200809L

#include "io/device.h"
#include "io/failure.h"
#include "io/idx.h"
#include "io/npy.h"
#include "io/random.h"
#include "suite_runner.h"
#include "train/checkpoint.h"
#include "train/distribution.h"
#include "train/training.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 3, PIXELS = SIDE * SIDE, CLASSES = 3, SAMPLES = 20, STEPS = 24 };

static struct session session;
static struct failure failure;
static unsigned char images[SAMPLES * PIXELS];
static unsigned char labels[SAMPLES];
static struct idx_set set = { SAMPLES, SIDE, SIDE, images, labels };
static struct training_options options = {
    .trained = { true, true }, .classes = CLASSES, .batch = 6, .steps = STEPS, .learning_rate = 0.5, .seed = 3
};
static char path[] = "/tmp/clbn-training-XXXXXX";

static void expect(bool done)
{
    ck_assert_msg(done, "%s", failure.sentence);
}

static void setup(void)
{
    struct session_options defaults = { 0 };
    struct random random = { 5 };
    int file;

    expect(session_open(&session, &defaults, &failure));
    for (size_t i = 0; i < SAMPLES * PIXELS; i++)
        images[i] = (unsigned char)random_index(&random, 256);
    for (size_t i = 0; i < SAMPLES; i++)
        labels[i] = (unsigned char)random_index(&random, CLASSES);
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    unlink(path);
    options.checkpoint = path;
    options.seed = 3;
}

static void teardown(void)
{
    unlink(path);
    session_close(&session);
}

/* Stops a training when it has shown so many points. */
struct patience {
    size_t points;
};

static void on_steps(void *context, size_t steps)
{
    (void)context;
    (void)steps;
}

static bool on_point(void *context, const struct training_point *point, struct failure *reason)
{
    struct patience *patience = context;

    (void)point;
    return patience->points-- > 0 || (fail)(reason, "out of patience");
}

static bool run(size_t points, struct training_curve *curve)
{
    struct patience patience = { points };
    struct training_observer observer = { on_steps, on_point, &patience };

    memset(curve, 0, sizeof *curve);
    return training_run(&session, &set, &set, &options, &observer, curve, &failure);
}

static bool same(double one, double other)
{
    return one == other || (isnan(one) && isnan(other));
}

static void check_same(const struct training_curve *one, const struct training_curve *other)
{
    ck_assert_uint_eq(one->count, other->count);
    for (size_t i = 0; i < one->count; i++) {
        ck_assert_uint_eq(one->points[i].step, other->points[i].step);
        for (size_t j = 0; j < CONTENDERS; j++) {
            ck_assert(same(one->points[i].scores[j].training.loss, other->points[i].scores[j].training.loss));
            ck_assert(same(one->points[i].scores[j].test.loss, other->points[i].scores[j].test.loss));
            ck_assert(same(one->points[i].scores[j].test.accuracy, other->points[i].scores[j].test.accuracy));
            for (size_t k = 0; k < PERCENTILES; k++)
                ck_assert(same(one->points[i].scores[j].inputs.values[k], other->points[i].scores[j].inputs.values[k]));
        }
    }
}

START_TEST(a_stopped_training_goes_on_with_the_same_bits)
{
    static const size_t stops[] = { 0, 1, 7, 20 };
    struct training_curve whole;

    options.checkpoint = NULL;
    expect(run(SIZE_MAX, &whole));
    ck_assert(!same(whole.points[0].scores[1].test.loss, whole.points[whole.count - 1].scores[1].test.loss));
    options.checkpoint = path;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct training_curve curve;

        ck_assert(!run(stops[i], &curve));
        ck_assert_str_eq(failure.sentence, "out of patience");
        training_curve_free(&curve);
        expect(run(SIZE_MAX, &curve));
        check_same(&curve, &whole);
        training_curve_free(&curve);
        expect(run(SIZE_MAX, &curve)); /* nothing is left to do */
        check_same(&curve, &whole);
        training_curve_free(&curve);
        unlink(path);
    }
    training_curve_free(&whole);
}
END_TEST

static void check_going_on(const struct training_curve *whole)
{
    struct training_curve curve;

    options.checkpoint = path;
    ck_assert(!run(7, &curve));
    training_curve_free(&curve);
    expect(run(SIZE_MAX, &curve));
    check_same(&curve, whole);
    training_curve_free(&curve);
}

/* By ghost batches, of which the last is shorter, and by renormalization, whose bounds go on from where they were. */
START_TEST(a_training_by_other_statistics_goes_on_with_the_same_bits)
{
    const struct method methods[] = { { METHOD_GHOST, options.batch - 2, 3, 5 }, { METHOD_RENORM, 0, 3, 5 } };
    struct training_curve plain;

    options.checkpoint = NULL;
    expect(run(SIZE_MAX, &plain));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct training_curve whole, curve;

        options.method = methods[i];
        options.checkpoint = NULL;
        expect(run(SIZE_MAX, &whole));
        ck_assert(!same(whole.points[whole.count - 1].scores[1].test.loss, plain.points[plain.count - 1].scores[1].test.loss));
        ck_assert(same(whole.points[whole.count - 1].scores[0].test.loss, plain.points[plain.count - 1].scores[0].test.loss));
        check_going_on(&whole);
        options.method.kind = METHOD_BATCH;
        ck_assert(!run(SIZE_MAX, &curve));
        ck_assert_msg(strstr(failure.sentence, "of another training: its normalization is") != NULL, "%s", failure.sentence);
        training_curve_free(&curve);
        training_curve_free(&whole);
        unlink(path);
    }
    training_curve_free(&plain);
}
END_TEST

/* Masks depend on the step's number alone. */
START_TEST(a_training_with_dropout_goes_on_with_the_same_bits)
{
    struct training_curve plain, whole, curve;

    options.checkpoint = NULL;
    expect(run(SIZE_MAX, &plain));
    options.dropout = 0.25;
    expect(run(SIZE_MAX, &whole));
    for (size_t i = 0; i < CONTENDERS; i++)
        ck_assert(!same(whole.points[whole.count - 1].scores[i].test.loss, plain.points[plain.count - 1].scores[i].test.loss));
    check_going_on(&whole);
    options.dropout = 0.0;
    ck_assert(!run(SIZE_MAX, &curve));
    ck_assert_msg(strstr(failure.sentence, "of another training: its dropout is 0.25, not 0") != NULL, "%s", failure.sentence);
    training_curve_free(&curve);
    training_curve_free(&whole);
    training_curve_free(&plain);
}
END_TEST

/* The paper's steps, of 130,000, and one between. */
START_TEST(bounds_of_renormalization_grow)
{
    const struct method method = { METHOD_RENORM, 0, 3, 5 };
    static const struct {
        size_t step;
        double r_max, d_max;
    } rows[] = { { 0, 1, 0 },     { 5000, 1, 0 },  { 15000, 1 + 2.0 * 10 / 35, 2.5 }, { 25000, 1 + 2.0 * 20 / 35, 5 },
                 { 40000, 3, 5 }, { 130000, 3, 5 } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct renorm_bounds bounds = method_bounds(&method, rows[i].step, 130000);

        ck_assert_double_eq_tol(bounds.r_max, rows[i].r_max, 1e-12);
        ck_assert_double_eq_tol(bounds.d_max, rows[i].d_max, 1e-12);
    }
}
END_TEST

START_TEST(another_trainings_checkpoint_is_refused)
{
    struct training_curve curve;

    ck_assert(!run(1, &curve));
    training_curve_free(&curve);
    options.seed = 4;
    ck_assert(!run(SIZE_MAX, &curve));
    ck_assert_msg(strstr(failure.sentence, "of another training: its seed is 3, not 4") != NULL, "%s", failure.sentence);
    training_curve_free(&curve);
}
END_TEST

static void write_vector(const double *values, size_t count)
{
    struct npy_array array;
    struct output_file file;

    expect(npy_create(&array, CLBN_FLOAT64, &count, 1, &failure));
    if (count > 0)
        memcpy(array.data, values, count * sizeof *values);
    expect(output_file_open(&file, path, &failure) && npy_write(&array, &file, &failure) &&
           output_file_publish(&file, &failure));
    output_file_close(&file);
    npy_free(&array);
}

/* Each value in turn is no number, or negative; and the file is shorter, or longer. A loss or a weight may be anything. */
START_TEST(a_spoilt_checkpoint_is_refused_or_harmless)
{
    struct training_curve curve;
    struct npy_array array;
    size_t count;

    ck_assert(!run(2, &curve));
    training_curve_free(&curve);
    expect(npy_read(&array, path, &failure));
    count = array.header.count;
    double *values = malloc((count + 1) * sizeof *values);
    memcpy(values, array.data, count * sizeof *values);
    npy_free(&array);
    values[count] = 0.0;
    for (size_t i = 0; i < 64; i++) {
        double kept = values[i];

        values[i] = i % 2 == 0 ? (double)NAN : -1.0;
        write_vector(values, count);
        run(2, &curve);
        training_curve_free(&curve);
        values[i] = kept;
    }
    for (size_t length = 0; length <= count + 1; length += length < 70 || length >= count - 1 ? 1 : count - 1 - length) {
        write_vector(values, length);
        if (length != count) {
            ck_assert(!run(SIZE_MAX, &curve));
            ck_assert_msg(strstr(failure.sentence, "is no checkpoint of this training") != NULL, "%s", failure.sentence);
            training_curve_free(&curve);
        }
    }
    free(values);
}
END_TEST

/* The values of numpy.percentile(). */
START_TEST(percentiles_lie_between_the_values)
{
    float one[] = { 7.0f };
    float several[] = { 3.0f, -1.0f, 2.0f, 8.0f, 5.0f };
    float with_nan[] = { 1.0f, NAN };
    float infinite[] = { INFINITY, INFINITY, 1.0f, 2.0f };
    struct distribution distribution = distribution_of(several, 5);

    ck_assert_double_eq_tol(distribution.values[0], 0.8, 1e-15);
    ck_assert_double_eq(distribution.values[1], 3.0);
    ck_assert_double_eq_tol(distribution.values[2], 6.2, 1e-14);
    distribution = distribution_of(one, 1);
    ck_assert_double_eq(distribution.values[0], 7.0);
    ck_assert_double_eq(distribution.values[2], 7.0);
    ck_assert(isnan(distribution_of(with_nan, 2).values[1]));
    ck_assert(isnan(distribution_of(one, 0).values[1]));
    ck_assert(isinf(distribution_of(infinite, 4).values[2]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training");
    TCase *checkpoints = tcase_create("checkpoints");
    TCase *distributions = tcase_create("distributions");

    tcase_add_checked_fixture(checkpoints, setup, teardown);
    tcase_set_timeout(checkpoints, 0);
    tcase_add_test(checkpoints, a_stopped_training_goes_on_with_the_same_bits);
    tcase_add_test(checkpoints, a_training_by_other_statistics_goes_on_with_the_same_bits);
    tcase_add_test(checkpoints, a_training_with_dropout_goes_on_with_the_same_bits);
    tcase_add_test(checkpoints, bounds_of_renormalization_grow);
    tcase_add_test(checkpoints, another_trainings_checkpoint_is_refused);
    tcase_add_test(checkpoints, a_spoilt_checkpoint_is_refused_or_harmless);
    suite_add_tcase(suite, checkpoints);
    tcase_add_test(distributions, percentiles_lie_between_the_values);
    suite_add_tcase(suite, distributions);
    return run_in_one_process(suite);
}
