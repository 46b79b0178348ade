/* SPDX-License-Identifier: MIT */
/* The network that 'clbn train' trains: its matrix products, its dropout, and its gradients against finite differences. */
#define _POSIX_C_SOURCE 200809L

#include "io/device.h"
#include "io/failure.h"
#include "io/random.h"
#include "suite_runner.h"
#include "train/arithmetic.h"
#include "train/network.h"
#include "train/samples.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEIGHT = 2, WIDTH = 3, INPUTS = HEIGHT * WIDTH, HIDDEN = 5, CLASSES = 3, SAMPLES = 24, ROWS = 9, TEST_ROWS = 16 };

static const clbn_geometry geometries[] = { CLBN_GEOMETRY_VECTOR, CLBN_GEOMETRY_GROUP };

enum { GEOMETRIES = sizeof geometries / sizeof *geometries };

static struct session session;
static struct arithmetic arithmetic;
static struct samples samples;
static struct network network;
static cl_mem x; /* (TEST_ROWS, INPUTS) */
static struct failure failure;

static void expect(bool done)
{
    ck_assert_msg(done, "%s", failure.sentence);
}

static void open_arithmetic(clbn_geometry geometry)
{
    struct session_options options = { NULL, (int)geometry };

    expect(session_open(&session, &options, &failure));
    expect(arithmetic_open(&arithmetic, &session, &failure));
}

/* Random images whose label is the brightest of the first three pixels. */
static void open_samples(void)
{
    struct random random = { 7 };
    unsigned char images[SAMPLES * INPUTS];
    unsigned char labels[SAMPLES];
    struct idx_set set = { SAMPLES, HEIGHT, WIDTH, images, labels };

    for (size_t i = 0; i < SAMPLES; i++) {
        unsigned char *image = images + i * INPUTS;

        for (size_t j = 0; j < INPUTS; j++)
            image[j] = (unsigned char)random_index(&random, 256);
        labels[i] = image[0] >= image[1] && image[0] >= image[2] ? 0 : image[1] >= image[2] ? 1 : 2;
    }
    expect(samples_open(&samples, &arithmetic, &set, 5, &failure));
    x = arithmetic_buffer(&arithmetic, TEST_ROWS * INPUTS, &failure);
    expect(x != NULL);
}

static void open_network(bool batch_norm, double dropout, double learning_rate)
{
    struct network_options options = {
        .inputs = INPUTS,
        .hidden = HIDDEN,
        .classes = CLASSES,
        .training_rows = ROWS,
        .test_rows = TEST_ROWS,
        .test_samples = SAMPLES,
        .batch_norm = batch_norm,
        .dropout = dropout,
        .learning_rate = learning_rate,
        .deviation = 1.0,
        .seed = 3,
    };

    expect(network_open(&network, &arithmetic, session.engine, &options, &failure));
}

static void teardown(void)
{
    network_close(&network);
    samples_close(&samples);
    if (x != NULL) {
        clReleaseMemObject(x);
        x = NULL;
    }
    arithmetic_close(&arithmetic);
    session_close(&session);
}

static void read_floats(cl_mem buffer, float *values, size_t count)
{
    ck_assert_int_eq(clEnqueueReadBuffer(session.queue, buffer, CL_TRUE, 0, count * sizeof *values, values, 0, NULL, NULL),
                     CL_SUCCESS);
}

static void write_floats(cl_mem buffer, const float *values, size_t count)
{
    ck_assert_int_eq(clEnqueueWriteBuffer(session.queue, buffer, CL_TRUE, 0, count * sizeof *values, values, 0, NULL, NULL),
                     CL_SUCCESS);
}

/* Shapes below, at and above the tiles of both geometries. */
static const struct {
    size_t rows, inner, columns;
} products[] = { { 1, 1, 1 }, { 6, 4, 16 }, { 7, 5, 17 }, { 5, 3, 4 }, { 13, 20, 35 }, { 12, 1, 32 }, { 60, 100, 10 } };

enum { PRODUCTS = sizeof products / sizeof *products, MOST = 60 * 100 };

