/* SPDX-License-Identifier: MIT */
/*
 * A failure on one process reaches all: the same status and sentence everywhere, nothing written anywhere, nobody hangs, and the next
 * call works. Each misuse, and each OpenCL call made to fail in turn until all have.
 */
#include "batch.h"
#include "clbn_mpi.h"
#include "engines.h"
#include "failing.h"
#include "interpose.h"
#include "ranks.h"
#include "verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { CHANNELS = 7 };

static size_t checks;
static const struct shape shape = { 3, 1, { 1, CHANNELS, 5 } };
static const size_t lengths[4] = { 3, 1, 0, 2 };

/* ---- A call --------------------------------------------------------------------------------------------------------------- */

/* A forward or backward of this process's part, which can be made again and again. */
struct scene {
    struct team team;
    struct batch batch;
    struct run run;
    clbn_mpi_plan part;
};

/* The run knows the batch by its place, so the scene stays where it is. */
static void open_scene(struct scene *scene, const struct team *team, enum operation operation)
{
    struct call call = call_of(operation);
    cl_int status;
    call.own_workspace = true; /* else OpenCL's release of the library's is counted late */
    scene->team = *team;
    scene->batch = batch_create(shape, CLBN_FLOAT32, CLBN_ACTIVATION_RELU, lengths, (size_t)team->size);
    scene->run = run_prepare(test_engine(0), &scene->batch.parts[team->rank], &call);
    scene->part = clbnMpiCreatePlan(team->comm, scene->run.plan, &status);
    expect_success(status);
}

static void close_scene(struct scene *scene)
{
    expect_success(clbnMpiReleasePlan(scene->part));
    run_release(&scene->run);
    batch_free(&scene->batch);
}

/* What a call is given, to be spoilt. */
struct given {
    cl_command_queue queue;
    union {
        clbn_forward_training_args forward;
        clbn_backward_args backward;
    } args;
    bool no_args;
    cl_uint wait_count;
};

static struct given given_to(struct scene *scene)
{
    struct given given = { .queue = in_order_queue() };
    if (scene->run.call.operation == BACKWARD)
        given.args.backward = *backward_args_of(&scene->run);
    else
        given.args.forward = *forward_args_of(&scene->run);
    return given;
}

static cl_int make_call(struct scene *scene, const struct given *given, cl_event *event)
{
    if (scene->run.call.operation == BACKWARD)
        return clbnMpiBackward(scene->part, given->queue, given->no_args ? NULL : &given->args.backward, given->wait_count,
                               NULL, event);
    return clbnMpiForwardTraining(scene->part, given->queue, given->no_args ? NULL : &given->args.forward, given->wait_count,
                                  NULL, event);
}

static void restore(struct scene *scene)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (run_has(&scene->run, view) && run_writes(&scene->run, view))
            guarded_restore(&scene->run.views[view]);
}

static void expect_it_works(struct scene *scene)
{
    const struct given given = given_to(scene);
    cl_event event = NULL;
    restore(scene);
    expect_success(make_call(scene, &given, &event));
    run_wait(event);
    run_expect_inputs_unchanged(&scene->run);
    if (scene->run.call.operation == FORWARD_TRAINING)
        expect_same_on_all(&scene->team, "the mean", run_output(&scene->run, VIEW_SAVE_MEAN), CHANNELS * sizeof(double));
    restore(scene);
}

static void expect_nothing_written(struct scene *scene)
{
    for (enum view view = 0; view < VIEWS; view++)
        if (run_has(&scene->run, view))
            guarded_expect_unchanged(&scene->run.views[view], view_name(view));
}

/* The sentence names the rank. */
static void expect_failure_on_all(const struct team *team, int culprit, cl_int status, const char *word)
{
    char sentence[512] = "", begin[32];
    snprintf(begin, sizeof begin, "rank %d: ", culprit);
    snprintf(sentence, sizeof sentence, "%s", clbnLastError());
    expect_that(status != CLBN_SUCCESS, "%s: succeeded", what_is_tested());
    expect_same_on_all(team, "the status", &status, sizeof status);
    expect_same_on_all(team, "the sentence", sentence, sizeof sentence);
    expect_that(strncmp(sentence, begin, strlen(begin)) == 0 && strstr(sentence, word) != NULL,
                "%s: '%s' does not begin with '%s', or lacks '%s'", what_is_tested(), sentence, begin, word);
}

/* ---- Misuse --------------------------------------------------------------------------------------------------------------- */

static cl_command_queue foreign_queue;
static cl_mem small_buffer;

static void no_x(struct given *given, bool backward)
{
    given->args.forward.x.buffer = backward ? given->args.forward.x.buffer : NULL;
    if (backward)
        given->args.backward.dy.buffer = NULL;
}

