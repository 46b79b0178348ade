/* SPDX-License-Identifier: MIT */
/*
 * 'clbn train' on several processes: the losses and accuracies of one process on the same batches, within rounding, and the same bits on
 * all processes; with and without batch norm and dropout; going on from a checkpoint; and no more processes than images.
 */
#define _POSIX_C_SOURCE 200809L

#include "io/device.h"
#include "io/failure.h"
#include "io/idx.h"
#include "io/random.h"
#include "train/peers.h"
#include "train/training.h"

#include <math.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Shares of 7 images on 2, 3 and 4 processes differ. */
enum { SIDE = 5, PIXELS = SIDE * SIDE, CLASSES = 3, SAMPLES = 60, BATCH = 7, STEPS = 40 };

/* Between losses: those of one process and of several differ by roundings alone, and each step adds some. */
static const double tolerance = STEPS / 16777216.0;

static struct session session;
static struct failure failure;
static struct peers peers;
static unsigned char images[SAMPLES * PIXELS];
static unsigned char labels[SAMPLES];
static struct idx_set set = { SAMPLES, SIDE, SIDE, images, labels };

static void expect(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "[rank %d] %s (%s)\n", peers.rank, what, failure.sentence);
    fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
}

/* Classes that can be told apart: each has a bright row of its own. */
static void make_set(void)
{
    struct random random = { 5 };

    for (size_t i = 0; i < SAMPLES; i++) {
        labels[i] = (unsigned char)random_index(&random, CLASSES);
        for (size_t j = 0; j < PIXELS; j++)
            images[i * PIXELS + j] = (unsigned char)(random_index(&random, 128) + (j / SIDE == labels[i] ? 100 : 0));
    }
}

static void on_steps(void *context, size_t steps)
{
    (void)context;
    (void)steps;
}

/* Stops where the context, a number of points, is used up. */
static bool on_point(void *context, const struct training_point *point, struct failure *reason)
{
    size_t *left = context;

    (void)point;
    return (*left)-- > 0 || (fail)(reason, "out of patience");
}

static double dropout;

static bool train(const struct peers *with, const char *checkpoint, size_t points, struct training_curve *curve)
{
    const struct training_options options = { .trained = { true, true },
                                              .classes = CLASSES,
                                              .batch = BATCH,
                                              .steps = STEPS,
                                              .learning_rate = 0.1,
                                              .dropout = dropout,
                                              .seed = 3,
                                              .peers = with,
                                              .checkpoint = checkpoint };
    const struct training_observer observer = { on_steps, on_point, &points };

    memset(curve, 0, sizeof *curve);
    return training_run(&session, &set, &set, &options, &observer, curve, &failure);
}

static double difference(double one, double other)
{
    return isnan(one) && isnan(other) ? 0.0 : fabs(one - other) / fmax(fabs(one), 1.0);
}

/* The greatest difference of losses; an accuracy may differ by a sample. */
static double expect_near(const struct training_curve *one, const struct training_curve *other)
{
    double greatest = 0.0;

    expect(one->count == other->count && one->count > 10, "the curves have other points");
    for (size_t i = 0; i < one->count; i++)
        for (size_t j = 0; j < CONTENDERS; j++) {
            const struct score *a = &one->points[i].scores[j].training;
            const struct score *b = &other->points[i].scores[j].training;

            greatest = fmax(greatest, difference(a->loss, b->loss));
            a = &one->points[i].scores[j].test;
            b = &other->points[i].scores[j].test;
            greatest = fmax(greatest, difference(a->loss, b->loss));
            expect(fabs(a->accuracy - b->accuracy) < 1.5 / SAMPLES, "the accuracies differ");
        }
    return greatest;
}

static void expect_same_bits_on_all(const struct training_curve *curve)
{
    for (size_t i = 0; i < curve->count; i++)
        for (size_t j = 0; j < CONTENDERS; j++) {
            double values[] = { curve->points[i].scores[j].training.loss, curve->points[i].scores[j].test.loss };
            double theirs[2];

            memcpy(theirs, values, sizeof values);
            MPI_Bcast(theirs, 2, MPI_DOUBLE, 0, MPI_COMM_WORLD);
            expect(memcmp(theirs, values, sizeof values) == 0, "the losses have other bits than the first process's");
        }
}

static void check_sharing(void)
{
    /* Of 1/3 by chance; so few steps teach less with dropout. */
    const double learned = dropout > 0.0 ? 0.6 : 0.8;
    struct training_curve alone, together, continued;
    char path[64];
    const struct training_point *last;

    expect(train(NULL, NULL, SIZE_MAX, &alone), "a training alone");
    last = &alone.points[alone.count - 1];
    expect(last->scores[CONTENDER_BATCH_NORM].test.accuracy > learned, "nothing was learned");
    expect(train(&peers, NULL, SIZE_MAX, &together), "a training together");
    expect_same_bits_on_all(&together);
    const double found = expect_near(&alone, &together);
    if (peers.rank == 0)
        printf("%d processes, dropout %g: losses differ from one's by at most %.1e, of %.1e\n", peers.size, dropout, found,
               tolerance);
    expect(found <= tolerance, "the losses differ from those of one process");
    snprintf(path, sizeof path, "/tmp/clbn-mpi-training-%ld", (long)getpid());
    MPI_Bcast(path, sizeof path, MPI_CHAR, 0, MPI_COMM_WORLD);
    expect(!train(&peers, path, 5, &continued), "a training that is stopped");
    training_curve_free(&continued);
    MPI_Barrier(MPI_COMM_WORLD);
    expect(train(&peers, path, SIZE_MAX, &continued), "a training that goes on");
    expect(expect_near(&together, &continued) == 0.0, "a training that went on has other losses");
    MPI_Barrier(MPI_COMM_WORLD);
    if (peers.rank == 0)
        unlink(path);
    training_curve_free(&alone);
    training_curve_free(&together);
    training_curve_free(&continued);
}

/* Each row is one process's. */
static void check_shares(void)
{
    for (size_t rows = 0; rows < 20; rows++) {
        size_t next = 0;

        for (int rank = 0; rank < peers.size; rank++) {
            const struct peers other = { rank, peers.size, false };
            size_t first, count;

            peers_share(&other, rows, &first, &count);
            expect(first == next && count <= (rows + (size_t)peers.size - 1) / (size_t)peers.size,
                   "shares overlap, or leave rows out");
            next += count;
        }
        expect(next == rows, "shares leave rows out");
    }
}

int main(void)
{
    const struct session_options defaults = { 0 };

    expect(peers_open(&peers, &failure) && peers.running, "mpirun has to start this");
    make_set();
    expect(session_open(&session, &defaults, &failure), "a session");
    check_shares();
    check_sharing();
    dropout = 0.25;
    check_sharing();
    session_close(&session);
    peers_close(&peers);
    return EXIT_SUCCESS;
}
