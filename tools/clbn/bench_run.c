#include "bench_run.h"

#include "bench_operation.h"
#include "bench_peer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPARED_ELEMENTS = 65536 };

/* Larger than any rounding on data of about 1, and smaller than any mistake in what is computed. */
static const double tolerance = 1e-3;

double bench_row_rate(const struct bench_row *row, double seconds)
{
    return 1e-9 * (double)bench_moved_bytes(&row->what) / seconds;
}

double bench_row_limit(const struct bench_row *row)
{
    double best = row->limits[0].median;

    for (size_t i = 1; i < BENCH_LIMIT_STORES; i++)
        best = fmin(best, row->limits[i].median);
    return best;
}

/* Compares the beginnings of what clbn and the peer, which has float32 only, write for the same input. */
static bool compare_with_peer(struct bench_operation *operation, struct bench_peer *peer, struct failure *failure)
{
    const struct bench_tensors *tensors = operation->tensors;
    const float *theirs = tensors->host_tensors[BENCH_OUT];
    size_t count = tensors->elements < COMPARED_ELEMENTS ? tensors->elements : COMPARED_ELEMENTS;
    float *ours = malloc(count * sizeof(*ours));
    bool done = false;
    cl_int status;

    if (ours == NULL)
        return fail(failure, "there is no memory to compare results with oneDNN's");
    if (!bench_operation_call(operation, failure))
        goto cleanup;
    status = clEnqueueReadBuffer(operation->queue, tensors->tensors[BENCH_OUT], CL_TRUE, 0, count * sizeof(*ours), ours, 0,
                                 NULL, NULL);
    if (status != CL_SUCCESS) {
        fail_opencl(failure, "reading a result", status);
        goto cleanup;
    }
    if (!bench_peer_call(peer, failure))
        goto cleanup;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)ours[i] - (double)theirs[i]);

        if (!(difference <= tolerance * (1.0 + fabs((double)theirs[i])))) {
            fail(failure, "clbn and oneDNN disagree on the %s: element %zu is %g and %g", bench_op_names[operation->op], i,
                 (double)ours[i], (double)theirs[i]);
            goto cleanup;
        }
    }
    done = true;

cleanup:
    free(ours);
    return done;
}

static bool measure(const struct bench_run *run, struct bench_operation *operation, struct bench_peer *peer,
                    struct bench_row *row, struct failure *failure)
{
    struct bench_limit_call limits[BENCH_LIMIT_STORES];
    struct bench_contestant contestants[BENCH_LIMIT_STORES + 2] = { { .call = bench_operation_call, .context = operation } };
    size_t count = 1;

    for (size_t i = 0; i < BENCH_LIMIT_STORES; i++) {
        enum bench_limit_kernel kernel = (enum bench_limit_kernel)(bench_limit_first(row->what.op) + i);

        if (!bench_limit_bind(&limits[i], run->limit, kernel, operation->tensors, failure))
            return false;
        contestants[count].call = bench_limit_run;
        contestants[count++].context = &limits[i];
    }
    if (peer != NULL) {
        contestants[count].call = bench_peer_call;
        contestants[count++].context = peer;
    }
    if (!bench_measure(contestants, count, run->effort, failure))
        return false;
    row->clbn = contestants[0].summary;
    for (size_t i = 0; i < BENCH_LIMIT_STORES; i++)
        row->limits[i] = contestants[1 + i].summary;
    if (peer != NULL)
        row->peer = contestants[count - 1].summary;
    return true;
}

bool bench_run_row(const struct bench_run *run, const struct bench_tensors *tensors, struct bench_row *row,
                   struct failure *failure)
{
    struct bench_operation operation = { 0 };
    struct bench_peer *peer = NULL;
    bool done = false;

    if (!bench_operation_open(&operation, run->session, &row->what, tensors, failure))
        goto cleanup;
    row->has_peer = run->with_peer && bench_peer_supports(&row->what);
    if (row->has_peer) {
        peer = bench_peer_open(&row->what, tensors, failure);
        if (peer == NULL || !compare_with_peer(&operation, peer, failure))
            goto cleanup;
        snprintf(row->peer_implementation, sizeof(row->peer_implementation), "%s", bench_peer_implementation(peer));
    }
    bench_operation_kernels(&operation, row->kernels, sizeof(row->kernels));
    done = measure(run, &operation, peer, row, failure);

cleanup:
    bench_peer_close(peer);
    bench_operation_close(&operation);
    return done;
}
