/* The kernels' sources, embedded at build time. */
#ifndef CLBN_KERNEL_SOURCES_H
#define CLBN_KERNEL_SOURCES_H

#include "embedded_file.h"

extern const struct embedded_file bn_kernel_sources[];

#endif
