/* SPDX-License-Identifier: MIT */
#include "bench/operation.h"

#include "bench/device.h"

#include <stdio.h>
#include <string.h>

clbn_plan bench_create_plan(clbn_engine engine, const struct bench_case *the_case, struct failure *failure)
{
    const struct bench_shape *shape = &the_case->shape;
    clbn_plan_desc desc = CLBN_PLAN_DESC_INIT;
    cl_int status;

    desc.type = bench_clbn_type(the_case->type);
    desc.rank = shape->rank;
    memcpy(desc.shape, shape->sizes, shape->rank * sizeof(desc.shape[0]));
    desc.activation = the_case->activation;
    if (the_case->layout == BENCH_NHWC) {
        desc.channel_axes = CLBN_AXIS(shape->rank - 1);
        memmove(&desc.shape[1], &shape->sizes[2], (shape->rank - 2) * sizeof(desc.shape[0]));
        desc.shape[shape->rank - 1] = shape->sizes[1];
    }
    clbn_plan plan = clbnCreatePlan(engine, &desc, &status);
    if (plan == NULL)
        fail_clbn(failure, "creating a plan", status);
    return plan;
}

/* A buffer of as many bytes as the plan says; NULL in *buffer for none. */
static bool create_buffer(clbn_plan plan, clbn_plan_info size_name, cl_context context, cl_mem *buffer, struct failure *failure)
{
    size_t size;
    cl_int status = clbnGetPlanInfo(plan, size_name, sizeof(size), &size, NULL);

    if (status != CLBN_SUCCESS)
        return fail_clbn(failure, "asking for the size of a buffer", status);
    if (size == 0)
        return true;
    *buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, size, NULL, &status);
    return *buffer != NULL || fail_opencl(failure, "creating a buffer", status);
}

bool bench_operation_open(struct bench_operation *operation, const struct session *session, const struct bench_case *the_case,
                          const struct bench_tensors *tensors, struct failure *failure)
{
    struct bench_work forward = { bench_operation_enqueue, operation, session->queue };
    bool done = false;

    memset(operation, 0, sizeof(*operation));
    operation->tensors = tensors;
    operation->op = BENCH_FORWARD;
    operation->plan = bench_create_plan(session->engine, the_case, failure);
    if (operation->plan != NULL)
        done = create_buffer(operation->plan, CLBN_PLAN_WORKSPACE_SIZE, session->context, &operation->workspace, failure) &&
               (!bench_has_mask(the_case) ||
                create_buffer(operation->plan, CLBN_PLAN_MASK_SIZE, session->context, &operation->mask, failure)) &&
               (the_case->op != BENCH_BACKWARD || bench_work_call(&forward, failure));
    operation->op = the_case->op;
    if (!done)
        bench_operation_close(operation);
    return done;
}

void bench_operation_close(struct bench_operation *operation)
{
    clbnReleasePlan(operation->plan);
    if (operation->workspace != NULL)
        clReleaseMemObject(operation->workspace);
    if (operation->mask != NULL)
        clReleaseMemObject(operation->mask);
    memset(operation, 0, sizeof(*operation));
}

static cl_int enqueue_forward(const struct bench_operation *operation, cl_command_queue queue, cl_event *event)
{
    const struct bench_tensors *tensors = operation->tensors;
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;

    args.x.buffer = tensors->tensors[BENCH_X];
    args.z.buffer = tensors->tensors[BENCH_Z];
    args.y.buffer = tensors->tensors[BENCH_OUT];
    args.gamma.buffer = tensors->vectors[BENCH_GAMMA];
    args.beta.buffer = tensors->vectors[BENCH_BETA];
    args.running_mean.buffer = tensors->vectors[BENCH_UPDATED_MEAN];
    args.running_var.buffer = tensors->vectors[BENCH_UPDATED_VAR];
    args.save_mean.buffer = tensors->vectors[BENCH_SAVE_MEAN];
    args.save_invstd.buffer = tensors->vectors[BENCH_SAVE_INVSTD];
    args.mask.buffer = operation->mask;
    args.workspace.buffer = operation->workspace;
    return clbnEnqueueForwardTraining(operation->plan, queue, &args, 0, NULL, event);
}

static cl_int enqueue_backward(const struct bench_operation *operation, cl_command_queue queue, cl_event *event)
{
    const struct bench_tensors *tensors = operation->tensors;
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;

    args.x.buffer = tensors->tensors[BENCH_X];
    args.dy.buffer = tensors->tensors[BENCH_DY];
    args.z.buffer = operation->mask != NULL ? NULL : tensors->tensors[BENCH_Z];
    args.mask.buffer = operation->mask;
    args.gamma.buffer = tensors->vectors[BENCH_GAMMA];
    args.beta.buffer = tensors->vectors[BENCH_BETA];
    args.save_mean.buffer = tensors->vectors[BENCH_SAVE_MEAN];
    args.save_invstd.buffer = tensors->vectors[BENCH_SAVE_INVSTD];
    args.dx.buffer = tensors->tensors[BENCH_OUT];
    args.dz.buffer = tensors->tensors[BENCH_DZ];
    args.dgamma.buffer = tensors->vectors[BENCH_DGAMMA];
    args.dbeta.buffer = tensors->vectors[BENCH_DBETA];
    args.workspace.buffer = operation->workspace;
    return clbnEnqueueBackward(operation->plan, queue, &args, 0, NULL, event);
}

static cl_int enqueue_inference(const struct bench_operation *operation, cl_command_queue queue, cl_event *event)
{
    const struct bench_tensors *tensors = operation->tensors;
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;

    args.x.buffer = tensors->tensors[BENCH_X];
    args.z.buffer = tensors->tensors[BENCH_Z];
    args.y.buffer = tensors->tensors[BENCH_OUT];
    args.gamma.buffer = tensors->vectors[BENCH_GAMMA];
    args.beta.buffer = tensors->vectors[BENCH_BETA];
    args.running_mean.buffer = tensors->vectors[BENCH_MEAN];
    args.running_var.buffer = tensors->vectors[BENCH_VAR];
    args.workspace.buffer = operation->workspace;
    return clbnEnqueueForwardInference(operation->plan, queue, &args, 0, NULL, event);
}

bool bench_operation_enqueue(const void *operation, cl_command_queue queue, cl_event *event, struct failure *failure)
{
    static cl_int (*const enqueue[BENCH_OPS])(const struct bench_operation *, cl_command_queue, cl_event *) = {
        [BENCH_FORWARD] = enqueue_forward,
        [BENCH_BACKWARD] = enqueue_backward,
        [BENCH_INFERENCE] = enqueue_inference,
    };
    const struct bench_operation *this_one = operation;
    cl_int status = enqueue[this_one->op](this_one, queue, event);

    return status == CLBN_SUCCESS || fail_clbn(failure, "the batch normalization", status);
}

void bench_operation_kernels(const struct bench_operation *operation, char *text, size_t size)
{
    static const clbn_plan_info names[BENCH_OPS] = {
        [BENCH_FORWARD] = CLBN_PLAN_FORWARD_KERNELS,
        [BENCH_BACKWARD] = CLBN_PLAN_BACKWARD_KERNELS,
        [BENCH_INFERENCE] = CLBN_PLAN_INFERENCE_KERNELS,
    };
    char kernels[1024] = "";

    if (clbnGetPlanInfo(operation->plan, names[operation->op], sizeof(kernels), kernels, NULL) != CLBN_SUCCESS)
        kernels[0] = '\0';
    snprintf(text, size, "%s", kernels);
}