static void no_output(struct given *given, bool backward)
{
    const clbn_view none = CLBN_NO_VIEW;
    if (backward)
        given->args.backward.dx = given->args.backward.dz = given->args.backward.dgamma = given->args.backward.dbeta = none;
    else
        given->args.forward.y = none;
}

static void small_output(struct given *given, bool backward)
{
    clbn_view *view = backward ? &given->args.backward.dgamma : &given->args.forward.save_mean;
    view->buffer = small_buffer;
    view->offset = 0;
}

static void one_running(struct given *given, bool backward)
{
    if (backward)
        given->args.backward.save_invstd.buffer = NULL;
    else
        given->args.forward.running_var.buffer = NULL;
}

static void wrong_factor(struct given *given, bool backward)
{
    if (backward)
        given->args.backward.dbeta_factor = HUGE_VAL;
    else
        given->args.forward.update_factor = 2;
}

static void no_queue(struct given *given, bool backward)
{
    (void)backward;
    given->queue = NULL;
}

static void other_queue(struct given *given, bool backward)
{
    (void)backward;
    given->queue = foreign_queue;
}

static void no_args(struct given *given, bool backward)
{
    (void)backward;
    given->no_args = true;
}

static void wrong_size(struct given *given, bool backward)
{
    (void)backward;
    given->args.forward.struct_size = 3;
}

static void wrong_list(struct given *given, bool backward)
{
    (void)backward;
    given->wait_count = 1;
}

static const struct {
    const char *name;
    void (*spoil)(struct given *given, bool backward);
    cl_int status; /* on a part that is not empty */
    const char *word;
    bool of_parts; /* an empty part has nothing to find wrong */
} misuses[] = {
    { "no x", no_x, CLBN_MISSING_VIEW, "absent", true },
    { "no output", no_output, CLBN_MISSING_VIEW, "absent", true },
    { "a small output", small_output, CLBN_BUFFER_TOO_SMALL, "", false },
    { "one of two", one_running, CLBN_MISSING_VIEW, "", true },
    { "a factor", wrong_factor, CLBN_INVALID_FACTOR, "factor", false },
    { "no queue", no_queue, CL_INVALID_COMMAND_QUEUE, "queue", false },
    { "another context's queue", other_queue, CLBN_WRONG_CONTEXT, "context", false },
    { "no args", no_args, CLBN_INVALID_ARGUMENT, "args", false },
    { "a wrong size", wrong_size, CLBN_INVALID_STRUCT_SIZE, "struct_size", false },
    { "a wrong list", wrong_list, CL_INVALID_EVENT_WAIT_LIST, "event_wait_list", false },
};

static void check_misuse(const struct team *team, enum operation operation)
{
    struct scene scene;
    open_scene(&scene, team, operation);
    for (size_t i = 0; i < COUNT_OF(misuses); i++)
        for (int culprit = 0; culprit < team->size; culprit++) {
            struct given given = given_to(&scene);
            if (misuses[i].of_parts && lengths[culprit] == 0)
                continue;
            testing("%s, %s on rank %d of %d", operation_name(operation), misuses[i].name, culprit, team->size);
            if (culprit == team->rank)
                misuses[i].spoil(&given, operation == BACKWARD);
            restore(&scene);
            const cl_int status = make_call(&scene, &given, NULL);
            expect_status(status, misuses[i].status, "the call");
            expect_failure_on_all(team, culprit, status, misuses[i].word);
            expect_nothing_written(&scene);
            expect_it_works(&scene);
            checks++;
        }
    close_scene(&scene);
}

/* Two fail at once: the first rank's failure is told. */
static void check_two_failures(const struct team *team)
{
    struct scene scene;
    open_scene(&scene, team, FORWARD_TRAINING);
    struct given given = given_to(&scene);
    testing("failures on all ranks, on %d of %d", team->rank, team->size);
    if (team->rank == 0)
        no_args(&given, false);
    else
        no_queue(&given, false);
    const cl_int status = make_call(&scene, &given, NULL);
    expect_status(status, CLBN_INVALID_ARGUMENT, "the call");
    expect_failure_on_all(team, 0, status, "args is NULL");
    expect_it_works(&scene);
    close_scene(&scene);
    checks++;
}

/* ---- Creation ------------------------------------------------------------------------------------------------------------- */

static void expect_none(const struct team *team, clbn_plan plan, cl_int expected)
{
    cl_int status = CLBN_SUCCESS;
    clbn_mpi_plan part = clbnMpiCreatePlan(team->comm, plan, &status);
    expect_that(part == NULL, "%s: a plan was created", what_is_tested());
    expect_status(status, expected, "clbnMpiCreatePlan");
    expect_same_on_all(team, "the sentence", clbnLastError(), strlen(clbnLastError()));
}

