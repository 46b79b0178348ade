/* SPDX-License-Identifier: MIT */
#include "train/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool tally_open(struct tally *tally, const struct arithmetic *arithmetic, size_t rows, struct failure *failure)
{
    memset(tally, 0, sizeof *tally);
    tally->rows = rows;
    tally->losses = arithmetic_buffer(arithmetic, rows, failure);
    if (tally->losses != NULL)
        tally->hits = arithmetic_buffer(arithmetic, rows, failure);
    if (tally->hits == NULL) {
        tally_close(tally);
        return false;
    }
    return true;
}

void tally_close(struct tally *tally)
{
    if (tally->losses != NULL)
        clReleaseMemObject(tally->losses);
    if (tally->hits != NULL)
        clReleaseMemObject(tally->hits);
    memset(tally, 0, sizeof *tally);
}

bool tally_read(struct tally *tally, const struct arithmetic *arithmetic, struct score *score, struct failure *failure)
{
    bool done = false;
    cl_command_queue queue = arithmetic->queue;
    cl_float *losses = malloc(tally->rows * sizeof *losses);
    cl_uint *hits = malloc(tally->rows * sizeof *hits);
    double sums[] = { 0.0, 0.0, (double)tally->samples }; /* losses, hits, samples */
    cl_int status;

    if (losses == NULL || hits == NULL) {
        fail(failure, "there is no memory for a tally of %zu rows", tally->rows);
        goto cleanup;
    }
    status = clEnqueueReadBuffer(queue, tally->losses, CL_FALSE, 0, tally->rows * sizeof *losses, losses, 0, NULL, NULL);
    if (status == CL_SUCCESS)
        status = clEnqueueReadBuffer(queue, tally->hits, CL_TRUE, 0, tally->rows * sizeof *hits, hits, 0, NULL, NULL);
    if (status != CL_SUCCESS) {
        clFinish(queue); /* The first read may still be writing to losses. */
        fail_opencl(failure, "clEnqueueReadBuffer", status);
        goto cleanup;
    }
    for (size_t i = 0; i < tally->rows; i++) {
        sums[0] += (double)losses[i];
        sums[1] += (double)hits[i];
    }
    if (tally->peers != NULL && !peers_sum(tally->peers, sums, sizeof sums / sizeof *sums, failure))
        goto cleanup;
    score->loss = sums[2] > 0 ? sums[0] / sums[2] : (double)NAN;
    score->accuracy = sums[2] > 0 ? sums[1] / sums[2] : (double)NAN;
    tally->samples = 0;
    done = arithmetic_fill(arithmetic, tally->losses, tally->rows, 0.0, failure) &&
           arithmetic_fill(arithmetic, tally->hits, tally->rows, 0.0, failure);
cleanup:
    free(losses);
    free(hits);
    return done;
}
