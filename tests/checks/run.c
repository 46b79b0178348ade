/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "allocate.h"
#include "engines.h"
#include "failing.h"

#include <stdlib.h>
#include <string.h>

enum role { ABSENT, INPUT, OUTPUT, UPDATED };

static const unsigned char roles[OPERATIONS][VIEWS] = {
    [FORWARD_TRAINING] = { [VIEW_X] = INPUT,
                           [VIEW_Z] = INPUT,
                           [VIEW_Y] = OUTPUT,
                           [VIEW_GAMMA] = INPUT,
                           [VIEW_BETA] = INPUT,
                           [VIEW_RUNNING_MEAN] = UPDATED,
                           [VIEW_RUNNING_VAR] = UPDATED,
                           [VIEW_SAVE_MEAN] = OUTPUT,
                           [VIEW_SAVE_INVSTD] = OUTPUT,
                           [VIEW_SAVE_VAR] = OUTPUT,
                           [VIEW_MASK] = OUTPUT },
    [FORWARD_INFERENCE] = { [VIEW_X] = INPUT,
                            [VIEW_Z] = INPUT,
                            [VIEW_Y] = OUTPUT,
                            [VIEW_GAMMA] = INPUT,
                            [VIEW_BETA] = INPUT,
                            [VIEW_RUNNING_MEAN] = INPUT,
                            [VIEW_RUNNING_VAR] = INPUT,
                            [VIEW_MASK] = OUTPUT },
    [BACKWARD] = { [VIEW_X] = INPUT,
                   [VIEW_DY] = INPUT,
                   [VIEW_Z] = INPUT,
                   [VIEW_Y] = INPUT,
                   [VIEW_MASK] = INPUT,
                   [VIEW_GAMMA] = INPUT,
                   [VIEW_BETA] = INPUT,
                   [VIEW_SAVE_MEAN] = INPUT,
                   [VIEW_SAVE_INVSTD] = INPUT,
                   [VIEW_DX] = OUTPUT,
                   [VIEW_DZ] = OUTPUT,
                   [VIEW_DGAMMA] = OUTPUT,
                   [VIEW_DBETA] = OUTPUT },
    [BACKWARD_FROZEN] = { [VIEW_X] = INPUT,
                          [VIEW_DY] = INPUT,
                          [VIEW_Z] = INPUT,
                          [VIEW_Y] = INPUT,
                          [VIEW_MASK] = INPUT,
                          [VIEW_GAMMA] = INPUT,
                          [VIEW_BETA] = INPUT,
                          [VIEW_RUNNING_MEAN] = INPUT,
                          [VIEW_RUNNING_VAR] = INPUT,
                          [VIEW_DX] = OUTPUT,
                          [VIEW_DZ] = OUTPUT,
                          [VIEW_DGAMMA] = OUTPUT,
                          [VIEW_DBETA] = OUTPUT },
    [FOLD] = { [VIEW_X] = INPUT,
               [VIEW_Y] = OUTPUT,
               [VIEW_GAMMA] = INPUT,
               [VIEW_BETA] = INPUT,
               [VIEW_RUNNING_MEAN] = INPUT,
               [VIEW_RUNNING_VAR] = INPUT,
               [VIEW_BIAS] = INPUT,
               [VIEW_FOLDED_BIAS] = OUTPUT },
    [SECOND_BACKWARD] = { [VIEW_X] = INPUT,
                          [VIEW_DY] = INPUT,
                          [VIEW_DDX] = INPUT,
                          [VIEW_GAMMA] = INPUT,
                          [VIEW_SAVE_MEAN] = INPUT,
                          [VIEW_SAVE_INVSTD] = INPUT,
                          [VIEW_DDGAMMA] = INPUT,
                          [VIEW_DDBETA] = INPUT,
                          [VIEW_DX] = OUTPUT,
                          [VIEW_DDY] = OUTPUT,
                          [VIEW_DGAMMA] = OUTPUT },
    [SECOND_BACKWARD_FROZEN] = { [VIEW_X] = INPUT,
                                 [VIEW_DY] = INPUT,
                                 [VIEW_DDX] = INPUT,
                                 [VIEW_GAMMA] = INPUT,
                                 [VIEW_RUNNING_MEAN] = INPUT,
                                 [VIEW_RUNNING_VAR] = INPUT,
                                 [VIEW_DDGAMMA] = INPUT,
                                 [VIEW_DDBETA] = INPUT,
                                 [VIEW_DX] = OUTPUT,
                                 [VIEW_DDY] = OUTPUT,
                                 [VIEW_DGAMMA] = OUTPUT },
    [FORWARD_RENORM] = { [VIEW_X] = INPUT,
                         [VIEW_Z] = INPUT,
                         [VIEW_Y] = OUTPUT,
                         [VIEW_GAMMA] = INPUT,
                         [VIEW_BETA] = INPUT,
                         [VIEW_RUNNING_MEAN] = UPDATED,
                         [VIEW_RUNNING_VAR] = UPDATED,
                         [VIEW_SAVE_MEAN] = OUTPUT,
                         [VIEW_SAVE_INVSTD] = OUTPUT,
                         [VIEW_SAVE_VAR] = OUTPUT,
                         [VIEW_SAVE_R] = OUTPUT,
                         [VIEW_SAVE_D] = OUTPUT,
                         [VIEW_MASK] = OUTPUT },
    [BACKWARD_RENORM] = { [VIEW_X] = INPUT,
                          [VIEW_DY] = INPUT,
                          [VIEW_Z] = INPUT,
                          [VIEW_Y] = INPUT,
                          [VIEW_MASK] = INPUT,
                          [VIEW_GAMMA] = INPUT,
                          [VIEW_BETA] = INPUT,
                          [VIEW_SAVE_MEAN] = INPUT,
                          [VIEW_SAVE_INVSTD] = INPUT,
                          [VIEW_SAVE_R] = INPUT,
                          [VIEW_SAVE_D] = INPUT,
                          [VIEW_DX] = OUTPUT,
                          [VIEW_DZ] = OUTPUT,
                          [VIEW_DGAMMA] = OUTPUT,
                          [VIEW_DBETA] = OUTPUT },
    [STATISTICS] = { [VIEW_X] = INPUT, [VIEW_STATISTICS] = OUTPUT },
    [MERGE_STATISTICS] = { [VIEW_STATISTICS_RECORDS] = INPUT,
                           [VIEW_STATISTICS] = OUTPUT,
                           [VIEW_RUNNING_MEAN] = UPDATED,
                           [VIEW_RUNNING_VAR] = UPDATED,
                           [VIEW_SAVE_MEAN] = OUTPUT,
                           [VIEW_SAVE_INVSTD] = OUTPUT,
                           [VIEW_SAVE_VAR] = OUTPUT },
    [NORMALIZE] = { [VIEW_X] = INPUT,
                    [VIEW_Z] = INPUT,
                    [VIEW_Y] = OUTPUT,
                    [VIEW_GAMMA] = INPUT,
                    [VIEW_BETA] = INPUT,
                    [VIEW_STATISTICS] = INPUT,
                    [VIEW_MASK] = OUTPUT },
    [BACKWARD_SUMS] = { [VIEW_X] = INPUT,
                        [VIEW_DY] = INPUT,
                        [VIEW_Z] = INPUT,
                        [VIEW_Y] = INPUT,
                        [VIEW_MASK] = INPUT,
                        [VIEW_GAMMA] = INPUT,
                        [VIEW_BETA] = INPUT,
                        [VIEW_SAVE_MEAN] = INPUT,
                        [VIEW_SAVE_INVSTD] = INPUT,
                        [VIEW_SUMS] = OUTPUT },
    [BACKWARD_INPUT] = { [VIEW_X] = INPUT,
                         [VIEW_DY] = INPUT,
                         [VIEW_Z] = INPUT,
                         [VIEW_Y] = INPUT,
                         [VIEW_MASK] = INPUT,
                         [VIEW_GAMMA] = INPUT,
                         [VIEW_BETA] = INPUT,
                         [VIEW_SAVE_MEAN] = INPUT,
                         [VIEW_SAVE_INVSTD] = INPUT,
                         [VIEW_SUMS_RECORDS] = INPUT,
                         [VIEW_DX] = OUTPUT,
                         [VIEW_DZ] = OUTPUT,
                         [VIEW_DGAMMA] = OUTPUT,
                         [VIEW_DBETA] = OUTPUT },
};

