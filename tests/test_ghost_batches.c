/* SPDX-License-Identifier: MIT */
/*
 * Ghost batches: a call gives the bits of calls on one ghost batch after another, which are checked against the reference. Each of
 * these takes the running statistics from the one before, and adds its parameters' gradients to what that left.
 */
#include "allocate.h"
#include "compare.h"
#include "harness.h"
#include "table_walk.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* ---- A call and those that it stands for ---------------------------------------------------------------------------------- */

/* What a ghost batch's call leaves for the next one's. */
static const enum view handed_on[] = { VIEW_RUNNING_MEAN, VIEW_RUNNING_VAR, VIEW_DGAMMA, VIEW_DBETA };

struct hands {
    double *values[COUNT_OF(handed_on)];
};

static void take_over(const struct hands *hands, struct problem *ghost, struct call *call)
{
    for (size_t i = 0; i < COUNT_OF(handed_on); i++)
        if (hands->values[i] != NULL)
            memcpy(ghost->values[handed_on[i]], hands->values[i], view_count(ghost, handed_on[i]) * sizeof(double));
    call->dgamma_factor = call->dbeta_factor = 1;
}

static void hand_on(struct run *run, struct hands *hands)
{
    for (size_t i = 0; i < COUNT_OF(handed_on); i++) {
        if (!run_has(run, handed_on[i]))
            continue;
        free(hands->values[i]);
        hands->values[i] = allocate(run_count(run, handed_on[i]), sizeof(double));
        memcpy(hands->values[i], run_output(run, handed_on[i]), run_count(run, handed_on[i]) * sizeof(double));
    }
}

/* The share of a ghost batch in what the call on all gave. mask: where its mask begins. */
static void expect_share(struct run *whole, struct run *ghost, size_t number, size_t mask)
{
    for (enum view view = 0; view < VIEWS; view++) {
        if (!run_writes(whole, view) || is_parameter(view))
            continue;
        const size_t count = run_count(ghost, view);
        const size_t begin = view == VIEW_MASK ? mask : is_tensor(view) ? ghost_begin(whole->problem, number) : number * count;
        expect_same_bits(view_name(view), run_output(whole, view) + begin, run_output(ghost, view), count);
    }
}

static void expect_handed_on(struct run *whole, const struct hands *hands)
{
    for (size_t i = 0; i < COUNT_OF(handed_on); i++)
        if (run_writes(whole, handed_on[i]))
            expect_same_bits(view_name(handed_on[i]), run_output(whole, handed_on[i]), hands->values[i],
                             run_count(whole, handed_on[i]));
}

/* A run of the whole that has ended, against runs of the ghost batches. */
static void expect_ghosts(int config, struct run *whole)
{
    struct hands hands = { { NULL } };
    struct layout layout = { 0 };
    size_t mask = 0;
    for (size_t number = 0; number < problem_ghosts(whole->problem); number++) {
        struct problem problem = problem_ghost(whole->problem, number);
        struct call call = whole->call;
        if (call.layout != NULL) {
            layout = *call.layout;
            layout.by_x = false;
            call.layout = &layout;
        }
        if (number > 0)
            take_over(&hands, &problem, &call);
        struct run run = run_prepare(test_engine(config), &problem, &call);
        run_now(&run);
        verify_run(&run);
        expect_share(whole, &run, number, mask);
        hand_on(&run, &hands);
        if (run_has(&run, VIEW_MASK))
            mask += run_count(&run, VIEW_MASK);
        run_release(&run);
        problem_free(&problem);
    }
    expect_handed_on(whole, &hands);
    for (size_t i = 0; i < COUNT_OF(handed_on); i++)
        free(hands.values[i]);
}

static void check_ghosts(int config, const struct problem *problem, const struct call *call)
{
    say_call(config, problem, call);
    struct run run = run_prepare(test_engine(config), problem, call);
    run_now(&run);
    expect_ghosts(config, &run);
    run_release(&run);
}

/* ---- Shapes, types, activations ------------------------------------------------------------------------------------------- */

/* Uneven and even, one value, one entry to a ghost batch, channels first, last and along several axes, long channels, a batch that does
 * not come first in a row's memory. */
static const struct {
    struct shape shape;
    size_t ghost_batch;
} cases[] = {
    { { 4, 1, { 7, 5, 7, 7 } }, 3 },
    { { 2, 1, { 23, 6 } }, 4 },
    { { 4, 3, { 5, 3, 7, 19 } }, 2 },
    { { 3, 1, { 6, 3, 257 } }, 3 },
    { { 3, 2, { 3, 17, 64 } }, 1 },
    { { 3, EACH_POSITION, { 5, 4, 5 } }, 2 },
    { { 4, CHANNEL_AXES(6), { 5, 2, 3, 70 } }, 2 },
    { { 3, 1, { 4, 1, 9000 } }, 2 },
    { { 4, 1, { 3, 35, 1, 49 } }, 2 },
};

