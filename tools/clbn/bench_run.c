#include "bench_run.h"

#include "bench_device.h"
#include "bench_operation.h"
#include "bench_peer.h"
#include "scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARED_ELEMENTS = 65536 };

/* Larger than any rounding of float32 on data of about 1, and smaller than any mistake in what is computed. */
static const double tolerance = 1e-3;

double bench_row_rate(const struct bench_row *row, double seconds)
{
    return 1e-9 * (double)bench_moved_bytes(&row->what) / seconds;
}

double bench_row_limit_rate(const struct bench_row *row)
{
    enum bench_limit_kernel first = bench_limit_first(&row->what);
    double best = row->limits[0].wall.median;

    for (size_t i = 1; i < BENCH_LIMIT_STORES; i++)
        best = fmin(best, row->limits[i].wall.median);
    return 1e-9 * (double)bench_limit_bytes(first, &row->what) / best;
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

static bool measure(const struct bench_run *run, struct bench_work *work, const struct bench_tensors *tensors,
                    struct bench_peer *peer, struct bench_row *row, struct failure *failure)
{
    enum { WORKS = BENCH_LIMIT_STORES + 1 };
    struct bench_limit_call limits[BENCH_LIMIT_STORES];
    struct bench_work works[WORKS] = { *work };
    struct bench_time *times[WORKS] = { &row->clbn };
    struct bench_contestant contestants[WORKS + 1] = { { .call = NULL } };

    for (size_t i = 0; i < BENCH_LIMIT_STORES; i++) {
        enum bench_limit_kernel kernel = (enum bench_limit_kernel)(bench_limit_first(&row->what) + i);

        if (!bench_limit_bind(&limits[i], run->limit, kernel, tensors, failure))
            return false;
        works[1 + i] = (struct bench_work){ bench_limit_enqueue, &limits[i], work->queue };
        times[1 + i] = &row->limits[i];
    }
    for (size_t i = 0; i < WORKS; i++)
        contestants[i] = (struct bench_contestant){ .call = bench_work_call, .context = &works[i] };
    contestants[WORKS] = (struct bench_contestant){ .call = bench_peer_call, .context = peer };
    if (!bench_measure(contestants, peer != NULL ? WORKS + 1 : WORKS, run->effort, failure))
        return false;
    for (size_t i = 0; i < WORKS; i++) {
        times[i]->wall = contestants[i].summary;
        if (!bench_work_device_seconds(&works[i], run->profiled, times[i]->wall.median, &times[i]->device_seconds, failure))
            return false;
    }
    row->peer = contestants[WORKS].summary;
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