/* Small integers: every product is exact, in whatever order it is summed. */
static cl_mem make_matrix(struct random *random, size_t count, float *values)
{
    cl_mem buffer = arithmetic_buffer(&arithmetic, count, &failure);

    expect(buffer != NULL);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_index(random, 9) - 4.0f;
    write_floats(buffer, values, count);
    return buffer;
}

enum start { NO_START, START_ROW, START_SELF, STARTS };

static void check_product(size_t rows, size_t inner, size_t columns, bool transposed, enum start start)
{
    static float a[MOST], b[MOST], c[MOST], row[MOST], result[MOST];
    struct random random = { rows };
    struct factor factor = { NULL, transposed ? inner : rows, transposed ? rows : inner, transposed };
    cl_mem b_buffer = make_matrix(&random, inner * columns, b);
    cl_mem c_buffer = make_matrix(&random, rows * columns, c);
    cl_mem row_buffer = make_matrix(&random, columns, row);
    cl_mem start_buffer = start == NO_START ? NULL : start == START_ROW ? row_buffer : c_buffer;

    factor.buffer = make_matrix(&random, rows * inner, a);
    expect(enqueue_multiply(&arithmetic, factor, b_buffer, columns, 0.5, start_buffer, c_buffer, &failure));
    read_floats(c_buffer, result, rows * columns);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            float sum = 0.0f;

            for (size_t k = 0; k < inner; k++)
                sum += (transposed ? a[k * rows + i] : a[i * inner + k]) * b[k * columns + j];
            sum = 0.5f * sum + (start == NO_START ? 0.0f : start == START_ROW ? row[j] : c[i * columns + j]);
            ck_assert_msg(result[i * columns + j] == sum, "(%zu, %zu) x (%zu, %zu) at %zu, %zu: %g, not %g", rows, inner, inner,
                          columns, i, j, (double)result[i * columns + j], (double)sum);
        }
    }
    clReleaseMemObject(factor.buffer);
    clReleaseMemObject(b_buffer);
    clReleaseMemObject(c_buffer);
    clReleaseMemObject(row_buffer);
}

START_TEST(products_are_exact)
{
    open_arithmetic(geometries[_i]);
    for (size_t i = 0; i < PRODUCTS; i++) {
        for (int start = NO_START; start < STARTS; start++) {
            check_product(products[i].rows, products[i].inner, products[i].columns, false, (enum start)start);
            check_product(products[i].rows, products[i].inner, products[i].columns, true, (enum start)start);
        }
    }
}
END_TEST

START_TEST(transpose_moves_each_element)
{
    static float a[MOST], result[MOST];
    struct random random = { 1 };

    open_arithmetic(geometries[_i]);
    for (size_t k = 0; k < PRODUCTS; k++) {
        size_t rows = products[k].rows;
        size_t columns = products[k].columns;
        cl_mem a_buffer = make_matrix(&random, rows * columns, a);
        cl_mem b_buffer = arithmetic_buffer(&arithmetic, rows * columns, &failure);

        expect(b_buffer != NULL);
        expect(enqueue_transpose(&arithmetic, a_buffer, rows, columns, b_buffer, &failure));
        read_floats(b_buffer, result, rows * columns);
        for (size_t i = 0; i < rows * columns; i++)
            ck_assert(result[i % columns * rows + i / columns] == a[i]);
        clReleaseMemObject(a_buffer);
        clReleaseMemObject(b_buffer);
    }
}
END_TEST

/* A prime number of values, and the shares to drop, which are exact in float, as are their scales but for 4/3. */
enum { VALUES = 4999, MASK_OFFSET = 1003 };

static const double dropouts[] = { 0.25, 0.5, 0.875 };

enum { DROPOUTS = sizeof dropouts / sizeof *dropouts };

static void drop(cl_mem from, size_t count, struct mask mask, cl_mem to, float *values)
{
    expect(enqueue_drop(&arithmetic, from, count, &mask, to, &failure));
    read_floats(to, values, VALUES);
}

/* Counts of Bernoulli trials lie within 6 standard deviations; a hash that failed here would not be one. */
static void check_share(size_t count, size_t trials, double probability)
{
    double bound = 6.0 * sqrt((double)trials * probability * (1.0 - probability));

    ck_assert_msg(fabs((double)count - (double)trials * probability) <= bound, "%zu of %zu, not %g of them", count, trials,
                  probability);
}

