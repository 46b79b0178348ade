/* SPDX-License-Identifier: MIT */
/*
 * Plans and calls, valid and not, on the test device: any description, strides, places in one buffer, views that meet.
 *
 * The model is one of bytes: which of the buffer each element of each view takes. By it a call is valid or not (clbn.h); one that is
 * refused must leave every byte as it was, one that is taken may change those of its outputs alone. What a valid call gives is
 * compared with the reference.
 */
#include "arena.h"
#include "engines.h"
#include "failing.h"
#include "fuzz.h"
#include "sources.h"
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIGS = 6, KINDS = 4, MAX_ELEMENTS = 1500, MAX_STRIDE = 48 };

/* ---- Descriptions --------------------------------------------------------------------------------------------------------- */

static struct shape take_shape(struct fuzz_bytes *bytes)
{
    static const size_t lengths[] = { 1, 2, 3, 5, 4, 7, 8, 16, 35, 49, 0 };
    struct shape shape = { .rank = fuzz_below(bytes, 4) + 1 };
    size_t elements = 1;
    for (unsigned axis = 0; axis < shape.rank; axis++) {
        size_t length = lengths[fuzz_below(bytes, sizeof lengths / sizeof *lengths)];
        while (elements * length > MAX_ELEMENTS)
            length /= 2;
        shape.lengths[axis] = length;
        elements *= length > 0 ? length : 1;
    }
    const unsigned axes = fuzz_below(bytes, 2u << shape.rank);
    shape.channel_axis = axes < shape.rank ? axes : CHANNEL_AXES(axes >> 1);
    return shape;
}

/* Axes one after another in any order, with gaps. */
static void take_arrangement(struct fuzz_bytes *bytes, const struct shape *shape, size_t strides[SHAPE_MAX_RANK])
{
    unsigned order[SHAPE_MAX_RANK] = { 0 };
    size_t reach = 1 + fuzz_below(bytes, 3) / 2;
    for (unsigned i = 0; i < shape->rank; i++) {
        const unsigned place = fuzz_below(bytes, i + 1);
        order[i] = order[i - place];
        order[i - place] = i;
    }
    for (unsigned i = 0; i < shape->rank; i++) {
        const unsigned axis = order[shape->rank - 1 - i];
        strides[axis] = reach;
        reach = reach * (shape->lengths[axis] > 0 ? shape->lengths[axis] : 1) + fuzz_below(bytes, 4);
    }
}

/* Anything, 0 among it; where it is small, elements meet. */
static void take_wild_strides(struct fuzz_bytes *bytes, const struct shape *shape, size_t strides[SHAPE_MAX_RANK])
{
    for (unsigned axis = 0; axis < shape->rank; axis++)
        strides[axis] = fuzz_below(bytes, MAX_STRIDE);
}

/* All tensors packed; all in one arrangement; each in another; or some of them wild. */
static void take_layout(struct fuzz_bytes *bytes, const struct shape *shape, struct layout *layout)
{
    enum { PACKED, TOGETHER, APART, WILD, WAYS };
    const unsigned way = fuzz_below(bytes, WAYS);
    size_t strides[SHAPE_MAX_RANK];
    take_arrangement(bytes, shape, strides);
    for (enum view view = 0; view < VIEWS; view++) {
        if (way == PACKED || !is_tensor(view) || view == VIEW_DDX || view == VIEW_DDY)
            continue;
        if (way == APART || way == WILD)
            take_arrangement(bytes, shape, strides);
        if (way == WILD && fuzz_below(bytes, 2) == 0)
            take_wild_strides(bytes, shape, strides);
        layout_give(layout, view, strides, shape->rank);
    }
}

/* Of tensors that calls write: by increasing stride, each axis steps beyond all before it. */
static bool steps_beyond(const struct shape *shape, const size_t *strides)
{
    size_t last = 0, taken = 0;
    for (unsigned turn = 0; turn < shape->rank; turn++) {
        unsigned next = shape->rank;
        for (unsigned axis = 0; axis < shape->rank; axis++)
            if ((taken >> axis & 1) == 0 && shape->lengths[axis] > 1 && (next == shape->rank || strides[axis] < strides[next]))
                next = axis;
        if (next == shape->rank)
            return true;
        taken |= (size_t)1 << next;
        if (strides[next] <= last)
            return false;
        last += (shape->lengths[next] - 1) * strides[next];
    }
    return true;
}

static bool meets_itself(const struct shape *shape, const size_t *strides)
{
    const size_t count = shape_elements(shape);
    size_t *positions = shape_positions(shape, strides);
    bool met = false;
    for (size_t i = 0; i < count && !met; i++)
        for (size_t j = 0; j < i && !met; j++)
            met = positions[i] == positions[j];
    free(positions);
    return met;
}

