/* SPDX-License-Identifier: MIT */
/*
 * Synchronised batch norm over processes: their results are those of one process on the whole batch, within the bounds of the
 * reference, and what is of the whole batch has the same bits on all.
 */
#include "batch.h"
#include "clbn_mpi.h"
#include "engines.h"
#include "failing.h"
#include "ranks.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static size_t checks;

static const struct shape shapes[] = {
    { 2, 1, { 1, 7 } }, { 4, 1, { 1, 35, 7, 7 } }, { 4, 3, { 1, 3, 7, 19 } }, { 3, 1, { 1, 3, 257 } }, { 3, 2, { 1, 17, 64 } },
};

/* Of the ranks' parts, as many as there are: even, uneven, empty, of one value where the shape has one to each row, nothing. */
static const size_t lengths[][4] = {
    { 2, 2, 2, 2 }, { 5, 3, 1, 4 }, { 0, 3, 0, 1 }, { 4, 0, 0, 0 }, { 1, 23, 0, 2 }, { 1, 1, 1, 1 }, { 0, 0, 0, 0 },
};

/* How the calls of a check are made. */
struct manner {
    int config;
    cl_command_queue queue;
    bool in_halves;
    bool residual;
    bool accumulates;
    enum source source;
};

static void say(const struct batch *batch, const struct team *team, const struct manner *manner)
{
    char text[SHAPE_TEXT_SIZE];
    testing("%s, rank %d of %d, %s %s, %s, source %d", engine_configs[manner->config].name, team->rank, team->size,
            type_name(batch->whole.type), shape_text(&batch->whole.shape, text),
            activation_name(batch->whole.activation.function), (int)manner->source);
}

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

static cl_int call_in_halves(clbn_mpi_plan part, cl_command_queue queue, struct run *run, cl_event *event)
{
    cl_int status = run->call.operation == FORWARD_TRAINING
                        ? clbnMpiStartForwardTraining(part, queue, forward_args_of(run), 0, NULL)
                        : clbnMpiStartBackward(part, queue, backward_args_of(run), 0, NULL);
    expect_success(status);
    return clbnMpiFinish(part, event);
}

static cl_int call_at_once(clbn_mpi_plan part, cl_command_queue queue, struct run *run, cl_event *event)
{
    return run->call.operation == FORWARD_TRAINING ? clbnMpiForwardTraining(part, queue, forward_args_of(run), 0, NULL, event)
                                                   : clbnMpiBackward(part, queue, backward_args_of(run), 0, NULL, event);
}

/* Twice, from the same memory: the second time on memory of the first call's. */
static struct run run_on_team(const struct batch *batch, const struct team *team, const struct call *call,
                              const struct manner *manner)
{
    struct run run = run_prepare(test_engine(manner->config), &batch->parts[team->rank], call);
    cl_int status = CLBN_SUCCESS;
    clbn_mpi_plan part = clbnMpiCreatePlan(team->comm, run.plan, &status);
    expect_success(status);
    for (int i = 0; i < 2; i++) {
        cl_event event = NULL;
        for (enum view view = 0; view < VIEWS && i > 0; view++)
            if (run_has(&run, view) && run_writes(&run, view))
                guarded_restore(&run.views[view]);
        expect_success((manner->in_halves ? call_in_halves : call_at_once)(part, manner->queue, &run, &event));
        run_wait(event);
        run_expect_inputs_unchanged(&run);
    }
    expect_success(clbnMpiReleasePlan(part));
    return run;
}

/* ---- Forward -------------------------------------------------------------------------------------------------------------- */

static double *copy(const double *values, size_t count)
{
    double *copied = malloc((count + 1) * sizeof *copied);
    expect_that(copied != NULL, "no memory");
    memcpy(copied, values, count * sizeof *copied);
    return copied;
}

/* What the backward takes of the forward. */
static void keep_outputs(struct batch *batch, const struct team *team, struct run *run)
{
    struct problem *part = &batch->parts[team->rank];
    part->values[VIEW_Y] = copy(run_output(run, VIEW_Y), run_count(run, VIEW_Y));
    if (run_has(run, VIEW_MASK))
        part->values[VIEW_MASK] = copy(run_output(run, VIEW_MASK), run_count(run, VIEW_MASK));
    batch->whole.values[VIEW_Y] = gather_values(team, part->values[VIEW_Y], run_count(run, VIEW_Y));
}

