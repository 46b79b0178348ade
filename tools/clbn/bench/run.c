/* SPDX-License-Identifier: MIT */
#include "bench/run.h"

#include "bench/device.h"
#include "bench/operation.h"
#include "bench/peer.h"
#include "io/scalar.h"
#include "system/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARED_ELEMENTS = 65536 };

/* Larger than any rounding of float32 on data of about 1, and smaller than any mistake in what is computed. */
static const double tolerance = 1e-3;

/* On a machine that does nothing else, 90 % of the times are within 2 of the least, also of calls of some microseconds. */
static const double spread_maximum = 3.0;

double bench_row_rate(const struct bench_row *row, double seconds)
{
    return 1e-9 * (double)bench_moved_bytes(&row->what) / seconds;
}

static double best_of(const struct bench_time times[BENCH_LIMIT_STORES])
{
    double best = times[0].wall.median;

    for (size_t i = 1; i < BENCH_LIMIT_STORES; i++)
        best = fmin(best, times[i].wall.median);
    return best;
}

double bench_row_limit_rate(const struct bench_row *row)
{
    return 1e-9 * (double)bench_limit_bytes(bench_limit_first(&row->what), &row->what) / best_of(row->limits);
}

double bench_row_floor(const struct bench_row *row)
{
    if (!row->has_floor)
        return (double)NAN;
    return best_of(bench_row_has_floors(row) ? row->floors : row->limits);
}

/* This program itself keeps all cores busy at most, over the minute that is averaged. */
static bool is_busy(void)
{
    return machine_load() > (double)machine_processors() + 1.0;
}

/* Times of which one in ten is as far from the least say more about what else the machine does than about who is measured. */
static bool is_steady(const struct bench_summary *summary)
{
    return summary->percentile_90 <= spread_maximum * summary->minimum;
}

bool bench_row_is_unsteady(const struct bench_row *row)
{
    return row->has_peer && (row->busy || !is_steady(&row->peer) || !is_steady(&row->clbn.wall));
}

double bench_row_peer_ratio(const struct bench_row *row)
{
    return row->has_peer && !bench_row_is_unsteady(row) ? row->peer.median / row->clbn.wall.median : (double)NAN;
}

bool bench_row_has_floors(const struct bench_row *row)
{
    return row->has_floor && !bench_floor_is_limit(&row->what);
}

/* Whether two results agree to within the roundings of their type. */
static bool agree(double ours, double theirs, clbn_type type)
{
    return fabs(ours - theirs) <= (tolerance + 2.0 * scalar_epsilon(type)) * (1.0 + fabs(theirs));
}

static bool compare(const struct bench_case *what, const void *ours, const void *theirs, size_t count, struct failure *failure)
{
    clbn_type type = bench_clbn_type(what->type);
    /* What lies on an activation's kink but for its rounding may be taken for either side. */
    size_t excused = what->op == BENCH_BACKWARD && what->activation != CLBN_ACTIVATION_NONE ? count / 10000 : 0;

    for (size_t i = 0; i < count; i++) {
        double our_value = scalar_get(type, ours, i);
        double their_value = scalar_get(type, theirs, i);

        if (agree(our_value, their_value, type))
            continue;
        if (excused == 0) {
            return fail(failure, "clbn and oneDNN disagree on the %s: element %zu is %g and %g", bench_op_names[what->op], i,
                        our_value, their_value);
        }
        excused--;
    }
    return true;
}

/* Compares the beginnings of what clbn and the peer write for the same input. */
static bool compare_with_peer(struct bench_work *work, const struct bench_tensors *tensors, const struct bench_case *what,
                              struct bench_peer *peer, struct failure *failure)
{
    size_t count = tensors->elements < COMPARED_ELEMENTS ? tensors->elements : COMPARED_ELEMENTS;
    size_t bytes = count * bench_element_size(what->type);
    void *ours = malloc(bytes);
    bool done = false;
    cl_int status;

    if (ours == NULL)
        return fail(failure, "there is no memory to compare results with oneDNN's");
    if (!bench_work_call(work, failure))
        goto cleanup;
    status = clEnqueueReadBuffer(work->queue, tensors->tensors[BENCH_OUT], CL_TRUE, 0, bytes, ours, 0, NULL, NULL);
    if (status != CL_SUCCESS) {
        fail_opencl(failure, "reading a result", status);
        goto cleanup;
    }
    done = bench_peer_call(peer, failure) && compare(what, ours, tensors->host_tensors[BENCH_OUT], count, failure);

cleanup:
    free(ours);
    return done;
}

