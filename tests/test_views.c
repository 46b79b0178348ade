/* SPDX-License-Identifier: MIT */
/* Where tensors lie: strides, slices of larger buffers, repeated elements, shared virtual memory. */
#include "allocate.h"
#include "compare.h"
#include "svm.h"
#include "table_walk.h"
#include "verify.h"

#include <stdint.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* ---- Arrangements in memory ----------------------------------------------------------------------------------------------- */

enum order { IN_ORDER, CHANNELS_LAST, REVERSED };

/* Elements from one index of the fastest axis to the next, and left free between the indices of the slowest one and of all
 * others. */
struct arrangement {
    const char *name;
    enum order order;
    size_t step, gap, slowest_gap;
};

static const struct arrangement arrangements[] = {
    { "packed", IN_ORDER, 1, 0, 0 },
    { "padded rows", IN_ORDER, 1, 3, 0 },
    { "slices of a larger buffer", IN_ORDER, 1, 0, 37 },
    { "aligned slices", IN_ORDER, 1, 0, 64 },
    { "channels last", CHANNELS_LAST, 1, 0, 0 },
    { "slices of channels last", CHANNELS_LAST, 1, 5, 0 },
    { "transposed", REVERSED, 1, 0, 0 },
    { "every second element", IN_ORDER, 2, 0, 0 },
    { "nothing together", REVERSED, 3, 1, 2 },
    { "padded everywhere", IN_ORDER, 1, 1, 1 },
};
enum { ARRANGEMENTS = COUNT_OF(arrangements) };

/* The axes from the fastest to the slowest. */
static void sort_axes(const struct shape *shape, enum order order, unsigned axes[SHAPE_MAX_RANK])
{
    unsigned count = 0;
    bool has_channels = shape->channel_axis < shape->rank;
    if (order == CHANNELS_LAST && has_channels)
        axes[count++] = shape->channel_axis;
    for (unsigned i = 0; i < shape->rank; i++) {
        unsigned axis = order == REVERSED ? i : shape->rank - 1 - i;
        if (order != CHANNELS_LAST || axis != shape->channel_axis)
            axes[count++] = axis;
    }
}

static void arrange(const struct shape *shape, const struct arrangement *arrangement, size_t strides[SHAPE_MAX_RANK])
{
    unsigned axes[SHAPE_MAX_RANK];
    size_t reach = arrangement->step;
    sort_axes(shape, arrangement->order, axes);
    for (unsigned i = 0; i < shape->rank; i++) {
        if (i > 0)
            reach += i == shape->rank - 1 ? arrangement->slowest_gap : arrangement->gap;
        strides[axes[i]] = reach;
        reach *= shape->lengths[axes[i]];
    }
}

static void lay_out(struct layout *layout, enum view view, const struct shape *shape, const struct arrangement *arrangement)
{
    size_t strides[SHAPE_MAX_RANK];
    arrange(shape, arrangement, strides);
    layout_give(layout, view, strides, shape->rank);
}

/* Tensors are arranged as the number says; apart: each in another way. */
static struct layout layout_number(const struct shape *shape, size_t number, bool apart)
{
    struct layout layout = { .given = 0 };
    for (enum view view = 0; view < VIEWS; view++)
        if (is_tensor(view))
            lay_out(&layout, view, shape, &arrangements[(number + (apart ? (size_t)view : 0)) % ARRANGEMENTS]);
    return layout;
}

/* Each number of axes that are left in pieces has programs of its own, which take seconds to compile. So the first shape
 * alone is tested with all types and engines, and only the first ones with tensors that all differ. */
static const struct shape shapes[] = {
    { 3, 1, { 4, 3, 65 } },
    { 4, 1, { 3, 5, 4, 6 } },
    { 4, 3, { 3, 4, 6, 5 } },
    { 3, EACH_POSITION, { 9, 4, 5 } },
    { 2, 1, { 60, 19 } },
    { 2, 0, { 7, 150 } },
    { 4, 1, { 2, 16, 7, 16 } },
    { 4, 1, { 1, 35, 1, 7 } },
    { 7, 3, { 2, 1, 2, 3, 2, 1, 3 } },
    { 3, 1, { 1, 2, 8192 } }, /* where columns lie side by side, they are cut into rows */
};
enum { SHAPES = COUNT_OF(shapes), SHAPES_APART = 4 };

