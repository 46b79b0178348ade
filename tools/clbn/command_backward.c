/* clbn backward: the gradients of forward training, or of inference where the statistics are frozen. */
#include "commands.h"
#include "failure.h"
#include "job.h"
#include "options.h"

#include <clbn.h>
#include <float.h>
#include <stdbool.h>

enum { X, DY, GAMMA, SAVE_MEAN, SAVE_INVSTD, RUNNING_MEAN, RUNNING_VAR, DX, DGAMMA, DBETA, OPERAND_COUNT };

static cl_int enqueue_backward(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event)
{
    const struct operand *operands = job->set.operands;
    clbn_backward_args args = CLBN_BACKWARD_ARGS_INIT;

    args.x = operand_view(&operands[X]);
    args.dy = operand_view(&operands[DY]);
    args.gamma = operand_view(&operands[GAMMA]);
    args.save_mean = operand_view(&operands[SAVE_MEAN]);
    args.save_invstd = operand_view(&operands[SAVE_INVSTD]);
    args.dx = operand_view(&operands[DX]);
    args.dgamma = operand_view(&operands[DGAMMA]);
    args.dbeta = operand_view(&operands[DBETA]);
    return clbnEnqueueBackward(plan, queue, &args, 0, NULL, event);
}

static cl_int enqueue_backward_frozen(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event)
{
    const struct operand *operands = job->set.operands;
    clbn_backward_frozen_args args = CLBN_BACKWARD_FROZEN_ARGS_INIT;

    args.x = operand_view(&operands[X]);
    args.dy = operand_view(&operands[DY]);
    args.gamma = operand_view(&operands[GAMMA]);
    args.running_mean = operand_view(&operands[RUNNING_MEAN]);
    args.running_var = operand_view(&operands[RUNNING_VAR]);
    args.dx = operand_view(&operands[DX]);
    args.dgamma = operand_view(&operands[DGAMMA]);
    args.dbeta = operand_view(&operands[DBETA]);
    return clbnEnqueueBackwardFrozen(plan, queue, &args, 0, NULL, event);
}

/* Combinations that make no sense. Returns EXIT_DONE or EXIT_USAGE. */
static int check_options(const struct command_line *command, const struct operand *operands, bool frozen)
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
    if (frozen && saved)
        return usage_error(command, "options --save-mean and --save-invstd make no sense with --frozen");
    if (operands[DX].path == NULL && operands[DGAMMA].path == NULL && operands[DBETA].path == NULL)
        return usage_error(command, "one of the outputs --dx, --dgamma and --dbeta is required");
    return EXIT_DONE;
}

static int run(const struct command_line *command, struct job *job, bool frozen)
{
    struct failure failure;
    int exit_code = check_options(command, job->set.operands, frozen);

    if (exit_code != EXIT_DONE)
        return exit_code;
    job->enqueue = frozen ? enqueue_backward_frozen : enqueue_backward;
    if (!operands_check_paths(&job->set, &failure))
        return usage_error(command, "%s", failure.sentence);
    if (!job_run(job, &failure)) {
        report_failure(&failure);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

int command_backward(int argc, char **argv)
{
    bool frozen = false;
    struct operand operands[OPERAND_COUNT] = {
        [X] = { .option = "x", .role = OPERAND_INPUT },
        [DY] = { .option = "dy", .role = OPERAND_INPUT },
        [GAMMA] = { .option = "gamma", .role = OPERAND_INPUT, .per_channel = true },
        [SAVE_MEAN] = { .option = "save-mean", .role = OPERAND_INPUT, .per_channel = true },
        [SAVE_INVSTD] = { .option = "save-invstd", .role = OPERAND_INPUT, .per_channel = true },
        [RUNNING_MEAN] = { .option = "running-mean", .role = OPERAND_INPUT, .per_channel = true },
        [RUNNING_VAR] = { .option = "running-var", .role = OPERAND_INPUT, .per_channel = true },
        [DX] = { .option = "dx", .role = OPERAND_OUTPUT },
        [DGAMMA] = { .option = "dgamma", .role = OPERAND_OUTPUT, .per_channel = true },
        [DBETA] = { .option = "dbeta", .role = OPERAND_OUTPUT, .per_channel = true },
    };
    struct job job = { .set = { operands, OPERAND_COUNT }, .axis = 1, .epsilon = 1e-5 };
    struct option options[] = {
        OPERAND_OPTION_ROW(operands[X], true, "the forward pass's input, a .npy file of float32 or float64"),
        OPERAND_OPTION_ROW(operands[DY], true, "gradient of the loss with respect to the forward pass's output"),
        OPERAND_OPTION_ROW(operands[GAMMA], false, "scale of each channel (default: 1)"),
        OPERAND_OPTION_ROW(operands[SAVE_MEAN], false, "the mean that the forward pass saved (default: computed again from x)"),
        OPERAND_OPTION_ROW(operands[SAVE_INVSTD], false, "the 1/sqrt(variance + epsilon), likewise"),
        { .name = "frozen",
          .kind = OPTION_FLAG,
          .to.flag = &frozen,
          .help = "take the running statistics, as constants, for the batch's" },
        OPERAND_OPTION_ROW(operands[RUNNING_MEAN], false, "running mean, for --frozen"),
        OPERAND_OPTION_ROW(operands[RUNNING_VAR], false, "running variance, for --frozen"),
        OPERAND_OPTION_ROW(operands[DX], false, "output: gradient with respect to x"),
        OPERAND_OPTION_ROW(operands[DGAMMA], false, "output: gradient with respect to gamma"),
        OPERAND_OPTION_ROW(operands[DBETA], false, "output: gradient with respect to beta"),
        JOB_OPTION_ROWS(job),
    };
    const struct command_line command = { "backward", "Compute the gradients of a batch normalization", options,
                                          OPTION_COUNT(options) };
    int exit_code;

    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    return run(&command, &job, frozen);
}