struct call call_of(enum operation operation)
{
    const struct call call = { .operation = operation,
                               .views = WITH_ALL & ~WITH_EXTRAS,
                               .r_max = RENORM_R_MAX,
                               .d_max = RENORM_D_MAX,
                               .update_factor = 0.1,
                               .running_variance = CLBN_UNBIASED };
    return call;
}

void accumulate(struct call *call)
{
    call->dx_factor = call->in_place ? 0 : 0.75;
    call->dgamma_factor = -2;
    call->dbeta_factor = 1;
}

double call_factor(const struct call *call, enum view view)
{
    switch (view) {
    case VIEW_DX:
        return call->dx_factor;
    case VIEW_DGAMMA:
        return call->dgamma_factor;
    case VIEW_DBETA:
        return call->dbeta_factor;
    default:
        return 0;
    }
}

const char *operation_name(enum operation operation)
{
    static const char *const names[OPERATIONS] = { "forward training",
                                                   "forward inference",
                                                   "backward",
                                                   "frozen backward",
                                                   "folding",
                                                   "second backward",
                                                   "frozen second backward",
                                                   "forward renormalization",
                                                   "backward renormalization",
                                                   "statistics",
                                                   "merge of statistics",
                                                   "normalization",
                                                   "backward sums",
                                                   "backward input" };
    return names[operation];
}