START_TEST(dropout_drops_its_share_and_scales_the_rest)
{
    static float x_values[VALUES], y[VALUES], other[VALUES];
    struct random random = { 11 };
    struct mask mask = { dropouts[_i % DROPOUTS], UINT64_C(0x123456789abcdef0), 0 };
    const double kept = 1.0 - mask.dropout;
    const float scale = (float)(1.0 / kept);
    size_t kept_values = 0, kept_neighbours = 0, kept_by_both = 0;

    open_arithmetic(geometries[_i / DROPOUTS]);
    cl_mem y_buffer = arithmetic_buffer(&arithmetic, VALUES, &failure);
    cl_mem x_buffer = arithmetic_buffer(&arithmetic, VALUES, &failure);
    expect(x_buffer != NULL && y_buffer != NULL);
    for (size_t i = 0; i < VALUES; i++)
        x_values[i] = 1.0f + (float)random_index(&random, 1000);
    write_floats(x_buffer, x_values, VALUES);
    drop(x_buffer, VALUES, mask, y_buffer, y);
    for (size_t i = 0; i < VALUES; i++) {
        ck_assert(y[i] == 0.0f || y[i] == scale * x_values[i]);
        kept_values += y[i] != 0.0f;
        kept_neighbours += i > 0 && y[i] != 0.0f && y[i - 1] != 0.0f;
    }
    check_share(kept_values, VALUES, kept);
    check_share(kept_neighbours, VALUES - 1, kept * kept);
    /* Each half of the key matters. */
    for (int half = 0; half < 2; half++) {
        struct mask changed = mask;

        changed.key ^= UINT64_C(1) << (32 * half);
        drop(x_buffer, VALUES, changed, y_buffer, other);
        kept_by_both = 0;
        for (size_t i = 0; i < VALUES; i++)
            kept_by_both += y[i] != 0.0f && other[i] != 0.0f;
        check_share(kept_by_both, VALUES, kept * kept);
    }
    /* The end of the matrix alone, and nothing behind it. */
    drop(x_buffer, VALUES, mask, y_buffer, other);
    mask.first = MASK_OFFSET;
    drop(x_buffer, VALUES - MASK_OFFSET, mask, y_buffer, other);
    for (size_t i = 0; i < VALUES; i++)
        ck_assert(i < VALUES - MASK_OFFSET ? (other[i] != 0.0f) == (y[i + MASK_OFFSET] != 0.0f) : other[i] == y[i]);
    mask.first = 0;
    drop(x_buffer, VALUES, mask, x_buffer, other); /* in place */
    for (size_t i = 0; i < VALUES; i++)
        ck_assert(other[i] == y[i]);
    clReleaseMemObject(x_buffer);
    clReleaseMemObject(y_buffer);
}
END_TEST

/* Mean loss of one batch of training; the network keeps its parameters where its learning rate is 0. */
static double training_loss(void)
{
    struct batch batch = samples_batch(&samples, 0, ROWS);
    struct score score;

    expect(enqueue_gather(&arithmetic, &batch, x, &failure));
    expect(network_train(&network, x, &batch, &failure));
    expect(tally_read(&network.training, &arithmetic, &score, &failure));
    return score.loss;
}

/* The loss's derivative by one of the parameters in a buffer, by a central difference of fourth order. */
static double finite_difference(cl_mem buffer, float *parameters, size_t count, size_t index)
{
    static const float step = 0x1p-6f;
    static const double weights[] = { 1.0 / 12.0, -8.0 / 12.0, 0.0, 8.0 / 12.0, -1.0 / 12.0 };
    float kept = parameters[index];
    double sum = 0.0;

    for (int i = 0; i < 5; i++) {
        if (i != 2) {
            parameters[index] = kept + (float)(i - 2) * step;
            write_floats(buffer, parameters, count);
            sum += weights[i] * training_loss();
        }
    }
    parameters[index] = kept;
    write_floats(buffer, parameters, count);
    return sum / (double)step;
}

enum { MOST_PARAMETERS = INPUTS * HIDDEN, PARAMETER_BUFFERS = 4 };

