/* SPDX-License-Identifier: MIT */
/* 'clbn bench': the kernels of the floor read and compute all that they are said to. */
#include "bench/device.h"
#include "bench/floor.h"
#include "bench/limit.h"
#include "bench/small.h"
#include "bench/tensors.h"
#include "io/device.h"
#include "io/scalar.h"
#include "suite_runner.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 5 * 2 * 1029 };

static struct failure failure;
static struct session session;
static struct bench_limit limit;

static void must(bool done)
{
    ck_assert_msg(done, "%s", failure.sentence);
}

static void set_up(void)
{
    const struct session_options options = { .device = getenv("CLBN_TEST_DEVICE"), .geometry = CLBN_GEOMETRY_VECTOR };
    must(session_open(&session, &options, &failure));
    must(bench_limit_open(&limit, &session, &failure));
}

static void tear_down(void)
{
    bench_limit_close(&limit);
    session_close(&session);
}

static void read_tensor(const struct bench_tensors *tensors, enum bench_tensor tensor, size_t bytes, void *values)
{
    ck_assert_int_eq(clEnqueueReadBuffer(session.queue, tensors->tensors[tensor], CL_TRUE, 0, bytes, values, 0, NULL, NULL),
                     CL_SUCCESS);
}

static void write_tensor(const struct bench_tensors *tensors, enum bench_tensor tensor, size_t bytes, const void *values)
{
    ck_assert_int_eq(clEnqueueWriteBuffer(session.queue, tensors->tensors[tensor], CL_TRUE, 0, bytes, values, 0, NULL, NULL),
                     CL_SUCCESS);
}

static void bind(struct bench_floor_call *call, const struct bench_case *the_case, const struct bench_tensors *tensors,
                 size_t stores)
{
    ck_assert(bench_floor_applies(the_case, &limit));
    must(bench_floor_bind(call, &limit, stores, the_case, tensors, &failure));
}

static void run(const struct bench_floor_call *call)
{
    struct bench_work work = { bench_floor_enqueue, call, session.queue };
    must(bench_work_call(&work, &failure));
}

/* With a mean of 0, factors of 1 and shifts of 0, which the kernels have without knowing: y = x, dx = dy + x, rounded once from
 * float32. */
static double result_of(const struct bench_case *the_case, const double *x, const double *dy, size_t i)
{
    const clbn_type type = bench_clbn_type(the_case->type);
    const float sum = (float)scalar_get(type, x, i) + (float)scalar_get(type, dy, i);
    double rounded = 0;

    scalar_set(type, &rounded, 0, the_case->op == BENCH_BACKWARD ? sum : scalar_get(type, x, i));
    return scalar_get(type, &rounded, 0);
}

/* What work leaves in the tensors of a case, where nothing was before. */
static void expect_results_of_work(const struct bench_case *the_case, const struct bench_tensors *tensors,
                                   struct bench_work *work, const char *name)
{
    static double x[MOST_ELEMENTS], dy[MOST_ELEMENTS], out[MOST_ELEMENTS];
    const clbn_type type = bench_clbn_type(the_case->type);
    const size_t bytes = bench_tensor_bytes(the_case), count = bytes / scalar_size(type);

    read_tensor(tensors, BENCH_X, bytes, x);
    read_tensor(tensors, BENCH_DY, bytes, dy);
    memset(out, 0, bytes);
    write_tensor(tensors, BENCH_OUT, bytes, out);
    must(bench_work_call(work, &failure));
    read_tensor(tensors, BENCH_OUT, bytes, out);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(scalar_get(type, out, i) == result_of(the_case, x, dy, i), "%s %s %s, %s: element %zu is %g, not %g",
                      bench_op_names[the_case->op], bench_layout_names[the_case->layout], bench_type_names[the_case->type],
                      name, i, scalar_get(type, out, i), result_of(the_case, x, dy, i));
}

static void expect_results(const struct bench_case *the_case, size_t stores)
{
    struct bench_tensors tensors;
    struct bench_floor_call call;
    struct bench_work work = { bench_floor_enqueue, &call, session.queue };

    must(bench_tensors_open(&tensors, &session, the_case, &failure));
    bind(&call, the_case, &tensors, stores);
    expect_results_of_work(the_case, &tensors, &work, bench_floor_name(stores));
    bench_tensors_close(&tensors);
}

static const enum bench_type types[] = { BENCH_FLOAT32, BENCH_FLOAT16, BENCH_BFLOAT16 };
static const enum bench_layout layouts[] = { BENCH_NCHW, BENCH_NHWC };

static void expect_results_of(struct bench_shape shape, enum bench_op op)
{
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
        for (size_t l = 0; l < sizeof(layouts) / sizeof(layouts[0]); l++)
            for (size_t stores = 0; stores < BENCH_LIMIT_STORES; stores++) {
                const struct bench_case the_case = { .shape = shape, .op = op, .layout = layouts[l], .type = types[t] };
                expect_results(&the_case, stores);
            }
}