/* One process has no plan, or one of another problem. */
static void check_creation(const struct team *team)
{
    static const struct shape wider = { 3, 1, { 4, CHANNELS + 1, 5 } };
    const int culprit = team->size - 1;
    const bool guilty = team->rank == culprit;
    clbn_plan plan = create_plan(test_engine(0), &shape, CLBN_FLOAT32, 1e-5);
    clbn_plan others[] = { NULL, create_plan(test_engine(0), &wider, CLBN_FLOAT32, 1e-5),
                           create_plan(test_engine(0), &shape, CLBN_FLOAT32, 1e-3),
                           device_has_float64() ? create_plan(test_engine(0), &shape, CLBN_FLOAT64, 1e-5) : NULL };
    cl_int status = CLBN_SUCCESS;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        testing("other plan %zu on rank %d of %d", i, culprit, team->size);
        if (team->size > 1 || others[i] == NULL)
            expect_none(team, guilty ? others[i] : plan, others[i] == NULL ? CLBN_INVALID_PLAN : CLBN_UNEQUAL_PARTS);
        clbnReleasePlan(others[i]);
        checks++;
    }
    testing("no communicator");
    expect_that(clbnMpiCreatePlan(MPI_COMM_NULL, plan, &status) == NULL, "MPI_COMM_NULL was taken");
    expect_status(status, CLBN_INVALID_ARGUMENT, "clbnMpiCreatePlan");
    expect_status(clbnMpiFinish(NULL, NULL), CLBN_INVALID_PLAN, "clbnMpiFinish");
    expect_status(clbnMpiForwardTraining(NULL, NULL, NULL, 0, NULL, NULL), CLBN_INVALID_PLAN, "clbnMpiForwardTraining");
    expect_success(clbnMpiReleasePlan(NULL));
    clbnReleasePlan(plan);
}

/* ---- OpenCL's failures ---------------------------------------------------------------------------------------------------- */

/* Whether any process says so. */
static bool anywhere(const struct team *team, bool here)
{
    int own = here, any = 0;
    MPI_Allreduce(&own, &any, 1, MPI_INT, MPI_MAX, team->comm);
    return any != 0;
}

static void expect_alive(const struct live_objects *before)
{
    const struct live_objects now = count_live_objects();
    for (int kind = 0; kind < OBJECT_KINDS; kind++)
        expect_that(now.count[kind] == before->count[kind], "%s: %ld objects of kind %d are alive, %ld were before",
                    what_is_tested(), now.count[kind], kind, before->count[kind]);
}

/* A failure before the exchange is everybody's at once; one after it is the culprit's at once, and everybody's with the next call. */
static void check_failing_call(struct scene *scene, const struct given *given, int culprit, cl_int status)
{
    const struct team *team = &scene->team;
    const char late[] = "after the exchange: ";
    if (!anywhere(team, status == CLBN_SUCCESS || strncmp(clbnLastError(), late, strlen(late)) == 0)) {
        expect_failure_on_all(team, culprit, status, "");
        expect_nothing_written(scene);
        return;
    }
    expect_that((status != CLBN_SUCCESS) == (team->rank == culprit), "%s: %s", what_is_tested(), clbnStatusName(status));
    if (team->rank == culprit)
        expect_that(strncmp(clbnLastError(), late, strlen(late)) == 0, "%s: '%s'", what_is_tested(), clbnLastError());
    expect_success(clFinish(in_order_queue()));
    restore(scene);
    expect_failure_on_all(team, culprit, make_call(scene, given, NULL), "in the call before");
    expect_nothing_written(scene);
}

static void check_failing_calls(const struct team *team, enum operation operation)
{
    const int culprit = team->size / 2;
    struct scene scene;
    open_scene(&scene, team, operation);
    unsigned long before_exchange = 0, failed = 0;
    expect_it_works(&scene);
    for (unsigned long number = 1;; number++) {
        const struct given given = given_to(&scene);
        testing("%s, call %lu fails on rank %d of %d", operation_name(operation), number, culprit, team->size);
        if (team->rank == culprit)
            fail_call_number(number, NULL, FAILS_ONCE);
        const cl_int status = make_call(&scene, &given, NULL);
        const bool all = anywhere(team, team->rank == culprit && stop_failing() == NULL);
        if (all && !anywhere(team, status != CLBN_SUCCESS))
            break; /* so many calls there are not */
        failed++;
        before_exchange += team->size > 1 && !anywhere(team, status == CLBN_SUCCESS);
        check_failing_call(&scene, &given, culprit, status);
        expect_it_works(&scene);
        checks++;
    }
    expect_that(team->size == 1 ? failed > 10 : before_exchange > 5 && failed > before_exchange + 5,
                "%lu calls failed, %lu before the exchange", failed, before_exchange);
    close_scene(&scene);
}

