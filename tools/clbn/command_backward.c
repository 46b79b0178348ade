/* SPDX-License-Identifier: MIT */
/* clbn backward: the gradients of forward training, or of inference where the statistics are frozen. */
#include "commands.h"
#include "io/activation.h"
#include "io/options.h"
#include "job.h"

#include <clbn.h>
#include <float.h>
#include <stdbool.h>

enum {
    X,
    DY,
    RESIDUAL,
    Y,
    MASK,
    GAMMA,
    BETA,
    SAVE_MEAN,
    SAVE_INVSTD,
    RUNNING_MEAN,
    RUNNING_VAR,
    DX,
    DRESIDUAL,
    DGAMMA,
    DBETA,
    OPERAND_COUNT
};

struct backward_settings {
    bool frozen;
    double accumulate; /* factor of what the files of gradients hold */
};

static cl_int enqueue_backward(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event)
{
    const struct backward_settings *settings = job->settings;
    const struct operand *operands = job->set.operands;
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;

    args.x = operand_view(&operands[X]);
    args.dy = operand_view(&operands[DY]);
    args.z = operand_view(&operands[RESIDUAL]);
    args.y = operand_view(&operands[Y]);
    args.mask = operand_view(&operands[MASK]);
    args.gamma = operand_view(&operands[GAMMA]);
    args.beta = operand_view(&operands[BETA]);
    args.save_mean = operand_view(&operands[SAVE_MEAN]);
    args.save_invstd = operand_view(&operands[SAVE_INVSTD]);
    args.dx = operand_view(&operands[DX]);
    args.dz = operand_view(&operands[DRESIDUAL]);
    args.dgamma = operand_view(&operands[DGAMMA]);
    args.dbeta = operand_view(&operands[DBETA]);
    args.dx_factor = args.dgamma_factor = args.dbeta_factor = settings->accumulate;
    return clbnEnqueueBackward(plan, queue, &args, 0, NULL, event);
}

static cl_int enqueue_backward_frozen(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event)
{
    const struct backward_settings *settings = job->settings;
    const struct operand *operands = job->set.operands;
    clbn_backward_frozen_args args = CLBN_BACKWARD_FROZEN_ARGS_INIT;

    args.x = operand_view(&operands[X]);
    args.dy = operand_view(&operands[DY]);
    args.z = operand_view(&operands[RESIDUAL]);
    args.y = operand_view(&operands[Y]);
    args.mask = operand_view(&operands[MASK]);
    args.gamma = operand_view(&operands[GAMMA]);
    args.beta = operand_view(&operands[BETA]);
    args.running_mean = operand_view(&operands[RUNNING_MEAN]);
    args.running_var = operand_view(&operands[RUNNING_VAR]);
    args.dx = operand_view(&operands[DX]);
    args.dz = operand_view(&operands[DRESIDUAL]);
    args.dgamma = operand_view(&operands[DGAMMA]);
    args.dbeta = operand_view(&operands[DBETA]);
    args.dx_factor = args.dgamma_factor = args.dbeta_factor = settings->accumulate;
    return clbnEnqueueBackwardFrozen(plan, queue, &args, 0, NULL, event);
}

/* Combinations about the statistics that make no sense. Returns EXIT_DONE or EXIT_USAGE. */
static int check_statistics(const struct command_line *command, const struct operand *operands, bool frozen)
{
    bool running = operands[RUNNING_MEAN].path != NULL;
    bool saved = operands[SAVE_MEAN].path != NULL;

    if (running != (operands[RUNNING_VAR].path != NULL))
        return usage_error(command, "options --running-mean and --running-var need each other");
    if (saved != (operands[SAVE_INVSTD].path != NULL))
        return usage_error(command, "options --save-mean and --save-invstd need each other");
    if (frozen && !running)
        return usage_error(command, "option --frozen needs --running-mean and --running-var");
    if (!frozen && running)
        return usage_error(command, "options --running-mean and --running-var need --frozen");
    if (frozen && option_given(command, "ghost-batch"))
        return usage_error(command, "option --ghost-batch makes no sense with --frozen");
    if (frozen && saved)
        return usage_error(command, "options --save-mean and --save-invstd make no sense with --frozen");
    return EXIT_DONE;
}

/* Likewise about what the forward pass read and wrote. What an activation can do without, the library knows. */
static int check_forward_tensors(const struct command_line *command, const struct job *job, bool frozen)
{
    const struct operand *operands = job->set.operands;
    bool takes_xhat = operands[DX].path != NULL || operands[DGAMMA].path != NULL;
    int sources = (operands[RESIDUAL].path != NULL) + (operands[Y].path != NULL) + (operands[MASK].path != NULL);

    if (operands[X].path == NULL && operands[Y].path == NULL && !frozen && takes_xhat)
        return usage_error(
            command, "option --x FILE.npy is required for --dx and --dgamma, or --y with an activation that can be undone");
    if (operands[MASK].path != NULL && !can_have_mask((clbn_activation)job->activation.kind))
        return usage_error(command, "option --mask needs --activation relu, leaky_relu or relu6");
    if (sources > 1)
        return usage_error(command, "only one of --residual, --y and --mask is of use");
    return EXIT_DONE;
}

static int check_outputs(const struct command_line *command, const struct operand *operands, double accumulate)
{
    bool parameters = operands[DGAMMA].path != NULL || operands[DBETA].path != NULL;

    if (operands[DX].path == NULL && operands[DRESIDUAL].path == NULL && !parameters)
        return usage_error(command, "one of the outputs --dx, --dresidual, --dgamma and --dbeta is required");
    if (accumulate != 0 && operands[DX].path == NULL && !parameters)
        return usage_error(command, "option --accumulate needs --dx, --dgamma or --dbeta");
    return EXIT_DONE;
}

