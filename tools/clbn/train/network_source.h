/* SPDX-License-Identifier: MIT */
/* The tool's own kernels, embedded at build time: a table that ends with a NULL name. */
#ifndef CLBN_TOOL_NETWORK_SOURCE_H
#define CLBN_TOOL_NETWORK_SOURCE_H

#include "base/embedded_file.h"

extern const struct embedded_file network_sources[];

#endif