static void check_forward(struct batch *batch, const struct team *team, const struct manner *manner)
{
    static const enum view views[] = { VIEW_Y,         VIEW_RUNNING_MEAN, VIEW_RUNNING_VAR,
                                       VIEW_SAVE_MEAN, VIEW_SAVE_INVSTD,  VIEW_SAVE_VAR };
    const size_t channels = shape_channels(&batch->whole.shape), m = shape_values_per_channel(&batch->whole.shape);
    double *values[COUNT_OF(views)];
    struct call call = call_of(FORWARD_TRAINING);
    call.views |= (manner->residual ? WITH(VIEW_Z) : 0) | WITH(VIEW_MASK);
    call.running_variance = m == 1 ? CLBN_BIASED : CLBN_UNBIASED;
    struct run run = run_on_team(batch, team, &call, manner);
    for (size_t v = 1; v < COUNT_OF(views); v++) {
        values[v] = copy(run_output(&run, views[v]), channels);
        expect_same_on_all(team, view_name(views[v]), values[v], channels * sizeof(double));
        if (m == 0)
            guarded_expect_unchanged(&run.views[views[v]], view_name(views[v]));
    }
    keep_outputs(batch, team, &run);
    run_release(&run);
    values[0] = batch->whole.values[VIEW_Y];
    call.views &= ~WITH(VIEW_MASK);
    if (m > 0)
        batch_verify(batch, &call, views, values, COUNT_OF(views));
    for (size_t v = 1; v < COUNT_OF(views); v++)
        free(values[v]);
}

/* ---- Backward ------------------------------------------------------------------------------------------------------------- */

/* Of an empty batch: factors are powers of two, so their products are exact. */
static void expect_old_gradients(const struct problem *whole, const struct call *call, enum view view, const double *actual)
{
    for (size_t c = 0; c < shape_channels(&whole->shape); c++) {
        const double old = call_factor(call, view) * whole->values[view][c];
        expect_that(actual[c] == old, "%s: %s of an empty batch is %g, not %g", what_is_tested(), view_name(view), actual[c],
                    old);
    }
}

static void check_backward(struct batch *batch, const struct team *team, const struct manner *manner)
{
    static const enum view views[] = { VIEW_DX, VIEW_DZ, VIEW_DGAMMA, VIEW_DBETA };
    const size_t channels = shape_channels(&batch->whole.shape);
    double *values[COUNT_OF(views)];
    struct call call = call_of(BACKWARD);
    call.views |= manner->residual ? WITH_RESIDUAL : WITH(VIEW_DZ);
    call.source = manner->source;
    if (manner->accumulates)
        accumulate(&call);
    struct run run = run_on_team(batch, team, &call, manner);
    for (size_t v = 0; v < COUNT_OF(views); v++)
        if (is_tensor(views[v])) {
            values[v] = gather_values(team, run_output(&run, views[v]), run_count(&run, views[v]));
        } else {
            values[v] = copy(run_output(&run, views[v]), channels);
            expect_same_on_all(team, view_name(views[v]), values[v], channels * sizeof(double));
        }
    run_release(&run);
    if (shape_values_per_channel(&batch->whole.shape) > 0)
        batch_verify(batch, &call, views, values, COUNT_OF(views));
    else
        for (size_t v = 2; v < COUNT_OF(views); v++)
            expect_old_gradients(&batch->whole, &call, views[v], values[v]);
    for (size_t v = 0; v < COUNT_OF(views); v++)
        free(values[v]);
}

/* ---- Checks --------------------------------------------------------------------------------------------------------------- */

static void check_batch(const struct team *team, const struct shape *shape, clbn_type type, clbn_activation function,
                        const size_t *parts, const struct manner *manner)
{
    struct batch batch = batch_create(*shape, type, function, parts, (size_t)team->size);
    for (size_t i = 0; i < batch.count; i++)
        batch.places[i].engine = test_engine(manner->config);
    say(&batch, team, manner);
    check_forward(&batch, team, manner);
    check_backward(&batch, team, manner);
    batch_free(&batch);
    checks++;
}

static struct manner manner_of(size_t number)
{
    static const enum source sources[] = { FROM_X, FROM_MASK, FROM_Y };
    struct manner manner = { .queue = in_order_queue(),
                             .in_halves = number / 2 % 2 == 0,
                             .residual = number % 3 == 0,
                             .accumulates = number % 4 == 1,
                             .source = sources[number % COUNT_OF(sources)] };
    if (number % 5 == 2 && device_has_out_of_order_queues())
        manner.queue = out_of_order_queue();
    return manner;
}

/* Kinds of programs, few because they take long to compile: what the phases compute in all others, test_phases knows. */
static const struct {
    clbn_type type;
    int config; /* engine_configs[]: 0 vectors, 1 groups */
    bool last;  /* channels */
} kinds[] = {
    { CLBN_FLOAT32, 0, false }, { CLBN_FLOAT32, 0, true }, { CLBN_FLOAT32, 1, true },
    { CLBN_FLOAT16, 0, false }, { CLBN_FLOAT64, 0, true },
};