static int check_options(const struct command_line *command, const struct job *job, const struct backward_settings *settings)
{
    int exit_code = check_statistics(command, job->set.operands, settings->frozen);

    if (exit_code == EXIT_DONE)
        exit_code = check_forward_tensors(command, job, settings->frozen);
    if (exit_code == EXIT_DONE)
        exit_code = check_outputs(command, job->set.operands, settings->accumulate);
    return exit_code == EXIT_DONE ? job_check_options(command, job) : exit_code;
}

static int run(const struct command_line *command, struct job *job, const struct backward_settings *settings)
{
    int exit_code = check_options(command, job, settings);

    if (exit_code != EXIT_DONE)
        return exit_code;
    if (settings->accumulate != 0) {
        job->set.operands[DX].role = OPERAND_UPDATED;
        job->set.operands[DGAMMA].role = OPERAND_UPDATED;
        job->set.operands[DBETA].role = OPERAND_UPDATED;
    }
    job->settings = settings;
    job->enqueue = settings->frozen ? enqueue_backward_frozen : enqueue_backward;
    return job_run(command, job);
}

int command_backward(int argc, char **argv)
{
    struct backward_settings settings = { 0 };
    struct operand operands[OPERAND_COUNT] = {
        [X] = { .option = "x", .role = OPERAND_INPUT },
        [DY] = { .option = "dy", .role = OPERAND_INPUT },
        [RESIDUAL] = { .option = "residual", .role = OPERAND_INPUT },
        [Y] = { .option = "y", .role = OPERAND_INPUT },
        [MASK] = { .option = "mask", .role = OPERAND_INPUT, .kind = OPERAND_MASK },
        [GAMMA] = { .option = "gamma", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [BETA] = { .option = "beta", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [SAVE_MEAN] = { .option = "save-mean", .role = OPERAND_INPUT, .kind = OPERAND_STATISTIC },
        [SAVE_INVSTD] = { .option = "save-invstd", .role = OPERAND_INPUT, .kind = OPERAND_STATISTIC },
        [RUNNING_MEAN] = { .option = "running-mean", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [RUNNING_VAR] = { .option = "running-var", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [DX] = { .option = "dx", .role = OPERAND_OUTPUT },
        [DRESIDUAL] = { .option = "dresidual", .role = OPERAND_OUTPUT },
        [DGAMMA] = { .option = "dgamma", .role = OPERAND_OUTPUT, .kind = OPERAND_VECTOR },
        [DBETA] = { .option = "dbeta", .role = OPERAND_OUTPUT, .kind = OPERAND_VECTOR },
    };
    struct job job = JOB_INIT(operands, OPERAND_COUNT);
    struct command_option options[] = {
        OPERAND_OPTION_ROW(operands[X], false, "the forward pass's input, a .npy file of float16, float32 or float64"),
        OPERAND_OPTION_ROW(operands[DY], true, "gradient of the loss with respect to the forward pass's output"),
        OPERAND_OPTION_ROW(operands[RESIDUAL], false, "the forward pass's residual, to compute the activation again"),
        OPERAND_OPTION_ROW(operands[Y], false, "the forward pass's output, instead; for some activations also of x"),
        OPERAND_OPTION_ROW(operands[MASK], false, "the mask that the forward pass wrote, instead"),
        OPERAND_OPTION_ROW(operands[GAMMA], false, "scale of each channel (default: 1)"),
        OPERAND_OPTION_ROW(operands[BETA], false, "shift of each channel, for activations (default: 0)"),
        OPERAND_OPTION_ROW(operands[SAVE_MEAN], false, "the mean that the forward pass saved (default: computed again from x)"),
        OPERAND_OPTION_ROW(operands[SAVE_INVSTD], false, "the 1/sqrt(variance + epsilon), likewise"),
        { .name = "frozen",
          .kind = OPTION_FLAG,
          .to.flag = &settings.frozen,
          .help = "take the running statistics, as constants, for the batch's" },
        OPERAND_OPTION_ROW(operands[RUNNING_MEAN], false, "running mean, for --frozen"),
        OPERAND_OPTION_ROW(operands[RUNNING_VAR], false, "running variance, for --frozen"),
        OPERAND_OPTION_ROW(operands[DX], false, "output: gradient with respect to x"),
        OPERAND_OPTION_ROW(operands[DRESIDUAL], false, "output: gradient with respect to the residual"),
        OPERAND_OPTION_ROW(operands[DGAMMA], false, "output: gradient with respect to gamma"),
        OPERAND_OPTION_ROW(operands[DBETA], false, "output: gradient with respect to beta"),
        { .name = "accumulate",
          .kind = OPTION_REAL,
          .to.real = &settings.accumulate,
          .argument = "FACTOR",
          .real_range = { -FLT_MAX, FLT_MAX },
          .help = "add FACTOR times what the files of --dx, --dgamma and --dbeta hold (default 0: they are replaced)" },
        GHOST_BATCH_OPTION_ROW(job),
        JOB_OF_VALUES_OPTION_ROWS(job),
    };
    const struct command_line command = { "backward", "Compute the gradients of a batch normalization", options,
                                          OPTION_COUNT(options) };
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    return run(&command, &job, &settings);
}
