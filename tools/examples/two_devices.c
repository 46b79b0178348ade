/* SPDX-License-Identifier: MIT */
/*
 * Synchronised batch norm: a batch in two parts, each on a device and in a context of its own. The parts' statistics, and later their
 * sums, are small records, which go through the host here (through MPI between hosts): all else stays where it is.
 * A machine with one device shows the same with two contexts on it.
 */
#include "example.h"

#include <stdio.h>
#include <string.h>

enum { PARTS = 2, N = 6, C = 5, HW = 33, ELEMENTS = N * C * HW };
enum { STATISTICS = CLBN_STATISTICS_ROWS * C, SUMS = CLBN_SUMS_ROWS * C };

/* The batch divided: 4 images and 2. */
static const size_t begins[PARTS + 1] = { 0, 4, N };

struct part {
    struct example on;
    clbn_plan plan;
    cl_mem x, dy, y, dx, gamma, beta, records, statistics, save_mean, save_invstd, dgamma, dbeta;
};

static size_t bytes_of(size_t part)
{
    return (begins[part + 1] - begins[part]) * C * HW * sizeof(float);
}

static struct part open_part(size_t number, const float *x, const float *dy, const float *gamma, const float *beta)
{
    struct part part = { .on = example_open(0) };
    const cl_context context = part.on.context;
    const size_t bytes = bytes_of(number), first = begins[number] * C * HW;
    cl_int status;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 3;
    desc.shape[0] = begins[number + 1] - begins[number], desc.shape[1] = C, desc.shape[2] = HW;
    part.plan = clbnCreatePlan(part.on.engine, &desc, &status);
    must(status, "plan");
    part.x = example_buffer(context, bytes, x + first);
    part.dy = example_buffer(context, bytes, dy + first);
    part.y = example_buffer(context, bytes, NULL);
    part.dx = example_buffer(context, bytes, NULL);
    part.gamma = example_buffer(context, C * sizeof *gamma, gamma);
    part.beta = example_buffer(context, C * sizeof *beta, beta);
    part.records = example_buffer(context, PARTS * SUMS * sizeof(float), NULL);
    part.statistics = example_buffer(context, STATISTICS * sizeof(float), NULL);
    part.save_mean = example_buffer(context, C * sizeof(float), NULL);
    part.save_invstd = example_buffer(context, C * sizeof(float), NULL);
    part.dgamma = example_buffer(context, C * sizeof(float), NULL);
    part.dbeta = example_buffer(context, C * sizeof(float), NULL);
    return part;
}

static void close_part(struct part *part)
{
    cl_mem buffers[] = { part->x,       part->dy,         part->y,         part->dx,          part->gamma,  part->beta,
                         part->records, part->statistics, part->save_mean, part->save_invstd, part->dgamma, part->dbeta };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clReleaseMemObject(buffers[i]);
    clbnReleasePlan(part->plan);
    example_close(&part->on);
}

/* Each part's record, from its statistics buffer or the begin of its records, goes to all parts: [PARTS][size]. */
static void gather(struct part *parts, cl_mem (*record_of)(const struct part *part), size_t size)
{
    float all[PARTS * SUMS];
    for (int i = 0; i < PARTS; i++)
        example_read(parts[i].on.queue, record_of(&parts[i]), all + (size_t)i * size, size * sizeof *all);
    for (int i = 0; i < PARTS; i++)
        must(clEnqueueWriteBuffer(parts[i].on.queue, parts[i].records, CL_TRUE, 0, PARTS * size * sizeof *all, all, 0, NULL,
                                  NULL),
             "records");
}

static cl_mem statistics_of(const struct part *part)
{
    return part->statistics;
}

static cl_mem sums_of(const struct part *part)
{
    return part->records;
}

