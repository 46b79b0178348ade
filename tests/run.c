#include "run.h"

enum role { ABSENT, INPUT, OUTPUT, UPDATED };

static const unsigned char roles[][VIEWS] = {
    [FORWARD_TRAINING] = { [VIEW_X] = INPUT,
                           [VIEW_Y] = OUTPUT,
                           [VIEW_GAMMA] = INPUT,
                           [VIEW_BETA] = INPUT,
                           [VIEW_RUNNING_MEAN] = UPDATED,
                           [VIEW_RUNNING_VAR] = UPDATED,
                           [VIEW_SAVE_MEAN] = OUTPUT,
                           [VIEW_SAVE_INVSTD] = OUTPUT },
    [FORWARD_INFERENCE] = { [VIEW_X] = INPUT,
                            [VIEW_Y] = OUTPUT,
                            [VIEW_GAMMA] = INPUT,
                            [VIEW_BETA] = INPUT,
                            [VIEW_RUNNING_MEAN] = INPUT,
                            [VIEW_RUNNING_VAR] = INPUT },
    [BACKWARD] = { [VIEW_X] = INPUT,
                   [VIEW_DY] = INPUT,
                   [VIEW_GAMMA] = INPUT,
                   [VIEW_SAVE_MEAN] = INPUT,
                   [VIEW_SAVE_INVSTD] = INPUT,
                   [VIEW_DX] = OUTPUT,
                   [VIEW_DGAMMA] = OUTPUT,
                   [VIEW_DBETA] = OUTPUT },
    [BACKWARD_FROZEN] = { [VIEW_X] = INPUT,
                          [VIEW_DY] = INPUT,
                          [VIEW_GAMMA] = INPUT,
                          [VIEW_RUNNING_MEAN] = INPUT,
                          [VIEW_RUNNING_VAR] = INPUT,
                          [VIEW_DX] = OUTPUT,
                          [VIEW_DGAMMA] = OUTPUT,
                          [VIEW_DBETA] = OUTPUT },
};

struct call call_of(enum operation operation)
{
    struct call call = { operation, WITH_ALL, false, false, 0, 0.1, CLBN_UNBIASED };
    return call;
}

static enum role role_of(const struct call *call, enum view view)
{
    return (call->views & WITH(view)) != 0 ? (enum role)roles[call->operation][view] : ABSENT;
}

/* The view whose buffer an output shares in place; the view itself for all others. */
static enum view buffer_of(const struct call *call, enum view view)
{
    if (call->in_place && view == VIEW_Y)
        return VIEW_X;
    if (call->in_place && view == VIEW_DX)
        return VIEW_DY;
    return view;
}

static bool is_overwritten(const struct call *call, enum view view)
{
    return call->in_place &&
           ((view == VIEW_X && role_of(call, VIEW_Y) == OUTPUT) || (view == VIEW_DY && role_of(call, VIEW_DX) == OUTPUT));
}

static size_t offset_of(const struct call *call, enum view view)
{
    static const size_t steps[] = { 1, 3, 7, 2, 5 };
    return call->offset == 0 ? 0 : call->offset + steps[(size_t)view % (sizeof steps / sizeof *steps)] - 1;
}

static struct guarded create_workspace(clbn_plan plan)
{
    size_t bytes = 0;
    expect_success(clbnGetPlanInfo(plan, CLBN_PLAN_WORKSPACE_SIZE, sizeof bytes, &bytes, NULL));
    size_t count = (bytes + sizeof(float) - 1) / sizeof(float);
    return guarded_create(CLBN_FLOAT32, count, 0, NULL);
}

struct run run_prepare(clbn_engine engine, const struct problem *problem, const struct call *call)
{
    struct run run = { .problem = problem, .call = *call, .workspace = guarded_absent() };
    run.plan = create_plan(engine, &problem->shape, problem->type, problem->epsilon);
    if (call->own_workspace)
        run.workspace = create_workspace(run.plan);
    for (enum view view = 0; view < VIEWS; view++) {
        enum role role = role_of(call, view);
        run.views[view] = guarded_absent();
        if (role != ABSENT && buffer_of(call, view) == view)
            run.views[view] = guarded_create(view_type(problem->type, view), view_count(&problem->shape, view),
                                             offset_of(call, view), role == OUTPUT ? NULL : problem->values[view]);
    }
    return run;
}

