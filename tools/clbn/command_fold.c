/* SPDX-License-Identifier: MIT */
/* clbn fold: a layer's weights and bias, NumPy arrays, with the batch normalization behind it put into them. */
#include "commands.h"
#include "io/options.h"
#include "job.h"

#include <clbn.h>
#include <float.h>

enum { WEIGHTS, BIAS, GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR, FOLDED_WEIGHTS, FOLDED_BIAS, OPERAND_COUNT };

static cl_int enqueue_fold(const struct job *job, clbn_plan plan, cl_command_queue queue, cl_event *event)
{
    const struct operand *operands = job->set.operands;
    clbn_fold_args args = CLBN_FOLD_ARGS_INIT;

    args.weights = operand_view(&operands[WEIGHTS]);
    args.bias = operand_view(&operands[BIAS]);
    args.gamma = operand_view(&operands[GAMMA]);
    args.beta = operand_view(&operands[BETA]);
    args.running_mean = operand_view(&operands[RUNNING_MEAN]);
    args.running_var = operand_view(&operands[RUNNING_VAR]);
    args.folded_weights = operand_view(&operands[FOLDED_WEIGHTS]);
    args.folded_bias = operand_view(&operands[FOLDED_BIAS]);
    return clbnEnqueueFold(plan, queue, &args, 0, NULL, event);
}

int command_fold(int argc, char **argv)
{
    struct operand operands[OPERAND_COUNT] = {
        [WEIGHTS] = { .option = "weights", .role = OPERAND_INPUT },
        [BIAS] = { .option = "bias", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [GAMMA] = { .option = "gamma", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [BETA] = { .option = "beta", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [RUNNING_MEAN] = { .option = "running-mean", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [RUNNING_VAR] = { .option = "running-var", .role = OPERAND_INPUT, .kind = OPERAND_VECTOR },
        [FOLDED_WEIGHTS] = { .option = "folded-weights", .role = OPERAND_OUTPUT },
        [FOLDED_BIAS] = { .option = "folded-bias",
                          .role = OPERAND_OUTPUT,
                          .kind = OPERAND_VECTOR,
                          .replaces = &operands[BIAS] },
    };
    struct job job = JOB_INIT(operands, OPERAND_COUNT);
    struct command_option options[] = {
        OPERAND_OPTION_ROW(operands[WEIGHTS], true, "the layer's weights, a .npy file of float16, float32 or float64"),
        OPERAND_OPTION_ROW(operands[BIAS], false, "the layer's bias (default: 0)"),
        OPERAND_OPTION_ROW(operands[RUNNING_MEAN], true, "running mean of the batch normalization"),
        OPERAND_OPTION_ROW(operands[RUNNING_VAR], true, "running variance"),
        OPERAND_OPTION_ROW(operands[GAMMA], false, "scale of each channel (default: 1)"),
        OPERAND_OPTION_ROW(operands[BETA], false, "shift of each channel (default: 0)"),
        OPERAND_OPTION_ROW(operands[FOLDED_WEIGHTS], true, "output: the weights of the layer that does both"),
        OPERAND_OPTION_ROW(operands[FOLDED_BIAS], true, "output: its bias"),
        JOB_OPTION_ROWS(job,
                        "axis of the weights that is the layer's output channels: 0 of (out, in) and (out, in, H, W), 1 of a "
                        "transposed convolution's (in, out, H, W); negative ones count from the last (default 0)"),
    };
    const struct command_line command = { "fold", "Put a batch normalization into the weights and bias of the layer before it",
                                          options, OPTION_COUNT(options) };
    int exit_code;

    job.form.axis = 0;
    job.enqueue = enqueue_fold;
    if (!options_parse(&command, argc, argv, &exit_code))
        return exit_code;
    return job_run(&command, &job);
}
