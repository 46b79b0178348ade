/* SPDX-License-Identifier: MIT */
/* What a training of the residual network shows: a table and a summary for people, a JSON file for programs. */
#ifndef CLBN_TOOL_RESNET_REPORT_H
#define CLBN_TOOL_RESNET_REPORT_H

#include "io/device.h"
#include "io/failure.h"
#include "io/idx.h"
#include "train/resnet_training.h"

#include <stdbool.h>

/* Trains, prints as it goes, and writes the file, unless json_path is NULL. */
bool resnet_report(const struct session *session, const struct idx_set *training_set, const struct idx_set *test_set,
                   const struct resnet_training_options *options, const char *json_path, struct failure *failure);

#endif
