/* SPDX-License-Identifier: MIT */
#include "bench/costs.h"

#include "bench/cache.h"
#include "bench/device.h"
#include "bench/operation.h"
#include "bench/small.h"
#include "bench/tensors.h"
#include "system/clock.h"

#include <string.h>

enum { ENGINES = 5, PLANS = 100, TURNS = 20, CALLS_OF_TURN = 25, CALLS = TURNS * CALLS_OF_TURN, WARM_UP_CALLS = 10 };

/* A plan of the kind "float32, channels first": images of one to PLANS rows. */
static const struct bench_case images = { .shape = { 4, { 32, 64, 1, 56 } }, .layout = BENCH_NCHW };

/* Times the creation of a plan for images of that many rows. */
static bool time_plan(clbn_engine engine, size_t rows, double *seconds, struct failure *failure)
{
    struct bench_case what = images;

    what.shape.sizes[2] = rows;
    double start = clock_seconds();
    clbn_plan plan = bench_create_plan(engine, &what, failure);
    *seconds = clock_seconds() - start;
    clbnReleasePlan(plan);
    return plan != NULL;
}

/* Creates an engine and one plan on it, and times both. */
static clbn_engine time_engine(cl_context context, cl_device_id device, clbn_geometry geometry, double *engine_seconds,
                               double *kind_seconds, struct failure *failure)
{
    clbn_engine_options options = CLBN_ENGINE_OPTIONS_INIT;
    cl_int status;

    options.geometry = geometry;
    double start = clock_seconds();
    clbn_engine engine = clbnCreateEngine(context, device, &options, &status);
    *engine_seconds = clock_seconds() - start;
    if (engine == NULL) {
        fail_clbn(failure, "creating the engine", status);
        return NULL;
    }
    if (!time_plan(engine, 1, kind_seconds, failure)) {
        clbnReleaseEngine(engine);
        return NULL;
    }
    return engine;
}

bool bench_costs_open(struct bench_costs *costs, struct session *session, const struct session_options *options,
                      struct failure *failure)
{
    struct device_list list;
    size_t index;
    cl_int status;

    memset(costs, 0, sizeof(*costs));
    memset(session, 0, sizeof(*session));
    if (!device_list_open(&list, failure))
        return false;
    if (!device_list_find(&list, options->device, &index, failure)) {
        device_list_close(&list);
        return false;
    }
    session->device = list.entries[index].device;
    device_list_close(&list);
    session->context = clCreateContext(NULL, 1, &session->device, NULL, NULL, &status);
    if (session->context == NULL) {
        fail_opencl(failure, "creating an OpenCL context", status);
        goto cleanup;
    }
    session->queue = clCreateCommandQueue(session->context, session->device, 0, &status);
    if (session->queue == NULL) {
        fail_opencl(failure, "creating an OpenCL queue", status);
        goto cleanup;
    }
    session->engine = time_engine(session->context, session->device, (clbn_geometry)options->geometry, &costs->engine_first,
                                  &costs->kind_first, failure);
    if (session->engine != NULL)
        return true;

cleanup:
    session_close(session);
    return false;
}

/* Times engines with their first plans. Where the disk cache is on, what the first two compile is in it then. */
static bool time_engines(size_t count, const struct session *session, clbn_geometry geometry, double *engines, double *kinds,
                         struct failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        clbn_engine engine = time_engine(session->context, session->device, geometry, &engines[i], &kinds[i], failure);

        if (engine == NULL)
            return false;
        clbnReleaseEngine(engine);
    }
    return true;
}

/* Engines and the first plans of a kind, compiled and from the disk cache. */
static bool measure_engines(struct bench_costs *costs, const struct session *session, clbn_geometry geometry,
                            struct failure *failure)
{
    double engines[ENGINES];
    double compiled[ENGINES];
    double cached[ENGINES];
    struct bench_cache cache;

    if (!bench_cache_open(&cache, failure))
        return false;
    bool done = time_engines(ENGINES, session, geometry, engines, compiled, failure);
    bench_cache_turn_on(&cache);
    done = done && time_engines(2, session, geometry, engines, cached, failure) && /* the second stores */
           time_engines(ENGINES, session, geometry, engines, cached, failure);
    bench_cache_close(&cache);
    if (!done)
        return false;
    costs->engine_again = bench_summarize(engines, ENGINES);
    costs->kind_compiled = bench_summarize(compiled, ENGINES);
    costs->kind_cached = bench_summarize(cached, ENGINES);
    return true;
}

