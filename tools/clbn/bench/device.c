/* SPDX-License-Identifier: MIT */
#include "bench/device.h"

#include "bench/measure.h"

#include <math.h>

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

/* Seconds from the end of one event to that of another; NAN where the device has no times of such events. */
static double seconds_between(cl_event first, cl_event last)
{
    cl_ulong begin, end;

    if (clGetEventProfilingInfo(first, CL_PROFILING_COMMAND_END, sizeof(begin), &begin, NULL) != CL_SUCCESS ||
        clGetEventProfilingInfo(last, CL_PROFILING_COMMAND_END, sizeof(end), &end, NULL) != CL_SUCCESS)
        return (double)NAN;
    return 1e-9 * (double)(end - begin);
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
    cl_int status;
    bool done = work->enqueue(work->context, profiled, &first, failure);

    for (size_t i = 0; i + 1 < calls && done; i++)
        done = work->enqueue(work->context, profiled, NULL, failure);
    done = done && work->enqueue(work->context, profiled, &last, failure);
    status = clFinish(profiled);
    if (done && status != CL_SUCCESS)
        done = fail_opencl(failure, "waiting for the device", status);
    if (done)
        *seconds = seconds_between(first, last) / (double)calls;
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
