#include "bench_device.h"

#include "bench_measure.h"

/* Calls that follow each other: for so long, but at least and at most so many. */
static const double series_seconds = 0.01;
enum { SERIES = 3, CALLS_MINIMUM = 3, CALLS_MAXIMUM = 100 };

bool bench_work_call(void *work, struct failure *failure)
{
    const struct bench_work *this_one = work;
    cl_int status;

    if (!this_one->enqueue(this_one->context, this_one->queue, NULL, failure))
        return false;
    status = clFinish(this_one->queue);
    return status == CL_SUCCESS || fail_opencl(failure, "waiting for the device", status);
}

static bool end_of(cl_event event, cl_ulong *nanoseconds, struct failure *failure)
{
    cl_int status = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof(*nanoseconds), nanoseconds, NULL);

    return status == CL_SUCCESS || fail_opencl(failure, "asking for an event's time", status);
}

static size_t choose_calls(double wall)
{
    double calls = series_seconds / wall;

    return calls > CALLS_MAXIMUM ? CALLS_MAXIMUM : calls > CALLS_MINIMUM ? (size_t)calls : CALLS_MINIMUM;
}

/* Seconds of one of so many calls, and one more before them. */
static bool time_series(const struct bench_work *work, cl_command_queue profiled, size_t calls, double *seconds,
                        struct failure *failure)
{
    cl_event first = NULL;
    cl_event last = NULL;
    cl_ulong begin, end;
    cl_int status;
    bool done = work->enqueue(work->context, profiled, &first, failure);

    for (size_t i = 0; i + 1 < calls && done; i++)
        done = work->enqueue(work->context, profiled, NULL, failure);
    done = done && work->enqueue(work->context, profiled, &last, failure);
    status = clFinish(profiled);
    if (done && status != CL_SUCCESS)
        done = fail_opencl(failure, "waiting for the device", status);
    done = done && end_of(first, &begin, failure) && end_of(last, &end, failure);
    if (done)
        *seconds = 1e-9 * (double)(end - begin) / (double)calls;
    if (first != NULL)
        clReleaseEvent(first);
    if (last != NULL)
        clReleaseEvent(last);
    return done;
}

bool bench_work_device_seconds(const struct bench_work *work, cl_command_queue profiled, double wall, double *seconds,
                               struct failure *failure)
{
    double samples[SERIES];

    for (size_t i = 0; i < SERIES; i++)
        if (!time_series(work, profiled, choose_calls(wall), &samples[i], failure))
            return false;
    *seconds = bench_summarize(samples, SERIES).median;
    return true;
}
