/* SPDX-License-Identifier: MIT */
/* The activations, and the options by which commands choose one. */
#ifndef CLBN_TOOL_ACTIVATION_H
#define CLBN_TOOL_ACTIVATION_H

#include "io/options.h"

#include <clbn.h>
#include <float.h>
#include <stdbool.h>

struct activation {
    int kind; /* A clbn_activation. */
    double leaky_slope;
    double elu_alpha;
};

/* None, and the slopes that clbn and PyTorch have by default. */
#define ACTIVATION_INIT                                                                                                        \
    {                                                                                                                          \
        CLBN_ACTIVATION_NONE, 0.01, 1.0                                                                                        \
    }

extern const char *const activation_names[]; /* By clbn_activation; ends with NULL. */

/* Whether a forward can write a mask of it, for the backward. */
bool can_have_mask(clbn_activation kind);

/* The rows of an option table that fill a struct activation. */
#define ACTIVATION_OPTION_ROWS(activation)                                                                                     \
    { .name = "activation",                                                                                                    \
      .kind = OPTION_CHOICE,                                                                                                   \
      .to.choice = &(activation).kind,                                                                                         \
      .choices = activation_names,                                                                                             \
      .help = "the function that forms y, after the residual is added (default none)" },                                       \
        { .name = "leaky-slope",                                                                                               \
          .kind = OPTION_REAL,                                                                                                 \
          .to.real = &(activation).leaky_slope,                                                                                \
          .argument = "SLOPE",                                                                                                 \
          .real_range = { -DBL_MAX, DBL_MAX },                                                                                 \
          .help = "slope of leaky_relu below 0 (default 0.01)" },                                                              \
    {                                                                                                                          \
        .name = "elu-alpha", .kind = OPTION_REAL, .to.real = &(activation).elu_alpha, .argument = "ALPHA",                     \
        .real_range = { 0, DBL_MAX }, .help = "elu tends to minus this (default 1)"                                            \
    }

/* Slopes of an activation that was not chosen make no sense. Returns EXIT_DONE or EXIT_USAGE. */
int activation_check(const struct command_line *command, const struct activation *activation);

void activation_describe(const struct activation *activation, clbn_plan_desc *desc);

#endif