static void describe_strides(clbn_layout *described, const struct layout *layout, enum view view)
{
    if ((layout->given & WITH(view)) == 0)
        return;
    described->has_strides = CL_TRUE;
    for (int axis = 0; axis < SHAPE_MAX_RANK; axis++)
        described->strides[axis] = (ptrdiff_t)layout->strides[view][axis];
}

static clbn_plan_desc describe(const struct problem *problem, const struct call *call)
{
    clbn_plan_desc desc = plan_description(&problem->shape, problem->type, problem->epsilon);
    desc.parameter_type = problem->parameters;
    desc.activation = problem->activation.function;
    describe_strides(&desc.x_layout, call->layout, VIEW_X);
    describe_strides(&desc.y_layout, call->layout, VIEW_Y);
    describe_strides(&desc.z_layout, call->layout, VIEW_Z);
    describe_strides(&desc.dy_layout, call->layout, VIEW_DY);
    describe_strides(&desc.dx_layout, call->layout, VIEW_DX);
    describe_strides(&desc.dz_layout, call->layout, VIEW_DZ);
    return desc;
}

/* What no plan has: one number is made wrong. */
static void spoil(struct fuzz_bytes *bytes, clbn_plan_desc *desc)
{
    const cl_uint axis = fuzz_below(bytes, desc->rank);
    for (cl_uint i = 0; i < desc->rank; i++) /* of a tensor without elements, sizes and strides may be any */
        desc->shape[i] += desc->shape[i] == 0;
    switch (fuzz_below(bytes, 8)) {
    case 0:
        desc->rank = fuzz_below(bytes, 2) == 0 ? 0 : CLBN_MAX_RANK + 1 + fuzz_below(bytes, 200);
        break;
    case 1:
        desc->channel_axes |= 1u << (desc->rank + fuzz_below(bytes, 24));
        break;
    case 2:
        desc->shape[axis] = SIZE_MAX - fuzz_below(bytes, 200);
        break;
    case 3:
        desc->type = (clbn_type)(100 + fuzz_below(bytes, 100));
        break;
    case 4:
        desc->activation = (clbn_activation)(100 + fuzz_below(bytes, 100));
        break;
    case 5:
        desc->epsilon = -1;
        break;
    case 6:
        desc->shape[axis] = 2;
        desc->y_layout.has_strides = CL_TRUE;
        desc->y_layout.strides[axis] = -1 - (ptrdiff_t)fuzz_below(bytes, 200);
        break;
    default:
        desc->shape[axis] = 3;
        desc->x_layout.has_strides = CL_TRUE;
        desc->x_layout.strides[axis] = PTRDIFF_MAX - (ptrdiff_t)fuzz_below(bytes, 200);
        break;
    }
}

static void expect_refused(clbn_engine engine, const clbn_plan_desc *desc, cl_int wanted)
{
    cl_int status = CL_SUCCESS;
    clbn_plan plan = clbnCreatePlan(engine, desc, &status);
    FUZZ_EXPECT(plan == NULL && status < 0 && clbnLastError()[0] != '\0', "%s: a plan of what cannot be", what_is_tested());
    FUZZ_EXPECT(wanted == 0 || status == wanted, "%s: %s", what_is_tested(), clbnStatusName(status));
}

/* Whether there is a plan; there is to be one, unless outputs may meet themselves. */
static bool check_description(clbn_engine engine, const struct problem *problem, const struct call *call)
{
    static const enum view outputs[] = { VIEW_Y, VIEW_DX, VIEW_DZ };
    const clbn_plan_desc desc = describe(problem, call);
    cl_int status = CL_SUCCESS;
    bool sound = true;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        const size_t *strides = call->layout->strides[outputs[i]];
        if ((call->layout->given & WITH(outputs[i])) == 0)
            continue;
        sound = sound && steps_beyond(&problem->shape, strides);
        FUZZ_EXPECT(!steps_beyond(&problem->shape, strides) || !meets_itself(&problem->shape, strides), "the rule is wrong");
    }
    if (!sound && shape_elements(&problem->shape) > 0) {
        expect_refused(engine, &desc, CLBN_INVALID_STRIDES);
        return false;
    }
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    FUZZ_EXPECT(plan != NULL || !sound, "%s: no plan: %s", what_is_tested(), clbnLastError());
    clbnReleasePlan(plan);
    return plan != NULL && sound;
}

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