bool is_backward(enum operation operation)
{
    return operation == BACKWARD || operation == BACKWARD_FROZEN || operation == BACKWARD_RENORM || operation >= BACKWARD_SUMS;
}

clbn_operations operations_for(enum operation operation)
{
    if (operation == FORWARD_INFERENCE || operation == FOLD)
        return CLBN_OPERATION_INFERENCE;
    const bool is_second = operation == SECOND_BACKWARD || operation == SECOND_BACKWARD_FROZEN;
    return is_backward(operation) || is_second ? CLBN_OPERATION_BACKWARD : CLBN_OPERATION_FORWARD;
}

/* Folding and second backwards: they know no activation, and have their own rules of what may be in place. */
static bool has_own_tensors(enum operation operation)
{
    return operation >= FOLD && operation <= SECOND_BACKWARD_FROZEN;
}

/* The views that a backward has for its source; at most one of z, y and the mask. */
static bool source_has(enum source source, enum view view)
{
    if (view == VIEW_X)
        return source != FROM_Y_ALONE;
    if (view == VIEW_Z)
        return source == FROM_X;
    if (view == VIEW_Y)
        return source == FROM_Y || source == FROM_Y_ALONE;
    return view != VIEW_MASK || source == FROM_MASK;
}

static enum role role_of(const struct problem *problem, const struct call *call, enum view view)
{
    unsigned views = call->views | (call->source == FROM_MASK ? WITH(VIEW_MASK) : 0);
    enum role role = (views & WITH(view)) != 0 ? (enum role)roles[call->operation][view] : ABSENT;
    if (is_backward(call->operation) && call->source == ANY_SOURCE)
        return role;
    if (view == VIEW_MASK && !activation_has_mask(&problem->activation))
        return ABSENT;
    if (is_backward(call->operation) && !source_has(call->source, view))
        return ABSENT;
    if (role == OUTPUT && call_factor(call, view) != 0)
        return UPDATED;
    return role;
}

/* The view whose memory an output shares in place; the view itself for all others. */
static enum view memory_of(const struct problem *problem, const struct call *call, enum view view)
{
    enum view other = view;
    if (view == VIEW_Y && !is_backward(call->operation))
        other = call->in_place ? VIEW_X : call->residual_in_place ? VIEW_Z : VIEW_Y;
    if ((view == VIEW_DX && call->in_place && !has_own_tensors(call->operation)) ||
        (view == VIEW_DZ && call->residual_in_place))
        other = VIEW_DY;
    if (view == VIEW_FOLDED_BIAS && call->in_place)
        other = VIEW_BIAS;
    return role_of(problem, call, other) == ABSENT ? view : other;
}

static bool is_overwritten(const struct run *run, enum view view)
{
    static const enum view outputs[] = { VIEW_Y, VIEW_DX, VIEW_DZ, VIEW_FOLDED_BIAS };
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        if (outputs[i] != view && run_has(run, outputs[i]) && memory_of(run->problem, &run->call, outputs[i]) == view)
            return true;
    return false;
}

static size_t offset_of(const struct call *call, enum view view)
{
    static const size_t steps[] = { 1, 3, 7, 2, 5 };
    return call->offset == 0 ? 0 : call->offset + steps[(size_t)view % (sizeof steps / sizeof *steps)] - 1;
}

static enum memory kind_of_memory(const struct call *call, unsigned with)
{
    if ((call->svm & with) != 0)
        return IN_SVM;
    if ((call->host & with) == 0)
        return IN_BUFFER;
    return call->sub_buffers ? IN_SUB_BUFFER : IN_HOST_MEMORY;
}