/* What is called varies with the number, so that all of it meets each arrangement. */
static struct call arranged_call(size_t variation, bool apart)
{
    struct call call = varied_call((enum operation)(variation % OPERATIONS), variation);
    call.views |= variation % 4 == 0 ? 0 : WITH_EXTRAS;
    call.in_place = !apart && variation % 3 == 0;
    call.residual_in_place = !apart && variation % 3 == 1;
    call.running_variance = CLBN_BIASED;
    return call;
}

static void check_arrangement(int config, const struct shape *shape, clbn_type type, size_t number, bool apart)
{
    struct layout layout = layout_number(shape, number, apart);
    struct problem problem = problem_random(shape, type, 1e-5, number);
    problem.activation = activation_of(tested_activation(config, type, CLBN_ACTIVATION_RELU));
    for (size_t i = 0; i < OPERATIONS; i++) {
        struct call call = arranged_call(i + OPERATIONS * (number + (size_t)config), apart);
        call.layout = &layout;
        if (is_backward(call.operation) && activation_follows_from_output(&problem.activation) && number % 3 != 0)
            call.source = number % 3 == 1 || !activation_has_mask(&problem.activation) ? FROM_Y : FROM_MASK;
        verify_call(config, &problem, &call);
    }
    problem_free(&problem);
}

/* Each number of axes that a layout is left with has programs of its own. The short run takes of the plain engines every fifth, of the
 * others every thirtieth; each configuration and type begins at another one. */
static bool is_one_of_many(int config, clbn_type type, size_t number)
{
    const size_t step = is_full_run() ? 1 : type == CLBN_FLOAT32 && config < PLAIN_ENGINE_CONFIGS ? 5 : 30;
    return (number + (size_t)config + (size_t)type) % step == 0;
}

static void check_arrangements(int config, bool apart)
{
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(config, types);
    for (size_t s = 0; s < (apart ? SHAPES_APART : SHAPES); s++)
        for (size_t number = 0; number < ARRANGEMENTS; number++)
            for (int t = 0; t < type_count; t++)
                if (((s == 0 && !apart) || (types[t] == CLBN_FLOAT32 && config < PLAIN_ENGINE_CONFIGS)) &&
                    is_one_of_many(config, types[t], s + number))
                    check_arrangement(config, &shapes[s], types[t], number, apart);
}

START_TEST(tensors_of_one_arrangement_agree)
{
    check_arrangements(_i, false);
}
END_TEST

START_TEST(tensors_of_several_arrangements_agree)
{
    check_arrangements(_i, true);
}
END_TEST

/* ---- Packed --------------------------------------------------------------------------------------------------------------- */

static void expect_same_outputs(struct run *run, struct run *other)
{
    run_now(run);
    run_now(other);
    for (enum view view = 0; view < VIEWS; view++)
        if (run_writes(run, view))
            expect_same_bits(view_name(view), run_output(other, view), run_output(run, view), run_count(run, view));
    run_release(run);
    run_release(other);
}

START_TEST(strides_of_packed_tensors_change_nothing)
{
    for (size_t s = 0; s < SHAPES; s++)
        for (enum operation operation = 0; operation < OPERATIONS; operation++) {
            struct layout layout = layout_number(&shapes[s], 0, false);
            struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, s);
            struct call packed = call_of(operation);
            packed.views |= WITH_EXTRAS;
            packed.running_variance = CLBN_BIASED;
            struct call strided = packed;
            strided.layout = &layout;
            problem.activation = activation_of(tested_activation(_i, CLBN_FLOAT32, CLBN_ACTIVATION_RELU));
            say_call(_i, &problem, &strided);
            struct run runs[2] = { run_prepare(test_engine(_i), &problem, &packed),
                                   run_prepare(test_engine(_i), &problem, &strided) };
            expect_same_outputs(&runs[0], &runs[1]);
            problem_free(&problem);
        }
}
END_TEST

