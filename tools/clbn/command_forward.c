/* SPDX-License-Identifier: MIT */
/* clbn forward: y of one NumPy array, from the statistics of its batch or from running statistics. */
#include "commands.h"
#include "io/activation.h"
#include "io/options.h"
#include "job.h"

#include <clbn.h>
#include <float.h>
#include <stdbool.h>

enum { X, RESIDUAL, Y, MASK, GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR, SAVE_MEAN, SAVE_INVSTD, SAVE_VAR, OPERAND_COUNT };

struct forward_settings {
    bool inference;
    double update_factor;
    bool biased_running_var;
};

static cl_int enqueue_training(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event)
{
    const struct forward_settings *settings = job->settings;
    const struct operand *operands = job->set.operands;
    clbn_forward_training_args args = CLBN_FORWARD_TRAINING_ARGS_INIT;

    args.x = operand_view(&operands[X]);
    args.z = operand_view(&operands[RESIDUAL]);
    args.y = operand_view(&operands[Y]);
    args.mask = operand_view(&operands[MASK]);
    args.gamma = operand_view(&operands[GAMMA]);
    args.beta = operand_view(&operands[BETA]);
    args.running_mean = operand_view(&operands[RUNNING_MEAN]);
    args.running_var = operand_view(&operands[RUNNING_VAR]);
    args.save_mean = operand_view(&operands[SAVE_MEAN]);
    args.save_invstd = operand_view(&operands[SAVE_INVSTD]);
    args.save_var = operand_view(&operands[SAVE_VAR]);
    args.update_factor = settings->update_factor;
    args.running_variance = settings->biased_running_var ? CLBN_BIASED : CLBN_UNBIASED;
    return clbnEnqueueForwardTraining(plan, queue, &args, 0, NULL, event);
}

static cl_int enqueue_inference(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event)
{
    const struct operand *operands = job->set.operands;
    clbn_forward_inference_args args = CLBN_FORWARD_INFERENCE_ARGS_INIT;

    args.x = operand_view(&operands[X]);
    args.z = operand_view(&operands[RESIDUAL]);
    args.y = operand_view(&operands[Y]);
    args.mask = operand_view(&operands[MASK]);
    args.gamma = operand_view(&operands[GAMMA]);
    args.beta = operand_view(&operands[BETA]);
    args.running_mean = operand_view(&operands[RUNNING_MEAN]);
    args.running_var = operand_view(&operands[RUNNING_VAR]);
    return clbnEnqueueForwardInference(plan, queue, &args, 0, NULL, event);
}

/* Combinations that make no sense. Returns EXIT_DONE or EXIT_USAGE. */
static int check_options(const struct command_line *command, const struct job *job, bool inference)
{
    static const char *const training_only[] = { "update-factor", "biased-running-var", "save-mean",
                                                 "save-invstd",   "save-var",           "ghost-batch" };
    const struct operand *operands = job->set.operands;
    bool running = operands[RUNNING_MEAN].path != NULL;

    if (running != (operands[RUNNING_VAR].path != NULL))
        return usage_error(command, "options --running-mean and --running-var need each other");
    if (operands[MASK].path != NULL && !can_have_mask((clbn_activation)job->activation.kind))
        return usage_error(command, "option --mask needs --activation relu, leaky_relu or relu6");
    if ((operands[SAVE_MEAN].path != NULL) != (operands[SAVE_INVSTD].path != NULL))
        return usage_error(command, "options --save-mean and --save-invstd need each other");
    if (inference && !running)
        return usage_error(command, "option --inference needs --running-mean and --running-var");
    for (size_t i = 0; i < sizeof(training_only) / sizeof(training_only[0]); i++)
        if (inference && option_given(command, training_only[i]))
            return usage_error(command, "option --%s is for training, and not for --inference", training_only[i]);
    for (size_t i = 0; i < 2; i++)
        if (!running && option_given(command, training_only[i]))
            return usage_error(command, "option --%s needs --running-mean and --running-var", training_only[i]);
    return job_check_options(command, job);
}