/* The buffers of a layer's parameters; NULL for those that it does not have. */
static void parameters_of(struct layer *layer, cl_mem buffers[PARAMETER_BUFFERS], size_t counts[PARAMETER_BUFFERS])
{
    buffers[0] = layer->buffers[LAYER_WEIGHTS];
    counts[0] = layer->inputs * layer->outputs;
    buffers[1] = layer->buffers[LAYER_BIAS];
    buffers[2] = layer->normalization.buffers[NORMALIZATION_GAMMA];
    buffers[3] = layer->normalization.buffers[NORMALIZATION_BETA];
    counts[1] = counts[2] = counts[3] = layer->outputs;
}

/*
 * A step with a learning rate of 1 subtracts the gradient. The difference quotient has the losses' rounding, some 1e-6
 * of float arithmetic, divided by the step of 1/64; its own error is of fourth order. Dropout has the mask of step 0 throughout.
 */
static void check_gradients(bool batch_norm, double dropout)
{
    static const double bound = 2e-4;
    static float before[NETWORK_LAYERS][PARAMETER_BUFFERS][MOST_PARAMETERS];
    static float after[MOST_PARAMETERS];
    cl_mem buffers[PARAMETER_BUFFERS];
    size_t counts[PARAMETER_BUFFERS];
    double gradient[NETWORK_LAYERS][PARAMETER_BUFFERS][MOST_PARAMETERS];

    open_network(batch_norm, dropout, 1.0);
    for (size_t i = 0; i < NETWORK_LAYERS; i++) {
        parameters_of(&network.layers[i], buffers, counts);
        for (size_t j = 0; j < PARAMETER_BUFFERS; j++)
            if (buffers[j] != NULL)
                read_floats(buffers[j], before[i][j], counts[j]);
    }
    training_loss();
    network.options.learning_rate = 0.0;
    for (size_t i = 0; i < NETWORK_LAYERS; i++) {
        parameters_of(&network.layers[i], buffers, counts);
        for (size_t j = 0; j < PARAMETER_BUFFERS; j++) {
            if (buffers[j] == NULL)
                continue;
            read_floats(buffers[j], after, counts[j]);
            write_floats(buffers[j], before[i][j], counts[j]);
            for (size_t k = 0; k < counts[j]; k++)
                gradient[i][j][k] = (double)before[i][j][k] - (double)after[k];
        }
    }
    for (size_t i = 0; i < NETWORK_LAYERS; i++) {
        parameters_of(&network.layers[i], buffers, counts);
        for (size_t j = 0; j < PARAMETER_BUFFERS; j++) {
            double greatest = 0.0;

            for (size_t k = 0; buffers[j] != NULL && k < counts[j]; k++) {
                double expected = finite_difference(buffers[j], before[i][j], counts[j], k);

                ck_assert_msg(fabs(gradient[i][j][k] - expected) <= bound, "layer %zu, parameters %zu, %zu: %g, not %g", i, j,
                              k, gradient[i][j][k], expected);
                greatest = fmax(greatest, fabs(expected));
            }
            ck_assert_msg(buffers[j] == NULL || greatest > 10.0 * bound, "layer %zu, parameters %zu: no gradient", i, j);
        }
    }
}

START_TEST(gradients_are_those_of_the_loss)
{
    open_arithmetic(geometries[_i / 4]);
    open_samples();
    check_gradients(_i % 2 == 1, _i / 2 % 2 == 1 ? 0.25 : 0.0);
}
END_TEST

static void train(size_t steps)
{
    for (size_t i = 0; i < steps; i++)
        training_loss();
}

static struct score test_score(void)
{
    struct score score;

    for (size_t first = 0; first < SAMPLES; first += TEST_ROWS) {
        struct batch batch = samples_batch(&samples, first, TEST_ROWS);

        expect(enqueue_gather(&arithmetic, &batch, x, &failure));
        expect(network_test(&network, x, &batch, &failure));
    }
    expect(tally_read(&network.test, &arithmetic, &score, &failure));
    return score;
}