/* Tensors without strides are packed in the order of x's. */
START_TEST(packed_tensors_have_the_order_of_x)
{
    for (size_t s = 0; s < SHAPES_APART; s++)
        for (size_t number = 1; number < ARRANGEMENTS; number++) {
            if (!is_one_of_many(_i, CLBN_FLOAT32, s + number))
                continue;
            const struct arrangement packed = { "packed", arrangements[number].order, 1, 0, 0 };
            struct layout layout = layout_number(&shapes[s], number, false);
            struct problem problem = problem_random(&shapes[s], CLBN_FLOAT32, 1e-5, s);
            problem.activation = activation_of(tested_activation(_i, CLBN_FLOAT32, CLBN_ACTIVATION_RELU));
            layout.by_x = true;
            for (enum view view = 0; view < VIEWS; view++)
                if (is_tensor(view) && view != VIEW_X)
                    lay_out(&layout, view, &shapes[s], &packed);
            for (enum operation operation = 0; operation < OPERATIONS; operation++) {
                struct call call = call_of(operation);
                call.views |= WITH_EXTRAS;
                call.running_variance = CLBN_BIASED;
                call.layout = &layout;
                verify_call(_i, &problem, &call);
            }
            problem_free(&problem);
        }
}
END_TEST

/* Each position a channel: as a matrix of as many columns as positions. */
START_TEST(statistics_per_activation_are_those_of_a_matrix)
{
    static const struct shape positions = { 4, EACH_POSITION, { 9, 3, 4, 5 } }, matrix = { 2, 1, { 9, 60 } };
    for (clbn_activation function = 0; function < ACTIVATIONS; function++)
        for (enum operation operation = 0; is_tested(_i, CLBN_FLOAT32, function) && operation < OPERATIONS; operation++) {
            struct problem one = problem_random(&positions, CLBN_FLOAT32, 1e-5, 3);
            struct problem other = problem_random(&matrix, CLBN_FLOAT32, 1e-5, 3);
            struct call call = call_of(operation);
            call.views |= WITH_EXTRAS;
            one.activation = other.activation = activation_of(function);
            say_call(_i, &one, &call);
            struct run runs[2] = { run_prepare(test_engine(_i), &one, &call), run_prepare(test_engine(_i), &other, &call) };
            expect_same_outputs(&runs[0], &runs[1]);
            problem_free(&one);
            problem_free(&other);
        }
}
END_TEST

/* An axis of one index is never walked along. */
START_TEST(the_stride_of_an_axis_of_length_1_is_never_looked_at)
{
    static const size_t strides[] = { 0, 1, 12345, SIZE_MAX }; /* the last is -1 to the plan */
    static const struct shape single = { 4, 1, { 5, 1, 1, 7 } };
    for (size_t i = 0; i < COUNT_OF(strides); i++)
        for (enum operation operation = 0; operation < OPERATIONS; operation++) {
            struct layout layout = layout_number(&single, 1, false);
            struct problem problem = problem_random(&single, CLBN_FLOAT32, 1e-5, i);
            struct call call = call_of(operation);
            call.layout = &layout;
            for (enum view view = 0; view < VIEWS; view++)
                if (is_tensor(view))
                    layout.strides[view][1] = layout.strides[view][2] = strides[i];
            verify_call(_i, &problem, &call);
            problem_free(&problem);
        }
}
END_TEST

/* ---- Repeated elements ---------------------------------------------------------------------------------------------------- */

/* Elements at the same place have the value of the first of them. */
static void repeat(struct problem *problem, enum view view, const size_t *strides)
{
    size_t count = view_count(problem, view);
    size_t *positions = shape_positions(&problem->shape, strides);
    double *first = allocate(count, sizeof *first);
    bool *is_set = allocate(count, sizeof *is_set);
    for (size_t i = 0; i < count; i++) {
        size_t at = positions[i];
        if (!is_set[at])
            first[at] = problem->values[view][i];
        is_set[at] = true;
        problem->values[view][i] = first[at];
    }
    free(is_set);
    free(first);
    free(positions);
}

/* Along some axes, a set of bits. */
static void check_repeated(int config, const struct shape *shape, clbn_type type, enum view view, unsigned axes)
{
    for (enum operation operation = 0; operation < OPERATIONS; operation++) {
        struct layout layout = { .given = 0 };
        struct problem problem = problem_random(shape, type, 1e-3, axes);
        struct call call = call_of(operation);
        lay_out(&layout, view, shape, &arrangements[0]);
        for (unsigned axis = 0; axis < shape->rank; axis++)
            layout.strides[view][axis] *= (axes >> axis & 1) == 0;
        repeat(&problem, view, layout.strides[view]);
        problem_complete(&problem);
        problem.activation = activation_of(tested_activation(config, type, CLBN_ACTIVATION_RELU));
        call.layout = &layout;
        call.views |= WITH_RESIDUAL;
        verify_call(config, &problem, &call);
        problem_free(&problem);
    }
}

