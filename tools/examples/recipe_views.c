/* SPDX-License-Identifier: MIT */
/* Arrays of other libraries, as clbn sees them: a cl_mem, an offset and strides. Neither library is needed to show it. */
#include "example.h"

#include <stdio.h>

enum { H = 40, W = 30, C = 3 };

/* What OpenCV tells of a UMat of CV_32FC3: handle(ACCESS_READ), offset and step[0], both in bytes; and its rows and columns. */
struct umat {
    cl_mem handle;
    size_t offset, step;
    size_t rows, cols, channels;
};

/* A region of interest shares the memory: only offset, rows and columns are others. */
static struct umat region(const struct umat *image, size_t row, size_t col, size_t rows, size_t cols)
{
    struct umat roi = *image;
    roi.offset += row * image->step + col * image->channels * sizeof(float);
    roi.rows = rows;
    roi.cols = cols;
    return roi;
}

/* Each of its channels is normalised over the region, in place: bytes become elements. */
static void normalize_umat(const struct example *on, const struct umat *image)
{
    cl_int status;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 3;
    desc.channel_axes = CLBN_AXIS(2);
    desc.shape[0] = image->rows, desc.shape[1] = image->cols, desc.shape[2] = image->channels;
    desc.x_layout.has_strides = CL_TRUE;
    desc.x_layout.strides[0] = (ptrdiff_t)(image->step / sizeof(float));
    desc.x_layout.strides[1] = (ptrdiff_t)image->channels;
    desc.x_layout.strides[2] = 1;
    desc.y_layout = desc.x_layout;
    clbn_plan plan = clbnCreatePlan(on->engine, &desc, &status);
    must(status, "plan");
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x.buffer = args.y.buffer = image->handle;
    args.x.offset = args.y.offset = image->offset / sizeof(float);
    must(clbnEnqueueForwardTraining(plan, on->queue, &args, 0, NULL, NULL), "forward");
    clbnReleasePlan(plan);
}

static void check_umat(const struct example *on)
{
    enum { STEP = (W + 5) * C, ROWS = 20, COLS = 11, ROW = 7, COL = 13, COUNT = ROWS * COLS * C };
    static float image[H * STEP], after[H * STEP], x[COUNT], y[COUNT];
    static double expected[COUNT];
    const float gamma[C] = { 1, 1, 1 }, beta[C] = { 0 };
    double mean[C], variance[C];
    example_fill(image, H * STEP, 5);
    const struct umat whole = { example_buffer(on->context, sizeof image, image), 0, STEP * sizeof(float), H, W, C };
    const struct umat roi = region(&whole, ROW, COL, ROWS, COLS);
    normalize_umat(on, &roi);

    example_read(on->queue, whole.handle, after, sizeof after);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t at = (ROW + i / (COLS * C)) * STEP + COL * C + i % (COLS * C);
        x[i] = image[at];
        y[i] = after[at];
        after[at] = image[at];
    }
    host_statistics(x, ROWS * COLS, C, 1, mean, variance);
    host_normalize(x, ROWS * COLS, C, 1, mean, variance, 1e-5, gamma, beta, expected);
    expect_near("the region of a UMat", y, expected, COUNT, 1e-5);
    for (size_t i = 0; i < H * STEP; i++)
        must(after[i] >= image[i] && after[i] <= image[i] ? CL_SUCCESS : CL_INVALID_VALUE, "what is around the region");
    clReleaseMemObject(whole.handle);
}

/* ArrayFire's arrays are column-major: of dim4(W, H, C, N), the strides are 1, W, W H and W H C. So its dimensions are clbn's in
 * reverse, or, as here, in its own order with strides. An array that is a sub-array has strides and an offset of its own, too. */
static void check_arrayfire(const struct example *on)
{
    enum { N = 2, COUNT = W * H * C * N };
    static float x[COUNT], y[COUNT];
    static double expected[COUNT];
    const float gamma[C] = { 1, 1, 1 }, beta[C] = { 0 };
    const size_t dims[4] = { W, H, C, N };
    double mean[C], variance[C];
    cl_int status;
    ptrdiff_t stride = 1;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 4;
    desc.channel_axes = CLBN_AXIS(2);
    desc.x_layout.has_strides = CL_TRUE; /* y has none: it is packed in the order of x's strides, as ArrayFire has it */
    for (int i = 0; i < 4; i++) {
        desc.shape[i] = dims[i];
        desc.x_layout.strides[i] = stride;
        stride *= (ptrdiff_t)dims[i];
    }
    clbn_plan plan = clbnCreatePlan(on->engine, &desc, &status);
    must(status, "plan");
    example_fill(x, COUNT, -1);
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x.buffer = example_buffer(on->context, sizeof x, x);
    args.y.buffer = example_buffer(on->context, sizeof y, NULL);
    must(clbnEnqueueForwardTraining(plan, on->queue, &args, 0, NULL, NULL), "forward");
    example_read(on->queue, args.y.buffer, y, sizeof y);
    host_statistics(x, N, C, W * H, mean, variance);
    host_normalize(x, N, C, W * H, mean, variance, 1e-5, gamma, beta, expected);
    expect_near("an array of ArrayFire's", y, expected, COUNT, 1e-5);
    clReleaseMemObject(args.x.buffer);
    clReleaseMemObject(args.y.buffer);
    clbnReleasePlan(plan);
}

int main(void)
{
    struct example example = example_open(0);
    check_umat(&example);
    check_arrayfire(&example);
    example_close(&example);
    return 0;
}