static enum source source_of(const struct problem *problem, size_t variation)
{
    const struct activation *activation = &problem->activation;
    if (variation % 4 == 1 && activation_follows_from_output(activation))
        return FROM_Y;
    if (variation % 4 == 2 && activation_has_mask(activation))
        return FROM_MASK;
    if (variation % 4 == 3 && activation->function == CLBN_ACTIVATION_NONE && problem->type == parameter_type(problem->type))
        return FROM_Y_ALONE;
    return FROM_X;
}

static bool has_one_value(const struct problem *problem)
{
    struct problem last = problem_ghost(problem, problem_ghosts(problem) - 1);
    const size_t values = shape_values_per_channel(&last.shape);
    problem_free(&last);
    return values == 1;
}

static void check_case(int config, size_t number, clbn_type type, size_t variation)
{
    struct problem problem = problem_random(&cases[number].shape, type, 1e-5, number);
    problem.activation = activation_of(tested_activation(config, type, variation));
    problem_divide(&problem, cases[number].ghost_batch);
    struct call forward = varied_call(FORWARD_TRAINING, variation), backward = varied_call(BACKWARD, variation);
    forward.views |= WITH(VIEW_MASK) | (variation % 3 == 0 ? WITH(VIEW_Z) : 0);
    forward.update_factor = 0.25;
    forward.running_variance = has_one_value(&problem) ? CLBN_BIASED : CLBN_UNBIASED;
    check_ghosts(config, &problem, &forward);
    backward.source = source_of(&problem, variation);
    backward.views |= variation % 3 == 0 && backward.source != FROM_Y_ALONE ? WITH_RESIDUAL : WITH(VIEW_DZ);
    if (variation % 5 == 2 && backward.source != FROM_Y_ALONE)
        backward.views &= ~WITH_SAVED;
    if (variation % 2 == 0)
        accumulate(&backward);
    check_ghosts(config, &problem, &backward);
    problem_free(&problem);
}

START_TEST(each_ghost_batch_has_its_statistics)
{
    clbn_type types[MAX_STORED_TYPES];
    const int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++)
        for (size_t i = 0; i < COUNT_OF(cases); i++)
            if (is_drawn_for(_i, i + 2 * (size_t)t + (size_t)_i, 4))
                check_case(_i, i, types[t], i + 2 * (size_t)t + (size_t)_i);
}
END_TEST