/* Strides of 0: one row, image or value for all, and, along all axes, one number, as the gradient of a sum is. */
START_TEST(read_tensors_may_repeat_their_elements)
{
    static const struct shape repeating[] = {
        { 4, 1, { 3, 5, 4, 33 } }, { 4, 3, { 3, 4, 6, 5 } }, { 2, 1, { 60, 19 } }, { 3, 1, { 8, 3, 5 } }
    };
    static const enum view views[] = { VIEW_X, VIEW_Z, VIEW_DY };
    for (size_t s = 0; s < COUNT_OF(repeating); s++)
        for (size_t v = 0; v < COUNT_OF(views); v++) {
            for (unsigned axis = 0; axis < repeating[s].rank; axis++)
                if (is_one_of_many(_i, CLBN_FLOAT32, s + v + axis))
                    check_repeated(_i, &repeating[s], CLBN_FLOAT32, views[v], 1u << axis);
            if (is_one_of_many(_i, CLBN_FLOAT32, s + v))
                check_repeated(_i, &repeating[s], CLBN_FLOAT32, views[v], ~0u);
        }
}
END_TEST

/* Of all types: (8, 3, 5), dy a single 1 in a buffer that is as large as the tensor. */
START_TEST(the_gradient_of_a_sum_is_one_number)
{
    static const struct shape summed = { 3, 1, { 8, 3, 5 } };
    static const size_t zeros[SHAPE_MAX_RANK];
    clbn_type types[MAX_STORED_TYPES];
    int type_count = stored_types(_i, types);
    for (int t = 0; t < type_count; t++) {
        struct layout layout = { .given = 0 };
        struct problem problem = problem_random(&summed, types[t], 1e-5, 1);
        struct call call = call_of(BACKWARD);
        cl_event event = NULL;
        problem.values[VIEW_DY][0] = 1;
        repeat(&problem, VIEW_DY, zeros);
        layout_give(&layout, VIEW_DY, zeros, summed.rank);
        call.layout = &layout;
        say_call(_i, &problem, &call);
        struct run run = run_prepare(test_engine(_i), &problem, &call);
        const struct placement packed = { 0 };
        double *values = allocate(shape_elements(&summed), sizeof *values);
        values[0] = 1;
        for (size_t i = 1; i < shape_elements(&summed); i++)
            values[i] = -7;
        guarded_release(&run.views[VIEW_DY]);
        run.views[VIEW_DY] = guarded_create(types[t], shape_elements(&summed), packed, values);
        expect_success(run_enqueue(&run, in_order_queue(), 0, NULL, &event));
        run_wait(event);
        for (size_t c = 0; c < 3; c++)
            ck_assert_msg(run_output(&run, VIEW_DBETA)[c] == 40, "%s: dbeta is %g, not 40", what_is_tested(),
                          run_output(&run, VIEW_DBETA)[c]);
        run_release(&run);
        free(values);
        problem_free(&problem);
    }
}
END_TEST

/* ---- Slices of one buffer ------------------------------------------------------------------------------------------------- */

/* As in DenseNet: the channels of one tensor lie beside those of another in one buffer, twice as many of them to each row of
 * axes before the channel axis. */
static void interleave(const struct shape *shape, struct layout *layout, enum view view)
{
    lay_out(layout, view, shape, &arrangements[0]);
    for (unsigned axis = 0; axis < shape->channel_axis; axis++)
        layout->strides[view][axis] *= 2;
}

static void check_interleaved(int config, const struct shape *shape, enum operation operation, enum view output,
                              enum view beside)
{
    struct layout layout = { .given = 0 };
    struct problem problem = problem_random(shape, CLBN_FLOAT32, 1e-5, 1);
    struct call call = call_of(operation);
    cl_event event = NULL;
    interleave(shape, &layout, output);
    interleave(shape, &layout, beside);
    call.layout = &layout;
    call.views |= WITH_RESIDUAL;
    problem.activation = activation_of(tested_activation(config, CLBN_FLOAT32, CLBN_ACTIVATION_RELU));
    say_call(config, &problem, &call);
    struct run run = run_prepare(test_engine(config), &problem, &call);
    size_t *positions = shape_positions(shape, layout.strides[output]);
    size_t slice = layout.strides[output][shape->channel_axis] * shape_channels(shape);
    const struct placement placement = { .positions = positions, .spare = slice };
    guarded_release(&run.views[beside]);
    guarded_release(&run.views[output]);
    run.views[beside] = guarded_create(problem.type, shape_elements(shape), placement, problem.values[beside]);
    run.views[output] = guarded_create_within(&run.views[beside], shape_elements(shape), slice, positions);
    expect_success(run_enqueue(&run, in_order_queue(), 0, NULL, &event));
    run_wait(event);
    verify_run(&run);
    run_release(&run);
    free(positions);
    problem_free(&problem);
}

