/* SPDX-License-Identifier: MIT */
/* The rows of the enqueue calls: each stands beside its call. */
#ifndef CLBN_ENTRIES_H
#define CLBN_ENTRIES_H

#include "api/entry.h"

extern const struct entry bn_forward_training_entry;
extern const struct entry bn_forward_inference_entry;
extern const struct entry bn_backward_entry;
extern const struct entry bn_backward_frozen_entry;
extern const struct entry bn_fold_entry;
extern const struct entry bn_statistics_entry;
extern const struct entry bn_merge_statistics_entry;
extern const struct entry bn_normalize_entry;
extern const struct entry bn_backward_sums_entry;
extern const struct entry bn_backward_input_entry;
extern const struct entry bn_forward_renorm_entry;
extern const struct entry bn_backward_renorm_entry;

#endif
