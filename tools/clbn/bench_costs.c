#include "bench_costs.h"

#include "bench_cache.h"
#include "bench_device.h"
#include "bench_operation.h"
#include "bench_tensors.h"

#include <string.h>

enum { ENGINES = 5, PLANS = 100, CALLS = 300, WARM_UP_CALLS = 50 };

/* A plan of the kind "float32, channels first": images of one to PLANS rows. */
static const struct bench_case images = { .shape = { 4, { 32, 64, 1, 56 } }, .layout = BENCH_NCHW };

/* Times the creation of a plan for images of that many rows. */
static bool time_plan(clbn_engine engine, size_t rows, double *seconds, struct failure *failure)
{
    struct bench_case what = images;

    what.shape.sizes[2] = rows;
    double start = bench_now();
    clbn_plan plan = bench_create_plan(engine, &what, failure);
    *seconds = bench_now() - start;
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
    double start = bench_now();
    clbn_engine engine = clbnCreateEngine(context, device, &options, &status);
    *engine_seconds = bench_now() - start;
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

/* Times until an enqueue returns, and until what it enqueued has finished. */
static bool measure_enqueue(const struct bench_work *work, struct bench_summary *host, struct bench_summary *whole,
                            struct failure *failure)
{
    double host_times[CALLS];
    double whole_times[CALLS];

    for (size_t i = 0; i < WARM_UP_CALLS + CALLS; i++) {
        size_t sample = i < WARM_UP_CALLS ? 0 : i - WARM_UP_CALLS; /* the first calls' times are overwritten */
        double start = bench_now();

        if (!work->enqueue(work->context, work->queue, NULL, failure))
            return false;
        host_times[sample] = bench_now() - start;
        cl_int status = clFinish(work->queue);
        if (status != CL_SUCCESS)
            return fail_opencl(failure, "waiting for the device", status);
        whole_times[sample] = bench_now() - start;
    }
    *host = bench_summarize(host_times, CALLS);
    *whole = bench_summarize(whole_times, CALLS);
    return true;
}

/* The OpenCL calls of a forward training in one kernel, and no more: bench.cl's nothing_of_many. */
struct bare_call {
    const struct bench_limit *limit;
    const struct bench_tensors *tensors;
};

/* Its groups: vectors of channels in a row of 100. */
enum { BARE_GROUPS = 7 };

/* Bytes of its arguments; 0: a buffer. */
static const unsigned char bare_arguments[] = { 136, 0, 24, 0, 24, 0, 24, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8,
                                                0,   8, 0,  8, 4,  4, 4,  4, 4, 4, 0, 8, 0, 8, 0, 8 };

enum { BARE_Z = 3, BARE_MASK = 7 }; /* NULL, as there */

static cl_int set_bare_argument(const struct bare_call *call, cl_kernel kernel, cl_uint i)
{
    static const cl_ulong zeros[17];
    const cl_mem *buffer = i == BARE_Z || i == BARE_MASK ? NULL : &call->tensors->vectors[i % BENCH_VECTORS];

    return bare_arguments[i] == 0 ? clSetKernelArg(kernel, i, sizeof(cl_mem), buffer)
                                  : clSetKernelArg(kernel, i, bare_arguments[i], zeros);
}

static bool enqueue_bare(const void *context, cl_command_queue queue, cl_event *event, struct failure *failure)
{
    const struct bare_call *call = context;
    const cl_kernel kernel = call->limit->kernels[BENCH_NOTHING_OF_MANY];
    const size_t group = call->limit->group, items = BARE_GROUPS * group;
    cl_int status = CL_SUCCESS;

    for (cl_uint i = 0; i < sizeof(bare_arguments) && status == CL_SUCCESS; i++)
        status = set_bare_argument(call, kernel, i);
    if (status == CL_SUCCESS)
        status = clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, &group, 0, NULL, event);
    return status == CL_SUCCESS || fail_opencl(failure, "enqueuing a kernel", status);
}

static bool measure_operation(struct bench_costs *costs, const struct session *session, const struct bench_tensors *tensors,
                              struct bench_case *what, struct failure *failure)
{
    struct bench_operation operation;
    struct bench_work work = { bench_operation_enqueue, &operation, session->queue };

    if (!bench_operation_open(&operation, session, what, tensors, failure))
        return false;
    bool done = measure_enqueue(&work, &costs->enqueue[what->op], &costs->call[what->op], failure);
    bench_operation_close(&operation);
    return done;
}

bool bench_costs_measure(struct bench_costs *costs, const struct session *session, const struct bench_limit *limit,
                         struct failure *failure)
{
    struct bench_case small = { .shape = { 2, { 60, 100 } }, .layout = BENCH_NC };
    struct bench_tensors tensors;
    struct bench_limit_call nothing;
    const struct bare_call bare = { limit, &tensors };
    const struct bench_work work = { bench_limit_enqueue, &nothing, session->queue };
    const struct bench_work bare_work = { enqueue_bare, &bare, session->queue };

    if (!measure_objects(costs, session, failure) || !bench_tensors_open(&tensors, session, &small, failure))
        return false;
    bool done = bench_limit_bind(&nothing, limit, BENCH_NOTHING, &tensors, failure) &&
                measure_enqueue(&work, &costs->enqueue_nothing, &costs->call_nothing, failure) &&
                measure_enqueue(&bare_work, &costs->enqueue_bare, &costs->call_bare, failure);
    for (int op = 0; op < BENCH_OPS && done; op++) {
        small.op = (enum bench_op)op;
        done = measure_operation(costs, session, &tensors, &small, failure);
    }
    bench_tensors_close(&tensors);
    return done;
}