static int run(const struct command_line *command, struct job *job, const struct forward_settings *settings)
{
    struct operand *operands = job->set.operands;
    int exit_code = check_options(command, job, settings->inference);

    if (exit_code != EXIT_DONE)
        return exit_code;
    if (!settings->inference) {
        operands[RUNNING_MEAN].role = OPERAND_UPDATED;
        operands[RUNNING_VAR].role = OPERAND_UPDATED;
    }
    job->settings = settings;
    job->enqueue = settings->inference ? enqueue_inference : enqueue_training;
    return job_run(command, job);
}

int command_forward(int argc, char **argv)
{
    struct forward_settings settings = { .update_factor = 0.1 };
    struct operand operands[OPERAND_COUNT] = {
        [X] = { .option = "x", .role = OPERAND_INPUT },
        [RESIDUAL] = { .option = "residual", .role = OPERAND_INPUT },
        [Y] = { .option = "y", .role = OPERAND_OUTPUT },
        [MASK] = { .option = "mask", .role = OPERAND_OUTPUT, .kind = OPERAND_MASK },
        [GAMMA] = { .option = "gamma", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [BETA] = { .option = "beta", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [RUNNING_MEAN] = { .option = "running-mean", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [RUNNING_VAR] = { .option = "running-var", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [SAVE_MEAN] = { .option = "save-mean", .role = OPERAND_OUTPUT, .kind = OPERAND_STATISTIC },
        [SAVE_INVSTD] = { .option = "save-invstd", .role = OPERAND_OUTPUT, .kind = OPERAND_STATISTIC },
        [SAVE_VAR] = { .option = "save-var", .role = OPERAND_OUTPUT, .kind = OPERAND_STATISTIC },
    };
    struct job job = JOB_INIT(operands, OPERAND_COUNT);
    struct command_option options[] = {
        OPERAND_OPTION_ROW(operands[X], true, "input, a .npy file of float16, float32 or float64"),
        OPERAND_OPTION_ROW(operands[Y], true, "output"),
        OPERAND_OPTION_ROW(operands[RESIDUAL], false, "added before the activation"),
        OPERAND_OPTION_ROW(operands[GAMMA], false, "scale of each channel (default: 1)"),
        OPERAND_OPTION_ROW(operands[BETA], false, "shift of each channel (default: 0)"),
        { .name = "inference",
          .kind = OPTION_FLAG,
          .to.flag = &settings.inference,
          .help = "normalize with the running statistics, not with the batch's" },
        OPERAND_OPTION_ROW(operands[RUNNING_MEAN], false, "running mean: read and, without --inference, updated in place"),
        OPERAND_OPTION_ROW(operands[RUNNING_VAR], false, "running variance, likewise"),
        { .name = "update-factor",
          .kind = OPTION_REAL,
          .to.real = &settings.update_factor,
          .argument = "FACTOR",
          .real_range = { 0, 1 },
          .help = "weight of this batch in the running statistics (default 0.1)" },
        { .name = "biased-running-var",
          .kind = OPTION_FLAG,
          .to.flag = &settings.biased_running_var,
          .help = "update the running variance with the variance over m values, not m - 1" },
        OPERAND_OPTION_ROW(operands[SAVE_MEAN], false, "output: the batch's mean, for the backward pass"),
        OPERAND_OPTION_ROW(operands[SAVE_INVSTD], false, "output: the batch's 1/sqrt(variance + epsilon)"),
        OPERAND_OPTION_ROW(operands[SAVE_VAR], false, "output: the batch's variance, over m values"),
        OPERAND_OPTION_ROW(operands[MASK], false,
                           "output: where the activation's slope is 1, as bytes for backwards with the same geometry"),
        GHOST_BATCH_OPTION_ROW(job),
        JOB_OF_VALUES_OPTION_ROWS(job),
    };
    const struct command_line command = { "forward", "Normalize a NumPy array, channel by channel", options,
                                          OPTION_COUNT(options) };
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    return run(&command, &job, &settings);
}