static struct problem take_problem(struct fuzz_bytes *bytes, int config)
{
    static const clbn_activation functions[] = { CLBN_ACTIVATION_NONE, CLBN_ACTIVATION_RELU };
    const clbn_type type = fuzz_below(bytes, KINDS) == 0 ? CLBN_BFLOAT16 : CLBN_FLOAT32;
    const clbn_activation function = functions[config == 0 && type == CLBN_FLOAT32 ? fuzz_below(bytes, 2) : 0];
    const struct shape shape = take_shape(bytes);
    struct problem problem = problem_random(&shape, type, 1e-5, fuzz_below(bytes, 256));
    problem.activation = activation_of(function);
    return problem;
}

static struct call take_call(struct fuzz_bytes *bytes, const struct problem *problem)
{
    static const double factors[] = { 0.1, 1, 0 };
    struct call call = call_of((enum operation)fuzz_below(bytes, OPERATIONS));
    if (fuzz_below(bytes, 2) != 0)
        call.views |= WITH_EXTRAS;
    call.own_workspace = fuzz_below(bytes, 2) != 0;
    call.update_factor = factors[fuzz_below(bytes, 3)];
    call.running_variance = CLBN_BIASED;
    if (is_backward(call.operation) && problem->activation.function != CLBN_ACTIVATION_NONE)
        call.source = source_from(&problem->activation, fuzz_below(bytes, 3));
    if (call.source == FROM_Y_ALONE)
        call.source = FROM_X;
    if (is_backward(call.operation) && fuzz_below(bytes, 4) == 0)
        accumulate(&call);
    return call;
}

/* What a call on the arena is to give, and gives. */
static void check_call(struct fuzz_bytes *bytes, struct run *source)
{
    struct arena arena;
    struct run run = *source;
    arena_create(&arena, source, bytes);
    for (enum view view = 0; view < VIEWS; view++)
        if (run_has(source, view) && run_count(source, view) > 0)
            run.views[view].view = arena_view(&arena, view);
    const bool is_empty = shape_elements(&source->problem->shape) == 0; /* then views may not be looked at */
    const cl_int expected = arena_verdict(&arena);
    const cl_int status = run_enqueue(&run, in_order_queue(), 0, NULL, NULL);
    FUZZ_EXPECT(status == expected || (status == CLBN_SUCCESS && is_empty) ||
                    (status == CLBN_INVALID_ALIAS && expected == CLBN_SUCCESS && arena_ranges_meet(&arena)),
                "%s: %s, not %s: %s", what_is_tested(), clbnStatusName(status), clbnStatusName(expected), clbnLastError());
    arena_download(&arena);
    arena_check_bytes(&arena, status == CLBN_SUCCESS);
    if (status == CLBN_SUCCESS && !is_empty && arena_has_values(&arena)) {
        arena_give_outputs(&arena, source);
        verify_run(source);
    }
    arena_release(&arena);
}

/* Elements of an input that are the same memory have the same value. */
static void settle(struct problem *problem, const struct call *call)
{
    for (enum view view = 0; view < VIEWS; view++) {
        const enum view tensor = view == VIEW_DDX ? VIEW_DX : view == VIEW_DDY ? VIEW_Y : view;
        double *values = problem->values[view];
        if (values == NULL || !is_tensor(view) || (call->layout->given & WITH(tensor)) == 0)
            continue;
        size_t *positions = shape_positions(&problem->shape, call->layout->strides[tensor]);
        for (size_t i = 0; i < shape_elements(&problem->shape); i++)
            for (size_t j = 0; j < i; j++)
                if (positions[j] == positions[i]) {
                    values[i] = values[j];
                    break;
                }
        free(positions);
    }
    problem_complete(problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = { data, data + size };
    static bool begun;
    if (!begun)
        spare_compilation(SPARE_ALL_PROGRAMS);
    begun = true;
    const int config = (int)fuzz_below(&bytes, CONFIGS);
    struct layout layout = { .given = 0 };
    struct problem problem = take_problem(&bytes, config);
    struct call call = take_call(&bytes, &problem);
    call.layout = &layout;
    take_layout(&bytes, &problem.shape, &layout);
    if (call.operation == FOLD || call.operation == SECOND_BACKWARD || call.operation == SECOND_BACKWARD_FROZEN)
        problem.activation = activation_of(CLBN_ACTIVATION_NONE);
    say_call(config, &problem, &call);
    if (fuzz_below(&bytes, 8) == 7) {
        clbn_plan_desc desc = describe(&problem, &call);
        spoil(&bytes, &desc);
        expect_refused(test_engine(config), &desc, 0);
    } else if (check_description(test_engine(config), &problem, &call)) {
        settle(&problem, &call);
        struct run source = run_prepare(test_engine(config), &problem, &call);
        check_call(&bytes, &source);
        run_release(&source);
    }
    problem_free(&problem);
    return 0;
}