size_t workspace_bytes(clbn_plan plan, enum operation operation)
{
    const bool is_renorm = operation == FORWARD_RENORM || operation == BACKWARD_RENORM;
    size_t bytes = 0;
    expect_success(
        clbnGetPlanInfo(plan, is_renorm ? CLBN_PLAN_RENORM_WORKSPACE : CLBN_PLAN_WORKSPACE_SIZE, sizeof bytes, &bytes, NULL));
    return bytes;
}

static struct guarded create_workspace(clbn_plan plan, enum operation operation, enum memory memory)
{
    const size_t bytes = workspace_bytes(plan, operation);
    size_t count = (bytes + sizeof(float) - 1) / sizeof(float);
    const struct placement placement = { .memory = memory };
    return guarded_create(CLBN_FLOAT32, count, placement, NULL);
}

void layout_give(struct layout *layout, enum view view, const size_t *strides, unsigned rank)
{
    memcpy(layout->strides[view], strides, rank * sizeof *strides);
    layout->given |= WITH(view);
}

/* The tensor of a plan's that a view lies as. */
static enum view tensor_of(enum view view)
{
    return view == VIEW_DDX ? VIEW_DX : view == VIEW_DDY ? VIEW_Y : view;
}

static bool has_strides(const struct call *call, enum view view)
{
    return call->layout != NULL && (call->layout->given & WITH(tensor_of(view))) != 0;
}

static void describe_layout(clbn_layout *described, const struct call *call, enum view view)
{
    if (!has_strides(call, view))
        return;
    described->has_strides = CL_TRUE;
    for (int axis = 0; axis < SHAPE_MAX_RANK; axis++)
        described->strides[axis] = (ptrdiff_t)call->layout->strides[view][axis];
}

static clbn_plan create_plan_of(clbn_engine engine, const struct problem *problem, const struct call *call)
{
    clbn_plan_desc desc = plan_description(&problem->shape, problem->type, problem->epsilon);
    desc.parameter_type = problem->parameters;
    desc.activation = has_own_tensors(call->operation) ? CLBN_ACTIVATION_NONE : problem->activation.function;
    desc.leaky_slope = problem->activation.leaky_slope;
    desc.elu_alpha = problem->activation.elu_alpha;
    desc.ghost_batch = problem->ghost_batch;
    describe_layout(&desc.x_layout, call, VIEW_X);
    if (call->layout != NULL && !call->layout->by_x) {
        describe_layout(&desc.y_layout, call, VIEW_Y);
        describe_layout(&desc.z_layout, call, VIEW_Z);
        describe_layout(&desc.dy_layout, call, VIEW_DY);
        describe_layout(&desc.dx_layout, call, VIEW_DX);
        describe_layout(&desc.dz_layout, call, VIEW_DZ);
    }
    return create_described_plan(engine, &desc);
}

static size_t count_of(const struct problem *problem, clbn_plan plan, enum view view)
{
    size_t bytes = 0;
    if (view != VIEW_MASK)
        return view_count(problem, view);
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_MASK_SIZE, sizeof bytes, &bytes, NULL));
    return bytes;
}

static size_t *positions_of(const struct problem *problem, const struct call *call, enum view view)
{
    return has_strides(call, view) ? shape_positions(&problem->shape, call->layout->strides[tensor_of(view)]) : NULL;
}

/* The call that gives what the view is to be, and the view it gives it as. */
static struct call earlier_call(const struct call *call, enum view view, enum view *output)
{
    struct call earlier = *call;
    const bool frozen = call->operation == BACKWARD_FROZEN, renorm = call->operation == BACKWARD_RENORM;
    *output = view;
    if (view == VIEW_Y || view == VIEW_MASK) {
        earlier.operation = frozen ? FORWARD_INFERENCE : renorm ? FORWARD_RENORM : FORWARD_TRAINING;
        earlier.update_factor = renorm ? 0 : call->update_factor;
        earlier.views = (call->views & (WITH(VIEW_Z) | WITH(VIEW_GAMMA) | WITH(VIEW_BETA))) | WITH(VIEW_X) | WITH(VIEW_Y) |
                        WITH(view) | (frozen || renorm ? WITH_RUNNING : 0);
        earlier.in_place = earlier.residual_in_place = false;
    } else if (view == VIEW_SUMS_RECORDS) {
        earlier.operation = BACKWARD_SUMS;
        earlier.views = call->views | WITH(VIEW_SUMS);
        *output = VIEW_SUMS;
    } else {
        earlier.operation = STATISTICS;
        earlier.views = WITH(VIEW_X) | WITH(VIEW_STATISTICS);
        *output = VIEW_STATISTICS;
    }
    return earlier;
}