static bool measure_objects(struct bench_costs *costs, const struct session *session, struct failure *failure)
{
    double plans[PLANS];
    clbn_geometry geometry;
    cl_int status = clbnGetEngineInfo(session->engine, CLBN_ENGINE_GEOMETRY, sizeof(geometry), &geometry, NULL);

    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "asking for the engine's geometry", status);
    if (!measure_engines(costs, session, geometry, failure))
        return false;
    for (size_t i = 0; i < PLANS; i++)
        if (!time_plan(session->engine, i + 2, &plans[i], failure))
            return false;
    costs->plan = bench_summarize(plans, PLANS);
    return true;
}

/* Calls of one kind, which take turns with others, so that what slows the machine down for a while slows down all of them. */
struct small_calls {
    struct bench_work work;
    struct bench_call_costs *costs;
    double enqueue[CALLS];
    double whole[CALLS];
};

static bool time_call(const struct bench_work *work, double *enqueue, double *whole, struct failure *failure)
{
    double start = clock_seconds();

    if (!work->enqueue(work->context, work->queue, NULL, failure))
        return false;
    *enqueue = clock_seconds() - start;
    cl_int status = clFinish(work->queue);
    *whole = clock_seconds() - start;
    return status == CL_SUCCESS || fail_opencl(failure, "waiting for the device", status);
}

static bool take_turn(struct small_calls *calls, size_t turn, struct failure *failure)
{
    for (size_t i = 0; i < WARM_UP_CALLS + CALLS_OF_TURN; i++) {
        size_t sample =
            turn * CALLS_OF_TURN + (i < WARM_UP_CALLS ? 0 : i - WARM_UP_CALLS); /* the first calls' are overwritten */

        if (!time_call(&calls->work, &calls->enqueue[sample], &calls->whole[sample], failure))
            return false;
    }
    return true;
}

static bool measure_calls(struct small_calls *calls, size_t count, struct failure *failure)
{
    for (size_t turn = 0; turn < TURNS; turn++)
        for (size_t i = 0; i < count; i++)
            if (!take_turn(&calls[i], turn, failure))
                return false;
    for (size_t i = 0; i < count; i++) {
        calls[i].costs->enqueue = bench_summarize(calls[i].enqueue, CALLS);
        calls[i].costs->whole = bench_summarize(calls[i].whole, CALLS);
    }
    return true;
}

/* What is called: clbn's operations, their floors, and a kernel that does nothing. */
struct small_work {
    struct bench_tensors tensors;
    struct bench_operation operations[BENCH_OPS];
    struct bench_small_call floors[BENCH_OPS];
    struct bench_limit_call nothing;
};

static void close_small_work(struct small_work *work)
{
    for (int op = 0; op < BENCH_OPS; op++)
        bench_operation_close(&work->operations[op]);
    bench_tensors_close(&work->tensors);
}

static bool open_small_work(struct small_work *work, const struct session *session, const struct bench_limit *limit,
                            struct failure *failure)
{
    struct bench_case small = { .shape = { 2, { 60, 100 } }, .layout = BENCH_NC };

    memset(work, 0, sizeof(*work));
    if (!bench_tensors_open(&work->tensors, session, &small, failure))
        return false;
    bool done = bench_limit_bind(&work->nothing, limit, BENCH_NOTHING, &work->tensors, failure);
    for (int op = 0; op < BENCH_OPS && done; op++) {
        small.op = (enum bench_op)op;
        work->floors[op] = bench_small_bind(limit, &work->tensors, &small);
        done = bench_operation_open(&work->operations[op], session, &small, &work->tensors, failure);
    }
    if (!done)
        close_small_work(work);
    return done;
}

static bool measure_small_work(struct bench_costs *costs, const struct small_work *work, cl_command_queue queue,
                               struct failure *failure)
{
    static struct small_calls calls[2 * BENCH_OPS + 1];
    size_t count = 0;

    calls[count].work = (struct bench_work){ bench_limit_enqueue, &work->nothing, queue };
    calls[count++].costs = &costs->nothing;
    for (int op = 0; op < BENCH_OPS; op++) {
        calls[count].work = (struct bench_work){ bench_operation_enqueue, &work->operations[op], queue };
        calls[count++].costs = &costs->call[op];
        calls[count].work = (struct bench_work){ bench_small_enqueue, &work->floors[op], queue };
        calls[count++].costs = &costs->floor[op];
    }
    return measure_calls(calls, count, failure);
}

bool bench_costs_measure(struct bench_costs *costs, const struct session *session, const struct bench_limit *limit,
                         struct failure *failure)
{
    struct small_work work;

    if (!measure_objects(costs, session, failure) || !open_small_work(&work, session, limit, failure))
        return false;
    bool done = measure_small_work(costs, &work, session->queue, failure);
    close_small_work(&work);
    return done;
}