/* Words before a line of the cache, and after whole vectors, too. */
START_TEST(odd_tensors_are_written_whole)
{
    expect_results_of((struct bench_shape){ 4, { 8, 5, 11, 13 } }, BENCH_FORWARD);
    expect_results_of((struct bench_shape){ 4, { 6, 3, 20, 17 } }, BENCH_INFERENCE);
}
END_TEST

/* Of whole vectors. */
START_TEST(dx_takes_x_and_dy)
{
    expect_results_of((struct bench_shape){ 4, { 5, 8, 8, 8 } }, BENCH_BACKWARD);
}
END_TEST

/* Sums are compared with 1, as integers, and where they are it, what is written is another number: the least that there is does it,
 * wherever it lies, since it is added as it is, and its square is nothing. One in every few elements is tried. */
static void expect_reading(const struct bench_case *the_case, enum bench_tensor tensor)
{
    enum { STEP = 13 };
    static const float nothing[MOST_ELEMENTS];
    static float out[MOST_ELEMENTS];
    const size_t bytes = bench_tensor_bytes(the_case), count = bytes / sizeof(float);
    const float least = 0x1p-149f;
    struct bench_tensors tensors;
    struct bench_floor_call call;

    must(bench_tensors_open(&tensors, &session, the_case, &failure));
    write_tensor(&tensors, BENCH_X, bytes, nothing);
    write_tensor(&tensors, BENCH_DY, bytes, nothing);
    bind(&call, the_case, &tensors, 0);
    call.launches[1] = 0; /* It would write over what a first one has written. */
    for (size_t i = 0; i < count; i += STEP) {
        static float some[MOST_ELEMENTS];
        bool differs = false;

        some[i] = least;
        write_tensor(&tensors, tensor, bytes, some);
        some[i] = 0;
        write_tensor(&tensors, BENCH_OUT, bytes, nothing);
        run(&call);
        read_tensor(&tensors, BENCH_OUT, bytes, out);
        for (size_t j = 0; j < count; j++)
            differs = differs || out[j] == (the_case->layout == BENCH_NCHW ? 1 : least);
        ck_assert_msg(differs, "%s %s: element %zu of tensor %d is not read", bench_op_names[the_case->op],
                      bench_layout_names[the_case->layout], i, (int)tensor);
    }
    bench_tensors_close(&tensors);
}

/* Channels first, five rows: four together, and one; of a page and five elements. */
START_TEST(sums_take_every_element)
{
    struct bench_case the_case = { .shape = { 4, { 5, 2, 3, 343 } }, .type = BENCH_FLOAT32 };

    limit.compute_units = 2;
    for (size_t l = 0; l < sizeof(layouts) / sizeof(layouts[0]); l++) {
        the_case.layout = layouts[l];
        the_case.op = BENCH_FORWARD;
        expect_reading(&the_case, BENCH_X);
        the_case.op = BENCH_BACKWARD;
        expect_reading(&the_case, BENCH_X);
        expect_reading(&the_case, BENCH_DY);
    }
}
END_TEST

/* One tensor is 0, so that it makes no difference that elements after whole vectors are added as integers. */
static void expect_small_results(const struct bench_case *the_case, enum bench_tensor zero)
{
    static const float nothing[MOST_ELEMENTS];
    struct bench_tensors tensors;

    must(bench_tensors_open(&tensors, &session, the_case, &failure));
    write_tensor(&tensors, zero, bench_tensor_bytes(the_case), nothing);
    const struct bench_small_call call = bench_small_bind(&limit, &tensors, the_case);
    struct bench_work work = { bench_small_enqueue, &call, session.queue };
    expect_results_of_work(the_case, &tensors, &work, "small");
    bench_tensors_close(&tensors);
}

/* In groups of whole vectors of channels, on devices of few units and of many. */
START_TEST(small_operations_walk_over_their_tensors)
{
    static const struct bench_shape shapes[] = { { 2, { 60, 100 } }, { 2, { 7, 33 } }, { 2, { 3, 1 } } };
    struct bench_case the_case = { .layout = BENCH_NC, .type = BENCH_FLOAT32 };

    for (limit.compute_units = 1; limit.compute_units <= 9; limit.compute_units++)
        for (int i = 0; i < (int)(sizeof(shapes) / sizeof(shapes[0])) * BENCH_OPS; i++) {
            the_case.shape = shapes[i / BENCH_OPS];
            the_case.op = (enum bench_op)(i % BENCH_OPS);
            expect_small_results(&the_case, BENCH_DY);
            if (the_case.op == BENCH_BACKWARD)
                expect_small_results(&the_case, BENCH_X);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench: floor");
    TCase *cases = tcase_create("on a device");
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, odd_tensors_are_written_whole);
    tcase_add_test(cases, dx_takes_x_and_dy);
    tcase_add_test(cases, sums_take_every_element);
    tcase_add_test(cases, small_operations_walk_over_their_tensors);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
