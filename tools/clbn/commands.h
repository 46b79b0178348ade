/* SPDX-License-Identifier: MIT */
/* The commands of the tool. Each takes its own name in argv[0] and returns the exit code. */
#ifndef CLBN_TOOL_COMMANDS_H
#define CLBN_TOOL_COMMANDS_H

int command_devices(int argc, char **argv);
int command_forward(int argc, char **argv);
int command_backward(int argc, char **argv);
int command_fold(int argc, char **argv);
int command_train(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_tune(int argc, char **argv);
int command_cache(int argc, char **argv);
int command_verify(int argc, char **argv);

#endif
