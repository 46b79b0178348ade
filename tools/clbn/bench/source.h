/* SPDX-License-Identifier: MIT */
/* The kernels of 'clbn bench', embedded at build time: a table that ends with a NULL name. */
#ifndef CLBN_TOOL_BENCH_SOURCE_H
#define CLBN_TOOL_BENCH_SOURCE_H

#include "base/embedded_file.h"

extern const struct embedded_file bench_sources[];

#endif