/* The first ROWS samples again and again: a network that learns knows at least these by heart. */
START_TEST(training_learns_and_repeats)
{
    struct score scores[2];

    open_arithmetic(geometries[_i / 2]);
    open_samples();
    for (int i = 0; i < 2; i++) {
        open_network(_i % 2 == 1, 0.0, 0.5);
        double first = training_loss();
        train(1000);
        ck_assert_double_lt(training_loss(), first / 10.0);
        scores[i] = test_score();
        ck_assert_double_ge(scores[i].accuracy, (double)ROWS / SAMPLES);
        network_close(&network);
    }
    ck_assert(scores[0].loss == scores[1].loss && scores[0].accuracy == scores[1].accuracy);
}
END_TEST

/* Tests drop nothing. */
START_TEST(each_step_has_a_mask_of_its_own)
{
    double losses[3];
    struct score whole, dropped;

    open_arithmetic(geometries[_i / 2]);
    open_samples();
    open_network(_i % 2 == 1, 0.0, 0.0);
    double plain = training_loss();
    whole = test_score();
    network_close(&network);
    open_network(_i % 2 == 1, 0.5, 0.0);
    for (size_t i = 0; i < 3; i++) {
        network.step = i % 2;
        losses[i] = training_loss();
    }
    dropped = test_score();
    ck_assert(losses[0] == losses[2] && losses[0] != losses[1] && losses[0] != plain && losses[1] != plain);
    network.step++;
    ck_assert(test_score().loss == dropped.loss);
    if (_i % 2 == 0) /* Batch norm's running statistics have moved. */
        ck_assert(whole.loss == dropped.loss);
}
END_TEST

/* Dropout of a share below 2^-32 drops nothing, on the way that all dropout goes: the bits are those of none. */
START_TEST(dropout_of_nothing_changes_no_bit)
{
    double losses[2];

    open_arithmetic(geometries[_i / 2]);
    open_samples();
    for (int i = 0; i < 2; i++) {
        open_network(_i % 2 == 1, i * 1e-12, 0.5);
        ck_assert((network.layers[0].buffers[LAYER_DROPPED] != NULL) == (i == 1));
        train(30);
        losses[i] = training_loss();
        network_close(&network);
    }
    ck_assert(losses[0] == losses[1]);
}
END_TEST

START_TEST(shuffled_order_holds_each_sample_once)
{
    struct batch batch;
    cl_uint order[SAMPLES];
    unsigned seen[SAMPLES] = { 0 };

    open_arithmetic(geometries[_i]);
    open_samples();
    expect(samples_next(&samples, &arithmetic, ROWS, &batch, &failure));
    ck_assert_int_eq(clEnqueueReadBuffer(session.queue, samples.order, CL_TRUE, 0, sizeof order, order, 0, NULL, NULL),
                     CL_SUCCESS);
    for (size_t i = 0; i < SAMPLES; i++) {
        ck_assert_uint_lt(order[i], SAMPLES);
        ck_assert_uint_eq(seen[order[i]]++, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *kernels = tcase_create("kernels");
    TCase *networks = tcase_create("networks");

    tcase_add_checked_fixture(kernels, NULL, teardown);
    tcase_add_loop_test(kernels, products_are_exact, 0, GEOMETRIES);
    tcase_add_loop_test(kernels, transpose_moves_each_element, 0, GEOMETRIES);
    tcase_add_loop_test(kernels, shuffled_order_holds_each_sample_once, 0, GEOMETRIES);
    tcase_add_loop_test(kernels, dropout_drops_its_share_and_scales_the_rest, 0, DROPOUTS * GEOMETRIES);
    suite_add_tcase(suite, kernels);
    tcase_add_checked_fixture(networks, NULL, teardown);
    tcase_add_loop_test(networks, gradients_are_those_of_the_loss, 0, 4 * GEOMETRIES);
    tcase_add_loop_test(networks, training_learns_and_repeats, 0, 2 * GEOMETRIES);
    tcase_add_loop_test(networks, each_step_has_a_mask_of_its_own, 0, 2 * GEOMETRIES);
    tcase_add_loop_test(networks, dropout_of_nothing_changes_no_bit, 0, 2 * GEOMETRIES);
    suite_add_tcase(suite, networks);
    return run_in_one_process(suite);
}
