/* SPDX-License-Identifier: MIT */
#include "io/activation.h"

#include "io/failure.h"

const char *const activation_names[] = { "none", "relu", "leaky_relu", "relu6", "silu", "sigmoid", "tanh", "elu", NULL };

bool can_have_mask(clbn_activation kind)
{
    return kind == CLBN_ACTIVATION_RELU || kind == CLBN_ACTIVATION_LEAKY_RELU || kind == CLBN_ACTIVATION_RELU6;
}

int activation_check(const struct command_line *command, const struct activation *activation)
{
    if (option_given(command, "leaky-slope") && activation->kind != CLBN_ACTIVATION_LEAKY_RELU)
        return usage_error(command, "option --leaky-slope needs --activation leaky_relu");
    if (option_given(command, "elu-alpha") && activation->kind != CLBN_ACTIVATION_ELU)
        return usage_error(command, "option --elu-alpha needs --activation elu");
    return EXIT_DONE;
}

void activation_describe(const struct activation *activation, clbn_plan_desc *desc)
{
    desc->activation = (clbn_activation)activation->kind;
    desc->leaky_slope = activation->leaky_slope;
    desc->elu_alpha = activation->elu_alpha;
}
