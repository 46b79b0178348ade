/* SPDX-License-Identifier: MIT */
/* The arguments of each call, and the table of the calls. */
#include "run.h"

/* Its offset is in bytes. */
static clbn_view workspace_of(const struct run *run)
{
    clbn_view workspace = run->workspace.view;
    workspace.offset *= sizeof(float);
    return workspace;
}

static const void *resized(const struct run *run, const void *args, size_t size)
{
    return run->resize == NULL ? args : run->resize(args, size);
}

static cl_int enqueue_forward_training(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                       const cl_event *wait_list, cl_event *event)
{
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.running_mean = run_view(run, VIEW_RUNNING_MEAN);
    args.running_var = run_view(run, VIEW_RUNNING_VAR);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.save_var = run_view(run, VIEW_SAVE_VAR);
    args.mask = run_view(run, VIEW_MASK);
    args.update_factor = run->call.update_factor;
    args.running_variance = run->call.running_variance;
    args.workspace = workspace_of(run);
    return clbnEnqueueForwardTraining(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_forward_inference(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                        const cl_event *wait_list, cl_event *event)
{
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.running_mean = run_view(run, VIEW_RUNNING_MEAN);
    args.running_var = run_view(run, VIEW_RUNNING_VAR);
    args.mask = run_view(run, VIEW_MASK);
    args.workspace = workspace_of(run);
    return clbnEnqueueForwardInference(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_backward(const struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                               cl_event *event)
{
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.dy = run_view(run, VIEW_DY);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.mask = run_view(run, VIEW_MASK);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.dx = run_view(run, VIEW_DX);
    args.dz = run_view(run, VIEW_DZ);
    args.dgamma = run_view(run, VIEW_DGAMMA);
    args.dbeta = run_view(run, VIEW_DBETA);
    args.dx_factor = run->call.dx_factor;
    args.dgamma_factor = run->call.dgamma_factor;
    args.dbeta_factor = run->call.dbeta_factor;
    args.workspace = workspace_of(run);
    return clbnEnqueueBackward(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_backward_frozen(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                      const cl_event *wait_list, cl_event *event)
{
    clbn_backward_frozen_args args = CLBN_BACKWARD_FROZEN_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.dy = run_view(run, VIEW_DY);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.mask = run_view(run, VIEW_MASK);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.running_mean = run_view(run, VIEW_RUNNING_MEAN);
    args.running_var = run_view(run, VIEW_RUNNING_VAR);
    args.dx = run_view(run, VIEW_DX);
    args.dz = run_view(run, VIEW_DZ);
    args.dgamma = run_view(run, VIEW_DGAMMA);
    args.dbeta = run_view(run, VIEW_DBETA);
    args.dx_factor = run->call.dx_factor;
    args.dgamma_factor = run->call.dgamma_factor;
    args.dbeta_factor = run->call.dbeta_factor;
    args.workspace = workspace_of(run);
    return clbnEnqueueBackwardFrozen(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_fold(const struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                           cl_event *event)
{
    clbn_fold_args args = CLBN_FOLD_ARGS_INIT;
    args.weights = run_view(run, VIEW_X);
    args.bias = run_view(run, VIEW_BIAS);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.running_mean = run_view(run, VIEW_RUNNING_MEAN);
    args.running_var = run_view(run, VIEW_RUNNING_VAR);
    args.folded_weights = run_view(run, VIEW_Y);
    args.folded_bias = run_view(run, VIEW_FOLDED_BIAS);
    args.workspace = workspace_of(run);
    return clbnEnqueueFold(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_second_backward(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                      const cl_event *wait_list, cl_event *event)
{
    clbn_second_backward_args args = CLBN_SECOND_BACKWARD_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.dy = run_view(run, VIEW_DY);
    args.ddx = run_view(run, VIEW_DDX);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.ddgamma = run_view(run, VIEW_DDGAMMA);
    args.ddbeta = run_view(run, VIEW_DDBETA);
    args.dx = run_view(run, VIEW_DX);
    args.ddy = run_view(run, VIEW_DDY);
    args.dgamma = run_view(run, VIEW_DGAMMA);
    return clbnEnqueueSecondBackward(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_second_backward_frozen(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                             const cl_event *wait_list, cl_event *event)
{
    clbn_second_backward_frozen_args args = CLBN_SECOND_BACKWARD_FROZEN_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.dy = run_view(run, VIEW_DY);
    args.ddx = run_view(run, VIEW_DDX);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.running_mean = run_view(run, VIEW_RUNNING_MEAN);
    args.running_var = run_view(run, VIEW_RUNNING_VAR);
    args.ddgamma = run_view(run, VIEW_DDGAMMA);
    args.ddbeta = run_view(run, VIEW_DDBETA);
    args.dx = run_view(run, VIEW_DX);
    args.ddy = run_view(run, VIEW_DDY);
    args.dgamma = run_view(run, VIEW_DGAMMA);
    return clbnEnqueueSecondBackwardFrozen(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_forward_renorm(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                     const cl_event *wait_list, cl_event *event)
{
    clbn_forward_renorm_args args = CLBN_FORWARD_RENORM_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.running_mean = run_view(run, VIEW_RUNNING_MEAN);
    args.running_var = run_view(run, VIEW_RUNNING_VAR);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.save_var = run_view(run, VIEW_SAVE_VAR);
    args.save_r = run_view(run, VIEW_SAVE_R);
    args.save_d = run_view(run, VIEW_SAVE_D);
    args.mask = run_view(run, VIEW_MASK);
    args.r_max = run->call.r_max;
    args.d_max = run->call.d_max;
    args.update_factor = run->call.update_factor;
    args.running_variance = run->call.running_variance;
    args.workspace = workspace_of(run);
    return clbnEnqueueForwardRenorm(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_backward_renorm(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                      const cl_event *wait_list, cl_event *event)
{
    clbn_backward_renorm_args args = CLBN_BACKWARD_RENORM_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.dy = run_view(run, VIEW_DY);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.mask = run_view(run, VIEW_MASK);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.save_r = run_view(run, VIEW_SAVE_R);
    args.save_d = run_view(run, VIEW_SAVE_D);
    args.dx = run_view(run, VIEW_DX);
    args.dz = run_view(run, VIEW_DZ);
    args.dgamma = run_view(run, VIEW_DGAMMA);
    args.dbeta = run_view(run, VIEW_DBETA);
    args.dx_factor = run->call.dx_factor;
    args.dgamma_factor = run->call.dgamma_factor;
    args.dbeta_factor = run->call.dbeta_factor;
    args.workspace = workspace_of(run);
    return clbnEnqueueBackwardRenorm(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_statistics(const struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                                 cl_event *event)
{
    clbn_statistics_args args = CLBN_STATISTICS_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.statistics = run_view(run, VIEW_STATISTICS);
    args.workspace = workspace_of(run);
    return clbnEnqueueStatistics(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_merge_statistics(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                       const cl_event *wait_list, cl_event *event)
{
    clbn_merge_statistics_args args = CLBN_MERGE_STATISTICS_ARGS_INIT;
    args.records = run_view(run, VIEW_STATISTICS_RECORDS);
    args.statistics = run_view(run, VIEW_STATISTICS);
    args.running_mean = run_view(run, VIEW_RUNNING_MEAN);
    args.running_var = run_view(run, VIEW_RUNNING_VAR);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.save_var = run_view(run, VIEW_SAVE_VAR);
    args.parts = run->problem->parts;
    args.update_factor = run->call.update_factor;
    args.running_variance = run->call.running_variance;
    return clbnEnqueueMergeStatistics(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_normalize(const struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list,
                                cl_event *event)
{
    clbn_normalize_args args = CLBN_NORMALIZE_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.statistics = run_view(run, VIEW_STATISTICS);
    args.mask = run_view(run, VIEW_MASK);
    args.workspace = workspace_of(run);
    return clbnEnqueueNormalize(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_backward_sums(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                    const cl_event *wait_list, cl_event *event)
{
    clbn_backward_sums_args args = CLBN_BACKWARD_SUMS_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.dy = run_view(run, VIEW_DY);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.mask = run_view(run, VIEW_MASK);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.sums = run_view(run, VIEW_SUMS);
    args.workspace = workspace_of(run);
    return clbnEnqueueBackwardSums(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

static cl_int enqueue_backward_input(const struct run *run, cl_command_queue queue, cl_uint wait_count,
                                     const cl_event *wait_list, cl_event *event)
{
    clbn_backward_input_args args = CLBN_BACKWARD_INPUT_ARGS_INIT;
    args.x = run_view(run, VIEW_X);
    args.dy = run_view(run, VIEW_DY);
    args.z = run_view(run, VIEW_Z);
    args.y = run_view(run, VIEW_Y);
    args.mask = run_view(run, VIEW_MASK);
    args.gamma = run_view(run, VIEW_GAMMA);
    args.beta = run_view(run, VIEW_BETA);
    args.save_mean = run_view(run, VIEW_SAVE_MEAN);
    args.save_invstd = run_view(run, VIEW_SAVE_INVSTD);
    args.records = run_view(run, VIEW_SUMS_RECORDS);
    args.dx = run_view(run, VIEW_DX);
    args.dz = run_view(run, VIEW_DZ);
    args.dgamma = run_view(run, VIEW_DGAMMA);
    args.dbeta = run_view(run, VIEW_DBETA);
    args.parts = run->problem->parts;
    args.dx_factor = run->call.dx_factor;
    args.dgamma_factor = run->call.dgamma_factor;
    args.dbeta_factor = run->call.dbeta_factor;
    args.workspace = workspace_of(run);
    return clbnEnqueueBackwardInput(run->plan, queue, resized(run, &args, sizeof args), wait_count, wait_list, event);
}

cl_int run_enqueue(struct run *run, cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list, cl_event *event)
{
    typedef cl_int enqueue(const struct run *, cl_command_queue, cl_uint, const cl_event *, cl_event *);
    static enqueue *const calls[OPERATIONS] = {
        [FORWARD_TRAINING] = enqueue_forward_training,
        [FORWARD_INFERENCE] = enqueue_forward_inference,
        [BACKWARD] = enqueue_backward,
        [BACKWARD_FROZEN] = enqueue_backward_frozen,
        [FOLD] = enqueue_fold,
        [SECOND_BACKWARD] = enqueue_second_backward,
        [SECOND_BACKWARD_FROZEN] = enqueue_second_backward_frozen,
        [FORWARD_RENORM] = enqueue_forward_renorm,
        [BACKWARD_RENORM] = enqueue_backward_renorm,
        [STATISTICS] = enqueue_statistics,
        [MERGE_STATISTICS] = enqueue_merge_statistics,
        [NORMALIZE] = enqueue_normalize,
        [BACKWARD_SUMS] = enqueue_backward_sums,
        [BACKWARD_INPUT] = enqueue_backward_input,
    };
    return calls[run->call.operation](run, queue, wait_count, wait_list, event);
}