static void check_shapes(const struct team *team)
{
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (size_t s = 0; s < COUNT_OF(shapes) && (kinds[k].type != CLBN_FLOAT64 || device_has_float64()); s++)
            for (size_t l = 0; l < COUNT_OF(lengths) && shape_is_channels_last(&shapes[s]) == kinds[k].last; l++) {
                struct manner manner = manner_of(k + 7 * s + l);
                manner.config = kinds[k].config;
                if (team->size < 4 && (l + s + (size_t)team->size) % 2 == 0)
                    continue; /* the others' turn */
                check_batch(team, &shapes[s], kinds[k].type, CLBN_ACTIVATION_RELU, lengths[l], &manner);
            }
}

/* Parts of the processes, each a batch of its own, at once; in another order of ranks than the world's. */
static void check_communicators(const struct team *world)
{
    const struct manner manner = manner_of(0);
    MPI_Comm comm;
    MPI_Comm_split(MPI_COMM_WORLD, world->rank % 2, -world->rank, &comm);
    struct team team = team_of(comm);
    for (size_t s = 0; s < COUNT_OF(shapes); s++)
        check_batch(&team, &shapes[(s + (size_t)world->rank % 2) % COUNT_OF(shapes)], CLBN_FLOAT32, CLBN_ACTIVATION_RELU,
                    lengths[1], &manner);
    MPI_Comm_free(&comm);
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    team = team_of(comm);
    check_batch(&team, &shapes[1], CLBN_FLOAT32, CLBN_ACTIVATION_RELU, lengths[1], &manner);
    MPI_Comm_free(&comm);
}

/* Two calls are open at once; messages of the caller's on its communicator are between them. */
static void check_overlap(const struct team *team)
{
    struct batch batch = batch_create(shapes[1], CLBN_FLOAT32, CLBN_ACTIVATION_RELU, lengths[1], (size_t)team->size);
    const struct call call = call_of(FORWARD_TRAINING);
    struct run runs[2];
    clbn_mpi_plan parts[2];
    cl_event events[2] = { NULL, NULL };
    testing("two calls at once, rank %d of %d", team->rank, team->size);
    for (int i = 0; i < 2; i++) {
        cl_int status;
        runs[i] = run_prepare(test_engine(0), &batch.parts[team->rank], &call);
        parts[i] = clbnMpiCreatePlan(team->comm, runs[i].plan, &status);
        expect_success(status);
        expect_success(clbnMpiStartForwardTraining(parts[i], in_order_queue(), forward_args_of(&runs[i]), 0, NULL));
    }
    expect_status(clbnMpiStartBackward(parts[0], in_order_queue(), NULL, 0, NULL), CLBN_WRONG_ORDER, "a second start");
    MPI_Barrier(team->comm);
    for (int i = 2; i-- > 0;) {
        expect_success(clbnMpiFinish(parts[i], &events[i]));
        expect_status(clbnMpiFinish(parts[i], NULL), CLBN_WRONG_ORDER, "a second finish");
    }
    for (int i = 0; i < 2; i++)
        run_wait(events[i]);
    const size_t count = run_count(&runs[0], VIEW_Y);
    double *y = copy(run_output(&runs[0], VIEW_Y), count);
    expect_that(memcmp(y, run_output(&runs[1], VIEW_Y), count * sizeof *y) == 0, "%s: other results", what_is_tested());
    free(y);
    for (int i = 0; i < 2; i++) {
        expect_success(clbnMpiReleasePlan(parts[i]));
        run_release(&runs[i]);
    }
    batch_free(&batch);
    checks++;
}

static void check_no_channels(const struct team *team)
{
    static const struct shape shape = { 2, 1, { 3, 0 } };
    const clbn_forward_training_args forward = CLBN_FORWARD_TRAINING_ARGS_INIT;
    const clbn_backward_args backward = CLBN_BACKWARD_ARGS_INIT;
    clbn_plan plan = create_plan(test_engine(0), &shape, CLBN_FLOAT32, 1e-5);
    cl_int status;
    cl_event event = NULL;
    testing("no channels, rank %d of %d", team->rank, team->size);
    clbn_mpi_plan part = clbnMpiCreatePlan(team->comm, plan, &status);
    expect_success(status);
    expect_success(clbnMpiForwardTraining(part, in_order_queue(), &forward, 0, NULL, &event));
    run_wait(event);
    expect_success(clbnMpiBackward(part, in_order_queue(), &backward, 0, NULL, &event));
    run_wait(event);
    expect_success(clbnMpiReleasePlan(part));
    expect_success(clbnReleasePlan(plan));
    checks++;
}

int main(int argc, char **argv)
{
    const struct team world = ranks_begin(&argc, &argv);
    check_shapes(&world);
    check_communicators(&world);
    check_overlap(&world);
    check_no_channels(&world);
    return ranks_end("mpi", checks);
}