/* As without ghost batches. */
START_TEST(running_statistics_know_no_ghosts)
{
    static const enum operation operations[] = { FORWARD_INFERENCE, BACKWARD_FROZEN, FOLD, SECOND_BACKWARD_FROZEN };
    for (size_t i = 0; i < 3; i++)
        for (size_t o = 0; o < COUNT_OF(operations); o++) {
            struct problem problem = problem_random(&cases[i].shape, CLBN_FLOAT32, 1e-5, i);
            struct call call = varied_call(operations[o], i);
            problem_divide(&problem, cases[i].ghost_batch);
            if (o < 2)
                problem.activation = activation_of(tested_activation(_i, CLBN_FLOAT32, CLBN_ACTIVATION_RELU));
            call.source = o == 1 && activation_has_mask(&problem.activation) ? FROM_MASK : FROM_X;
            verify_call(_i, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

/* Rounded once by each ghost batch. */
START_TEST(parameters_may_have_16_bits)
{
    static const clbn_type types[] = { CLBN_FLOAT16, CLBN_BFLOAT16 };
    for (size_t t = 0; t < COUNT_OF(types); t++)
        for (enum operation operation = FORWARD_TRAINING; operation <= BACKWARD; operation += BACKWARD - FORWARD_TRAINING) {
            struct problem problem = problem_random(&cases[t].shape, CLBN_FLOAT32, 1e-5, t);
            struct call call = call_of(operation);
            problem_store_parameters(&problem, types[t]);
            problem_divide(&problem, cases[t].ghost_batch);
            check_ghosts(_i, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

/* ---- Memory --------------------------------------------------------------------------------------------------------------- */

static void check_layout(int config, const struct shape *shape, const struct layout *layout)
{
    struct problem problem = problem_random(shape, CLBN_FLOAT32, 1e-5, 3);
    struct call forward = varied_call(FORWARD_TRAINING, 1), backward = varied_call(BACKWARD, 1);
    problem_divide(&problem, 2);
    forward.layout = backward.layout = layout;
    check_ghosts(config, &problem, &forward);
    check_ghosts(config, &problem, &backward);
    problem_free(&problem);
}

/* The batch runs fastest, in all that lie as x does, or in y alone; others are slices of greater tensors, or padded rows. */
START_TEST(tensors_lie_anyhow)
{
    static const struct shape shape = { 3, 1, { 5, 3, 21 } };
    static const size_t fastest[] = { 1, 5, 15 }, slice[] = { 4 * 3 * 21, 21, 1 }, padded[] = { 3 * 32, 32, 1 };
    static const enum view tensors[] = { VIEW_X, VIEW_Y, VIEW_Z, VIEW_DY, VIEW_DX, VIEW_DZ };
    struct layout by_x = { .by_x = true }, mixed = { .by_x = false };
    for (size_t i = 0; i < COUNT_OF(tensors); i++)
        layout_give(&by_x, tensors[i], fastest, 3);
    layout_give(&mixed, VIEW_X, slice, 3);
    layout_give(&mixed, VIEW_Y, fastest, 3);
    layout_give(&mixed, VIEW_DX, padded, 3);
    check_layout(_i, &shape, &by_x);
    check_layout(_i, &shape, &mixed);
}
END_TEST

START_TEST(one_gradient_serves_all)
{
    static const struct shape shape = { 3, 1, { 5, 3, 21 } };
    static const size_t repeated[] = { 0, 0, 0 };
    struct layout layout = { 0 };
    struct problem problem = problem_random(&shape, CLBN_FLOAT32, 1e-5, 3);
    struct call call = call_of(BACKWARD);
    layout_give(&layout, VIEW_DY, repeated, 3);
    for (size_t i = 0; i < shape_elements(&shape); i++)
        problem.values[VIEW_DY][i] = problem.values[VIEW_DY][0];
    problem_divide(&problem, 2);
    call.layout = &layout;
    check_ghosts(_i, &problem, &call);
    problem_free(&problem);
}
END_TEST

/* ---- Queues --------------------------------------------------------------------------------------------------------------- */

/* Nothing begins before the wait list, and the event is that of all. */
START_TEST(ghost_batches_follow_each_other_in_any_queue)
{
    static const enum operation operations[] = { FORWARD_TRAINING, BACKWARD };
    for (size_t i = 0; i < 2 * COUNT_OF(operations); i++) {
        struct problem problem = problem_random(&cases[i / 2].shape, CLBN_FLOAT32, 1e-5, 1);
        struct call call = call_of(operations[i % 2]);
        problem_divide(&problem, cases[i / 2].ghost_batch);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        cl_event gate = clCreateUserEvent(test_context(), NULL), event = NULL;
        cl_int state = CL_COMPLETE;
        say_call(_i, &problem, &call);
        expect_success(run_enqueue(&run, out_of_order_queue(), 1, &gate, &event));
        expect_success(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL));
        ck_assert_int_ne(state, CL_COMPLETE);
        expect_success(clSetUserEventStatus(gate, CL_COMPLETE));
        run_wait(event);
        expect_ghosts(_i, &run);
        clReleaseEvent(gate);
        run_release(&run);
        problem_free(&problem);
    }
}
END_TEST

/* ---- How many ------------------------------------------------------------------------------------------------------------- */

static size_t ghosts_of(size_t batch, size_t ghost_batch)
{
    const struct shape shape = { 2, 1, { batch, 3 } };
    clbn_plan_desc desc = plan_description(&shape, CLBN_FLOAT32, 1e-5);
    size_t count = 0;
    desc.ghost_batch = ghost_batch;
    clbn_plan plan = create_described_plan(test_engine(0), &desc);
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_GHOST_BATCHES, sizeof count, &count, NULL));
    expect_success(clbnReleasePlan(plan));
    return count;
}

START_TEST(a_batch_has_so_many)
{
    ck_assert_uint_eq(ghosts_of(8, 0), 1);
    ck_assert_uint_eq(ghosts_of(8, 8), 1);
    ck_assert_uint_eq(ghosts_of(8, 100), 1);
    ck_assert_uint_eq(ghosts_of(8, 7), 2);
    ck_assert_uint_eq(ghosts_of(8, 4), 2);
    ck_assert_uint_eq(ghosts_of(8, 3), 3);
    ck_assert_uint_eq(ghosts_of(8, 1), 8);
    ck_assert_uint_eq(ghosts_of(0, 3), 1);
}
END_TEST

/* An empty batch, and one that is no larger than a ghost batch. */
START_TEST(a_batch_that_is_one_is_as_without)
{
    static const struct shape shapes[] = { { 3, 1, { 0, 3, 5 } }, { 3, 1, { 4, 3, 5 } }, { 3, 1, { 4, 3, 0 } } };
    for (size_t s = 0; s < COUNT_OF(shapes); s++)
        for (enum operation operation = FORWARD_TRAINING; operation < OPERATIONS; operation++) {
            struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, s);
            struct call call = call_of(operation);
            problem.ghost_batch = 4;
            say_call(0, &problem, &call);
            struct run run = run_prepare(test_engine(0), &problem, &call);
            run_now(&run);
            if (shape_elements(&shapes[s]) > 0)
                verify_run(&run);
            run_release(&run);
            problem_free(&problem);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ghost batches");
    TCase *tests = tcase_create("ghost batches");
    add_test_of_configs(tests, each_ghost_batch_has_its_statistics, ENGINE_CONFIGS);
    add_test_of_configs(tests, running_statistics_know_no_ghosts, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(tests, parameters_may_have_16_bits, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(tests, tensors_lie_anyhow, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(tests, one_gradient_serves_all, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(tests, ghost_batches_follow_each_other_in_any_queue, PLAIN_ENGINE_CONFIGS);
    tcase_add_test(tests, a_batch_has_so_many);
    tcase_add_test(tests, a_batch_that_is_one_is_as_without);
    suite_add_tcase(suite, tests);
    return run_suite_unoptimized(suite);
}
