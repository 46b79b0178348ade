/* SPDX-License-Identifier: MIT */
/* 'clbn bench' with an activation and a residual: its backward has the slopes from the mask that its forward wrote. */
#include "bench/device.h"
#include "bench/operation.h"
#include "bench/tensors.h"
#include "io/device.h"
#include "suite_runner.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 8 * 5 * 7 * 9 };

static const struct bench_case backward = { .shape = { 4, { 8, 5, 7, 9 } },
                                            .op = BENCH_BACKWARD,
                                            .layout = BENCH_NCHW,
                                            .type = BENCH_FLOAT32,
                                            .activation = CLBN_ACTIVATION_RELU,
                                            .residual = true };

static struct failure failure;
static struct session session;
static struct bench_tensors tensors;
static struct bench_operation operation;

static void must(bool done)
{
    ck_assert_msg(done, "%s", failure.sentence);
}

static void set_up(void)
{
    const struct session_options options = { .device = getenv("CLBN_TEST_DEVICE") };
    must(session_open(&session, &options, &failure));
    must(bench_tensors_open(&tensors, &session, &backward, &failure));
    must(bench_operation_open(&operation, &session, &backward, &tensors, &failure));
}

static void tear_down(void)
{
    bench_operation_close(&operation);
    bench_tensors_close(&tensors);
    session_close(&session);
}

static void read_tensor(enum bench_tensor tensor, float values[ELEMENTS])
{
    ck_assert_int_eq(clEnqueueReadBuffer(session.queue, tensors.tensors[tensor], CL_TRUE, 0, ELEMENTS * sizeof(float), values,
                                         0, NULL, NULL),
                     CL_SUCCESS);
}

/* dz by a call of our own, with slopes from x, and from z if that is given. */
static void compute_dz(cl_mem z, float values[ELEMENTS])
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;
    args.x.buffer = tensors.tensors[BENCH_X];
    args.dy.buffer = tensors.tensors[BENCH_DY];
    args.z.buffer = z;
    args.gamma.buffer = tensors.vectors[BENCH_GAMMA];
    args.beta.buffer = tensors.vectors[BENCH_BETA];
    args.save_mean.buffer = tensors.vectors[BENCH_SAVE_MEAN];
    args.save_invstd.buffer = tensors.vectors[BENCH_SAVE_INVSTD];
    args.dz.buffer = tensors.tensors[BENCH_DZ];
    ck_assert_int_eq(clbnEnqueueBackward(operation.plan, session.queue, &args, 0, NULL, NULL), CLBN_SUCCESS);
    read_tensor(BENCH_DZ, values);
}

static unsigned count_differences(const float *some, const float *others)
{
    unsigned count = 0;
    for (int i = 0; i < ELEMENTS; i++)
        count += memcmp(&some[i], &others[i], sizeof(float)) != 0;
    return count;
}

/* dz is dy or 0, by the slope; at most one element lies on the kink but for its rounding. */
START_TEST(the_backward_takes_the_mask)
{
    static float from_bench[ELEMENTS], from_z[ELEMENTS], from_x[ELEMENTS];
    struct bench_work work = { bench_operation_enqueue, &operation, session.queue };
    ck_assert_ptr_nonnull(operation.mask);
    must(bench_work_call(&work, &failure));
    read_tensor(BENCH_DZ, from_bench);
    compute_dz(tensors.tensors[BENCH_Z], from_z);
    compute_dz(NULL, from_x);
    ck_assert_uint_le(count_differences(from_bench, from_z), 1);
    ck_assert_uint_gt(count_differences(from_bench, from_x), ELEMENTS / 20);
}
END_TEST

/* A mask of zeros: no slope anywhere. */
START_TEST(another_mask_gives_other_slopes)
{
    static float dz[ELEMENTS];
    struct bench_work work = { bench_operation_enqueue, &operation, session.queue };
    const cl_uchar zero = 0;
    size_t size = 0;
    ck_assert_int_eq(clbnGetPlanInfo(operation.plan, CLBN_PLAN_MASK_SIZE, sizeof(size), &size, NULL), CLBN_SUCCESS);
    ck_assert_int_eq(clEnqueueFillBuffer(session.queue, operation.mask, &zero, 1, 0, size, 0, NULL, NULL), CL_SUCCESS);
    must(bench_work_call(&work, &failure));
    read_tensor(BENCH_DZ, dz);
    for (int i = 0; i < ELEMENTS; i++)
        ck_assert(dz[i] == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench: mask");
    TCase *cases = tcase_create("on a device");
    tcase_set_timeout(cases, 0);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, the_backward_takes_the_mask);
    tcase_add_test(cases, another_mask_gives_other_slopes);
    suite_add_tcase(suite, cases);
    return run_in_one_process(suite);
}