START_TEST(views_may_interleave_in_one_buffer)
{
    static const struct shape interleaved[] = { { 4, 1, { 3, 5, 4, 6 } }, { 4, 3, { 3, 4, 6, 5 } }, { 2, 1, { 60, 19 } } };
    for (size_t s = 0; s < COUNT_OF(interleaved); s++) {
        check_interleaved(_i, &interleaved[s], FORWARD_TRAINING, VIEW_Y, VIEW_X);
        check_interleaved(_i, &interleaved[s], FORWARD_TRAINING, VIEW_Y, VIEW_Z);
        check_interleaved(_i, &interleaved[s], FORWARD_INFERENCE, VIEW_Y, VIEW_X);
        check_interleaved(_i, &interleaved[s], NORMALIZE, VIEW_Y, VIEW_X);
        check_interleaved(_i, &interleaved[s], BACKWARD, VIEW_DX, VIEW_DY);
        check_interleaved(_i, &interleaved[s], BACKWARD, VIEW_DX, VIEW_X);
        check_interleaved(_i, &interleaved[s], BACKWARD, VIEW_DZ, VIEW_DY);
        check_interleaved(_i, &interleaved[s], BACKWARD_FROZEN, VIEW_DX, VIEW_DY);
        check_interleaved(_i, &interleaved[s], BACKWARD_INPUT, VIEW_DX, VIEW_DY);
    }
}
END_TEST

/* ---- Shared virtual memory ------------------------------------------------------------------------------------------------ */

/* All views, every second, the others, single ones. */
static const unsigned shared[] = { ~0u, 0x55555555u, 0xaaaaaaaau, WITH(VIEW_X) | WITH(VIEW_DY), WITH_WORKSPACE };

START_TEST(views_may_be_in_shared_virtual_memory)
{
    static const struct shape in_svm[] = { { 4, 1, { 3, 5, 4, 33 } }, { 2, 1, { 175, 19 } } };
    for (size_t i = 0; device_has_svm() && i < COUNT_OF(shared) * COUNT_OF(in_svm); i++) {
        struct problem problem = problem_random(&in_svm[i % 2], CLBN_FLOAT32, 1e-5, i);
        problem.activation = activation_of(tested_activation(_i, CLBN_FLOAT32, CLBN_ACTIVATION_RELU));
        for (enum operation operation = 0; operation < OPERATIONS; operation++)
            for (enum source source = 0; source < (is_backward(operation) ? FROM_Y_ALONE : 1); source++) {
                struct call call = call_of(operation);
                call.views |= WITH_EXTRAS;
                call.source = source;
                call.svm = shared[i / 2];
                call.own_workspace = i % 4 < 2 || call.svm == WITH_WORKSPACE;
                call.offset = i % 3;
                call.in_place = i % 4 == 3;
                verify_call(_i, &problem, &call);
            }
        problem_free(&problem);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("views");
    TCase *cases = tcase_create("strides");
    add_test_of_configs(cases, tensors_of_one_arrangement_agree, ENGINE_CONFIGS);
    add_test_of_configs(cases, tensors_of_several_arrangements_agree, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, strides_of_packed_tensors_change_nothing, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, packed_tensors_have_the_order_of_x, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, statistics_per_activation_are_those_of_a_matrix, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, the_stride_of_an_axis_of_length_1_is_never_looked_at, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, views_may_interleave_in_one_buffer, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(cases, views_may_be_in_shared_virtual_memory, PLAIN_ENGINE_CONFIGS);
    suite_add_tcase(suite, cases);
    TCase *repeated = tcase_create("repeated elements");
    add_test_of_configs(repeated, read_tensors_may_repeat_their_elements, PLAIN_ENGINE_CONFIGS);
    add_test_of_configs(repeated, the_gradient_of_a_sum_is_one_number, ENGINE_CONFIGS);
    suite_add_tcase(suite, repeated);
    return run_suite_unoptimized(suite);
}