static void forward(struct part *parts)
{
    for (int i = 0; i < PARTS; i++) {
        clbn_statistics_args statistics = CLBN_STATISTICS_ARGS_INIT;
        statistics.x.buffer = parts[i].x;
        statistics.statistics.buffer = parts[i].statistics;
        must(clbnEnqueueStatistics(parts[i].plan, parts[i].on.queue, &statistics, 0, NULL, NULL), "statistics");
    }
    gather(parts, statistics_of, STATISTICS);
    for (int i = 0; i < PARTS; i++) {
        clbn_merge_statistics_args merge = CLBN_MERGE_STATISTICS_ARGS_INIT;
        clbn_normalize_args normalize = CLBN_NORMALIZE_ARGS_INIT;
        merge.parts = PARTS;
        merge.records.buffer = parts[i].records;
        merge.statistics.buffer = parts[i].statistics;
        merge.save_mean.buffer = parts[i].save_mean;
        merge.save_invstd.buffer = parts[i].save_invstd;
        must(clbnEnqueueMergeStatistics(parts[i].plan, parts[i].on.queue, &merge, 0, NULL, NULL), "merge");
        normalize.x.buffer = parts[i].x;
        normalize.y.buffer = parts[i].y;
        normalize.gamma.buffer = parts[i].gamma;
        normalize.beta.buffer = parts[i].beta;
        normalize.statistics.buffer = parts[i].statistics;
        must(clbnEnqueueNormalize(parts[i].plan, parts[i].on.queue, &normalize, 0, NULL, NULL), "normalize");
    }
}

static void backward(struct part *parts)
{
    for (int i = 0; i < PARTS; i++) {
        clbn_backward_sums_args sums = CLBN_BACKWARD_SUMS_ARGS_INIT;
        sums.x.buffer = parts[i].x;
        sums.dy.buffer = parts[i].dy;
        sums.save_mean.buffer = parts[i].save_mean;
        sums.save_invstd.buffer = parts[i].save_invstd;
        sums.sums.buffer = parts[i].records;
        must(clbnEnqueueBackwardSums(parts[i].plan, parts[i].on.queue, &sums, 0, NULL, NULL), "sums");
    }
    gather(parts, sums_of, SUMS);
    for (int i = 0; i < PARTS; i++) {
        clbn_backward_input_args input = CLBN_BACKWARD_INPUT_ARGS_INIT;
        input.x.buffer = parts[i].x;
        input.dy.buffer = parts[i].dy;
        input.gamma.buffer = parts[i].gamma;
        input.save_mean.buffer = parts[i].save_mean;
        input.save_invstd.buffer = parts[i].save_invstd;
        input.parts = PARTS;
        input.records.buffer = parts[i].records;
        input.dx.buffer = parts[i].dx;
        input.dgamma.buffer = parts[i].dgamma;
        input.dbeta.buffer = parts[i].dbeta;
        must(clbnEnqueueBackwardInput(parts[i].plan, parts[i].on.queue, &input, 0, NULL, NULL), "input");
    }
}

int main(void)
{
    static float x[ELEMENTS], dy[ELEMENTS], result[ELEMENTS];
    static double y[ELEMENTS], g[ELEMENTS], dx[ELEMENTS];
    float gamma[C], beta[C], gradient[C];
    double mean[C], variance[C], dgamma[C], dbeta[C];
    struct part parts[PARTS];
    example_fill(x, ELEMENTS, 3);
    example_fill(dy, ELEMENTS, 0);
    example_fill(gamma, C, 1);
    example_fill(beta, C, 0);
    for (size_t i = 0; i < PARTS; i++)
        parts[i] = open_part(i, x, dy, gamma, beta);
    forward(parts);
    backward(parts);

    host_statistics(x, N, C, HW, mean, variance);
    host_normalize(x, N, C, HW, mean, variance, 1e-5, gamma, beta, y);
    for (size_t i = 0; i < ELEMENTS; i++)
        g[i] = dy[i];
    host_gradients(x, g, N, C, HW, mean, variance, 1e-5, gamma, dx, dgamma, dbeta);
    for (size_t i = 0; i < PARTS; i++)
        example_read(parts[i].on.queue, parts[i].y, result + begins[i] * C * HW, bytes_of(i));
    expect_near("y", result, y, ELEMENTS, 1e-5);
    for (size_t i = 0; i < PARTS; i++)
        example_read(parts[i].on.queue, parts[i].dx, result + begins[i] * C * HW, bytes_of(i));
    expect_near("dx", result, dx, ELEMENTS, 1e-5);
    example_read(parts[1].on.queue, parts[1].dgamma, gradient, sizeof gradient);
    expect_near("dgamma", gradient, dgamma, C, 1e-5);
    example_read(parts[1].on.queue, parts[1].dbeta, gradient, sizeof gradient);
    expect_near("dbeta", gradient, dbeta, C, 1e-5);
    for (int i = 0; i < PARTS; i++)
        close_part(&parts[i]);
    return 0;
}
