// SPDX-License-Identifier: MIT
// The training step of training_step.c from C++ with OpenCL's own wrapper, in float32 and NCHW: clbn takes what it wraps.
#define CL_HPP_TARGET_OPENCL_VERSION  120
#define CL_HPP_MINIMUM_OPENCL_VERSION 120
#define CL_HPP_ENABLE_EXCEPTIONS
#include <CL/opencl.hpp>

#include <clbn.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

// A status becomes an exception, as OpenCL's wrapper has them.
static void must(cl_int status)
{
    if (status != CLBN_SUCCESS)
        throw std::runtime_error(std::string(clbnStatusName(status)) + ": " + clbnLastError());
}

struct release {
    void operator()(clbn_engine engine) const
    {
        clbnReleaseEngine(engine);
    }
    void operator()(clbn_plan plan) const
    {
        clbnReleasePlan(plan);
    }
};
using engine_ptr = std::unique_ptr<clbn_engine_object, release>;
using plan_ptr = std::unique_ptr<clbn_plan_object, release>;

static clbn_view view_of(const cl::Buffer &buffer)
{
    return { buffer(), 0, nullptr };
}

static void check(bool condition, const char *what)
{
    std::printf("%s %s\n", what, condition ? "is right" : "is WRONG");
    if (!condition)
        std::exit(EXIT_FAILURE);
}

static void run()
{
    constexpr size_t n = 8, channels = 3, area = 5 * 5, elements = n * channels * area;
    cl::Device device = cl::Device::getDefault();
    cl::Context context(device);
    cl::CommandQueue queue(context, device);
    cl_int status;

    engine_ptr engine(clbnCreateEngine(context(), device(), nullptr, &status));
    must(status);
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    desc.rank = 3;
    desc.shape[0] = n, desc.shape[1] = channels, desc.shape[2] = area;
    desc.activation = CLBN_ACTIVATION_RELU;
    plan_ptr plan(clbnCreatePlan(engine.get(), &desc, &status));
    must(status);

    std::vector<float> values(elements);
    for (size_t i = 0; i < elements; i++)
        values[i] = static_cast<float>(i * i % 101) / 10;
    cl::Buffer x(context, values.begin(), values.end(), true), y(context, CL_MEM_READ_WRITE, elements * sizeof(float));
    cl::Buffer dx(context, CL_MEM_READ_WRITE, elements * sizeof(float));
    cl::Buffer mean(context, CL_MEM_READ_WRITE, channels * sizeof(float)),
        invstd(context, CL_MEM_READ_WRITE, channels * sizeof(float));
    cl::Buffer dbeta(context, CL_MEM_READ_WRITE, channels * sizeof(float));

    clbn_forward_training_args forward = CLBN_FORWARD_TRAINING_ARGS_INIT;
    forward.x = view_of(x);
    forward.y = view_of(y);
    forward.save_mean = view_of(mean);
    forward.save_invstd = view_of(invstd);
    cl::Event done;
    must(clbnEnqueueForwardTraining(plan.get(), queue(), &forward, 0, nullptr, &done()));

    // The loss is the sum of y: its gradient is 1 everywhere, one number that strides of 0 repeat.
    const float one = 1;
    desc.dy_layout.has_strides = CL_TRUE;
    plan_ptr backward_plan(clbnCreatePlan(engine.get(), &desc, &status));
    must(status);
    cl::Buffer dy(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof one, const_cast<float *>(&one));
    clbn_backward_args backward = CLBN_BACKWARD_ARGS_INIT;
    backward.x = view_of(x);
    backward.dy = view_of(dy);
    backward.save_mean = view_of(mean);
    backward.save_invstd = view_of(invstd);
    backward.dx = view_of(dx);
    backward.dbeta = view_of(dbeta);
    must(clbnEnqueueBackward(backward_plan.get(), queue(), &backward, 1, &done(), nullptr));

    std::vector<float> means(channels), gradients(channels), result(elements), dxs(elements);
    cl::copy(queue, mean, means.begin(), means.end());
    cl::copy(queue, dbeta, gradients.begin(), gradients.end());
    cl::copy(queue, y, result.begin(), result.end());
    cl::copy(queue, dx, dxs.begin(), dxs.end());
    for (size_t c = 0; c < channels; c++) {
        double sum = 0, above = 0, dx_sum = 0;
        for (size_t i = 0; i < elements; i++)
            if (i / area % channels == c) {
                sum += values[i];
                above += result[i] > 0;
                dx_sum += dxs[i];
            }
        check(std::fabs(means[c] - sum / (n * area)) < 1e-5, "the mean");
        check(std::fabs(gradients[c] - above) < 1e-3, "dbeta, the number of values above 0,");
        check(std::fabs(dx_sum) < 1e-3, "the sum of dx, 0,");
    }
}

int main()
{
    try {
        run();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return EXIT_FAILURE;
    }
}