/* The record of a whole batch as the last of several: those of the other parts, which are empty, are zeros. */
static struct guarded among_empty_parts(const struct problem *problem, enum view view, const double *record)
{
    const size_t count = view_count(problem, view), length = count / problem->parts;
    double *records = allocate(count, sizeof *records);
    memcpy(records + count - length, record, length * sizeof *record);
    const struct placement placement = { .memory = IN_BUFFER };
    const struct guarded given = guarded_create(view_type(problem, view), count, placement, records);
    free(records);
    return given;
}

static struct guarded given_earlier(clbn_engine engine, const struct problem *problem, const struct call *call, enum view view)
{
    enum view output;
    struct call earlier = earlier_call(call, view, &output);
    struct run run = run_prepare(engine, problem, &earlier);
    struct guarded given;
    run_now(&run);
    if (output != view && problem->parts > 1)
        given = among_empty_parts(problem, view, run_output(&run, output));
    else {
        given = run.views[output];
        guarded_accept(&given);
        run.views[output] = guarded_absent();
    }
    run_release(&run);
    return given;
}

static struct guarded create_view(clbn_engine engine, clbn_plan plan, const struct problem *problem, const struct call *call,
                                  enum view view)
{
    enum role role = role_of(problem, call, view);
    if (role == ABSENT || memory_of(problem, call, view) != view)
        return guarded_absent();
    if (role == INPUT && problem->values[view] == NULL)
        return given_earlier(engine, problem, call, view);
    size_t *positions = positions_of(problem, call, view);
    const clbn_type type = view_type(problem, view);
    const size_t shift = call->shift + (call->shifts_differ ? (size_t)view : 0);
    const struct placement placement = { offset_of(call, view), positions, kind_of_memory(call, WITH(view)),
                                         shift * element_size(type), 0 };
    struct guarded guarded =
        guarded_create(type, count_of(problem, plan, view), placement, role == OUTPUT ? NULL : problem->values[view]);
    free(positions);
    return guarded;
}

struct run run_prepare(clbn_engine engine, const struct problem *problem, const struct call *call)
{
    struct run run = { .problem = problem, .call = *call, .workspace = guarded_absent() };
    run.plan = create_plan_of(engine, problem, call);
    if (call->own_workspace)
        run.workspace = create_workspace(run.plan, call->operation, kind_of_memory(call, WITH_WORKSPACE));
    for (enum view view = 0; view < VIEWS; view++)
        run.views[view] = create_view(engine, run.plan, problem, call, view);
    return run;
}

clbn_view run_view(const struct run *run, enum view view)
{
    const clbn_view absent = CLBN_NO_VIEW;
    if (!run_has(run, view))
        return absent;
    return run->views[memory_of(run->problem, &run->call, view)].view;
}

void run_wait(cl_event event)
{
    expect_success(clWaitForEvents(1, &event));
    expect_success(clReleaseEvent(event));
}

void run_now(struct run *run)
{
    cl_event event = NULL;
    expect_success(run_enqueue(run, in_order_queue(), 0, NULL, &event));
    run_wait(event);
    run_expect_inputs_unchanged(run);
}

bool run_has(const struct run *run, enum view view)
{
    return role_of(run->problem, &run->call, view) != ABSENT;
}

bool run_reads(const struct run *run, enum view view)
{
    enum role role = role_of(run->problem, &run->call, view);
    return role == INPUT || role == UPDATED;
}

bool run_writes(const struct run *run, enum view view)
{
    enum role role = role_of(run->problem, &run->call, view);
    return role == OUTPUT || role == UPDATED;
}

static struct guarded *memory(struct run *run, enum view view)
{
    return &run->views[memory_of(run->problem, &run->call, view)];
}

size_t run_count(const struct run *run, enum view view)
{
    return run->views[memory_of(run->problem, &run->call, view)].count;
}

const double *run_output(struct run *run, enum view view)
{
    return guarded_download(memory(run, view));
}

void run_expect_inputs_unchanged(struct run *run)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (role_of(run->problem, &run->call, view) == INPUT && !is_overwritten(run, view))
            guarded_expect_unchanged(&run->views[view], view_name(view));
    if (guarded_is_present(&run->workspace))
        guarded_download(&run->workspace);
}

void run_release(struct run *run)
{
    for (enum view view = 0; view < VIEWS; view++)
        guarded_release(&run->views[view]);
    guarded_release(&run->workspace);
    expect_success(clbnReleasePlan(run->plan));
}