static clbn_view view_of(const struct run *run, enum view view)
{
    const clbn_view absent = CLBN_NO_VIEW;
    if (role_of(&run->call, view) == ABSENT)
        return absent;
    return run->views[buffer_of(&run->call, view)].view;
}

/* Its offset is in bytes. */
static clbn_view workspace_of(const struct run *run)
{
    clbn_view workspace = run->workspace.view;
    workspace.offset *= sizeof(float);
    return workspace;
}

static cl_int enqueue_forward_training(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                                       cl_event *event)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x = view_of(run, VIEW_X);
    args.y = view_of(run, VIEW_Y);
    args.gamma = view_of(run, VIEW_GAMMA);
    args.beta = view_of(run, VIEW_BETA);
    args.running_mean = view_of(run, VIEW_RUNNING_MEAN);
    args.running_var = view_of(run, VIEW_RUNNING_VAR);
    args.save_mean = view_of(run, VIEW_SAVE_MEAN);
    args.save_invstd = view_of(run, VIEW_SAVE_INVSTD);
    args.update_factor = run->call.update_factor;
    args.running_variance = run->call.running_variance;
    args.workspace = workspace_of(run);
    return clbnEnqueueForwardTraining(run->plan, queue, &args, wait_count, wait_list, event);
}

static cl_int enqueue_forward_inference(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                                        cl_event *event)
{
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    args.x = view_of(run, VIEW_X);
    args.y = view_of(run, VIEW_Y);
    args.gamma = view_of(run, VIEW_GAMMA);
    args.beta = view_of(run, VIEW_BETA);
    args.running_mean = view_of(run, VIEW_RUNNING_MEAN);
    args.running_var = view_of(run, VIEW_RUNNING_VAR);
    args.workspace = workspace_of(run);
    return clbnEnqueueForwardInference(run->plan, queue, &args, wait_count, wait_list, event);
}

static cl_int enqueue_backward(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                               cl_event *event)
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;
    args.x = view_of(run, VIEW_X);
    args.dy = view_of(run, VIEW_DY);
    args.gamma = view_of(run, VIEW_GAMMA);
    args.save_mean = view_of(run, VIEW_SAVE_MEAN);
    args.save_invstd = view_of(run, VIEW_SAVE_INVSTD);
    args.dx = view_of(run, VIEW_DX);
    args.dgamma = view_of(run, VIEW_DGAMMA);
    args.dbeta = view_of(run, VIEW_DBETA);
    args.workspace = workspace_of(run);
    return clbnEnqueueBackward(run->plan, queue, &args, wait_count, wait_list, event);
}

static cl_int enqueue_backward_frozen(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                                      cl_event *event)
{
    clbn_backward_frozen_args args = CLBN_BACKWARD_FROZEN_ARGS_INIT;
    args.x = view_of(run, VIEW_X);
    args.dy = view_of(run, VIEW_DY);
    args.gamma = view_of(run, VIEW_GAMMA);
    args.running_mean = view_of(run, VIEW_RUNNING_MEAN);
    args.running_var = view_of(run, VIEW_RUNNING_VAR);
    args.dx = view_of(run, VIEW_DX);
    args.dgamma = view_of(run, VIEW_DGAMMA);
    args.dbeta = view_of(run, VIEW_DBETA);
    args.workspace = workspace_of(run);
    return clbnEnqueueBackwardFrozen(run->plan, queue, &args, wait_count, wait_list, event);
}

cl_int run_enqueue(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list, cl_event *event)
{
    switch (run->call.operation) {
    case FORWARD_TRAINING:
        return enqueue_forward_training(run, queue, wait_count, wait_list, event);
    case FORWARD_INFERENCE:
        return enqueue_forward_inference(run, queue, wait_count, wait_list, event);
    case BACKWARD:
        return enqueue_backward(run, queue, wait_count, wait_list, event);
    default:
        return enqueue_backward_frozen(run, queue, wait_count, wait_list, event);
    }
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
    return role_of(&run->call, view) != ABSENT;
}

const double *run_output(struct run *run, enum view view)
{
    return guarded_download(&run->views[buffer_of(&run->call, view)]);
}

void run_expect_inputs_unchanged(struct run *run)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (role_of(&run->call, view) == INPUT && !is_overwritten(&run->call, view))
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