static void check_failing_creation(const struct team *team)
{
    const int culprit = team->size / 2;
    clbn_plan plan = create_plan(test_engine(0), &shape, CLBN_FLOAT32, 1e-5);
    const struct live_objects before = count_live_objects();
    unsigned long number = 1;
    for (bool done = false; !done; number++) {
        cl_int status = CLBN_SUCCESS;
        testing("creation, call %lu fails on rank %d of %d", number, culprit, team->size);
        if (team->rank == culprit)
            fail_call_number(number, NULL, FAILS_ONCE);
        clbn_mpi_plan part = clbnMpiCreatePlan(team->comm, plan, &status);
        const bool failed = anywhere(team, team->rank == culprit && stop_failing() != NULL);
        done = !failed;
        if (failed)
            expect_failure_on_all(team, culprit, status, "");
        expect_that((part != NULL) == done, "%s: %s", what_is_tested(), clbnStatusName(status));
        expect_success(clbnMpiReleasePlan(part));
        expect_alive(&before);
        checks++;
    }
    expect_that(number > 5, "only %lu calls were made", number);
    clbnReleasePlan(plan);
}

/* All that calls leave behind goes with the plan, also after a start without a finish. */
static void check_lifetime(const struct team *team)
{
    struct scene scene;
    open_scene(&scene, team, FORWARD_TRAINING);
    const struct given given = given_to(&scene);
    const struct live_objects before = count_live_objects();
    cl_int status;
    testing("lifetime, rank %d of %d", team->rank, team->size);
    clbn_mpi_plan part = clbnMpiCreatePlan(team->comm, scene.run.plan, &status);
    expect_success(status);
    for (int i = 0; i < 2; i++)
        expect_success(clbnMpiForwardTraining(part, given.queue, &given.args.forward, 0, NULL, NULL));
    expect_success(clbnMpiStartForwardTraining(part, given.queue, &given.args.forward, 0, NULL));
    expect_success(clbnMpiReleasePlan(part));
    expect_success(clFinish(given.queue));
    expect_alive(&before);
    close_scene(&scene);
    checks++;
}

/* ---- MPI's failures ------------------------------------------------------------------------------------------------------- */

static bool gathering_fails;

/* In the place of MPI's, by its profiling interface. */
int MPI_Allgather(const void *sent, int sent_count, MPI_Datatype sent_type, void *received, int received_count,
                  MPI_Datatype received_type, MPI_Comm comm)
{
    if (gathering_fails)
        return MPI_ERR_OTHER;
    return PMPI_Allgather(sent, sent_count, sent_type, received, received_count, received_type, comm);
}

static void check_failing_mpi(const struct team *team)
{
    struct scene scene;
    open_scene(&scene, team, FORWARD_TRAINING);
    const struct given given = given_to(&scene);
    testing("MPI fails, rank %d of %d", team->rank, team->size);
    restore(&scene);
    gathering_fails = true;
    expect_status(make_call(&scene, &given, NULL), CLBN_MPI_FAILED, "the call");
    gathering_fails = false;
    expect_that(strstr(clbnLastError(), "MPI_Allgather") != NULL, "'%s' does not name the function", clbnLastError());
    expect_nothing_written(&scene);
    expect_it_works(&scene);
    close_scene(&scene);
    checks++;
}

/* ---- Queues and buffers of the misuses ------------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
    const struct team world = ranks_begin(&argc, &argv);
    cl_device_id device = test_device();
    cl_int status;
    cl_context foreign = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    expect_success(status);
    foreign_queue = clCreateCommandQueue(foreign, device, 0, &status);
    expect_success(status);
    small_buffer = clCreateBuffer(test_context(), CL_MEM_READ_WRITE, sizeof(cl_float), NULL, &status);
    expect_success(status);
    for (int i = 0; i < 2; i++) {
        check_misuse(&world, i == 0 ? FORWARD_TRAINING : BACKWARD);
        check_failing_calls(&world, i == 0 ? FORWARD_TRAINING : BACKWARD);
    }
    check_two_failures(&world);
    check_creation(&world);
    check_failing_creation(&world);
    check_lifetime(&world);
    check_failing_mpi(&world);
    clReleaseMemObject(small_buffer);
    clReleaseCommandQueue(foreign_queue);
    clReleaseContext(foreign);
    return ranks_end("mpi_failures", checks);
}