/* What takes turns on the device. */
struct works {
    struct bench_limit_call limits[BENCH_LIMIT_STORES];
    struct bench_floor_call floors[BENCH_LIMIT_STORES];
    struct bench_work works[1 + 2 * BENCH_LIMIT_STORES];
    struct bench_time *times[1 + 2 * BENCH_LIMIT_STORES];
    size_t count;
};

static void add_work(struct works *works, struct bench_work work, struct bench_time *time)
{
    works->works[works->count] = work;
    works->times[works->count] = time;
    works->count++;
}

/* clbn's work and what it is compared with. */
static bool bind_works(struct works *works, const struct bench_run *run, struct bench_work *work,
                       const struct bench_tensors *tensors, struct bench_row *row, struct failure *failure)
{
    add_work(works, *work, &row->clbn);
    for (size_t i = 0; i < BENCH_LIMIT_STORES; i++) {
        enum bench_limit_kernel kernel = (enum bench_limit_kernel)(bench_limit_first(&row->what) + i);

        if (!bench_limit_bind(&works->limits[i], run->limit, kernel, tensors, failure))
            return false;
        add_work(works, (struct bench_work){ bench_limit_enqueue, &works->limits[i], work->queue }, &row->limits[i]);
    }
    row->has_floor = bench_floor_applies(&row->what, run->limit);
    for (size_t i = 0; i < BENCH_LIMIT_STORES && bench_row_has_floors(row); i++) {
        if (!bench_floor_bind(&works->floors[i], run->limit, i, &row->what, tensors, failure))
            return false;
        add_work(works, (struct bench_work){ bench_floor_enqueue, &works->floors[i], work->queue }, &row->floors[i]);
    }
    return true;
}

static bool measure(const struct bench_run *run, struct bench_work *work, const struct bench_tensors *tensors,
                    struct bench_peer *peer, struct bench_row *row, struct failure *failure)
{
    struct works works = { .count = 0 };
    struct bench_contestant contestants[sizeof(works.works) / sizeof(works.works[0]) + 1] = { { .call = NULL } };

    if (!bind_works(&works, run, work, tensors, row, failure))
        return false;
    for (size_t i = 0; i < works.count; i++)
        contestants[i] = (struct bench_contestant){ .call = bench_work_call, .context = &works.works[i] };
    contestants[works.count] = (struct bench_contestant){ .call = bench_peer_call, .context = peer };
    if (!bench_measure(contestants, peer != NULL ? works.count + 1 : works.count, run->effort, failure))
        return false;
    for (size_t i = 0; i < works.count; i++) {
        struct bench_time *time = works.times[i];

        time->wall = contestants[i].summary;
        if (!bench_work_device_seconds(&works.works[i], run->profiled, time->wall.median, &time->device_seconds, failure))
            return false;
    }
    row->peer = contestants[works.count].summary;
    return true;
}

bool bench_run_row(const struct bench_run *run, const struct bench_tensors *tensors, struct bench_row *row,
                   struct failure *failure)
{
    struct bench_operation operation = { 0 };
    struct bench_work work = { bench_operation_enqueue, &operation, run->session->queue };
    struct bench_peer *peer = NULL;
    bool done = false;

    if (!bench_operation_open(&operation, run->session, &row->what, tensors, failure))
        goto cleanup;
    row->busy = is_busy();
    row->has_peer = run->with_peer && bench_peer_supports(&row->what);
    if (row->has_peer) {
        peer = bench_peer_open(&row->what, tensors, failure);
        if (peer == NULL || !compare_with_peer(&work, tensors, &row->what, peer, failure))
            goto cleanup;
        snprintf(row->peer_implementation, sizeof(row->peer_implementation), "%s", bench_peer_implementation(peer));
    }
    bench_operation_kernels(&operation, row->kernels, sizeof(row->kernels));
    done = measure(run, &work, tensors, peer, row, failure);

cleanup:
    bench_peer_close(peer);
    bench_operation_close(&operation);
    return done;
}
