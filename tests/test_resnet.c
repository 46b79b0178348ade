/* SPDX-License-Identifier: MIT */
/* The residual network of 'clbn train --model cnn': its gradients against finite differences and against batch norm as a textbook has it,
 * in all layouts and types; folding; learning. */
#define _POSIX_C_SOURCE 200809L

#include "io/device.h"
#include "io/failure.h"
#include "io/random.h"
#include "suite_runner.h"
#include "train/arithmetic.h"
#include "train/resnet.h"
#include "train/resnet_training.h"
#include "train/samples.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 7, PIXELS = SIDE * SIDE, CHANNELS = 3, CLASSES = 3, ROWS = 10 };

static const struct kind {
    clbn_geometry geometry;
    clbn_type type;
    bool channels_last;
} kinds[] = {
    { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, true }, { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT32, false },
    { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT16, true }, { CLBN_GEOMETRY_VECTOR, CLBN_FLOAT16, false },
    { CLBN_GEOMETRY_GROUP, CLBN_FLOAT32, true },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static struct session session;
static struct arithmetic arithmetic;
static struct samples samples;
static struct resnet resnet;
static cl_mem x;
static struct batch batch;
static struct failure failure;

static void expect(bool done)
{
    ck_assert_msg(done, "%s", failure.sentence);
}

/* Random images, whose label is the third that is brightest. */
static void open_samples(void)
{
    struct random random = { 7 };
    unsigned char images[ROWS * PIXELS];
    unsigned char labels[ROWS];
    struct idx_set set = { ROWS, SIDE, SIDE, images, labels };

    for (size_t i = 0; i < ROWS; i++) {
        labels[i] = (unsigned char)(i % CLASSES);
        for (size_t j = 0; j < PIXELS; j++)
            images[i * PIXELS + j] =
                (unsigned char)(random_index(&random, 128) + (j * CLASSES / PIXELS == labels[i] ? 100 : 0));
    }
    expect(samples_open(&samples, &arithmetic, &set, 1, &failure));
    x = arithmetic_buffer(&arithmetic, ROWS * PIXELS, &failure);
    expect(x != NULL);
    batch = samples_batch(&samples, 0, ROWS);
    expect(enqueue_gather(&arithmetic, &batch, x, &failure));
}

static void open_session(clbn_geometry geometry)
{
    struct session_options options = { NULL, (int)geometry };

    expect(session_open(&session, &options, &failure));
    expect(arithmetic_open(&arithmetic, &session, &failure));
    open_samples();
}

static void open_network(clbn_type type, bool channels_last)
{
    struct resnet_options options = { .side = SIDE,
                                      .channels = CHANNELS,
                                      .classes = CLASSES,
                                      .rows = ROWS,
                                      .type = type,
                                      .channels_last = channels_last,
                                      .seed = 3 };

    resnet_close(&resnet);
    expect(resnet_open(&resnet, &arithmetic, session.engine, &options, &failure));
}

static void teardown(void)
{
    resnet_close(&resnet);
    samples_close(&samples);
    if (x != NULL)
        clReleaseMemObject(x);
    x = NULL;
    arithmetic_close(&arithmetic);
    session_close(&session);
}

static float *read_floats(enum resnet_buffer buffer, size_t count)
{
    float *values = malloc(count * sizeof *values);

    ck_assert_ptr_nonnull(values);
    ck_assert_int_eq(
        clEnqueueReadBuffer(session.queue, resnet.buffers[buffer], CL_TRUE, 0, count * sizeof *values, values, 0, NULL, NULL),
        CL_SUCCESS);
    return values;
}

static void write_parameters(const float *values)
{
    ck_assert_int_eq(clEnqueueWriteBuffer(session.queue, resnet.buffers[RESNET_PARAMETERS], CL_TRUE, 0,
                                          resnet.parameter_count * sizeof *values, values, 0, NULL, NULL),
                     CL_SUCCESS);
}

/* The mean loss of the batch, with the gradients; the parameters stay as they are. */
static double loss(enum resnet_mode mode)
{
    struct score score;
    struct descent none = { 0 };

    expect(resnet_train(&resnet, x, &batch, mode, none, &failure));
    expect(tally_read(&resnet.training, &arithmetic, &score, &failure));
    return score.loss;
}

/* Running statistics of this batch, and no longer of their start. */
static void settle(size_t steps, double rate)
{
    struct descent descent = { .rate = rate, .momentum = 0.9 };
    struct score score;

    for (size_t i = 0; i < steps; i++)
        expect(resnet_train(&resnet, x, &batch, RESNET_TRAINING, descent, &failure));
    expect(tally_read(&resnet.training, &arithmetic, &score, &failure));
}

/*
 * The derivative along a direction of signs within a group of parameters, by a central difference of fourth order. Losses round at
 * 1e-7, divided by the step of 2^-12; a ReLU that changes its side within the step adds its part of the derivative.
 */
static void check_group(enum resnet_mode mode, const float *parameters, const float *gradients, size_t first, size_t count,
                        struct random *random)
{
    static const float step = 0x1p-12f;
    static const double weights[] = { 1.0 / 12.0, -8.0 / 12.0, 0.0, 8.0 / 12.0, -1.0 / 12.0 };
    float *moved = malloc(resnet.parameter_count * sizeof *moved);
    float *signs = malloc(count * sizeof *signs);
    double difference = 0.0;
    double expected = 0.0;
    double norm = 0.0;

    ck_assert_ptr_nonnull(moved);
    ck_assert_ptr_nonnull(signs);
    for (size_t i = 0; i < count; i++) {
        signs[i] = random_index(random, 2) == 0 ? -1.0f : 1.0f;
        expected += (double)signs[i] * (double)gradients[first + i];
        norm += (double)gradients[first + i] * (double)gradients[first + i];
    }
    for (int i = 0; i < 5; i++) {
        if (i == 2)
            continue;
        memcpy(moved, parameters, resnet.parameter_count * sizeof *moved);
        for (size_t j = 0; j < count; j++)
            moved[first + j] += (float)(i - 2) * step * signs[j];
        write_parameters(moved);
        difference += weights[i] * loss(mode) / (double)step;
    }
    write_parameters(parameters);
    free(moved);
    free(signs);
    ck_assert_msg(fabs(difference - expected) <= 2e-3 + 0.02 * sqrt(norm), "parameters %zu to %zu: %g, not %g", first,
                  first + count - 1, expected, difference);
    ck_assert_msg(norm > 0.0, "parameters %zu to %zu: no gradient", first, first + count - 1);
}

START_TEST(gradients_are_those_of_the_loss)
{
    static const enum resnet_mode modes[] = { RESNET_TRAINING, RESNET_FROZEN, RESNET_TEXTBOOK };
    enum resnet_mode mode = modes[_i];
    struct random random = { 11 };

    open_session(CLBN_GEOMETRY_VECTOR);
    open_network(CLBN_FLOAT32, true);
    settle(20, 0.01);
    float *parameters = read_floats(RESNET_PARAMETERS, resnet.parameter_count);
    loss(mode);
    float *gradients = read_floats(RESNET_GRADIENTS, resnet.parameter_count);
    for (size_t i = 0; i < RESNET_UNITS; i++) {
        const struct resnet_unit *unit = &resnet.units[i];

        check_group(mode, parameters, gradients, unit->weights, unit->gamma - unit->weights, &random);
        check_group(mode, parameters, gradients, unit->gamma, unit->storage.channels, &random);
        check_group(mode, parameters, gradients, unit->beta, unit->storage.channels, &random);
    }
    check_group(mode, parameters, gradients, resnet.linear_weights, resnet.linear_bias - resnet.linear_weights, &random);
    check_group(mode, parameters, gradients, resnet.linear_bias, CLASSES, &random);
    free(parameters);
    free(gradients);
}
END_TEST

/* Of all gradients, the distance from what is expected, against their size. */
static double distance(const float *values, const float *expected, double scale)
{
    double difference = 0.0;
    double size = 0.0;

    for (size_t i = 0; i < resnet.parameter_count; i++) {
        double one = (double)values[i] / scale - (double)expected[i];

        difference += one * one;
        size += (double)expected[i] * (double)expected[i];
    }
    return sqrt(difference / size);
}

/* float32 differs by the order of sums; float16 by roundings of 2^-11 in each of some twenty tensors, forward and backward. */
START_TEST(layouts_types_and_textbook_agree)
{
    const struct kind *kind = &kinds[_i];
    bool half = kind->type == CLBN_FLOAT16;

    open_session(kind->geometry);
    open_network(CLBN_FLOAT32, true);
    double expected_loss = loss(RESNET_TRAINING);
    float *expected = read_floats(RESNET_GRADIENTS, resnet.parameter_count);
    open_network(kind->type, kind->channels_last);
    for (int textbook = 0; textbook < 2; textbook++) {
        double one = loss(textbook ? RESNET_TEXTBOOK : RESNET_TRAINING);
        float *gradients = read_floats(RESNET_GRADIENTS, resnet.parameter_count);

        ck_assert_double_eq_tol(one, expected_loss, half ? 1e-2 : 1e-5);
        ck_assert_double_le(distance(gradients, expected, half ? 1024.0 : 1.0), half ? 5e-2 : 1e-4);
        free(gradients);
    }
    free(expected);
}
END_TEST

START_TEST(the_network_learns_and_folds)
{
    const struct kind *kind = &kinds[_i];
    enum { LOGITS = ROWS * CLASSES };
    double greatest = 0.0;

    open_session(kind->geometry);
    open_network(kind->type, kind->channels_last);
    double first = loss(RESNET_TRAINING);
    settle(60, 0.05);
    ck_assert_double_lt(loss(RESNET_TRAINING), first / 10.0);
    expect(resnet_forward(&resnet, x, RESNET_INFERENCE, &failure));
    float *logits = read_floats(RESNET_LOGITS, LOGITS);
    expect(resnet_fold(&resnet, &failure));
    expect(resnet_forward(&resnet, x, RESNET_FOLDED, &failure));
    float *folded = read_floats(RESNET_LOGITS, LOGITS);
    for (size_t i = 0; i < LOGITS; i++)
        greatest = fmax(greatest, fabs((double)logits[i]));
    ck_assert_double_gt(greatest, 1.0);
    /* float32: some hundred roundings; float16: one of 2^-11 for each of nine z that the folded network does not store. */
    for (size_t i = 0; i < LOGITS; i++)
        ck_assert_double_eq_tol((double)folded[i], (double)logits[i], greatest * (kind->type == CLBN_FLOAT16 ? 2e-2 : 1e-4));
    free(logits);
    free(folded);
}
END_TEST

/* Frozen statistics stay as they are, and a step on them is repeated to the bit. */
START_TEST(frozen_statistics_stay)
{
    struct descent descent = { .rate = 0.01, .momentum = 0.9, .decay = 1e-4 };

    open_session(CLBN_GEOMETRY_VECTOR);
    open_network(CLBN_FLOAT32, true);
    settle(5, 0.01);
    float *before = read_floats(RESNET_STATISTICS, resnet.statistic_count);
    float *parameters = read_floats(RESNET_PARAMETERS, resnet.parameter_count);
    expect(resnet_train(&resnet, x, &batch, RESNET_FROZEN, descent, &failure));
    float *after = read_floats(RESNET_STATISTICS, resnet.statistic_count);
    float *stepped = read_floats(RESNET_PARAMETERS, resnet.parameter_count);
    ck_assert_mem_eq(before, after, resnet.statistic_count * sizeof *before);
    ck_assert_mem_ne(parameters, stepped, resnet.parameter_count * sizeof *parameters);
    free(before);
    free(after);
    free(parameters);
    free(stepped);
}
END_TEST

static void on_steps(void *context, size_t steps)
{
    (void)context;
    (void)steps;
}

static void on_point(void *context, const struct resnet_point *point)
{
    (void)context;
    (void)point;
}

/* For so many points more. */
static bool goes_on(void *context)
{
    size_t *points = context;

    return (*points)-- > 0;
}

static bool train(const char *path, size_t points, struct resnet_result *result)
{
    static unsigned char images[40 * PIXELS];
    static unsigned char labels[40];
    struct random random = { 9 };
    struct idx_set set = { 40, SIDE, SIDE, images, labels };
    struct resnet_training_options options = { .channels = CHANNELS,
                                               .classes = CLASSES,
                                               .batch = ROWS,
                                               .steps = 20,
                                               .frozen_steps = 8,
                                               .learning_rate = 0.05,
                                               .type = CLBN_FLOAT16,
                                               .channels_last = true,
                                               .seed = 3,
                                               .checkpoint = path };
    struct resnet_observer observer = { on_steps, on_point, goes_on, &points };

    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (unsigned char)random_index(&random, 256);
    for (size_t i = 0; i < sizeof labels; i++)
        labels[i] = (unsigned char)random_index(&random, CLASSES);
    return resnet_training_run(&session, &set, &set, &options, &observer, result, &failure);
}

/* In training, between the two phases, on frozen statistics, and when all is done. */
START_TEST(a_stopped_training_goes_on_with_the_same_bits)
{
    static const size_t stops[] = { 0, 4, 10, 12, 14 };
    char path[] = "/tmp/clbn-resnet-XXXXXX";
    struct resnet_result whole;
    int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    close(file);
    open_session(CLBN_GEOMETRY_VECTOR);
    expect(train(NULL, SIZE_MAX, &whole));
    ck_assert_uint_eq(whole.point_count, 15);
    ck_assert_uint_eq(whole.measures.samples, 40);
    ck_assert_double_gt(whole.measures.textbook_step_norms, 0.0);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct resnet_result result;

        unlink(path);
        ck_assert(!train(path, stops[i], &result));
        ck_assert_ptr_nonnull(strstr(failure.sentence, "stopped at step"));
        expect(train(path, SIZE_MAX, &result));
        ck_assert_uint_eq(result.point_count, whole.point_count);
        for (size_t j = 0; j < whole.point_count; j++) {
            ck_assert_uint_eq(result.points[j].step, whole.points[j].step);
            ck_assert(result.points[j].test.loss == whole.points[j].test.loss);
            ck_assert(j == 0 || result.points[j].training.loss == whole.points[j].training.loss);
        }
        ck_assert(result.measures.folded.loss == whole.measures.folded.loss);
    }
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resnet");
    TCase *networks = tcase_create("networks");

    tcase_add_checked_fixture(networks, NULL, teardown);
    tcase_set_timeout(networks, 0);
    tcase_add_loop_test(networks, gradients_are_those_of_the_loss, 0, 3);
    tcase_add_loop_test(networks, layouts_types_and_textbook_agree, 0, KINDS);
    tcase_add_loop_test(networks, the_network_learns_and_folds, 0, KINDS);
    tcase_add_test(networks, frozen_statistics_stay);
    tcase_add_test(networks, a_stopped_training_goes_on_with_the_same_bits);
    suite_add_tcase(suite, networks);
    return run_in_one_process(suite);
}
