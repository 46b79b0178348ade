/* SPDX-License-Identifier: MIT */
/*
 * The time of a call of clbn_mpi over the processes that mpirun has started: a row of a table for each of some shapes, whose batch is
 * divided among them. Medians of calls that begin together, each of the slowest process. tools/mpi-scaling.sh runs it.
 *
 * The last two columns show what the two halves of a call are for. Each process sleeps before the second half, as if the exchange took
 * that long, and the device has other work, which is enqueued after the call, or between its halves.
 */
#define _POSIX_C_SOURCE 199309L
#include <clbn_mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CALLS = 41, IMAGES = 32, OTHERS = 3 };

static const struct timespec latency = { 0, 5000000 };

static int rank, ranks;
static cl_context context;
static cl_command_queue queue;
static clbn_engine engine;

/* channels, pixels to a side. */
static const size_t shapes[][2] = { { 64, 56 }, { 256, 14 }, { 2048, 7 } };

static void check(int done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "rank %d: %s: %s\n", rank, what, clbnLastError());
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
}

static void open_device(void)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int status;

    check(clGetPlatformIDs(1, &platform, NULL) == CL_SUCCESS, "no platform");
    check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL) == CL_SUCCESS, "no device");
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    check(context != NULL, "clCreateContext");
    queue = clCreateCommandQueue(context, device, 0, &status);
    check(queue != NULL, "clCreateCommandQueue");
    engine = clbnCreateEngine(context, device, NULL, &status);
    check(engine != NULL, "clbnCreateEngine");
}

/* Of floats that are 1.0, which are as fast as others. */
static cl_mem create_buffer(size_t count)
{
    const cl_float one = 1.0F;
    cl_int status;
    size_t bytes = (count + 1) * sizeof one;
    cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, NULL, &status);

    check(buffer != NULL, "clCreateBuffer");
    check(clEnqueueFillBuffer(queue, buffer, &one, sizeof one, 0, bytes, 0, NULL, NULL) == CL_SUCCESS, "clEnqueueFillBuffer");
    return buffer;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* What is timed. */
struct subject {
    clbn_plan plan;
    clbn_mpi_plan part;
    clbn_forward_training_args forward;
    clbn_backward_args backward;
    float *record; /* of a forward, */
    float *records;
    int numbers;
};

static void run_forward(struct subject *s)
{
    check(clbnMpiForwardTraining(s->part, queue, &s->forward, 0, NULL, NULL) == CLBN_SUCCESS, "clbnMpiForwardTraining");
    clFinish(queue);
}

static void run_backward(struct subject *s)
{
    check(clbnMpiBackward(s->part, queue, &s->backward, 0, NULL, NULL) == CLBN_SUCCESS, "clbnMpiBackward");
    clFinish(queue);
}

static void run_exchange(struct subject *s)
{
    MPI_Allgather(s->record, s->numbers, MPI_FLOAT, s->records, s->numbers, MPI_FLOAT, MPI_COMM_WORLD);
}

static void start_forward(struct subject *s)
{
    check(clbnMpiStartForwardTraining(s->part, queue, &s->forward, 0, NULL) == CLBN_SUCCESS, "clbnMpiStartForwardTraining");
}

static void finish_forward(struct subject *s)
{
    nanosleep(&latency, NULL);
    check(clbnMpiFinish(s->part, NULL) == CLBN_SUCCESS, "clbnMpiFinish");
}

/* It needs nothing of the call: the forwards of other layers, say. */
static void enqueue_others(struct subject *s)
{
    for (int i = 0; i < OTHERS; i++)
        check(clbnEnqueueForwardTraining(s->plan, queue, &s->forward, 0, NULL, NULL) == CLBN_SUCCESS,
              "clbnEnqueueForwardTraining");
    clFlush(queue);
}

static void run_others_after(struct subject *s)
{
    start_forward(s);
    finish_forward(s);
    enqueue_others(s);
    clFinish(queue);
}

static void run_others_within(struct subject *s)
{
    start_forward(s);
    enqueue_others(s);
    finish_forward(s);
    clFinish(queue);
}

/* Milliseconds. */
static double median(void (*call)(struct subject *), struct subject *subject)
{
    double times[CALLS];

    call(subject);
    for (int i = 0; i < CALLS; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double begin = MPI_Wtime();
        call(subject);
        double time = 1e3 * (MPI_Wtime() - begin);
        MPI_Allreduce(&time, &times[i], 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    }
    qsort(times, CALLS, sizeof *times, ascending);
    return times[CALLS / 2];
}

static void measure(size_t channels, size_t side)
{
    const clbn_forward_training_args forward = CLBN_FORWARD_TRAINING_ARGS_INIT;
    const clbn_backward_args backward = CLBN_BACKWARD_ARGS_INIT;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    size_t images = (size_t)(rank + 1) * IMAGES / (size_t)ranks - (size_t)rank * IMAGES / (size_t)ranks;
    size_t elements = images * channels * side * side;
    cl_mem tensors[] = { create_buffer(elements), create_buffer(elements), create_buffer(elements) };
    cl_mem vectors[] = { create_buffer(channels), create_buffer(channels), create_buffer(channels), create_buffer(channels) };
    struct subject s = { NULL, NULL, forward, backward, NULL, NULL, (int)(CLBN_STATISTICS_ROWS * channels) };
    cl_int status;

    desc.rank = 4;
    desc.shape[0] = images;
    desc.shape[1] = channels;
    desc.shape[2] = desc.shape[3] = side;
    s.plan = clbnCreatePlan(engine, &desc, &status);
    s.part = clbnMpiCreatePlan(MPI_COMM_WORLD, s.plan, &status);
    check(s.part != NULL, "clbnMpiCreatePlan");
    s.forward.x.buffer = s.backward.x.buffer = tensors[0];
    s.forward.y.buffer = s.backward.dx.buffer = tensors[1];
    s.backward.dy.buffer = tensors[2];
    s.forward.save_mean.buffer = s.backward.save_mean.buffer = vectors[0];
    s.forward.save_invstd.buffer = s.backward.save_invstd.buffer = vectors[1];
    s.backward.dgamma.buffer = vectors[2];
    s.backward.dbeta.buffer = vectors[3];
    s.record = calloc((size_t)s.numbers, sizeof *s.record);
    s.records = calloc((size_t)s.numbers * (size_t)ranks, sizeof *s.records);
    check(s.record != NULL && s.records != NULL, "no memory");

    double times[] = { median(run_forward, &s), median(run_backward, &s), median(run_exchange, &s),
                       median(run_others_after, &s), median(run_others_within, &s) };
    if (rank == 0)
        printf("| %d | %zux%zux%zux%zu | %.1f | %.1f | %.2f | %.2f | %.3f | %.2f | %.2f |\n", ranks, (size_t)IMAGES, channels,
               side, side, 1e-3 * (double)ranks * sizeof(float) * CLBN_STATISTICS_ROWS * (double)channels,
               1e-3 * (double)ranks * sizeof(float) * CLBN_SUMS_ROWS * (double)channels, times[0], times[1], times[2], times[3],
               times[4]);

    clbnMpiReleasePlan(s.part);
    clbnReleasePlan(s.plan);
    free(s.record);
    free(s.records);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        clReleaseMemObject(tensors[i]);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        clReleaseMemObject(vectors[i]);
}

int main(int argc, char **argv)
{
    int provided;

    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    open_device();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        measure(shapes[i][0], shapes[i][1]);
    clbnReleaseEngine(engine);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    MPI_Finalize();
    return EXIT_SUCCESS;
}
